/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_TIMER_H
#define SERVER_REGISTRY_TIMER_H

#include <stdbool.h>
#include <stdint.h>

/* What is to happen at a time of the monotonic clock. Setting one never fails;
 * for one thread. */
struct timer {
	struct timer *prev;
	struct timer *next;
	int64_t at;
	bool set;
	void (*fire)(void *arg); /* once, and it is not set any more */
	void *arg;
};

struct timers {
	struct timer *first; /* soonest */
	struct timer *last;
};

/* Sets it, or moves it. Equal times fire in the order of setting. */
void timer_set(struct timers *ts, struct timer *t, int64_t at);
void timer_clear(struct timers *ts, struct timer *t); /* not set: fine */

/* When the next is due; INT64_MAX: never. */
int64_t timers_next(const struct timers *ts);

/* Fires what is due at `now`. What is set meanwhile may fire too. */
void timers_run(struct timers *ts, int64_t now);

#endif
