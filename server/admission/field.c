/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/field.h"

#include "policy/base/buf.h"
#include "policy/base/text.h"

#include <string.h>

enum {
	KEY_SHOWN_MAX = 64, /* labels are the sender's own words */
	PATH_MAX_BYTES = 2048,
};

struct field
field_root(json_t *value, const char *name)
{
	return (struct field){.value = value, .key = name};
}

static int
add_path(const struct field *f, struct buf *b)
{
	if (f->parent != NULL && add_path(f->parent, b) != 0)
		return -1;
	if (f->key == NULL)
		return buf_printf(b, "[%zu]", f->index);
	if (b->len > 0 && buf_puts(b, ".") != 0)
		return -1;
	return text_sanitise(b, f->key, KEY_SHOWN_MAX);
}

static const char *
type_name(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		break;
	}
	return "null";
}

static int
complain(const struct field *f, const char *found, const char *wanted,
    struct error *err)
{
	AUTO(buf_clear) struct buf path = BUF_INIT(PATH_MAX_BYTES);

	if (add_path(f, &path) != 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	return error_set(err, ERR_INVALID, "%s is %s, but must be %s",
	    path.len > 0 ? buf_text(&path) : "it", found, wanted);
}

static struct field
child(const struct field *object, const char *key)
{
	json_t *v = json_object_get(object->value, key);

	return (struct field){
	    .value = json_is_null(v) ? NULL : v, .parent = object, .key = key};
}

static struct field
element(const struct field *list, size_t i)
{
	return (struct field){.value = json_array_get(list->value, i),
	    .parent = list,
	    .index = i};
}

static int
expect(const struct field *f, json_type type, const char *wanted,
    struct error *err)
{
	if (f->value == NULL || json_typeof(f->value) == type)
		return 0;
	return complain(f, type_name(f->value), wanted, err);
}

/* C strings are what everything behind this works with. */
static int
expect_string(const struct field *f, const char **out, struct error *err)
{
	const char *s = json_string_value(f->value);

	if (expect(f, JSON_STRING, "a string", err) != 0)
		return -1;
	if (s == NULL)
		return 0;
	if (strlen(s) != json_string_length(f->value))
		return complain(f, "a string with a NUL character in it",
		    "one without", err);
	*out = s;
	return 0;
}

int
field_object(const struct field *object, const char *key, struct field *out,
    struct error *err)
{
	*out = child(object, key);
	return expect(out, JSON_OBJECT, "an object", err);
}

int
field_list(const struct field *object, const char *key, struct field *out,
    struct error *err)
{
	*out = child(object, key);
	return expect(out, JSON_ARRAY, "a list", err);
}

int
field_string(const struct field *object, const char *key, const char **out,
    struct error *err)
{
	struct field f = child(object, key);

	return expect_string(&f, out, err);
}

int
field_bool(const struct field *object, const char *key, enum tristate *out,
    struct error *err)
{
	struct field f = child(object, key);

	if (f.value == NULL)
		return 0;
	if (!json_is_boolean(f.value))
		return complain(&f, type_name(f.value), "a boolean", err);
	*out = json_is_true(f.value) ? YES : NO;
	return 0;
}

int
field_integer(const struct field *object, const char *key, bool *present,
    int64_t *out, struct error *err)
{
	struct field f = child(object, key);

	if (expect(&f, JSON_INTEGER, "an integer", err) != 0)
		return -1;
	if (f.value == NULL)
		return 0;
	*present = true;
	*out = json_integer_value(f.value);
	return 0;
}

int
field_object_at(
    const struct field *list, size_t i, struct field *out, struct error *err)
{
	*out = element(list, i);
	return expect(out, JSON_OBJECT, "an object", err);
}

int
field_string_at(
    const struct field *list, size_t i, const char **out, struct error *err)
{
	struct field f = element(list, i);

	return expect_string(&f, out, err);
}

size_t
field_count(const struct field *list)
{
	return json_array_size(list->value);
}

int
field_follow(const struct field *object, const char *const *steps,
    struct field way[static FIELD_STEPS_MAX], struct field *out,
    struct error *err)
{
	const struct field *at = object;
	size_t i;

	for (i = 0; i < FIELD_STEPS_MAX && steps[i] != NULL; i++) {
		if (field_object(at, steps[i], &way[i], err) != 0)
			return -1;
		at = &way[i];
	}
	*out = *at;
	return 0;
}
