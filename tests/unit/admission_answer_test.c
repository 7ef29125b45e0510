/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/review.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define HEAD(version)                                 \
	"{\"apiVersion\":\"admission.k8s.io/" version \
	"\",\"kind\":\"AdmissionReview\",\"response\":{\"uid\":\"u-1\","
#define DENIED(version, message, rest)                   \
	HEAD(version)                                    \
	"\"allowed\":false,\"status\":{\"metadata\":{}," \
	"\"status\":\"Failure\",\"message\":\"" message "\"," rest "}"
#define FORBIDDEN "\"reason\":\"Forbidden\",\"code\":403"

/* Every byte of an answer; warnings and annotations in JSON. */
static const struct answered {
	const char *name;
	const char *version;
	struct review_answer answer;
	const char *warnings;
	const char *annotations;
	const char *text;
} answers[] = {
    {"allowed", "v1", {.allowed = true}, "[]", "{}",
	HEAD("v1") "\"allowed\":true}}"},
    {"allowed, asked in v1beta1", "v1beta1", {.allowed = true}, "[]", "{}",
	HEAD("v1beta1") "\"allowed\":true}}"},
    {"an allowed review tells no status", "v1",
	{.allowed = true, .code = 403, .message = "x"}, "[]", "{}",
	HEAD("v1") "\"allowed\":true}}"},
    {"denied", "v1", {.code = 403, .message = "no"}, "[]", "{}",
	DENIED("v1", "no", FORBIDDEN) "}}"},
    {"denied without a reason", "v1beta1", {.code = 403}, "[]", "{}",
	DENIED("v1beta1", "", FORBIDDEN) "}}"},
    {"a code that is none is 403", "v1", {.code = 0, .message = "no"}, "[]",
	"{}", DENIED("v1", "no", FORBIDDEN) "}}"},
    {"come back later", "v1",
	{.code = 503, .retry_after = 2, .message = "later"}, "[]", "{}",
	DENIED("v1", "later",
	    "\"reason\":\"ServiceUnavailable\",\"details\":{"
	    "\"retryAfterSeconds\":2},\"code\":503") "}}"},
    {"not now", "v1", {.code = 503, .message = "later"}, "[]", "{}",
	DENIED("v1", "later",
	    "\"reason\":\"ServiceUnavailable\",\"code\":503") "}}"},
    {"no retry with a 403", "v1",
	{.code = 403, .retry_after = 2, .message = "no"}, "[]", "{}",
	DENIED("v1", "no", FORBIDDEN) "}}"},
    {"several lines", "v1", {.code = 403, .message = "a\nb \"c\" ü"}, "[]",
	"{}", DENIED("v1", "a\\nb \\\"c\\\" ü", FORBIDDEN) "}}"},
    {"control characters", "v1", {.code = 403, .message = "a\x1b[31mb\x7f"},
	"[]", "{}", DENIED("v1", "a?[31mb?", FORBIDDEN) "}}"},
    {"invalid UTF-8", "v1", {.code = 403, .message = "a\xff\xc0\x80z"}, "[]",
	"{}", DENIED("v1", "a???z", FORBIDDEN) "}}"},
    {"warnings", "v1", {.allowed = true}, "[\"one\",\"two ü\"]", "{}",
	HEAD("v1") "\"allowed\":true,\"warnings\":[\"one\",\"two ü\"]}}"},
    {"warnings stay on one line", "v1", {.allowed = true},
	"[\"a\\nb\",\"c\\u0007\",\"d\\u0000e\"]", "{}",
	HEAD("v1") "\"allowed\":true,\"warnings\":[\"a b\",\"c?\",\"d\"]}}"},
    {"warnings that are no strings", "v1", {.allowed = true}, "[1,\"a\",{}]",
	"{}", HEAD("v1") "\"allowed\":true,\"warnings\":[\"a\"]}}"},
    {"annotations", "v1", {.allowed = true}, "[]",
	"{\"verdict\":\"warn\",\"lean\":\"size\\nlayers\",\"n\":5}",
	HEAD("v1") "\"allowed\":true,\"auditAnnotations\":{"
		   "\"verdict\":\"warn\",\"lean\":\"size\\nlayers\"}}}"},
    {"all at once", "v1", {.code = 403, .message = "no"}, "[\"w\"]",
	"{\"verdict\":\"deny\"}",
	DENIED("v1", "no", FORBIDDEN) ",\"auditAnnotations\":{\"verdict\":"
				      "\"deny\"},\"warnings\":[\"w\"]}}"},
};

