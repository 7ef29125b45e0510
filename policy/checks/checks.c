/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include "policy/checks/values.h"

/* In the order in which findings are told. */
#define CHECKS(X)     \
	X(source)     \
	X(tag)        \
	X(user)       \
	X(base)       \
	X(size)       \
	X(layers)     \
	X(growth)     \
	X(history)    \
	X(age)        \
	X(platforms)  \
	X(env)        \
	X(labels)     \
	X(ports)      \
	X(volumes)    \
	X(entrypoint) \
	X(cmd)

#define DECLARE(name) extern const struct check_key check_key_##name;
#define ENTRY(name) &check_key_##name,

CHECKS(DECLARE)

const struct check_key *const check_keys[] = {CHECKS(ENTRY) NULL};

const char *const check_deny_allow[] = {"deny", "allow", NULL};

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

static void
list_names(const struct check_key *key, const char *names[CHECK_FIELDS_MAX + 1])
{
	size_t i;

	for (i = 0; i < CHECK_FIELDS_MAX && key->fields[i].name != NULL; i++)
		names[i] = key->fields[i].name;
	names[i] = NULL;
}

static void
warn_of_nothing(struct check_parser *p, const struct node *value)
{
	diagnostics_warn(p->reader->diagnostics, value,
	    "demands nothing, so nothing is checked here");
}

static const void *
parse_plain(const struct check_key *key, struct check_parser *p,
    const struct node *value, void *params)
{
	const struct check_field *f = key->fields;

	if (value_parse(f, p, value, slot_of(f, params)) != 0)
		return NULL;
	if (value_demands(f, value_of(f, params)))
		return params;
	warn_of_nothing(p, value);
	return NULL;
}

const void *
check_parse(const struct check_key *key, struct check_parser *p,
    const struct node *value)
{
	const char *names[CHECK_FIELDS_MAX + 1];
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
	if (key->is_plain)
		return parse_plain(key, p, value, params);
	if (!diagnostics_check_keys(p->reader->diagnostics, value, names))
		return NULL;
	if (node_size(value) == 0)
		diagnostics_error(p->reader->diagnostics, value,
		    "is empty: say what it demands, such as %s", names[0]);
	for (f = key->fields; f->name != NULL; f++) {
		const struct node n = node_get(value, f->name);

		if (!read_given(&n))
			continue;
		rc |= value_parse(f, p, &n, slot_of(f, params));
		any |= value_demands(f, value_of(f, params));
	}
	if (!any && p->reader->diagnostics->errors == errors)
		warn_of_nothing(p, value);
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
