/* SPDX-License-Identifier: Apache-2.0 */
#include "server/kube/publish.h"

#include "policy/base/arena.h"
#include "policy/base/base64.h"
#include "policy/base/buf.h"
#include "server/registry/url.h"

#include <string.h>
#include <strings.h>

enum {
	ROUNDS = 8,
	PATH_TEXT_MAX = 1024,
	NAME_MAX_BYTES = 253, /* RFC 1123, as the API server has it */
	TEXT_MAX = 1024 * 1024,
	SECRETS = 2,
};

const char *const publish_kinds[PUBLISH_KINDS] = {
    "validatingwebhookconfigurations", "mutatingwebhookconfigurations"};

/* What stands in which Secret. */
enum secret_index { SECRET_CA, SECRET_TLS };

static const enum authority_part secret_parts[SECRETS][4] = {
    [SECRET_CA] = {CA_CRT, CA_KEY, AUTHORITY_PARTS},
    [SECRET_TLS] = {TLS_CRT, TLS_KEY, CA_CRT, AUTHORITY_PARTS},
};

/* One round: what was read, and what is to become of it. */
struct round {
	struct kube *k;
	const struct publish_request *r;
	struct publish_report *report;
	json_t *secrets[SECRETS];     /* NULL: there is none */
	json_t *hooks[PUBLISH_KINDS]; /* likewise */
	struct authority_set have;
	struct authority_set next;
	struct buf bundle; /* next's ca.crt, base64 */
};

static void
own_round_clear(struct round *o)
{
	size_t i;

	for (i = 0; i < SECRETS; i++)
		json_decref(o->secrets[i]);
	for (i = 0; i < PUBLISH_KINDS; i++)
		json_decref(o->hooks[i]);
	authority_set_clear(&o->have);
	authority_set_clear(&o->next);
	buf_clear(&o->bundle);
}

static const char *
secret_name(const struct round *o, enum secret_index i)
{
	return i == SECRET_CA ? o->r->ca_secret : o->r->secret;
}

static void
secret_path(const struct round *o, const char *name, struct buf *path)
{
	buf_printf(path, "/api/v1/namespaces/%s/secrets%s%s", o->r->ns,
	    name != NULL ? "/" : "", name != NULL ? name : "");
}

static void
hooks_path(const struct round *o, enum publish_kind kind, struct buf *path)
{
	buf_printf(path, "/apis/admissionregistration.k8s.io/v1/%s/%s",
	    publish_kinds[kind], o->r->webhooks);
}

/* What is under a key of a Secret, as base64; NULL: nothing. */
static const char *
secret_data(const json_t *secret, const char *key)
{
	return json_string_value(
	    json_object_get(json_object_get(secret, "data"), key));
}

static const char *
version_of(const json_t *object)
{
	return json_string_value(json_object_get(
	    json_object_get(object, "metadata"), "resourceVersion"));
}

static int
out_of_memory(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory");
}

/* What is no base64 is as if it were not there. */
static int
decode(struct buf *bytes, const char *text, struct error *err)
{
	if (text == NULL || base64_decode(bytes, text, strlen(text)) == 0)
		return 0;
	if (buf_failed(bytes))
		return out_of_memory(err);
	buf_truncate(bytes, 0);
	return 0;
}

static int
take_part(struct round *o, enum secret_index i, enum authority_part part,
    struct error *err)
{
	const char *text = secret_data(o->secrets[i], authority_names[part]);
	AUTO(buf_clear) struct buf bytes = BUF_INIT(TEXT_MAX);
	int rc = decode(&bytes, text, err);

	if (rc != 0 || bytes.len == 0)
		return rc;
	rc = part == CA_CRT
		 ? authority_trust(&o->have, buf_text(&bytes), bytes.len, err)
		 : authority_set_put(
		       &o->have, part, buf_text(&bytes), bytes.len, err);
	explicit_bzero(bytes.data, bytes.len);
	return rc;
}

static bool
is_named(const struct round *o, const char *host)
{
	const struct authority_request *a = &o->r->authority;
	size_t i;

	for (i = 0; i < a->nnames; i++)
		if (strcasecmp(a->names[i], host) == 0)
			return true;
	return false;
}

