/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/lane.h"

#include <stdlib.h>
#include <string.h>

static struct lane_seat *
seat_of(struct transfer *x)
{
	return (struct lane_seat *)(void *)x;
}

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

	for (l = ls->all; l != NULL; l = l->next)
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
	l->next = ls->all;
	ls->all = l;
	ls->n++;
	return l;
}

int
lane_enter(struct lanes *ls, struct transfer *x, const char *url)
{
	struct lane_seat *seat = seat_of(x);
	struct lane *l = find_lane(ls, url);

	if (l == NULL)
		return -1;
	*seat = (struct lane_seat){.lane = l};
	if (l->first == NULL)
		l->first = seat;
	else
		l->last->next = seat;
	l->last = seat;
	return 0;
}

struct transfer *
lane_next(struct lanes *ls)
{
	struct lane_seat *seat;
	struct lane *l;

	for (l = ls->all; l != NULL; l = l->next) {
		seat = l->first;
		if (seat == NULL || l->running >= l->limit)
			continue;
		l->first = seat->next;
		seat->next = NULL;
		seat->running = true;
		l->running++;
		return (struct transfer *)(void *)seat;
	}
	return NULL;
}

static void
unlink_waiting(struct lane *l, struct lane_seat *seat)
{
	struct lane_seat **p, *before = NULL;

	for (p = &l->first; *p != NULL; p = &(*p)->next) {
		if (*p == seat) {
			*p = seat->next;
			if (l->last == seat)
				l->last = before;
			return;
		}
		before = *p;
	}
}

static void
lane_drop(struct lanes *ls, struct lane *l)
{
	struct lane **p;

	for (p = &ls->all; *p != l; p = &(*p)->next)
		;
	*p = l->next;
	ls->n--;
	free(l->origin);
	free(l);
}

void
lane_leave(struct lanes *ls, struct transfer *x)
{
	struct lane_seat *seat = seat_of(x);
	struct lane *l = seat->lane;

	if (seat->running)
		l->running--;
	else
		unlink_waiting(l, seat);
	/* Pod authors choose hosts: only so many idle ones are remembered. */
	if (l->running == 0 && l->first == NULL &&
	    (l->limit == LANE_CONNECTIONS || ls->n > LANES_IDLE_MAX))
		lane_drop(ls, l);
	seat->lane = NULL;
}

void
lane_learn(struct transfer *x, bool http2)
{
	seat_of(x)->lane->limit = http2 ? LANE_STREAMS : LANE_CONNECTIONS;
}

void
lanes_clear(struct lanes *ls)
{
	while (ls->all != NULL)
		lane_drop(ls, ls->all);
}
