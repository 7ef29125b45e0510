/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DAY = 86400, END = 1795521600 /* 2026-11-24T12:00:00Z */ };

static int64_t
fixed_wall(const struct clock *c)
{
	(void)c;
	return 0;
}

static const struct clock fixed = {.wall_s = fixed_wall};

/* What is said so many seconds before the end; "" for nothing. */
static const char *
say(struct certificate_diary *diary, int64_t end, int64_t before)
{
	static char text[1024];
	const char *at;
	ssize_t n;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	{
		const struct log l = {
		    .clock = &fixed, .level = LOG_INFO, .fd = fds[1]};

		certificate_log(diary, &l, end, end - before);
	}
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	assert_true(n >= 0);
	text[n] = '\0';
	if (n == 0)
		return text;
	at = strstr(text, "\"level\":");
	assert_non_null(at);
	text[strcspn(text, "\n")] = '\0';
	return at;
}

static void
each_step_is_said_once(void **state)
{
	static const struct {
		int64_t before;
		const char *level; /* NULL: nothing is said */
		const char *event;
		int days;
	} rows[] = {
	    {90LL * DAY, NULL, NULL, 0},
	    {30LL * DAY + 1, NULL, NULL, 0},
	    {30LL * DAY, "warn", "certificate_ends_soon", 30},
	    {29LL * DAY, NULL, NULL, 0},
	    {14LL * DAY + 1, NULL, NULL, 0},
	    {14LL * DAY, "warn", "certificate_ends_soon", 14},
	    {14LL * DAY, NULL, NULL, 0},
	    {7LL * DAY, "error", "certificate_ends_soon", 7},
	    {6LL * DAY, NULL, NULL, 0},
	    {DAY, "error", "certificate_ends_soon", 1},
	    {1, NULL, NULL, 0},
	    {0, "error", "certificate_expired", 0},
	    {-DAY, NULL, NULL, 0},
	};
	struct certificate_diary diary = {0};
	char wanted[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wanted[0] = '\0';
		if (rows[i].level != NULL)
			snprintf(wanted, sizeof(wanted),
			    "\"level\":\"%s\",\"event\":\"%s\",\"notAfter\":"
			    "\"2026-11-24T12:00:00Z\",\"daysLeft\":%d}",
			    rows[i].level, rows[i].event, rows[i].days);
		assert_string_equal(say(&diary, END, rows[i].before), wanted);
	}
}

static void
who_is_late_is_told_the_latest_alone(void **state)
{
	struct certificate_diary diary = {0};

	(void)state;
	assert_non_null(strstr(say(&diary, END, 3LL * DAY), "\"daysLeft\":3}"));
	assert_string_equal(say(&diary, END, 2LL * DAY), "");
}

static void
another_certificate_begins_anew(void **state)
{
	struct certificate_diary diary = {0};

	(void)state;
	assert_non_null(strstr(say(&diary, END, DAY), "\"daysLeft\":1}"));
	assert_string_equal(say(&diary, END + 90LL * DAY, 91LL * DAY), "");
	assert_non_null(strstr(
	    say(&diary, END + 90LL * DAY, 20LL * DAY), "\"daysLeft\":20}"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_step_is_said_once),
	    cmocka_unit_test(who_is_late_is_told_the_latest_alone),
	    cmocka_unit_test(another_certificate_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
