/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/waivers.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

enum { DAY_S = 86400, NOON = 1795521600 /* 2026-11-24T12:00:00Z */ };

static int64_t
fixed_wall(const struct clock *c)
{
	(void)c;
	return NOON;
}

static const struct clock fixed = {.wall_s = fixed_wall};

#define HEAD                                                                  \
	"version: 1\nrules: [{name: r, check: {layers: {max: 9}}}]\nwaivers:" \
	"\n"
#define WAIVER(owner, expires)                                               \
	"- {rule: r, match: {kinds: [Pod]}, owner: " owner ", reason: old, " \
	"expires: " expires "}\n"

/* What is said daily at `now`, as "event owner days" in lines. */
static void
say(struct waivers_diary *diary, const struct ruleset *rs, int64_t now,
    struct buf *out)
{
	char text[64 * 1024];
	const char *line = text, *at;
	size_t len;
	ssize_t n;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	{
		const struct log l = {
		    .clock = &fixed, .level = LOG_INFO, .fd = fds[1]};

		waivers_log_daily(diary, &l, rs, now);
	}
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	assert_true(n >= 0);
	text[n] = '\0';
	for (; *line != '\0'; line += len + 1) {
		len = strcspn(line, "\n");
		at = strstr(line, "\"event\":");
		assert_non_null(at);
		buf_add(out, at, (size_t)(line + len - at));
		buf_puts(out, "\n");
	}
}

static void
says_once_a_day_what_ends(void **state)
{
	static const struct {
		int64_t now;
		const char *said;
	} days[] = {
	    {NOON,
		"\"event\":\"waiver_expired\",\"rule\":\"r\",\"owner\":\"a\","
		"\"expires\":\"2026-11-23\",\"daysLeft\":-1}\n"
		"\"event\":\"waiver_ends_soon\",\"rule\":\"r\",\"owner\":"
		"\"b\",\"expires\":\"2026-11-24\",\"daysLeft\":0}\n"},
	    {NOON + DAY_S / 2 - 1, ""},
	    {NOON + DAY_S / 2,
		"\"event\":\"waiver_expired\",\"rule\":\"r\",\"owner\":\"a\","
		"\"expires\":\"2026-11-23\",\"daysLeft\":-2}\n"
		"\"event\":\"waiver_expired\",\"rule\":\"r\",\"owner\":"
		"\"b\",\"expires\":\"2026-11-24\",\"daysLeft\":-1}\n"
		"\"event\":\"waiver_ends_soon\",\"rule\":\"r\",\"owner\":"
		"\"c\",\"expires\":\"2026-12-09\",\"daysLeft\":14}\n"},
	};
	AUTO(ruleset_unref)
	struct ruleset *rs = judge_policy(HEAD WAIVER("a", "2026-11-23")
		WAIVER("b", "2026-11-24") WAIVER("c", "2026-12-09"));
	struct waivers_diary diary = {.day = 0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		AUTO(buf_clear) struct buf said = BUF_INIT(4096);

		say(&diary, rs, days[i].now, &said);
		judge_same("log", buf_text(&said), days[i].said);
	}
}

static void
counts_what_is_too_much_to_say(void **state)
{
	AUTO(buf_clear)
	struct buf policy = BUF_INIT(65536), said = BUF_INIT(65536);
	AUTO(ruleset_unref) struct ruleset *rs = NULL;
	struct waivers_diary diary = {.day = 0};
	int i;

	(void)state;
	buf_puts(&policy, HEAD);
	for (i = 0; i < WAIVERS_LOGGED_MAX + 3; i++)
		buf_puts(&policy, WAIVER("a", "2026-01-31"));
	rs = judge_policy(buf_text(&policy));
	say(&diary, rs, NOON, &said);
	assert_non_null(strstr(
	    buf_text(&said), "\"event\":\"waivers_more\",\"count\":3}\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_once_a_day_what_ends),
	    cmocka_unit_test(counts_what_is_too_much_to_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
