/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/own.h"
#include "server/registry/token.h"
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* As any reader of JSON sees the answer. */
static void
compare(const uint8_t *data, size_t size, const char *text, int64_t life)
{
	AUTO(json_decref)
	json_t *root = json_loadb((const char *)data, size, 0, NULL);
	const char *s =
	    json_string_value(json_object_get(root, "access_token"));
	const json_t *expires = json_object_get(root, "expires_in");
	double seconds = json_number_value(expires);

	if (s == NULL || *s == '\0')
		s = json_string_value(json_object_get(root, "token"));
	MUST(s != NULL && strcmp(s, text) == 0);
	if (!json_is_number(expires))
		MUST(life == TOKEN_LIFE_DEFAULT);
	else if (seconds >= 0 && seconds <= TOKEN_LIFE_MAX)
		MUST(life == (int64_t)floor(seconds));
	else
		MUST(life == (seconds < 0 ? 0 : TOKEN_LIFE_MAX));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	int64_t life = -1;
	AUTO(free)
	char *text = token_parse((const char *)data, size, &life, &err);

	if (text == NULL) {
		MUST(err.code == ERR_SYNTAX || err.code == ERR_LIMIT);
		must_be_plain(err.msg);
		return 0;
	}
	must_be_plain(text);
	MUST(strchr(text, ' ') == NULL);
	MUST(*text != '\0' && strlen(text) <= TOKEN_TEXT_MAX);
	MUST(life >= 0 && life <= TOKEN_LIFE_MAX);
	compare(data, size, text, life);
	return 0;
}
