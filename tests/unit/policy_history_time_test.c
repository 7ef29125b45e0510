/* SPDX-License-Identifier: Apache-2.0 */
/* An image's author does not decide how long the gate looks at its history:
 * none takes many times what an ordinary one of its length does. Under a
 * second. */
#include "policy/base/buf.h"
#include "policy/history.h"
#include "policy/instruction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { TIMES_MAX = 30 };
enum { ENTRIES_MAX = 1000, ENV_MAX = 30 * 1000, TEXT = 250 * 1000 };

/* As much as is read of a history: each entry begins with much of `filler`,
 * which a little of `last`, again and again, would have looked through. */
static const struct row {
	const char *name;
	size_t entries;
	size_t env; /* variables of the image */
	const char *filler;
	const char *last;
} rows[] = {
    {"one variable sought among many", 1, 0, "a= ", "pip install\n"},
    {"several variables sought among many", 1, 0, "a= ", "npm ci\n"},
    {"many arguments of bundle", 1, 0, "bundle a a a ", "bundle sync\n"},
    {"an environment that one layer asks", 1, ENV_MAX, "#", "pip install\n"},
    {"an environment that every layer asks", ENTRIES_MAX, ENV_MAX, "",
	"apk add $P $P $P $P $P $P $P\n"},
};

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* With `s` again and again, up to `len` bytes. */
static void
pad(struct buf *b, const char *s, size_t len)
{
	while (*s != '\0' && b->len + strlen(s) < len)
		buf_puts(b, s);
}

static const char *
entry_text(struct image *img, const struct row *r)
{
	const size_t len = TEXT / r->entries;
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT);

	buf_puts(&b, "RUN ");
	pad(&b, r->filler, len - len / 16);
	buf_puts(&b, "\n");
	pad(&b, r->last, len);
	assert_false(buf_failed(&b));
	return arena_strdup(img->mem, buf_text(&b));
}

static struct image *
image_of(const struct row *r)
{
	struct image *img = image_new(0);
	struct history *h;
	const char **env;
	size_t i;

	assert_non_null(img);
	h = arena_calloc(img->mem, r->entries, sizeof(*h));
	env = arena_calloc(img->mem, r->env, sizeof(*env));
	assert_true(h != NULL && env != NULL);
	for (i = 0; i < r->env; i++)
		env[i] = "a=";
	for (i = 0; i < r->entries; i++)
		h[i] = (struct history){.created_by = entry_text(img, r),
		    .comment = "",
		    .layer = (int)i};
	img->env = (struct string_list){.items = env, .n = r->env};
	img->history = h;
	img->nhistory = r->entries;
	img->history_state = HISTORY_RELIABLE;
	return img;
}

/* The fastest of a few. */
static double
scan_seconds(const struct row *r)
{
	enum { RUNS = 3 };
	double best = 0, took;
	size_t i;

	for (i = 0; i < RUNS; i++) {
		AUTO(image_unref) struct image *img = image_of(r);

		took = cpu_seconds();
		assert_int_equal(history_scan(img), 0);
		took = cpu_seconds() - took;
		best = i == 0 || took < best ? took : best;
	}
	return best;
}

static void
no_history_keeps_the_gate_busy_for_seconds(void **state)
{
	static const struct row ordinary = {
	    "", 1, 0, "make install -j8\n", "rm -r /tmp/build\n"};
	const double most = TIMES_MAX * scan_seconds(&ordinary);
	double took;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		took = scan_seconds(&rows[i]);
		if (took > most)
			fail_msg(
			    "%s: %.4f s, over %.4f", rows[i].name, took, most);
	}
}

static void
a_history_that_is_not_looked_through_is_not_reliable(void **state)
{
	AUTO(image_unref) struct image *img = image_of(&rows[4]);

	(void)state;
	assert_int_equal(history_scan(img), 0);
	assert_int_equal(img->history_state, HISTORY_UNRELIABLE);
}

static double
shown_seconds(const char *text)
{
	enum { SHOWN = 4096, TIMES = 100 };
	AUTO(buf_clear) struct buf b = BUF_INIT(SHOWN);
	const double before = cpu_seconds();
	size_t i;

	pad(&b, text, SHOWN);
	for (i = 0; i < TIMES; i++) {
		AUTO(buf_clear) struct buf shown = BUF_INIT(SHOWN);

		assert_int_equal(
		    instruction_add(&shown, buf_text(&b), SHOWN), 0);
	}
	return cpu_seconds() - before;
}

/* Each option's value ends where the text does. */
static void
no_instruction_of_options_keeps_the_gate_busy_for_seconds(void **state)
{
	const double ordinary = shown_seconds("make install ");
	const double took = shown_seconds("-u=");

	(void)state;
	if (took > TIMES_MAX * ordinary)
		fail_msg("%.4f s, beside %.4f", took, ordinary);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_history_keeps_the_gate_busy_for_seconds),
	    cmocka_unit_test(
		a_history_that_is_not_looked_through_is_not_reliable),
	    cmocka_unit_test(
		no_instruction_of_options_keeps_the_gate_busy_for_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
