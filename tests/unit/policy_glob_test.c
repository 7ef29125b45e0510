/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/glob.h"

#include "tests/unit/plain_glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MADE_UP_MAX = 32 };

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *pattern;
	const char *text;
	bool matches;
} globs[] = {
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"a", "a", true},
    {"a", "A", false},
    {"a", "aa", false},
    {"aa", "a", false},
    {"a/b", "a/b", true},
    /* one part */
    {"*", "", true},
    {"*", "abc", true},
    {"*", "a/b", false},
    {"*", "/", false},
    {"a*", "a", true},
    {"a*", "ab", true},
    {"a*", "ba", false},
    {"*a", "ba", true},
    {"*a", "ab", false},
    {"a*c", "abbc", true},
    {"a*c", "abcb", false},
    {"a*c", "a/c", false},
    {"*ab*ab", "abab", true},
    {"*ab*ab", "abxabyab", true},
    {"*ab*ab", "ab", false},
    {"a/*", "a/b", true},
    {"a/*", "a/", true},
    {"a/*", "a/b/c", false},
    {"a/*/c", "a/b/c", true},
    {"a/*/c", "a/c", false},
    {"*/*", "a/b", true},
    {"*/*", "a", false},
    /* any depth */
    {"**", "", true},
    {"**", "a/b/c", true},
    {"a/**", "a/b/c", true},
    {"a/**", "a/", true},
    {"a/**", "a", false},
    {"a**", "a/b", true},
    {"**/c", "a/b/c", true},
    {"**/c", "c", false},
    {"**c", "a/b/c", true},
    {"**c", "a/b/cd", false},
    {"a/**/d", "a/b/c/d", true},
    {"a/**/d", "a/d", false},
    {"a**d", "a/b/c/d", true},
    {"**a*b", "x/a/y/azb", true},
    {"**a*b", "x/a/y/a/b", false},
    {"**/x*b/**", "a/xb/c", true},
    {"*/**/*", "a/b/c/d", true},
    {"***", "a/b", true},
    {"****x", "a/bx", true},
    {"*.corp/**", "registry.corp/team/app", true},
    {"*.corp/**", "registry.corp.evil.io/team/app", false},
    {"docker.io/library/debian:12*", "docker.io/library/debian:12-slim", true},
    /* one character */
    {"?", "a", true},
    {"?", "", false},
    {"?", "/", false},
    {"?", "ab", false},
    {"a?c", "abc", true},
    {"a?c", "a/c", false},
    {"??", "ab", true},
    {"?*", "a", true},
    {"*?", "", false},
    {"?", "\xc3\xbc", true},
    {"??", "\xc3\xbc", false},
    {"?b",
	"\xf0\x9f\x98\x80"
	"b",
	true},
    {"*?b",
	"\xc3\xbc\xc3\xbc"
	"b",
	true},
    /* nothing else is special */
    {"[a]", "a", false},
    {"[a]", "[a]", true},
    {"\\*", "\\x", true},
    {"{a,b}", "a", false},
    {"a.c", "abc", false},
};

static void
matches_globs(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(globs); i++) {
		if (glob_match(globs[i].pattern, globs[i].text) !=
		    globs[i].matches)
			fail_msg(
			    "'%s' on '%s'", globs[i].pattern, globs[i].text);
	}
}

static const struct {
	const char *patterns[4];
	size_t n;
	const char *text;
	bool matches;
} lists[] = {
    {{NULL}, 0, "x", true},
    {{"a", "b"}, 2, "b", true},
    {{"a", "b"}, 2, "c", false},
    {{"!a"}, 1, "a", false},
    {{"!a"}, 1, "b", true},
    {{"*", "!kube-*"}, 2, "shop", true},
    {{"*", "!kube-*"}, 2, "kube-system", false},
    {{"!kube-*", "*"}, 2, "kube-system", false},
    {{"!kube-*", "kube-system"}, 2, "kube-system", false},
    {{"a*", "!ab", "!ac"}, 3, "ad", true},
    {{"a*", "!ab", "!ac"}, 3, "ac", false},
    {{"a*", "!ab", "!ac"}, 3, "b", false},
    {{"!"}, 1, "", false},
    {{"!"}, 1, "a", true},
    {{""}, 1, "", true},
    {{""}, 1, "a", false},
    {{"!!a"}, 1, "!a", false},
};

