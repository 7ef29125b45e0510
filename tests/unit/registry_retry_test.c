/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/retry.h"
#include "server/registry/token.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

enum { NOW_S = 1800000000, NOW_MS = 5000 };

static int64_t
wall(const struct clock *c)
{
	(void)c;
	return NOW_S; /* Fri, 15 Jan 2027 08:00:00 GMT */
}

static int64_t
monotonic(const struct clock *c)
{
	(void)c;
	return NOW_MS;
}

static const struct clock still = {.monotonic_ms = monotonic, .wall_s = wall};

static const struct {
	const char *value;
	int seconds;
} waits[] = {
    {NULL, 0},
    {"", 0},
    {"0", 0},
    {"120", 120},
    {"007", 7},
    {"86400", 86400},
    {"86401", RETRY_AFTER_MAX},
    {"99999999999999999999", RETRY_AFTER_MAX},
    {"-1", 0},
    {"1.5", 0},
    {"5 s", 0},
    {"soon", 0},
    {"Fri, 15 Jan 2027 08:01:00 GMT", 60},
    {"Friday, 15-Jan-27 08:01:00 GMT", 60},
    {"Fri Jan 15 08:01:00 2027", 60},
    {"Fri, 15 Jan 2027 07:59:00 GMT", 0},
    {"Fri, 15 Jan 2099 08:00:00 GMT", RETRY_AFTER_MAX},
};

static void
reads_retry_after(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(waits); i++)
		if (retry_after(waits[i].value, &still) != waits[i].seconds)
			fail_msg("\"%s\": %d", waits[i].value,
			    retry_after(waits[i].value, &still));
}

static const struct {
	const char *value;
	int64_t n;
} rates[] = {
    {NULL, -1},
    {"", -1},
    {"76;w=21600", 76},
    {"100", 100},
    {"0", 0},
    {"100, 100;w=21600", 100},
    {"100 ;w=21600", 100},
    {"999999999999999", 999999999999999},
    {"9999999999999999", -1},
    {"-1", -1},
    {"76x", -1},
    {"1.5", -1},
    {";w=21600", -1},
};

static void
reads_rate_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rates); i++)
		if (retry_ratelimit(rates[i].value) != rates[i].n)
			fail_msg("\"%s\"", rates[i].value);
}

static void
waits_longer_each_time_but_not_past_the_deadline(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_in_range(retry_delay(1, 0, NOW_MS + 9999, &still), 1,
		    RETRY_FIRST_MS);
		assert_in_range(retry_delay(3, 0, NOW_MS + 9999, &still), 1,
		    4 * RETRY_FIRST_MS);
	}
	assert_int_equal(
	    retry_delay(RETRIES_MAX + 1, 0, NOW_MS + 9999, &still), -1);
	assert_int_equal(retry_delay(1, 0, NOW_MS, &still), -1);
	assert_int_equal(retry_delay(1, 2, NOW_MS + 2001, &still), 2000);
	assert_int_equal(retry_delay(1, 2, NOW_MS + 2000, &still), -1);
}

static const struct {
	const char *body;
	const char *token; /* NULL: refused */
	int64_t life;
} tokens[] = {
    {"{\"token\":\"t\"}", "t", 60},
    {"{\"access_token\":\"a\"}", "a", 60},
    {"{\"token\":\"t\",\"access_token\":\"a\"}", "a", 60},
    {"{\"token\":\"t\",\"access_token\":\"\"}", "t", 60},
    {"{\"token\":\"t\",\"expires_in\":300,\"issued_at\":\"x\"}", "t", 300},
    {"{\"token\":\"t\",\"expires_in\":30}", "t", 30},
    {"{\"token\":\"t\",\"expires_in\":0}", "t", 0},
    {"{\"token\":\"t\",\"expires_in\":-5}", "t", 0},
    {"{\"token\":\"t\",\"expires_in\":\"300\"}", "t", 60},
    {"{\"token\":\"t\",\"expires_in\":90.7}", "t", 90},
    {"{\"token\":\"t\",\"expires_in\":1e300}", "t", TOKEN_LIFE_MAX},
    {"{\"token\":\"t\",\"expires_in\":9223372036854775807}", "t",
	TOKEN_LIFE_MAX},
    {"{\"token\":\"t\",\"expires_in\":-0.5}", "t", 0},
    {"{}", NULL, 0},
    {"{\"token\":\"\"}", NULL, 0},
    {"{\"token\":1}", NULL, 0},
    {"{\"token\":\"a b\"}", NULL, 0},
    {"{\"token\":\"a\\n\"}", NULL, 0},
    {"{\"token\":\"\xc3\xa4\"}", NULL, 0},
    {"[\"t\"]", NULL, 0},
    {"t", NULL, 0},
    {"", NULL, 0},
};

static void
reads_token_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(tokens); i++) {
		AUTO(free) char *text = NULL;
		struct error err = ERROR_INIT;
		int64_t life = 0;

		text = token_parse(
		    tokens[i].body, strlen(tokens[i].body), &life, &err);
		if ((text == NULL) != (tokens[i].token == NULL) ||
		    (text == NULL && err.code != ERR_SYNTAX))
			fail_msg("%s: code %d", tokens[i].body, err.code);
		if (text != NULL && (strcmp(text, tokens[i].token) != 0 ||
					life != tokens[i].life))
			fail_msg("%s: %s for %lld s", tokens[i].body, text,
			    (long long)life);
	}
}

static void
run_out(void *arg)
{
	static const char body[] = "{\"token\":\"t\",\"expires_in\":90}";
	AUTO(free) char *text = NULL;
	struct error err = ERROR_INIT;
	int64_t life;

	(void)arg;
	text = token_parse(body, strlen(body), &life, &err);
	if (text == NULL)
		assert_int_equal(err.code, ERR_NOMEM);
	else
		assert_string_equal(text, "t");
}

static void
survives_running_out_of_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(run_out, NULL) > 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_retry_after),
	    cmocka_unit_test(reads_rate_limits),
	    cmocka_unit_test(waits_longer_each_time_but_not_past_the_deadline),
	    cmocka_unit_test(reads_token_answers),
	    cmocka_unit_test(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
