/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/review.h"

#include "policy/base/base64.h"
#include "policy/base/buf.h"
#include "policy/base/text.h"
#include "policy/base/tree.h"

#include <string.h>

/* What an answer may carry of one text; policy/report.h has the tighter
 * bounds of messages and warnings. */
enum { TEXT_MAX = 8192, PATCH_MAX = 4 * 1024 * 1024 };

enum { NONE = ' ', LINE_FEED = '\n' }; /* control characters allowed */

static bool
has_control(const char *s, size_t len, char allowed)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != allowed) ||
		    s[i] == '\x7f')
			return true;
	return false;
}

/* A new string fit for an answer. NULL when memory is out. */
static json_t *
text_json(const char *s, size_t len, char allowed)
{
	AUTO(buf_clear) struct buf clean = BUF_INIT(TEXT_MAX);
	json_t *v = NULL;

	if (!has_control(s, len, allowed))
		v = json_stringn(s, len); /* NULL: invalid UTF-8, too */
	if (v != NULL)
		return v;
	if (text_sanitise(&clean, s, TEXT_MAX) != 0)
		return NULL;
	return json_string(buf_text(&clean));
}

/* Anything but strings would make the API server drop the whole answer. */
static int
append_text(json_t *list, const json_t *text)
{
	if (!json_is_string(text))
		return 0;
	return json_array_append_new(list,
	    text_json(json_string_value(text), json_string_length(text), NONE));
}

static json_t *
warnings_json(const json_t *warnings)
{
	AUTO(json_decref) json_t *list = json_array();
	size_t i;

	for (i = 0; list != NULL && i < json_array_size(warnings); i++)
		if (append_text(list, json_array_get(warnings, i)) != 0)
			return NULL;
	return TAKE(list);
}

static json_t *
annotations_json(json_t *annotations)
{
	AUTO(json_decref) json_t *map = json_object();
	const char *key;
	json_t *v;

	if (map == NULL)
		return NULL;
	json_object_foreach (annotations, key, v) {
		if (json_is_string(v) &&
		    json_object_set_new(map, key,
			text_json(json_string_value(v), json_string_length(v),
			    LINE_FEED)) != 0)
			return NULL;
	}
	return TAKE(map);
}

/* Kubernetes meta/v1 Status, with what its own encoder always writes. */
static json_t *
status_json(const struct review_answer *a)
{
	const bool later = a->code == 503;
	const char *message = a->message != NULL ? a->message : "";
	AUTO(json_decref)
	json_t *status =
	    json_pack("{s:{}, s:s, s:o, s:s}", "metadata", "status", "Failure",
		"message", text_json(message, strlen(message), LINE_FEED),
		"reason", later ? "ServiceUnavailable" : "Forbidden");

	if (status == NULL ||
	    (later && a->retry_after > 0 &&
		json_object_set_new(status, "details",
		    json_pack("{s:i}", "retryAfterSeconds", a->retry_after)) !=
		    0) ||
	    json_object_set_new(
		status, "code", json_integer(later ? 503 : 403)) != 0)
		return NULL;
	return TAKE(status);
}

static int
add_patch(json_t *response, const json_t *patch)
{
	AUTO(free) char *text = tree_dump(patch, JSON_COMPACT);
	AUTO(buf_clear) struct buf coded = BUF_INIT(PATCH_MAX);

	if (text == NULL || base64_encode(&coded, text, strlen(text)) != 0 ||
	    json_object_set_new(
		response, "patchType", json_string("JSONPatch")) != 0)
		return -1;
	return json_object_set_new(
	    response, "patch", json_string(buf_text(&coded)));
}

static json_t *
response_json(const struct review *r, const struct review_answer *a)
{
	AUTO(json_decref)
	json_t *response =
	    json_pack("{s:s, s:b}", "uid", r->uid, "allowed", (int)a->allowed);

	if (response == NULL ||
	    (!a->allowed &&
		json_object_set_new(response, "status", status_json(a)) != 0))
		return NULL;
	if (json_object_size(a->annotations) > 0 &&
	    json_object_set_new(response, "auditAnnotations",
		annotations_json(a->annotations)) != 0)
		return NULL;
	if (json_array_size(a->warnings) > 0 &&
	    json_object_set_new(
		response, "warnings", warnings_json(a->warnings)) != 0)
		return NULL;
	if (json_array_size(a->patch) > 0 && add_patch(response, a->patch) != 0)
		return NULL;
	return TAKE(response);
}

char *
review_answer_encode(const struct review *r, const struct review_answer *a,
    size_t *len, struct error *err)
{
	AUTO(json_decref)
	json_t *root =
	    json_pack("{s:s, s:s, s:o}", "apiVersion", r->api_version, "kind",
		"AdmissionReview", "response", response_json(r, a));
	char *text = root != NULL ? tree_dump(root, JSON_COMPACT) : NULL;

	if (text == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	*len = strlen(text);
	return text;
}
