/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/own.h"
#include "policy/glob.h"
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <string.h>

enum { PLAIN_MAX = 12 };

/* The plain meaning, in as many steps as it takes. */
static bool
plain_match(const char *p, const char *t)
{
	bool deep = p[0] == '*' && p[1] == '*';

	if (*p == '\0')
		return *t == '\0';
	if (*p == '*') {
		if (plain_match(p + (deep ? 2 : 1), t))
			return true;
		return *t != '\0' && (deep || *t != '/') &&
		       plain_match(p, t + 1);
	}
	if (*t == '\0' || (*p == '?' ? *t == '/' : *p != *t))
		return false;
	return plain_match(p + 1, t + 1);
}

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s > 0x7f)
			return false;
	}
	return true;
}

/* The first line is the pattern, the rest the text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(free) char *pattern = calloc(1, size + 2);
	const char *text = "";
	char *newline;
	bool matches;

	if (pattern == NULL)
		return 0;
	if (size > 0)
		memcpy(pattern, data, size);
	newline = strchr(pattern, '\n');
	if (newline != NULL) {
		*newline = '\0';
		text = newline + 1;
	}
	matches = glob_match(pattern, text);
	if (strlen(pattern) <= PLAIN_MAX && strlen(text) <= PLAIN_MAX &&
	    is_ascii(text))
		MUST(matches == plain_match(pattern, text));
	return 0;
}
