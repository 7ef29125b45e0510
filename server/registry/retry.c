/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/retry.h"

#include "policy/base/buf.h"
#include "policy/base/units.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { RATELIMIT_DIGITS_MAX = 15 };

int
retry_after(const char *value, const struct clock *clock)
{
	size_t digits;
	int64_t s;

	if (value == NULL)
		return 0;
	digits = strspn(value, "0123456789");
	if (digits > 0 && value[digits] == '\0') {
		s = digits > 9 ? RETRY_AFTER_MAX : strtol(value, NULL, 10);
	} else {
		s = curl_getdate(value, NULL);
		if (s == -1)
			return 0;
		s -= clock->wall_s(clock);
	}
	if (s < 0)
		return 0;
	return s > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : (int)s;
}

int64_t
retry_ratelimit(const char *value)
{
	size_t digits;

	if (value == NULL)
		return -1;
	digits = strspn(value, "0123456789");
	if (digits == 0 || digits > RATELIMIT_DIGITS_MAX ||
	    (value[digits] != '\0' && strchr(" \t,;", value[digits]) == NULL))
		return -1;
	return strtoll(value, NULL, 10);
}

bool
retry_status(long status)
{
	switch (status) {
	case 408:
	case 429:
	case 499:
	case 500:
	case 502:
	case 503:
	case 504:
	case 522:
		return true;
	default:
		return false;
	}
}

int64_t
retry_delay(int tries, int after_s, int64_t deadline, const struct clock *clock)
{
	int64_t wait;

	if (tries > RETRIES_MAX)
		return -1;
	wait = arc4random_uniform((uint32_t)RETRY_FIRST_MS << (tries - 1)) + 1;
	if (wait < (int64_t)after_s * 1000)
		wait = (int64_t)after_s * 1000;
	return clock->monotonic_ms(clock) + wait < deadline ? wait : -1;
}

bool
retry_explain(const struct http_answer *a, const char *who,
    const struct clock *clock, struct error *err)
{
	int after = retry_after(a->retry_after, clock);
	enum err_code code =
	    a->status == 429 ? ERR_RATE_LIMITED : ERR_UNAVAILABLE;

	if (a->err.code != ERR_NONE) {
		*err = a->err;
		error_wrap(err, "%s", who);
		return a->may_retry;
	}
	if (after > 0)
		error_set(err, code, "%s answered %ld and asks to wait %d s",
		    who, a->status, after);
	else if (a->status == 429)
		error_set(err, code, "%s answered 429: too many requests", who);
	else
		error_set(err, code, "%s answered %ld", who, a->status);
	err->retry_after = after;
	return retry_status(a->status);
}
