/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *name;
	const char *in;
	size_t max;
	const char *out;
} sanitise[] = {
    {"plain", "hello", 100, "hello"},
    {"empty", "", 100, ""},
    {"line breaks", "a\r\n\tb\n", 100, "a b "},
    {"unicode blanks",
	"a\xc2\xa0\xe2\x80\xa8\xe3\x80\x80"
	"b",
	100, "a b"},
    {"next line",
	"a\xc2\x85"
	"b",
	100, "a b"},
    {"escape", "\x1b[31mred\x1b[0m", 100, "?[31mred?[0m"},
    {"delete and c1", "\x7f\xc2\x9b", 100, "??"},
    {"umlaut", "gr\xc3\xbc\xc3\x9f", 100, "gr\xc3\xbc\xc3\x9f"},
    {"four bytes", "\xf0\x9f\x98\x80", 100, "\xf0\x9f\x98\x80"},
    {"bidi override",
	"a\xe2\x80\xae"
	"b",
	100, "a?b"},
    {"bidi isolate", "\xe2\x81\xa6", 100, "?"},
    {"zero width", "a\xe2\x80\x8b\xe2\x80\x8d\xef\xbb\xbf", 100, "a???"},
    {"soft hyphen", "\xc2\xad", 100, "?"},
    {"tag characters", "\xf3\xa0\x81\x81", 100, "?"},
    {"noncharacter", "\xf0\x9f\xbf\xbf", 100, "?"},
    {"stray continuation", "\x80z", 100, "?z"},
    {"overlong", "\xc0\xaf\xe0\x80\xaf", 100, "?????"},
    {"surrogate", "\xed\xa0\x80", 100, "???"},
    {"too high", "\xf4\x90\x80\x80", 100, "????"},
    {"cut off inside", "a\xe2\x82", 100, "a??"},
    {"commands to build servers", "#1 ##[add-mask]1 ###vso[task]", 100,
	"#1 #[add-mask]1 #vso[task]"},
    {"fits exactly", "12345", 5, "12345"},
    {"cut", "123456", 5, "12..."},
    {"cut at a character", "1\xc3\xbc\xc3\xbc\xc3\xbc", 6, "1\xc3\xbc..."},
    {"cut after four bytes", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 7,
	"\xf0\x9f\x98\x80..."},
    {"room for dots only", "123456", 3, "..."},
    {"no room", "123456", 2, ".."},
    {"nothing at all", "1", 0, ""},
};

static void
makes_foreign_text_safe(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sanitise) / sizeof(sanitise[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(1000);

		assert_int_equal(buf_puts(&b, ">"), 0);
		if (text_sanitise(&b, sanitise[i].in, sanitise[i].max) != 0 ||
		    strcmp(b.data + 1, sanitise[i].out) != 0)
			fail_msg("%s: got '%s'", sanitise[i].name, b.data);
	}
}

static void
a_full_buffer_is_an_error(void **state)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(3);

	(void)state;
	assert_int_equal(text_sanitise(&b, "1234", 100), -1);
	assert_true(buf_failed(&b));
	assert_int_equal(text_sanitise(&b, "", 100), -1);
}

static void
never_exceeds_its_bound(void **state)
{
	static const char text[] =
	    "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80 \n\x01"
	    "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80";

	(void)state;
	for (size_t max = 0; max < 40; max++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(1000);

		assert_int_equal(text_sanitise(&b, text, max), 0);
		assert_true(b.len <= max);
	}
}

static const struct {
	const char *word;
	const char *nearest;
} nearest[] = {
    {"maxLayer", "maxLayer"},
    {"maxlayer", "maxLayer"},
    {"MAXLAYER", "maxLayer"},
    {"maxLayers", "maxLayer"},
    {"mxaLayer", "maxLayer"},
    {"maxAboveBas", "maxAboveBase"},
    {"maxAvobeBsae", "maxAboveBase"},
    {"ma", "max"},
    {"mx", "max"},
    {"xam", NULL}, /* one edit would be within a third; this is two */
    {"over", "over"},
    {"ovr", "over"},
    {"z", NULL},
    {"", NULL},
    {"completely-different", NULL},
    {"a-key-so-long-that-nobody-would-ever-write-it-down-in-full-in-a", NULL},
    {"an-endless-word-that-nobody-would-ever-take-for-the-key-of-a-mapping-at-all",
	NULL},
};

