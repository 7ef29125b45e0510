/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/budget.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { MANY = 4 * BUDGET_SMALL, MAX = 2 * MANY };

static bool
holds(struct budget *b, struct budget_share *s, size_t bytes)
{
	struct error err = ERROR_INIT;
	int rc = budget_hold(b, s, bytes, &err);

	assert_int_equal(err.code, rc == 0 ? ERR_NONE : ERR_NOMEM);
	return rc == 0;
}

static void
gives_as_much_as_there_is(void **state)
{
	AUTO(budget_unref) struct budget *b = budget_new(MAX);
	struct budget_share one = {0}, two = {0}, three = {0};

	(void)state;
	assert_true(holds(b, &one, MANY));
	assert_true(holds(b, &two, MANY));
	assert_false(holds(b, &three, BUDGET_SMALL + 1));
	budget_release(&one);
	assert_true(holds(b, &three, BUDGET_SMALL + 1));
	assert_false(holds(b, &one, MANY));
	budget_release(&two);
	budget_release(&three);
	budget_release(&three); /* nothing is left to give back */
	assert_true(holds(b, &one, MAX));
	budget_release(&one);
}

static void
lets_a_share_grow_and_keeps_it_where_it_cannot(void **state)
{
	AUTO(budget_unref) struct budget *b = budget_new(MAX);
	struct budget_share s = {0}, other = {0};

	(void)state;
	assert_true(holds(b, &s, MANY));
	assert_true(holds(b, &s, MAX));
	assert_true(holds(b, &s, MANY)); /* never smaller */
	assert_false(holds(b, &s, MAX + 1));
	assert_int_equal(s.bytes, MAX);
	assert_false(holds(b, &other, MANY));
	assert_null(other.of);
	budget_release(&s);
}

static void
asks_nothing_of_small_ones(void **state)
{
	AUTO(budget_unref) struct budget *b = budget_new(0);
	struct budget_share s = {0};

	(void)state;
	assert_true(holds(b, &s, BUDGET_SMALL));
	assert_null(s.of);
	assert_false(holds(b, &s, BUDGET_SMALL + 1));
	assert_true(holds(NULL, &s, SIZE_MAX));
	assert_null(s.of);
}

static void
follows_a_new_bound(void **state)
{
	AUTO(budget_unref) struct budget *b = budget_new(MANY);
	struct budget_share one = {0}, two = {0};

	(void)state;
	assert_true(holds(b, &one, MANY));
	budget_set_max(b, MAX);
	assert_true(holds(b, &two, MANY));
	budget_set_max(b, MANY);
	budget_release(&one);
	assert_false(holds(b, &one, MANY));
	budget_release(&two);
	assert_true(holds(b, &one, MANY));
	budget_release(&one);
}

static void
lives_as_long_as_a_share(void **state)
{
	struct budget *b = budget_new(MAX);
	struct budget_share s = {0}, next = {0};

	(void)state;
	assert_true(holds(b, &s, MANY));
	budget_unref(b);
	budget_pass(&s, &next);
	assert_null(s.of);
	assert_int_equal(next.bytes, MANY);
	budget_release(&next);
}

static void
run_out(void *arg)
{
	(void)arg;
	budget_unref(budget_new(MAX));
}

static void
survives_running_out_of_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(run_out, NULL) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_as_much_as_there_is),
	    cmocka_unit_test(lets_a_share_grow_and_keeps_it_where_it_cannot),
	    cmocka_unit_test(asks_nothing_of_small_ones),
	    cmocka_unit_test(follows_a_new_bound),
	    cmocka_unit_test(lives_as_long_as_a_share),
	    cmocka_unit_test(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
