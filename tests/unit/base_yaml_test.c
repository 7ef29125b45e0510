/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *yaml;
	const char *json; /* NULL: refused */
} scalars[] = {
    /* booleans */
    {"true", "true"},
    {"True", "true"},
    {"TRUE", "true"},
    {"tRUE", "\"tRUE\""},
    {"yes", "true"},
    {"Yes", "true"},
    {"YES", "true"},
    {"yEs", "\"yEs\""},
    {"on", "true"},
    {"On", "true"},
    {"ON", "true"},
    {"y", "true"},
    {"Y", "true"},
    {"false", "false"},
    {"no", "false"},
    {"No", "false"},
    {"NO", "false"},
    {"off", "false"},
    {"Off", "false"},
    {"OFF", "false"},
    {"n", "false"},
    {"N", "false"},
    {"\"yes\"", "\"yes\""},
    {"'no'", "\"no\""},
    /* null */
    {"", "null"},
    {"~", "null"},
    {"null", "null"},
    {"Null", "null"},
    {"NULL", "null"},
    {"nULL", "\"nULL\""},
    {"''", "\"\""},
    /* integers */
    {"0", "0"},
    {"-0", "0"},
    {"+12", "12"},
    {"-12", "-12"},
    {"0x1f", "31"},
    {"0X1F", "31"},
    {"-0x1F", "-31"},
    {"0o17", "15"},
    {"017", "15"},
    {"0b101", "5"},
    {"-0b101", "-5"},
    {"1_000_000", "1000000"},
    {"0x_ff", "255"},
    {"08", "8"},
    {"1e3", "1000"},
    {"1.0", "1"},
    {"5.", "5"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"9223372036854775808", "9.2233720368547758e18"},
    {"-9223372036854775809", "-9.2233720368547758e18"},
    {"18446744073709551616", "1.8446744073709552e19"},
    {"0xffffffffffffffff", "1.8446744073709552e19"},
    /* reals */
    {".5", "0.5"},
    {"-.5", "-0.5"},
    {"1.5e-3", "0.0015"},
    {"1e-1", "0.10000000000000001"},
    {"1_0.5", "10.5"},
    {".inf", NULL},
    {"-.Inf", NULL},
    {".NaN", NULL},
    /* text that looks like numbers */
    {"_1", "\"_1\""},
    {"._5", "\"._5\""},
    {".", "\".\""},
    {"-", NULL},
    {"+", "\"+\""},
    {"1e", "\"1e\""},
    {"0x", "\"0x\""},
    {"0xg", "\"0xg\""},
    {"0b2", "\"0b2\""},
    {"0o8", "\"0o8\""},
    {"--5", "\"--5\""},
    {"1-2", "\"1-2\""},
    {"1,000", "\"1,000\""},
    {"1.2.3", "\"1.2.3\""},
    {"1:30", "\"1:30\""},
    {"190:20:30", "\"190:20:30\""},
    {"1e400", "\"1e400\""},
    {"0xfffffffffffffffff", "\"0xfffffffffffffffff\""},
    {"300Mi", "\"300Mi\""},
    /* dates stay text */
    {"2027-01-31", "\"2027-01-31\""},
    {"2026-01-02T03:04:05Z", "\"2026-01-02T03:04:05Z\""},
    /* tags */
    {"!!str 5", "\"5\""},
    {"!!str yes", "\"yes\""},
    {"!!int \"5\"", "5"},
    {"!!float 5", "5"},
    {"!!bool \"yes\"", "true"},
    {"!!null ''", "null"},
    {"!!timestamp 2027-01-31", "\"2027-01-31\""},
    {"! 5", "\"5\""},
    {"!own 5", "\"5\""},
    {"!own [5]", "[5]"},
    {"!!int x", NULL},
    {"!!bool 5", NULL},
    {"!!binary aGk=", NULL},
    /* styles */
    {"\"a\\tb\\x41\\u00e9\\U0001F600\"", "\"a\\tbA\xc3\xa9\xf0\x9f\x98\x80\""},
    {"'it''s'", "\"it's\""},
    {"|\n  a\n  b\n", "\"a\\nb\\n\""},
    {">-\n  a\n  b\n", "\"a b\""},
    {"a\n  b", "\"a b\""},
    {"=", "\"=\""},
    {"a #b", "\"a\""},
    {"a#b", "\"a#b\""},
    {"\"\\0\"", NULL},
};

