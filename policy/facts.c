/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/facts.h"

#include <string.h>

struct image *
image_new(size_t expected)
{
	AUTO(arena_free) struct arena *mem = arena_new_for(expected);
	struct image *img = mem ? arena_calloc(mem, 1, sizeof(*img)) : NULL;

	if (img == NULL)
		return NULL;
	atomic_init(&img->refs, 1);
	img->mem = TAKE(mem);
	return img;
}

struct image *
image_ref(struct image *img)
{
	atomic_fetch_add_explicit(&img->refs, 1, memory_order_relaxed);
	return img;
}

void
image_unref(struct image *img)
{
	if (img == NULL ||
	    atomic_fetch_sub_explicit(&img->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (img->released != NULL)
		img->released(img->released_arg);
	arena_free(img->mem); /* the image lives in it */
}

const char *
image_layer_instruction(const struct image *img, size_t layer)
{
	size_t i;

	for (i = 0; i < img->nhistory; i++)
		if (img->history[i].layer >= 0 &&
		    (size_t)img->history[i].layer == layer)
			return img->history[i].created_by;
	return NULL;
}

bool
image_layer_is_repeated(const struct image *img, size_t layer)
{
	size_t i;

	for (i = 0; i < layer; i++)
		if (strcmp(img->layers[i].digest, img->layers[layer].digest) ==
		    0)
			return true;
	return false;
}

int64_t
image_first_layers_size(const struct image *img, size_t n)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += img->layers[i].size;
	return sum;
}

struct image_set *
image_set_new(size_t expected)
{
	AUTO(arena_free) struct arena *mem = arena_new_for(expected);
	struct image_set *set = mem ? arena_calloc(mem, 1, sizeof(*set)) : NULL;

	if (set == NULL)
		return NULL;
	atomic_init(&set->refs, 1);
	set->mem = TAKE(mem);
	return set;
}

struct image_set *
image_set_ref(struct image_set *set)
{
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

void
image_set_unref(struct image_set *set)
{
	size_t i;

	if (set == NULL ||
	    atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (i = 0; i < set->n; i++)
		image_unref(set->images[i]);
	arena_free(set->mem);
}

bool
image_set_is_lone(const struct image_set *set)
{
	return set->n == 1 && set->nothers == 0 &&
	       strcmp(set->digest, set->images[0]->digest) == 0;
}

struct image_set *
image_set_narrow(const struct image_set *set, const struct platform_set *nodes)
{
	AUTO(image_set_unref) struct image_set *out = image_set_new(0);
	size_t i;

	if (out == NULL)
		return NULL;
	out->digest = arena_strdup(out->mem, set->digest);
	out->images = arena_calloc(out->mem, set->n, sizeof(struct image *));
	out->others = arena_calloc(out->mem, set->n, sizeof(*out->others));
	if (out->digest == NULL || out->images == NULL || out->others == NULL)
		return NULL;
	for (i = 0; i < set->n; i++) {
		const struct platform *p = &set->images[i]->platform;

		if (image_set_is_lone(set) || platform_set_runs(nodes, p))
			out->images[out->n++] = image_ref(set->images[i]);
		else if (platform_copy(
			     &out->others[out->nothers++], p, out->mem) != 0)
			return NULL;
	}
	return TAKE(out);
}
