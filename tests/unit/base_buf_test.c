/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/buf.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
is_empty_text_before_anything_is_added(void **state)
{
	AUTO(buf_clear)
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(b.len, 0);
	assert_false(buf_failed(&b));
}

static void
adds_in_order_and_terminates(void **state)
{
	AUTO(buf_clear)
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(buf_puts(&b, "a"), 0);
	assert_int_equal(buf_add(&b, "bc\0d", 4), 0);
	assert_int_equal(buf_printf(&b, "%s-%d", "e", 5), 0);
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	assert_int_equal(b.len, 8);
	assert_memory_equal(b.data, "abc\0de-5", 9);
}

static void
grows_to_its_bound_and_no_further(void **state)
{
	static const size_t bounds[] = {0, 1, 127, 128, 129, 1000, 4096};

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		AUTO(buf_clear)
		struct buf b;

		buf_init(&b, bounds[i]);
		for (size_t n = 0; n < bounds[i]; n++)
			assert_int_equal(buf_puts(&b, "x"), 0);
		assert_int_equal(b.len, bounds[i]);
		assert_true(b.cap <= bounds[i] + 1 || b.cap <= 128);
		assert_int_equal(buf_puts(&b, "x"), -1);
		assert_int_equal(b.len, bounds[i]);
	}
}

static void
failure_sticks(void **state)
{
	AUTO(buf_clear)
	struct buf b;

	(void)state;
	buf_init(&b, 3);
	assert_int_equal(buf_puts(&b, "ab"), 0);
	assert_int_equal(buf_puts(&b, "cd"), -1);
	assert_int_equal(buf_puts(&b, "e"), -1);
	assert_int_equal(buf_printf(&b, "%s", ""), -1);
	assert_true(buf_failed(&b));
	assert_string_equal(buf_text(&b), "ab");
	buf_truncate(&b, 1);
	assert_string_equal(buf_text(&b), "a");
	assert_true(buf_failed(&b));
	assert_null(buf_take(&b));
	assert_false(buf_failed(&b));
	assert_int_equal(buf_puts(&b, "abc"), 0);
}

static void
a_length_that_overflows_fails(void **state)
{
	AUTO(buf_clear)
	struct buf b;
	AUTO(buf_clear)
	struct buf endless;

	(void)state;
	buf_init(&b, SIZE_MAX - 1);
	assert_int_equal(buf_puts(&b, "x"), 0);
	assert_int_equal(buf_add(&b, "x", SIZE_MAX - 1), -1);
	buf_init(&endless, SIZE_MAX);
	assert_int_equal(buf_puts(&endless, "x"), -1);
}

static void
cuts_back(void **state)
{
	AUTO(buf_clear)
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_truncate(&b, 0);
	assert_int_equal(buf_puts(&b, "hello"), 0);
	buf_truncate(&b, 9);
	assert_string_equal(buf_text(&b), "hello");
	buf_truncate(&b, 4);
	assert_string_equal(buf_text(&b), "hell");
	assert_int_equal(buf_puts(&b, "!"), 0);
	assert_string_equal(buf_text(&b), "hell!");
}

static void
hands_its_text_out(void **state)
{
	AUTO(buf_clear)
	struct buf b;
	AUTO(free)
	char *empty = NULL;
	AUTO(free)
	char *text = NULL;

	(void)state;
	buf_init(&b, 100);
	empty = buf_take(&b);
	assert_string_equal(empty, "");
	assert_int_equal(buf_puts(&b, "x"), 0);
	text = buf_take(&b);
	assert_string_equal(text, "x");
	assert_null(b.data);
	assert_int_equal(b.max, 100);
}

static void
run(void *arg)
{
	AUTO(buf_clear)
	struct buf b;
	AUTO(free)
	char *text = NULL;

	(void)arg;
	buf_init(&b, 1000);
	for (int i = 0; i < 20; i++)
		buf_printf(&b, "%030d", i);
	text = buf_take(&b);
	if (text != NULL)
		assert_int_equal(strlen(text), 600);
}

static void
survives_every_failed_allocation(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(run, NULL) >= 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_empty_text_before_anything_is_added),
	    cmocka_unit_test(adds_in_order_and_terminates),
	    cmocka_unit_test(grows_to_its_bound_and_no_further),
	    cmocka_unit_test(failure_sticks),
	    cmocka_unit_test(a_length_that_overflows_fails),
	    cmocka_unit_test(cuts_back),
	    cmocka_unit_test(hands_its_text_out),
	    cmocka_unit_test(survives_every_failed_allocation),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