static void
resolves_scalars_as_kubectl_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(scalars); i++) {
		char text[200], json[200];
		AUTO(document_free)
		struct document *d = NULL;
		AUTO(free)
		char *got = NULL;
		struct error err = ERROR_INIT;
		struct mark at;

		snprintf(text, sizeof(text), "v: %s", scalars[i].yaml);
		snprintf(json, sizeof(json), "{\"v\":%s}", scalars[i].json);
		d = read_first(text, strlen(text), &at, &err);
		if (d != NULL)
			got = json_dumps(document_root(d), JSON_COMPACT);
		if (scalars[i].json == NULL
			? d != NULL || err.code != ERR_SYNTAX
			: got == NULL || strcmp(got, json) != 0)
			fail_msg("'%s': got %s", text, d ? got : err.msg);
	}
}

static const struct {
	const char *yaml;
	const char *key; /* NULL: refused */
} keys[] = {
    {"a", "a"},
    {"1", "1"},
    {"\"1\"", "1"},
    {"0x10", "16"},
    {"1.5", "1.5"},
    {"0.1", "0.1"},
    {"100.0", "100"},
    {"true", "true"},
    {"no", "false"},
    {"on", "true"},
    {"\"on\"", "on"},
    {"2027-01-31", "2027-01-31"},
    {"app.kubernetes.io/name", "app.kubernetes.io/name"},
    {"''", ""},
    {"? b\n", "b"},
    {"~", NULL},
    {"", NULL},
    {"[a]", NULL},
    {"{a: b}", NULL},
    {"? - a\n", NULL},
};

static void
makes_every_key_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(keys); i++) {
		char text[200];
		AUTO(document_free)
		struct document *d = NULL;
		struct error err = ERROR_INIT;
		struct mark at;
		const char *got = NULL;

		snprintf(text, sizeof(text), "%s: v", keys[i].yaml);
		d = read_first(text, strlen(text), &at, &err);
		if (d != NULL)
			got = json_object_iter_key(
			    json_object_iter(document_root(d)));
		if (keys[i].key == NULL
			? d != NULL || err.code != ERR_SYNTAX
			: got == NULL || strcmp(got, keys[i].key) != 0)
			fail_msg("'%s': got %s", text, got ? got : err.msg);
	}
}

static const struct stream_case aliases[] = {
    {"an alias stands for its anchor", "a: &x {b: [1, 2]}\nc: *x",
	{"{\"a\":{\"b\":[1,2]},\"c\":{\"b\":[1,2]}}"}},
    {"a scalar's alias", "- &x yes\n- *x\n- &x no\n- *x",
	{"[true,true,false,false]"}},
    {"an alias as key", "- &x k\n- *x : v", {"[\"k\",{\"k\":\"v\"}]"}},
    {"an anchor on a key", "&x k: *x", {"{\"k\":\"k\"}"}},
    {"unknown", "a: *x",
	{"!1:4 no anchor \"&x\" before this alias; text that begins with '*'"}},
    {"used before it is named", "a: *x\nb: &x 1", {"!1:4 no anchor \"&x\""}},
    {"of another document", "a: &x 1\n---\nb: *x",
	{"{\"a\":1}", "!3:4 no anchor"}},
    {"inside of itself, list", "&x [1, *x]", {"!1:8 inside of what"}},
    {"inside of itself, mapping", "a: &x\n  b: *x", {"!2:6 inside of what"}},
    {"a mapping as key", "- &x {}\n- *x : v", {"!2:3 a mapping"}},
};

static void
follows_aliases(void **state)
{
	(void)state;
	check_streams(aliases, N(aliases));
}

