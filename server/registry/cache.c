/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/cache.h"

#include "policy/base/buf.h"

#include <pthread.h>
#include <string.h>
#include <sys/queue.h>

enum { SLOTS = 4096, KEY_MAX = 8192, MS = 1000 };

/* Either what it resolved to, or that it was not there. */
struct entry {
	LIST_ENTRY(entry) slot;
	TAILQ_ENTRY(entry) age;
	char *key;
	struct image_set *set; /* a reference, or NULL: `err` */
	struct error err;
	int64_t at; /* monotonic milliseconds */
	size_t bytes;
};

LIST_HEAD(entry_list, entry);
TAILQ_HEAD(entry_queue, entry);

struct cache {
	const struct clock *clock;
	pthread_mutex_t lock; /* over what follows */
	struct entry_list slots[SLOTS];
	struct entry_queue ages; /* the least recently used first */
	size_t bytes;
	size_t entries;
};

const char *
cache_result_name(enum cache_result r)
{
	static const char *const names[] = {
	    [CACHE_MISS] = "miss",
	    [CACHE_HIT] = "hit",
	    [CACHE_NEGATIVE] = "negative",
	    [CACHE_STALE] = "stale",
	};

	return names[r];
}

struct cache *
cache_new(const struct clock *clock)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->clock = clock;
	pthread_mutex_init(&c->lock, NULL);
	TAILQ_INIT(&c->ages);
	return c;
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	cache_clear(c);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

char *
cache_key(const char *canonical, const struct platform_set *platforms)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(KEY_MAX);
	const struct platform *p;
	size_t i;

	buf_puts(&b, canonical);
	for (i = 0; i < platforms->n; i++) {
		p = &platforms->items[i];
		buf_printf(&b, " %s/%s/%s/%s", p->os, p->arch, p->variant,
		    p->os_version);
	}
	return buf_take(&b);
}

static struct entry_list *
slot_of(struct cache *c, const char *key)
{
	uint32_t h = 2166136261U; /* FNV-1a */

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619U;
	return &c->slots[h % SLOTS];
}

/* All of these with the lock held. */
static struct entry *
find(struct cache *c, const char *key)
{
	struct entry *e;

	LIST_FOREACH(e, slot_of(c, key), slot)
	if (strcmp(e->key, key) == 0)
		return e;
	return NULL;
}

static void
entry_free(struct entry *e)
{
	image_set_unref(e->set);
	free(e->key);
	free(e);
}

static void
forget(struct cache *c, struct entry *e)
{
	LIST_REMOVE(e, slot);
	TAILQ_REMOVE(&c->ages, e, age);
	c->bytes -= e->bytes;
	c->entries--;
	entry_free(e);
}

static size_t
size_of(const struct image_set *set, const char *key)
{
	size_t i, bytes = sizeof(struct entry) + strlen(key) + 1;

	for (i = 0; set != NULL && i < set->n; i++)
		bytes += arena_size(set->images[i]->mem);
	return bytes + (set != NULL ? arena_size(set->mem) : 0);
}

static void
touch(struct cache *c, struct entry *e)
{
	TAILQ_REMOVE(&c->ages, e, age);
	TAILQ_INSERT_TAIL(&c->ages, e, age);
}

/* Seconds since the entry was stored. */
static int64_t
age_of(const struct cache *c, const struct entry *e)
{
	return (c->clock->monotonic_ms(c->clock) - e->at) / MS;
}

static enum cache_result
look(struct cache *c, struct entry *e, bool by_digest,
    const struct cache_limits *limits, struct image_set **set,
    struct error *err)
{
	if (e->set == NULL) {
		if (age_of(c, e) >= limits->negative_ttl)
			return CACHE_MISS;
		*err = e->err;
		return CACHE_NEGATIVE;
	}
	if (!by_digest && age_of(c, e) >= limits->tag_ttl)
		return CACHE_MISS;
	touch(c, e);
	*set = image_set_ref(e->set);
	return CACHE_HIT;
}

enum cache_result
cache_find(struct cache *c, const char *key, bool by_digest,
    const struct cache_limits *limits, struct image_set **set,
    struct error *err)
{
	enum cache_result r = CACHE_MISS;
	struct entry *e;

	pthread_mutex_lock(&c->lock);
	e = find(c, key);
	if (e != NULL)
		r = look(c, e, by_digest, limits, set, err);
	pthread_mutex_unlock(&c->lock);
	return r;
}

enum cache_result
cache_find_stale(struct cache *c, const char *key,
    const struct cache_limits *limits, struct image_set **set)
{
	enum cache_result r = CACHE_MISS;
	struct entry *e;

	pthread_mutex_lock(&c->lock);
	e = find(c, key);
	if (e != NULL && e->set != NULL &&
	    age_of(c, e) < limits->tag_ttl + limits->stale_for) {
		touch(c, e);
		*set = image_set_ref(e->set);
		r = CACHE_STALE;
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

static struct entry *
entry_new(const char *key, struct image_set *set)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->key = strdup(key);
	if (e->key == NULL) {
		free(e);
		return NULL;
	}
	e->set = set != NULL ? image_set_ref(set) : NULL;
	e->bytes = size_of(set, key);
	return e;
}

/* In the place of what stood under its key. NULL is fine. */
static void
insert(struct cache *c, struct entry *e, const char *key)
{
	struct entry *old = find(c, key);

	if (old != NULL)
		forget(c, old);
	if (e == NULL)
		return;
	e->at = c->clock->monotonic_ms(c->clock);
	LIST_INSERT_HEAD(slot_of(c, key), e, slot);
	TAILQ_INSERT_TAIL(&c->ages, e, age);
	c->bytes += e->bytes;
	c->entries++;
}

void
cache_store(struct cache *c, const char *key, struct image_set *set,
    const struct cache_limits *limits)
{
	struct entry *e = entry_new(key, set);

	pthread_mutex_lock(&c->lock);
	insert(c, e, key);
	while (c->bytes > limits->bytes && !TAILQ_EMPTY(&c->ages))
		forget(c, TAILQ_FIRST(&c->ages));
	pthread_mutex_unlock(&c->lock);
}

void
cache_store_failure(struct cache *c, const char *key, const struct error *err)
{
	struct entry *e;

	if (err->code != ERR_NOT_FOUND)
		return;
	e = entry_new(key, NULL);
	if (e != NULL)
		e->err = *err;
	pthread_mutex_lock(&c->lock);
	insert(c, e, key);
	pthread_mutex_unlock(&c->lock);
}

void
cache_clear(struct cache *c)
{
	pthread_mutex_lock(&c->lock);
	while (!TAILQ_EMPTY(&c->ages))
		forget(c, TAILQ_FIRST(&c->ages));
	pthread_mutex_unlock(&c->lock);
}

void
cache_usage(struct cache *c, size_t *bytes, size_t *entries)
{
	pthread_mutex_lock(&c->lock);
	*bytes = c->bytes;
	*entries = c->entries;
	pthread_mutex_unlock(&c->lock);
}

bool
cache_is_outage(enum err_code code)
{
	return code == ERR_UNAVAILABLE || code == ERR_TIMEOUT ||
	       code == ERR_RATE_LIMITED || code == ERR_TLS ||
	       code == ERR_TRUNCATED || code == ERR_SYSTEM ||
	       code == ERR_NOMEM || code == ERR_INTERNAL;
}
