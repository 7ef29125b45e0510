/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/delta.h"

#include "policy/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { LAYERS = 4, SAID_MAX = 512 };

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define XEH "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

struct side {
	const char *digests[LAYERS]; /* ends with NULL */
	const char *diff_ids[LAYERS];
	int64_t sizes[LAYERS];
	const char *by[LAYERS];
	size_t base;
};

static const struct {
	const char *name;
	struct side old, new;
	const char *said;
} cases[] = {
    {"the same image", {{"a", "b"}, {"A", "B"}, {10, 20}, {"ADD", "RUN"}, 0},
	{{"a", "b"}, {"A", "B"}, {10, 20}, {"ADD", "RUN"}, 0},
	"shared 10>10; shared 20>20; pull 0 in 0; 30>30, base 0>0"},
    {"an instruction with other content",
	{{"a", "b"}, {"A", "B"}, {10, 20}, {"ADD", "RUN"}, 0},
	{{"a", "c"}, {"A", "C"}, {10, 25}, {"ADD", "RUN"}, 0},
	"shared 10>10; changed 20>25; pull 25 in 1; 30>35, base 0>0"},
    {"a layer compressed anew is pulled again",
	{{"a"}, {"A"}, {10}, {"ADD"}, 0}, {{"z"}, {"A"}, {9}, {"ADD"}, 0},
	"re-pushed 10>9; pull 9 in 1; 10>9, base 0>0"},
    {"added and removed",
	{{"a", "b"}, {"A", "B"}, {10, 20}, {"ADD", "RUN x"}, 0},
	{{"a", "c"}, {"A", "C"}, {10, 5}, {"ADD", "RUN y"}, 0},
	"shared 10>10; added 0>5; removed 20>0; pull 5 in 1; 30>15, base 0>0"},
    {"a change does not take away what is shared",
	{{"a", "b"}, {"A", "B"}, {10, 20}, {"RUN", "RUN"}, 0},
	{{"c", "a", "b"}, {"C", "A", "B"}, {1, 10, 20}, {"RUN", "RUN", "RUN"},
	    0},
	"added 0>1; shared 10>10; shared 20>20; pull 1 in 1; 30>31, base 0>0"},
    {"a layer that comes twice is pulled once",
	{{"a"}, {"A"}, {10}, {"ADD"}, 0},
	{{"b", "b"}, {"B", "B"}, {4, 4}, {"X", "Y"}, 0},
	"added 0>4; added 0>4; removed 10>0; pull 4 in 1; 10>8, base 0>0"},
    {"what old builders write for copies is the same instruction",
	{{"a"}, {"A"}, {10}, {"COPY dir:" HEX " in /app"}, 0},
	{{"b"}, {"B"}, {12}, {"COPY dir:" XEH " in /app"}, 0},
	"changed 10>12; pull 12 in 1; 10>12, base 0>0"},
    {"a layer that is not compressed yet is the one with its content",
	{{"a", "b"}, {"A", "B"}, {10, 20}, {"ADD", "RUN"}, 0},
	{{"A", "C"}, {"A", "C"}, {11, 21}, {"ADD", "RUN"}, 0},
	"shared 10>11; changed 20>21; pull 21 in 1; 30>32, base 0>0"},
    {"base and the rest", {{"a", "b"}, {"A", "B"}, {10, 20}, {"A", "R"}, 1},
	{{"c", "b"}, {"C", "B"}, {15, 20}, {"A", "R"}, 1},
	"changed 10>15 base; shared 20>20; pull 15 in 1; 30>35, base 10>15"},
    {"without a history nothing is called changed",
	{{"a"}, {"A"}, {10}, {NULL}, 0}, {{"b"}, {"B"}, {10}, {NULL}, 0},
	"added 0>10; removed 10>0; pull 10 in 1; 10>10, base 0>0"},
};

struct built {
	struct image image;
	struct layer layers[LAYERS];
	struct history history[LAYERS];
	struct report_platform platform;
};

static void
build(struct built *b, const struct side *s)
{
	size_t i, n;

	*b = (struct built){.image = {.layers = b->layers,
				.history = b->history,
				.diff_ids = {.items = s->diff_ids}}};
	for (n = 0; n < LAYERS && s->digests[n] != NULL; n++)
		;
	b->image.nlayers = b->image.diff_ids.n = n;
	for (i = 0; i < n; i++) {
		b->layers[i].digest = s->digests[i];
		b->layers[i].size = s->sizes[i];
		b->image.size += s->sizes[i];
		b->history[i].created_by = s->by[i];
		b->history[i].layer = (int)i;
	}
	b->image.nhistory = n;
	b->platform.image = &b->image;
	b->platform.base_layers = s->base;
}

static void
say(struct buf *b, const struct delta *d)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		buf_printf(b, "%s %lld>%lld%s; ",
		    delta_kind_name(d->rows[i].kind),
		    (long long)d->rows[i].old_size,
		    (long long)d->rows[i].new_size,
		    d->rows[i].is_base ? " base" : "");
	buf_printf(b, "pull %lld in %zu; %lld>%lld, base %lld>%lld",
	    (long long)d->pull, d->pull_layers, (long long)d->old_size,
	    (long long)d->new_size, (long long)d->old_base,
	    (long long)d->new_base);
}

static void
tells_what_became_of_layers(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		AUTO(buf_clear) struct buf said = BUF_INIT(SAID_MAX);
		struct built old, new;
		struct delta d;

		build(&old, &cases[i].old);
		build(&new, &cases[i].new);
		assert_int_equal(
		    delta_make(&d, &old.platform, &new.platform, mem), 0);
		say(&said, &d);
		if (strcmp(buf_text(&said), cases[i].said) != 0)
			fail_msg("%s:\n  %s\n  %s", cases[i].name,
			    buf_text(&said), cases[i].said);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_what_became_of_layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
