/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/secret.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *const telling[] = {"apikey", "accesskey", "auth",
    "authtoken", "credential", "credentials", "key", "passwd", "passphrase",
    "password", "privatekey", "pwd", "secret", "secretkey", "token", NULL};

static const char *const harmless[] = {
    "public", "file", "path", "version", "url", "gpg", "checksum", "id", NULL};

/* At the end they say that the value is about a secret: AUTH_TYPE. */
static const char *const about[] = {"algorithm", "arn", "audience", "backend",
    "count", "dir", "directory", "domain", "driver", "enabled", "endpoint",
    "expiration", "expires", "expiry", "format", "header", "host", "issuer",
    "length", "lifetime", "method", "mode", "name", "policy", "port", "prefix",
    "provider", "realm", "required", "server", "size", "suffix", "timeout",
    "ttl", "type", "uri", NULL};

static bool
is_one_of(const char *word, size_t len, const char *const *words)
{
	const int first = len > 0 ? tolower((unsigned char)word[0]) : '\0';

	for (; *words != NULL; words++)
		if (**words == first && strlen(*words) == len &&
		    strncasecmp(*words, word, len) == 0)
			return true;
	return false;
}

/* "sha", "sha256": a checksum. */
static bool
is_sha(const char *word, size_t len)
{
	size_t i;

	if (len < 3 || strncasecmp(word, "sha", 3) != 0)
		return false;
	for (i = 3; i < len; i++)
		if (!isdigit((unsigned char)word[i]))
			return false;
	return true;
}

/* Where the word that begins at `at` ends: before a separator, or before the
 * capital that begins the next one, as in "authToken" and "DBPassword". */
static size_t
word_end(const char *name, size_t at, size_t len)
{
	size_t i;

	for (i = at; i < len && strchr("_-.", name[i]) == NULL; i++)
		if (i > at && isupper((unsigned char)name[i]) &&
		    (islower((unsigned char)name[i - 1]) ||
			(i + 1 < len && islower((unsigned char)name[i + 1]))))
			break;
	return i;
}

bool
secret_is_name(const char *name, size_t len)
{
	bool told = false, qualified = false;
	size_t at = 0, end;

	while (at < len) {
		end = word_end(name, at, len);
		if (is_one_of(name + at, end - at, harmless) ||
		    is_sha(name + at, end - at))
			return false;
		told |= is_one_of(name + at, end - at, telling);
		qualified = is_one_of(name + at, end - at, about);
		at = end + (end < len && strchr("_-.", name[end]) != NULL);
	}
	return told && !qualified;
}

/* The prefixes that services give to their tokens, so that scanners find
 * them, and the fewest bytes behind each. */
static const struct token {
	const char *prefix;
	size_t min;
} tokens[] = {
    {"AKIA", 16}, /* AWS access keys */
    {"ASIA", 16},
    {"ghp_", 20}, /* GitHub */
    {"gho_", 20},
    {"ghu_", 20},
    {"ghs_", 20},
    {"ghr_", 20},
    {"github_pat_", 20},
    {"glpat-", 16}, /* GitLab */
    {"xoxb-", 16},  /* Slack */
    {"xoxp-", 16},
    {"npm_", 30},
    {"sk_live_", 16}, /* Stripe */
    {"AIza", 30},     /* Google */
    {"hvs.", 20},     /* Vault */
    {"dckr_pat_", 20},
};

static bool
is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static size_t
word_length(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && is_word_byte(s[i]))
		i++;
	return i;
}

/* Bytes of the token that begins here, or 0. */
static size_t
token_length(const char *s, size_t len)
{
	size_t i, n, rest;

	for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		if (len == 0 || s[0] != tokens[i].prefix[0])
			continue;
		n = strlen(tokens[i].prefix);
		if (len < n || memcmp(s, tokens[i].prefix, n) != 0)
			continue;
		rest = word_length(s + n, len - n);
		if (rest >= tokens[i].min)
			return n + rest;
	}
	return 0;
}

