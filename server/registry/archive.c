/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/local.h"

#include "certs/digest.h"
#include "policy/base/buf.h"
#include "policy/base/text.h"
#include "policy/base/tree.h"
#include "server/registry/archive_members.h"
#include "server/registry/config.h"
#include "server/registry/strict.h"

#include <string.h>

/*
 * What `docker save` writes: manifest.json names a config and layers, which
 * are members of the same archive. No manifest of a registry is in it, so one
 * is made as a push would.
 */

enum { NAMES_SHOWN_MAX = 120, HEX_LEN = 64 /* of a sha256 */ };

/* Whether a member's name promises its digest: "<hex>.json",
 * "blobs/sha256/<hex>"; and keeps the promise. */
static int
check_name(const struct member *m, struct error *err)
{
	const char *hex = strrchr(m->name, '/');

	hex = hex != NULL ? hex + 1 : m->name;
	if (strspn(hex, "0123456789abcdef") != HEX_LEN ||
	    (hex[HEX_LEN] != '\0' && strcmp(hex + HEX_LEN, ".json") != 0))
		return 0;
	if (memcmp(hex, m->digest + strlen("sha256:"), HEX_LEN) == 0)
		return 0;
	return error_set(
	    err, ERR_DIGEST, "%.20s... is not what its name says", hex);
}

static const struct member *
get(const struct members *all, const json_t *name, const char *what,
    struct error *err)
{
	const struct member *m;

	if (!json_is_string(name)) {
		error_set(err, ERR_SYNTAX, "manifest.json names no %s", what);
		return NULL;
	}
	m = members_find(all, json_string_value(name));
	if (m == NULL)
		error_set(err, ERR_NOT_FOUND,
		    "a %s that manifest.json names is not in it", what);
	return m == NULL || check_name(m, err) != 0 ? NULL : m;
}

static bool
has_name(const json_t *image, const char *wanted)
{
	const json_t *names = json_object_get(image, "RepoTags");
	size_t i;

	for (i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (name != NULL && strcmp(name, wanted) == 0)
			return true;
	}
	return false;
}

/* Its first name, or NULL. */
static const char *
name_of(const json_t *image)
{
	return json_string_value(
	    json_array_get(json_object_get(image, "RepoTags"), 0));
}

static json_t *
choose(json_t *list, const char *wanted, struct error *err)
{
	AUTO(buf_clear) struct buf names = BUF_INIT(2 * NAMES_SHOWN_MAX);
	const size_t n = json_array_size(list);
	size_t i;

	if (n == 1 && wanted == NULL)
		return json_array_get(list, 0);
	for (i = 0; i < n; i++) {
		json_t *image = json_array_get(list, i);

		if (wanted != NULL && has_name(image, wanted))
			return image;
		if (name_of(image) == NULL || names.len > NAMES_SHOWN_MAX)
			continue;
		buf_puts(&names, names.len > 0 ? ", " : "");
		text_sanitise(&names, name_of(image), NAMES_SHOWN_MAX / 2);
	}
	if (wanted != NULL)
		error_set(err, ERR_NOT_FOUND,
		    "there is no image \"%.60s\" in it; it has: %s", wanted,
		    buf_text(&names));
	else
		error_set(err, ERR_INVALID,
		    "it holds %zu images: name one behind a colon, of %s", n,
		    buf_text(&names));
	return NULL;
}

/* The manifest that a push would make of it: new text, free() it. */
static char *
make_manifest(const struct members *all, const json_t *image,
    const struct member *config, bool *estimated, struct error *err)
{
	AUTO(json_decref) json_t *layers = json_array();
	AUTO(json_decref) json_t *root = NULL;
	const json_t *names = json_object_get(image, "Layers");
	char *text;
	size_t i;

	for (i = 0; i < json_array_size(names); i++) {
		const struct member *m =
		    get(all, json_array_get(names, i), "layer", err);

		if (m == NULL)
			return NULL;
		*estimated |= !m->compressed;
		json_array_append_new(layers,
		    json_pack("{s:s, s:s, s:I}", "mediaType",
			"application/vnd.oci.image.layer.v1.tar+gzip", "digest",
			m->digest, "size", (json_int_t)m->pulled));
	}
	root = json_pack("{s:i, s:s, s:{s:s, s:s, s:I}, s:O}", "schemaVersion",
	    2, "mediaType", "application/vnd.oci.image.manifest.v1+json",
	    "config", "mediaType", "application/vnd.oci.image.config.v1+json",
	    "digest", config->digest, "size", (json_int_t)config->size,
	    "layers", layers);
	text = root != NULL ? tree_dump(root, JSON_COMPACT) : NULL;
	if (text == NULL || json_array_size(layers) != json_array_size(names)) {
		free(text);
		error_set(err, ERR_NOMEM, "a manifest");
		return NULL;
	}
	return text;
}

