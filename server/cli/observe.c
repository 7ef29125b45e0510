/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/observe.h"

#include <stdio.h>

static void
observe_exchange(
    void *arg, const char *label, const char *kind, long status, int64_t ms)
{
	const struct watching *s = arg;
	char code[16];

	snprintf(code, sizeof(code), "%ld", status);
	metrics_add(s->metrics, METRIC_REGISTRY_REQUESTS, 1, label, kind, code);
	metrics_observe(
	    s->metrics, METRIC_REGISTRY_DURATION, (double)ms / 1000, label);
}

static void
observe_ratelimit(
    void *arg, const char *label, int64_t limit, int64_t remaining)
{
	const struct watching *s = arg;

	if (limit >= 0)
		metrics_set(
		    s->metrics, METRIC_RATE_LIMIT, (double)limit, label, NULL);
	if (remaining >= 0)
		metrics_set(s->metrics, METRIC_RATE_REMAINING,
		    (double)remaining, label, NULL);
}

static void
observe_cache(void *arg, const char *result, size_t bytes, size_t entries)
{
	const struct watching *s = arg;

	metrics_add(s->metrics, METRIC_CACHE_REQUESTS, 1, result, NULL, NULL);
	metrics_set(s->metrics, METRIC_CACHE_BYTES, (double)bytes, NULL, NULL);
	metrics_set(
	    s->metrics, METRIC_CACHE_ENTRIES, (double)entries, NULL, NULL);
}

static void
observe_log(void *arg, const char *level, const char *event, const char *host,
    const char *detail)
{
	const struct watching *s = arg;
	enum log_level l = LOG_WARN;

	log_level_parse(level, &l);
	log_event(
	    s->log, l, event, ":s :s", "registry", host, "detail", detail);
}

struct registry_observer
observe_registry(struct watching *w)
{
	return (struct registry_observer){
	    .exchange = observe_exchange,
	    .ratelimit = observe_ratelimit,
	    .cache = observe_cache,
	    .log = observe_log,
	    .arg = w,
	};
}
