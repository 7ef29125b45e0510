/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/content.h"

struct content *
content_new(void)
{
	AUTO(arena_free)
	struct arena *mem = arena_new();
	struct content *c = mem ? arena_calloc(mem, 1, sizeof(*c)) : NULL;

	if (c == NULL)
		return NULL;
	atomic_init(&c->refs, 1);
	c->mem = TAKE(mem);
	return c;
}

struct content *
content_ref(struct content *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
content_unref(struct content *c)
{
	if (c == NULL ||
	    atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	image_unref(c->image);
	arena_free(c->entries_mem);
	arena_free(c->mem); /* the content lives in it */
}

size_t
content_size(const struct content *c)
{
	return arena_size(c->mem) +
	       (c->image == NULL ? 0 : arena_size(c->image->mem)) +
	       (c->entries_mem == NULL ? 0 : arena_size(c->entries_mem));
}
