/* SPDX-License-Identifier: Apache-2.0 */
/* Who may talk to an origin, and who waits. */
#include "server/registry/lane.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { CROWD = LANE_STREAMS + 10 };

/* Lets in whoever may run. Returns how many, the first of them in *x. */
static int
let_in(struct lanes *ls, struct lane_seat **x)
{
	struct lane_seat *next;
	int n = 0;

	for (; (next = lane_next(ls)) != NULL; n++)
		if (n == 0 && x != NULL)
			*x = next;
	return n;
}

static void
each_origin_has_its_own_lane(void **state)
{
	static const struct {
		const char *url;
		bool shares; /* with the first */
	} urls[] = {{"https://r.io/v2/a", true}, {"https://r.io/v2/b", true},
	    {"https://r.io", true}, {"https://r.io?ns=s", true},
	    {"http://r.io/v2/a", false}, {"https://r.io:5000/v2/a", false},
	    {"https://r.i/o", false}, {"https://r.io.example/", false}};
	struct lanes ls = {0};
	struct lane_seat x[8] = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		assert_int_equal(lane_enter(&ls, &x[i], urls[i].url), 0);
		assert_int_equal(x[i].lane == x[0].lane, urls[i].shares);
	}
	assert_int_equal(let_in(&ls, NULL), 8);
	for (i = 0; i < 8; i++)
		lane_leave(&ls, &x[i]);
	assert_true(LIST_EMPTY(&ls.all));
}

static void
who_came_first_goes_first(void **state)
{
	static struct lane_seat x[CROWD];
	struct lane_seat *first = NULL;
	struct lanes ls = {0};
	int i;

	(void)state;
	for (i = 0; i < CROWD; i++)
		assert_int_equal(lane_enter(&ls, &x[i], "https://r.io/"), 0);
	assert_int_equal(let_in(&ls, &first), LANE_CONNECTIONS);
	assert_ptr_equal(first, &x[0]);
	lane_leave(&ls, &x[5]);
	assert_int_equal(let_in(&ls, &first), 1);
	assert_ptr_equal(first, &x[LANE_CONNECTIONS]);
	/* HTTP/2 has room for more, and HTTP/1.1 for fewer again. */
	lane_learn(&x[0], true);
	assert_int_equal(let_in(&ls, &first), LANE_STREAMS - LANE_CONNECTIONS);
	lane_learn(&x[0], false);
	lane_leave(&ls, &x[0]);
	assert_int_equal(let_in(&ls, NULL), 0);
	lanes_clear(&ls);
	assert_true(LIST_EMPTY(&ls.all));
	assert_int_equal(ls.n, 0);
}

static void
who_leaves_the_queue_takes_nobody_along(void **state)
{
	enum { FIRST = LANE_CONNECTIONS };
	static struct lane_seat x[FIRST + 5];
	struct lane_seat *next = NULL;
	struct lanes ls = {0};
	int i;

	(void)state;
	for (i = 0; i < FIRST + 4; i++)
		assert_int_equal(lane_enter(&ls, &x[i], "https://r.io/"), 0);
	assert_int_equal(let_in(&ls, NULL), LANE_CONNECTIONS);
	lane_leave(&ls, &x[FIRST + 1]); /* from the middle */
	lane_leave(&ls, &x[FIRST + 3]); /* the last */
	assert_int_equal(lane_enter(&ls, &x[FIRST + 4], "https://r.io/"), 0);
	lane_leave(&ls, &x[FIRST]); /* the first */
	lane_leave(&ls, &x[0]);
	assert_int_equal(let_in(&ls, &next), 1);
	assert_ptr_equal(next, &x[FIRST + 2]);
	lane_leave(&ls, &x[1]);
	assert_int_equal(let_in(&ls, &next), 1);
	assert_ptr_equal(next, &x[FIRST + 4]);
	for (i = 2; i < FIRST; i++)
		lane_leave(&ls, &x[i]);
	lane_leave(&ls, &x[FIRST + 2]);
	lane_leave(&ls, &x[FIRST + 4]);
	assert_true(LIST_EMPTY(&ls.all));
}

/* Pod authors choose hosts. */
static void
remembers_so_many_idle_origins_and_no_more(void **state)
{
	static struct lane_seat x[LANES_IDLE_MAX + 2];
	struct lanes ls = {0};
	char url[32];
	int i;

	(void)state;
	for (i = 0; i < LANES_IDLE_MAX + 2; i++) {
		snprintf(url, sizeof(url), "https://r%d.io/", i);
		assert_int_equal(lane_enter(&ls, &x[i], url), 0);
		lane_learn(&x[i], true);
	}
	assert_int_equal(let_in(&ls, NULL), LANES_IDLE_MAX + 2);
	for (i = 0; i < LANES_IDLE_MAX + 2; i++)
		lane_leave(&ls, &x[i]);
	assert_int_equal(ls.n, LANES_IDLE_MAX);
	/* What was learnt holds for the next that comes. */
	assert_int_equal(lane_enter(&ls, &x[0], "https://r9.io/"), 0);
	assert_int_equal(x[0].lane->limit, LANE_STREAMS);
	lane_leave(&ls, &x[0]);
	lanes_clear(&ls);
}

static void
enter_with_little_memory(void *arg)
{
	struct lane_seat x = {0};
	struct lanes ls = {0};

	(void)arg;
	if (lane_enter(&ls, &x, "https://r.io/") != 0) {
		assert_true(LIST_EMPTY(&ls.all));
		return;
	}
	assert_ptr_equal(lane_next(&ls), &x);
	lane_leave(&ls, &x);
	assert_true(LIST_EMPTY(&ls.all));
}

static void
memory_may_run_out(void **state)
{
	(void)state;
	assert_int_equal(alloc_fail_each(enter_with_little_memory, NULL), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_origin_has_its_own_lane),
	    cmocka_unit_test(who_came_first_goes_first),
	    cmocka_unit_test(who_leaves_the_queue_takes_nobody_along),
	    cmocka_unit_test(remembers_so_many_idle_origins_and_no_more),
	    cmocka_unit_test(memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
