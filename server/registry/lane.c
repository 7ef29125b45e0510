/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/lane.h"

#include <stdlib.h>
#include <string.h>

/* Scheme, host and port: up to the third slash. */
static size_t
origin_length(const char *url)
{
	const char *p;
	int slashes = 0;

	for (p = url; *p != '\0' && *p != '?'; p++)
		if (*p == '/' && ++slashes == 3)
			break;
	return (size_t)(p - url);
}

static struct lane *
find_lane(struct lanes *ls, const char *url)
{
	size_t n = origin_length(url);
	struct lane *l;

	LIST_FOREACH (l, &ls->all, entry)
		if (strlen(l->origin) == n && memcmp(l->origin, url, n) == 0)
			return l;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->origin = strndup(url, n);
	if (l->origin == NULL) {
		free(l);
		return NULL;
	}
	l->limit = LANE_CONNECTIONS;
	TAILQ_INIT(&l->waiting);
	LIST_INSERT_HEAD(&ls->all, l, entry);
	ls->n++;
	return l;
}

int
lane_enter(struct lanes *ls, struct lane_seat *seat, const char *url)
{
	struct lane *l = find_lane(ls, url);

	if (l == NULL)
		return -1;
	*seat = (struct lane_seat){.lane = l};
	TAILQ_INSERT_TAIL(&l->waiting, seat, entry);
	return 0;
}

struct lane_seat *
lane_next(struct lanes *ls)
{
	struct lane_seat *seat;
	struct lane *l;

	LIST_FOREACH (l, &ls->all, entry) {
		seat = TAILQ_FIRST(&l->waiting);
		if (seat == NULL || l->running >= l->limit)
			continue;
		TAILQ_REMOVE(&l->waiting, seat, entry);
		seat->running = true;
		l->running++;
		return seat;
	}
	return NULL;
}

static void
lane_drop(struct lanes *ls, struct lane *l)
{
	LIST_REMOVE(l, entry);
	ls->n--;
	free(l->origin);
	free(l);
}

void
lane_leave(struct lanes *ls, struct lane_seat *seat)
{
	struct lane *l = seat->lane;

	if (seat->running)
		l->running--;
	else
		TAILQ_REMOVE(&l->waiting, seat, entry);
	/* Pod authors choose hosts: only so many idle ones are remembered. */
	if (l->running == 0 && TAILQ_EMPTY(&l->waiting) &&
	    (l->limit == LANE_CONNECTIONS || ls->n > LANES_IDLE_MAX))
		lane_drop(ls, l);
	seat->lane = NULL;
}

void
lane_learn(struct lane_seat *seat, bool http2)
{
	seat->lane->limit = http2 ? LANE_STREAMS : LANE_CONNECTIONS;
}

void
lanes_clear(struct lanes *ls)
{
	struct lane *l;

	while ((l = LIST_FIRST(&ls->all)) != NULL)
		lane_drop(ls, l);
}
