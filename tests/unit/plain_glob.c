/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/plain_glob.h"

#include <stddef.h>
#include <string.h>

/* A byte that is not the first of a character. */
static bool
continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* `rest`: what the rest of the pattern matches. */
static bool
one_character(const char *text, const bool *rest)
{
	size_t end = 1;

	if (*text == '\0' || *text == '/' || continues(*text))
		return false;
	while (continues(text[end]) && !rest[end])
		end++;
	return rest[end];
}

bool
plain_glob(const char *pattern, const char *text)
{
	/* Whether a tail of the pattern matches the tail of the text from each
	 * place on; kept for as long as a tail before it may ask. */
	bool rows[3][PLAIN_GLOB_MAX + 1];
	const size_t len = strlen(text);
	bool deep;

	for (size_t p = strlen(pattern) + 1; p-- > 0;) {
		bool *now = rows[p % 3], *next = rows[(p + 1) % 3];

		deep = pattern[p] == '*' && pattern[p + 1] == '*';
		for (size_t t = len + 1; t-- > 0;) {
			if (pattern[p] == '\0')
				now[t] = t == len;
			else if (pattern[p] == '*')
				now[t] = rows[(p + 1 + deep) % 3][t] ||
					 (t < len && (deep || text[t] != '/') &&
					     now[t + 1]);
			else if (pattern[p] == '?')
				now[t] = one_character(text + t, next + t);
			else
				now[t] = pattern[p] == text[t] && next[t + 1];
		}
	}
	return rows[0][0];
}
