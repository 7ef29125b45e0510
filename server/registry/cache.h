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
 * What references resolved to, for as long as that may be believed.
 *
 * An answer stands under its reference and platforms. By digest it is good
 * until it is evicted; by tag for `tag_ttl`, then for as long again while the
 * registry is asked anew behind it, and for `stale_for` where that cannot be
 * asked: found out once, that is taken for granted for some seconds, while the
 * registry is tried behind it. Images are held once, by digest, whichever
 * answers have them, and go with the last of those. The answers least recently
 * used go when the bound on bytes is reached.
 *
 * That a repository's answer holds an image is the proof that the credentials
 * of that repository may read it. They follow from the settings: new settings
 * leave the facts, but everything has to be proved again (cache_distrust()).
 *
 * Safe from any thread.
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
	CACHE_STALE,    /* *set is a new reference, past its ttl */
	CACHE_REFRESH,  /* likewise, and it is on the caller to ask anew */
};

/* The metric's and the log's word: "hit", "miss", "negative", "stale". */
const char *cache_result_name(enum cache_result r);

/* `clock` is borrowed. NULL when memory is out. */
struct cache *cache_new(const struct clock *clock);
void cache_free(struct cache *c);
OWNED(struct cache, cache_free)

/* `key` is of cache_key.h. CACHE_REFRESH comes once; then CACHE_STALE, until an
 * outcome is stored or the refresh is given up. */
enum cache_result cache_find(struct cache *c, const char *key,
    const struct cache_limits *limits, struct image_set **set,
    struct error *err);

/* After the registry failed, which is remembered: CACHE_STALE or CACHE_MISS. */
enum cache_result cache_find_stale(struct cache *c, const char *key,
    const struct cache_limits *limits, struct image_set **set);

/* Whether what is known is as recent as an answer may be, and only has to be
 * proved again. */
bool cache_lacks_proof(
    struct cache *c, const char *key, const struct cache_limits *limits);

/* What it was last, however long ago: it may still be so. A new reference, or
 * NULL. */
struct image_set *cache_known(struct cache *c, const char *key);

/* An image by digest; where `repository` ("r.io/team/app") is given only if
 * proved there. A new reference, or NULL. */
struct image *cache_image(
    struct cache *c, const char *digest, const char *repository);

/* Remembers an outcome, that of a tag by its digest too; what memory has no
 * room for is forgotten. Of failures only ERR_NOT_FOUND is kept: it forgets
 * what was known. */
void cache_store(struct cache *c, const char *key, const struct image_set *set,
    const struct cache_limits *limits);
void cache_store_failure(struct cache *c, const char *key,
    const struct error *err, const struct cache_limits *limits);

/* All answers have to be proved anew before they count, but in an outage. */
void cache_distrust(struct cache *c);
void cache_usage(struct cache *c, size_t *bytes, size_t *entries);

/* Whether a failure says nothing about the image: the registry was not there to
 * ask. */
bool cache_is_outage(enum err_code code);

#endif
