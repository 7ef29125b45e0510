/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct stream_case accepted[] = {
    {"object", " \r\n\t{\"a\": [1, -2.5, true, false, null, \"x\"]}\n",
	{"{\"a\":[1,-2.5,true,false,null,\"x\"]}"}},
    {"array", "[]", {"[]"}},
    {"empty key", "{\"\":{}}", {"{\"\":{}}"}},
    {"escapes", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fc\"]",
	{"[\"\\\"\\\\/\\b\\f\\n\\r\\t\xc3\xbc\"]"}},
    {"surrogate pair", "[\"\\ud83d\\ude00\"]", {"[\"\xf0\x9f\x98\x80\"]"}},
    {"words of YAML are text", "[\"yes\",\"~\",\"0x10\"]",
	{"[\"yes\",\"~\",\"0x10\"]"}},
    {"a mark before the text", "\xef\xbb\xbf{\"a\":1}", {"{\"a\":1}"}},
    {"one behind the other", "{\"a\":1}{\"b\":2}\n[3]\n",
	{"{\"a\":1}", "{\"b\":2}", "[3]"}},
    {"with separators", "{\"a\":1}\n---\n{\"b\":2}\n---\n",
	{"{\"a\":1}", "{\"b\":2}"}},
    {"escapes behind a separator", "---\n{\"a\\/b\":\"\\ud83d\\ude00\"}\n",
	{"{\"a/b\":\"\xf0\x9f\x98\x80\"}"}},
    {"behind a separator it may be YAML", "---\n{a: 1}\n", {"{\"a\":1}"}},
    {"YAML behind JSON", "{\"a\":1}\n---\nb: 2\n", {"{\"a\":1}", "{\"b\":2}"}},
};

static void
reads_json(void **state)
{
	(void)state;
	check_streams(accepted, N(accepted));
}

static const struct stream_case refused[] = {
    {"YAML in braces", "{a: 1}", {"!1:2 expected"}},
    {"trailing comma", "{\"a\":1,}", {"!1:8 expected"}},
    {"comment", "{\n # x\n}", {"!2:2 expected"}},
    {"single quotes", "['a']", {"!1:2 invalid token"}},
    {"bad word", "[1,\n tru]", {"!2:4 invalid token"}},
    {"a token that would ring a bell", "[\x07]", {"!1:2 near '?'"}},
    {"bad number", "[01]", {"!1:2 invalid token"}},
    {"number of no end", "[99999999999999999999]", {"too big integer"}},
    {"cut off in a mapping", "{\"a\":\n [1", {"!2:4 ends too early"}},
    {"cut off in text", "[\"ab", {"!1:5 ends too early"}},
    {"cut off in an escape", "[\"a\\", {"!1:4 invalid escape"}},
    {"cut off behind a key", "{\"a\"", {"!1:5 ends too early"}},
    {"line break in text", "[\"a\nb\"]", {"!1:3 unexpected newline"}},
    {"lone surrogate", "[\"\\ud83d\"]", {" Unicode"}},
    {"NUL in text", "[\"a\\u0000b\"]", {"NUL character is not allowed"}},
    {"NUL in a key", "{\"a\\u0000b\": 1}", {"NUL character is not allowed"}},
    {"not UTF-8", "[\"\xff\"]", {"!1:2 0xff"}},
    {"wrong bracket", "[1}", {"!1:3 expected"}},
    {"text behind it", "{\"a\":1}\n x", {"!2:2 ends before this"}},
    {"a bracket too many", "{\"a\":1}}", {"!1:8 ends before this"}},
    {"goes on behind the next separator", "[1,]\n---\n[2]\n---\n[3\n---\n[4]",
	{"!1:4 ", "[2]", "!6:1 ", "[4]"}},
    {"duplicate", "{\"a\":1,\n \"b\":2, \"a\":3}",
	{"!2:9 the key \"a\" stands twice; first at line 1, column 2"}},
    {"duplicate of another spelling", "{\"a/b\":1,\"a\\u002fb\":{}}",
	{"!1:10 the key \"a/b\" stands twice; first at line 1, column 2"}},
    {"duplicate in the inner of two",
	"{\"a\":{\"x\":{\"b\":0},\"b\":[\"b\",{\"b\":1}],\"c\":\"b\",\"b\":3}}",
	{"!1:45 the key \"b\" stands twice; first at line 1, column 19"}},
    {"duplicate behind others", "[{\"a\":1},{\"b\":1,\"a\":2,\"a\":3}]",
	{"!1:23 the key \"a\" stands twice; first at line 1, column 17"}},
};

static void
refuses_what_is_not_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(refused); i++) {
		struct stream_case c = refused[i];

		/* Where jansson stops is its own affair: the place is asked for
		 * only in cases that say one. */
		if (c.want[0][0] == '!') {
			check_streams(&c, 1);
		} else {
			AUTO(document_free)
			struct document *d = NULL;
			struct error err = ERROR_INIT;
			struct mark at;

			d = read_first(c.text, strlen(c.text), &at, &err);
			if (d != NULL || strstr(err.msg, c.want[0]) == NULL)
				fail_msg("%s: got %s", c.name, err.msg);
			assert_int_equal(at.line, 1);
		}
	}
}

static const char text[] =
    "\xef\xbb\xbf{ \"a\" : [ 1 ,\r\n"
    "  \"\\\"x\\\\\", {} , [ ] , {\"k\":\r"
    " null}],\n"
    "\t\"\\ud83d\\ude00\": true, \"gr\xc3\xbc\xc3\x9f\": \"\xc3\xbc\","
    " \"\xf0\x9f\x98\x81\": -1e5}\n"
    "   {\"b\":\"c\"}";

static const char first_places[] = " 1:1\n"
				   "a 1:9 key 1:3\n"
				   "a[0] 1:11\n"
				   "a[1] 2:3\n"
				   "a[2] 2:12\n"
				   "a[3] 2:17\n"
				   "a[4] 2:23\n"
				   "a[4].k 3:2 key 2:24\n"
				   "[\"\xf0\x9f\x98\x80\"] 4:18 key 4:2\n"
				   "[\"gr\xc3\xbc\xc3\x9f\"] 4:32 key 4:24\n"
				   "[\"\xf0\x9f\x98\x81\"] 4:42 key 4:37\n";

static const char second_places[] = " 5:4\n"
				    "b 5:9 key 5:5\n";

static void
knows_the_place_of_every_node(void **state)
{
	AUTO(document_stream_free)
	struct document_stream *s = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	s = document_stream_new(text, sizeof(text) - 1, &err);
	assert_non_null(s);
	for (int i = 0; i < 2; i++) {
		AUTO(document_free)
		struct document *d = NULL;
		AUTO(free)
		char *places = NULL;
		struct mark at;

		if (document_next(s, &d, &at, &err) != 1)
			fail_msg("%d:%d %s", at.line, at.column, err.msg);
		places = places_text(d);
		assert_string_equal(
		    places, i == 0 ? first_places : second_places);
		assert_int_equal(document_start(d).line, i == 0 ? 1 : 5);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_json),
	    cmocka_unit_test(refuses_what_is_not_json),
	    cmocka_unit_test(knows_the_place_of_every_node),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
