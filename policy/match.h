/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_MATCH_H
#define POLICY_MATCH_H

#include "policy/read.h"
#include "policy/reference.h"
#include "policy/ruleset.h"

/* Which containers a rule or a waiver is about. */

/* A key of `match` as people read of it. */
struct match_key {
	const char *name;
	const char *value; /* "a list of globs" */
	const char *about; /* what it holds for: a sentence */
};

/* Ends with name NULL. */
extern const struct match_key match_keys[];

/* The kinds that it may name, and the types of containers, in the order of
 * enum container_type; both end with NULL. */
extern const char *const match_kinds[];
extern const char *const match_containers[];

/* Reads a `match` mapping. What is wrong is reported; *out is usable all
 * the same. */
void match_parse(struct reader *r, const struct node *n, struct match *out);

/* A glob over common names (policy/reference.h): itself, or a copy in `mem`
 * where its host has another; NULL when memory is out. */
const char *match_common_glob(const char *glob, struct arena *mem);

/* Whether workloads of a kind may match. */
bool match_kind(const struct match *m, const char *kind);

/* Whether a list of globs over names matches. An empty one does not. */
bool match_name(const struct string_list *globs, const struct reference *ref);

#endif
