/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_CACHE_H
#define SERVER_REGISTRY_CACHE_H

#include "policy/base/clock.h"
#include "policy/base/error.h"
#include "policy/facts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What references resolved to, for as long as that may be believed: by digest
 * until evicted, by tag for a while, and longer when the registry cannot be
 * asked. Least recently used ones go when the bound on bytes is reached. Safe
 * from any thread.
 */
struct cache;

struct cache_limits {
	size_t bytes;
	int64_t tag_ttl;   /* seconds, these three */
	int64_t stale_for; /* after its ttl, where the registry fails */
	int64_t negative_ttl;
};

enum cache_result {
	CACHE_MISS,     /* ask the registry */
	CACHE_HIT,      /* *set is a new reference */
	CACHE_NEGATIVE, /* *err says that it is not there */
	CACHE_STALE,    /* *set is a new reference; cache_find_stale() only */
};

const char *cache_result_name(enum cache_result r); /* "hit" */

/* `clock` is borrowed. NULL when memory is out. */
struct cache *cache_new(const struct clock *clock);
void cache_free(struct cache *c);
OWNED(struct cache, cache_free)

/*
 * The key of a reference as resolved for some platforms. Returns new text to
 * free(), or NULL when memory is out.
 */
char *cache_key(const char *canonical, const struct platform_set *platforms);

/* `by_digest`: what the key names cannot change. */
enum cache_result cache_find(struct cache *c, const char *key, bool by_digest,
    const struct cache_limits *limits, struct image_set **set,
    struct error *err);

/* After the registry failed: CACHE_STALE or CACHE_MISS. */
enum cache_result cache_find_stale(struct cache *c, const char *key,
    const struct cache_limits *limits, struct image_set **set);

/* Remembers an outcome; what memory has no room for is forgotten. Of failures
 * only ERR_NOT_FOUND is kept: it forgets what was known. */
void cache_store(struct cache *c, const char *key, struct image_set *set,
    const struct cache_limits *limits);
void cache_store_failure(
    struct cache *c, const char *key, const struct error *err);

void cache_clear(struct cache *c);
void cache_usage(struct cache *c, size_t *bytes, size_t *entries);

/* Whether a failure says nothing about the image: the registry was not there to
 * ask. */
bool cache_is_outage(enum err_code code);

#endif
