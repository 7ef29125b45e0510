/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/manifest.h"

#include "policy/base/buf.h"
#include "policy/base/text.h"
#include "server/admission/field.h"
#include "server/admission/kinds.h"
#include "server/admission/review.h"

#include <string.h>

enum { WHAT_MAX = 160 }; /* bytes of "Service/web" */

struct walk {
	const struct manifest_visitor *v;
	const char *source;
	const char *namespace;
	int lists; /* how deep we stand in Lists */
};

/* What an object says it is. */
struct identity {
	const char *api_version;
	const char *kind;
	const char *name;
};

static const char LIST[] = "List";

static int walk_object(const struct walk *walk, json_t *object,
    const struct identity *inherited, struct error *err);

static int
no_memory(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory");
}

/* "Deployment/web", safe to show. */
static int
describe(const struct identity *id, struct buf *b, struct error *err)
{
	if (text_sanitise(b, id->kind, WHAT_MAX / 2) != 0 ||
	    (*id->name != '\0' &&
		(buf_puts(b, "/") != 0 ||
		    text_sanitise(b, id->name, WHAT_MAX / 3) != 0)))
		return no_memory(err);
	return 0;
}

/* Puts what it is before what is wrong with it; -1. */
static int
wrap(const struct identity *id, struct error *err)
{
	AUTO(buf_clear) struct buf what = BUF_INIT(WHAT_MAX);

	if (err->code == ERR_NOMEM || describe(id, &what, err) != 0)
		return -1;
	return error_wrap(err, "%s", buf_text(&what));
}

static int
skip(const struct walk *walk, const struct identity *id, struct error *err)
{
	AUTO(buf_clear) struct buf what = BUF_INIT(WHAT_MAX);

	if (describe(id, &what, err) != 0)
		return -1;
	walk->v->skipped(walk->v->arg, buf_text(&what));
	return 0;
}

/* Hands a workload over. */
static int
found(const struct walk *walk, struct workload *given, struct error *err)
{
	AUTO(workload_free) struct workload *w = given;

	w->source = arena_strdup(w->mem, walk->source);
	if (w->source != NULL && *w->namespace == '\0')
		w->namespace = arena_strdup(w->mem, walk->namespace);
	if (w->source == NULL || w->namespace == NULL)
		return no_memory(err);
	return walk->v->found(walk->v->arg, TAKE(w)) == 0 ? 0 : -1;
}

static int
walk_workload(const struct walk *walk, const struct kind *kind, json_t *object,
    const struct identity *id, struct error *err)
{
	AUTO(workload_free) struct workload *w = kind_read(kind, object, err);

	/* Such as one whose `template` is misspelt: nobody judges it. */
	if (w != NULL && w->ncontainers == 0)
		return skip(walk, id, err);
	return w != NULL ? found(walk, TAKE(w), err) : wrap(id, err);
}

/* A review that was recorded, as the API server sent it. */
static int
walk_review(const struct walk *walk, json_t *object, struct error *err)
{
	AUTO(review_free) struct review *r = review_of_tree(object, err);
	struct identity of;

	if (r == NULL)
		return -1;
	of = (struct identity){.kind = r->kind, .name = r->name};
	if (r->malformed != NULL)
		return error_set(
		    err, ERR_INVALID, "AdmissionReview: %s", r->malformed);
	if (r->workload == NULL)
		return skip(walk, &of, err);
	return found(walk, TAKE(r->workload), err);
}

static bool
ends_with_list(const char *kind)
{
	const size_t len = strlen(kind), tail = sizeof(LIST) - 1;

	return len >= tail && strcmp(kind + len - tail, LIST) == 0;
}

/*
 * Whether an object of a kind that ends with List is one: custom resources
 * have been named like that (DenyList), with items that are no objects.
 */
static bool
is_list(const json_t *object, const char *kind)
{
	const json_t *items = json_object_get(object, "items");
	size_t i;

	if (!ends_with_list(kind))
		return false;
	if (strcmp(kind, LIST) == 0)
		return true;
	for (i = 0; i < json_array_size(items); i++)
		if (!json_is_object(json_array_get(items, i)))
			return false;
	return json_is_array(items);
}

/* Items of a typed list (PodList) may leave out what the list says. */
static int
walk_list(const struct walk *outer, json_t *object, const struct identity *id,
    struct error *err)
{
	const struct walk walk = {
	    outer->v, outer->source, outer->namespace, outer->lists + 1};
	AUTO(free)
	char *kind = strndup(id->kind, strlen(id->kind) - (sizeof(LIST) - 1));
	const struct identity item = {id->api_version, kind, ""};
	const struct field root = field_root(object, "");
	struct field items, f;
	size_t i;

	if (kind == NULL)
		return no_memory(err);
	if (walk.lists > MANIFEST_LISTS_MAX)
		return error_set(err, ERR_LIMIT,
		    "Lists stand in one another more than %d deep",
		    MANIFEST_LISTS_MAX);
	if (field_list(&root, "items", &items, err) != 0)
		return -1;
	for (i = 0; i < field_count(&items); i++) {
		if (field_object_at(&items, i, &f, err) != 0)
			return -1;
		if (walk_object(
			&walk, f.value, *kind != '\0' ? &item : NULL, err) == 0)
			continue;
		return err->code == ERR_NONE ? -1
					     : error_wrap(err, "items[%zu]", i);
	}
	return 0;
}

static int
identify(struct identity *id, json_t *object, const struct identity *inherited,
    struct error *err)
{
	const struct field root = field_root(object, "");
	struct field metadata;

	*id = (struct identity){"", "", ""};
	if (inherited != NULL)
		*id = *inherited;
	if (!json_is_object(object))
		return error_set(err, ERR_INVALID,
		    "not a Kubernetes object, which is a mapping with "
		    "apiVersion and kind");
	if (field_string(&root, "apiVersion", &id->api_version, err) != 0 ||
	    field_string(&root, "kind", &id->kind, err) != 0)
		return -1;
	if (*id->api_version == '\0' || *id->kind == '\0')
		return error_set(err, ERR_INVALID,
		    "not a Kubernetes object: it has no %s (a Pod has "
		    "\"apiVersion: v1\" and \"kind: Pod\")",
		    *id->kind == '\0' ? "kind" : "apiVersion");
	if (field_object(&root, "metadata", &metadata, err) != 0)
		return -1;
	return field_string(&metadata, "name", &id->name, err);
}

static int
walk_object(const struct walk *walk, json_t *object,
    const struct identity *inherited, struct error *err)
{
	const struct kind *kind;
	struct identity id;
	const char *slash;
	size_t group;

	if (identify(&id, object, inherited, err) != 0)
		return -1;
	slash = strchr(id.api_version, '/');
	group = slash != NULL ? (size_t)(slash - id.api_version) : 0;
	kind = kind_find(id.api_version, group, id.kind);
	if (kind != NULL)
		return walk_workload(walk, kind, object, &id, err);
	if (strcmp(id.kind, "AdmissionReview") == 0)
		return walk_review(walk, object, err);
	if (is_list(object, id.kind))
		return walk_list(walk, object, &id, err);
	if (kind_check_spelling(id.api_version, group, id.kind, err) != 0)
		return wrap(&id, err);
	return skip(walk, &id, err);
}

int
manifest_walk(json_t *object, const char *source, const char *namespace,
    const struct manifest_visitor *v, struct error *err)
{
	const struct walk walk = {v, source, namespace, 0};

	return walk_object(&walk, object, NULL, err);
}
