/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/alloc.h"
#include "tests/unit/registry_cached.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
store_failure(struct cached *f, const char *key, enum err_code code)
{
	struct error err = ERROR_INIT;

	error_set(&err, code, "no");
	cache_store_failure(f->cache, key, &err, &limits);
}

static enum cache_result
look_in_outage(struct cached *f, const char *key, int seconds)
{
	AUTO(image_set_unref) struct image_set *set = NULL;
	enum cache_result r;

	f->ms += seconds * 1000;
	r = cache_find_stale(f->cache, key, &limits, &set);
	assert_int_equal(set != NULL, r == CACHE_STALE);
	return r;
}

static void
believes_a_tag_for_its_ttl(void **state)
{
	struct cached *f = *state;

	assert_int_equal(look(f, A, 0), CACHE_MISS);
	store(f, A, D1);
	assert_int_equal(look(f, A, 0), CACHE_HIT);
	assert_int_equal(look(f, A, 29), CACHE_HIT);
	assert_int_equal(look(f, "r.io/b:1", 0), CACHE_MISS);
}

static void
asks_anew_behind_a_tag_that_has_just_expired(void **state)
{
	struct cached *f = *state;

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
	struct cached *f = *state;

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
	struct cached *f = *state;

	store(f, A, D1);
	assert_int_equal(look(f, A, 59), CACHE_REFRESH);
	assert_int_equal(look(f, A, 1), CACHE_MISS);
}

static void
waits_for_no_registry_just_after_an_outage(void **state)
{
	struct cached *f = *state;

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
	struct cached *f = *state;

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
	struct cached *f = *state;

	store(f, "r.io/a@" D1, D1);
	assert_int_equal(look(f, "r.io/a@" D1, 1000000), CACHE_HIT);
}

static void
knows_what_a_tag_led_to_by_digest_too(void **state)
{
	struct cached *f = *state;

	store(f, "r.io:5000/a:1 linux/amd64//", D1);
	assert_int_equal(
	    look(f, "r.io:5000/a@" D1 " linux/amd64//", 1000000), CACHE_HIT);
	assert_int_equal(look(f, "r.io:5000/a@" D1, 0), CACHE_MISS);
	assert_int_equal(look(f, "r.io:5000/a:1", 0), CACHE_MISS);
}

static void
has_an_old_answer_for_an_outage(void **state)
{
	struct cached *f = *state;

	store(f, A, D1);
	assert_int_equal(look_in_outage(f, A, 3629), CACHE_STALE);
	assert_int_equal(look_in_outage(f, A, 1), CACHE_MISS);
	assert_int_equal(look_in_outage(f, "r.io/b:1", 0), CACHE_MISS);
}

static void
remembers_for_a_moment_that_nothing_is_there(void **state)
{
	struct cached *f = *state;

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
	struct cached *f = *state;
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
	struct cached *f = *state;

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
	struct cached *f = *state;
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
lacks_proof(struct cached *f, const char *key, int seconds)
{
	f->ms += seconds * 1000;
	return cache_lacks_proof(f->cache, key, &limits);
}

static void
knows_what_lacks_nothing_but_proof(void **state)
{
	struct cached *f = *state;

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
store_in_little_memory(void *arg)
{
	struct cached *f = arg;
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
	    TEST(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
