/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/bases.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = RULESET_BASES_MAX };

/* One name; the first of its sets is what it means now. */
struct remembered {
	char *name; /* NULL: free */
	uint64_t used;
	struct image_set *sets[PLAN_OLDER_MAX + 1];
	size_t n;
};

struct base_memory {
	pthread_mutex_t lock; /* guards all below */
	uint64_t now;         /* counts calls */
	struct remembered names[NAMES_MAX];
};

struct base_memory *
base_memory_new(void)
{
	struct base_memory *m = calloc(1, sizeof(*m));

	if (m != NULL)
		pthread_mutex_init(&m->lock, NULL);
	return m;
}

static void
forget(struct remembered *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		image_set_unref(r->sets[i]);
	free(r->name);
	*r = (struct remembered){.name = NULL};
}

void
base_memory_free(struct base_memory *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < NAMES_MAX; i++)
		forget(&m->names[i]);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* The name's place; a new one is a free one, or the one that was not asked for
 * the longest. NULL when memory is out. */
static struct remembered *
place_of(struct base_memory *m, const char *name)
{
	struct remembered *r, *oldest = &m->names[0];
	size_t i;

	for (i = 0; i < NAMES_MAX; i++) {
		r = &m->names[i];
		if (r->name != NULL && strcmp(r->name, name) == 0)
			return r;
		if (r->used < oldest->used)
			oldest = r;
	}
	forget(oldest);
	oldest->name = strdup(name);
	return oldest->name == NULL ? NULL : oldest;
}

/* Puts a set first; one that was there moves up, the last may drop out. */
static void
put_first(struct remembered *r, struct image_set *set)
{
	struct image_set *kept = image_set_ref(set);
	size_t i, at;

	for (at = 0; at < r->n; at++)
		if (strcmp(r->sets[at]->digest, set->digest) == 0)
			break;
	if (at == PLAN_OLDER_MAX + 1)
		at--;
	if (at < r->n)
		image_set_unref(r->sets[at]);
	else
		r->n++;
	for (i = at; i > 0; i--)
		r->sets[i] = r->sets[i - 1];
	r->sets[0] = kept;
}

static void
hand_out(const struct remembered *r, struct plan_base *b)
{
	size_t i;

	for (i = 1; i < r->n; i++)
		b->older[b->nolder++] = image_set_ref(r->sets[i]);
}

void
base_memory_fill(struct base_memory *m, const char *name, struct plan_base *b)
{
	struct remembered *r;

	if (b->facts == NULL)
		return; /* which of them is today's cannot be told */
	pthread_mutex_lock(&m->lock);
	r = place_of(m, name);
	if (r != NULL) {
		r->used = ++m->now;
		put_first(r, b->facts);
		hand_out(r, b);
	}
	pthread_mutex_unlock(&m->lock);
}
