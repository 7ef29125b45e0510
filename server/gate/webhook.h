/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_WEBHOOK_H
#define SERVER_GATE_WEBHOOK_H

#include "server/gate/gate.h"
#include "server/gate/log.h"
#include "server/gate/metrics.h"

/*
 * The admission webhook without its transport: the bytes of a request in, a
 * decision, the bytes of the answer out; one log line and the counters.
 */
struct webhook_options {
	const struct clock *clock; /* all borrowed, outlive the webhook */
	struct gate *gate;
	const struct log *log;
	struct metrics *metrics;
	const char *own_namespace; /* its pods are not judged; NULL: none */
	size_t max_inflight;       /* more at once are answered 503 */
	/* What would deny any other kind than a pod is but warned of: its pods
	 * are what is denied. */
	bool advise_workloads;
};

struct webhook;
struct webhook *webhook_new(const struct webhook_options *o);
/* Only when no call is under way. */
void webhook_free(struct webhook *w);
OWNED(struct webhook, webhook_free)

/*
 * Milliseconds that a decision may take when the caller allows `timeout`, a
 * Go duration (NULL, unreadable, zero or negative: 10 s; over 30 s: 30 s), less
 * a margin for the way back: a fifth, from 250 ms to 1 s.
 */
int64_t webhook_budget_ms(const char *timeout);

struct webhook_answer {
	unsigned status;          /* of HTTP */
	const char *content_type; /* static */
	int retry_after;          /* seconds; 0: none */
	char *body;               /* free() it; NULL when memory is out */
	size_t len;
};

/* One request being answered. */
struct webhook_call;

/* Validating decides; mutating never denies, it pins what was judged. */
enum webhook_endpoint { WEBHOOK_VALIDATE, WEBHOOK_MUTATE };

/*
 * Starts a call; everything passed is borrowed until this returns. `ready` runs
 * exactly once, on this thread before the return or on the registry's
 * thread, where it must not block; the call is its from then on, to be
 * given to webhook_finish().
 * Returns 0, or -1 when memory is out; `ready` never runs then.
 */
typedef void webhook_ready(void *arg, struct webhook_call *c);
int webhook_start(struct webhook *w, enum webhook_endpoint endpoint,
    const char *body, size_t len, const char *timeout, webhook_ready *ready,
    void *arg);

/* Judges, encodes, logs and counts; ends the call. */
void webhook_finish(struct webhook_call *c, struct webhook_answer *a);

#endif
