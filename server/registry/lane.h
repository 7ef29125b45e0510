/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_LANE_H
#define SERVER_REGISTRY_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

/*
 * How many transfers may be under way to one origin, and who is next. libcurl
 * has a queue of its own, but counts the wait in it against the connection's
 * time-out.
 */

enum {
	LANE_CONNECTIONS = 16, /* HTTP/1.1 */
	LANE_STREAMS = 64,     /* HTTP/2 */
	LANES_IDLE_MAX = 256,  /* remembered to take more than the first */
};

/* A transfer's place in its lane. */
struct lane_seat {
	struct lane *lane;
	TAILQ_ENTRY(lane_seat) entry; /* while it waits */
	bool running;
};

struct lane {
	LIST_ENTRY(lane) entry;
	char *origin;
	int running;
	int limit;
	TAILQ_HEAD(lane_queue, lane_seat) waiting;
};

struct lanes {
	LIST_HEAD(lane_list, lane) all;
	int n;
};

/* Puts it at the end of its origin's lane. Returns 0, or -1 when memory is
 * out. */
int lane_enter(struct lanes *ls, struct lane_seat *seat, const char *url);

/* The next that may run, now counted as running; NULL where none may. */
struct lane_seat *lane_next(struct lanes *ls);

/* It is over, or was waiting. */
void lane_leave(struct lanes *ls, struct lane_seat *seat);

/* The peer was seen to speak HTTP/2, or not. */
void lane_learn(struct lane_seat *seat, bool http2);

void lanes_clear(struct lanes *ls);

#endif