static void
matches_lists_with_exclusions(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(lists); i++) {
		if (glob_list_match(lists[i].patterns, lists[i].n,
			lists[i].text) != lists[i].matches)
			fail_msg("list %zu, with '%s', on '%s'", i,
			    lists[i].n > 0 ? lists[i].patterns[0] : "",
			    lists[i].text);
	}
}

/* Up to eight of `pieces` in a row. */
static void
make_up(char *out, const char *const *pieces, size_t n, unsigned int *seed)
{
	size_t left = (size_t)rand_r(seed) % 9, len;

	for (; left > 0; left--) {
		const char *piece = pieces[(size_t)rand_r(seed) % n];

		len = strlen(piece);
		memcpy(out, piece, len);
		out += len;
	}
	*out = '\0';
}

static void
agrees_with_the_plain_meaning(void **state)
{
	static const char *const wild[] = {
	    "a", "b", "ab", "/", "*", "**", "?", "*", "**", "\xc3\xbc", "\xbc"};
	static const char *const plain[] = {
	    "a", "b", "ab", "/", "a/b", "\xc3\xbc", "\xbc", "b"};
	unsigned int seed = 1;
	size_t matched = 0;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		char pattern[MADE_UP_MAX], text[MADE_UP_MAX];
		bool want;

		make_up(pattern, wild, N(wild), &seed);
		make_up(text, plain, N(plain), &seed);
		want = plain_glob(pattern, text);
		matched += want;
		if (glob_match(pattern, text) != want)
			fail_msg("'%s' on '%s'", pattern, text);
	}
	assert_true(matched > 10000);
}

/* The number in base `strlen(letters)`, as text; the next one is longer. */
static void
spell(char *out, const char *letters, size_t number)
{
	const size_t n = strlen(letters);

	for (; number > 0; number = (number - 1) / n)
		*out++ = letters[(number - 1) % n];
	*out = '\0';
}

/* How many texts of up to `len` of so many letters there are. */
static size_t
count_up_to(size_t letters, size_t len)
{
	size_t n = 1;

	while (len-- > 0)
		n = n * letters + 1;
	return n;
}

/* Brackets are nothing special; U+00FC is two bytes. */
static const struct {
	const char *pattern;
	size_t pattern_len;
	const char *text;
	size_t text_len;
} alphabets[] = {
    {"a[*?/", 6, "a[/", 4},
    {"a\xc3\xbc*?/", 5, "a\xc3\xbc/", 4},
    {"*?", 9, "a/", 9},
};

/* Seven million pairs, in about a second. */
static void
every_short_glob_agrees_with_the_plain_meaning_on_every_short_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(alphabets); i++) {
		const size_t patterns =
				 count_up_to(strlen(alphabets[i].pattern),
				     alphabets[i].pattern_len),
			     texts = count_up_to(strlen(alphabets[i].text),
				 alphabets[i].text_len);
		char pattern[MADE_UP_MAX], text[MADE_UP_MAX];

		for (size_t pair = 0; pair < patterns * texts; pair++) {
			spell(pattern, alphabets[i].pattern, pair / texts);
			spell(text, alphabets[i].text, pair % texts);
			if (glob_match(pattern, text) !=
			    plain_glob(pattern, text))
				fail_msg("'%s' on '%s'", pattern, text);
		}
	}
}

/* A list's meaning, from that of its globs. */
static bool
plain_list_match(const char *const *list, size_t n, const char *text)
{
	size_t includes = 0, included = 0, excluded = 0;

	for (size_t i = 0; i < n; i++) {
		const bool no = list[i][0] == '!';
		const bool matches = plain_glob(list[i] + no, text);

		includes += !no;
		included += !no && matches;
		excluded += no && matches;
	}
	return excluded == 0 && (included > 0 || includes == 0);
}

