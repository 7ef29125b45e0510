/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/budget.h"
#include "server/registry/cache.h"
#include "server/registry/cache_key.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

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

#define A "r.io/a:1"
#define D1 "sha256:d1"
#define D2 "sha256:d2"

/* An answer of one image, both with this digest. */
static struct image_set *
set_of(struct image *img)
{
	struct image_set *set = image_set_new(0);

	assert_non_null(set);
	set->digest = img->digest;
	set->images = arena_calloc(set->mem, 1, sizeof(struct image *));
	set->images[0] = image_ref(img);
	set->n = 1;
	return set;
}

/* Of some 4,000 bytes that no other has. */
static struct image *
image_of(const char *digest)
{
	struct image *img = image_new(0);
	const char **env;

	assert_non_null(img);
	env = arena_calloc(img->mem, 1, sizeof(*env));
	*env = arena_printf(img->mem, "%s%4000d", digest, 1);
	img->env = (struct string_list){env, 1};
	img->digest = arena_strdup(img->mem, digest);
	img->media_type = "application/vnd.oci.image.manifest.v1+json";
	return img;
}

static void
store_image(struct fixture *f, const char *key, struct image *img,
    const struct cache_limits *l)
{
	AUTO(image_set_unref) struct image_set *set = set_of(img);

	cache_store(f->cache, key, set, l);
}

static void
store(struct fixture *f, const char *key, const char *digest)
{
	AUTO(image_unref) struct image *img = image_of(digest);

	store_image(f, key, img, &limits);
}

static void
store_failure(struct fixture *f, const char *key, enum err_code code)
{
	struct error err = ERROR_INIT;

	error_set(&err, code, "no");
	cache_store_failure(f->cache, key, &err, &limits);
}

/* After `seconds` more. */
static enum cache_result
look(struct fixture *f, const char *key, int seconds)
{
	AUTO(image_set_unref) struct image_set *set = NULL;
	struct error err = ERROR_INIT;
	enum cache_result r;

	f->still.ms += seconds * 1000;
	r = cache_find(f->cache, key, &limits, &set, &err);
	assert_int_equal(set != NULL, r != CACHE_MISS && r != CACHE_NEGATIVE);
	assert_int_equal(r == CACHE_NEGATIVE, err.code == ERR_NOT_FOUND);
	return r;
}

static enum cache_result
look_in_outage(struct fixture *f, const char *key, int seconds)
{
	AUTO(image_set_unref) struct image_set *set = NULL;
	enum cache_result r;

	f->still.ms += seconds * 1000;
	r = cache_find_stale(f->cache, key, &limits, &set);
	assert_int_equal(set != NULL, r == CACHE_STALE);
	return r;
}

static bool
has_image(struct fixture *f, const char *digest, const char *repository)
{
	AUTO(image_unref)
	struct image *img = cache_image(f->cache, digest, repository);

	return img != NULL;
}

static void
believes_a_tag_for_its_ttl(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f, A, 0), CACHE_MISS);
	store(f, A, D1);
	assert_int_equal(look(f, A, 0), CACHE_HIT);
	assert_int_equal(look(f, A, 29), CACHE_HIT);
	assert_int_equal(look(f, "r.io/b:1", 0), CACHE_MISS);
}

static void
asks_anew_behind_a_tag_that_has_just_expired(void **state)
{
	struct fixture *f = *state;

	store(f, A, D1);
	assert_int_equal(look(f, A, 30), CACHE_REFRESH);
	assert_int_equal(look(f, A, 0), CACHE_STALE); /* one is enough */
	store(f, A, D1);
	assert_int_equal(look(f, A, 29), CACHE_HIT);
	assert_int_equal(look(f, A, 1), CACHE_REFRESH);
	store_failure(f, A, ERR_UNAUTHORIZED);
	assert_int_equal(look(f, A, 29), CACHE_REFRESH); /* it failed */
	assert_int_equal(look(f, A, 1), CACHE_MISS);
	assert_int_equal(look_in_outage(f, A, 0), CACHE_STALE);
}

/* Every review of a known image waited for a registry that hung. */
static void
waits_for_no_registry_that_leaves_a_refresh_without_answer(void **state)
{
	struct fixture *f = *state;

	store(f, A, D1);
	assert_int_equal(look(f, A, 40), CACHE_REFRESH);
	assert_int_equal(look(f, A, 14), CACHE_STALE);
	assert_int_equal(look(f, A, 6), CACHE_STALE);
	assert_int_equal(look(f, A, 3600 + 30 - 60 - 1), CACHE_STALE);
	assert_int_equal(look(f, A, 1), CACHE_MISS); /* stale_for is over */
}

