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
	uint64_t words[WORDS]; /* as many as the pattern needs are in use */
	bool any;
};

static void
places_add(struct places *s, size_t at)
{
	s->words[at / WORD_BITS] |= UINT64_C(1) << (at % WORD_BITS);
	s->any = true;
}

/* A byte that is not the first of a character. */
static bool
continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Where one byte of text leads from a place: for stars, which match nothing as
 * well, from behind them too. */
static void
step(struct places *next, struct middle *m, size_t at, char c)
{
	size_t behind = at;

	/* The rest of a character that '?' began to match. */
	if (at > 0 && m->pattern[at - 1] == '?' && continues(c))
		places_add(next, at);
	while (behind < m->len && m->pattern[behind] == '*')
		behind++;
	if (behind > at && (c != '/' || behind > at + 1))
		places_add(next, at);
	m->steps += behind - at + 1;
	if (behind == m->len)
		return;
	if (m->pattern[behind] == '?' ? c != '/' && !continues(c)
				      : c == m->pattern[behind])
		places_add(next, behind + 1);
}

/* Moves on from all places of `now`, and leaves it empty. */
static void
step_all(struct places *now, struct places *next, struct middle *m, char c)
{
	const size_t words = m->len / WORD_BITS + 1;
	uint64_t bits;

	next->any = false;
	for (size_t w = 0; w < words; w++) {
		bits = now->words[w];
		now->words[w] = 0;
		for (; bits != 0; bits &= bits - 1)
			step(next, m,
			    w * WORD_BITS + (size_t)__builtin_ctzll(bits), c);
	}
}

static bool
follow(struct middle *m)
{
	struct places sets[2];
	struct places *now = &sets[0], *next = &sets[1], *spare;
	size_t end = m->len;

	if (m->len > GLOB_PATTERN_MAX)
		return false;
	for (size_t w = 0; w <= m->len / WORD_BITS; w++)
		now->words[w] = next->words[w] = 0;
	places_add(now, 0);
	for (size_t i = 0; i < m->text_len; i++) {
		step_all(now, next, m, m->text[i]);
		if (!next->any)
			return false;
		spare = now;
		now = next;
		next = spare;
	}
	while (end > 0 && m->pattern[end - 1] == '*')
		end--;
	return (now->words[end / WORD_BITS] >> (end % WORD_BITS) & 1) != 0;
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
