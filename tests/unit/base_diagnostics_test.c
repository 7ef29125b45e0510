/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/diagnostics.h"
#include "tests/unit/alloc.h"
#include "tests/unit/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char text[] = "version: 1\n"
			   "rules:\n"
			   "- check:\n"
			   "    size: {mx: 1, colour: 2}\n"
			   "    tag: []\n"
			   "nam: x\n";

static struct document *
read_text(void)
{
	struct error err = ERROR_INIT;
	struct mark at;
	struct document *d = read_first(text, sizeof(text) - 1, &at, &err);

	if (d == NULL)
		fail_msg("%s", err.msg);
	return d;
}

static void
check_printed(const struct diagnostics *d, const char *want)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(100 * 1000);

	assert_int_equal(diagnostics_print(d, &b), 0);
	assert_string_equal(buf_text(&b), want);
}

static void
prints_in_the_order_of_the_file(void **state)
{
	AUTO(document_free)
	struct document *doc = read_text();
	AUTO(diagnostics_clear)
	struct diagnostics d;
	struct node root = document_node(doc), rules, rule, check, size, mx;

	(void)state;
	diagnostics_init(&d, "p.yaml");
	rules = node_get(&root, "rules");
	rule = node_at(&rules, 0);
	check = node_get(&rule, "check");
	size = node_get(&check, "size");
	mx = node_get(&size, "mx");
	diagnostics_error_at(&d, (struct mark){7, 3}, "syntax");
	diagnostics_error(&d, &mx, "found %d", 1);
	diagnostics_error(&d, &mx, "the same place, found later");
	diagnostics_error_key(&d, &mx, "its key");
	diagnostics_warn(&d, &root, "whole");
	diagnostics_error_at(&d, (struct mark){0, 0}, "cannot be read");
	assert_int_equal(d.errors, 5);
	assert_int_equal(d.len, 6);
	check_printed(&d,
	    "p.yaml: error: cannot be read\n"
	    "p.yaml:1:1: warning: whole\n"
	    "p.yaml:4:12: error: rules[0].check.size.mx: its key\n"
	    "p.yaml:4:16: error: rules[0].check.size.mx: found 1\n"
	    "p.yaml:4:16: error: rules[0].check.size.mx: the same place, found later\n"
	    "p.yaml:7:3: error: syntax\n");
}

static void
counts_what_it_does_not_keep(void **state)
{
	AUTO(diagnostics_clear)
	struct diagnostics d;
	AUTO(buf_clear) struct buf b = BUF_INIT(100 * 1000);

	(void)state;
	diagnostics_init(&d, "p.yaml");
	for (int i = 0; i < DIAGNOSTICS_MAX + 3; i++)
		diagnostics_error_at(&d, (struct mark){1000 - i, 1}, "e%d", i);
	assert_int_equal(d.errors, DIAGNOSTICS_MAX + 3);
	assert_int_equal(d.len, DIAGNOSTICS_MAX);
	assert_int_equal(d.dropped, 3);
	assert_int_equal(diagnostics_print(&d, &b), 0);
	assert_memory_equal(buf_text(&b), "p.yaml:901:1: error: e99\n", 25);
	assert_string_equal(strstr(buf_text(&b), "1000:1"),
	    "1000:1: error: e0\np.yaml: 3 more problems, not listed\n");
}

static void
one_dropped_is_one_problem(void **state)
{
	AUTO(diagnostics_clear)
	struct diagnostics d;

	(void)state;
	diagnostics_init(&d, "p.yaml");
	alloc_fail_from(0);
	diagnostics_error_at(&d, (struct mark){1, 1}, "lost");
	alloc_restore();
	assert_int_equal(d.errors, 1);
	check_printed(&d, "p.yaml: 1 more problem, not listed\n");
}

static void
a_message_is_one_safe_line(void **state)
{
	AUTO(diagnostics_clear)
	struct diagnostics d;
	char long_text[3000];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	diagnostics_init(&d, "p.yaml");
	diagnostics_error_at(&d, (struct mark){1, 1}, "a\nb\x1b[2J%s", "\r");
	diagnostics_error_at(&d, (struct mark){2, 1}, "%s", long_text);
	assert_string_equal(d.items[0].message, "a b?[2J ");
	assert_true(strlen(d.items[1].message) < 1000);
}

static void
a_full_buffer_is_an_error(void **state)
{
	AUTO(diagnostics_clear)
	struct diagnostics d;
	AUTO(buf_clear) struct buf b = BUF_INIT(10);

	(void)state;
	diagnostics_init(&d, "p.yaml");
	diagnostics_error_at(&d, (struct mark){1, 1}, "message");
	assert_int_equal(diagnostics_print(&d, &b), -1);
}

static void
suggests_the_nearest_key(void **state)
{
	static const char *const top[] = {"version", "name", "rules", NULL};
	static const char *const sizes[] = {"max", "maxLayer", NULL};
	static const char *const one[] = {"only", NULL};
	AUTO(document_free)
	struct document *doc = read_text();
	AUTO(diagnostics_clear)
	struct diagnostics d;
	struct node root = document_node(doc), rules, rule, check, size, tag;

	(void)state;
	diagnostics_init(&d, "p.yaml");
	rules = node_get(&root, "rules");
	rule = node_at(&rules, 0);
	check = node_get(&rule, "check");
	size = node_get(&check, "size");
	tag = node_get(&check, "tag");
	assert_true(diagnostics_check_keys(&d, &root, top));
	assert_true(diagnostics_check_keys(&d, &size, sizes));
	assert_true(diagnostics_check_keys(&d, &rule, one));
	assert_false(diagnostics_check_keys(&d, &tag, one));
	check_printed(&d,
	    "p.yaml:3:3: error: rules[0].check: unknown key \"check\"; known is: only\n"
	    "p.yaml:4:12: error: rules[0].check.size.mx: unknown key \"mx\"; did you mean \"max\"?\n"
	    "p.yaml:4:19: error: rules[0].check.size.colour: unknown key \"colour\"; known are: max, maxLayer\n"
	    "p.yaml:5:10: error: rules[0].check.tag: must be a mapping (only), not an empty list\n"
	    "p.yaml:6:1: error: nam: unknown key \"nam\"; did you mean \"name\"?\n");
}

static void
run(void *arg)
{
	const struct node *n = arg;
	AUTO(diagnostics_clear)
	struct diagnostics d;

	diagnostics_init(&d, "p.yaml");
	diagnostics_error(&d, n, "a");
	diagnostics_warn(&d, n, "b");
	diagnostics_error_at(&d, (struct mark){1, 1}, "c");
	assert_int_equal(d.errors, 2);
	assert_int_equal(d.len + d.dropped, 3);
}

static void
survives_every_failed_allocation(void **state)
{
	AUTO(document_free)
	struct document *doc = read_text();
	struct node root = document_node(doc), rules = node_get(&root, "rules");

	(void)state;
	assert_true(alloc_fail_each(run, &rules) >= 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prints_in_the_order_of_the_file),
	    cmocka_unit_test(counts_what_it_does_not_keep),
	    cmocka_unit_test(one_dropped_is_one_problem),
	    cmocka_unit_test(a_message_is_one_safe_line),
	    cmocka_unit_test(a_full_buffer_is_an_error),
	    cmocka_unit_test(suggests_the_nearest_key),
	    cmocka_unit_test(survives_every_failed_allocation),
	};

	return cmocka_run_group_tests_name("diagnostics", tests, NULL, NULL);
}
