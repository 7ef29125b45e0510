/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "policy/ruleset.h"

/*
 * What a policy may say and can hardly mean: warnings at their place. What is
 * wrong, ruleset_parse_all() has refused before.
 */
enum lint {
	LINT_NOTHING,
	LINT_WAIVERS, /* those that have expired, or will within two weeks */
	LINT_ALL,     /* and rules and limits that can never say anything */
};

/* `rs` is what the sources were parsed into; `now` is in seconds since the
 * epoch. Memory running out leaves out a warning. */
void lint_policy(const struct ruleset_source *sources, size_t n,
    const struct ruleset *rs, int64_t now, enum lint what);

enum { LINT_LIST_MAX = 1000 }; /* longer lists are not compared */

/*
 * Warns of globs that what the same list excludes swallows. `any` is a glob
 * that matches all that the list can be asked about. Returns whether the list
 * matches nothing at all.
 */
bool lint_globs(struct diagnostics *d, const struct node *n,
    const struct string_list *globs, const char *any);

/* Whether all that glob `b` matches is matched by glob `a`; may say no where
 * it is so after all. Neither has a '!'. */
bool lint_covers(const char *a, const char *b);

#endif
