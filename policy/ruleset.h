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
#include <stdint.h>

/*
 * The policy file, parsed. Immutable and reference counted once
 * ruleset_parse() has returned it. Ruleset, rule, container and image in; no
 * I/O, no clock.
 */

enum {
	RULE_NAME_MAX = 63, /* a DNS label */
	RULE_CHECKS_MAX = 32,
	RULESET_RULES_MAX = 10 * 1000,
	RULESET_WAIVERS_MAX = 10 * 1000,
	RULESET_BASES_MAX = 256, /* each is resolved for a decision */
	RULESET_NAME_MAX = 256,  /* of several files' names together */
};

enum mode { MODE_ENFORCE, MODE_WARN, MODE_AUDIT };
enum on_error { ON_ERROR_DENY, ON_ERROR_WARN, ON_ERROR_ALLOW };

/* "enforce", ... and "deny", ...; both end with NULL. */
extern const char *const mode_names[];
extern const char *const on_error_names[];

struct match {
	struct string_list namespaces; /* globs; "!" excludes */
	struct string_list images;     /* over the normalised name */
	struct string_list kinds;
	uint32_t containers;     /* bit per enum container_type; 0: any */
	struct pair_list labels; /* all must be equal */
};

struct check_key;

/* One key under `check` as a rule configures it: which, and its parameters. */
struct demand {
	const struct check_key *key; /* policy/checks/check.h */
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
	/* A demand looks at the image, not only at the reference. */
	bool needs_facts;
	const struct waiver *waivers; /* of this rule: the first, or NULL */
};

/* A dated, owned exception: findings of `rule` lose their effect where the
 * match holds, until `expires`. */
struct waiver {
	const struct rule *rule;
	struct match match;
	const char *owner;
	const char *reason;
	const char *expires_on; /* "2027-01-31": works until its end, UTC */
	int64_t expires;        /* the first second at which it has no effect */
	const struct waiver *next; /* of the same rule, or NULL */
};

enum { WAIVER_SOON_DAYS = 14 };

enum waiver_state { WAIVER_WORKS, WAIVER_ENDS_SOON, WAIVER_EXPIRED };

/* What becomes of a waiver, at `now` in seconds since the epoch. *days: until
 * the day on which it works for the last time; negative when that is past. */
enum waiver_state waiver_state(
    const struct waiver *w, int64_t now, int64_t *days);

struct ruleset {
	atomic_int refs;
	struct arena *mem;
	const char *name;
	char sha256[65]; /* set by the loader (server/gate/policies.h) */
	enum on_error on_error;
	struct platform_set platforms;
	const struct rule *rules;
	size_t nrules;
	const struct waiver *waivers;
	size_t nwaivers;
	/* Every base image that base.allow and base.deny list, once each. A
	 * check knows them by their index here. */
	const struct reference *bases;
	size_t nbases;
};

/* A file of a policy, and where to report what is wrong with it. */
struct ruleset_source {
	const struct document *doc;
	struct diagnostics *diagnostics;
};

/*
 * Reads a policy of `n` documents, at least one, in their order. Rules' names
 * are unique across them, waivers may name any rule, and what holds for all of
 * the policy (mode, onError, platforms) is said alike wherever it is said.
 * Returns a new reference, or NULL where some source has errors (all that is
 * wrong is in their diagnostics; memory running out is one of those).
 * Warnings may stand there on success too.
 */
struct ruleset *ruleset_parse_all(
    const struct ruleset_source *sources, size_t n);

/* The same of one. */
struct ruleset *ruleset_parse(
    const struct document *doc, struct diagnostics *d);
struct ruleset *ruleset_ref(struct ruleset *rs);
void ruleset_unref(struct ruleset *rs);
OWNED(struct ruleset, ruleset_unref)

/*
 * Whether what a rule's or a waiver's match asks of the workload (kind,
 * namespace, labels) holds, and what it asks of a container and its image. It
 * is about the container where both do.
 */
bool match_workload(const struct match *m, const struct workload *w);
bool match_container(const struct match *m, const struct container *c,
    const struct reference *ref);

#endif
