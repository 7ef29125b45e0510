/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/review.h"

#include "policy/base/tree.h"
#include "server/admission/field.h"
#include "server/admission/kinds.h"
#include "server/admission/pick.h"
#include "server/admission/update.h"

#include <string.h>

/* What is asked, beside what the review tells. */
struct request {
	struct field root;
	const char *group; /* of request.kind */
	const char *resource_group;
};

static bool
is_one_of(const char *s, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(s, *list) == 0)
			return true;
	return false;
}

/* What jansson found, in words that quote nothing of the body. */
static void
set_json_error(struct error *err, const json_error_t *e)
{
	static const struct {
		enum json_error_code json;
		enum err_code code;
		const char *text;
	} known[] = {
	    {json_error_out_of_memory, ERR_NOMEM, "out of memory"},
	    {json_error_stack_overflow, ERR_LIMIT, "it is nested too deeply"},
	    {json_error_premature_end_of_input, ERR_SYNTAX, "it ends early"},
	    {json_error_end_of_input_expected, ERR_SYNTAX,
		"something stands behind its end"},
	    {json_error_invalid_utf8, ERR_SYNTAX, "it is not UTF-8"},
	    {json_error_null_byte_in_key, ERR_SYNTAX,
		"a key has a NUL character in it"},
	    {json_error_duplicate_key, ERR_SYNTAX,
		"a key stands twice in one object"},
	    {json_error_numeric_overflow, ERR_SYNTAX, "a number is too large"},
	};
	const enum json_error_code found = json_error_code(e);
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].json == found)
			break;
	if (i == sizeof(known) / sizeof(known[0]))
		error_set(err, ERR_SYNTAX,
		    "the body is not JSON (line %d, column %d)", e->line,
		    e->column);
	else if (known[i].code == ERR_NOMEM)
		error_set(err, ERR_NOMEM, "%s", known[i].text);
	else
		error_set(err, known[i].code,
		    "the body cannot be read as JSON: %s (line %d, column %d)",
		    known[i].text, e->line, e->column);
}

/* A pod may well have a NUL in its environment: such a review must not fail as
 * a whole, for that would be an answer to be ignored. */
enum { BODY_FLAGS = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL };

/* A review from what is read of the body alone, or NULL: whatever the matter
 * is, all of the body tells it better. */
static struct review *
parse_picked(const char *body, size_t len)
{
	AUTO(buf_clear) struct buf picked = BUF_INIT(len);
	AUTO(json_decref) json_t *root = NULL;
	struct error ignored = ERROR_INIT;
	json_error_t e;

	if (pick(&picked, body, len, pick_review) == 0)
		root = tree_parse(picked.data, picked.len, BODY_FLAGS, &e);
	return root != NULL ? review_of_tree(root, &ignored) : NULL;
}

struct review *
review_parse(const char *body, size_t len, struct error *err)
{
	AUTO(json_decref) json_t *root = NULL;
	struct review *r = NULL;
	json_error_t e;

	if (len > REVIEW_BYTES_MAX) {
		error_set(err, ERR_LIMIT,
		    "the body has %zu bytes, but at most %d are read", len,
		    REVIEW_BYTES_MAX);
		return NULL;
	}
	r = parse_picked(body, len);
	if (r != NULL)
		return r;
	root = tree_parse(body, len, BODY_FLAGS, &e);
	if (root == NULL) {
		set_json_error(err, &e);
		return NULL;
	}
	return review_of_tree(root, err);
}