/* Layers that are not compressed have the digests that the config gives. */
static int
check_layers(const struct members *all, const json_t *image,
    const struct image *img, struct error *err)
{
	const json_t *names = json_object_get(image, "Layers");
	size_t i;

	for (i = 0; i < img->nlayers; i++) {
		const struct member *m =
		    get(all, json_array_get(names, i), "layer", err);

		if (m == NULL)
			return -1;
		if (!m->compressed &&
		    strcmp(m->digest, img->diff_ids.items[i]) != 0)
			return error_set(err, ERR_DIGEST,
			    "layer %zu is not what the config says", i + 1);
	}
	return 0;
}

static struct image *
read_image(const struct members *all, const json_t *image, bool *estimated,
    struct error *err)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	AUTO(free) char *text = NULL;
	AUTO(image_unref) struct image *img = NULL;
	const struct member *config;
	struct manifest m;

	config = get(all, json_object_get(image, "Config"), "config", err);
	if (config == NULL)
		return NULL;
	if (config->data == NULL) {
		error_set(err, ERR_SYNTAX, "the config is no JSON");
		return NULL;
	}
	text = make_manifest(all, image, config, estimated, err);
	if (text == NULL || mem == NULL ||
	    manifest_parse(&m, text, strlen(text), NULL, mem, err) != 0)
		return NULL;
	img = config_read(
	    &m, config->digest, config->data, (size_t)config->size, err);
	if (img == NULL || check_layers(all, image, img, err) != 0)
		return NULL;
	return TAKE(img);
}

static struct image_set *
set_of(struct image *img)
{
	AUTO(image_set_unref) struct image_set *set = image_set_new(0);

	if (set == NULL)
		return NULL;
	set->digest = arena_strdup(set->mem, img->digest);
	set->images = arena_calloc(set->mem, 1, sizeof(struct image *));
	if (set->digest == NULL || set->images == NULL)
		return NULL;
	set->images[set->n++] = image_ref(img);
	return TAKE(set);
}

static int
read_chosen(const struct members *all, const char *wanted, struct local *out,
    struct error *err)
{
	const struct member *list = members_find(all, "manifest.json");
	AUTO(json_decref) json_t *root = NULL;
	AUTO(image_unref) struct image *img = NULL;
	const json_t *image;

	if (list == NULL || list->data == NULL)
		return error_set(err, ERR_SYNTAX,
		    "not what docker save writes: it has no manifest.json");
	root = strict_parse_list(list->data, (size_t)list->size, err);
	image = root != NULL ? choose(root, wanted, err) : NULL;
	if (image == NULL)
		return root == NULL ? error_wrap(err, "manifest.json") : -1;
	img = read_image(all, image, &out->estimated, err);
	if (img == NULL)
		return err->code == ERR_NONE
			   ? error_set(err, ERR_NOMEM, "an image")
			   : -1;
	out->set = set_of(img);
	if (wanted == NULL)
		wanted = name_of(image);
	if (wanted != NULL)
		out->name = strdup(wanted);
	return out->set != NULL && (wanted == NULL || out->name != NULL)
		   ? 0
		   : error_set(err, ERR_NOMEM, "an image");
}

int
archive_read(
    const char *file, const char *wanted, struct local *out, struct error *err)
{
	AUTO(members_clear) struct members all = {.n = 0};

	if (members_read(&all, file, err) != 0)
		return -1;
	return read_chosen(&all, wanted, out, err);
}
