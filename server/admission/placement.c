/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/placement.h"

#include <string.h>

/* What the constraints leave of one label's values. */
struct axis {
	bool any;
	size_t n; /* where not any; 0: none is left */
	const char *values[PLACEMENT_VALUES_MAX];
};

struct constraint {
	struct axis os;
	struct axis arch;
};

/* The constraints of all terms, ORed. */
struct result {
	struct platform items[PLACEMENT_PLATFORMS_MAX];
	size_t n;
	bool any; /* too many to list, or no constraint at all */
};

static const struct label {
	const char *key;
	bool is_os;
} labels[] = {
    {"kubernetes.io/os", true},
    {"kubernetes.io/arch", false},
    {"beta.kubernetes.io/os", true},
    {"beta.kubernetes.io/arch", false},
};
enum { LABELS = sizeof(labels) / sizeof(labels[0]) };

/* The types have been looked at. */
static bool
lists_value(const struct field *list, const char *value)
{
	size_t i;

	for (i = 0; i < field_count(list); i++)
		if (strcmp(json_string_value(json_array_get(list->value, i)),
			value) == 0)
			return true;
	return false;
}

static bool
axis_has(const struct axis *a, const char *value)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (strcmp(a->values[i], value) == 0)
			return true;
	return false;
}

/* From any value to those of the list; more than fit stay any. */
static void
axis_start(struct axis *a, const struct field *list)
{
	struct axis next = {.any = false};
	const char *value;
	size_t i;

	for (i = 0; i < field_count(list); i++) {
		value = json_string_value(json_array_get(list->value, i));
		if (axis_has(&next, value))
			continue;
		if (next.n == PLACEMENT_VALUES_MAX)
			return;
		next.values[next.n++] = value;
	}
	*a = next;
}

/* Leaves what is in the list, or what is not. */
static void
axis_filter(struct axis *a, const struct field *list, bool in)
{
	size_t i, kept = 0;

	for (i = 0; i < a->n; i++)
		if (lists_value(list, a->values[i]) == in)
			a->values[kept++] = a->values[i];
	a->n = kept;
}

static void
axis_require(struct axis *a, const char *value)
{
	if (a->any || axis_has(a, value)) {
		a->any = false;
		a->n = 1;
		a->values[0] = value;
	} else {
		a->n = 0;
	}
}

static struct axis *
axis_of(struct constraint *c, const struct label *l)
{
	return l->is_os ? &c->os : &c->arch;
}

static bool
is_met_by_none(const struct constraint *c)
{
	return (!c->os.any && c->os.n == 0) || (!c->arch.any && c->arch.n == 0);
}

/* What holds for every term: spec.os.name and nodeSelector. */
static int
read_base(struct constraint *base, const struct field *spec, struct error *err)
{
	struct field os, selector;
	const char *value = "";
	size_t i;

	*base = (struct constraint){.os.any = true, .arch.any = true};
	if (field_object(spec, "os", &os, err) != 0 ||
	    field_string(&os, "name", &value, err) != 0 ||
	    field_object(spec, "nodeSelector", &selector, err) != 0)
		return -1;
	if (*value != '\0')
		axis_require(&base->os, value);
	for (i = 0; i < LABELS; i++) {
		value = NULL;
		if (field_string(&selector, labels[i].key, &value, err) != 0)
			return -1;
		if (value != NULL)
			axis_require(axis_of(base, &labels[i]), value);
	}
	return 0;
}

static const struct label *
find_label(const char *key)
{
	size_t i;

	for (i = 0; i < LABELS; i++)
		if (strcmp(labels[i].key, key) == 0)
			return &labels[i];
	return NULL;
}

static int
check_values(const struct field *list, struct error *err)
{
	const char *value;
	size_t i;

	for (i = 0; i < field_count(list); i++)
		if (field_string_at(list, i, &value, err) != 0)
			return -1;
	return 0;
}

/*
 * ANDs one matchExpressions element into *c, in two passes: NotIn can be said
 * only against the values that every In together has left.
 */