static const struct stream_case merges[] = {
    {"own keys count over merged ones",
	"a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n",
	{"{\"a\":{\"p\":1,\"q\":2},\"b\":{\"q\":3,\"p\":1}}"}},
    {"an inline mapping", "{<<: {a: 1}, b: 2}",
	{"!1:2 expected"}}, /* JSON by its first character */
    {"an inline mapping in YAML", "x: {<<: {a: 1}, b: 2}",
	{"{\"x\":{\"b\":2,\"a\":1}}"}},
    {"the first of a list counts",
	"- &x {a: 1}\n- &y {a: 2, b: 3}\n- <<: [*x, *y]\n  c: 4",
	{"[{\"a\":1},{\"a\":2,\"b\":3},{\"c\":4,\"a\":1,\"b\":3}]"}},
    {"what was merged is merged again",
	"- &x {a: 1}\n- &y {<<: *x, b: 2}\n- {<<: *y}",
	{"[{\"a\":1},{\"b\":2,\"a\":1},{\"b\":2,\"a\":1}]"}},
    {"quoted it is a plain key", "\"<<\": {a: 1}", {"{\"<<\":{\"a\":1}}"}},
    {"as a value it is text", "a: <<", {"{\"a\":\"<<\"}"}},
    {"a scalar cannot be merged", "a: {<<: 1}", {"!1:9 takes a mapping"}},
    {"a list of scalars cannot", "a: {<<: [{}, 1]}", {"!1:14 takes a mapping"}},
    {"twice", "a:\n  <<: {b: 1}\n  <<: {c: 1}",
	{"!3:3 \"<<\" stands twice; first at line 2, column 3"}},
    {"below the same key with the same value", "a: {b: 1, <<: {b: 1}}",
	{"{\"a\":{\"b\":1}}"}},
    {"below the same key with another value", "a: {b: 1, <<: {b: 2}}",
	{"!1:11 put \"<<\" first"}},
    {"likewise in a list", "a: {b: 1, <<: [{c: 1}, {b: 2}]}",
	{"!1:11 put \"<<\" first"}},
};

static void
merges_mappings(void **state)
{
	(void)state;
	check_streams(merges, N(merges));
}

static const struct stream_case duplicates[] = {
    {"block", "a: 1\nb: 2\na: 3",
	{"!3:1 the key \"a\" stands twice; first at line 1, column 1"}},
    {"flow", "x: {a: 1,\n  b: 2, a: 3}",
	{"!2:9 \"a\" stands twice; first at line 1, column 5"}},
    {"in the inner of two", "a: {b: 1, b: 2}",
	{"!1:11 \"b\" stands twice; first at line 1, column 5"}},
    {"the same name further down is none", "a: {a: {a: 1}}",
	{"{\"a\":{\"a\":{\"a\":1}}}"}},
    {"a number and its text", "1: a\n\"1\": b", {"!2:1 \"1\" stands twice"}},
    {"two words for true", "yes: a\non: b", {"!2:1 \"true\" stands twice"}},
    {"an endless key is cut",
	"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": 1\n"
	"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": 1",
	{"!2:1 aaa...\" stands twice"}},
    {"a key that would move the cursor", "\"\\x1b[2J\": 1\n\"\\x1b[2J\": 1",
	{"!2:1 the key \"?[2J\" stands twice"}},
};

static void
names_both_places_of_a_duplicate_key(void **state)
{
	(void)state;
	check_streams(duplicates, N(duplicates));
}

static const struct stream_case broken[] = {
    {"tab indents", "a:\n\tb: 1", {"!2:1 a tab cannot indent"}},
    {"bracket not closed", "a: [1, 2\nb: 3", {"!2:2 ',' or ']'"}},
    {"quote not closed", "a: \"x\nb: 1\n", {"!3:1 end of stream"}},
    {"two values", "a: b: c", {"!1:5 text with ': ' in it needs quotes"}},
    {"wrong indent", "a:\n    b: 1\n  c: 2", {"!3:3 begins in one column"}},
    {"wrong indent in a list", "a:\n  - b: 1\n   c: 2",
	{"!3:4 begins in one column"}},
    {"a key without a blank", "a:b\nc: 1", {"!2:2 a blank follows"}},
    {"reserved character", "a: @x",
	{"!1:4 cannot start any token; text that begins with it needs"}},
    {"a glob that is taken for an alias", "a: [**/x]",
	{"!1:6 begins with '*' needs quotes"}},
    {"a glob that is taken for a tag", "a: [!k-*]",
	{"!1:9 begins with '!' needs quotes"}},
    {"unknown escape", "a: \"\\q\"", {"!1:5 unknown escape"}},
    {"surrogate escape", "a: \"\\ud83d\"", {"!1:7 invalid Unicode"}},
    {"text behind a flow mapping", "--- {a: 1} x", {"!1:12 "}},
    {"unknown tag handle", "a: !x!y z", {"!1:4 begins with '!' needs quotes"}},
    {"control character", "a: 1\nb: \x01", {"!2:4 control characters"}},
    {"not UTF-8", "a: 1\nb: \xc3\xbc \xff", {"!2:6 has to be UTF-8"}},
    {"overlong", "b: \xc0\xaf", {"!1:4 UTF-8"}},
    {"surrogate", "b: \xed\xa0\x80", {"!1:4 Unicode"}},
    {"cut off inside of a character", "b: \xe2\x82", {"!1:4 UTF-8"}},
    {"UTF-16",
	"\xff\xfe"
	"a",
	{"!1:1 UTF-8"}},
    {"broken off, without a line break", "a: [1", {"!1:6 ',' or ']'"}},
    {"broken off, with one", "a: [1\n", {"!2:1 ',' or ']'"}},
    {"a list behind ?", "? [a", {"!1:3 a key must be text"}},
};

