/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/facts_read.h"

#include "policy/base/units.h"
#include "policy/history.h"
#include "policy/reference.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PLATFORMS_MAX = 64, LAYERS_MAX = 1000, TEXT_MAX = 1024 * 1024 };

static const char *const states[] = {
    [HISTORY_ABSENT] = "absent",
    [HISTORY_RELIABLE] = "reliable",
    [HISTORY_UNRELIABLE] = "unreliable",
    NULL,
};

/* FNV-1a: only to tell layers apart. */
static uint64_t
mix(uint64_t hash, const char *s)
{
	for (; *s != '\0'; s++)
		hash = (hash ^ (unsigned char)*s) * UINT64_C(1099511628211);
	return hash;
}

static const char *
made_digest(struct arena *mem, size_t place, int64_t size, const char *by)
{
	char text[64];
	uint64_t hash;

	snprintf(text, sizeof(text), "%zu %" PRId64 " ", place, size);
	hash = mix(mix(UINT64_C(14695981039346656037), text), by);
	return arena_printf(mem, "sha256:%064" PRIx64, hash);
}

/* A string, or null as inspect writes what is not known; "" where absent. */
static const char *
optional_text(struct reader *r, const struct node *parent, const char *key)
{
	const struct node n = node_get(parent, key);
	const char *s;

	if (!read_given(&n) || json_is_null(n.value))
		return "";
	s = read_text(r, &n, "text");
	return s != NULL ? s : "";
}

static struct string_list
optional_list(struct reader *r, const struct node *parent, const char *key)
{
	const struct node n = node_get(parent, key);
	struct string_list list = {.n = 0};

	if (read_given(&n) && read_list(r, &n, "text", NULL, &list) != 0)
		list.n = 0;
	return list;
}

/*
 * Secrets are recorded as "***", and are to be found in the record as in the
 * image: each is read as something that shows by itself that it is one. NULL
 * when memory is out.
 */
static const char *
unhide(struct reader *r, const char *text)
{
	static const char hidden[] = "***";
	static const char after_name[] = "env://hidden:by-inspect@image";
	static const char elsewhere[] = "hidden-by-inspect";
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
	const char *at, *from = text;

	for (; (at = strstr(from, hidden)) != NULL;
	     from = at + sizeof(hidden) - 1) {
		buf_add(&b, from, (size_t)(at - from));
		buf_puts(
		    &b, at > text && at[-1] == '=' ? after_name : elsewhere);
	}
	if (from == text)
		return text;
	return buf_puts(&b, from) == 0 ? arena_strdup(r->mem, buf_text(&b))
				       : NULL;
}

static int
unhide_all(struct reader *r, struct string_list *list)
{
	const char **items = arena_calloc(r->mem, list->n, sizeof(*items));
	size_t i;

	for (i = 0; items != NULL && i < list->n; i++)
		if ((items[i] = unhide(r, list->items[i])) == NULL)
			return -1;
	list->items = items;
	return items != NULL ? 0 : -1;
}

static int64_t
layer_size(struct reader *r, const struct node *layer)
{
	const struct node n = node_get(layer, "size");
	int64_t size = -1;

	if (json_is_integer(n.value))
		size = json_integer_value(n.value);
	else if (json_is_string(n.value) &&
		 units_parse_size(json_string_value(n.value), &size) != 0)
		size = -1;
	if (size >= 0)
		return size;
	if (!read_given(&n))
		diagnostics_error(r->diagnostics, layer, "`size` is missing");
	else
		read_expected(r, &n, "a size such as 30Mi");
	return 0;
}

static int
read_layer(struct reader *r, const struct node *n, size_t place,
    struct layer *layer, struct history *h)
{
	static const char *const keys[] = {
	    "digest", "size", "mediaType", "createdBy", "base", NULL};
	const char *by;

	if (!diagnostics_check_keys(r->diagnostics, n, keys))
		return -1;
	layer->size = layer_size(r, n);
	layer->media_type = optional_text(r, n, "mediaType");
	layer->digest = optional_text(r, n, "digest");
	by = unhide(r, optional_text(r, n, "createdBy"));
	if (by == NULL)
		return -1;
	*h = (struct history){
	    .created_by = by, .comment = "", .layer = (int)place};
	if (layer->digest[0] == '\0')
		layer->digest = made_digest(r->mem, place, layer->size, by);
	return layer->digest == NULL ? -1 : 0;
}