static void
names_the_nearest_key(void **state)
{
	static const char *const keys[] = {"max", "maxLayer", "maxAboveBase",
	    "over", "a",
	    "a-key-so-long-that-nobody-would-ever-write-it-down-in-full-in-any-"
	    "policy",
	    NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(nearest) / sizeof(nearest[0]); i++) {
		const char *got = text_nearest(nearest[i].word, keys);

		if (strcmp(got ? got : "-",
			nearest[i].nearest ? nearest[i].nearest : "-") != 0)
			fail_msg("'%s': got %s", nearest[i].word,
			    got ? got : "nothing");
	}
}

/* What jansson reads back; it refuses what is no JSON. */
static void
a_quoted_text_reads_back_as_itself(void **state)
{
	static const char *const texts[] = {"", "plain", "\"", "\\", "\\\"",
	    "a\nb\tc\r\b\f", "\x01\x1f\x7f", "</script>", "gr\xc3\xbc\xc3\x9f",
	    "\xf0\x9f\x98\x80\xe2\x80\xae", "end\\"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(1000);
		AUTO(json_decref) json_t *v = NULL;

		assert_int_equal(text_quote(&b, texts[i], 100), 0);
		v = json_loadb(buf_text(&b), b.len, JSON_DECODE_ANY, NULL);
		assert_non_null(v);
		assert_string_equal(json_string_value(v), texts[i]);
		for (size_t k = 0; k < b.len; k++)
			assert_true((unsigned char)b.data[k] >= ' ');
	}
}

static void
quoting_escapes_what_steers_a_terminal(void **state)
{
	static const struct {
		const char *text;
		const char *quoted;
	} cases[] = {
	    {"a\x1b[31m", "\"a\\u001b[31m\""},
	    {"a\x7f", "\"a\\u007f\""},
	    {"a\xc2\x9b"
	     "31m",
		"\"a\\u009b31m\""},
	    {"a\xc2\x85"
	     "b",
		"\"a\\u0085b\""},
	    {"a\xe2\x80\xae"
	     "b",
		"\"a\\u202eb\""},
	    {"a\xe2\x80\xa8"
	     "b",
		"\"a\\u2028b\""},
	    {"\xf3\xa0\x80\x81", "\"\\udb40\\udc01\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(1000);

		assert_int_equal(text_quote(&b, cases[i].text, 100), 0);
		assert_string_equal(buf_text(&b), cases[i].quoted);
	}
}

static void
quoting_cuts_what_is_too_long_at_a_character(void **state)
{
	static const struct {
		size_t max;
		const char *quoted;
	} cases[] = {
	    {0, "\"...\""},
	    {3, "\"gr...\""},
	    {4, "\"gr\xc3\xbc...\""},
	    {5, "\"gr\xc3\xbc\\n...\""},
	    {6, "\"gr\xc3\xbc\\n?\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(1000);

		assert_int_equal(
		    text_quote(&b, "gr\xc3\xbc\n\xff", cases[i].max), 0);
		assert_string_equal(buf_text(&b), cases[i].quoted);
	}
}

static void
what_is_no_utf8_is_quoted_as_a_question_mark(void **state)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(1000), full = BUF_INIT(3);

	(void)state;
	assert_int_equal(text_quote(&b, "a\xff-\xc3-\xed\xa0\x80", 100), 0);
	assert_string_equal(buf_text(&b), "\"a?-?-???\"");
	assert_int_equal(text_quote(&full, "abc", 100), -1);
}

static void
run(void *arg)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(1000);

	(void)arg;
	if (text_sanitise(&b, "some text", 100) == 0)
		assert_string_equal(buf_text(&b), "some text");
	else
		assert_true(buf_failed(&b));
}

static void
survives_every_failed_allocation(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(run, NULL) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(makes_foreign_text_safe),
	    cmocka_unit_test(a_full_buffer_is_an_error),
	    cmocka_unit_test(never_exceeds_its_bound),
	    cmocka_unit_test(names_the_nearest_key),
	    cmocka_unit_test(a_quoted_text_reads_back_as_itself),
	    cmocka_unit_test(quoting_escapes_what_steers_a_terminal),
	    cmocka_unit_test(quoting_cuts_what_is_too_long_at_a_character),
	    cmocka_unit_test(what_is_no_utf8_is_quoted_as_a_question_mark),
	    cmocka_unit_test(survives_every_failed_allocation),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
