/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_TIMER_H
#define SERVER_REGISTRY_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* What is to happen at a time of the monotonic clock. Setting one never fails;
 * for one thread. */
struct timer {
	TAILQ_ENTRY(timer) entry;
	int64_t at;
	bool set;
	void (*fire)(void *arg); /* once, and it is not set any more */
	void *arg;
};

TAILQ_HEAD(timers, timer); /* the soonest first; begins with TAILQ_INIT() */

/* Sets it, or moves it. Equal times fire in the order of setting. */
void timer_set(struct timers *ts, struct timer *t, int64_t at);
void timer_clear(struct timers *ts, struct timer *t); /* not set: fine */

/* When the next is due; INT64_MAX: never. */
int64_t timers_next(const struct timers *ts);

/* Fires what is due at `now`. What is set meanwhile may fire too. */
void timers_run(struct timers *ts, int64_t now);

#endif
