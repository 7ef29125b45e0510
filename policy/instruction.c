/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/instruction.h"

#include "policy/secret.h"

#include "policy/base/text.h"

#include <string.h>
#include <strings.h>

/* created_by is as long as its author likes; what is shown is short. */
enum {
	SCAN_MAX = 4096,
	CLEAN_MAX = 3 * SCAN_MAX,
	NAME_MAX_BYTES = 128,
	USER_MAX_BYTES = 256
};

static const char blanks[] = " \t\r\n";

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, blanks);
}

static const char *
skip_prefix(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) == 0 ? s + len : NULL;
}

static const char *
find_last(const char *s, const char *what)
{
	const char *at, *last = NULL;

	for (at = strstr(s, what); at != NULL; at = strstr(at + 1, what))
		last = at;
	return last;
}

/*
 * "|2 A=b C=d /bin/sh -c make": build arguments before the command. A value
 * may hold anything, a shell's name too, so that only what follows the last
 * one is certain to be none.
 */
static const char *
skip_arguments(const char *s)
{
	const char *shell;

	if (*s != '|')
		return s;
	shell = find_last(s, "/bin/sh -c ");
	if (shell != NULL)
		return shell;
	shell = find_last(s, " -c ");
	return shell != NULL ? shell + 4 : "";
}

/* Splits off the keyword ("" where the text has its own). */
static const char *
unwrap(const char *s, const char **keyword)
{
	const char *rest;

	*keyword = "";
	s = skip_blanks(s);
	rest = skip_prefix(s, "RUN ");
	if (rest != NULL || *s == '|') {
		*keyword = "RUN ";
		s = skip_arguments(skip_blanks(rest != NULL ? rest : s));
	}
	rest = skip_prefix(s, "/bin/sh -c ");
	if (rest == NULL)
		return s;
	s = skip_blanks(rest);
	rest = skip_prefix(s, "#(nop)");
	if (rest != NULL)
		return skip_blanks(rest);
	*keyword = "RUN ";
	return s;
}

bool
instruction_is(const char *created_by, const char *keyword)
{
	const char *own;
	const char *rest = unwrap(created_by, &own);
	size_t len = strlen(keyword);

	if (own[0] == '\0')
		own = rest;
	return strncmp(own, keyword, len) == 0 &&
	       (own[len] == '\0' || strchr(blanks, own[len]) != NULL);
}

/* Whether the next character stands in quotes, or is one. *quote: which is
 * open, or NUL. */
static bool
is_quoted(char *quote, char c)
{
	if (*quote == '\0' && c != '"' && c != '\'')
		return false;
	if (*quote == '\0')
		*quote = c;
	else if (*quote == c)
		*quote = '\0';
	return true;
}

/* The length of what stands in `s` up to a blank or an operator outside
 * quotes. */
static size_t
value_length(const char *s, size_t len)
{
	char quote = '\0';
	size_t i;

	for (i = 0; i < len; i++)
		if (!is_quoted(&quote, s[i]) &&
		    strchr(" \t\r\n;&|)", s[i]) != NULL)
			break;
	return i;
}

static size_t
name_length(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len &&
	       (s[i] == '_' || s[i] == '-' || (s[i] >= '0' && s[i] <= '9') ||
		   ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z')))
		i++;
	return i;
}

/* A variable's name, or an option's: "--api-key". */
static bool
is_secret(const char *s, size_t len)
{
	return len <= NAME_MAX_BYTES && secret_is_name(s, len);
}

/* What the rest of a text says of a part of it. */
struct context {
	bool logs_in;
	bool sets_passwords; /* "user:password" for chpasswd */
	bool sets_variables; /* ENV, ARG */
};

/* What a variable is set to in an ENV, where builders leave out quotes: up to a
 * blank before the next "NAME=". */
static size_t
setting_length(const char *s, size_t len)
{
	char quote = '\0';
	size_t i, n;

	for (i = 0; i < len; i++) {
		if (is_quoted(&quote, s[i]) || strchr(blanks, s[i]) == NULL)
			continue;
		n = name_length(s + i + 1, len - i - 1);
		if (n > 0 && i + 1 + n < len && s[i + 1 + n] == '=')
			break;
	}
	return i;
}

/* Bytes of `s` after a name of `n` bytes that are its secret value: after '=',
 * after ':' (a name in JSON has its quote before), or after blanks where it is
 * an option's. *skip: what is shown before them. */
static size_t
secret_value(
    const char *s, size_t len, size_t n, const struct context *c, size_t *skip)
{
	size_t at = n;

	if (at + 1 < len && s[at] == '"' && s[at + 1] == ':')
		at++;
	if (at < len && (s[at] == '=' || s[at] == ':'))
		at++;
	else if (s[0] != '-')
		return 0;
	while (at < len && strchr(blanks, s[at]) != NULL)
		at++;
	*skip = at;
	return c->sets_variables ? setting_length(s + at, len - at)
				 : value_length(s + at, len - at);
}

/* "Authorization: Bearer abc": everything up to a quote. */
static size_t
header_value(const char *s, size_t len, size_t *skip)
{
	static const char name[] = "authorization:";
	size_t i = sizeof(name) - 1;

	if (len < i || (*s | 0x20) != name[0] || strncasecmp(s, name, i) != 0)
		return 0;
	*skip = i;
	while (i < len && s[i] != '"' && s[i] != '\'')
		i++;
	return i - *skip;
}

/* "//user:password@host": what stands between "//" and "@". */
static size_t
userinfo_value(const char *s, size_t len, size_t *skip)
{
	size_t i;

	if (len < 2 || s[0] != '/' || s[1] != '/')
		return 0;
	*skip = 2;
	for (i = 2; i < len && strchr(" \t\r\n/\"'", s[i]) == NULL; i++)
		if (s[i] == '@')
			return i - 2;
	return 0;
}

static size_t
word_length(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && strchr(" \t\r\n;&|)'\"", s[i]) == NULL)
		i++;
	return i;
}

