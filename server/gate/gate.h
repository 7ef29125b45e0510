/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_GATE_H
#define SERVER_GATE_GATE_H

#include "policy/base/clock.h"
#include "policy/evaluate.h"
#include "server/registry/registry.h"

/*
 * The gate decides: the current ruleset, one workload, the facts that the
 * registry client brings, one verdict. The webhook and the command line both
 * stand on it, so they cannot differ.
 */
struct gate;

struct gate_options {
	const struct clock *clock; /* borrowed, outlives the gate */
	struct registry *registry; /* borrowed, outlives the gate */
	bool discreet; /* do not tell blocked addresses from dead ones */
};

/* Takes a reference on `rules`. NULL when memory is out. */
struct gate *gate_new(const struct gate_options *o, struct ruleset *rules);
/* Only when no decision is under way. */
void gate_free(struct gate *g);
OWNED(struct gate, gate_free)

/* Decisions that start later are made by these rules. From any thread. */
void gate_set_rules(struct gate *g, struct ruleset *rules);

/* One decision under way or made. */
struct decision;

/*
 * Starts deciding. Takes the workload over. `deadline` is in the clock's
 * monotonic milliseconds. `ready` runs exactly once, when every fact has
 * arrived or the deadline has: on the calling thread before this returns, or on
 * the registry's thread, where it must not block. The decision is `ready`'s
 * from then on. Returns 0, or -1 with *err (ERR_NOMEM); `ready` never runs
 * then.
 */
typedef void decision_ready(void *arg, struct decision *d);
int gate_decide(struct gate *g, struct workload *w, int64_t deadline,
    decision_ready *ready, void *arg, struct error *err);

/*
 * The judgement, made at the first call; borrowed from the decision.
 * NULL with *err set (ERR_NOMEM): not judged.
 */
const struct report *decision_report(struct decision *d, struct error *err);

/* How the facts of the report's image number `i` came: "hit", "miss" (fetched),
 * "stale", "negative"; NULL: none were asked for. */
const char *decision_source(struct decision *d, size_t i);

void decision_free(struct decision *d);
OWNED(struct decision, decision_free)

#endif
