/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_LOAD_H
#define SERVER_REGISTRY_LOAD_H

#include "server/registry/client.h"
#include "server/registry/content.h"

/* As long as that a registry is waited for where it is only to say that what is
 * known, or was before a restart, still holds. */
enum { LOAD_PROOF_MS = 1000 };

/*
 * From a name (a tag or digest of a repository) to content: fetched, verified,
 * read; an image with its config. Everybody who wants the same at the same time
 * waits for one load.
 */

struct load_request {
	const char *host;
	const char *path;
	const char *tag;    /* or NULL */
	const char *digest; /* or NULL; the one or the other */
	/* The digest it had before: whether it still has it is asked first, by
	 * HEAD. NULL: nothing is known. */
	const char *known;
	int64_t size; /* as an index announces it; -1: unknown */
	struct registry_settings *settings; /* borrowed; reference taken */
};

/* `content` is borrowed, or NULL with *err. Both are NULL where it is what was
 * known. */
typedef void load_done(
    void *arg, struct content *content, const struct error *err);

/* An image's config is about to be asked for: the bytes that it is said to
 * have. May call load_leave(). */
typedef void load_announce(void *arg, int64_t config_bytes);

/* Its asker's; zeroed while it waits for nothing. */
struct load_waiter {
	struct load *load;
	LIST_ENTRY(load_waiter) entry;
	load_announce *announce; /* not for who joined later than that */
	bool told;
	load_done *done;
	void *arg;
	int64_t deadline;
};

/* w->announce, done, arg and deadline are set. Returns 0, or -1 with ERR_NOMEM:
 * `done` will not run. */
int load_join(struct client *c, const struct load_request *rq,
    struct load_waiter *w, struct error *err);

/* It has until then. */
void load_extend(struct load_waiter *w, int64_t deadline);

/* Whether somebody else waits for the same. */
bool load_is_shared(const struct load_waiter *w);

/* `timed_out`: its time is over. Without waiters the load is given up. */
void load_leave(struct load_waiter *w, bool timed_out);

#endif
