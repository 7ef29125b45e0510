/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are no review, whatever stands in its request. */
#include "server/admission/review.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define U64 "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
#define ENVELOPE(version, rest) \
	"{\"apiVersion\":\"" version "\",\"kind\":\"AdmissionReview\"" rest "}"
#define V1 "admission.k8s.io/v1"

/* Each answered with a 400: no answer could be addressed to its sender. */
static const struct no_review {
	const char *name;
	const char *body;
	enum err_code code;
} no_reviews[] = {
    {"nothing", "", ERR_SYNTAX},
    {"no JSON", "apiVersion: v1", ERR_SYNTAX},
    {"cut short", "{\"apiVersion\":\"admission.k8s", ERR_SYNTAX},
    {"something behind", ENVELOPE(V1, ",\"request\":{\"uid\":\"u\"}") "{}",
	ERR_SYNTAX},
    {"duplicate key", "{\"kind\":\"a\",\"kind\":\"b\"}", ERR_SYNTAX},
    {"not UTF-8", "{\"kind\":\"\xff\"}", ERR_SYNTAX},
    {"NUL in a key", "{\"a\\u0000b\":1}", ERR_SYNTAX},
    {"huge number", "[123456789012345678901234567890]", ERR_SYNTAX},
    {"list", "[]", ERR_INVALID},
    {"empty object", "{}", ERR_INVALID},
    {"another kind", "{\"apiVersion\":\"" V1 "\",\"kind\":\"Pod\"}",
	ERR_INVALID},
    {"kind is a number", "{\"apiVersion\":\"" V1 "\",\"kind\":5}", ERR_INVALID},
    {"unknown version",
	ENVELOPE("admission.k8s.io/v2", ",\"request\":{\"uid\":\"u\"}"),
	ERR_INVALID},
    {"another group",
	ENVELOPE("authorization.k8s.io/v1", ",\"request\":{\"uid\":\"u\"}"),
	ERR_INVALID},
    {"no request", ENVELOPE(V1, ""), ERR_INVALID},
    {"only a response", ENVELOPE(V1, ",\"response\":{\"uid\":\"u\"}"),
	ERR_INVALID},
    {"null request", ENVELOPE(V1, ",\"request\":null"), ERR_INVALID},
    {"request is a list", ENVELOPE(V1, ",\"request\":[]"), ERR_INVALID},
    {"no uid", ENVELOPE(V1, ",\"request\":{}"), ERR_INVALID},
    {"a uid that an answer had better not repeat",
	ENVELOPE(V1, ",\"request\":{\"uid\":\"" U64 U64 U64 U64 "u\"}"),
	ERR_INVALID},
    {"empty uid", ENVELOPE(V1, ",\"request\":{\"uid\":\"\"}"), ERR_INVALID},
    {"uid is a number", ENVELOPE(V1, ",\"request\":{\"uid\":7}"), ERR_INVALID},
    {"NUL in the uid", ENVELOPE(V1, ",\"request\":{\"uid\":\"a\\u0000\"}"),
	ERR_INVALID},
};

static void
refuses_what_is_no_review(void **state)
{
	const struct no_review *c;
	struct review *r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no_reviews) / sizeof(no_reviews[0]); i++) {
		struct error err = ERROR_INIT;

		c = &no_reviews[i];
		r = review_parse(c->body, strlen(c->body), &err);
		if (r != NULL || err.code != c->code || err.msg[0] == '\0')
			fail_msg(
			    "%s: code %d, %s", c->name, (int)err.code, err.msg);
	}
}

static void
refuses_depth_and_size_bombs(void **state)
{
	enum { DEEP = 100 * 1000 };
	struct error err = ERROR_INIT;
	AUTO(free) char *body = malloc(DEEP);

	(void)state;
	assert_non_null(body);
	memset(body, '[', DEEP);
	assert_null(review_parse(body, DEEP, &err));
	assert_int_equal(err.code, ERR_LIMIT);
	error_clear(&err);
	assert_null(review_parse(body, REVIEW_BYTES_MAX + 1, &err));
	assert_int_equal(err.code, ERR_LIMIT);
}

static void
quotes_nothing_of_a_broken_body(void **state)
{
	static const char body[] = "{\"password\": hunter2}";
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(review_parse(body, strlen(body), &err));
	assert_null(strstr(err.msg, "hunter2"));
	assert_string_equal(
	    err.msg, "the body is not JSON (line 1, column 19)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refuses_what_is_no_review),
	    cmocka_unit_test(refuses_depth_and_size_bombs),
	    cmocka_unit_test(quotes_nothing_of_a_broken_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
