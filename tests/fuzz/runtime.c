/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/runtime.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

/* Letters that Go takes for ASCII ones where case does not count. */
static const struct {
	const char *from;
	char to;
} folds[] = {{"\xc5\xbf", 's'}, {"\xe2\x84\xaa", 'k'}};

static char *
lowered(const char *key)
{
	char *out = strdup(key), *at;

	MUST(out != NULL);
	for (size_t i = 0; i < sizeof(folds) / sizeof(*folds); i++) {
		size_t n = strlen(folds[i].from);

		while ((at = strstr(out, folds[i].from)) != NULL) {
			*at = folds[i].to;
			memmove(at + 1, at + n, strlen(at + n) + 1);
		}
	}
	for (at = out; *at != '\0'; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at + ('a' - 'A'));
	return out;
}

static json_t *
folded(json_t *value)
{
	json_t *out, *child;
	const char *key;

	if (json_is_array(value)) {
		out = json_array();
		for (size_t i = 0; i < json_array_size(value); i++)
			json_array_append_new(
			    out, folded(json_array_get(value, i)));
		return out;
	}
	if (!json_is_object(value))
		return json_incref(value);
	out = json_object();
	json_object_foreach (value, key, child) {
		AUTO(free) char *low = lowered(key);

		if (!json_is_null(child))
			json_object_set_new(out, low, folded(child));
	}
	return out;
}

json_t *
runtime_read(const char *data, size_t size)
{
	AUTO(json_decref) json_t *root = json_loadb(data, size, 0, NULL);

	return root == NULL ? NULL : folded(root);
}

const char *
runtime_string(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s == NULL ? "" : s;
}

void
must_be_text(const char *ours, const json_t *object, const char *key)
{
	MUST(strcmp(ours, runtime_string(object, key)) == 0);
}

void
must_be_list(
    const struct string_list *ours, const json_t *object, const char *key)
{
	const json_t *list = json_object_get(object, key);

	MUST(ours->n == json_array_size(list));
	for (size_t i = 0; i < ours->n; i++)
		MUST(strcmp(ours->items[i],
			 json_string_value(json_array_get(list, i))) == 0);
}
