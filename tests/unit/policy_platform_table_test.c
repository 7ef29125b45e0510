/* SPDX-License-Identifier: Apache-2.0 */
/* Which image of an index runs on which node, as containerd/platforms has it:
 * what a node could run and we did not look at would go unjudged. */
#include "policy/platform.h"

#include "tests/unit/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES_MAX = 300 };

struct images {
	struct arena *mem;
	struct platform items[IMAGES_MAX];
	size_t n;
};

static bool
is_ascii(const char *s)
{
	while (*s != '\0' && (unsigned char)*s < 0x80)
		s++;
	return *s == '\0';
}

/* Names that are not ASCII in lower case either are no names that a node has:
 * which they become does not matter. */
static void
same_name(struct table *t, const struct row *row, size_t cell, const char *ours)
{
	const char *theirs = row->cells[cell].text;

	if (is_ascii(theirs) ? strcmp(ours, theirs) != 0 : is_ascii(ours))
		table_wrong(t, row, "\"%s\" becomes \"%s\", not \"%s\"",
		    row->cells[cell - 4].text, ours, theirs);
}

static void
check_image(struct table *t, const struct row *row, struct images *images)
{
	struct platform *p = &images->items[images->n++];

	assert_true(images->n <= IMAGES_MAX);
	assert_int_equal(
	    platform_init(p, row->cells[1].text, row->cells[2].text,
		row->cells[3].text, row->cells[4].text, images->mem),
	    0);
	t->equal++;
	same_name(t, row, 5, p->os);
	same_name(t, row, 6, p->arch);
	same_name(t, row, 7, p->variant);
}

static void
check_node(struct table *t, const struct row *row, const struct images *images)
{
	const char *name = row->cells[1].text, *theirs = row->cells[2].text;
	struct error err = ERROR_INIT;
	struct platform node;
	bool ours;

	if (platform_parse(&node, name, t->mem, &err) != 0) {
		t->strict++;
		return;
	}
	assert_int_equal(row->cells[2].len, images->n);
	for (size_t i = 0; i < images->n; i++) {
		const struct platform *image = &images->items[i];

		ours = platform_runs(&node, image);
		if (ours == (theirs[i] == '1'))
			t->equal++;
		else if (ours)
			t->lenient++;
		else
			table_wrong(t, row, "%s runs %s/%s/%s", name, image->os,
			    image->arch, image->variant);
	}
}

/* To judge what no node would run is no harm: variants that we take for
 * others, such as v08 for v8. */
static void
check(struct table *t, const struct row *row, void *arg)
{
	if (strcmp(row->cells[0].text, "image") == 0)
		check_image(t, row, arg);
	else
		check_node(t, row, arg);
}

static void
knows_what_a_node_runs_as_containerd_does(void **state)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct images images = {.mem = mem};

	(void)state;
	table_each("tests/data/tables/platforms.tsv", check, &images);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_what_a_node_runs_as_containerd_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
