/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

static int64_t
fixed_wall(const struct clock *c)
{
	(void)c;
	return 1767323045; /* 2026-01-02T03:04:05Z */
}

static const struct clock fixed = {.wall_s = fixed_wall};

/* What a call of log_pack() writes at level info. */
static void
capture(enum log_level level, const char *value, char *out, size_t size)
{
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	{
		const struct log l = {
		    .clock = &fixed, .level = LOG_INFO, .fd = fds[1]};
		log_pack(&l, level, "tested", "{s:s}", "key", value);
	}
	close(fds[1]);
	n = read(fds[0], out, size - 1);
	assert_true(n >= 0);
	out[n] = '\0';
	close(fds[0]);
}

static void
writes_one_json_object_per_line(void **state)
{
	char line[512];

	(void)state;
	capture(LOG_WARN, "a\nb", line, sizeof(line));
	assert_string_equal(line,
	    "{\"time\":\"2026-01-02T03:04:05Z\",\"level\":\"warn\","
	    "\"event\":\"tested\",\"key\":\"a\\nb\"}\n");
}

static void
leaves_out_what_is_below_the_level(void **state)
{
	char line[512];

	(void)state;
	capture(LOG_DEBUG, "quiet", line, sizeof(line));
	assert_string_equal(line, "");
}

static void
parses_level_names(void **state)
{
	enum log_level l;

	(void)state;
	assert_true(log_level_parse("error", &l));
	assert_int_equal(l, LOG_ERROR);
	assert_false(log_level_parse("ERROR", &l));
	assert_false(log_level_parse("", &l));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_one_json_object_per_line),
	    cmocka_unit_test(leaves_out_what_is_below_the_level),
	    cmocka_unit_test(parses_level_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
