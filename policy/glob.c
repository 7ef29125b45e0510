/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/glob.h"

#include <stdint.h>
#include <string.h>

/* What lies between the literal beginning and the literal end of a glob, from
 * its first wildcard to its last, and of the text. */
struct middle {
	const char *pattern;
	size_t len;
	const char *text;
	size_t text_len;
	size_t steps; /* gone so far */
};

static bool
is_wild(char c)
{
	return c == '*' || c == '?';
}

/* Cuts off the literal ends; false: they decide that it does not match. A glob
 * without a wildcard leaves nothing of itself. */
static bool
cut_ends(const char *pattern, const char *text, struct middle *m)
{
	while (*pattern == *text && !is_wild(*pattern) && *pattern != '\0') {
		pattern++;
		text++;
	}
	if (!is_wild(*pattern) && *pattern != *text)
		return false;
	*m = (struct middle){.pattern = pattern,
	    .len = strlen(pattern),
	    .text = text,
	    .text_len = strlen(text)};
	while (m->len > 0 && !is_wild(pattern[m->len - 1])) {
		if (m->text_len == 0 ||
		    pattern[m->len - 1] != text[m->text_len - 1])
			return false;
		m->len--;
		m->text_len--;
	}
	return true;
}

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

/* Only the words that a pattern of `len` bytes can reach. */
static void
places_init(struct places *s, size_t len)
{
	s->first = 0;
	s->last = len / WORD_BITS;
	places_clear(s);
}

/* Adds a place, and those that it reaches without a byte of text: behind
 * stars, which match nothing as well. */
static void
places_add(struct places *s, struct middle *m, size_t at)
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
		while (next < m->len && m->pattern[next] == '*') {
			next++;
			m->steps++;
		}
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
step(struct places *next, struct middle *m, size_t at, char c)
{
	const char p = at < m->len ? m->pattern[at] : '\0';

	m->steps++;
	/* The rest of a character that '?' began to match. */
	if (at > 0 && m->pattern[at - 1] == '?' && continues(c))
		places_add(next, m, at);
	if (p == '*') {
		if (c != '/' || (at + 1 < m->len && m->pattern[at + 1] == '*'))
			places_add(next, m, at);
	} else if (p == '?' ? c != '/' && !continues(c) : p == c) {
		places_add(next, m, at + 1);
	}
}

static void
step_all(
    const struct places *now, struct places *next, struct middle *m, char c)
{
	for (size_t w = now->first; w <= now->last; w++) {
		for (uint64_t bits = now->words[w]; bits != 0; bits &= bits - 1)
			step(next, m,
			    w * WORD_BITS + (size_t)__builtin_ctzll(bits), c);
	}
}

static bool
follow(struct middle *m)
{
	struct places sets[2];
	struct places *now = &sets[0], *next = &sets[1], *spare;

	if (m->len > GLOB_PATTERN_MAX)
		return false;
	places_init(now, m->len);
	places_init(next, m->len);
	places_add(now, m, 0);
	for (size_t i = 0; i < m->text_len; i++) {
		step_all(now, next, m, m->text[i]);
		if (next->first > next->last)
			return false;
		places_clear(now);
		spare = now;
		now = next;
		next = spare;
	}
	return (now->words[m->len / WORD_BITS] >> (m->len % WORD_BITS) & 1) !=
	       0;
}

static bool
match(const char *pattern, const char *text, struct middle *m)
{
	if (!cut_ends(pattern, text, m))
		return false;
	if (m->len == 0)
		return m->text_len == 0;
	if (m->len == 1 && m->pattern[0] == '*')
		return memchr(m->text, '/', m->text_len) == NULL;
	if (m->len == 2 && memcmp(m->pattern, "**", 2) == 0)
		return true;
	return follow(m);
}

bool
glob_match(const char *pattern, const char *text)
{
	struct middle m;

	return match(pattern, text, &m);
}

size_t
glob_steps(const char *pattern, const char *text)
{
	struct middle m = {.steps = 0};

	match(pattern, text, &m);
	return m.steps;
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
