/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/cache.h"

#include "policy/base/hash.h"
#include "server/registry/budget.h"
#include "server/registry/cache_key.h"
#include "server/registry/pack.h"
#include "server/registry/texts.h"

#include <pthread.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

enum {
	SLOTS = 4096,
	MS = 1000,
	OUTAGE_MS = 10 * MS, /* that long nobody waits for who has failed */
};

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
	struct entry_list slots[SLOTS];
	struct fact_list facts[SLOTS]; /* by digest */
	struct entry_queue ages;       /* the least recently used first */
	uint64_t generation;           /* of the settings */
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

static size_t
slot_of(const struct cache *c, const char *key)
{
	return hash_text(&c->hash_key, key) % SLOTS;
}

/* All of these with the lock held. */
static struct entry *
find(struct cache *c, const char *key)
{
	struct entry *e;

	LIST_FOREACH(e, &c->slots[slot_of(c, key)], slot)
	if (strcmp(e->key, key) == 0)
		return e;
	return NULL;
}

static size_t
fact_size(const struct fact *f)
{
	return sizeof(*f) + arena_size(f->image->mem);
}

/* The very image: another copy of it takes other memory. */
static struct fact *
fact_for(struct cache *c, struct image *img)
{
	struct fact_list *list = &c->facts[slot_of(c, img->digest)];
	struct fact *f;

	LIST_FOREACH(f, list, slot)
	if (f->image == img)
		return f;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->image = image_ref(img);
	LIST_INSERT_HEAD(list, f, slot);
	c->bytes += fact_size(f);
	return f;
}

static void
release(struct cache *c, struct hold *h)
{
	struct fact *f = h->fact;

	LIST_REMOVE(h, of_fact);
	if (!LIST_EMPTY(&f->holds))
		return;
	LIST_REMOVE(f, slot);
	c->bytes -= fact_size(f);
	image_unref(f->image);
	free(f);
}

