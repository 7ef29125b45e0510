/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/lookup.h"

static int64_t
now(const struct lookups *ls)
{
	return ls->clock->monotonic_ms(ls->clock);
}

bool
lookup_begin(struct lookup *l)
{
	struct lookups *ls = l->all;

	if (ls == NULL || l->running)
		return true;
	while (ls->nleft > 0 && ls->over[ls->first] <= now(ls)) {
		ls->first = (ls->first + 1) % LOOKUPS_MAX;
		ls->nleft--;
	}
	l->refused = ls->running + ls->nleft >= LOOKUPS_MAX;
	if (l->refused)
		return false;
	l->running = true;
	ls->running++;
	return true;
}

void
lookup_end(struct lookup *l)
{
	if (!l->running)
		return;
	l->running = false;
	l->all->running--;
}

void
lookup_leave(struct lookup *l)
{
	struct lookups *ls = l->all;

	if (!l->running)
		return;
	lookup_end(l);
	ls->over[(ls->first + ls->nleft++) % LOOKUPS_MAX] =
	    now(ls) + LOOKUP_LEFT_MS;
}