static bool
takes_user(const char *option, size_t len)
{
	static const char *const names[] = {
	    "-u", "-U", "--user", "--proxy-user", NULL};
	size_t i;

	for (i = 0; names[i] != NULL; i++)
		if (strlen(names[i]) == len &&
		    memcmp(names[i], option, len) == 0)
			return true;
	return false;
}

/* "user:password" up to a blank, or 0. A name of more than USER_MAX_BYTES is
 * none: what follows is not looked through for each option again. */
static size_t
user_length(const char *s, size_t len)
{
	const char *colon =
	    memchr(s, ':', len < USER_MAX_BYTES ? len : USER_MAX_BYTES);
	const size_t name = colon != NULL ? (size_t)(colon - s) : 0;

	if (colon == NULL || value_length(s, name + 1) <= name)
		return 0;
	return value_length(s, len);
}

/* An option without a telling name, at `s`: "-u user:password", and "-p
 * password" where a program that logs in stands in the text. */
static size_t
login_value(const char *s, size_t len, bool logs_in, size_t *skip)
{
	const size_t n = name_length(s, len);
	size_t at = n;

	if (n < 2 || s[0] != '-')
		return 0;
	if (logs_in && s[1] == 'p' && n > 2) {
		*skip = 2; /* "-ppassword" */
		return word_length(s + 2, len - 2);
	}
	if (s[1] == 'u' && at < len && s[at] == ':') {
		*skip = 2; /* "-uuser:password" */
		return value_length(s + 2, len - 2);
	}
	while (at < len && strchr(" \t=", s[at]) != NULL)
		at++;
	*skip = at;
	if (logs_in && n == 2 && s[1] == 'p')
		return value_length(s + at, len - at);
	return takes_user(s, n) ? user_length(s + at, len - at) : 0;
}

static struct context
context_of(const char *s, size_t len)
{
	return (struct context){
	    .logs_in = memmem(s, len, "sshpass ", 8) != NULL ||
		       memmem(s, len, " login ", 7) != NULL,
	    .sets_passwords = memmem(s, len, "chpasswd", 8) != NULL,
	    .sets_variables = skip_prefix(s, "ENV ") != NULL ||
			      skip_prefix(s, "ARG ") != NULL,
	};
}

/* Bytes of the secret behind what begins at s[i], or 0. *skip: what is shown
 * before them. */
static size_t
secret_at(
    const char *s, size_t len, size_t i, const struct context *c, size_t *skip)
{
	const bool begins = i == 0 || name_length(s + i - 1, 1) == 0;
	const size_t n = name_length(s + i, len - i);
	size_t value = header_value(s + i, len - i, skip);

	if (value == 0)
		value = userinfo_value(s + i, len - i, skip);
	if (value == 0 && begins) {
		value = secret_length(s + i, len - i);
		*skip = 0;
	}
	if (value == 0 && begins)
		value = login_value(s + i, len - i, c->logs_in, skip);
	if (value == 0 && is_secret(s + i, n))
		value = secret_value(s + i, len - i, n, c, skip);
	if (value == 0 && c->sets_passwords && s[i] == ':' && !begins) {
		*skip = 1;
		value = word_length(s + i + 1, len - i - 1);
	}
	if (value == 0)
		*skip = n > 0 ? n : 1;
	return value;
}

static int
add_redacted(struct buf *b, const char *s, size_t len)
{
	const struct context c = context_of(s, len);
	size_t i = 0, from = 0, value, skip = 0;

	while (i < len) {
		value = secret_at(s, len, i, &c, &skip);
		i += skip;
		if (value == 0)
			continue;
		buf_add(b, s + from, i - from);
		buf_puts(b, "***");
		i += value;
		from = i;
	}
	return buf_add(b, s + from, len - from);
}

int
instruction_add(struct buf *b, const char *created_by, size_t max)
{
	static const char suffix[] = " # buildkit";
	AUTO(buf_clear) struct buf clean = BUF_INIT(CLEAN_MAX);
	const char *keyword;
	const char *s = unwrap(created_by, &keyword);
	size_t len = strnlen(s, SCAN_MAX);

	if (len >= sizeof(suffix) - 1 && memcmp(s + len - (sizeof(suffix) - 1),
					     suffix, sizeof(suffix) - 1) == 0)
		len -= sizeof(suffix) - 1;
	while (len > 0 && strchr(blanks, s[len - 1]) != NULL)
		len--;
	/* A value of one byte becomes three, and has a name before it. */
	buf_puts(&clean, keyword);
	if (add_redacted(&clean, s, len) != 0)
		return -1;
	return text_sanitise(b, buf_text(&clean), max);
}
