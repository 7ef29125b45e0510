/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/formats.h"

#include "policy/base/own.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char whole[] =
    "{\n  \"a\": [\n    {\n      \"b\": 1\n    }\n  ]\n}\n";

static void
write_tree(void *arg)
{
	AUTO(free) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc;

	assert_non_null(out);
	rc = formats_json(json_incref(arg), out);
	assert_int_equal(fclose(out), 0);
	if (rc == 0)
		assert_string_equal(text, whole);
	else
		assert_int_equal(rc, -1);
}

static void
json_that_is_cut_short_without_memory_is_not_taken_for_whole(void **state)
{
	AUTO(json_decref) json_t *root = json_loads(whole, 0, NULL);

	(void)state;
	assert_non_null(root);
	assert_int_not_equal(alloc_fail_each(write_tree, root), 0);
	assert_int_equal(root->refcount, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		json_that_is_cut_short_without_memory_is_not_taken_for_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
