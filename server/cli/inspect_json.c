/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/units.h"
#include "policy/instruction.h"
#include "policy/secret.h"
#include "server/cli/inspect.h"
#include "server/gate/fault.h"

#include <string.h>

enum { INSTRUCTION_MAX = 16 * 1024 };

static json_t *
json_strings(const struct string_list *l)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < l->n; i++)
		json_array_append_new(a, json_string(l->items[i]));
	return a;
}

static json_t *
json_env(const struct string_list *l)
{
	json_t *a = json_array();
	const char *eq;
	size_t i, len;

	for (i = 0; i < l->n; i++) {
		eq = strchr(l->items[i], '=');
		len = eq != NULL ? (size_t)(eq - l->items[i]) : 0;
		if (eq != NULL && eq[1] != '\0' &&
		    (secret_is_name(l->items[i], len) ||
			secret_is_value(eq + 1, strlen(eq + 1))))
			json_array_append_new(
			    a, json_sprintf("%.*s=***", (int)len, l->items[i]));
		else
			json_array_append_new(a, json_string(l->items[i]));
	}
	return a;
}

static json_t *
json_labels(const struct pair_list *l)
{
	json_t *o = json_object();
	size_t i;

	for (i = 0; i < l->n; i++)
		json_object_set_new(
		    o, l->items[i].key, json_string(l->items[i].value));
	return o;
}

/* As the line of a Dockerfile, secrets hidden; null where it is not known. */
static json_t *
json_instruction(const char *created_by)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(INSTRUCTION_MAX);

	if (created_by == NULL ||
	    instruction_add(&b, created_by, INSTRUCTION_MAX - 8) != 0)
		return json_null();
	return json_string(buf_text(&b));
}

static json_t *
json_layers(const struct report_platform *rp)
{
	const struct image *img = rp->image;
	json_t *a = json_array();
	const struct layer *l;
	size_t i;

	for (i = 0; i < img->nlayers; i++) {
		l = &img->layers[i];
		json_array_append_new(
		    a, json_pack("{s:s, s:I, s:s, s:o, s:b}", "digest",
			   l->digest, "size", (json_int_t)l->size, "mediaType",
			   l->media_type, "createdBy",
			   json_instruction(image_layer_instruction(img, i)),
			   "base", i < rp->base_layers));
	}
	return a;
}

static json_t *
json_created(const struct image *img)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(64);

	if (!img->has_created || units_add_time(&b, img->created) != 0)
		return json_null();
	return json_string(buf_text(&b));
}

static json_t *
json_platform(const struct report_platform *rp)
{
	const struct image *img = rp->image;
	static const char *const states[] = {
	    [HISTORY_ABSENT] = "absent",
	    [HISTORY_RELIABLE] = "reliable",
	    [HISTORY_UNRELIABLE] = "unreliable",
	};

	return json_pack("{s:s, s:s, s:I, s:o, s:s, s:o, s:s, s:o, s:o, s:o, "
			 "s:o, s:o, s:o, s:{s:s, s:s, s:s, s:I}}",
	    "platform", rp->platform, "digest", img->digest, "size",
	    (json_int_t)img->size, "created", json_created(img), "user",
	    img->user, "layers", json_layers(rp), "history",
	    states[img->history_state], "env", json_env(&img->env), "labels",
	    json_labels(&img->labels), "ports", json_strings(&img->ports),
	    "volumes", json_strings(&img->volumes), "entrypoint",
	    json_strings(&img->entrypoint), "cmd", json_strings(&img->cmd),
	    "base", "name", rp->base_name, "digest", rp->base_digest, "how",
	    base_how_name(rp->base_how), "layers", (json_int_t)rp->base_layers);
}

static json_t *
json_resolved(const struct lookup *l)
{
	if (l->set == NULL || l->local.set != NULL)
		return json_null();
	return json_string(lookup_name(l));
}

static json_t *
json_error(const struct lookup *l)
{
	if (l->set != NULL)
		return json_null();
	return json_pack("{s:s, s:s}", "code", fault_code(l->err.code),
	    "message", l->err.msg);
}

json_t *
inspect_json(const struct lookup *l)
{
	json_t *platforms = json_array();
	size_t i;

	for (i = 0; l->set != NULL && i < l->set->n; i++)
		json_array_append_new(
		    platforms, json_platform(&l->platforms[i]));
	return json_pack("{s:i, s:s, s:o, s:o, s:o}", "version", 1, "reference",
	    l->text, "resolved", json_resolved(l), "platforms", platforms,
	    "error", json_error(l));
}
