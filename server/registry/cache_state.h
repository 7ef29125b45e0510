/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_CACHE_STATE_H
#define SERVER_REGISTRY_CACHE_STATE_H

#include "policy/base/hash.h"
#include "server/registry/cache.h"
#include "server/registry/texts.h"

#include <pthread.h>
#include <sys/queue.h>

/* Private to cache.c, which answers, and cache_store.c, which keeps. */

enum { CACHE_SLOTS = 4096 };

LIST_HEAD(hold_list, hold);

/* An image, and the answers that hold it. */
struct fact {
	LIST_ENTRY(fact) slot;
	struct hold_list holds; /* never empty */
	struct image *image;    /* a reference */
};

/* One answer's hold on one image. */
struct hold {
	LIST_ENTRY(hold) of_fact;
	struct fact *fact;
	const struct entry *entry;
};

/* Either what it resolved to, or that it was not there. */
struct entry {
	LIST_ENTRY(entry) slot;
	TAILQ_ENTRY(entry) age;
	char *key;
	struct image_set *set; /* a reference, or NULL: `err` */
	struct error *err;
	int64_t at; /* monotonic milliseconds */
	uint64_t generation;
	bool refreshing;
	int64_t asked;  /* when that began; these three as `at` */
	int64_t failed; /* when the registry was last not there to ask */
	uint64_t failed_generation; /* by which settings; 0: never */
	size_t bytes;               /* its own, without the images */
	size_t nholds;
	struct hold holds[];
};

LIST_HEAD(fact_list, fact);
LIST_HEAD(entry_list, entry);
TAILQ_HEAD(entry_queue, entry);

struct cache {
	const struct clock *clock;
	struct hash_key hash_key;
	struct texts *texts;  /* of all packed images */
	pthread_mutex_t lock; /* over what follows */
	struct entry_list slots[CACHE_SLOTS];
	struct fact_list facts[CACHE_SLOTS]; /* by digest */
	struct entry_queue ages;             /* the least recently used first */
	uint64_t generation;                 /* of the settings */
	size_t bytes;
	size_t entries;
};

size_t cache_slot(const struct cache *c, const char *key);

/* All of these with the lock held. */
struct entry *cache_entry(struct cache *c, const char *key);

/* Any of the copies that may be shown in `repository`; NULL: in some. */
struct fact *cache_fact(
    const struct cache *c, const char *digest, const char *repository);

void cache_forget(struct cache *c, struct entry *e);

/* Of all that is kept. */
size_t cache_bytes(const struct cache *c);

#endif