/* The parts without which it is no review at all. */
static int
read_envelope(struct review *r, struct request *q, struct error *err)
{
	static const char *const versions[] = {
	    "admission.k8s.io/v1", "admission.k8s.io/v1beta1", NULL};
	const struct field root = field_root(r->root, "");
	const char *kind = "";

	if (!json_is_object(r->root))
		return error_set(err, ERR_INVALID,
		    "the body is not an AdmissionReview: it is no object");
	if (field_string(&root, "apiVersion", &r->api_version, err) != 0 ||
	    field_string(&root, "kind", &kind, err) != 0)
		return -1;
	if (strcmp(kind, "AdmissionReview") != 0)
		return error_set(err, ERR_INVALID,
		    "kind must be AdmissionReview, but is another");
	if (!is_one_of(r->api_version, versions))
		return error_set(err, ERR_INVALID,
		    "apiVersion must be %s or %s, but is another", versions[0],
		    versions[1]);
	if (field_object(&root, "request", &q->root, err) != 0)
		return -1;
	if (q->root.value == NULL)
		return error_set(err, ERR_INVALID,
		    "the AdmissionReview has no request in it");
	q->root = field_root(q->root.value, "request");
	if (field_string(&q->root, "uid", &r->uid, err) != 0)
		return -1;
	if (*r->uid == '\0')
		return error_set(err, ERR_INVALID, "request.uid is missing");
	if (strlen(r->uid) > REVIEW_UID_MAX)
		return error_set(err, ERR_INVALID,
		    "request.uid is longer than %d bytes", REVIEW_UID_MAX);
	return 0;
}

static int
read_request(struct review *r, struct request *q, struct error *err)
{
	enum tristate dry_run = UNSET;
	struct field kind, resource, user;

	if (field_object(&q->root, "kind", &kind, err) != 0 ||
	    field_string(&kind, "group", &q->group, err) != 0 ||
	    field_string(&kind, "kind", &r->kind, err) != 0 ||
	    field_object(&q->root, "resource", &resource, err) != 0 ||
	    field_string(&resource, "group", &q->resource_group, err) != 0 ||
	    field_string(&resource, "resource", &r->resource, err) != 0)
		return -1;
	if (field_string(&q->root, "subResource", &r->subresource, err) != 0 ||
	    field_string(&q->root, "operation", &r->operation, err) != 0 ||
	    field_string(&q->root, "namespace", &r->namespace, err) != 0 ||
	    field_string(&q->root, "name", &r->name, err) != 0 ||
	    field_bool(&q->root, "dryRun", &dry_run, err) != 0)
		return -1;
	r->dry_run = dry_run == YES;
	if (field_object(&q->root, "userInfo", &user, err) != 0 ||
	    field_string(&user, "username", &r->username, err) != 0)
		return -1;
	return 0;
}

/* Operations and subresources that cannot bring an image into a pod. What is
 * not known is judged. */
static bool
is_harmless(const struct review *r)
{
	static const char *const operations[] = {"DELETE", "CONNECT", NULL};
	static const char *const subresources[] = {"status", "scale", "binding",
	    "eviction", "exec", "attach", "portforward", "proxy", "log",
	    "token", NULL};

	return is_one_of(r->operation, operations) ||
	       is_one_of(r->subresource, subresources);
}

static bool
is_pods(const struct review *r, const struct request *q)
{
	return strcmp(r->resource, "pods") == 0 && *q->resource_group == '\0';
}

/* The object before an update, or NULL. */
static json_t *
old_object(const struct review *r, const struct request *q)
{
	json_t *old = json_object_get(q->root.value, "oldObject");

	return strcmp(r->operation, "UPDATE") == 0 && json_is_object(old)
		   ? old
		   : NULL;
}

/* Without an old object that can be read everything is judged. */
static int
compare_old(struct review *r, const struct kind *kind, json_t *object,
    struct error *err)
{
	AUTO(workload_free) struct workload *old = NULL;
	struct error ignored = ERROR_INIT;

