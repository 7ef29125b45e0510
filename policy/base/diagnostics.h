/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_DIAGNOSTICS_H
#define POLICY_BASE_DIAGNOSTICS_H

#include "policy/base/document.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Everything that is wrong with a file, collected so that a person sees all
 * of it at once.
 */
enum { DIAGNOSTICS_MAX = 100 }; /* more are counted, not kept */

struct diagnostic {
	bool warning;
	struct mark at;
	char *path;    /* "rules[0].check.size.max"; "" for the file */
	char *message; /* one sentence without a full stop */
};

struct diagnostics {
	const char *file; /* borrowed; names the file in messages */
	struct diagnostic *items;
	size_t len;
	size_t errors; /* of them, those dropped included */
	size_t dropped;
};

void diagnostics_init(struct diagnostics *d, const char *file);
void diagnostics_clear(struct diagnostics *d);
OWNED_IN_PLACE(struct diagnostics, diagnostics_clear)

/* At a node's value (its key, for _key). Out of memory counts as dropped:
 * `errors` is right all the same. */
void diagnostics_error(struct diagnostics *d, const struct node *n,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void diagnostics_error_key(struct diagnostics *d, const struct node *n,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void diagnostics_warn(struct diagnostics *d, const struct node *n,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* At a place, without a node (syntax errors). */
void diagnostics_error_at(struct diagnostics *d, struct mark at,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* One line each: "file:3:9: error: rules[0].check.size.max: ...\n", in the
 * order of the file. Returns 0 or -1. */
int diagnostics_print(const struct diagnostics *d, struct buf *out);

/*
 * The walk that policy and config share: reports an unknown key of a mapping
 * with the nearest of `known` (ends with NULL), or that the node is not a
 * mapping. Returns false when it is not a mapping at all.
 */
bool diagnostics_check_keys(
    struct diagnostics *d, const struct node *n, const char *const *known);

#endif
