/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <string.h>

/* FIPS 180-4 examples. */
static const struct row {
	const char *like;
	const char *data;
	const char *digest;
} rows[] = {
    {"sha256:", "",
	"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8"
	"55"},
    {"sha256:whatever", "abc",
	"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
	"ad"},
    {"sha512:", "abc",
	"sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d3"
	"9a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

static void
computes_what_the_standard_says(void **state)
{
	struct error err = ERROR_INIT;
	char text[DIGEST_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(digest_of(rows[i].like, rows[i].data,
				     strlen(rows[i].data), text, &err),
		    0);
		assert_string_equal(text, rows[i].digest);
	}
}

static void
pieces_give_the_same_as_the_whole(void **state)
{
	struct error err = ERROR_INIT;
	AUTO(digest_free) struct digest *d = digest_new("sha256:", &err);
	char text[DIGEST_TEXT_MAX];

	(void)state;
	assert_non_null(d);
	assert_int_equal(digest_update(d, "a", 1, &err), 0);
	assert_int_equal(digest_update(d, "bc", 2, &err), 0);
	assert_int_equal(digest_finish(d, text, &err), 0);
	assert_string_equal(text, rows[1].digest);
}

static void
refuses_other_algorithms(void **state)
{
	static const char *const others[] = {
	    "", "md5:", "sha1:aa", "sha256", "SHA256:", "sha384:"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct error err = ERROR_INIT;

		if (digest_new(others[i], &err) != NULL ||
		    err.code != ERR_UNSUPPORTED)
			fail_msg("\"%s\" was taken", others[i]);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(computes_what_the_standard_says),
	    cmocka_unit_test(pieces_give_the_same_as_the_whole),
	    cmocka_unit_test(refuses_other_algorithms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