/* The host that a webhook calls; "" where that cannot be said. */
static int
host_of(const json_t *hook, struct buf *host, struct error *err)
{
	const json_t *config = json_object_get(hook, "clientConfig");
	const json_t *service = json_object_get(config, "service");
	const char *text = json_string_value(json_object_get(config, "url"));
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error why = ERROR_INIT;
	const char *name, *ns;
	struct url url;

	name = json_string_value(json_object_get(service, "name"));
	ns = json_string_value(json_object_get(service, "namespace"));
	if (name != NULL && ns != NULL)
		buf_printf(host, "%s.%s.svc", name, ns);
	else if (mem != NULL && text != NULL &&
		 url_parse(&url, text, NULL, mem, &why) == 0)
		buf_add(host, url.host + (url.host[0] == '['),
		    strcspn(url.host, "]") - (url.host[0] == '['));
	if (mem == NULL || why.code == ERR_NOMEM || buf_failed(host))
		return out_of_memory(err);
	return 0;
}

/* Whether a webhook calls the gate: 1, 0, or -1 with *err. */
static int
is_ours(const struct round *o, const json_t *hook, struct error *err)
{
	AUTO(buf_clear) struct buf host = BUF_INIT(URL_MAX);

	return host_of(hook, &host, err) == 0 ? is_named(o, buf_text(&host))
					      : -1;
}

static const char *
bundle_of(const json_t *hook)
{
	return json_string_value(
	    json_object_get(json_object_get(hook, "clientConfig"), "caBundle"));
}

/* Clients trust what the configurations say: that stays until it is known not
 * to be needed, and what they do not say yet is not to be relied on. */
static int
take_hooks(
    struct round *o, enum publish_kind kind, bool *published, struct error *err)
{
	const json_t *list = json_object_get(o->hooks[kind], "webhooks");
	const char *stored =
	    secret_data(o->secrets[SECRET_CA], authority_names[CA_CRT]);
	struct publish_hooks *told = &o->report->hooks[kind];
	size_t i;

	told->absent = o->hooks[kind] == NULL;
	told->ours = 0;
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *hook = json_array_get(list, i);
		AUTO(buf_clear) struct buf bytes = BUF_INIT(TEXT_MAX);
		const char *text = bundle_of(hook);
		const int ours = is_ours(o, hook, err);

		if (ours < 0)
			return -1;
		if (ours == 0)
			continue;
		told->ours++;
		if (text == NULL || stored == NULL || strcmp(text, stored) != 0)
			*published = false;
		if (text != NULL &&
		    base64_decode(&bytes, text, strlen(text)) == 0 &&
		    authority_trust(
			&o->have, buf_text(&bytes), bytes.len, err) != 0)
			return -1;
	}
	return 0;
}

static enum kube_result
read_one(
    struct round *o, const struct buf *path, json_t **to, struct error *err)
{
	const enum kube_result result =
	    kube_call(o->k, KUBE_GET, buf_text(path), NULL, to, err);

	if (result == KUBE_OK && version_of(*to) == NULL) {
		error_set(err, ERR_SYNTAX,
		    "what the API server answers has no resourceVersion");
		return KUBE_FAILED;
	}
	return result;
}

static int
read_all(struct round *o, struct error *err)
{
	AUTO(buf_clear) struct buf path = BUF_INIT(PATH_TEXT_MAX);
	enum kube_result result = KUBE_OK;
	size_t i;

	for (i = 0; i < SECRETS && result != KUBE_FAILED; i++) {
		buf_truncate(&path, 0);
		secret_path(o, secret_name(o, (enum secret_index)i), &path);
		result = read_one(o, &path, &o->secrets[i], err);
	}
	for (i = 0; i < PUBLISH_KINDS && result != KUBE_FAILED; i++) {
		buf_truncate(&path, 0);
		hooks_path(o, (enum publish_kind)i, &path);
		result = read_one(o, &path, &o->hooks[i], err);
	}
	return result == KUBE_FAILED ? -1 : 0;
}