static void
waits_for_a_registry_that_has_only_just_been_asked(void **state)
{
	struct fixture *f = *state;

	store(f, A, D1);
	assert_int_equal(look(f, A, 59), CACHE_REFRESH);
	assert_int_equal(look(f, A, 1), CACHE_MISS);
}

static void
waits_for_no_registry_just_after_an_outage(void **state)
{
	struct fixture *f = *state;

	store(f, A, D1);
	assert_int_equal(look(f, A, 100), CACHE_MISS);
	assert_int_equal(look_in_outage(f, A, 0), CACHE_STALE);
	assert_int_equal(look(f, A, 0), CACHE_REFRESH);
	assert_int_equal(look(f, A, 9), CACHE_STALE);
	store_failure(f, A, ERR_UNAVAILABLE);
	assert_int_equal(look(f, A, 1), CACHE_MISS);
	store(f, A, D2);
	assert_int_equal(look(f, A, 0), CACHE_HIT);
	assert_int_equal(look(f, A, 60), CACHE_MISS);
}

static void
waits_again_after_an_outage_with_other_settings(void **state)
{
	struct fixture *f = *state;

	store(f, A, D1);
	store(f, "r.io/a@" D1, D1);
	assert_int_equal(look_in_outage(f, A, 0), CACHE_STALE);
	cache_distrust(f->cache);
	assert_int_equal(look(f, A, 0), CACHE_MISS);
	assert_int_equal(look_in_outage(f, A, 0), CACHE_STALE);
	assert_int_equal(look(f, A, 0), CACHE_REFRESH);
	assert_int_equal(look_in_outage(f, "r.io/a@" D1, 0), CACHE_STALE);
	assert_int_equal(look(f, "r.io/a@" D1, 0), CACHE_REFRESH);
	assert_int_equal(look(f, A, 10), CACHE_MISS);
}

static void
believes_a_digest_for_ever(void **state)
{
	struct fixture *f = *state;

	store(f, "r.io/a@" D1, D1);
	assert_int_equal(look(f, "r.io/a@" D1, 1000000), CACHE_HIT);
}

static void
knows_what_a_tag_led_to_by_digest_too(void **state)
{
	struct fixture *f = *state;

	store(f, "r.io:5000/a:1 linux/amd64//", D1);
	assert_int_equal(
	    look(f, "r.io:5000/a@" D1 " linux/amd64//", 1000000), CACHE_HIT);
	assert_int_equal(look(f, "r.io:5000/a@" D1, 0), CACHE_MISS);
	assert_int_equal(look(f, "r.io:5000/a:1", 0), CACHE_MISS);
}

static void
has_an_old_answer_for_an_outage(void **state)
{
	struct fixture *f = *state;

	store(f, A, D1);
	assert_int_equal(look_in_outage(f, A, 3629), CACHE_STALE);
	assert_int_equal(look_in_outage(f, A, 1), CACHE_MISS);
	assert_int_equal(look_in_outage(f, "r.io/b:1", 0), CACHE_MISS);
}

static void
remembers_for_a_moment_that_nothing_is_there(void **state)
{
	struct fixture *f = *state;

	store(f, A, D1);
	store_failure(f, A, ERR_NOT_FOUND);
	assert_int_equal(look(f, A, 4), CACHE_NEGATIVE);
	assert_int_equal(look(f, A, 1), CACHE_MISS);
	/* What was deleted is not served again in an outage. */
	assert_int_equal(look_in_outage(f, A, 0), CACHE_MISS);
	assert_null(cache_known(f->cache, A));
}

