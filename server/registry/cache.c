/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/cache_key.h"
#include "server/registry/cache_state.h"

#include <string.h>
#include <sys/random.h>

enum {
	MS = 1000,
	OUTAGE_MS = 10 * MS, /* that long nobody waits for who has failed */
};

const char *
cache_result_name(enum cache_result r)
{
	static const char *const names[] = {
	    [CACHE_MISS] = "miss",
	    [CACHE_HIT] = "hit",
	    [CACHE_NEGATIVE] = "negative",
	    [CACHE_STALE] = "stale",
	    [CACHE_REFRESH] = "stale",
	};

	return names[r];
}

struct cache *
cache_new(const struct clock *clock)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	/* Guessable only where a kernel has no random numbers yet. */
	(void)!getrandom(&c->hash_key, sizeof(c->hash_key), GRND_NONBLOCK);
	c->texts = texts_new(&c->hash_key);
	if (c->texts == NULL) {
		free(c);
		return NULL;
	}
	c->clock = clock;
	c->generation = 1;
	pthread_mutex_init(&c->lock, NULL);
	TAILQ_INIT(&c->ages);
	return c;
}

size_t
cache_slot(const struct cache *c, const char *key)
{
	return hash_text(&c->hash_key, key) % CACHE_SLOTS;
}

struct entry *
cache_entry(struct cache *c, const char *key)
{
	struct entry *e;

	LIST_FOREACH (e, &c->slots[cache_slot(c, key)], slot)
		if (strcmp(e->key, key) == 0)
			return e;
	return NULL;
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	while (!TAILQ_EMPTY(&c->ages))
		cache_forget(c, TAILQ_FIRST(&c->ages));
	pthread_mutex_destroy(&c->lock);
	texts_unref(c->texts);
	free(c);
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

/*
 * Whether it would be in vain to wait for the registry: it has just failed, or
 * a refresh has had no answer in half of the ttl.
 */
static bool
is_outage(const struct cache *c, const struct entry *e,
    const struct cache_limits *limits)
{
	const int64_t now = c->clock->monotonic_ms(c->clock);

	if (age_of(c, e) >= limits->tag_ttl + limits->stale_for)
		return false;
	if (e->failed_generation == c->generation &&
	    now - e->failed < OUTAGE_MS)
		return true;
	return e->generation == c->generation && e->refreshing &&
	       2 * (now - e->asked) >= limits->tag_ttl * MS;
}

/* What an answer is worth. */
static enum cache_result
rate(const struct cache *c, struct entry *e, const struct cache_limits *limits)
{
	const bool proved = e->generation == c->generation;
	const int64_t age = age_of(c, e);

	if (proved && (cache_key_is_by_digest(e->key) || age < limits->tag_ttl))
		return CACHE_HIT;
	if ((!proved || age >= 2 * limits->tag_ttl) && !is_outage(c, e, limits))
		return CACHE_MISS;
	if (e->refreshing)
		return CACHE_STALE;
	e->refreshing = true;
	e->asked = c->clock->monotonic_ms(c->clock);
	return CACHE_REFRESH;
}

static enum cache_result
look(struct cache *c, struct entry *e, const struct cache_limits *limits,
    struct image_set **set, struct error *err)
{
	enum cache_result r;

	if (e->set == NULL) {
		if (e->generation != c->generation ||
		    age_of(c, e) >= limits->negative_ttl)
			return CACHE_MISS;
		*err = *e->err;
		return CACHE_NEGATIVE;
	}
	r = rate(c, e, limits);
	if (r == CACHE_MISS)
		return r;
	touch(c, e);
	*set = image_set_ref(e->set);
	return r;
}

enum cache_result
cache_find(struct cache *c, const char *key, const struct cache_limits *limits,
    struct image_set **set, struct error *err)
{
	enum cache_result r = CACHE_MISS;
	struct entry *e;

	pthread_mutex_lock(&c->lock);
	e = cache_entry(c, key);
	if (e != NULL)
		r = look(c, e, limits, set, err);
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
	e = cache_entry(c, key);
	if (e != NULL && e->set != NULL) {
		e->refreshing = false;
		e->failed = c->clock->monotonic_ms(c->clock);
		e->failed_generation = c->generation;
		if (age_of(c, e) < limits->tag_ttl + limits->stale_for) {
			touch(c, e);
			*set = image_set_ref(e->set);
			r = CACHE_STALE;
		}
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

bool
cache_lacks_proof(
    struct cache *c, const char *key, const struct cache_limits *limits)
{
	const struct entry *e;
	bool lacks = false;

	pthread_mutex_lock(&c->lock);
	e = cache_entry(c, key);
	if (e != NULL && e->set != NULL && e->generation != c->generation)
		lacks = age_of(c, e) < limits->tag_ttl + limits->stale_for &&
			(cache_key_is_by_digest(e->key) ||
			    age_of(c, e) < 2 * limits->tag_ttl);
	pthread_mutex_unlock(&c->lock);
	return lacks;
}

struct image_set *
cache_known(struct cache *c, const char *key)
{
	struct image_set *set = NULL;
	struct entry *e;

	pthread_mutex_lock(&c->lock);
	e = cache_entry(c, key);
	if (e != NULL && e->set != NULL)
		set = image_set_ref(e->set);
	pthread_mutex_unlock(&c->lock);
	return set;
}

static bool
is_proved(const struct cache *c, const struct fact *f, const char *repository)
{
	const struct hold *h;

	LIST_FOREACH (h, &f->holds, of_fact)
		if (h->entry->generation == c->generation &&
		    cache_key_is_in(h->entry->key, repository))
			return true;
	return false;
}

struct fact *
cache_fact(const struct cache *c, const char *digest, const char *repository)
{
	struct fact *f;

	LIST_FOREACH (f, &c->facts[cache_slot(c, digest)], slot)
		if (strcmp(f->image->digest, digest) == 0 &&
		    (repository == NULL || is_proved(c, f, repository)))
			return f;
	return NULL;
}

struct image *
cache_image(struct cache *c, const char *digest, const char *repository)
{
	struct image *img = NULL;
	const struct fact *f;

	pthread_mutex_lock(&c->lock);
	f = cache_fact(c, digest, repository);
	if (f != NULL)
		img = image_ref(f->image);
	pthread_mutex_unlock(&c->lock);
	return img;
}

void
cache_distrust(struct cache *c)
{
	pthread_mutex_lock(&c->lock);
	c->generation++;
	pthread_mutex_unlock(&c->lock);
}

size_t
cache_bytes(const struct cache *c)
{
	return c->bytes + texts_size(c->texts);
}

void
cache_usage(struct cache *c, size_t *bytes, size_t *entries)
{
	pthread_mutex_lock(&c->lock);
	*bytes = cache_bytes(c);
	*entries = c->entries;
	pthread_mutex_unlock(&c->lock);
}

bool
cache_is_outage(enum err_code code)
{
	return code == ERR_UNAVAILABLE || code == ERR_TIMEOUT ||
	       code == ERR_RATE_LIMITED || code == ERR_TLS ||
	       code == ERR_TRUNCATED || code == ERR_BUSY ||
	       code == ERR_SYSTEM || code == ERR_NOMEM || code == ERR_INTERNAL;
}