static void
lists_agree_with_the_plain_meaning(void **state)
{
	static const char *const wild[] = {"a", "b", "/", "*", "**", "?"};
	static const char *const plain[] = {"a", "b", "/"};
	unsigned int seed = 2;
	size_t matched = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char globs_of[3][MADE_UP_MAX], text[MADE_UP_MAX];
		const char *list[3] = {globs_of[0], globs_of[1], globs_of[2]};
		const size_t n = (size_t)rand_r(&seed) % 4;
		bool want;

		for (size_t k = 0; k < 3; k++) {
			const bool no = rand_r(&seed) % 3 == 0;

			globs_of[k][0] = '!';
			make_up(globs_of[k] + no, wild, N(wild), &seed);
		}
		make_up(text, plain, N(plain), &seed);
		want = plain_list_match(list, n, text);
		matched += want;
		if (glob_list_match(list, n, text) != want)
			fail_msg("%zu of '%s' '%s' '%s' on '%s'", n, list[0],
			    list[1], list[2], text);
	}
	assert_true(matched > 1000);
}

static char *
repeated(const char *unit, size_t n)
{
	size_t len = strlen(unit);
	char *p = calloc(n, len + 1);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		memcpy(p + i * len, unit, len);
	return p;
}

/* Counted, not timed. The ends match and the middle never does, so that every
 * way would be tried. */
static void
no_pattern_takes_more_than_its_length_times_the_texts(void **state)
{
	static const char *const units[] = {"*a", "**a", "*a**a", "a*", "**a*b",
	    "**/*", "?*", "*?**", "**", "*", "*a?a", "?"};
	static const char *const texts[] = {"a", "a/", "ab", "\xc3\xbc", "/"};
	enum { LEN = 3000 };

	(void)state;
	for (size_t i = 0; i < N(units) * N(texts); i++) {
		const char *unit = units[i / N(texts)];
		const char *of = texts[i % N(texts)];
		char *pattern = repeated(unit, LEN / strlen(unit));
		char *text = repeated(of, LEN / strlen(of));
		const size_t most =
		    4 * (strlen(pattern) + 1) * (strlen(text) + 1);

		memcpy(pattern + strlen(pattern) - strlen(unit) - 2, "?x*", 3);
		if (glob_steps(pattern, text) > most)
			fail_msg("%s... on %s...: %zu steps", unit, of,
			    glob_steps(pattern, text));
		free(pattern);
		free(text);
	}
}

static void
most_globs_take_no_step(void **state)
{
	static const char name[] = "registry.example.com/shop/web";

	(void)state;
	assert_int_equal(glob_steps(name, name), 0);
	assert_int_equal(glob_steps("registry.example.com/**", name), 0);
	assert_int_equal(glob_steps("registry.example.com/shop/*", name), 0);
	assert_int_equal(glob_steps("**/web", name), 0);
	assert_int_equal(glob_steps("docker.io/**/*b", name), 0);
	assert_int_equal(glob_steps("**/*/api", name), 0);
	assert_true(glob_steps("**/shop/*", name) > 0);
}

static void
a_pattern_over_its_bound_matches_nothing(void **state)
{
	char *pattern = repeated("*", GLOB_PATTERN_MAX + 1);

	(void)state;
	assert_false(glob_match(pattern, "a"));
	pattern[GLOB_PATTERN_MAX] = '\0';
	assert_true(glob_match(pattern, "a"));
	free(pattern);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(matches_globs),
	    cmocka_unit_test(matches_lists_with_exclusions),
	    cmocka_unit_test(agrees_with_the_plain_meaning),
	    cmocka_unit_test(
		every_short_glob_agrees_with_the_plain_meaning_on_every_short_text),
	    cmocka_unit_test(lists_agree_with_the_plain_meaning),
	    cmocka_unit_test(
		no_pattern_takes_more_than_its_length_times_the_texts),
	    cmocka_unit_test(most_globs_take_no_step),
	    cmocka_unit_test(a_pattern_over_its_bound_matches_nothing),
	};

	return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
