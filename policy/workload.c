/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/workload.h"

struct workload *
workload_new(void)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct workload *w = mem ? arena_calloc(mem, 1, sizeof(*w)) : NULL;

	if (w == NULL)
		return NULL;
	w->kind = w->namespace = w->name = "";
	w->mem = TAKE(mem);
	return w;
}

void
workload_free(struct workload *w)
{
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < w->ncontainers; i++)
		image_set_unref(w->containers[i].known);
	json_decref(w->tree);
	arena_free(w->mem); /* the workload lives in it */
}

struct workload *
workload_of_image(const char *reference, const char *namespace)
{
	AUTO(workload_free) struct workload *w = workload_new();
	struct container *c;

	if (w == NULL)
		return NULL;
	c = arena_calloc(w->mem, 1, sizeof(*c));
	w->kind = "Image";
	w->namespace = arena_strdup(w->mem, namespace);
	if (c == NULL || w->namespace == NULL)
		return NULL;
	c->name = "";
	c->path = "image";
	c->image = arena_strdup(w->mem, reference);
	if (c->image == NULL)
		return NULL;
	w->containers = c;
	w->ncontainers = 1;
	return TAKE(w);
}
