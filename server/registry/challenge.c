/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/challenge.h"

#include <string.h>
#include <strings.h>

#define ALNUM                        \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz0123456789"
#define BLANK " \t"

static const char tchar[] = ALNUM "!#$%&'*+-.^_`|~";
static const char token68[] = ALNUM "-._~+/";

/* The challenge being read. */
struct current {
	bool bearer;
	bool basic;
	bool twice; /* a parameter that matters was given twice */
	const char *realm;
	const char *service;
};

static void
finish(struct challenges *c, const struct current *cur)
{
	if (cur->basic)
		c->basic = true;
	if (!cur->bearer || cur->twice || cur->realm == NULL || c->bearer)
		return;
	c->bearer = true;
	c->realm = cur->realm;
	c->service = cur->service;
}

/* Text that may stand in a quoted string: RFC 9110 section 5.6.4. */
static bool
is_quotable(char c)
{
	return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

/* Takes the backslashes of quoted pairs out. */
static void
unquote(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (*s == '\\')
			s++;
		*to++ = *s;
	}
	*to = '\0';
}

/* Where a quoted string ends; NULL where it does not. */
static const char *
quoted_end(const char *s)
{
	for (; *s != '"'; s++) {
		if (*s == '\\')
			s++;
		if (!is_quotable(*s))
			return NULL;
	}
	return s;
}

/* A token or a quoted string at *s, moved past it; NULL where there is
 * neither, or where memory is out (`*oom`). */
static const char *
read_value(const char **s, struct arena *mem, bool *oom)
{
	const bool quoted = **s == '"';
	const char *start = *s + quoted;
	const char *end =
	    quoted ? quoted_end(start) : start + strspn(start, tchar);
	char *out;

	if (end == NULL || (!quoted && end == start))
		return NULL;
	out = arena_strndup(mem, start, (size_t)(end - start));
	*oom |= out == NULL;
	if (out != NULL && quoted)
		unquote(out);
	*s = end + quoted;
	return out;
}

static void
set_param(struct current *cur, const char *name, size_t len, const char *value)
{
	const char **slot = NULL;

	if (len == 5 && strncasecmp(name, "realm", len) == 0)
		slot = &cur->realm;
	else if (len == 7 && strncasecmp(name, "service", len) == 0)
		slot = &cur->service;
	if (slot == NULL)
		return;
	cur->twice |= *slot != NULL;
	*slot = value;
}

/* What stands after a scheme's blanks: moves past a token68. */
static const char *
skip_token68(const char *s)
{
	const char *end = s + strspn(s, token68);

	if (end == s)
		return s;
	end += strspn(end, "=");
	end += strspn(end, BLANK);
	return *end == '\0' || *end == ',' ? end : s;
}

static const char *
start_scheme(struct current *cur, const char *name, size_t len, const char *s)
{
	*cur = (struct current){
	    .bearer = len == 6 && strncasecmp(name, "Bearer", len) == 0,
	    .basic = len == 5 && strncasecmp(name, "Basic", len) == 0,
	};
	return skip_token68(s);
}

/* One element: a scheme (with what follows it), or a parameter of the
 * current one. Returns where it ends, or NULL where it cannot be read. */
static const char *
read_element(struct challenges *c, struct current *cur, const char *s,
    struct arena *mem, bool *oom)
{
	const char *name = s, *value, *after;
	size_t len = strspn(s, tchar);

	if (len == 0)
		return NULL;
	after = s + len;
	s = after + strspn(after, BLANK);
	if (*s == '=') {
		s += 1 + strspn(s + 1, BLANK);
		value = read_value(&s, mem, oom);
		if (value == NULL)
			return NULL;
		set_param(cur, name, len, value);
	} else if (s == after && *s != '\0' && *s != ',') {
		return NULL;
	} else {
		finish(c, cur);
		s = start_scheme(cur, name, len, s);
		/* Its first parameter follows without a comma. */
		if (*s != '\0' && *s != ',')
			return s;
	}
	s += strspn(s, BLANK);
	return *s == '\0' || *s == ',' ? s : NULL;
}

int
challenges_add(struct challenges *c, const char *header, struct arena *mem,
    struct error *err)
{
	struct current cur = {0};
	const char *s = header;
	bool oom = false;

	if (strnlen(header, CHALLENGE_BYTES_MAX + 1) > CHALLENGE_BYTES_MAX)
		return 0;
	while (s != NULL) {
		s += strspn(s, BLANK ",");
		if (*s == '\0') {
			finish(c, &cur);
			break;
		}
		s = read_element(c, &cur, s, mem, &oom);
	}
	if (oom)
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}
