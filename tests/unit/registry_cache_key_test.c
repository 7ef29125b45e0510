/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/cache_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
keys_tell_platforms_apart(void **state)
{
	static const struct platform amd[] = {{"linux", "amd64", "", ""}};
	static const struct platform arm[] = {{"linux", "arm64", "", ""}};
	const struct reference ref = {.host = "r.io", .path = "a", .tag = "1"};
	AUTO(free)
	char *any = cache_key(&ref, &(struct platform_set){NULL, 0});
	AUTO(free) char *a = cache_key(&ref, &(struct platform_set){amd, 1});
	AUTO(free) char *b = cache_key(&ref, &(struct platform_set){arm, 1});

	(void)state;
	assert_string_equal(any, "r.io/a:1");
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, any);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_tell_platforms_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
