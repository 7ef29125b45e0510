/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/own.h"
#include "policy/base/tree.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define KEY                                                                   \
	"a-key-that-makes-the-buffer-of-the-parser-grow-once-more-and-still-" \
	"goes-on-until-it-is-long-enough-for-that"
#define VALUE "registry.corp/shop/web:1"

static const char text[] = "{\"image\":\"" VALUE "\",\"" KEY "\":[1,true]}";

static void
parse(void *arg)
{
	json_error_t e;
	json_t *root = tree_parse(text, strlen(text), 0, &e);
	const char *image = json_string_value(json_object_get(root, "image"));

	(void)arg;
	if (root == NULL) {
		assert_int_equal(json_error_code(&e), json_error_out_of_memory);
		return;
	}
	assert_non_null(image);
	assert_string_equal(image, VALUE);
	assert_non_null(json_object_get(root, KEY));
	json_decref(root);
}

static void
never_reads_a_wrong_text_without_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(parse, NULL) > 10);
}

static void
dump(void *arg)
{
	char *got = tree_dump(arg, JSON_COMPACT);

	if (got != NULL)
		assert_string_equal(got, text);
	free(got);
}

static void
never_writes_a_part_without_memory(void **state)
{
	AUTO(json_decref)
	json_t *root = json_loads(text, 0, NULL);

	(void)state;
	assert_true(alloc_fail_each(dump, root) > 2);
}

static void
tells_a_broken_text_from_lack_of_memory(void **state)
{
	json_error_t e;

	(void)state;
	assert_null(tree_parse("{", 1, 0, &e));
	assert_int_equal(
	    json_error_code(&e), json_error_premature_end_of_input);
	assert_null(tree_parse("{", 1, 0, NULL));
}

/* jansson reads the number as if nothing stood behind it. */
static void
nul_byte_behind_a_number_is_not_skipped(void **state)
{
	static const char nul[] = "{\"size\":\n [2\0, 3]}";
	json_error_t e;

	(void)state;
	assert_null(tree_parse(nul, sizeof(nul) - 1, 0, &e));
	assert_int_equal(json_error_code(&e), json_error_null_character);
	assert_int_equal(e.line, 2);
	assert_int_equal(e.column, 4);
	assert_int_equal(e.position, 12);
	assert_null(tree_parse(nul, sizeof(nul) - 1, 0, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(never_reads_a_wrong_text_without_memory),
	    cmocka_unit_test(never_writes_a_part_without_memory),
	    cmocka_unit_test(tells_a_broken_text_from_lack_of_memory),
	    cmocka_unit_test(nul_byte_behind_a_number_is_not_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
