/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/timer.h"

#include <stddef.h>

void
timer_clear(struct timers *ts, struct timer *t)
{
	if (!t->set)
		return;
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		ts->first = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	else
		ts->last = t->prev;
	t->prev = t->next = NULL;
	t->set = false;
}

/* From the end: most are deadlines, and the newest is the latest. */
void
timer_set(struct timers *ts, struct timer *t, int64_t at)
{
	struct timer *before;

	timer_clear(ts, t);
	t->at = at;
	t->set = true;
	for (before = ts->last; before != NULL; before = before->prev)
		if (before->at <= at)
			break;
	t->prev = before;
	t->next = before == NULL ? ts->first : before->next;
	if (t->next != NULL)
		t->next->prev = t;
	else
		ts->last = t;
	if (before != NULL)
		before->next = t;
	else
		ts->first = t;
}

int64_t
timers_next(const struct timers *ts)
{
	return ts->first == NULL ? INT64_MAX : ts->first->at;
}

void
timers_run(struct timers *ts, int64_t now)
{
	struct timer *t;

	while ((t = ts->first) != NULL && t->at <= now) {
		timer_clear(ts, t);
		t->fire(t->arg);
	}
}
