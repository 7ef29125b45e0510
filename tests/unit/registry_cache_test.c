/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/cache.h"

#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* A clock that a test moves. */
struct still {
	struct clock clock;
	int64_t ms;
};

static int64_t
still_ms(const struct clock *c)
{
	return ((const struct still *)(const void *)c)->ms;
}

static const struct cache_limits limits = {
    .bytes = 1024 * 1024, .tag_ttl = 30, .stale_for = 3600, .negative_ttl = 5};

struct fixture {
	struct still still;
	struct cache *cache;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->still.clock.monotonic_ms = still_ms;
	f->cache = cache_new(&f->still.clock);
	*state = f;
	return f->cache != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	cache_free(f->cache);
	free(f);
	return 0;
}

static void
store(struct fixture *f, const char *key, const struct cache_limits *l)
{
	AUTO(image_set_unref) struct image_set *set = image_set_new();

	assert_non_null(set);
	assert_non_null(arena_calloc(set->mem, 1, 400));
	cache_store(f->cache, key, set, l);
}

/* After `seconds` more. */
static enum cache_result
look(struct fixture *f, const char *key, bool by_digest, int seconds)
{
	AUTO(image_set_unref) struct image_set *set = NULL;
	struct error err = ERROR_INIT;
	enum cache_result r;

	f->still.ms += seconds * 1000;
	r = cache_find(f->cache, key, by_digest, &limits, &set, &err);
	assert_int_equal(r == CACHE_HIT, set != NULL);
	assert_int_equal(r == CACHE_NEGATIVE, err.code == ERR_NOT_FOUND);
	return r;
}

static void
believes_a_tag_for_its_ttl(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f, "a", false, 0), CACHE_MISS);
	store(f, "a", &limits);
	assert_int_equal(look(f, "a", false, 0), CACHE_HIT);
	assert_int_equal(look(f, "a", false, 29), CACHE_HIT);
	assert_int_equal(look(f, "b", false, 0), CACHE_MISS);
	assert_int_equal(look(f, "a", false, 1), CACHE_MISS);
}

static void
believes_a_digest_for_ever(void **state)
{
	struct fixture *f = *state;

	store(f, "a", &limits);
	assert_int_equal(look(f, "a", true, 1000000), CACHE_HIT);
}

static void
has_an_old_answer_for_an_outage(void **state)
{
	struct fixture *f = *state;
	AUTO(image_set_unref) struct image_set *set = NULL;

	store(f, "a", &limits);
	f->still.ms += 3629 * 1000;
	assert_int_equal(
	    cache_find_stale(f->cache, "a", &limits, &set), CACHE_STALE);
	assert_non_null(set);
	f->still.ms += 1000;
	assert_int_equal(
	    cache_find_stale(f->cache, "a", &limits, &set), CACHE_MISS);
	assert_int_equal(
	    cache_find_stale(f->cache, "b", &limits, &set), CACHE_MISS);
}

static void
remembers_for_a_moment_that_nothing_is_there(void **state)
{
	struct fixture *f = *state;
	AUTO(image_set_unref) struct image_set *set = NULL;
	struct error err = ERROR_INIT;

	store(f, "a", &limits);
	error_set(&err, ERR_NOT_FOUND, "gone");
	cache_store_failure(f->cache, "a", &err);
	assert_int_equal(look(f, "a", false, 4), CACHE_NEGATIVE);
	assert_int_equal(look(f, "a", false, 1), CACHE_MISS);
	/* What was deleted is not served again in an outage. */
	assert_int_equal(
	    cache_find_stale(f->cache, "a", &limits, &set), CACHE_MISS);
}

static void
keeps_no_other_failure(void **state)
{
	static const enum err_code others[] = {ERR_UNAUTHORIZED,
	    ERR_NOT_FOUND_DENIED, ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_DIGEST};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct error err = ERROR_INIT;

		error_set(&err, others[i], "no");
		cache_store_failure(f->cache, "a", &err);
		assert_int_equal(look(f, "a", false, 0), CACHE_MISS);
	}
}

static void
an_outage_is_not_a_refusal(void **state)
{
	(void)state;
	assert_true(cache_is_outage(ERR_UNAVAILABLE));
	assert_true(cache_is_outage(ERR_TIMEOUT));
	assert_true(cache_is_outage(ERR_RATE_LIMITED));
	assert_false(cache_is_outage(ERR_UNAUTHORIZED));
	assert_false(cache_is_outage(ERR_NOT_FOUND));
	assert_false(cache_is_outage(ERR_DIGEST));
	assert_false(cache_is_outage(ERR_BLOCKED));
}

static void
the_least_recently_used_goes_first(void **state)
{
	struct fixture *f = *state;
	struct cache_limits tiny = limits;
	size_t bytes, entries;

	store(f, "a", &limits);
	store(f, "b", &limits);
	cache_usage(f->cache, &tiny.bytes, &entries);
	assert_int_equal(look(f, "a", false, 0), CACHE_HIT);
	store(f, "c", &tiny); /* no room for three */
	cache_usage(f->cache, &bytes, &entries);
	assert_true(bytes <= tiny.bytes);
	assert_int_equal(entries, 2);
	assert_int_equal(look(f, "a", false, 0), CACHE_HIT);
	assert_int_equal(look(f, "b", false, 0), CACHE_MISS);
	assert_int_equal(look(f, "c", false, 0), CACHE_HIT);
}

static void
counts_what_it_holds(void **state)
{
	struct fixture *f = *state;
	size_t bytes, entries;

	store(f, "a", &limits);
	store(f, "a", &limits);
	cache_usage(f->cache, &bytes, &entries);
	assert_int_equal(entries, 1);
	assert_true(bytes > 400);
	cache_clear(f->cache);
	cache_usage(f->cache, &bytes, &entries);
	assert_int_equal(bytes, 0);
	assert_int_equal(entries, 0);
	assert_int_equal(look(f, "a", true, 0), CACHE_MISS);
}

static void
keys_tell_platforms_apart(void **state)
{
	static const struct platform amd[] = {{"linux", "amd64", "", ""}};
	static const struct platform arm[] = {{"linux", "arm64", "", ""}};
	AUTO(free)
	char *any = cache_key("r.io/a:1", &(struct platform_set){NULL, 0});
	AUTO(free)
	char *a = cache_key("r.io/a:1", &(struct platform_set){amd, 1});
	AUTO(free)
	char *b = cache_key("r.io/a:1", &(struct platform_set){arm, 1});

	(void)state;
	assert_string_equal(any, "r.io/a:1");
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, any);
}

static void
store_in_little_memory(void *arg)
{
	struct fixture *f = arg;
	AUTO(image_set_unref) struct image_set *set = image_set_new();
	struct error err = ERROR_INIT;

	if (set == NULL)
		return;
	cache_store(f->cache, "a", set, &limits);
	error_set(&err, ERR_NOT_FOUND, "gone");
	cache_store_failure(f->cache, "b", &err);
}

static void
survives_running_out_of_memory(void **state)
{
	assert_true(alloc_fail_each(store_in_little_memory, *state) > 3);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(believes_a_tag_for_its_ttl),
	    TEST(believes_a_digest_for_ever),
	    TEST(has_an_old_answer_for_an_outage),
	    TEST(remembers_for_a_moment_that_nothing_is_there),
	    TEST(keeps_no_other_failure),
	    cmocka_unit_test(an_outage_is_not_a_refusal),
	    TEST(the_least_recently_used_goes_first),
	    TEST(counts_what_it_holds),
	    cmocka_unit_test(keys_tell_platforms_apart),
	    TEST(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
