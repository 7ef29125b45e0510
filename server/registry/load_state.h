/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_LOAD_STATE_H
#define SERVER_REGISTRY_LOAD_STATE_H

#include "certs/digest.h"
#include "server/registry/fetch.h"
#include "server/registry/load.h"
#include "server/registry/store.h"

/* Private to load.c, load_steps.c and load_disk.c. */

struct load {
	LIST_ENTRY(load) entry;
	struct client *client;
	struct arena *mem;
	struct load_request rq;
	char *key;
	char *repository; /* "r.io/team/app" */
	LIST_HEAD(load_waiters, load_waiter) waiters;
	bool telling;
	int64_t deadline; /* the latest of the waiters' */
	struct fetch *fetch;
	const char *moved; /* the digest that HEAD gave for the tag, or NULL */
	/* What is on disk of it: */
	char stored[DIGEST_TEXT_MAX]; /* what the name stood for, or "" */
	int64_t stored_at;            /* seconds since the epoch */
	bool stale;                   /* that has to do: nobody can be asked */
	struct timer timer;           /* gives out the document that follows */
	fetch_done *give;
	struct buf body;
	char type[STORE_TYPE_MAX];
	/* Once there: */
	struct manifest manifest;
	struct arena *parsed;         /* what it stands in */
	struct budget_share share;    /* for that */
	char digest[DIGEST_TEXT_MAX]; /* of the manifest */
};

/* Begins: HEAD where something is known, else GET. Returns 0, or -1 with
 * ERR_NOMEM. */
int load_begin(struct load *l, struct error *err);

/* Reads a document from the disk, if it is there: `done` gets it as if it had
 * been fetched. */
bool load_from_disk(struct load *l, const char *digest, fetch_done *done);

/* Has a document kept there, and what the tag stands for. */
void load_to_disk(struct load *l, const char *digest, const char *type,
    const char *body, size_t len);
void load_tag_to_disk(struct load *l, const char *digest);

/* Fills l->stored: whether the disk has what was asked for. */
bool load_was_on_disk(struct load *l);

/* Whether that is recent enough to be used while nobody can be asked. */
bool load_disk_will_do(const struct load *l);

/* Tells everybody of the config that is to be asked for. False where nobody
 * waits any more: then it is gone. */
bool load_tell(struct load *l, int64_t config_bytes);

/* Ends it: everybody is told, and it is gone. */
void load_finish(
    struct load *l, struct content *content, const struct error *err);

#endif
