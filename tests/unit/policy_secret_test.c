/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct row {
	const char *name;
	bool secret;
} rows[] = {
    {"DB_PASSWORD", true},
    {"password", true},
    {"API_KEY", true},
    {"AWS_SECRET_ACCESS_KEY", true},
    {"GITHUB_TOKEN", true},
    {"NPM_AUTH", true},
    {"PWD", true},
    {"KEY", true},
    {"", false},
    {"_", false},
    {"PATH", false},
    {"KEYBOARD", false},
    {"MONKEY", false},
    {"DB_PASSWORD_FILE", false},
    {"TOKEN_URL", false},
    {"GPG_KEY", false},
    {"PUBLIC_KEY", false},
    {"REDIS_DOWNLOAD_SHA", false},
    {"KEY_SHA256", false},
    {"AUTH_VERSION", false},
    {"TOKEN_SHAPE", true},
};

static void
tells_secret_names_from_harmless_ones(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (secret_is_name(rows[i].name, strlen(rows[i].name)) !=
		    rows[i].secret)
			fail_msg("\"%s\" should be %s", rows[i].name,
			    rows[i].secret ? "secret" : "harmless");
}

static void
looks_no_further_than_the_length(void **state)
{
	(void)state;
	assert_true(secret_is_name("TOKEN=path", 5));
	assert_false(secret_is_name("A_TOKEN", 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_secret_names_from_harmless_ones),
	    cmocka_unit_test(looks_no_further_than_the_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
