/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include "policy/base/buf.h"

#include <jansson.h>

/* The table of checks (policy/checks/check.h) as people and editors read it:
 * all of this comes from there. */

enum { EXPLAIN_BYTES_MAX = 256 * 1024 };

/* One line per check. Returns 0 or -1. */
int explain_list(struct buf *b);

/*
 * All that is known of a key ("size"), a check ("size.max"), a detector
 * ("build-tools") or "match", as text of at most 78 columns. Returns 1, 0 where
 * there is none of that name, or -1.
 */
int explain_check(struct buf *b, const char *name);

/* The nearest of the names that explain_check() knows, or NULL. */
const char *explain_nearest(const char *name);

/* The reference as Markdown: what a match says, and a part for each key.
 * Returns 0 or -1. */
int explain_markdown(struct buf *b);

/* A JSON Schema (draft 7) of policy files: a new reference, NULL when memory
 * is out. */
json_t *explain_schema(void);

#endif