/* Releases an entry that stands in no list. */
static void
entry_free(struct cache *c, struct entry *e)
{
	while (e->nholds > 0)
		release(c, &e->holds[--e->nholds]);
	image_set_unref(e->set);
	free(e->err);
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
	entry_free(c, e);
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	while (!TAILQ_EMPTY(&c->ages))
		forget(c, TAILQ_FIRST(&c->ages));
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
	e = find(c, key);
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
	e = find(c, key);
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

struct image_set *
cache_known(struct cache *c, const char *key)
{
	struct image_set *set = NULL;
	struct entry *e;

	pthread_mutex_lock(&c->lock);
	e = find(c, key);
	if (e != NULL && e->set != NULL)
		set = image_set_ref(e->set);
	pthread_mutex_unlock(&c->lock);
	return set;
}

static bool
is_proved(const struct cache *c, const struct fact *f, const char *repository)
{
	const struct hold *h;

	LIST_FOREACH(h, &f->holds, of_fact)
	if (h->entry->generation == c->generation &&
	    cache_key_is_in(h->entry->key, repository))
		return true;
	return false;
}

/* Any of the copies that may be shown. */
static struct fact *
find_fact(const struct cache *c, const char *digest, const char *repository)
{
	struct fact *f;

	LIST_FOREACH(f, &c->facts[slot_of(c, digest)], slot)
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
	f = find_fact(c, digest, repository);
	if (f != NULL)
		img = image_ref(f->image);
	pthread_mutex_unlock(&c->lock);
	return img;
}

static struct entry *
entry_new(const char *key, size_t nimages)
{
	size_t size = sizeof(struct entry) + nimages * sizeof(struct hold);
	struct entry *e = calloc(1, size);

	if (e == NULL)
		return NULL;
	e->key = strdup(key);
	if (e->key == NULL) {
		free(e);
		return NULL;
	}
	e->bytes = size + strlen(key) + 1;
	return e;
}

/* Returns 0, or -1 when memory is out. */
static int
hold_all(struct cache *c, struct entry *e, struct image_set *set)
{
	struct hold *h;
	size_t i;

	e->set = image_set_ref(set);
	e->bytes += arena_size(set->mem);
	for (i = 0; i < set->n; i++) {
		h = &e->holds[i];
		h->entry = e;
		h->fact = fact_for(c, set->images[i]);
		if (h->fact == NULL)
			return -1;
		LIST_INSERT_HEAD(&h->fact->holds, h, of_fact);
		e->nholds++;
	}
	return 0;
}

/* In the place of what stood under its key. */
static void
insert(struct cache *c, struct entry *e)
{
	e->at = c->clock->monotonic_ms(c->clock);
	e->generation = c->generation;
	LIST_INSERT_HEAD(&c->slots[slot_of(c, e->key)], e, slot);
	TAILQ_INSERT_TAIL(&c->ages, e, age);
	c->bytes += e->bytes;
	c->entries++;
}

static size_t
bytes_held(const struct cache *c)
{
	return c->bytes + texts_size(c->texts);
}

static void
trim(struct cache *c, size_t bytes)
{
	while (bytes_held(c) > bytes && !TAILQ_EMPTY(&c->ages))
		forget(c, TAILQ_FIRST(&c->ages));
}

/* Takes the place of what stood under the key. NULL: memory was out. */
static void
replace(
    struct cache *c, const char *key, struct entry *e, struct image_set *set)
{
	struct entry *old = find(c, key);

	if (e != NULL && hold_all(c, e, set) != 0) {
		entry_free(c, e);
		e = NULL;
	}
	/* Only now: what both hold stays. */
	if (old != NULL)
		forget(c, old);
	if (e != NULL)
		insert(c, e);
}

/*
 * What is kept of an image: a copy that is held already, else a new one. What
 * is large stays as it is, as it goes with its share of the budget. A new
 * reference.
 */
static struct image *
keep_image(struct cache *c, struct image *img)
{
	struct image *kept = NULL;
	const struct fact *f;

	pthread_mutex_lock(&c->lock);
	f = find_fact(c, img->digest, NULL);
	if (f != NULL && strcmp(f->image->media_type, img->media_type) == 0)
		kept = image_ref(f->image);
	pthread_mutex_unlock(&c->lock);
	if (kept == NULL && arena_size(img->mem) <= BUDGET_SMALL)
		kept = image_pack(img, c->texts);
	return kept != NULL ? kept : image_ref(img);
}

/* NULL when memory is out. */
static struct image_set *
keep_set(struct cache *c, const struct image_set *set)
{
	AUTO(free) struct image **images = calloc(set->n, sizeof(*images));
	struct image_set *kept;
	size_t i;

	if (images == NULL)
		return NULL;
	for (i = 0; i < set->n; i++)
		images[i] = keep_image(c, set->images[i]);
	kept = image_set_pack(set, images);
	for (i = 0; i < set->n; i++)
		image_unref(images[i]);
	return kept;
}

void
cache_store(struct cache *c, const char *key, const struct image_set *set,
    const struct cache_limits *limits)
{
	AUTO(free) char *by = NULL;
	AUTO(image_set_unref) struct image_set *kept = keep_set(c, set);
	struct entry *e = NULL, *also = NULL;

	if (kept != NULL)
		e = entry_new(key, kept->n);
	if (e != NULL && !cache_key_is_by_digest(key))
		by = cache_key_by_digest(key, kept->digest);
	if (by != NULL)
		also = entry_new(by, kept->n);
	pthread_mutex_lock(&c->lock);
	if (also != NULL)
		replace(c, by, also, kept);
	replace(c, key, e, kept);
	trim(c, limits->bytes);
	pthread_mutex_unlock(&c->lock);
}

/* NULL where it is not kept, or memory is out. */
static struct entry *
negative_new(const char *key, const struct error *err)
{
	struct entry *e = err->code == ERR_NOT_FOUND ? entry_new(key, 0) : NULL;

	if (e == NULL)
		return NULL;
	e->err = malloc(sizeof(*e->err));
	if (e->err == NULL) {
		free(e->key);
		free(e);
		return NULL;
	}
	*e->err = *err;
	e->bytes += sizeof(*e->err);
	return e;
}

void
cache_store_failure(struct cache *c, const char *key, const struct error *err,
    const struct cache_limits *limits)
{
	struct entry *e = negative_new(key, err), *old;

	pthread_mutex_lock(&c->lock);
	old = find(c, key);
	if (old != NULL && err->code == ERR_NOT_FOUND)
		forget(c, old);
	else if (old != NULL)
		old->refreshing = false;
	if (e != NULL)
		insert(c, e);
	trim(c, limits->bytes);
	pthread_mutex_unlock(&c->lock);
}

void
cache_distrust(struct cache *c)
{
	pthread_mutex_lock(&c->lock);
	c->generation++;
	pthread_mutex_unlock(&c->lock);
}

void
cache_usage(struct cache *c, size_t *bytes, size_t *entries)
{
	pthread_mutex_lock(&c->lock);
	*bytes = bytes_held(c);
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
