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

/*
 * The name that globs see. docker.io goes by several names of one registry
 * (index.docker.io, registry-1.docker.io); all are docker.io here, so that a
 * rule about it cannot be walked around. Returns ref->name, or `space`.
 */
const char *match_common_name(
    const struct reference *ref, char space[static REFERENCE_MAX + 1]);

/* The same for a glob: itself, or a copy in `mem`; NULL when memory is out. */
const char *match_common_glob(const char *glob, struct arena *mem);

/* Whether a list of globs over names matches. An empty one does not. */
bool match_name(const struct string_list *globs, const struct reference *ref);

#endif
