/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/tree.h"
#include "policy/checks/check.h"
#include "policy/explain.h"
#include "tests/unit/alloc.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A file of the source tree, where tests are run. */
static void
read_file(const char *path, struct buf *b)
{
	char piece[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		fail_msg("%s cannot be opened", path);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		assert_int_equal(buf_add(b, piece, n), 0);
	fclose(f);
}

static void
the_reference_is_what_the_checks_say(void **state)
{
	AUTO(buf_clear) struct buf file = BUF_INIT(EXPLAIN_BYTES_MAX);
	AUTO(buf_clear) struct buf told = BUF_INIT(EXPLAIN_BYTES_MAX);

	(void)state;
	read_file("policy/README.md", &file);
	assert_int_equal(explain_markdown(&told), 0);
	if (file.len < told.len ||
	    strcmp(buf_text(&file) + file.len - told.len, buf_text(&told)) != 0)
		fail_msg("policy/README.md does not end with what "
			 "policy-gate explain -o markdown prints");
}

static void
the_schema_is_what_the_checks_say(void **state)
{
	AUTO(buf_clear) struct buf file = BUF_INIT(EXPLAIN_BYTES_MAX);
	AUTO(json_decref) json_t *schema = explain_schema();
	char *text = tree_dump(schema, JSON_INDENT(1));

	(void)state;
	assert_non_null(text);
	read_file("policy/schema.json", &file);
	assert_true(file.len > 0);
	buf_truncate(&file, file.len - 1); /* the newline at the end */
	if (strcmp(buf_text(&file), text) != 0)
		fail_msg("policy/schema.json is not what "
			 "policy-gate explain -o schema prints");
	free(text);
}

static void
explains_keys_checks_and_detectors(void **state)
{
	static const struct {
		const char *name;
		int found;
		const char *first; /* line */
	} cases[] = {
	    {"size", 1, "size\n"},
	    {"size.maxLayer", 1, "size.maxLayer\n"},
	    {"build-tools", 1, "build-tools\n"},
	    {"volumes", 1, "volumes\n"},
	    {"base.verify", 0, ""},
	    {"", 0, ""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(EXPLAIN_BYTES_MAX);

		assert_int_equal(
		    explain_check(&b, cases[i].name), cases[i].found);
		assert_int_equal(strncmp(buf_text(&b), cases[i].first,
				     strlen(cases[i].first)),
		    0);
	}
	assert_string_equal(explain_nearest("size.mx"), "size.max");
	assert_string_equal(explain_nearest("build-tool"), "build-tools");
	assert_null(explain_nearest("weather"));
}

/* But for examples and tables. */
static void
assert_narrow(const char *text)
{
	size_t len;

	for (; *text != '\0'; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (len > 78 && text[0] != '|' &&
		    memchr(text, '{', len) == NULL)
			fail_msg("over 78 columns: %.*s", (int)len, text);
	}
}

static void
breaks_lines_between_words(void **state)
{
	AUTO(buf_clear) struct buf markdown = BUF_INIT(EXPLAIN_BYTES_MAX);
	size_t i;

	(void)state;
	for (i = 0; check_keys[i] != NULL; i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(EXPLAIN_BYTES_MAX);

		assert_int_equal(explain_check(&b, check_keys[i]->name), 1);
		assert_narrow(buf_text(&b));
	}
	assert_int_equal(explain_markdown(&markdown), 0);
	assert_narrow(buf_text(&markdown));
	assert_non_null(strstr(buf_text(&markdown), "is not\nfetched"));
}

static void
schema_with_little_memory(void *whole)
{
	AUTO(json_decref) json_t *schema = explain_schema();

	assert_true(schema == NULL || json_equal(schema, whole));
}

/* json_pack() takes what could not be made for what is left out. */
static void
memory_running_out_leaves_nothing_out_of_the_schema(void **state)
{
	AUTO(json_decref) json_t *whole = explain_schema();

	(void)state;
	assert_true(alloc_fail_each(schema_with_little_memory, whole) > 500);
}

static const char *const explained[] = {
    "match", "size", "size.max", "volumes", "build-tools"};

enum { EXPLAINED = sizeof(explained) / sizeof(explained[0]) };

static void
explain_with_little_memory(void *arg)
{
	AUTO(buf_clear) struct buf list = BUF_INIT(EXPLAIN_BYTES_MAX);
	AUTO(buf_clear) struct buf markdown = BUF_INIT(EXPLAIN_BYTES_MAX);
	const size_t *len = arg;

	assert_true(explain_list(&list) != 0 || list.len == len[0]);
	assert_true(explain_markdown(&markdown) != 0 || markdown.len == len[1]);
	for (size_t i = 0; i < EXPLAINED; i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(EXPLAIN_BYTES_MAX);

		assert_true(explain_check(&b, explained[i]) == -1 ||
			    b.len == len[2 + i]);
	}
}

static void
memory_running_out_cuts_no_explanation(void **state)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(EXPLAIN_BYTES_MAX);
	size_t len[2 + EXPLAINED];

	(void)state;
	assert_int_equal(explain_list(&b), 0);
	len[0] = b.len;
	buf_clear(&b);
	assert_int_equal(explain_markdown(&b), 0);
	len[1] = b.len;
	for (size_t i = 0; i < EXPLAINED; i++) {
		buf_clear(&b);
		assert_int_equal(explain_check(&b, explained[i]), 1);
		len[2 + i] = b.len;
	}
	assert_true(alloc_fail_each(explain_with_little_memory, len) > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_reference_is_what_the_checks_say),
	    cmocka_unit_test(the_schema_is_what_the_checks_say),
	    cmocka_unit_test(explains_keys_checks_and_detectors),
	    cmocka_unit_test(breaks_lines_between_words),
	    cmocka_unit_test(
		memory_running_out_leaves_nothing_out_of_the_schema),
	    cmocka_unit_test(memory_running_out_cuts_no_explanation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
