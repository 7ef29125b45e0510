/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CHECKS_CHECK_H
#define POLICY_CHECKS_CHECK_H

#include "policy/base/diagnostics.h"
#include "policy/evaluate.h"
#include "policy/ruleset.h"

/*
 * One check: one file in this folder and one line in the table of checks.c.
 * A file may hold the few checks of one key ("size": max, maxLayer).
 */

/* What a check parses with. */
struct check_parser {
	struct arena *mem;
	struct diagnostics *diagnostics;
	/* Registers a base image, once per reference; returns its index in
	 * ruleset.bases, or -1 after reporting at `n`. */
	int (*add_base)(struct check_parser *p, const struct node *n);
};

/* What a check looks at. */
struct subject {
	const struct plan *plan;
	const struct container *container;
	const struct reference *ref;
	const struct image *image; /* NULL for checks on the reference */
	const struct report_platform *platform; /* likewise */
};

/* Where findings go: a check fills one per breach. */
struct findings;

/*
 * Adds a finding; the texts are sanitised, shortened and copied.
 * Returns 0, or -1 when memory is out.
 */
int findings_add(struct findings *out, const char *actual, const char *limit,
    const char *evidence, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

struct check {
	const char *name;  /* "size.max": key and sub-key in the policy file */
	bool needs_facts;  /* false: judged from the reference alone */
	bool guards_fetch; /* an enforced finding keeps the image unfetched */
	const char *measures; /* one sentence, for people */
	const char *fix;      /* one sentence in the imperative */
	/* The value under the check's name; NULL after reporting. */
	const void *(*parse)(struct check_parser *p, const struct node *value);
	/* 0, or -1 when memory is out. */
	int (*evaluate)(
	    const void *params, const struct subject *s, struct findings *out);
};

/* Ends with NULL. */
extern const struct check *const checks[];

#endif
