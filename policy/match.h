/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_MATCH_H
#define POLICY_MATCH_H

#include "policy/read.h"
#include "policy/reference.h"
#include "policy/ruleset.h"

/* Which containers a rule or a waiver is about. */

/* The kinds that it may name; ends with NULL. */
extern const char *const match_kinds[];

/* Reads a `match` mapping. What is wrong is reported; *out is usable all
 * the same. */
void match_parse(struct reader *r, const struct node *n, struct match *out);

/* A glob over common names (policy/reference.h): itself, or a copy in `mem`
 * with docker.io for another of its names; NULL when memory is out. */
const char *match_common_glob(const char *glob, struct arena *mem);

/* Whether a list of globs over names matches. An empty one does not. */
bool match_name(const struct string_list *globs, const struct reference *ref);

#endif
