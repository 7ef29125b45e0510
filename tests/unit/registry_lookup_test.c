/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t ms;

static int64_t
monotonic(const struct clock *c)
{
	(void)c;
	return ms;
}

static const struct clock clock = {.monotonic_ms = monotonic};
static struct lookups all;
static struct lookup held[LOOKUPS_MAX], more;

/* As many as there may be. */
static int
fill(void **state)
{
	size_t i;

	(void)state;
	ms = 1000;
	all = (struct lookups){.clock = &clock};
	more = (struct lookup){.all = &all};
	for (i = 0; i < LOOKUPS_MAX; i++) {
		held[i] = (struct lookup){.all = &all};
		assert_true(lookup_begin(&held[i]));
	}
	return 0;
}

static void
refuses_what_is_too_much(void **state)
{
	(void)state;
	assert_false(lookup_begin(&more));
	assert_true(more.refused);
	lookup_leave(&more); /* never began */
	lookup_end(&held[3]);
	lookup_end(&held[3]);
	assert_true(lookup_begin(&more));
	assert_false(more.refused);
	assert_false(lookup_begin(&held[3]));
}

static void
counts_those_given_up_for_a_while(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < LOOKUPS_MAX; i++) {
		lookup_leave(&held[i]);
		ms++;
	}
	ms = 1000 + LOOKUP_LEFT_MS - 1;
	assert_false(lookup_begin(&more));
	ms++;
	assert_true(lookup_begin(&more));
	assert_false(lookup_begin(&held[0]));
	lookup_leave(&more); /* goes around the end of the ring */
	assert_false(lookup_begin(&held[0]));
	ms += 2 * (int64_t)LOOKUP_LEFT_MS;
	for (i = 0; i < LOOKUPS_MAX; i++)
		assert_true(lookup_begin(&held[i]));
	assert_false(lookup_begin(&more));
}

static void
does_not_count_the_others(void **state)
{
	struct lookup other = {.all = NULL};

	(void)state;
	assert_true(lookup_begin(&other));
	lookup_leave(&other);
	lookup_end(&other);
	assert_int_equal(all.running, LOOKUPS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(refuses_what_is_too_much, fill),
	    cmocka_unit_test_setup(counts_those_given_up_for_a_while, fill),
	    cmocka_unit_test_setup(does_not_count_the_others, fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
