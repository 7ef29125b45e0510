/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/warning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *value;
	const char *texts; /* with '|' between */
} values[] = {
    {"299 - \"goes away in May\"", "goes away in May"},
    {"299 - \"a \\\"b\\\" \\\\\"", "a \"b\" \\"},
    {"299 - \"a\", 299 - \"b\"", "a|b"},
    {" 299 - \"a\" ,", "a"},
    {"299 - \"a\", 199 - \"b\"", "a"},
    {"", ""},
    {"299 - \"\"", ""},
    {"299 - \"a", ""},
    {"299 - \"a\\", ""},
    {"299 - a", ""},
    {"299 - \"a\"b", ""},
    {"299 - \"a\" \"Wed, 21 Oct 2015 07:28:00 GMT\"", ""},
    {"199 - \"a\"", ""},
    {"299 proxy \"a\"", ""},
};

static void
reads_warnings_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(values); i++) {
		AUTO(buf_clear) struct buf all = BUF_INIT(WARNING_BYTES_MAX);
		AUTO(buf_clear) struct buf one = BUF_INIT(WARNING_BYTES_MAX);
		const char *value = values[i].value;

		while (warning_next(&value, &one))
			buf_printf(&all, "%s%s", all.len > 0 ? "|" : "",
			    buf_text(&one));
		if (strcmp(buf_text(&all), values[i].texts) != 0)
			fail_msg("%s: %s", values[i].value, buf_text(&all));
	}
}

static void
passes_over_one_that_is_too_long(void **state)
{
	AUTO(buf_clear) struct buf one = BUF_INIT(WARNING_BYTES_MAX);
	AUTO(buf_clear) struct buf value = BUF_INIT(2 * WARNING_BYTES_MAX);
	const char *at;

	(void)state;
	buf_puts(&value, "299 - \"");
	for (int i = 0; i <= WARNING_BYTES_MAX; i++)
		buf_puts(&value, "a");
	buf_puts(&value, "\"");
	at = buf_text(&value);
	assert_false(warning_next(&at, &one));
}

static void
passes_each_on_once_in_an_hour(void **state)
{
	struct warnings w = {0};

	(void)state;
	assert_true(warning_is_new(&w, "r.io", "a", 1000));
	assert_false(warning_is_new(&w, "r.io", "a", 2000));
	assert_true(warning_is_new(&w, "r.io", "b", 2000));
	assert_true(warning_is_new(&w, "s.io", "a", 2000));
	assert_true(warning_is_new(&w, "r.io", "a", 1000 + WARNING_AGAIN_MS));
}

/* How many of `n` different ones of a host are passed on. */
static int
told(struct warnings *w, const char *host, int n)
{
	char text[32];
	int i, passed = 0;

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "number %d", i);
		passed += warning_is_new(w, host, text, 1000);
	}
	return passed;
}

static void
a_host_that_talks_much_leaves_others_theirs(void **state)
{
	struct warnings w = {0};

	(void)state;
	assert_int_equal(told(&w, "r.io", 2 * WARNINGS_MAX), WARNINGS_HOST_MAX);
	assert_int_equal(told(&w, "s.io", 3), 3);
	assert_true(warning_is_new(&w, "r.io", "x", 1000 + WARNING_AGAIN_MS));
}

static void
passes_on_no_more_than_so_many(void **state)
{
	struct warnings w = {0};
	char host[32];
	int i, passed = 0;

	(void)state;
	for (i = 0; i < 2 * WARNINGS_MAX / WARNINGS_HOST_MAX; i++) {
		snprintf(host, sizeof(host), "r%d.io", i);
		passed += told(&w, host, WARNINGS_HOST_MAX);
	}
	assert_int_equal(passed, WARNINGS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_warnings_and_nothing_else),
	    cmocka_unit_test(passes_over_one_that_is_too_long),
	    cmocka_unit_test(passes_each_on_once_in_an_hour),
	    cmocka_unit_test(a_host_that_talks_much_leaves_others_theirs),
	    cmocka_unit_test(passes_on_no_more_than_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
