/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/own.h"
#include "policy/glob.h"
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <string.h>

enum { PLACES_MAX = 32 * 1024, STEPS_EACH = 4 };

enum answer { UNKNOWN, NO, YES };

/* A glob, a text, and what is known of their tails already. */
struct plain {
	const char *pattern;
	const char *text;
	size_t width;
	unsigned char *known; /* of each pair of places */
};

/* Bytes of the character at `t`; 0 at the end. */
static size_t
character(const char *t)
{
	size_t n = *t != '\0';

	while (n > 0 && ((unsigned char)t[n] & 0xc0) == 0x80)
		n++;
	return n;
}

static bool plain_match(struct plain *m, size_t p, size_t t);

/* The meaning of a glob, as glob.h tells it. */
static bool
decide(struct plain *m, size_t p, size_t t)
{
	const char *pattern = m->pattern + p, *text = m->text + t;
	bool deep = pattern[0] == '*' && pattern[1] == '*';

	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '*') {
		if (plain_match(m, p + (deep ? 2 : 1), t))
			return true;
		return *text != '\0' && (deep || *text != '/') &&
		       plain_match(m, p, t + 1);
	}
	if (*text == '\0')
		return false;
	if (*pattern == '?')
		return *text != '/' &&
		       plain_match(m, p + 1, t + character(text));
	return *pattern == *text && plain_match(m, p + 1, t + 1);
}

static bool
plain_match(struct plain *m, size_t p, size_t t)
{
	unsigned char *known = &m->known[p * m->width + t];

	if (*known == UNKNOWN)
		*known = decide(m, p, t) ? YES : NO;
	return *known == YES;
}

/* jansson takes no other strings. */
static bool
is_utf8(const char *s)
{
	AUTO(json_decref) json_t *value = json_string(s);

	return value != NULL;
}

static void
compare(const char *pattern, const char *text, bool matches)
{
	size_t places = (strlen(pattern) + 1) * (strlen(text) + 1);
	AUTO(free) unsigned char *known = NULL;
	struct plain m;

	MUST(glob_steps(pattern, text) <= STEPS_EACH * places);
	if (places > PLACES_MAX || !is_utf8(pattern) || !is_utf8(text))
		return;
	known = calloc(places, 1);
	if (known == NULL)
		return;
	m = (struct plain){pattern, text, strlen(text) + 1, known};
	MUST(matches == plain_match(&m, 0, 0));
}

/* The first line is the pattern, the rest the text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(free) char *pattern = calloc(1, size + 2);
	const char *text = "";
	char *newline;

	if (pattern == NULL)
		return 0;
	if (size > 0)
		memcpy(pattern, data, size);
	newline = strchr(pattern, '\n');
	if (newline != NULL) {
		*newline = '\0';
		text = newline + 1;
	}
	compare(pattern, text, glob_match(pattern, text));
	return 0;
}
