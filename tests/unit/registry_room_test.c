/* SPDX-License-Identifier: Apache-2.0 */
/* How much the cache holds, and what goes first. */
#include "server/registry/budget.h"
#include "tests/unit/registry_cached.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void
the_least_recently_used_goes_first(void **state)
{
	struct cached *f = *state;
	struct cache_limits tiny = limits;
	AUTO(image_unref) struct image *third = image_of("sha256:d3");
	size_t bytes, entries;

	store(f, "r.io/a@" D1, D1);
	store(f, "r.io/b@" D2, D2);
	cache_usage(f->cache, &tiny.bytes, &entries);
	assert_int_equal(look(f, "r.io/a@" D1, 0), CACHE_HIT);
	store_image(f, "r.io/c@sha256:d3", third, &tiny);
	cache_usage(f->cache, &bytes, &entries);
	assert_true(bytes <= tiny.bytes);
	assert_int_equal(entries, 2);
	assert_int_equal(look(f, "r.io/a@" D1, 0), CACHE_HIT);
	assert_int_equal(look(f, "r.io/b@" D2, 0), CACHE_MISS);
	assert_int_equal(look(f, "r.io/c@sha256:d3", 0), CACHE_HIT);
}

static void
absences_count_too(void **state)
{
	struct cached *f = *state;
	struct cache_limits tiny = {.bytes = 10000, .negative_ttl = 5};
	struct error err = ERROR_INIT;
	size_t bytes, entries;
	char key[32];
	int i;

	error_set(&err, ERR_NOT_FOUND, "no");
	for (i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "r.io/a:%d", i);
		cache_store_failure(f->cache, key, &err, &tiny);
	}
	cache_usage(f->cache, &bytes, &entries);
	assert_true(bytes <= tiny.bytes);
	assert_in_range(entries, 2, 100);
}

static void
counts_an_image_once(void **state)
{
	struct cached *f = *state;
	AUTO(image_unref) struct image *img = image_of(D1);
	struct cache_limits none = {.bytes = 0};
	size_t bytes, entries;

	store_image(f, "r.io/a:1", img, &limits);
	store_image(f, "r.io/a:1", img, &limits);
	store_image(f, "r.io/a:2", img, &limits);
	store_image(f, "r.io/b:1", img, &limits);
	cache_usage(f->cache, &bytes, &entries);
	assert_int_equal(entries, 5); /* two of them by digest */
	assert_in_range(bytes, 4000, 2 * 4000 + 5 * 1000);
	store_image(f, "r.io/b:1", img, &none);
	cache_usage(f->cache, &bytes, &entries);
	assert_int_equal(bytes, 0);
	assert_int_equal(entries, 0);
	assert_false(has_image(f, D1, NULL));
}

static void
another_copy_of_an_image_takes_no_more_room(void **state)
{
	struct cached *f = *state;
	size_t one, two, entries;

	store(f, "r.io/a:1", D1);
	cache_usage(f->cache, &one, &entries);
	store(f, "r.io/b:1", D1);
	cache_usage(f->cache, &two, &entries);
	assert_in_range(two, one, one + 1500);
}

/* Its share of the budget goes with it: a copy would be free of that. */
static void
keeps_the_very_image_where_it_is_large(void **state)
{
	struct cached *f = *state;
	AUTO(image_unref) struct image *small = image_of(D1);
	AUTO(image_unref) struct image *large = image_of(D2);
	AUTO(image_unref) struct image *kept = NULL;
	AUTO(image_unref) struct image *packed = NULL;

	assert_non_null(arena_calloc(large->mem, 1, (size_t)BUDGET_SMALL + 1));
	store_image(f, "r.io/a:1", small, &limits);
	store_image(f, "r.io/a:2", large, &limits);
	packed = cache_image(f->cache, D1, NULL);
	kept = cache_image(f->cache, D2, NULL);
	assert_ptr_not_equal(packed, small);
	assert_ptr_equal(kept, large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_least_recently_used_goes_first),
	    TEST(absences_count_too),
	    TEST(counts_an_image_once),
	    TEST(another_copy_of_an_image_takes_no_more_room),
	    TEST(keeps_the_very_image_where_it_is_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