/* "-----BEGIN RSA PRIVATE KEY": all that follows is its, 0: none. */
static size_t
private_key_length(const char *s, size_t len)
{
	static const char begin[] = "-----BEGIN ";
	static const char key[] = "PRIVATE KEY";
	const size_t skip = sizeof(begin) - 1;
	const char *end;
	size_t n;

	if (len <= skip || memcmp(s, begin, skip) != 0)
		return 0;
	end = memchr(s + skip, '-', len - skip);
	n = end != NULL ? (size_t)(end - s) - skip : len - skip;
	return memmem(s + skip, n, key, sizeof(key) - 1) != NULL ? len : 0;
}

size_t
secret_length(const char *s, size_t len)
{
	const size_t n = token_length(s, len);

	return n > 0 ? n : private_key_length(s, len);
}

/* "://user:password@": what is looked at begins at the "://". */
static bool
has_password(const char *s, size_t len)
{
	const char *colon, *at;
	size_t n;

	if (len < 3 || memcmp(s, "://", 3) != 0)
		return false;
	s += 3;
	len -= 3;
	for (n = 0; n < len && strchr(" \t\r\n/\"'", s[n]) == NULL; n++)
		;
	at = memchr(s, '@', n);
	colon = memchr(s, ':', n);
	if (at == NULL || colon == NULL || colon > at)
		return false;
	return colon > s &&
	       !secret_is_harmless(colon + 1, (size_t)(at - colon - 1));
}

bool
secret_is_value(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] == ':' && has_password(s + i, len - i))
			return true;
		/* A prefix inside a longer word is none. */
		if ((i == 0 || !is_word_byte(s[i - 1])) &&
		    (s[i] == '-' || is_word_byte(s[i])) &&
		    secret_length(s + i, len - i) > 0)
			return true;
	}
	return false;
}

static const char *const placeholders[] = {"true", "false", "yes", "no", "on",
    "off", "none", "null", "nil", "undefined", "default", "enabled", "disabled",
    "optional", "required", "change_me", "change-me", "todo", "auto", "basic",
    "bearer", NULL};

/* A value with such a word in it is one for everybody. */
static const char *const stand_ins[] = {
    "changeme", "placeholder", "example", "dummy", "fake", NULL};

static bool
is_stand_in(const char *s, size_t len)
{
	size_t at, n;

	for (at = 0; at < len; at += n + 1) {
		for (n = 0; at + n < len && isalnum((unsigned char)s[at + n]);)
			n++;
		if (is_one_of(s + at, n, stand_ins))
			return true;
	}
	return false;
}

/* A fingerprint of a public key: 40 or 64 hexadecimal digits in capitals, in
 * groups or not. */
static bool
is_fingerprint(const char *s, size_t len)
{
	size_t i, digits = 0;

	for (i = 0; i < len; i++) {
		if (isdigit((unsigned char)s[i]) ||
		    (s[i] >= 'A' && s[i] <= 'F'))
			digits++;
		else if (s[i] != ' ' && s[i] != ':')
			return false;
	}
	return digits > 0 && digits % 40 == 0;
}

static bool
is_all(const char *s, size_t len, const char *bytes)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (strchr(bytes, s[i]) == NULL)
			return false;
	return true;
}

bool
secret_is_harmless(const char *s, size_t len)
{
	enum { SMALL_NUMBER = 5 };

	while (len > 1 && (*s == '"' || *s == '\'') && s[len - 1] == *s) {
		s++;
		len -= 2;
	}
	if (len <= 1)
		return true;
	/* A variable, a template, a path. */
	if (strchr("$`</~", *s) != NULL || (*s == '.' && s[1] == '/') ||
	    (*s == '{' && s[1] == '{') || memmem(s, len, "${", 2) != NULL ||
	    memmem(s, len, "$(", 2) != NULL)
		return true;
	return is_one_of(s, len, placeholders) || is_stand_in(s, len) ||
	       is_all(s, len, "xX*.-_#") ||
	       (len <= SMALL_NUMBER && is_all(s, len, "0123456789")) ||
	       is_fingerprint(s, len);
}
