/* SPDX-License-Identifier: Apache-2.0 */
/* What is learned of origins, and forgotten. */
#include "server/registry/peer.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char *
name(int i)
{
	static char text[32];

	snprintf(text, sizeof(text), "https://r%d.io", i);
	return text;
}

/* Pod authors choose hosts and repositories. */
static void
forgets_the_origin_not_used_for_longest(void **state)
{
	struct peers ps = {.n = 0};

	(void)state;
	peers_init(&ps);
	for (int i = 0; i < PEERS_MAX; i++)
		assert_int_equal(
		    peer_learn(&ps, name(i), PEER_BASIC, NULL, NULL), 0);
	assert_non_null(peer_find(&ps, name(0))); /* used again */
	assert_int_equal(
	    peer_learn(&ps, name(PEERS_MAX), PEER_BASIC, NULL, NULL), 0);
	assert_int_equal(ps.n, PEERS_MAX);
	assert_non_null(peer_find(&ps, name(0)));
	assert_null(peer_find(&ps, name(1)));
	assert_non_null(peer_find(&ps, name(2)));
	peers_clear(&ps);
}

static void
forgets_the_login_not_used_for_longest(void **state)
{
	struct peers ps = {.n = 0};

	(void)state;
	peers_init(&ps);
	for (int i = 0; i < LOGINS_MAX; i++)
		peer_logged_in(&ps, "https://r.io", name(i), "id");
	assert_string_equal(peer_login(&ps, "https://r.io", name(0)), "id");
	assert_null(peer_login(&ps, "https://s.io", name(0)));
	peer_logged_in(&ps, "https://r.io", name(LOGINS_MAX), "id");
	peer_logged_in(&ps, "https://r.io", name(LOGINS_MAX), "other");
	assert_int_equal(ps.nlogins, LOGINS_MAX);
	assert_string_equal(
	    peer_login(&ps, "https://r.io", name(LOGINS_MAX)), "other");
	assert_string_equal(peer_login(&ps, "https://r.io", name(0)), "id");
	assert_null(peer_login(&ps, "https://r.io", name(1)));
	peers_clear(&ps);
}

static void
learn_with_little_memory(void *arg)
{
	const struct peer *p;
	const char *id;
	struct peers ps = {.n = 0};

	(void)arg;
	peers_init(&ps);
	if (peer_learn(&ps, name(1), PEER_BEARER, "realm", "service") == 0) {
		p = peer_find(&ps, name(1));
		assert_int_equal(p->auth, PEER_BEARER);
		assert_string_equal(p->realm, "realm");
		assert_string_equal(p->service, "service");
	} else {
		p = peer_find(&ps, name(1));
		assert_true(p == NULL || p->auth == PEER_UNKNOWN);
	}
	peer_failed(&ps, name(2), ERR_TIMEOUT, 0);
	peer_logged_in(&ps, name(1), "a", "id");
	id = peer_login(&ps, name(1), "a");
	if (id != NULL)
		assert_string_equal(id, "id");
	peers_clear(&ps);
}

static void
memory_that_runs_out_is_nothing_learned(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(learn_with_little_memory, NULL) > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(forgets_the_origin_not_used_for_longest),
	    cmocka_unit_test(forgets_the_login_not_used_for_longest),
	    cmocka_unit_test(memory_that_runs_out_is_nothing_learned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
