/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/update.h"

#include <string.h>

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_user(const struct container *a, const struct container *b)
{
	return a->has_run_as_user == b->has_run_as_user &&
	       a->run_as_user == b->run_as_user &&
	       a->run_as_non_root == b->run_as_non_root &&
	       same_text(a->run_as_user_name, b->run_as_user_name);
}

static bool
same_container(const struct container *a, const struct container *b)
{
	return a->type == b->type && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->image, b->image) == 0 && same_user(a, b);
}

static bool
same_placement(const struct workload *a, const struct workload *b)
{
	const struct platform *p = a->platforms.items, *q = b->platforms.items;
	size_t i;

	if (a->host_users_false != b->host_users_false ||
	    a->platforms.n != b->platforms.n)
		return false;
	for (i = 0; i < a->platforms.n; i++)
		if (strcmp(p[i].os, q[i].os) != 0 ||
		    strcmp(p[i].arch, q[i].arch) != 0)
			return false;
	return true;
}

static bool
was_there(const struct container *c, size_t i, const struct workload *old)
{
	size_t j;

	/* Most often it stands where it stood. */
	if (i < old->ncontainers && same_container(c, &old->containers[i]))
		return true;
	for (j = 0; j < old->ncontainers; j++)
		if (same_container(c, &old->containers[j]))
			return true;
	return false;
}

/* The reference at the same name in the same list. */
static const char *
replaced_by(const struct container *c, const struct workload *old)
{
	size_t i;

	for (i = 0; i < old->ncontainers; i++)
		if (old->containers[i].type == c->type &&
		    strcmp(old->containers[i].name, c->name) == 0)
			return old->containers[i].image;
	return NULL;
}

int
update_mark_replaced(struct workload *now, const struct workload *old)
{
	const char *image;
	size_t i;

	for (i = 0; i < now->ncontainers; i++) {
		image = replaced_by(&now->containers[i], old);
		if (image == NULL ||
		    strcmp(image, now->containers[i].image) == 0)
			continue;
		now->containers[i].replaces = arena_strdup(now->mem, image);
		if (now->containers[i].replaces == NULL)
			return -1;
	}
	return 0;
}

void
update_mark_unchanged(struct workload *now, const struct workload *old)
{
	size_t i;

	if (!same_placement(now, old))
		return;
	for (i = 0; i < now->ncontainers; i++)
		now->containers[i].unchanged =
		    was_there(&now->containers[i], i, old);
}