static int
read_layers(struct reader *r, const struct node *parent, struct image *img)
{
	const struct node n = node_get(parent, "layers");
	const size_t len = json_array_size(n.value);
	struct layer *layers;
	struct history *history;
	const char **ids;
	size_t i;

	if (read_given(&n) && !json_is_array(n.value))
		read_expected(r, &n, "a list of layers");
	if (len > LAYERS_MAX) {
		diagnostics_error(r->diagnostics, &n,
		    "%zu layers, at most %d are read", len, LAYERS_MAX);
		return -1;
	}
	layers = arena_calloc(img->mem, len, sizeof(*layers));
	history = arena_calloc(img->mem, len, sizeof(*history));
	ids = arena_calloc(img->mem, len, sizeof(*ids));
	if (layers == NULL || history == NULL || ids == NULL)
		return -1;
	for (i = 0; i < len; i++) {
		const struct node item = node_at(&n, i);

		if (read_layer(r, &item, i, &layers[i], &history[i]) != 0)
			return -1;
		ids[i] = layers[i].digest;
		if (__builtin_add_overflow(
			img->size, layers[i].size, &img->size)) {
			diagnostics_error(r->diagnostics, &n,
			    "together over %" PRId64 " bytes", INT64_MAX);
			return -1;
		}
	}
	img->layers = layers;
	img->nlayers = len;
	img->history = history;
	img->nhistory = len;
	img->diff_ids = (struct string_list){.items = ids, .n = len};
	return 0;
}

static void
read_state(struct reader *r, const struct node *parent, struct image *img)
{
	const struct node n = node_get(parent, "history");
	int i = read_given(&n) ? read_word(r, &n, states) : HISTORY_RELIABLE;

	if (i >= 0)
		img->history_state = (enum history_state)i;
	if (img->history_state == HISTORY_ABSENT)
		img->nhistory = 0;
}

static void
read_created(struct reader *r, const struct node *parent, struct image *img)
{
	const struct node n = node_get(parent, "created");
	const char *text = optional_text(r, parent, "created");

	if (text[0] == '\0')
		return;
	img->has_created = true;
	if (units_parse_time(text, &img->created) != 0 &&
	    units_parse_date(text, &img->created) != 0)
		read_expected(r, &n, "a time such as 2026-01-31T12:00:00Z");
}

static int
read_platform(struct reader *r, const struct node *n, struct image *img)
{
	const struct node at = node_get(n, "platform");
	const char *text = optional_text(r, n, "platform");
	struct error err = ERROR_INIT;

	if (text[0] == '\0')
		text = "linux/amd64";
	if (platform_parse(&img->platform, text, r->mem, &err) == 0)
		return 0;
	diagnostics_error(r->diagnostics, &at, "%s", err.msg);
	return -1;
}

/* Everything lives in the image's own arena, which the reader has meanwhile. */
static struct image *
read_image(struct reader *outer, const struct node *n)
{
	static const char *const keys[] = {"platform", "digest", "size",
	    "created", "user", "layers", "history", "env", "labels", "ports",
	    "volumes", "entrypoint", "cmd", "base", NULL};
	AUTO(image_unref) struct image *img = image_new(0);
	const struct node labels = node_get(n, "labels");
	struct reader r = {.diagnostics = outer->diagnostics};

	if (img == NULL || !diagnostics_check_keys(r.diagnostics, n, keys))
		return NULL;
	r.mem = img->mem;
	img->digest = optional_text(&r, n, "digest");
	if (img->digest[0] == '\0')
		img->digest = made_digest(r.mem, 0, 0, "manifest");
	img->config_digest = "";
	img->user = optional_text(&r, n, "user");
	img->env = optional_list(&r, n, "env");
	img->ports = optional_list(&r, n, "ports");
	img->volumes = optional_list(&r, n, "volumes");
	img->entrypoint = optional_list(&r, n, "entrypoint");
	img->cmd = optional_list(&r, n, "cmd");
	if (read_given(&labels) && read_pairs(&r, &labels, &img->labels) != 0)
		return NULL;
	read_created(&r, n, img);
	if (img->digest == NULL || unhide_all(&r, &img->env) != 0 ||
	    read_platform(&r, n, img) != 0 || read_layers(&r, n, img) != 0)
		return NULL;
	read_state(&r, n, img);
	return history_scan(img) == 0 ? TAKE(img) : NULL;
}

struct image_set *
facts_read(struct reader *r, const struct node *platforms)
{
	AUTO(image_set_unref) struct image_set *set = image_set_new(0);
	const size_t len = json_array_size(platforms->value);
	const size_t errors = r->diagnostics->errors;

	if (len == 0 || len > PLATFORMS_MAX) {
		read_expected(r, platforms, "a list of 1 to 64 platforms");
		return NULL;
	}
	if (set != NULL)
		set->images =
		    arena_calloc(set->mem, len, sizeof(struct image *));
	if (set == NULL || set->images == NULL) {
		read_no_memory(r, platforms);
		return NULL;
	}
	while (set->n < len) {
		const struct node item = node_at(platforms, set->n);
		struct image *img = read_image(r, &item);

		if (img == NULL) {
			if (r->diagnostics->errors == errors)
				read_no_memory(r, &item);
			return NULL;
		}
		set->images[set->n++] = img;
	}
	set->digest = set->images[0]->digest;
	return r->diagnostics->errors == errors ? TAKE(set) : NULL;
}
