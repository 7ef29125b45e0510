/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_RETRY_H
#define SERVER_REGISTRY_RETRY_H

#include "policy/base/clock.h"
#include "server/registry/transport.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	RETRIES_MAX = 3,
	RETRY_FIRST_MS = 100,           /* doubles with each */
	RETRY_AFTER_MAX = 24 * 60 * 60, /* seconds; what is more is cut */
};

/* Retry-After (RFC 9110 section 10.2.3), in seconds from now; 0 where absent,
 * past or unreadable. */
int retry_after(const char *value, const struct clock *clock);

/*
 * ratelimit-limit and ratelimit-remaining: the number that a list of them
 * begins with ("76;w=21600"); -1 where absent or unreadable.
 */
int64_t retry_ratelimit(const char *value);

/* Whether a status says: not now. */
bool retry_status(long status);

/*
 * How long to wait before try number `tries` (1: the first repetition), in
 * milliseconds; -1: not at all, because there were enough or the deadline
 * comes first. Full jitter, but never sooner than the other side asked for.
 */
int64_t retry_delay(
    int tries, int after_s, int64_t deadline, const struct clock *clock);

/*
 * What an answer that is no success means for its asker: *err is set to
 * ERR_RATE_LIMITED, ERR_UNAVAILABLE or what the transport said, with
 * retry_after filled. `who` is named. Returns whether another try may help.
 */
bool retry_explain(const struct http_answer *a, const char *who,
    const struct clock *clock, struct error *err);

#endif