static struct review *
review_of(const char *version)
{
	struct error err = ERROR_INIT;
	struct review *r;
	char body[256];

	snprintf(body, sizeof(body),
	    "{\"apiVersion\":\"admission.k8s.io/%s\","
	    "\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u-1\","
	    "\"operation\":\"DELETE\"}}",
	    version);
	r = review_parse(body, strlen(body), &err);
	if (r == NULL)
		fail_msg("%s", err.msg);
	return r;
}

static void
check_answer(const struct answered *c)
{
	AUTO(review_free)
	struct review *r = review_of(c->version);
	AUTO(json_decref)
	json_t *warnings = json_loads(c->warnings, JSON_ALLOW_NUL, NULL);
	AUTO(json_decref)
	json_t *annotations = json_loads(c->annotations, 0, NULL);
	struct review_answer a = c->answer;
	struct error err = ERROR_INIT;
	AUTO(free)
	char *text = NULL;
	size_t len;

	assert_non_null(warnings);
	assert_non_null(annotations);
	a.warnings = warnings;
	a.annotations = annotations;
	text = review_answer_encode(r, &a, &len, &err);
	if (text == NULL || len != strlen(text) || strcmp(text, c->text) != 0)
		fail_msg("%s: got\n%s\nbut want\n%s", c->name,
		    text != NULL ? text : err.msg, c->text);
}

static void
answers_to_the_letter(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		check_answer(&answers[i]);
}

static void
answers_without_warnings_and_annotations(void **state)
{
	AUTO(review_free)
	struct review *r = review_of("v1");
	const struct review_answer a = {.allowed = true};
	struct error err = ERROR_INIT;
	AUTO(free)
	char *text = NULL;
	size_t len;

	(void)state;
	text = review_answer_encode(r, &a, &len, &err);
	assert_string_equal(text, HEAD("v1") "\"allowed\":true}}");
}

struct run {
	const struct review *review;
	struct review_answer answer;
	const char *text;
};

static void
encode_without_memory(void *arg)
{
	const struct run *run = arg;
	struct error err = ERROR_INIT;
	size_t len;
	char *text =
	    review_answer_encode(run->review, &run->answer, &len, &err);

	if (text == NULL)
		assert_int_equal(err.code, ERR_NOMEM);
	else
		assert_string_equal(text, run->text);
	free(text);
}

static void
survives_every_failed_allocation(void **state)
{
	AUTO(review_free)
	struct review *r = review_of("v1");
	AUTO(json_decref)
	json_t *warnings = json_pack("[s]", "w\x01");
	AUTO(json_decref)
	json_t *annotations = json_pack("{s:s}", "a", "b");
	struct run run = {r,
	    {.code = 503,
		.retry_after = 1,
		.message = "no\xff",
		.warnings = warnings,
		.annotations = annotations},
	    DENIED("v1", "no?",
		"\"reason\":\"ServiceUnavailable\",\"details\":{"
		"\"retryAfterSeconds\":1},\"code\":503") ",\"auditAnnotations"
							 "\":{\"a\":\"b\"},"
							 "\"warnings\":[\"w?"
							 "\"]}}"};

	(void)state;
	assert_true(alloc_fail_each(encode_without_memory, &run) > 20);
}

static void
survives_them_with_a_patch(void **state)
{
	AUTO(review_free)
	struct review *r = review_of("v1");
	AUTO(json_decref)
	json_t *patch = json_pack("[{s:s, s:s, s:s}]", "op", "replace", "path",
	    "/spec/containers/0/image", "value", "a@sha256:0");
	struct run run = {r, {.allowed = true, .patch = patch}, NULL};
	struct error err = ERROR_INIT;
	AUTO(free) char *text = NULL;
	size_t len;

	(void)state;
	text = review_answer_encode(r, &run.answer, &len, &err);
	assert_non_null(text);
	assert_non_null(strstr(text, "\"patchType\":\"JSONPatch\""));
	run.text = text;
	assert_true(alloc_fail_each(encode_without_memory, &run) > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_to_the_letter),
	    cmocka_unit_test(answers_without_warnings_and_annotations),
	    cmocka_unit_test(survives_every_failed_allocation),
	    cmocka_unit_test(survives_them_with_a_patch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
