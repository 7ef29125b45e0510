/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_LOOKUP_H
#define SERVER_REGISTRY_LOOKUP_H

#include "policy/base/clock.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Names that are being resolved, counted. libcurl has a thread for each, which
 * goes on after its transfer was given up, until the system's resolver is done
 * with it: names that are never answered must not make threads without end.
 * For one thread.
 */

enum {
	LOOKUPS_MAX = 256,
	LOOKUP_LEFT_MS = 30 * 1000, /* how long one may go on, given up */
};

struct lookups {
	const struct clock *clock;
	size_t running;
	/* When those that were given up are taken to be over: a ring. */
	int64_t over[LOOKUPS_MAX];
	size_t first, nleft;
};

struct lookup {
	struct lookups *all; /* NULL: it is not counted */
	bool running;
	bool refused; /* for there were too many */
};

/* False: there are too many, it may not begin. */
bool lookup_begin(struct lookup *l);

/* The name is resolved, or cannot be. Without a beginning: nothing. */
void lookup_end(struct lookup *l);

/* Nobody waits for it any more. Likewise. */
void lookup_leave(struct lookup *l);

#endif
