/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { NEAREST_WORD_MAX = 64, NEAREST_EDITS_MAX = 3 };

static const char ellipsis[] = "...";

struct range {
	uint32_t first;
	uint32_t last;
};

/* Unicode's control, format and invisible filler characters, in their order:
 * those that a person cannot see, or that change how the text around them is
 * shown. */
static const struct range unsafe[] = {
    {0x00, 0x1f},
    {0x7f, 0x9f},
    {0xad, 0xad},
    {0x34f, 0x34f},
    {0x61c, 0x61c},
    {0x115f, 0x1160},
    {0x17b4, 0x17b5},
    {0x180b, 0x180f},
    {0x200b, 0x200f},
    {0x202a, 0x202e},
    {0x2060, 0x206f},
    {0x3164, 0x3164},
    {0xfe00, 0xfe0f},
    {0xfeff, 0xfeff},
    {0xffa0, 0xffa0},
    {0xfff0, 0xfffb},
    {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a},
    {0xe0000, 0xe0fff},
};
enum { UNSAFE = sizeof(unsafe) / sizeof(unsafe[0]) };

static bool
is_unsafe(uint32_t c)
{
	for (size_t i = 0; i < UNSAFE && c >= unsafe[i].first; i++) {
		if (c <= unsafe[i].last)
			return true;
	}
	return (c & 0xfffe) == 0xfffe; /* noncharacters of every plane */
}

static bool
is_space(uint32_t c)
{
	return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xa0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
	       c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/*
 * Decodes one character (RFC 3629: no overlong forms, no surrogates) of
 * terminated text. Returns its length in bytes, or 0 when it is not valid.
 */
static size_t
decode(const unsigned char *s, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len;

	if (s[0] < 0x80) {
		*c = s[0];
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	*c = s[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if (*c < least[len] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return len;
}

/* What to show for the next character; sets *take to the bytes it used up. */
static size_t
shown(const unsigned char *s, const char **show, size_t *take)
{
	uint32_t c = 0;

	*take = decode(s, &c);
	if (*take == 0 || (is_unsafe(c) && !is_space(c))) {
		*take = *take == 0 ? 1 : *take;
		*show = "?";
		return 1;
	}
	/* Build servers take "##[", "##vso[" and "##teamcity[" anywhere in a
	 * line of their log for a command. */
	if (c == '#')
		*take = strspn((const char *)s, "#");
	if (!is_space(c)) {
		*show = (const char *)s;
		return c == '#' ? 1 : *take;
	}
	*show = " ";
	for (size_t n; (n = decode(s + *take, &c)) > 0 && is_space(c);)
		*take += n;
	if (*take == 1 && *s == ' ')
		*show = (const char *)s;
	return 1;
}

int
text_sanitise(struct buf *b, const char *s, size_t max)
{
	const char *from = s; /* up to `s` it is shown as it stands */
	const size_t start = b->len, dots = sizeof(ellipsis) - 1;
	size_t n = 0, fits = 0; /* up to here "..." can still follow */

	while (*s != '\0') {
		const char *show;
		size_t take;
		size_t len = shown((const unsigned char *)s, &show, &take);

		if (n + len > max) {
			buf_add(b, from, (size_t)(s - from));
			buf_truncate(b, start + fits);
			return buf_add(b, ellipsis, max < dots ? max : dots);
		}
		n += len;
		if (n + dots <= max)
			fits = n;
		if (show != s || take != len) {
			buf_add(b, from, (size_t)(s - from));
			buf_add(b, show, len);
			from = s + take;
		}
		s += take;
	}
	return buf_add(b, from, (size_t)(s - from));
}

static void
add_escaped(struct buf *b, uint32_t c)
{
	if (c == '"' || c == '\\')
		buf_printf(b, "\\%c", (int)c);
	else if (c == '\n')
		buf_puts(b, "\\n");
	else if (c < 0x10000)
		buf_printf(b, "\\u%04x", c);
	else
		buf_printf(b, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10),
		    0xdc00 + (c & 0x3ff));
}

int
text_quote(struct buf *b, const char *s, size_t max)
{
	const char *from = s; /* up to `s` it stands for itself */
	const char *const start = s;
	uint32_t c = 0;
	size_t len;
	bool valid;

	buf_puts(b, "\"");
	for (; *s != '\0'; s += len) {
		len = decode((const unsigned char *)s, &c);
		valid = len > 0;
		if (!valid)
			len = 1;
		if ((size_t)(s - start) + len > max)
			break;
		if (valid && c != '"' && c != '\\' &&
		    (c == ' ' || !(is_unsafe(c) || is_space(c))))
			continue;
		buf_add(b, from, (size_t)(s - from));
		if (valid)
			add_escaped(b, c);
		else
			buf_puts(b, "?");
		from = s + len;
	}
	buf_add(b, from, (size_t)(s - from));
	return buf_printf(b, "%s\"", *s == '\0' ? "" : ellipsis);
}

bool
text_is_one_of(const char *s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

static size_t
least3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Insertions, deletions, changes, and swaps of two neighbours. */
static size_t
distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t rows[3][NEAREST_WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= blen; j++)
		last[j] = j;
	for (size_t i = 1; i <= alen; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);

			now[j] = least3(last[j] + 1, now[j - 1] + 1, change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && before[j - 2] < now[j])
				now[j] = before[j - 2] + 1;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[blen];
}

const char *
text_nearest(const char *word, const char *const *candidates)
{
	size_t len = strnlen(word, NEAREST_WORD_MAX + 1);
	size_t best = len / 3;
	const char *nearest = NULL;

	if (len > NEAREST_WORD_MAX)
		return NULL;
	if (best < 1)
		best = 1;
	if (best > NEAREST_EDITS_MAX)
		best = NEAREST_EDITS_MAX;
	best++; /* to be under */
	for (; *candidates != NULL; candidates++) {
		size_t n = strnlen(*candidates, NEAREST_WORD_MAX + 1), d;

		if (strcasecmp(word, *candidates) == 0)
			return *candidates;
		if (n > NEAREST_WORD_MAX)
			continue;
		d = distance(word, len, *candidates, n);
		/* Nothing in common is no likeness, however short. */
		if (d < best && d < (len > n ? len : n)) {
			best = d;
			nearest = *candidates;
		}
	}
	return nearest;
}
