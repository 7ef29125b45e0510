/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_RULESET_H
#define POLICY_RULESET_H

#include "policy/base/diagnostics.h"
#include "policy/facts.h"
#include "policy/platform.h"
#include "policy/reference.h"
#include "policy/workload.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The policy file, parsed. Immutable and reference counted once
 * ruleset_parse() has returned it. Ruleset, rule, container and image in; no
 * I/O, no clock.
 */

enum mode { MODE_ENFORCE, MODE_WARN, MODE_AUDIT };
enum on_error { ON_ERROR_DENY, ON_ERROR_WARN, ON_ERROR_ALLOW };

const char *mode_name(enum mode m); /* "enforce" */

struct match {
	struct string_list namespaces; /* globs; "!" excludes */
	struct string_list images;     /* over the normalised name */
	struct string_list kinds;
	struct pair_list labels; /* all must be equal */
};

struct check;

/* One check as a rule configures it: the check and its own parameters. */
struct demand {
	const struct check *check; /* policy/checks/check.h */
	const void *params;
};

struct rule {
	const char *name;
	const char *description; /* "" where absent */
	const char *owner;       /* "" where absent */
	enum mode mode;
	struct match match;
	const struct demand *demands;
	size_t ndemands;
	bool needs_facts; /* a demand looks at the image, not only the reference
			   */
};

struct ruleset {
	atomic_int refs;
	struct arena *mem;
	const char *name;
	char sha256[65]; /* of the file's bytes; set by the loader in
			    server/gate */
	enum on_error on_error;
	struct platform_set platforms;
	const struct rule *rules;
	size_t nrules;
	/* Every base image that base.allow and base.deny list, once each. A
	 * check knows them by their index here. */
	const struct reference *bases;
	size_t nbases;
};

/*
 * Reads one document. Returns a new reference, or NULL where d->errors > 0
 * (all that is wrong is in *d; memory running out is one of those).
 * Warnings may stand in *d on success too.
 */
struct ruleset *
ruleset_parse(const struct document *doc, struct diagnostics *d);
struct ruleset *ruleset_ref(struct ruleset *rs);
void ruleset_unref(struct ruleset *rs);
OWNED(struct ruleset, ruleset_unref)

/*
 * Whether a rule cares about this container of this workload. `ref` is the
 * container's reference, parsed.
 */
bool rule_matches(const struct rule *r, const struct workload *w,
    const struct reference *ref);

#endif
