/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/strict.h"

#include "policy/base/tree.h"

#include <string.h>

/*
 * Counts what opens or separates values, outside strings: an upper bound of
 * the values in a well formed document, and the exact depth. Whether it is well
 * formed is for jansson to say.
 */
static int
measure(const char *data, size_t len, struct error *err)
{
	size_t i, values = 1, depth = 0;
	bool quoted = false;

	for (i = 0; i < len; i++) {
		if (quoted) {
			if (data[i] == '\\')
				i++;
			else if (data[i] == '"')
				quoted = false;
			continue;
		}
		if (data[i] == '"')
			quoted = true;
		if (data[i] == '{' || data[i] == '[') {
			depth++;
			values++;
		} else if ((data[i] == '}' || data[i] == ']') && depth > 0) {
			depth--;
		} else if (data[i] == ',') {
			values++;
		}
		if (depth > STRICT_DEPTH_MAX)
			return error_set(err, ERR_SYNTAX,
			    "the JSON is nested more than %d deep",
			    STRICT_DEPTH_MAX);
		if (values > STRICT_VALUES_MAX)
			return error_set(err, ERR_LIMIT,
			    "the JSON has more than %d values",
			    STRICT_VALUES_MAX);
	}
	return 0;
}

/* Any value. */
static json_t *
parse(const char *data, size_t len, struct error *err)
{
	json_t *root;
	json_error_t why;

	if (measure(data, len, err) != 0)
		return NULL;
	root = tree_parse(data, len, JSON_REJECT_DUPLICATES, &why);
	if (root == NULL) {
		switch (json_error_code(&why)) {
		case json_error_out_of_memory:
			error_set(err, ERR_NOMEM, "out of memory for JSON");
			break;
		case json_error_duplicate_key:
			error_set(err, ERR_SYNTAX,
			    "the JSON has the same key twice (line %d)",
			    why.line);
			break;
		default:
			error_set(err, ERR_SYNTAX,
			    "it is not valid JSON (line %d, column %d)",
			    why.line, why.column);
		}
	}
	return root;
}

json_t *
strict_parse(const char *data, size_t len, struct error *err)
{
	AUTO(json_decref) json_t *root = parse(data, len, err);

	if (root != NULL && !json_is_object(root)) {
		error_set(err, ERR_SYNTAX, "the JSON is not an object");
		return NULL;
	}
	return TAKE(root);
}

json_t *
strict_parse_list(const char *data, size_t len, struct error *err)
{
	AUTO(json_decref) json_t *root = parse(data, len, err);

	if (root != NULL && !json_is_array(root)) {
		error_set(err, ERR_SYNTAX, "the JSON is not a list");
		return NULL;
	}
	return TAKE(root);
}

/* One folded character of a key, moving *s past it. */
static int
fold_next(const char **s)
{
	const unsigned char *u = (const unsigned char *)*s;

	if (u[0] == 0xc5 && u[1] == 0xbf) { /* U+017F, long s */
		*s += 2;
		return 's';
	}
	if (u[0] == 0xe2 && u[1] == 0x84 && u[2] == 0xaa) { /* U+212A */
		*s += 3;
		return 'k';
	}
	*s += 1;
	return u[0] >= 'A' && u[0] <= 'Z' ? u[0] + ('a' - 'A') : u[0];
}

static bool
folds_to(const char *key, const char *known)
{
	while (*key != '\0' && *known != '\0')
		if (fold_next(&key) != fold_next(&known))
			return false;
	return *key == '\0' && *known == '\0';
}

int
strict_keys(const json_t *obj, const char *const *known, const char *what,
    struct error *err)
{
	const char *key;
	void *it;
	size_t i;

	/* jansson's iterator takes no const, and changes nothing. */
	for (it = json_object_iter((json_t *)(uintptr_t)obj); it != NULL;
	     it = json_object_iter_next((json_t *)(uintptr_t)obj, it)) {
		key = json_object_iter_key(it);
		for (i = 0; known[i] != NULL; i++)
			if (strcmp(key, known[i]) != 0 &&
			    folds_to(key, known[i]))
				return error_set(err, ERR_SYNTAX,
				    "a key of the %s differs from \"%s\" only "
				    "in case: runtimes would read it as that",
				    what, known[i]);
	}
	return 0;
}

static json_t *
member(const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	return json_is_null(v) ? NULL : v;
}

static int
wrong(const char *key, const char *type, struct error *err)
{
	return error_set(err, ERR_SYNTAX, "\"%s\" is not %s", key, type);
}

int
strict_string(
    const json_t *obj, const char *key, const char **out, struct error *err)
{
	json_t *v = member(obj, key);

	*out = NULL;
	if (v == NULL)
		return 0;
	if (!json_is_string(v))
		return wrong(key, "a string", err);
	*out = json_string_value(v);
	return 0;
}

int
strict_object(
    const json_t *obj, const char *key, json_t **out, struct error *err)
{
	*out = member(obj, key);
	if (*out != NULL && !json_is_object(*out))
		return wrong(key, "an object", err);
	return 0;
}

int
strict_array(
    const json_t *obj, const char *key, json_t **out, struct error *err)
{
	*out = member(obj, key);
	if (*out != NULL && !json_is_array(*out))
		return wrong(key, "a list", err);
	return 0;
}

int
strict_bool(const json_t *obj, const char *key, bool *out, struct error *err)
{
	json_t *v = member(obj, key);

	*out = json_is_true(v);
	if (v != NULL && !json_is_boolean(v))
		return wrong(key, "true or false", err);
	return 0;
}

int
strict_size(const json_t *obj, const char *key, int64_t *out, struct error *err)
{
	json_t *v = member(obj, key);

	*out = -1;
	if (v == NULL)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return wrong(key, "a whole number of zero or more", err);
	*out = json_integer_value(v);
	return 0;
}
