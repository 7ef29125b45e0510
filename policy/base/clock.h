/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_CLOCK_H
#define POLICY_BASE_CLOCK_H

#include <stdint.h>

/*
 * Time, passed in: server/gate owns the real one, tests their own. Safe from
 * any thread.
 */
struct clock {
	int64_t (*monotonic_ms)(const struct clock *c); /* never goes back */
	int64_t (*monotonic_us)(const struct clock *c); /* the same, finer */
	int64_t (*wall_s)(const struct clock *c);       /* since the epoch */
};

#endif
