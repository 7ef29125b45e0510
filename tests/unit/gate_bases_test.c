/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/bases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 64 };

static struct image_set *
set_of(const char *digest)
{
	struct image_set *set = image_set_new(0);

	assert_non_null(set);
	set->digest = arena_strdup(set->mem, digest);
	return set;
}

/* Fills in what `name` means today, and writes what it meant before. */
static void
fill(struct base_memory *m, const char *name, const char *today, char *before)
{
	struct plan_base b = {.fetch = true};
	size_t i;

	if (today != NULL)
		b.facts = set_of(today);
	base_memory_fill(m, name, &b);
	for (i = 0; i < b.nolder; i++) {
		before += snprintf(before, TEXT_MAX, "%s", b.older[i]->digest);
		image_set_unref(b.older[i]);
	}
	*before = '\0';
	image_set_unref(b.facts);
}

static void
remembers_what_a_name_meant(void **state)
{
	static const struct {
		const char *name;
		const char *today;
		const char *before;
	} steps[] = {
	    {"a", "1", ""},
	    {"a", "1", ""},
	    {"a", "2", "1"},
	    {"b", "3", ""},
	    {"a", "4", "21"},
	    {"a", NULL, ""},  /* which is today's is not known */
	    {"a", "1", "42"}, /* back again */
	    {"a", "5", "142"},
	    {"a", "6", "5142"},
	    {"a", "7", "6514"}, /* the oldest is forgotten */
	    {"b", "3", ""},
	};
	struct base_memory *m = base_memory_new();
	char before[TEXT_MAX];
	size_t i;

	(void)state;
	assert_non_null(m);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		fill(m, steps[i].name, steps[i].today, before);
		if (strcmp(before, steps[i].before) != 0)
			fail_msg("step %zu: %s", i, before);
	}
	base_memory_free(m);
}

static void
forgets_the_name_that_nobody_asked_for(void **state)
{
	struct base_memory *m = base_memory_new();
	char name[TEXT_MAX], before[TEXT_MAX];
	int i;

	(void)state;
	fill(m, "kept", "1", before);
	fill(m, "lost", "1", before);
	for (i = 0; i < RULESET_BASES_MAX - 1; i++) {
		fill(m, "kept", "1", before);
		snprintf(name, sizeof(name), "n%d", i);
		fill(m, name, "1", before);
	}
	fill(m, "kept", "2", before);
	assert_string_equal(before, "1");
	fill(m, "lost", "2", before);
	assert_string_equal(before, "");
	base_memory_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(remembers_what_a_name_meant),
	    cmocka_unit_test(forgets_the_name_that_nobody_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
