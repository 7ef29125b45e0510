/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_LOAD_STATE_H
#define SERVER_REGISTRY_LOAD_STATE_H

#include "certs/digest.h"
#include "server/registry/fetch.h"
#include "server/registry/load.h"

/* Private to load.c and load_steps.c. */

struct load {
	struct load *next;
	struct client *client;
	struct arena *mem;
	struct load_request rq;
	char *key;
	char *repository; /* "r.io/team/app" */
	struct load_waiter *waiters;
	bool telling;
	int64_t deadline; /* the latest of the waiters' */
	struct fetch *fetch;
	const char *moved; /* the digest that HEAD gave for the tag, or NULL */
	/* Once there: */
	struct manifest manifest;
	struct arena *parsed;         /* what it stands in */
	struct budget_share share;    /* for that */
	char digest[DIGEST_TEXT_MAX]; /* of the manifest */
};

/* Begins: HEAD where something is known, else GET. Returns 0, or -1 with
 * ERR_NOMEM. */
int load_begin(struct load *l, struct error *err);

/* Tells everybody. False where nobody waits any more: then it is gone. */
bool load_tell(struct load *l, int64_t config_bytes);

/* Ends it: everybody is told, and it is gone. */
void load_finish(
    struct load *l, struct content *content, const struct error *err);

#endif
