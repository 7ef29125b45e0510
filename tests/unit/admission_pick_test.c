/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/pick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct pick inner[] = {{"x", NULL}, {NULL, NULL}};
static const struct pick members[] = {
    {"a", NULL}, {"list", inner}, {"o", inner}, {NULL, NULL}};

static const struct row {
	const char *name;
	const char *text;
	const char *picked; /* NULL: all is to be parsed */
} rows[] = {
    {"empty", "{}", "{}"},
    {"leaves_out_others", "{\"b\":{\"c\":[1,2]},\"a\":1,\"d\":2}", "{\"a\":1}"},
    {"keeps_a_value_whole", "{\"a\" : {\"b\": [\"}\", 1.5e3, null]}}",
	"{\"a\":{\"b\": [\"}\", 1.5e3, null]}}"},
    {"looks_into_objects", "{\"o\":{\"y\":1,\"x\":\"\\\"}\",\"z\":[]}}",
	"{\"o\":{\"x\":\"\\\"}\"}}"},
    {"looks_into_elements", "{\"list\":[{\"x\":1,\"y\":2},{},{\"y\":3}]}",
	"{\"list\":[{\"x\":1},{},{}]}"},
    {"keeps_a_wrong_type", "{\"list\":7,\"o\":\"s\"}",
	"{\"list\":7,\"o\":\"s\"}"},
    {"keeps_duplicates", "{\"a\":1,\"b\":0,\"a\":2}", "{\"a\":1,\"a\":2}"},
    {"white_space", " { \"b\" : 1 , \"a\" : true } ", "{\"a\":true}"},
    {"escaped_name", "{\"\\u0061\":1}", NULL},
    {"no_object", "[]", NULL},
    {"nothing", "", NULL},
    {"ends_early", "{\"a\":1", NULL},
    {"ends_in_a_string", "{\"b\":\"x", NULL},
    {"ends_in_an_escape", "{\"b\":\"x\\", NULL},
    {"ends_in_what_is_left_out", "{\"b\":[{}", NULL},
    {"something_behind", "{} x", NULL},
    {"no_colon", "{\"a\" 1}", NULL},
    {"no_comma", "{\"a\":1 \"b\":2}", NULL},
    {"no_value", "{\"a\":}", NULL},
    {"no_name", "{1:2}", NULL},
    {"trailing_comma", "{\"a\":1,}", NULL},
};

static void
picks_what_is_asked_for(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		AUTO(buf_clear) struct buf out = BUF_INIT(strlen(r->text));
		const int rc = pick(&out, r->text, strlen(r->text), members);

		if (rc != (r->picked != NULL ? 0 : -1) ||
		    (rc == 0 && strcmp(buf_text(&out), r->picked) != 0))
			fail_msg("%s: %d %s", r->name, rc, buf_text(&out));
	}
}

static void
gives_up_on_deep_lists(void **state)
{
	char text[256] = "{\"list\":";
	AUTO(buf_clear) struct buf out = BUF_INIT(sizeof(text));
	size_t n = strlen(text);

	(void)state;
	memset(text + n, '[', 40);
	memset(text + n + 40, ']', 40);
	text[n + 80] = '}';
	assert_int_equal(pick(&out, text, n + 81, members), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(picks_what_is_asked_for),
	    cmocka_unit_test(gives_up_on_deep_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