static int
plan(struct round *o, struct error *err)
{
	struct authority_request a = o->r->authority;
	const struct authority_text *ca;
	bool published = true;
	size_t i, j;

	for (i = 0; i < SECRETS; i++)
		for (j = 0; secret_parts[i][j] != AUTHORITY_PARTS; j++)
			if (take_part(o, (enum secret_index)i,
				secret_parts[i][j], err) != 0)
				return -1;
	for (i = 0; i < PUBLISH_KINDS; i++)
		if (take_hooks(o, (enum publish_kind)i, &published, err) != 0)
			return -1;
	a.mend = true;
	a.unpublished = !published;
	if (authority_plan(
		&o->have, &a, &o->next, &o->report->authority, err) != 0)
		return -1;
	ca = &o->next.parts[CA_CRT];
	return base64_encode(&o->bundle, ca->data, ca->len) == 0
		   ? 0
		   : out_of_memory(err);
}

/* The keys of a Secret that are to change, or NULL with *err. */
static json_t *
changed_data(struct round *o, enum secret_index i, struct error *err)
{
	AUTO(json_decref) json_t *data = json_object();
	const enum authority_part *part = secret_parts[i];

	for (; data != NULL && *part != AUTHORITY_PARTS; part++) {
		const struct authority_text *next = &o->next.parts[*part];
		const char *key = authority_names[*part];
		const char *old = secret_data(o->secrets[i], key);
		AUTO(buf_clear) struct buf text = BUF_INIT(2 * TEXT_MAX);

		if (base64_encode(&text, next->data, next->len) != 0 ||
		    ((old == NULL || strcmp(old, buf_text(&text)) != 0) &&
			json_object_set_new(
			    data, key, json_string(buf_text(&text))) != 0)) {
			out_of_memory(err);
			return NULL;
		}
	}
	if (data == NULL)
		out_of_memory(err);
	return TAKE(data);
}

static enum kube_result
write_secret(
    struct round *o, enum secret_index i, bool *wrote, struct error *err)
{
	AUTO(buf_clear) struct buf path = BUF_INIT(PATH_TEXT_MAX);
	AUTO(json_decref) json_t *data = changed_data(o, i, err);
	AUTO(json_decref) json_t *body = NULL;
	const bool fresh = o->secrets[i] == NULL;
	enum kube_result result;

	if (data == NULL)
		return KUBE_FAILED;
	if (json_object_size(data) == 0)
		return KUBE_OK;
	secret_path(o, fresh ? NULL : secret_name(o, i), &path);
	if (fresh)
		body = json_pack("{s:s, s:s, s:s, s:{s:s, s:{s:s}}, s:O}",
		    "apiVersion", "v1", "kind", "Secret", "type", "Opaque",
		    "metadata", "name", secret_name(o, i), "labels",
		    "app.kubernetes.io/name", "policy-gate", "data", data);
	else
		body = json_pack("{s:{s:s}, s:O}", "metadata",
		    "resourceVersion", version_of(o->secrets[i]), "data", data);
	if (body == NULL) {
		out_of_memory(err);
		return KUBE_FAILED;
	}
	result = kube_call(o->k, fresh ? KUBE_CREATE : KUBE_MERGE,
	    buf_text(&path), body, NULL, err);
	if (result == KUBE_OK)
		*wrote = true;
	if (result == KUBE_ABSENT && fresh) {
		error_set(err, ERR_NOT_FOUND, "there is no namespace \"%.80s\"",
		    o->r->ns);
		return KUBE_FAILED;
	}
	return result == KUBE_ABSENT ? KUBE_CONFLICT : result;
}

/* One operation of RFC 6902; 0 or -1. */
static int
add_operation(
    json_t *patch, const char *op, const char *path, const char *value)
{
	return json_array_append_new(
	    patch, json_pack("{s:s, s:s, s:s}", "op", op, "path", path, "value",
		       value));
}

