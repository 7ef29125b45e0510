/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/config.h"

#include "policy/history.h"

#include "policy/base/units.h"
#include "server/registry/descriptor.h"
#include "server/registry/strict.h"

#include <string.h>

/* What an image takes beside its config's text: seen at up to 640 bytes. */
enum { FACTS_BESIDE = 768 };

static const char *const root_keys[] = {"created", "author", "architecture",
    "os", "os.version", "os.features", "variant", "config", "rootfs", "history",
    "container", "container_config", "docker_version", "id", "parent",
    "comment", NULL};
static const char *const config_keys[] = {"User", "ExposedPorts", "Env",
    "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal",
    "ArgsEscaped", "Memory", "MemorySwap", "CpuShares", "Healthcheck",
    "Hostname", "Domainname", "AttachStdin", "AttachStdout", "AttachStderr",
    "Tty", "OpenStdin", "StdinOnce", "Image", "OnBuild", "Shell",
    "NetworkDisabled", "MacAddress", "StopTimeout", NULL};
static const char *const rootfs_keys[] = {"type", "diff_ids", NULL};
static const char *const history_keys[] = {
    "created", "created_by", "author", "comment", "empty_layer", NULL};

static int
nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory for a config");
}

/* A string of the config, "" where absent. */
static int
take_string(const json_t *o, const char *key, const char **out,
    struct arena *mem, struct error *err)
{
	const char *s;

	if (strict_string(o, key, &s, err) != 0)
		return -1;
	*out = s == NULL || *s == '\0' ? "" : arena_strdup(mem, s);
	return *out == NULL ? nomem(err) : 0;
}

static int
take_list(const json_t *o, const char *key, struct string_list *out,
    struct arena *mem, struct error *err)
{
	json_t *list;

	if (strict_array(o, key, &list, err) != 0)
		return -1;
	return strict_list(list, key, out, mem, err);
}

static int
take_set(const json_t *o, const char *key, struct string_list *out,
    struct arena *mem, struct error *err)
{
	json_t *set;

	if (strict_object(o, key, &set, err) != 0)
		return -1;
	return strict_set(set, key, out, mem, err);
}

/* What the image's author set for running it. */
static int
read_run(struct image *img, const json_t *root, struct error *err)
{
	struct arena *mem = img->mem;
	json_t *c, *labels;

	img->user = "";
	if (strict_object(root, "config", &c, err) != 0)
		return -1;
	if (c == NULL)
		return 0;
	if (strict_keys(c, config_keys, "config", err) != 0 ||
	    take_string(c, "User", &img->user, mem, err) != 0 ||
	    take_list(c, "Env", &img->env, mem, err) != 0 ||
	    take_list(c, "Entrypoint", &img->entrypoint, mem, err) != 0 ||
	    take_list(c, "Cmd", &img->cmd, mem, err) != 0 ||
	    take_set(c, "ExposedPorts", &img->ports, mem, err) != 0 ||
	    take_set(c, "Volumes", &img->volumes, mem, err) != 0 ||
	    strict_object(c, "Labels", &labels, err) != 0)
		return -1;
	return strict_pairs(labels, "labels", &img->labels, mem, err);
}

/* A time that cannot be read is no time: it says nothing about age. */
static int
read_created(struct image *img, const json_t *root, struct error *err)
{
	const char *s;

	if (strict_string(root, "created", &s, err) != 0)
		return -1;
	img->has_created = s != NULL && units_parse_time(s, &img->created) == 0;
	return 0;
}

static int
read_diff_ids(struct image *img, const json_t *root, struct error *err)
{
	json_t *rootfs, *ids;
	const char *type;
	size_t i;

	if (strict_object(root, "rootfs", &rootfs, err) != 0)
		return -1;
	if (rootfs == NULL)
		return error_set(
		    err, ERR_SYNTAX, "the image's config has no rootfs");
	if (strict_keys(rootfs, rootfs_keys, "rootfs", err) != 0 ||
	    strict_string(rootfs, "type", &type, err) != 0 ||
	    strict_array(rootfs, "diff_ids", &ids, err) != 0)
		return -1;
	if (type != NULL && strcmp(type, "layers") != 0)
		return error_set(
		    err, ERR_SYNTAX, "the rootfs is not of type layers");
	if (json_array_size(ids) != img->nlayers)
		return error_set(err, ERR_SYNTAX,
		    "the manifest has %zu layers but the config has %zu "
		    "diff_ids",
		    img->nlayers, json_array_size(ids));
	if (strict_list(ids, "diff_ids", &img->diff_ids, img->mem, err) != 0)
		return -1;
	for (i = 0; i < img->diff_ids.n; i++)
		if (digest_check(img->diff_ids.items[i], "diff_id", err) != 0)
			return -1;
	return 0;
}

static int
read_entry(struct history *h, const json_t *value, struct arena *mem,
    struct error *err)
{
	h->layer = -1;
	if (!json_is_object(value))
		return error_set(
		    err, ERR_SYNTAX, "an entry of history is not an object");
	if (strict_keys(value, history_keys, "history", err) != 0 ||
	    take_string(value, "created_by", &h->created_by, mem, err) != 0 ||
	    take_string(value, "comment", &h->comment, mem, err) != 0)
		return -1;
	return strict_bool(value, "empty_layer", &h->empty_layer, err);
}

