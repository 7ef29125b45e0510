/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_STORE_H
#define SERVER_REGISTRY_STORE_H

#include "policy/base/buf.h"
#include "policy/base/clock.h"
#include "policy/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What registries sent, on disk, so that a program that starts again need not
 * ask for all of it: manifests, indexes and configs, by repository and digest,
 * and what tags stood for. It is a cache: whatever is lost is asked for again.
 *
 * Nothing in it is trusted. Bytes count only where they have their digest, and
 * are read as strictly as a registry's; what a tag stood for is asked for
 * before it counts. A file that is damaged or something else is thrown away.
 *
 * Reading happens on the caller's thread, from one thread at a time; writing on
 * a thread of its own, behind a queue with a bound: what does not fit is not
 * kept. A disk that fails, or takes too long, is not used any more.
 */
struct store;

enum {
	STORE_BYTES_MAX = 256 * 1024 * 1024, /* of the file, about */
	STORE_QUEUE_BYTES_MAX = 32 * 1024 * 1024,
	/* Longer documents are rare, and not kept. */
	STORE_DOCUMENT_MAX = 64 * 1024,
	STORE_SLOW_MS = 500, /* one reading that takes longer is the last */
};

struct store_options {
	const char *dir;           /* made where it is missing */
	const struct clock *clock; /* borrowed */
	/* Something went wrong; from any thread. May be NULL. */
	void (*warn)(void *arg, const char *event, const char *detail);
	void *arg;
};

/* NULL with *err: ERR_SYSTEM, ERR_NOMEM. */
struct store *store_open(const struct store_options *o, struct error *err);
void store_close(struct store *s); /* waits for what is queued */
OWNED(struct store, store_close)

/*
 * A document of a repository ("r.io/team/app") with this digest. `type` is as
 * it was put ("" at most); its room is the caller's.
 */
enum { STORE_TYPE_MAX = 256 };
bool store_get(struct store *s, const char *repository, const char *digest,
    char type[static STORE_TYPE_MAX], struct buf *body);

/* What a tag stood for, when it was asked for last, in seconds since the
 * epoch. */
bool store_get_tag(struct store *s, const char *repository, const char *tag,
    char *digest, size_t size, int64_t *when);

/* These copy, and say nothing of success. `type` may be NULL. */
void store_put(struct store *s, const char *repository, const char *digest,
    const char *type, const void *body, size_t len);
void store_put_tag(struct store *s, const char *repository, const char *tag,
    const char *digest);

#endif
