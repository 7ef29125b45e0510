/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/timer.h"

void
timer_clear(struct timers *ts, struct timer *t)
{
	if (t->set)
		TAILQ_REMOVE(ts, t, entry);
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
	TAILQ_FOREACH_REVERSE (before, ts, timers, entry)
		if (before->at <= at)
			break;
	if (before == NULL)
		TAILQ_INSERT_HEAD(ts, t, entry);
	else
		TAILQ_INSERT_AFTER(ts, before, t, entry);
}

int64_t
timers_next(const struct timers *ts)
{
	return TAILQ_EMPTY(ts) ? INT64_MAX : TAILQ_FIRST(ts)->at;
}

void
timers_run(struct timers *ts, int64_t now)
{
	struct timer *t;

	while ((t = TAILQ_FIRST(ts)) != NULL && t->at <= now) {
		timer_clear(ts, t);
		t->fire(t->arg);
	}
}
