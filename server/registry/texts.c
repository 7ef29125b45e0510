/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/texts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

enum { SLOTS_MIN = 256 };

struct text {
	struct text *next;
	uint32_t hash;
	uint32_t taken;
	char s[];
};

struct texts {
	atomic_int refs;
	struct hash_key key;
	pthread_mutex_t lock; /* over what follows */
	struct text **slots;
	size_t nslots; /* a power of two */
	size_t n;
	size_t bytes;
};

struct texts *
texts_new(const struct hash_key *key)
{
	struct texts *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->slots = calloc(SLOTS_MIN, sizeof(struct text *));
	if (t->slots == NULL) {
		free(t);
		return NULL;
	}
	t->nslots = SLOTS_MIN;
	t->key = *key;
	atomic_init(&t->refs, 1);
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

struct texts *
texts_ref(struct texts *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

/* Who took a text has a reference: none are left. */
void
texts_unref(struct texts *t)
{
	if (t == NULL ||
	    atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t->slots);
	free(t);
}

/* All of these with the lock held. */
static struct text **
slot_of(struct texts *t, uint32_t hash)
{
	return &t->slots[hash & (t->nslots - 1)];
}

static struct text *
find(struct texts *t, const char *s, uint32_t hash)
{
	struct text *x;

	for (x = *slot_of(t, hash); x != NULL; x = x->next)
		if (x->hash == hash && strcmp(x->s, s) == 0)
			return x;
	return NULL;
}

static size_t
size_of(const struct text *x)
{
	return sizeof(*x) + strlen(x->s) + 1 + sizeof(struct text *);
}

/* Where memory is out the chains get longer instead. */
static void
widen(struct texts *t)
{
	struct text **old = t->slots, *x, *next;
	struct text **slots = calloc(t->nslots * 2, sizeof(struct text *));
	const size_t n = t->nslots;
	size_t i;

	if (slots == NULL)
		return;
	t->slots = slots;
	t->nslots *= 2;
	for (i = 0; i < n; i++)
		for (x = old[i]; x != NULL; x = next) {
			next = x->next;
			x->next = *slot_of(t, x->hash);
			*slot_of(t, x->hash) = x;
		}
	free(old);
}

static struct text *
add(struct texts *t, const char *s, uint32_t hash)
{
	const size_t size = strlen(s) + 1;
	struct text *x = malloc(sizeof(*x) + size);

	if (x == NULL)
		return NULL;
	if (t->n >= t->nslots)
		widen(t);
	memcpy(x->s, s, size);
	x->hash = hash;
	x->taken = 0;
	x->next = *slot_of(t, hash);
	*slot_of(t, hash) = x;
	t->n++;
	t->bytes += size_of(x);
	return x;
}

const char *
texts_take(struct texts *t, const char *s)
{
	const uint32_t hash = (uint32_t)hash_text(&t->key, s);
	struct text *x;

	pthread_mutex_lock(&t->lock);
	x = find(t, s, hash);
	if (x == NULL)
		x = add(t, s, hash);
	if (x != NULL)
		x->taken++;
	pthread_mutex_unlock(&t->lock);
	return x == NULL ? NULL : x->s;
}

void
texts_release(struct texts *t, const char *s)
{
	struct text *x, **p;

	if (s == NULL)
		return;
	x = (struct text *)(void *)((uintptr_t)s - offsetof(struct text, s));
	pthread_mutex_lock(&t->lock);
	if (--x->taken == 0) {
		for (p = slot_of(t, x->hash); *p != x; p = &(*p)->next)
			;
		*p = x->next;
		t->n--;
		t->bytes -= size_of(x);
	} else {
		x = NULL;
	}
	pthread_mutex_unlock(&t->lock);
	free(x);
}

size_t
texts_size(struct texts *t)
{
	size_t bytes;

	pthread_mutex_lock(&t->lock);
	bytes = t->bytes;
	pthread_mutex_unlock(&t->lock);
	return bytes;
}