static int
add_expression(struct constraint *c, const struct field *e, bool excluding,
    struct error *err)
{
	const char *key = "", *op = "";
	const struct label *label;
	struct field values;
	struct axis *axis;

	if (field_string(e, "key", &key, err) != 0 ||
	    field_string(e, "operator", &op, err) != 0)
		return -1;
	label = find_label(key);
	if (label == NULL)
		return 0;
	if (field_list(e, "values", &values, err) != 0 ||
	    check_values(&values, err) != 0)
		return -1;
	axis = axis_of(c, label);
	if (excluding && strcmp(op, "NotIn") == 0)
		axis_filter(axis, &values, false);
	else if (!excluding && strcmp(op, "In") == 0 && axis->any)
		axis_start(axis, &values);
	else if (!excluding && strcmp(op, "In") == 0)
		axis_filter(axis, &values, true);
	return 0;
}

static void
add_platform(struct result *out, const char *os, const char *arch)
{
	size_t i;

	for (i = 0; i < out->n; i++)
		if (strcmp(out->items[i].os, os) == 0 &&
		    strcmp(out->items[i].arch, arch) == 0)
			return;
	if (out->n == PLACEMENT_PLATFORMS_MAX) {
		out->any = true;
		return;
	}
	out->items[out->n++] = (struct platform){
	    .os = os, .arch = arch, .variant = "", .os_version = ""};
}

static void
add_constraint(struct result *out, const struct constraint *c)
{
	const size_t nos = c->os.any ? 1 : c->os.n;
	const size_t narch = c->arch.any ? 1 : c->arch.n;
	size_t i, j;

	if (c->os.any && c->arch.any)
		out->any = true;
	for (i = 0; i < nos; i++)
		for (j = 0; j < narch && !out->any; j++)
			add_platform(out, c->os.any ? "" : c->os.values[i],
			    c->arch.any ? "" : c->arch.values[j]);
}

/* One of nodeSelectorTerms. A term without any requirement meets no node. */
static int
add_term(struct result *out, const struct constraint *base,
    const struct field *term, struct error *err)
{
	struct constraint c = *base;
	struct field expressions, fields, e;
	size_t i, n;
	int pass;

	if (field_list(term, "matchExpressions", &expressions, err) != 0 ||
	    field_list(term, "matchFields", &fields, err) != 0)
		return -1;
	n = field_count(&expressions);
	if (n + field_count(&fields) == 0)
		return 0;
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < n; i++)
			if (field_object_at(&expressions, i, &e, err) != 0 ||
			    add_expression(&c, &e, pass == 1, err) != 0)
				return -1;
	if (!is_met_by_none(&c))
		add_constraint(out, &c);
	return 0;
}

static int
add_terms(struct result *out, const struct constraint *base,
    const struct field *spec, struct error *err)
{
	struct field affinity, node, required, terms, term;
	size_t i;

	if (field_object(spec, "affinity", &affinity, err) != 0 ||
	    field_object(&affinity, "nodeAffinity", &node, err) != 0 ||
	    field_object(&node,
		"requiredDuringSchedulingIgnoredDuringExecution", &required,
		err) != 0 ||
	    field_list(&required, "nodeSelectorTerms", &terms, err) != 0)
		return -1;
	if (required.value == NULL)
		add_constraint(out, base);
	for (i = 0; i < field_count(&terms); i++)
		if (field_object_at(&terms, i, &term, err) != 0 ||
		    add_term(out, base, &term, err) != 0)
			return -1;
	return 0;
}

int
placement_read(struct workload *w, const struct field *spec, struct error *err)
{
	struct constraint base;
	struct result out = {.n = 0};
	struct platform *items;

	if (read_base(&base, spec, err) != 0)
		return -1;
	/* Also where base meets no node: the types are to be looked at. */
	if (add_terms(&out, &base, spec, err) != 0)
		return -1;
	if (out.any || out.n == 0 || is_met_by_none(&base))
		return 0;
	items = arena_calloc(w->mem, out.n, sizeof(*items));
	if (items == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	memcpy(items, out.items, out.n * sizeof(*items));
	w->platforms = (struct platform_set){items, out.n};
	return 0;
}