	if (object == NULL)
		return 0;
	old = kind_read(kind, object, &ignored);
	if (old != NULL) {
		update_mark_unchanged(r->workload, old);
		if (update_mark_replaced(r->workload, old) != 0)
			return error_set(err, ERR_NOMEM, "out of memory");
	} else if (ignored.code == ERR_NOMEM)
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

/* The request says better than the object: a name may be generated, a
 * namespace left out. */
static void
settle_names(struct review *r)
{
	struct workload *w = r->workload;

	if (*r->name == '\0')
		r->name = w->name;
	if (*r->namespace == '\0')
		r->namespace = w->namespace;
	w->name = r->name;
	w->namespace = r->namespace;
	json_decref(w->tree);
	w->tree = json_incref(r->root);
}

/* A static pod is on its node whatever is decided here; its mirror in the API
 * must stay what the kubelet made it. */
static bool
is_mirror(const json_t *pod)
{
	const json_t *metadata = json_object_get(pod, "metadata");

	return json_object_get(json_object_get(metadata, "annotations"),
		   "kubernetes.io/config.mirror") != NULL;
}

/* The group that kubelets are in, and nobody else. */
static bool
is_node(const struct request *q)
{
	const json_t *user = json_object_get(q->root.value, "userInfo");
	const json_t *groups = json_object_get(user, "groups");
	const char *group;
	size_t i;

	for (i = 0; i < json_array_size(groups); i++) {
		group = json_string_value(json_array_get(groups, i));
		if (group != NULL && strcmp(group, "system:nodes") == 0)
			return true;
	}
	return false;
}

static int
read_workload(struct review *r, const struct request *q, struct error *err)
{
	const struct kind *kind =
	    kind_find(q->group, strlen(q->group), r->kind);
	json_t *old = old_object(r, q);
	bool creates_pod, mirror;
	struct field object;

	if (is_pods(r, q) && (kind == NULL || !kind_is_pod(kind)))
		return error_set(err, ERR_INVALID,
		    "request.kind must be Pod for the resource pods, but is "
		    "another");
	if (kind == NULL)
		return 0;
	if (field_object(&q->root, "object", &object, err) != 0)
		return -1;
	if (object.value == NULL)
		return error_set(err, ERR_INVALID, "request.object is missing");
	r->workload = kind_read(kind, object.value, err);
	if (r->workload != NULL) {
		settle_names(r);
		creates_pod = kind_is_pod(kind) && *r->subresource == '\0' &&
			      strcmp(r->operation, "CREATE") == 0;
		mirror = is_mirror(object.value);
		r->patchable = creates_pod && !mirror;
		r->mirror = creates_pod && mirror && is_node(q);
		return compare_old(r, kind, old, err);
	}
	/* A pod that was let in before, whatever it is like, must be able to
	 * lose its finalizers. */
	if (err->code == ERR_NOMEM || !kind_same_spec(kind, object.value, old))
		return -1;
	error_clear(err);
	return 0;
}

/* Only memory running out is an error here: the rest is an answer. */
static int
set_malformed(struct review *r, struct error *err)
{
	if (err->code == ERR_NOMEM)
		return -1;
	r->malformed =
	    arena_printf(r->mem, "the object cannot be judged: %s", err->msg);
	workload_free(r->workload);
	r->workload = NULL;
	error_clear(err);
	if (r->malformed == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

static struct review *
review_new(json_t *root)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct review *r = mem ? arena_calloc(mem, 1, sizeof(*r)) : NULL;

	if (r == NULL)
		return NULL;
	*r = (struct review){.root = json_incref(root),
	    .api_version = "",
	    .uid = "",
	    .operation = "",
	    .kind = "",
	    .resource = "",
	    .subresource = "",
	    .namespace = "",
	    .name = "",
	    .username = ""};
	r->mem = TAKE(mem);
	return r;
}

struct review *
review_of_tree(json_t *root, struct error *err)
{
	AUTO(review_free) struct review *r = review_new(root);
	struct request q = {.group = "", .resource_group = ""};

	if (r == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	if (read_envelope(r, &q, err) != 0)
		return NULL;
	if (read_request(r, &q, err) == 0 &&
	    (is_harmless(r) || read_workload(r, &q, err) == 0))
		return TAKE(r);
	if (set_malformed(r, err) != 0)
		return NULL;
	return TAKE(r);
}

void
review_free(struct review *r)
{
	if (r == NULL)
		return;
	workload_free(r->workload);
	json_decref(r->root);
	arena_free(r->mem); /* the review lives in it */
}