static void
keeps_no_other_failure(void **state)
{
	static const enum err_code others[] = {ERR_UNAUTHORIZED,
	    ERR_NOT_FOUND_DENIED, ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_DIGEST};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		store_failure(f, A, others[i]);
		assert_int_equal(look(f, A, 0), CACHE_MISS);
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

/* One tenant's private image is not shown to another. */
static void
gives_an_image_only_where_it_was_proved(void **state)
{
	struct fixture *f = *state;

	store(f, "r.io/a:1", D1);
	assert_true(has_image(f, D1, NULL));
	assert_true(has_image(f, D1, "r.io/a"));
	assert_false(has_image(f, D1, "r.io/b"));
	assert_false(has_image(f, D1, "r.io"));
	assert_false(has_image(f, D1, "r.io/a:1"));
	assert_false(has_image(f, D2, NULL));
	store(f, "r.io/b:1", D1);
	assert_true(has_image(f, D1, "r.io/b"));
}

static void
has_everything_proved_again_after_new_settings(void **state)
{
	struct fixture *f = *state;
	AUTO(image_set_unref) struct image_set *known = NULL;

	store(f, A, D1);
	cache_distrust(f->cache);
	assert_int_equal(look(f, A, 0), CACHE_MISS);
	assert_int_equal(look(f, "r.io/a@" D1, 0), CACHE_MISS);
	assert_false(has_image(f, D1, "r.io/a"));
	assert_true(has_image(f, D1, NULL));
	known = cache_known(f->cache, A);
	assert_non_null(known);
	/* But an outage right after rejects nothing. */
	assert_int_equal(look_in_outage(f, A, 0), CACHE_STALE);
	cache_store(f->cache, A, known, &limits);
	assert_int_equal(look(f, A, 0), CACHE_HIT);
	assert_true(has_image(f, D1, "r.io/a"));
}

static bool
lacks_proof(struct fixture *f, const char *key, int seconds)
{
	f->still.ms += seconds * 1000;
	return cache_lacks_proof(f->cache, key, &limits);
}

static void
knows_what_lacks_nothing_but_proof(void **state)
{
	struct fixture *f = *state;

	store(f, A, D1);
	assert_false(lacks_proof(f, A, 0));
	cache_distrust(f->cache);
	assert_false(lacks_proof(f, "r.io/b:1", 0));
	assert_true(lacks_proof(f, A, 59));
	assert_false(lacks_proof(f, A, 1)); /* it may have moved */
	assert_true(lacks_proof(f, "r.io/a@" D1, 3500));
	assert_false(lacks_proof(f, "r.io/a@" D1, 70)); /* not to be had */
	store_failure(f, A, ERR_NOT_FOUND);
	cache_distrust(f->cache);
	assert_false(lacks_proof(f, A, 0));
}

static void
the_least_recently_used_goes_first(void **state)
{
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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

static void
keys_tell_platforms_apart(void **state)
{
	static const struct platform amd[] = {{"linux", "amd64", "", ""}};
	static const struct platform arm[] = {{"linux", "arm64", "", ""}};
	const struct reference ref = {.host = "r.io", .path = "a", .tag = "1"};
	AUTO(free)
	char *any = cache_key(&ref, &(struct platform_set){NULL, 0});
	AUTO(free) char *a = cache_key(&ref, &(struct platform_set){amd, 1});
	AUTO(free) char *b = cache_key(&ref, &(struct platform_set){arm, 1});

	(void)state;
	assert_string_equal(any, "r.io/a:1");
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, any);
}

static void
store_in_little_memory(void *arg)
{
	struct fixture *f = arg;
	AUTO(image_unref) struct image *img = image_new(0);
	AUTO(image_set_unref) struct image_set *set = image_set_new(0);
	struct image *images[] = {img};
	struct error err = ERROR_INIT;

	if (set == NULL || img == NULL)
		return;
	img->digest = set->digest = D1;
	img->media_type = "application/x-own";
	set->images = images;
	set->n = 1;
	cache_store(f->cache, A, set, &limits);
	set->n = 0; /* the image is ours */
	error_set(&err, ERR_NOT_FOUND, "gone");
	cache_store_failure(f->cache, "r.io/b:1", &err, &limits);
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
	    TEST(asks_anew_behind_a_tag_that_has_just_expired),
	    TEST(waits_for_no_registry_that_leaves_a_refresh_without_answer),
	    TEST(waits_for_a_registry_that_has_only_just_been_asked),
	    TEST(waits_for_no_registry_just_after_an_outage),
	    TEST(waits_again_after_an_outage_with_other_settings),
	    TEST(believes_a_digest_for_ever),
	    TEST(knows_what_a_tag_led_to_by_digest_too),
	    TEST(has_an_old_answer_for_an_outage),
	    TEST(remembers_for_a_moment_that_nothing_is_there),
	    TEST(keeps_no_other_failure),
	    cmocka_unit_test(an_outage_is_not_a_refusal),
	    TEST(gives_an_image_only_where_it_was_proved),
	    TEST(has_everything_proved_again_after_new_settings),
	    TEST(knows_what_lacks_nothing_but_proof),
	    TEST(the_least_recently_used_goes_first),
	    TEST(absences_count_too),
	    TEST(counts_an_image_once),
	    TEST(another_copy_of_an_image_takes_no_more_room),
	    TEST(keeps_the_very_image_where_it_is_large),
	    cmocka_unit_test(keys_tell_platforms_apart),
	    TEST(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
