/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/own.h"
#include "server/registry/retry.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <time.h>

enum { NOW_S = 1800000000, NOW_MS = 5000, DIGITS_MAX = 9 };

static int64_t
wall(const struct clock *c)
{
	(void)c;
	return NOW_S;
}

static int64_t
monotonic(const struct clock *c)
{
	(void)c;
	return NOW_MS;
}

static int
clamp(int64_t s)
{
	return s < 0 ? 0 : s > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : (int)s;
}

/* The one form of date that is to be written (RFC 9110 section 5.6.7), as libc
 * reads it: it writes it the same. */
static void
check_date(const char *value, int seconds)
{
	static const char form[] = "%a, %d %b %Y %H:%M:%S GMT";
	struct tm tm = {0};
	const char *end = strptime(value, form, &tm);
	char again[64];
	time_t at;

	if (end == NULL || *end != '\0' || tm.tm_year < 70)
		return;
	at = timegm(&tm);
	if (strftime(again, sizeof(again), form, &tm) == 0 ||
	    strcmp(again, value) != 0)
		return;
	MUST(seconds == clamp((int64_t)at - NOW_S));
}

static void
check_digits(const char *value, int seconds)
{
	size_t n = strspn(value, "0123456789");

	if (n == 0 || value[n] != '\0')
		return;
	MUST(seconds == (n > DIGITS_MAX ? RETRY_AFTER_MAX
					: clamp(strtol(value, NULL, 10))));
}

/* A wait asked for is kept, or there is none. */
static void
check_delay(const struct clock *clock, int seconds)
{
	const int64_t deadline = NOW_MS + 30 * 1000;
	int64_t ms = retry_delay(1, seconds, deadline, clock);

	MUST(ms == -1 || (ms >= seconds * 1000LL && NOW_MS + ms < deadline));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct clock clock = {.monotonic_ms = monotonic, .wall_s = wall};
	AUTO(free) char *value = strndup((const char *)data, size);
	int seconds;

	if (value == NULL)
		return 0;
	seconds = retry_after(value, &clock);
	MUST(seconds >= 0 && seconds <= RETRY_AFTER_MAX);
	check_digits(value, seconds);
	check_date(value, seconds);
	check_delay(&clock, seconds);
	return 0;
}
