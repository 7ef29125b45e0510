/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_WARNING_H
#define SERVER_REGISTRY_WARNING_H

#include "policy/base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a registry wants people to read: headers Warning: 299 - "text" (OCI
 * distribution specification v1.1, Warnings). They are passed on, and change
 * nothing.
 */

enum {
	WARNING_BYTES_MAX = 4096, /* of one answer, all of them */
	WARNING_AGAIN_MS = 60 * 60 * 1000,
	WARNINGS_HOST_MAX = 16, /* of one host within that time */
	WARNINGS_MAX = 1024,    /* of all */
};

/* Which were passed on of late; zeroed at first. */
struct warnings {
	struct {
		uint64_t host; /* hashes, both */
		uint64_t hash;
		int64_t until;
	} said[WARNINGS_MAX];
};

/*
 * The text of the warning at *value, a header's, into *out; moves past it.
 * Returns false at the end, or where what follows is not such a warning.
 */
bool warning_next(const char **value, struct buf *out);

/* Whether it is to be passed on at `now`, in milliseconds: not where it was
 * within the hour, nor where the host had its share or all had theirs. It then
 * counts as passed on. */
bool warning_is_new(
    struct warnings *w, const char *host, const char *text, int64_t now);

#endif
