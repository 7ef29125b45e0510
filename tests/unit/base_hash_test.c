/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* As `openssl mac ... SIPHASH` gives them for the key 00 01 02 ... 0f, read
 * little-endian. */
static const struct {
	const char *text;
	uint64_t hash;
} cases[] = {
    {"", 0x726fdb47dd0e0e31},
    {"a", 0x2ba3e8e9a71148ca},
    {"12345678", 0x02130609caea37eb},
    {"sha256:abcdefgh", 0x230866a9cc0dbf84},
};

static void
is_siphash(void **state)
{
	const struct hash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++)
		assert_int_equal(hash_text(&key, cases[i].text), cases[i].hash);
}

static void
another_key_gives_another_place(void **state)
{
	const struct hash_key a = {{1, 2}}, b = {{1, 3}};

	(void)state;
	assert_int_not_equal(hash_text(&a, "text"), hash_text(&b, "text"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_siphash),
	    cmocka_unit_test(another_key_gives_another_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
