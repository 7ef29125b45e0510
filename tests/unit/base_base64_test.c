/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* RFC 4648, section 10, and what must not pass. */
static const struct {
	const char *text;
	const char *plain; /* NULL: refused */
	bool unpadded;     /* not what encoding gives */
} cases[] = {
    {"", "", false},
    {"Zg==", "f", false},
    {"Zm8=", "fo", false},
    {"Zm9v", "foo", false},
    {"Zm9vYg==", "foob", false},
    {"Zm9vYmE=", "fooba", false},
    {"Zm9vYmFy", "foobar", false},
    {"Zg", "f", true},
    {"Zm8", "fo", true},
    {"Zm9vYg", "foob", true},
    {"+/+/", "\xfb\xff\xbf", false},
    {"Z", NULL, false},
    {"Zm9vY", NULL, false},
    {"Zg=", NULL, false},
    {"Zg===", NULL, false},
    {"=", NULL, false},
    {"====", NULL, false},
    {"Z===", NULL, false},
    {"Zm9v\n", NULL, false},
    {"Zm 9v", NULL, false},
    {"-_-_", NULL, false},
    {"Zh==", NULL, false}, /* bits that stand for nothing */
    {"Zm9=", NULL, false},
};

static void
decodes_what_the_standard_allows(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(100);
		int rc;

		rc = base64_decode(&b, cases[i].text, strlen(cases[i].text));
		if ((rc == 0) != (cases[i].plain != NULL))
			fail_msg("\"%s\": returned %d", cases[i].text, rc);
		if (rc == 0 && strcmp(buf_text(&b), cases[i].plain) != 0)
			fail_msg(
			    "\"%s\": got \"%s\"", cases[i].text, buf_text(&b));
	}
}

static void
encodes_with_padding(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(100);

		if (cases[i].plain == NULL || cases[i].unpadded)
			continue;
		assert_int_equal(
		    base64_encode(&b, cases[i].plain, strlen(cases[i].plain)),
		    0);
		assert_string_equal(buf_text(&b), cases[i].text);
	}
}

static void
stays_inside_the_bound_of_the_buffer(void **state)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(2);

	(void)state;
	assert_int_equal(base64_decode(&b, "Zm9v", 4), -1);
	buf_clear(&b);
	assert_int_equal(base64_encode(&b, "foo", 3), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decodes_what_the_standard_allows),
	    cmocka_unit_test(encodes_with_padding),
	    cmocka_unit_test(stays_inside_the_bound_of_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
