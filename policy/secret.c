/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/secret.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *const telling[] = {"apikey", "accesskey", "auth",
    "credential", "credentials", "key", "passwd", "passphrase", "password",
    "pwd", "secret", "token", NULL};

static const char *const harmless[] = {
    "public", "file", "path", "version", "url", "gpg", "checksum", "id", NULL};

static bool
is_one_of(const char *word, size_t len, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strlen(*words) == len &&
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

bool
secret_is_name(const char *name, size_t len)
{
	bool told = false;
	size_t at = 0, end;

	while (at <= len) {
		for (end = at; end < len && name[end] != '_'; end++)
			;
		if (is_one_of(name + at, end - at, harmless) ||
		    is_sha(name + at, end - at))
			return false;
		told |= is_one_of(name + at, end - at, telling);
		at = end + 1;
	}
	return told;
}
