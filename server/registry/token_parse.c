/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/auth.h"
#include "server/registry/strict.h"
#include "server/registry/token.h"

#include <string.h>

static int64_t
life_of(double seconds)
{
	if (seconds < 0)
		return 0;
	return seconds > TOKEN_LIFE_MAX ? TOKEN_LIFE_MAX : (int64_t)seconds;
}

char *
token_parse(const char *body, size_t len, int64_t *life, struct error *err)
{
	AUTO(json_decref) json_t *root = strict_parse(body, len, err);
	const char *text, *old;
	const json_t *expires;
	char *out;

	if (root == NULL ||
	    strict_string(root, "access_token", &text, err) != 0 ||
	    strict_string(root, "token", &old, err) != 0)
		return NULL;
	if (text == NULL || *text == '\0')
		text = old;
	if (text == NULL || strlen(text) > TOKEN_TEXT_MAX ||
	    !auth_is_bearer(text)) {
		error_set(err, ERR_SYNTAX, "there is no token in it");
		return NULL;
	}
	/* Some services write a real number, or nothing useful. */
	expires = json_object_get(root, "expires_in");
	*life = json_is_number(expires) ? life_of(json_number_value(expires))
					: TOKEN_LIFE_DEFAULT;
	out = strdup(text);
	if (out == NULL)
		error_set(err, ERR_NOMEM, "out of memory for a token");
	return out;
}
