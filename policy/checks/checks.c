/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include "policy/base/units.h"

#include <string.h>

extern const struct check_key check_key_size, check_key_layers, check_key_user,
    check_key_base, check_key_source, check_key_tag;

/* In the order in which findings are told. */
const struct check_key *const check_keys[] = {&check_key_source, &check_key_tag,
    &check_key_user, &check_key_base, &check_key_size, &check_key_layers, NULL};

const char *const check_deny_allow[] = {"deny", "allow", NULL};

enum { FIELDS_MAX = 16 };

static void *
slot_of(const struct check_field *f, void *params)
{
	return (char *)params + f->at;
}

static const void *
value_of(const struct check_field *f, const void *params)
{
	return (const char *)params + f->at;
}

static int
parse_size(struct reader *r, const struct node *n, int64_t *out)
{
	int64_t size = 0;

	if (json_is_integer(n->value))
		size = json_integer_value(n->value);
	else if (json_is_string(n->value) &&
		 units_parse_size(json_string_value(n->value), &size) != 0)
		size = 0;
	if (size < 1) {
		read_expected(r, n, "a size such as 300Mi");
		return -1;
	}
	*out = size;
	return 0;
}

static int
parse_count(struct reader *r, const struct node *n, int64_t *out)
{
	int64_t count = json_integer_value(n->value); /* 0 when it is none */

	if (count < 1) {
		read_expected(r, n, "a whole number from 1");
		return -1;
	}
	*out = count;
	return 0;
}

static int
parse_choice(
    struct reader *r, const struct node *n, const char *const *words, int *out)
{
	int i = read_word(r, n, words);

	*out = i + 1;
	return i < 0 ? -1 : 0;
}

static int
parse_bases(struct check_parser *p, const struct node *n, struct base_list *out)
{
	size_t i, *items, len = json_array_size(n->value);
	int index, rc = 0;

	if (!json_is_array(n->value)) {
		read_expected(p->reader, n, "a list of image references");
		return -1;
	}
	items = arena_calloc(p->reader->mem, len, sizeof(*items));
	if (items == NULL) {
		read_no_memory(p->reader, n);
		return -1;
	}
	for (i = 0; i < len; i++) {
		const struct node item = node_at(n, i);

		index = p->add_base(p, &item);
		if (index < 0)
			rc = -1;
		else
			items[i] = (size_t)index;
	}
	*out = (struct base_list){.items = items, .n = len};
	return rc;
}

static int
parse_value(const struct check_field *f, struct check_parser *p,
    const struct node *n, void *to)
{
	if (json_is_array(n->value) && node_size(n) == 0 && !f->may_be_empty) {
		diagnostics_error(p->reader->diagnostics, n,
		    "is empty, so nothing would pass; leave it out to let "
		    "everything pass");
		return -1;
	}
	switch (f->kind) {
	case VALUE_SIZE:
		return parse_size(p->reader, n, to);
	case VALUE_COUNT:
		return parse_count(p->reader, n, to);
	case VALUE_CHOICE:
		return parse_choice(p->reader, n, f->words, to);
	case VALUE_GLOBS:
		return read_image_globs(p->reader, n, to);
	case VALUE_TAGS:
		return read_tag_globs(p->reader, n, to);
	case VALUE_BASES:
		return parse_bases(p, n, to);
	}
	return -1;
}

static bool
demands(const struct check_field *f, const void *params)
{
	const void *v = value_of(f, params);

	switch (f->check == NULL ? -1 : (int)f->kind) {
	case VALUE_SIZE:
	case VALUE_COUNT:
		return *(const int64_t *)v != 0;
	case VALUE_CHOICE:
		return *(const int *)v == CHOICE_DEMANDS;
	case VALUE_GLOBS:
	case VALUE_TAGS:
		return ((const struct string_list *)v)->n > 0;
	case VALUE_BASES:
		return ((const struct base_list *)v)->n > 0;
	default:
		return false;
	}
}

static void
list_names(const struct check_key *key, const char *names[FIELDS_MAX + 1])
{
	size_t i;

	for (i = 0; i < FIELDS_MAX && key->fields[i].name != NULL; i++)
		names[i] = key->fields[i].name;
	names[i] = NULL;
}

const void *
check_parse(const struct check_key *key, struct check_parser *p,
    const struct node *value)
{
	const char *names[FIELDS_MAX + 1];
	const struct check_field *f;
	const size_t errors = p->reader->diagnostics->errors;
	void *params = arena_calloc(p->reader->mem, 1, key->params_size);
	bool any = false;
	int rc = 0;

	if (params == NULL) {
		read_no_memory(p->reader, value);
		return NULL;
	}
	list_names(key, names);
	if (!diagnostics_check_keys(p->reader->diagnostics, value, names))
		return NULL;
	if (node_size(value) == 0)
		diagnostics_error(p->reader->diagnostics, value,
		    "is empty: say what it demands, such as %s", names[0]);
	for (f = key->fields; f->name != NULL; f++) {
		const struct node n = node_get(value, f->name);

		if (!read_given(&n))
			continue;
		rc |= parse_value(f, p, &n, slot_of(f, params));
		any |= demands(f, params);
	}
	if (!any && p->reader->diagnostics->errors == errors)
		diagnostics_warn(p->reader->diagnostics, value,
		    "demands nothing, so nothing is checked here");
	return rc == 0 && any ? params : NULL;
}

void
check_bases(const struct check_key *key, const void *params,
    void (*found)(void *arg, size_t base), void *arg)
{
	const struct check_field *f;
	const struct base_list *list;
	size_t i;

	for (f = key->fields; f->name != NULL; f++) {
		if (f->kind != VALUE_BASES)
			continue;
		list = value_of(f, params);
		for (i = 0; i < list->n; i++)
			found(arg, list->items[i]);
	}
}
