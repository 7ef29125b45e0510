/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

static void
runs_only_what_has_a_plain_name(void **state)
{
	static const struct {
		const char *name;
		bool plain;
	} names[] = {
	    {"ecr-login", true},
	    {"osxkeychain", true},
	    {"acr_env.2", true},
	    {"0123456789012345678901234567890123456789012345678901234567890123",
		true},
	    {"01234567890123456789012345678901234567890123456789012345678901234",
		false},
	    {"", false},
	    {"a/b", false},
	    {"/bin/sh", false},
	    {"..", false},
	    {"a..b", false},
	    {"a b", false},
	    {"a;b", false},
	    {"a\nb", false},
	    {"caf\xc3\xa9", false},
	};

	(void)state;
	for (size_t i = 0; i < N(names); i++)
		if (helper_name_is_plain(names[i].name) != names[i].plain)
			fail_msg("\"%s\"", names[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(runs_only_what_has_a_plain_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
