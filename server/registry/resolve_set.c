/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/arena.h"
#include "server/registry/resolve_state.h"

#include <string.h>

bool
job_wants(const struct job *j, const struct platform *p)
{
	return strcmp(p->os, "unknown") != 0 &&
	       platform_set_runs(&j->platforms, p);
}

static bool
has_image(const struct image_set *set, const struct image *img)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (strcmp(set->images[i]->digest, img->digest) == 0)
			return true;
	return false;
}

static int
add_other(struct image_set *set, const struct platform *p)
{
	size_t i;

	if (strcmp(p->os, "unknown") == 0)
		return 0;
	for (i = 0; i < set->nothers; i++)
		if (platform_equal(&set->others[i], p))
			return 0;
	return platform_copy(&set->others[set->nothers++], p, set->mem);
}

/* One that no index led to is run whatever it claims to be for. Of others
 * runtimes go by what the index says, where it does (job_wants() was asked
 * before the image was): an old config lacks the variant, an evil one has
 * another. */
static int
add_image(const struct job *j, struct image_set *set, const struct node_load *n)
{
	struct image *img = n->content->image;

	if (n->listed != NULL && !n->listed->has_platform &&
	    !job_wants(j, &img->platform))
		return add_other(set, &img->platform);
	if (!has_image(set, img))
		set->images[set->n++] = image_ref(img);
	return 0;
}

/* The images under one load, in the order of the indexes. */
static int
collect(const struct job *j, struct image_set *set, const struct node_load *n)
{
	const struct content *c = n->content;
	const struct node_load *child;
	size_t i;

	if (c->kind == MANIFEST_IMAGE)
		return add_image(j, set, n);
	for (i = 0; i < c->nentries; i++)
		if (c->entries[i].has_platform && !c->entries[i].is_index &&
		    !job_wants(j, &c->entries[i].platform) &&
		    add_other(set, &c->entries[i].platform) != 0)
			return -1;
	STAILQ_FOREACH (child, &j->nodes, entry)
		if (child->parent == n && collect(j, set, child) != 0)
			return -1;
	return 0;
}

static size_t
count_entries(const struct job *j)
{
	const struct node_load *n;
	size_t entries = 1;

	STAILQ_FOREACH (n, &j->nodes, entry)
		entries += n->content->nentries;
	return entries;
}

struct image_set *
job_result(const struct job *j)
{
	AUTO(image_set_unref) struct image_set *set = image_set_new(0);
	const struct node_load *first = STAILQ_FIRST(&j->nodes);
	size_t n = count_entries(j);

	if (set == NULL)
		return NULL;
	set->digest = arena_strdup(set->mem, first->content->digest);
	set->images = arena_calloc(set->mem,
	    n > CHILD_MANIFESTS_MAX ? CHILD_MANIFESTS_MAX : n,
	    sizeof(struct image *));
	set->others = arena_calloc(set->mem, n, sizeof(*set->others));
	if (set->digest == NULL || set->images == NULL || set->others == NULL ||
	    collect(j, set, first) != 0)
		return NULL;
	return TAKE(set);
}
