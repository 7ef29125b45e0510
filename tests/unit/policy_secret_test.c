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
    {"AUTH_TYPE", false},
    {"AUTH_TYPE_TOKEN", true},
    {"TOKEN_TTL", false},
    {"SECRET_NAME", false},
    {"registry.password", true},
    {"authToken", true},
    {"_authToken", true},
    {"DBPassword", true},
    {"publicKey", false},
    {"authorName", false},
    {"KEYS", false},
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

static const struct value {
	const char *text;
	bool secret;   /* shows itself */
	bool harmless; /* cannot be one */
} values[] = {
    {"", false, true},
    {"x", false, true},
    {"s3cret", false, false},
    {"AKIAIOSFODNN7EXAMPLE", true, false},
    {"AKIAIOSFODNN7EXAMPL", false, false},
    {"xAKIAIOSFODNN7EXAMPLE", false, false},
    {"a=ghp_abcdefghijklmnopqrst", true, false},
    {"ghp_short", false, false},
    {"glpat-abcdefghijklmnop", true, false},
    {"-----BEGIN RSA PRIVATE KEY-----", true, false},
    {"-----BEGIN PRIVATE KEY", true, false},
    {"-----BEGIN PUBLIC KEY-----", false, false},
    {"-----BEGIN CERTIFICATE----- PRIVATE KEY", false, false},
    {"https://u:pass@a.corp/", true, false},
    {"https://u@a.corp/", false, false},
    {"https://a.corp:80/x@y", false, false},
    {"https://u:$PASS@a.corp/", false, false},
    {"https://:@a.corp/", false, false},
    {"$TOKEN", false, true},
    {"a${TOKEN}", false, true},
    {"pa$$word", false, false},
    {"'true'", false, true},
    {"/run/secrets/x", false, true},
    {"<token>", false, true},
    {"{{ token }}", false, true},
    {"xxxxxxxx", false, true},
    {"dummy-key-for-the-build", false, true},
    {"not_a_placeholder", false, true},
    {"exampled", false, false},
    {"12345", false, true},
    {"123456", false, false},
    {"BCA4 3417 C3B4 85DD 128E C6D4 B7B3 B788 A8D3 785C", false, true},
    {"BCA43417C3B485DD128EC6D4B7B3B788A8D3785C", false, true},
    {"bca43417c3b485dd128ec6d4b7b3b788a8d3785c", false, false},
};

static void
tells_values_that_show_themselves_from_harmless_ones(void **state)
{
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		len = strlen(values[i].text);
		if (secret_is_value(values[i].text, len) != values[i].secret ||
		    secret_is_harmless(values[i].text, len) !=
			values[i].harmless)
			fail_msg("\"%s\"", values[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_secret_names_from_harmless_ones),
	    cmocka_unit_test(
		tells_values_that_show_themselves_from_harmless_ones),
	    cmocka_unit_test(looks_no_further_than_the_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
