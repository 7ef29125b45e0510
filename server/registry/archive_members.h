/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_ARCHIVE_MEMBERS_H
#define SERVER_REGISTRY_ARCHIVE_MEMBERS_H

#include "certs/digest.h"
#include "policy/base/arena.h"
#include "policy/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is in a tar archive, compressed or not, read once from front to end.
 * Nothing is written anywhere; names are only compared.
 */
struct member {
	const char *name; /* without a leading "./" */
	const char *link; /* the name it is another one of, or NULL */
	char digest[DIGEST_TEXT_MAX]; /* sha256 */
	int64_t size;
	int64_t pulled;   /* size, or what gzip makes of it */
	bool compressed;  /* gzip or zstd already */
	const char *data; /* the content, where it may be JSON; or NULL */
};

struct members {
	struct arena *mem;
	struct member *items;
	size_t n;
	size_t cap;
};

/* Returns 0, or -1 with *err: ERR_SYSTEM, ERR_SYNTAX (no archive, broken, a
 * name that leads out of it), ERR_LIMIT (local.h), ERR_NOMEM. */
int members_read(struct members *all, const char *file, struct error *err);

/* By name, through links. NULL: there is none. */
const struct member *members_find(const struct members *all, const char *name);

void members_clear(struct members *all);
OWNED_IN_PLACE(struct members, members_clear)

#endif
