/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/glob.h"

#include <stdint.h>
#include <string.h>

/*
 * All ways to match are followed at once: a set of places in the pattern, one
 * bit each, moves along the text byte by byte. Nothing is ever tried again.
 */
enum { WORD_BITS = 64, WORDS = GLOB_PATTERN_MAX / WORD_BITS + 1 };

struct places {
	uint64_t words[WORDS];
	size_t first; /* words in use, both ends included */
	size_t last;
};

static void
places_clear(struct places *s)
{
	if (s->first <= s->last)
		memset(&s->words[s->first], 0,
		    (s->last - s->first + 1) * sizeof(s->words[0]));
	s->first = WORDS;
	s->last = 0;
}

/* Adds a place, and those that it reaches without a byte of text: behind
 * stars, which match nothing as well. */
static void
places_add(struct places *s, const char *pattern, size_t at)
{
	size_t next = at;

	do {
		size_t word = next / WORD_BITS;

		at = next;
		s->words[word] |= UINT64_C(1) << (at % WORD_BITS);
		if (word < s->first)
			s->first = word;
		if (word > s->last)
			s->last = word;
		while (pattern[next] == '*')
			next++;
	} while (next != at);
}

/* A byte that is not the first of a character. */
static bool
continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Where one byte of text leads from a place. */
static void
step(struct places *next, const char *pattern, size_t at, char c)
{
	char p = pattern[at];

	/* The rest of a character that '?' began to match. */
	if (at > 0 && pattern[at - 1] == '?' && continues(c))
		places_add(next, pattern, at);
	if (p == '*') {
		if (c != '/' || pattern[at + 1] == '*')
			places_add(next, pattern, at);
	} else if (p == '?' ? c != '/' && !continues(c) : p == c) {
		places_add(next, pattern, at + 1);
	}
}

static void
step_all(
    const struct places *now, struct places *next, const char *pattern, char c)
{
	for (size_t w = now->first; w <= now->last; w++) {
		for (uint64_t bits = now->words[w]; bits != 0; bits &= bits - 1)
			step(next, pattern,
			    w * WORD_BITS + (size_t)__builtin_ctzll(bits), c);
	}
}

bool
glob_match(const char *pattern, const char *text)
{
	struct places sets[2] = {{.first = WORDS}, {.first = WORDS}};
	struct places *now = &sets[0], *next = &sets[1], *spare;
	size_t len = strnlen(pattern, GLOB_PATTERN_MAX + 1);

	if (len > GLOB_PATTERN_MAX)
		return false;
	places_add(now, pattern, 0);
	for (; *text != '\0'; text++) {
		step_all(now, next, pattern, *text);
		if (next->first > next->last)
			return false;
		places_clear(now);
		spare = now;
		now = next;
		next = spare;
	}
	return (now->words[len / WORD_BITS] >> (len % WORD_BITS) & 1) != 0;
}

bool
glob_list_match(const char *const *patterns, size_t n, const char *text)
{
	bool includes = false, included = false;

	for (size_t i = 0; i < n; i++) {
		if (patterns[i][0] != '!') {
			includes = true;
			included = included || glob_match(patterns[i], text);
		} else if (glob_match(patterns[i] + 1, text)) {
			return false;
		}
	}
	return included || !includes;
}
