/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_EDITS_H
#define TESTS_UNIT_EDITS_H

#include "policy/base/arena.h"
#include "tests/unit/table.h"

#include <jansson.h>

/*
 * A table of documents and thousands of edits of them, with the facts that Go
 * reads in each (tests/tables/documents.go). We read the same facts, or none:
 * to read others would be a way around every rule, since Go runs the pods.
 *
 * `read` is ours: the facts of a document of that kind by where they stand, as
 * "layers.0.size"; a new reference, or NULL where it is refused. `may_lack` is
 * a fact that Go alone may have, or NULL.
 */
void edits_compare(const char *path,
    json_t *(*read)(
	const char *kind, const char *text, size_t len, struct arena *mem),
    const char *may_lack);

/* Adds a fact; steals the value. */
void facts_put(json_t *facts, json_t *value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
