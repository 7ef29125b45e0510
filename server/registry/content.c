/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/content.h"

struct content *
content_new(enum manifest_kind kind, const char *digest, const char *media_type)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct content *c = mem ? arena_calloc(mem, 1, sizeof(*c)) : NULL;

	if (c == NULL)
		return NULL;
	atomic_init(&c->refs, 1);
	c->kind = kind;
	c->digest = arena_strdup(mem, digest);
	c->media_type = arena_strdup(mem, media_type);
	if (c->digest == NULL || c->media_type == NULL)
		return NULL;
	c->mem = TAKE(mem);
	return c;
}

struct content *
content_of_image(struct image *img)
{
	struct content *c =
	    content_new(MANIFEST_IMAGE, img->digest, img->media_type);

	if (c != NULL)
		c->image = image_ref(img);
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
	budget_release(&c->share);
	arena_free(c->mem); /* the content lives in it */
}
