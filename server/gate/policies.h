/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_POLICIES_H
#define SERVER_GATE_POLICIES_H

#include "policy/base/buf.h"
#include "policy/lint.h"

#define POLICIES_DEFAULT "preset:baseline"
#define POLICIES_PRESET "preset:"

/*
 * Where a policy is: files, "preset:NAME"s and folders, of which the .yaml,
 * .yml and .json files count that do not begin with a dot, by name. They are
 * read in this order, as one policy.
 */
enum { POLICIES_MAX = 64, POLICIES_FILES_MAX = 256 };

struct policies {
	const char *paths[POLICIES_MAX]; /* borrowed */
	size_t n;
};

/* Returns 0, or -1 where there are too many. */
int policies_add(struct policies *p, const char *path);

/* "preset:baseline, own/": for people. Returns 0 or -1. */
int policies_text(const struct policies *p, struct buf *b);

/*
 * Reads them. Everything that is wrong is printed into `report`, a line each,
 * and so are warnings, those of lint_policy() too. The ruleset's sha256 is
 * that of the bytes of the file, or where there are several, of the lines that
 * hold theirs: what `sha256sum FILE... | cut -c-64 | sha256sum` prints.
 * Returns a new reference, or NULL.
 */
struct ruleset *policies_load(
    const struct policies *p, int64_t now, enum lint what, struct buf *report);

#endif
