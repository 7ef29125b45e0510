/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/pack.h"

#include "policy/history.h"

#include <string.h>

enum { PIECE = 16 }; /* the most that aligning adds to an array */

/* In the arena of what was packed. */
struct packed {
	struct image *img;
	size_t size;         /* of its arrays */
	struct texts *texts; /* a reference */
	bool failed;         /* memory is out: some texts are NULL */
};

typedef void text_fn(struct packed *p, const char **s);

/* The arrays of a packed image are those that were made here. */
static void *
own(const void *array)
{
	return (void *)(uintptr_t)array;
}

static void
each_of_list(struct packed *p, const struct string_list *list, text_fn *fn)
{
	const char **items = own(list->items);
	size_t i;

	for (i = 0; i < list->n; i++)
		fn(p, &items[i]);
}

static void
each_of_pairs(struct packed *p, const struct pair_list *list, text_fn *fn)
{
	struct pair *items = own(list->items);
	size_t i;

	for (i = 0; i < list->n; i++) {
		fn(p, &items[i].key);
		fn(p, &items[i].value);
	}
}

static void
each_of_layers(struct packed *p, text_fn *fn)
{
	const struct image *img = p->img;
	struct layer *layers = own(img->layers);
	struct history *history = own(img->history);
	struct sign *signs = own(img->signs);
	size_t i;

	for (i = 0; i < img->nlayers; i++) {
		fn(p, &layers[i].digest);
		fn(p, &layers[i].media_type);
	}
	for (i = 0; i < img->nhistory; i++) {
		fn(p, &history[i].created_by);
		fn(p, &history[i].comment);
	}
	for (i = 0; i < img->nsigns; i++)
		fn(p, &signs[i].what);
}

/* Every text that an image has. */
static void
each_text(struct packed *p, text_fn *fn)
{
	struct image *img = p->img;
	const char **single[] = {&img->digest, &img->media_type,
	    &img->config_digest, &img->platform.os, &img->platform.arch,
	    &img->platform.variant, &img->platform.os_version, &img->user};
	const struct string_list *lists[] = {&img->diff_ids, &img->env,
	    &img->ports, &img->volumes, &img->entrypoint, &img->cmd};
	size_t i;

	for (i = 0; i < sizeof(single) / sizeof(*single); i++)
		fn(p, single[i]);
	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		each_of_list(p, lists[i], fn);
	each_of_pairs(p, &img->labels, fn);
	each_of_pairs(p, &img->annotations, fn);
	each_of_layers(p, fn);
}

static void
take(struct packed *p, const char **s)
{
	if (*s == NULL)
		return;
	*s = texts_take(p->texts, *s);
	p->failed |= *s == NULL;
}

static void
give_back(struct packed *p, const char **s)
{
	texts_release(p->texts, *s);
}

/* As image.released. */
static void
release(void *arg)
{
	struct packed *p = arg;

	each_text(p, give_back);
	texts_unref(p->texts);
}

/* Of an image that is only measured, the array itself. */
static const void *
copy(struct packed *p, const void *array, size_t n, size_t size)
{
	void *out;

	p->size += n * size + PIECE;
	if (p->img->mem == NULL)
		return array;
	out = arena_calloc(p->img->mem, n, size);
	p->failed |= out == NULL;
	if (out != NULL && n > 0)
		memcpy(out, array, n * size);
	return out;
}

static void
copy_list(struct packed *p, struct string_list *list)
{
	list->items = copy(p, list->items, list->n, sizeof(*list->items));
}

static void
copy_pairs(struct packed *p, struct pair_list *list)
{
	list->items = copy(p, list->items, list->n, sizeof(*list->items));
}

/* All that is known but the texts, which are the same still; not who has it. */
static void
copy_image(struct packed *p, const struct image *from)
{
	const size_t facts = offsetof(struct image, digest);
	struct image *img = p->img;

	memcpy((char *)img + facts, (const char *)from + facts,
	    sizeof(*img) - facts);
	img->layers = copy(p, img->layers, img->nlayers, sizeof(*img->layers));
	img->history =
	    copy(p, img->history, img->nhistory, sizeof(*img->history));
	img->signs = copy(p, img->signs, img->nsigns, sizeof(*img->signs));
	copy_list(p, &img->diff_ids);
	copy_list(p, &img->env);
	copy_list(p, &img->ports);
	copy_list(p, &img->volumes);
	copy_list(p, &img->entrypoint);
	copy_list(p, &img->cmd);
	copy_pairs(p, &img->labels);
	copy_pairs(p, &img->annotations);
}

/* What it takes, so that one piece of memory is enough. */
static size_t
size_of(const struct image *from)
{
	struct image measured = {.mem = NULL};
	struct packed p = {.img = &measured};

	copy_image(&p, from);
	return p.size + sizeof(measured) + sizeof(p);
}

struct image *
image_pack(const struct image *from, struct texts *texts)
{
	AUTO(image_unref) struct image *img = image_new(size_of(from));
	struct packed *p = NULL;

	if (img != NULL)
		p = arena_calloc(img->mem, 1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->img = img;
	p->texts = texts;
	copy_image(p, from);
	if (p->failed)
		return NULL;
	texts_ref(texts);
	img->released = release;
	img->released_arg = p;
	each_text(p, take);
	return p->failed ? NULL : TAKE(img);
}

static size_t
size_of_set(const struct image_set *set)
{
	size_t size = sizeof(*set) + PIECE * 3 + strlen(set->digest) + 1 +
		      set->n * sizeof(struct image *);
	size_t i;

	for (i = 0; i < set->nothers; i++) {
		const struct platform *p = &set->others[i];

		size += sizeof(*p) + strlen(p->os) + strlen(p->arch) +
			strlen(p->variant) + strlen(p->os_version) + 4;
	}
	return size;
}

struct image_set *
image_set_pack(const struct image_set *set, struct image *const *images)
{
	AUTO(image_set_unref)
	struct image_set *out = image_set_new(size_of_set(set));
	size_t i;

	if (out == NULL)
		return NULL;
	out->digest = arena_strdup(out->mem, set->digest);
	out->images = arena_calloc(out->mem, set->n, sizeof(struct image *));
	out->others =
	    arena_calloc(out->mem, set->nothers, sizeof(*out->others));
	if (out->digest == NULL || out->images == NULL || out->others == NULL)
		return NULL;
	for (i = 0; i < set->n; i++)
		out->images[out->n++] = image_ref(images[i]);
	for (i = 0; i < set->nothers; i++)
		if (platform_copy(&out->others[out->nothers++], &set->others[i],
			out->mem) != 0)
			return NULL;
	return TAKE(out);
}
