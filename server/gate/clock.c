/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/clock.h"

#include <time.h>

static int64_t
real_monotonic_us(const struct clock *c)
{
	struct timespec ts;

	(void)c;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 * 1000 + ts.tv_nsec / 1000;
}

static int64_t
real_monotonic_ms(const struct clock *c)
{
	return real_monotonic_us(c) / 1000;
}

static int64_t
real_wall_s(const struct clock *c)
{
	struct timespec ts;

	(void)c;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

const struct clock clock_real = {
    .monotonic_ms = real_monotonic_ms,
    .monotonic_us = real_monotonic_us,
    .wall_s = real_wall_s,
};
