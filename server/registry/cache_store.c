/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/budget.h"
#include "server/registry/cache_key.h"
#include "server/registry/cache_state.h"
#include "server/registry/pack.h"

#include <string.h>

static size_t
fact_size(const struct fact *f)
{
	return sizeof(*f) + arena_size(f->image->mem);
}

/* The very image: another copy of it takes other memory. */
static struct fact *
fact_for(struct cache *c, struct image *img)
{
	struct fact_list *list = &c->facts[cache_slot(c, img->digest)];
	struct fact *f;

	LIST_FOREACH (f, list, slot)
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

void
cache_forget(struct cache *c, struct entry *e)
{
	LIST_REMOVE(e, slot);
	TAILQ_REMOVE(&c->ages, e, age);
	c->bytes -= e->bytes;
	c->entries--;
	entry_free(c, e);
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
	LIST_INSERT_HEAD(&c->slots[cache_slot(c, e->key)], e, slot);
	TAILQ_INSERT_TAIL(&c->ages, e, age);
	c->bytes += e->bytes;
	c->entries++;
}

static void
trim(struct cache *c, size_t bytes)
{
	while (cache_bytes(c) > bytes && !TAILQ_EMPTY(&c->ages))
		cache_forget(c, TAILQ_FIRST(&c->ages));
}

/* Takes the place of what stood under the key. NULL: memory was out. */
static void
replace(
    struct cache *c, const char *key, struct entry *e, struct image_set *set)
{
	struct entry *old = cache_entry(c, key);

	if (e != NULL && hold_all(c, e, set) != 0) {
		entry_free(c, e);
		e = NULL;
	}
	/* Only now: what both hold stays. */
	if (old != NULL)
		cache_forget(c, old);
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
	f = cache_fact(c, img->digest, NULL);
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
	old = cache_entry(c, key);
	if (old != NULL && err->code == ERR_NOT_FOUND)
		cache_forget(c, old);
	else if (old != NULL)
		old->refreshing = false;
	if (e != NULL)
		insert(c, e);
	trim(c, limits->bytes);
	pthread_mutex_unlock(&c->lock);
}
