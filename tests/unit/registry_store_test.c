/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/digest.h"
#include "server/gate/clock.h"
#include "server/registry/store.h"
#include "server/registry/store_file.h"
#include "tests/unit/alloc.h"
#include "tests/unit/registry_fake.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define REPOSITORY "r.io/team/app"
#define TYPE "application/json"

enum { BODY_MAX = 4096 };

struct fixture {
	char dir[64];
	char path[128];
	struct store *store;
	atomic_int warnings;
	char event[64];               /* the last one's */
	char digest[DIGEST_TEXT_MAX]; /* of "one" */
};

static void
warn(void *arg, const char *event, const char *detail)
{
	struct fixture *f = arg;

	(void)detail;
	atomic_fetch_add(&f->warnings, 1);
	snprintf(f->event, sizeof(f->event), "%s", event);
}

static void
start(struct fixture *f)
{
	const struct store_options o = {
	    .dir = f->dir, .clock = &clock_real, .warn = warn, .arg = f};
	struct error err = ERROR_INIT;

	f->store = store_open(&o, &err);
	if (f->store == NULL)
		fail_msg("%s", err.msg);
}

/* All that was put is on the disk then. */
static void
restart(struct fixture *f)
{
	store_close(f->store);
	start(f);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/policy-gate-store-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/" STORE_FILE_NAME, f->dir);
	start(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	store_file_discard(f->dir);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void
put(struct fixture *f, const char *body)
{
	store_put(
	    f->store, REPOSITORY, fake_digest(body), TYPE, body, strlen(body));
}

static bool
has(struct fixture *f, const char *repository, const char *body)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(BODY_MAX);
	char type[STORE_TYPE_MAX];

	if (!store_get(f->store, repository, fake_digest(body), type, &b))
		return false;
	assert_string_equal(type, TYPE);
	assert_string_equal(buf_text(&b), body);
	return true;
}

static void
has_what_was_put_before_the_restart(void **state)
{
	struct fixture *f = *state;
	char digest[DIGEST_TEXT_MAX];
	int64_t when = 0;

	assert_false(has(f, REPOSITORY, "one"));
	put(f, "one");
	put(f, "");
	store_put_tag(f->store, REPOSITORY, "1", fake_digest("zero"));
	store_put_tag(f->store, REPOSITORY, "1", fake_digest("one"));
	restart(f);
	assert_true(has(f, REPOSITORY, "one"));
	assert_true(has(f, REPOSITORY, ""));
	assert_false(has(f, REPOSITORY, "two"));
	assert_false(has(f, "r.io/other", "one"));
	assert_true(store_get_tag(
	    f->store, REPOSITORY, "1", digest, sizeof(digest), &when));
	assert_string_equal(digest, fake_digest("one"));
	assert_in_range(when, clock_real.wall_s(&clock_real) - 60,
	    clock_real.wall_s(&clock_real));
	assert_false(store_get_tag(
	    f->store, REPOSITORY, "2", digest, sizeof(digest), &when));
	assert_int_equal(f->warnings, 0);
}

static void
is_for_its_owner_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
gives_nothing_that_has_another_digest(void **state)
{
	struct fixture *f = *state;

	store_put(f->store, REPOSITORY, fake_digest("good"), TYPE, "evil", 4);
	restart(f);
	assert_false(has(f, REPOSITORY, "good"));
}

static void
write_over(const struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
throws_away_what_is_no_database(void **state)
{
	struct fixture *f = *state;

	put(f, "one");
	store_close(f->store);
	write_over(f, "My holiday, by a person who knows nothing of caches.");
	start(f);
	assert_int_equal(f->warnings, 1);
	assert_string_equal(f->event, "store_discarded");
	assert_false(has(f, REPOSITORY, "one"));
	put(f, "one");
	restart(f);
	assert_true(has(f, REPOSITORY, "one"));
	assert_int_equal(f->warnings, 1);
}

/* Bytes in the middle, as a failing disk would have it. */
static void
survives_a_file_that_is_damaged_at_any_place(void **state)
{
	struct fixture *f = *state;
	char body[BODY_MAX];
	long at, size;

	for (at = 0; at < 40000; at += 500) {
		FILE *file;

		for (int i = 0; i < 20; i++) {
			snprintf(body, sizeof(body), "%d %1000d", i, i);
			put(f, body);
		}
		store_close(f->store);
		file = fopen(f->path, "r+");
		assert_non_null(file);
		fseek(file, 0, SEEK_END);
		size = ftell(file);
		if (at < size) {
			fseek(file, at, SEEK_SET);
			for (int i = 0; i < 400; i++)
				fputc(0xa5, file);
		}
		fclose(file);
		start(f);
		for (int i = 0; i < 20; i++) {
			snprintf(body, sizeof(body), "%d %1000d", i, i);
			(void)has(f, REPOSITORY, body);
		}
		put(f, "more");
		restart(f);
	}
	assert_true(f->warnings > 0);
}

static void
survives_a_file_that_is_cut_short_while_it_is_open(void **state)
{
	struct fixture *f = *state;

	put(f, "one");
	restart(f);
	assert_int_equal(truncate(f->path, 100), 0);
	assert_false(has(f, REPOSITORY, "two"));
	(void)has(f, REPOSITORY, "one");
	put(f, "three");
	restart(f);
	put(f, "four");
	restart(f);
	assert_true(has(f, REPOSITORY, "four"));
}

static void
goes_without_a_folder_that_cannot_be_used(void **state)
{
	struct error err = ERROR_INIT;
	const struct store_options o = {
	    .dir = "/proc/none/such", .clock = &clock_real};

	(void)state;
	assert_null(store_open(&o, &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.msg, "/proc/none/such"));
}

static void
forgets_the_oldest_when_it_grows_beyond_its_bound(void **state)
{
	struct fixture *f = *state;
	AUTO(store_file_close) struct store_file *file = NULL;
	AUTO(buf_clear) struct buf b = BUF_INIT(BODY_MAX);
	struct error err = ERROR_INIT;
	char body[BODY_MAX] = "", type[STORE_TYPE_MAX], name[32];
	bool discarded = false;
	struct stat st;

	file = store_file_create(f->dir, &discarded, &err);
	assert_non_null(file);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(store_file_begin(file, &err), 0);
		assert_int_equal(store_file_put(file, REPOSITORY, name, TYPE,
				     body, sizeof(body), i, &err),
		    0);
		assert_int_equal(store_file_commit(file, 1024 * 1024, &err), 0);
	}
	assert_int_equal(stat(f->path, &st), 0);
	assert_in_range(st.st_size, 512 * 1024, 2 * 1024 * 1024);
	assert_int_equal(
	    store_file_get(file, REPOSITORY, "0", type, sizeof(type), &b), 0);
	buf_clear(&b);
	buf_init(&b, BODY_MAX + 1);
	assert_int_equal(
	    store_file_get(file, REPOSITORY, "999", type, sizeof(type), &b), 1);
}

/* One of two that start at once. */
struct starter {
	pthread_barrier_t *together;
	const char *dir;
	struct store_file *file;
	bool discarded;
	struct error err;
};

static void *
create(void *arg)
{
	struct starter *s = arg;

	pthread_barrier_wait(s->together);
	s->file = store_file_create(s->dir, &s->discarded, &s->err);
	return NULL;
}

static void
start_two(const char *dir, pthread_barrier_t *together)
{
	struct starter two[2] = {
	    {.together = together, .dir = dir, .err = ERROR_INIT},
	    {.together = together, .dir = dir, .err = ERROR_INIT}};
	pthread_t other;

	assert_int_equal(pthread_create(&other, NULL, create, &two[1]), 0);
	create(&two[0]);
	pthread_join(other, NULL);
	for (size_t i = 0; i < 2; i++) {
		assert_false(two[i].discarded);
		if (two[i].file == NULL)
			fail_msg("%s", two[i].err.msg);
		store_file_close(two[i].file);
	}
}

/* About half a second. */
static void
what_another_process_makes_at_the_same_moment_is_not_discarded(void **state)
{
	struct fixture *f = *state;
	pthread_barrier_t together;
	int i;

	store_close(f->store);
	f->store = NULL;
	pthread_barrier_init(&together, NULL, 2);
	for (i = 0; i < 60; i++) {
		store_file_discard(f->dir);
		start_two(f->dir, &together);
	}
	pthread_barrier_destroy(&together);
	start(f);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static void
another_that_is_writing_is_not_robbed_of_its_file(void **state)
{
	struct fixture *f = *state;
	const struct store_options o = {
	    .dir = f->dir, .clock = &clock_real, .warn = warn, .arg = f};
	AUTO(store_file_close) struct store_file *file = NULL;
	struct error err = ERROR_INIT;
	bool discarded = false;

	put(f, "one");
	restart(f);
	file = store_file_create(f->dir, &discarded, &err);
	assert_non_null(file);
	assert_int_equal(store_file_begin(file, &err), 0);
	assert_null(store_open(&o, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(f->warnings, 0);
	store_file_rollback(file);
	restart(f);
	assert_true(has(f, REPOSITORY, "one"));
}

static void
use_with_little_memory(void *arg)
{
	const struct fixture *f = arg;
	const struct store_options o = {.dir = f->dir, .clock = &clock_real};
	AUTO(buf_clear) struct buf b = BUF_INIT(BODY_MAX);
	char type[STORE_TYPE_MAX], digest[DIGEST_TEXT_MAX];
	struct error err = ERROR_INIT;
	struct store *s = store_open(&o, &err);
	int64_t when;

	if (s == NULL) {
		assert_int_equal(err.code, ERR_NOMEM);
		return;
	}
	store_put(s, REPOSITORY, f->digest, TYPE, "one", 3);
	store_put_tag(s, REPOSITORY, "1", f->digest);
	if (store_get(s, REPOSITORY, f->digest, type, &b))
		assert_string_equal(buf_text(&b), "one");
	if (store_get_tag(s, REPOSITORY, "1", digest, sizeof(digest), &when))
		assert_string_equal(digest, f->digest);
	store_close(s);
}

static void
memory_that_runs_out_costs_what_was_to_be_kept(void **state)
{
	struct fixture *f = *state;

	put(f, "one");
	restart(f);
	snprintf(f->digest, sizeof(f->digest), "%s", fake_digest("one"));
	assert_true(alloc_fail_each(use_with_little_memory, f) > 8);
	put(f, "two");
	restart(f);
	assert_true(has(f, REPOSITORY, "two"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(has_what_was_put_before_the_restart),
	    TEST(is_for_its_owner_alone),
	    TEST(gives_nothing_that_has_another_digest),
	    TEST(throws_away_what_is_no_database),
	    TEST(survives_a_file_that_is_damaged_at_any_place),
	    TEST(survives_a_file_that_is_cut_short_while_it_is_open),
	    TEST(goes_without_a_folder_that_cannot_be_used),
	    TEST(forgets_the_oldest_when_it_grows_beyond_its_bound),
	    TEST(another_that_is_writing_is_not_robbed_of_its_file),
	    TEST(
		what_another_process_makes_at_the_same_moment_is_not_discarded),
	    TEST(memory_that_runs_out_costs_what_was_to_be_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
