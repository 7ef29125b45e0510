/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/warning.h"

#include <string.h>

/* The quoted string that begins at `s`, without its quotes. Returns what
 * follows it, or NULL. */
static const char *
read_quoted(const char *s, struct buf *out)
{
	for (s++; *s != '"'; s++) {
		if (*s == '\\')
			s++;
		if (*s == '\0')
			return NULL;
		buf_add(out, s, 1);
	}
	return s + 1;
}

bool
warning_next(const char **value, struct buf *out)
{
	/* RFC 7234 section 5.5; nobody but the registry itself speaks. */
	static const char start[] = "299 - \"";
	const char *s = *value + strspn(*value, " \t,");

	buf_truncate(out, 0);
	if (strncmp(s, start, strlen(start)) != 0)
		return false;
	s = read_quoted(s + strlen(start) - 1, out);
	if (s == NULL)
		return false;
	s += strspn(s, " \t");
	*value = s;
	return (*s == '\0' || *s == ',') && out->len > 0 && !buf_failed(out);
}

static uint64_t
hash(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++) /* FNV-1a */
		h = (h ^ (unsigned char)*s) * 1099511628211U;
	return h;
}

bool
warning_is_new(
    struct warnings *w, const char *host, const char *text, int64_t now)
{
	const uint64_t of_host = hash(14695981039346656037U, host);
	const uint64_t h = hash(hash(of_host, " "), text);
	size_t i, at = WARNINGS_MAX, share = 0;

	for (i = 0; i < WARNINGS_MAX; i++) {
		if (w->said[i].until <= now)
			at = i;
		else if (w->said[i].hash == h)
			return false;
		else
			share += w->said[i].host == of_host;
	}
	if (at == WARNINGS_MAX || share == WARNINGS_HOST_MAX)
		return false;
	w->said[at].host = of_host;
	w->said[at].hash = h;
	w->said[at].until = now + WARNING_AGAIN_MS;
	return true;
}
