/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char long_text[2 * ERROR_MSG_MAX];

static int
fill_long_text(void **state)
{
	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	return 0;
}

static void
records_code_message_and_source(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(err.code, ERR_NONE);
	assert_int_equal(
	    error_set(&err, ERR_LIMIT, "%d over %s", 3, "the bound"), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_string_equal(err.msg, "3 over the bound");
	assert_non_null(strstr(err.file, "base_error_test.c"));
	assert_true(err.line > 0);
}

static void
the_first_failure_wins(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, ERR_SYNTAX, "first");
	assert_int_equal(error_set(&err, ERR_NOMEM, "second"), -1);
	assert_int_equal(err.code, ERR_SYNTAX);
	assert_string_equal(err.msg, "first");
	error_clear(&err);
	error_set(&err, ERR_NOMEM, "third");
	assert_int_equal(err.code, ERR_NOMEM);
	assert_string_equal(err.msg, "third");
}

static void
a_long_message_is_cut_visibly(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, ERR_INVALID, "%s", long_text);
	assert_int_equal(strlen(err.msg), ERROR_MSG_MAX - 1);
	assert_string_equal(err.msg + ERROR_MSG_MAX - 4, "...");
	error_clear(&err);
	error_set(&err, ERR_INVALID, "%.*s", ERROR_MSG_MAX - 1, long_text);
	assert_string_equal(err.msg + ERROR_MSG_MAX - 4, "xxx");
}

static void
wraps_with_context(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, ERR_DIGEST, "mismatch");
	assert_int_equal(error_wrap(&err, "layer %d", 2), -1);
	error_wrap(&err, "nginx");
	assert_int_equal(err.code, ERR_DIGEST);
	assert_string_equal(err.msg, "nginx: layer 2: mismatch");
}

static void
a_long_context_is_cut_visibly(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, ERR_DIGEST, "%.200s", long_text);
	error_wrap(&err, "%.100s", long_text);
	assert_string_equal(err.msg + ERROR_MSG_MAX - 4, "...");
	error_wrap(&err, "%s", long_text);
	assert_string_equal(err.msg + ERROR_MSG_MAX - 4, "...");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_code_message_and_source),
	    cmocka_unit_test(the_first_failure_wins),
	    cmocka_unit_test(a_long_message_is_cut_visibly),
	    cmocka_unit_test(wraps_with_context),
	    cmocka_unit_test(a_long_context_is_cut_visibly),
	};

	return cmocka_run_group_tests_name(
	    "error", tests, fill_long_text, NULL);
}
