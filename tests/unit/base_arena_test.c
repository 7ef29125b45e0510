/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/arena.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
pieces_are_zeroed_and_aligned(void **state)
{
	AUTO(arena_free) struct arena *a = arena_new();

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < 5000; i++) {
		unsigned char *p;

		assert_non_null(arena_strdup(a, "x"));
		p = arena_calloc(a, i % 70, 1);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t k = 0; k < i % 70; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, i % 70);
	}
}

static void
pieces_do_not_overlap(void **state)
{
	AUTO(arena_free) struct arena *a = arena_new();
	char *p[300];

	(void)state;
	assert_non_null(a);
	for (int i = 0; i < 300; i++) {
		p[i] = arena_printf(a, "piece %d of many", i);
		assert_non_null(p[i]);
	}
	for (int i = 0; i < 300; i++) {
		char want[32];

		snprintf(want, sizeof(want), "piece %d of many", i);
		assert_string_equal(p[i], want);
	}
}

static void
copies_are_terminated(void **state)
{
	AUTO(arena_free) struct arena *a = arena_new();
	const char *p;

	(void)state;
	assert_non_null(a);
	p = arena_strndup(a, "abcdef", 3);
	assert_string_equal(p, "abc");
	assert_string_equal(arena_strndup(a, "", 0), "");
	p = arena_strndup(a, "a\0b", 3);
	assert_memory_equal(p, "a\0b", 4);
}

static void
a_piece_larger_than_any_chunk_is_given(void **state)
{
	AUTO(arena_free) struct arena *a = arena_new();
	size_t before;
	char *p;

	(void)state;
	assert_non_null(a);
	before = arena_size(a);
	p = arena_calloc(a, 1000, 1000);
	assert_non_null(p);
	memset(p, 1, 1000 * 1000);
	assert_true(arena_size(a) >= before + 1000 * 1000);
	assert_non_null(arena_strdup(a, "still works"));
}

static void
a_size_that_overflows_is_refused(void **state)
{
	AUTO(arena_free) struct arena *a = arena_new();

	(void)state;
	assert_non_null(a);
	assert_null(arena_calloc(a, SIZE_MAX / 2, 3));
	assert_null(arena_calloc(a, 1, SIZE_MAX));
	assert_null(arena_strndup(a, "", SIZE_MAX));
	assert_non_null(arena_calloc(a, 0, 8));
}

static void
a_new_arena_is_small(void **state)
{
	AUTO(arena_free) struct arena *a = arena_new();

	(void)state;
	assert_non_null(a);
	assert_true(arena_size(a) <= 32);
	assert_non_null(arena_strdup(a, "x"));
	assert_true(arena_size(a) <= 1024);
}

static void
what_is_expected_is_asked_for_at_once(void **state)
{
	AUTO(arena_free) struct arena *a = arena_new_for(6000);

	(void)state;
	assert_non_null(a);
	alloc_fail_at(SIZE_MAX);
	for (int i = 0; i < 20; i++)
		assert_non_null(arena_calloc(a, 1, 288));
	assert_int_equal(alloc_count(), 1);
	alloc_restore();
}

static void
a_text_of_any_length_is_printed(void **state)
{
	AUTO(arena_free) struct arena *a = arena_new();

	(void)state;
	assert_non_null(a);
	for (int len = 0; len < 600; len++) {
		const char *p = arena_printf(a, "%*s|", len, "");

		assert_non_null(p);
		assert_int_equal(strlen(p), len + 1);
		assert_int_equal(p[len], '|');
	}
}

static void
run(void *arg)
{
	AUTO(arena_free) struct arena *a = arena_new();

	(void)arg;
	if (a == NULL)
		return;
	for (int i = 0; i < 100; i++) {
		char *p = arena_printf(a, "%060d", i);

		if (p == NULL)
			return;
		assert_int_equal(strlen(p), 60);
	}
}

static void
survives_every_failed_allocation(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(run, NULL) >= 4);
}

static void
no_text_is_no_failure(void **state)
{
	AUTO(arena_free) struct arena *a = arena_new();
	bool failed = false;

	(void)state;
	assert_non_null(a);
	assert_null(arena_copy(a, NULL, &failed));
	assert_false(failed);
	alloc_fail_from(0);
	assert_null(arena_copy(a, "x", &failed));
	alloc_restore();
	assert_true(failed);
	/* What has failed before is not forgotten. */
	assert_string_equal(arena_copy(a, "x", &failed), "x");
	assert_true(failed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_are_zeroed_and_aligned),
	    cmocka_unit_test(pieces_do_not_overlap),
	    cmocka_unit_test(copies_are_terminated),
	    cmocka_unit_test(what_is_expected_is_asked_for_at_once),
	    cmocka_unit_test(a_text_of_any_length_is_printed),
	    cmocka_unit_test(a_piece_larger_than_any_chunk_is_given),
	    cmocka_unit_test(a_size_that_overflows_is_refused),
	    cmocka_unit_test(a_new_arena_is_small),
	    cmocka_unit_test(no_text_is_no_failure),
	    cmocka_unit_test(survives_every_failed_allocation),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