/* Entry by entry onto the layers, or not at all. */
static void
map_layers(struct image *img, struct history *h, size_t n)
{
	size_t i, filled = 0;
	int next = 0;

	for (i = 0; i < n; i++)
		filled += !h[i].empty_layer;
	img->history_state = HISTORY_ABSENT;
	if (n > 0)
		img->history_state = filled == img->nlayers
					 ? HISTORY_RELIABLE
					 : HISTORY_UNRELIABLE;
	for (i = 0; i < n && img->history_state == HISTORY_RELIABLE; i++)
		if (!h[i].empty_layer)
			h[i].layer = next++;
}

static int
read_history(struct image *img, const json_t *root, struct error *err)
{
	struct history *h;
	json_t *list;
	size_t i, n;

	if (strict_array(root, "history", &list, err) != 0)
		return -1;
	n = json_array_size(list);
	if (n > HISTORY_MAX)
		return error_set(err, ERR_LIMIT,
		    "the history has more than %d entries", HISTORY_MAX);
	h = arena_calloc(img->mem, n, sizeof(*h));
	if (h == NULL)
		return nomem(err);
	for (i = 0; i < n; i++)
		if (read_entry(&h[i], json_array_get(list, i), img->mem, err) !=
		    0)
			return -1;
	map_layers(img, h, n);
	img->history = h;
	img->nhistory = n;
	return 0;
}

static int
copy_pairs(
    struct pair_list *out, const struct pair_list *from, struct arena *mem)
{
	struct pair *items = arena_calloc(mem, from->n, sizeof(*items));
	size_t i;

	if (items == NULL)
		return -1;
	for (i = 0; i < from->n; i++) {
		items[i].key = arena_strdup(mem, from->items[i].key);
		items[i].value = arena_strdup(mem, from->items[i].value);
		if (items[i].key == NULL || items[i].value == NULL)
			return -1;
	}
	*out = (struct pair_list){items, from->n};
	return 0;
}

static int
copy_manifest(struct image *img, const struct manifest *m, const char *digest,
    struct error *err)
{
	struct layer *layers =
	    arena_calloc(img->mem, m->nlayers, sizeof(*layers));
	size_t i;

	img->digest = arena_strdup(img->mem, digest);
	img->media_type = media_type_intern(m->media_type, img->mem);
	img->bytes = (int64_t)m->bytes;
	img->config_digest = arena_strdup(img->mem, m->config.digest);
	if (layers == NULL || img->digest == NULL || img->media_type == NULL ||
	    img->config_digest == NULL)
		return nomem(err);
	for (i = 0; i < m->nlayers; i++) {
		layers[i].size = m->layers[i].size;
		layers[i].digest = arena_strdup(img->mem, m->layers[i].digest);
		layers[i].media_type =
		    media_type_intern(m->layers[i].media_type, img->mem);
		if (layers[i].digest == NULL || layers[i].media_type == NULL)
			return nomem(err);
	}
	img->layers = layers;
	img->nlayers = m->nlayers;
	img->size = m->size;
	if (copy_pairs(&img->annotations, &m->annotations, img->mem) != 0)
		return nomem(err);
	return 0;
}

struct image *
config_read(const struct manifest *m, const char *digest, const char *data,
    size_t len, struct error *err)
{
	AUTO(json_decref) json_t *root = NULL;
	AUTO(image_unref) struct image *img = NULL;

	if (len > CONFIG_BYTES_MAX) {
		error_set(err, ERR_LIMIT, "the config has more than %d bytes",
		    CONFIG_BYTES_MAX);
		return NULL;
	}
	root = strict_parse(data, len, err);
	if (root == NULL) {
		error_wrap(err, "the image's config cannot be read");
		return NULL;
	}
	img = image_new(len + FACTS_BESIDE);
	if (img == NULL) {
		nomem(err);
		return NULL;
	}
	img->config_bytes = (int64_t)len;
	if (copy_manifest(img, m, digest, err) != 0 ||
	    strict_keys(root, root_keys, "config", err) != 0 ||
	    platform_read(&img->platform, &img->variant_given, root,
		"the image's config does not say its os and architecture",
		img->mem, err) != 0 ||
	    read_created(img, root, err) != 0 ||
	    read_run(img, root, err) != 0 ||
	    read_diff_ids(img, root, err) != 0 ||
	    read_history(img, root, err) != 0)
		return NULL;
	if (history_scan(img) != 0) {
		nomem(err);
		return NULL;
	}
	return TAKE(img);
}

int
config_check_platform(
    const struct image *img, const struct index_entry *e, struct error *err)
{
	const struct platform *a = &img->platform, *b = &e->platform;

	if (!e->has_platform)
		return 0;
	/* Old builders leave the variant out. */
	if (strcmp(a->os, b->os) == 0 && strcmp(a->arch, b->arch) == 0 &&
	    (!e->variant_given || !img->variant_given ||
		strcmp(a->variant, b->variant) == 0) &&
	    (strcmp(a->os, "windows") != 0 ||
		platform_same_release(a->os_version, b->os_version)))
		return 0;
	return error_set(err, ERR_SYNTAX,
	    "the index lists the image for another platform than its config "
	    "says");
}