static void
says_where_text_is_broken(void **state)
{
	(void)state;
	check_streams(broken, N(broken));
}

static const char block[] = "apiVersion: v1\n"
			    "spec:\n"
			    "  containers:\n"
			    "  - name: \"a\\\"b\"\n"
			    "    args: [x, 'y',\n"
			    "      {z: 1, w: [2]}]\n"
			    "    env: &e\n"
			    "      - {name: A}\n"
			    "  - env: *e\n"
			    "    <<: {image: q}\n"
			    "    text: |\n"
			    "      many\n"
			    "      lines\n"
			    "    empty:\n"
			    "    gr\xc3\xbc\xc3\x9f: \xc3\xbc\n"
			    "labels: {a.b/c: 1}\n";

static const char block_places[] =
    " 1:1\n"
    "apiVersion 1:13 key 1:1\n"
    "spec 3:3 key 2:1\n"
    "spec.containers 4:3 key 3:3\n"
    "spec.containers[0] 4:5\n"
    "spec.containers[0].name 4:11 key 4:5\n"
    "spec.containers[0].args 5:11 key 5:5\n"
    "spec.containers[0].args[0] 5:12\n"
    "spec.containers[0].args[1] 5:15\n"
    "spec.containers[0].args[2] 6:7\n"
    "spec.containers[0].args[2].z 6:11 key 6:8\n"
    "spec.containers[0].args[2].w 6:17 key 6:14\n"
    "spec.containers[0].args[2].w[0] 6:18\n"
    "spec.containers[0].env 7:10 key 7:5\n"
    "spec.containers[0].env[0] 8:9\n"
    "spec.containers[0].env[0].name 8:16 key 8:10\n"
    "spec.containers[1] 9:5\n"
    "spec.containers[1].env 9:10 key 9:5\n"
    "spec.containers[1].env[0] 8:9\n"
    "spec.containers[1].env[0].name 8:16 key 8:10\n"
    "spec.containers[1].text 11:11 key 11:5\n"
    "spec.containers[1].empty 14:11 key 14:5\n"
    "spec.containers[1][\"gr\xc3\xbc\xc3\x9f\"] 15:11 key 15:5\n"
    "spec.containers[1].image 10:17 key 10:10\n"
    "labels 16:9 key 16:1\n"
    "labels[\"a.b/c\"] 16:17 key 16:10\n";

static void
knows_the_place_of_every_node(void **state)
{
	AUTO(document_free)
	struct document *d = NULL;
	AUTO(free)
	char *places = NULL;
	struct error err = ERROR_INIT;
	struct mark at;

	(void)state;
	d = read_first(block, sizeof(block) - 1, &at, &err);
	assert_non_null(d);
	places = places_text(d);
	assert_string_equal(places, block_places);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(resolves_scalars_as_kubectl_does),
	    cmocka_unit_test(makes_every_key_text),
	    cmocka_unit_test(follows_aliases),
	    cmocka_unit_test(merges_mappings),
	    cmocka_unit_test(names_both_places_of_a_duplicate_key),
	    cmocka_unit_test(says_where_text_is_broken),
	    cmocka_unit_test(knows_the_place_of_every_node),
	};

	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
