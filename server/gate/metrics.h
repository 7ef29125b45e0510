/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_METRICS_H
#define SERVER_GATE_METRICS_H

#include "policy/base/buf.h"

/*
 * Counters, gauges and histograms in the Prometheus text format 0.0.4. Safe
 * from any thread. Labels are given in the family's order (metrics.c's table);
 * their values come from configuration or from fixed sets, so that nobody
 * outside can grow the number of series; a family that is full all the same
 * takes no new ones.
 */
struct metrics;

enum metric {
	METRIC_REQUESTS,          /* endpoint, code */
	METRIC_REVIEWS,           /* endpoint, operation, verdict */
	METRIC_REVIEW_DURATION,   /* histogram, seconds */
	METRIC_FINDINGS,          /* rule, check, mode */
	METRIC_UNJUDGED,          /* code, verdict */
	METRIC_REGISTRY_REQUESTS, /* registry, kind, code */
	METRIC_REGISTRY_DURATION, /* registry; histogram, seconds */
	METRIC_RATE_LIMIT,        /* registry; gauge */
	METRIC_RATE_REMAINING,    /* registry; gauge */
	METRIC_CACHE_REQUESTS,    /* result */
	METRIC_CACHE_BYTES,       /* gauge */
	METRIC_CACHE_ENTRIES,     /* gauge */
	METRIC_INFLIGHT,          /* gauge */
	METRIC_SHED,              /* none */
	METRIC_POLICY_INFO,       /* name, sha256; gauge */
	METRIC_POLICY_RELOADS,    /* result */
	METRIC_POLICY_LOADED,     /* gauge, seconds since the epoch */
	METRIC_CERT_NOT_AFTER,    /* gauge, seconds since the epoch */
	METRIC_WAIVER_EXPIRY,     /* rule, owner; gauge */
	METRIC_BUILD_INFO,        /* version; gauge */
	METRIC_COUNT,
};

enum { METRICS_TEXT_MAX = 4 * 1024 * 1024 };

struct metrics *metrics_new(void); /* NULL when memory is out */
void metrics_free(struct metrics *m);
OWNED(struct metrics, metrics_free)

/* Counters and gauges; `by` may be negative for gauges. Labels not needed are
 * NULL. */
void metrics_add(struct metrics *m, enum metric which, double by,
    const char *label1, const char *label2, const char *label3);

/* Gauges. */
void metrics_set(struct metrics *m, enum metric which, double value,
    const char *label1, const char *label2);

/* Forgets every series of a family, for info metrics that change. */
void metrics_reset(struct metrics *m, enum metric which);

/* Histograms. */
void metrics_observe(
    struct metrics *m, enum metric which, double seconds, const char *label1);

/* Adds the whole page. Returns 0 or -1. */
int metrics_render(struct metrics *m, struct buf *out);

#endif