/* The caBundle of each of our webhooks that has another, and nothing else. */
static json_t *
hooks_patch(struct round *o, enum publish_kind kind, int *n, struct error *err)
{
	const json_t *list = json_object_get(o->hooks[kind], "webhooks");
	AUTO(json_decref) json_t *patch = json_array();
	bool ok = patch != NULL &&
		  add_operation(patch, "replace", "/metadata/resourceVersion",
		      version_of(o->hooks[kind])) == 0;
	size_t i;

	*n = 0;
	for (i = 0; ok && i < json_array_size(list); i++) {
		const json_t *hook = json_array_get(list, i);
		const char *old = bundle_of(hook);
		const int ours = is_ours(o, hook, err);
		char path[64];

		if (ours < 0)
			return NULL;
		if (ours == 0 ||
		    (old != NULL && strcmp(old, buf_text(&o->bundle)) == 0))
			continue;
		snprintf(path, sizeof(path),
		    "/webhooks/%zu/clientConfig/caBundle", i);
		ok = add_operation(patch, "add", path, buf_text(&o->bundle)) ==
		     0;
		++*n;
	}
	if (ok)
		return TAKE(patch);
	out_of_memory(err);
	return NULL;
}

static enum kube_result
write_hooks(struct round *o, enum publish_kind kind, struct error *err)
{
	AUTO(buf_clear) struct buf path = BUF_INIT(PATH_TEXT_MAX);
	AUTO(json_decref) json_t *patch = NULL;
	enum kube_result result;
	int n;

	if (o->hooks[kind] == NULL)
		return KUBE_OK;
	patch = hooks_patch(o, kind, &n, err);
	if (patch == NULL)
		return KUBE_FAILED;
	if (n == 0)
		return KUBE_OK;
	hooks_path(o, kind, &path);
	result = kube_call(o->k, KUBE_PATCH, buf_text(&path), patch, NULL, err);
	if (result == KUBE_OK)
		o->report->hooks[kind].set += n;
	return result == KUBE_ABSENT ? KUBE_CONFLICT : result;
}

/* Reads, plans and writes; KUBE_CONFLICT where somebody was faster. */
static enum kube_result
run_round(struct kube *k, const struct publish_request *r,
    struct publish_report *report, struct error *err)
{
	AUTO(round_clear)
	struct round o = {
	    .k = k, .r = r, .report = report, .bundle = BUF_INIT(2 * TEXT_MAX)};
	enum kube_result result;
	enum publish_kind i;

	if (read_all(&o, err) != 0 || plan(&o, err) != 0)
		return KUBE_FAILED;
	result = write_secret(&o, SECRET_CA, &report->wrote_ca_secret, err);
	for (i = 0; result == KUBE_OK && i < PUBLISH_KINDS; i++)
		result = write_hooks(&o, i, err);
	if (result == KUBE_OK)
		result =
		    write_secret(&o, SECRET_TLS, &report->wrote_secret, err);
	return result;
}

/* What may stand in a path of the API. */
static int
check_name(const char *what, const char *name, struct error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";

	if (name[0] != '\0' && name[0] != '.' &&
	    strlen(name) <= NAME_MAX_BYTES &&
	    name[strspn(name, letters)] == '\0')
		return 0;
	return error_set(err, ERR_INVALID,
	    "\"%.80s\" is no name of a %s in Kubernetes", name, what);
}

/* What an earlier round did counts, too. */
static void
keep_told(const struct publish_report *before, struct publish_report *report)
{
	const struct authority_report *old = &before->authority;

	if (before->wrote_ca_secret && old->new_ca) {
		report->authority.new_ca = true;
		report->authority.ca_why = old->ca_why;
	}
	if (before->wrote_secret && old->new_leaf) {
		report->authority.new_leaf = true;
		report->authority.leaf_why = old->leaf_why;
	}
}

int
publish(struct kube *k, const struct publish_request *r,
    struct publish_report *report, struct error *err)
{
	enum kube_result result = KUBE_CONFLICT;
	struct publish_report before;
	int round;

	if (check_name("namespace", r->ns, err) != 0 ||
	    check_name("Secret", r->secret, err) != 0 ||
	    check_name("Secret", r->ca_secret, err) != 0 ||
	    check_name("webhook configuration", r->webhooks, err) != 0)
		return -1;
	*report = (struct publish_report){0};
	for (round = 0; round < ROUNDS && result == KUBE_CONFLICT; round++) {
		if (round > 0)
			kube_pause(k, round);
		before = *report;
		result = run_round(k, r, report, err);
		keep_told(&before, report);
	}
	if (result == KUBE_CONFLICT)
		error_set(err, ERR_UNAVAILABLE,
		    "others change the Secrets or the webhook configurations "
		    "all the time, or what is written to them is refused");
	return result == KUBE_OK ? 0 : -1;
}
