/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/local.h"

#include "certs/digest.h"
#include "policy/base/buf.h"
#include "policy/base/file.h"
#include "policy/base/text.h"
#include "policy/reference.h"
#include "server/registry/config.h"
#include "server/registry/descriptor.h"
#include "server/registry/manifest.h"
#include "server/registry/resolve.h"
#include "server/registry/strict.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static const char REF_NAME[] = "org.opencontainers.image.ref.name";

enum { NAMES_SHOWN_MAX = 120, INDEX_BYTES_MAX = MANIFEST_BYTES_MAX };

struct layout {
	const char *dir;
	struct arena *mem; /* of manifests, while they are read */
	struct image_set *set;
	int manifests;
	int64_t bytes;
};

/* What a file of the layout is called, as a regular file: 0, or -1. */
static int
find_file(struct buf *path, const struct layout *l, const char *digest,
    int64_t *size, struct error *err)
{
	const char *colon = strchr(digest, ':');
	struct stat st;

	buf_printf(path, "%s/blobs/%.*s/%s", l->dir, (int)(colon - digest),
	    digest, colon + 1);
	if (buf_failed(path))
		return error_set(err, ERR_NOMEM, "a path");
	if (stat(buf_text(path), &st) != 0)
		return error_set(err, ERR_NOT_FOUND,
		    "%.20s... is not in the layout", digest);
	/* Opening a pipe would wait for ever. */
	if (!S_ISREG(st.st_mode))
		return error_set(
		    err, ERR_INVALID, "%.20s... is not a regular file", digest);
	*size = st.st_size;
	return 0;
}

static int
check_size(const char *digest, int64_t size, int64_t said, struct error *err)
{
	if (size == said)
		return 0;
	return error_set(err, ERR_SIZE,
	    "%.20s... has %lld bytes, but is listed with %lld", digest,
	    (long long)size, (long long)said);
}

/* The verified content of a manifest or config. */
static char *
read_blob(struct layout *l, const struct descriptor *d, size_t *len,
    struct error *err)
{
	AUTO(buf_clear) struct buf path = BUF_INIT(PATH_MAX);
	AUTO(free) char *data = NULL;
	char digest[DIGEST_TEXT_MAX];
	int64_t size = 0;

	if (d->size > RESOLVE_BYTES_MAX - l->bytes) {
		error_set(err, ERR_LIMIT,
		    "it has more than %d bytes of manifests and configs",
		    RESOLVE_BYTES_MAX);
		return NULL;
	}
	l->bytes += d->size;
	if (digest_check(d->digest, "blob", err) != 0 ||
	    find_file(&path, l, d->digest, &size, err) != 0 ||
	    check_size(d->digest, size, d->size, err) != 0)
		return NULL;
	data = file_read(buf_text(&path), (size_t)d->size, len, err);
	if (data == NULL || digest_of(d->digest, data, *len, digest, err) != 0)
		return NULL;
	if (strcmp(digest, d->digest) != 0) {
		error_set(err, ERR_DIGEST, "%.20s... is not what its name says",
		    d->digest);
		return NULL;
	}
	return TAKE(data);
}

/* A node pulls them by these sizes. */
static int
check_layers(const struct layout *l, const struct image *img, struct error *err)
{
	size_t i;

	for (i = 0; i < img->nlayers; i++) {
		const struct layer *layer = &img->layers[i];
		AUTO(buf_clear) struct buf path = BUF_INIT(PATH_MAX);
		int64_t size;

		if (find_file(&path, l, layer->digest, &size, err) != 0 ||
		    check_size(layer->digest, size, layer->size, err) != 0)
			return error_wrap(err, "layer %zu", i + 1);
	}
	return 0;
}

static int
add_image(struct layout *l, const struct manifest *m, const char *digest,
    const struct index_entry *e, struct error *err)
{
	AUTO(free) char *data = NULL;
	AUTO(image_unref) struct image *img = NULL;
	size_t len;

	data = read_blob(l, &m->config, &len, err);
	if (data != NULL)
		img = config_read(m, digest, data, len, err);
	if (img == NULL || check_layers(l, img, err) != 0 ||
	    (e != NULL && config_check_platform(img, e, err) != 0))
		return -1;
	/* As runtimes do, which go by the index. */
	if (e != NULL && e->has_platform &&
	    platform_copy(&img->platform, &e->platform, img->mem) != 0)
		return error_set(err, ERR_NOMEM, "an image");
	l->set->images[l->set->n++] = TAKE(img);
	return 0;
}

static int add_manifest(struct layout *l, const struct descriptor *d,
    const struct index_entry *e, int depth, struct error *err);

/* Tools that copy one platform leave the index as it was. */
static bool
is_there(const struct layout *l, const struct descriptor *d)
{
	AUTO(buf_clear) struct buf path = BUF_INIT(PATH_MAX);
	struct error why = ERROR_INIT;
	int64_t size;

	return digest_check(d->digest, "manifest", &why) == 0 &&
	       find_file(&path, l, d->digest, &size, &why) == 0;
}

static int
add_entries(
    struct layout *l, const struct manifest *m, int depth, struct error *err)
{
	size_t i;

	if (depth == INDEX_DEPTH_MAX)
		return error_set(err, ERR_LIMIT,
		    "its indexes are nested more than %d deep",
		    INDEX_DEPTH_MAX);
	for (i = 0; i < m->nentries; i++)
		if (is_there(l, &m->entries[i].d) &&
		    add_manifest(l, &m->entries[i].d, &m->entries[i], depth + 1,
			err) != 0)
			return -1;
	return 0;
}

static int
add_manifest(struct layout *l, const struct descriptor *d,
    const struct index_entry *e, int depth, struct error *err)
{
	AUTO(free) char *data = NULL;
	struct manifest m;
	size_t len;

	if (++l->manifests > CHILD_MANIFESTS_MAX)
		return error_set(err, ERR_LIMIT,
		    "it leads to more than %d manifests", CHILD_MANIFESTS_MAX);
	data = read_blob(l, d, &len, err);
	if (data == NULL ||
	    manifest_parse(&m, data, len, d->media_type, l->mem, err) != 0)
		return -1;
	if (m.kind == MANIFEST_IMAGE)
		return add_image(l, &m, d->digest, e, err);
	if (m.kind == MANIFEST_INDEX)
		return add_entries(l, &m, depth, err);
	if (e != NULL && !e->has_platform)
		return 0;
	return error_set(
	    err, ERR_UNSUPPORTED, "it is an artifact, not an image");
}

static const char *
name_of(const json_t *entry)
{
	const json_t *notes = json_object_get(entry, "annotations");

	return json_string_value(json_object_get(notes, REF_NAME));
}

/* "1.4" is meant by "1.4" and by "registry.corp/web:1.4". */
static bool
is_named(const char *name, const char *wanted)
{
	size_t n, w = strlen(wanted);

	if (name == NULL || w == 0)
		return false;
	n = strlen(name);
	return n >= w && strcmp(name + n - w, wanted) == 0 &&
	       (n == w || name[n - w - 1] == ':');
}

/* Which of the images; borrowed from the list. */
static const json_t *
choose(const json_t *list, const char *wanted, struct error *err)
{
	AUTO(buf_clear) struct buf names = BUF_INIT(NAMES_SHOWN_MAX + 64);
	const json_t *found = NULL;
	size_t i, matches = 0;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		const char *name = name_of(entry);

		if (wanted == NULL || is_named(name, wanted)) {
			found = entry;
			matches++;
		}
		if (name != NULL && names.len < NAMES_SHOWN_MAX / 2) {
			buf_puts(&names, names.len > 0 ? ", " : "");
			text_sanitise(&names, name, NAMES_SHOWN_MAX / 2);
		}
	}
	if (matches == 1)
		return found;
	if (matches == 0)
		error_set(err, ERR_NOT_FOUND,
		    "there is no image \"%.60s\" in it%s%s",
		    wanted != NULL ? wanted : "",
		    names.len > 0 ? "; it has " : "", buf_text(&names));
	else
		error_set(err, ERR_INVALID,
		    "%zu images in it may be meant: name one behind a colon%s%s",
		    matches, names.len > 0 ? ", of " : "", buf_text(&names));
	return NULL;
}

static json_t *
read_index(const char *dir, struct error *err)
{
	AUTO(buf_clear) struct buf path = BUF_INIT(PATH_MAX);
	AUTO(free) char *data = NULL;
	struct stat st;
	size_t len;

	buf_printf(&path, "%s/index.json", dir);
	if (buf_failed(&path)) {
		error_set(err, ERR_NOMEM, "a path");
		return NULL;
	}
	if (stat(dir, &st) != 0) {
		error_set(err, ERR_SYSTEM, "%s", strerror(errno));
		return NULL;
	}
	if (stat(buf_text(&path), &st) != 0 || !S_ISREG(st.st_mode)) {
		error_set(err, ERR_SYSTEM,
		    "not an OCI image layout: it has no index.json");
		return NULL;
	}
	data = file_read(buf_text(&path), INDEX_BYTES_MAX, &len, err);
	return data != NULL ? strict_parse(data, len, err) : NULL;
}

/* A whole reference is the image's name; a mere tag is none. */
static int
take_name(struct local *out, const json_t *entry, struct error *err)
{
	const char *name = name_of(entry);

	if (name == NULL || strchr(name, '/') == NULL)
		return 0;
	out->name = strdup(name);
	return out->name != NULL ? 0 : error_set(err, ERR_NOMEM, "a name");
}

static int
read_chosen(
    struct layout *l, const json_t *entry, struct local *out, struct error *err)
{
	struct descriptor d;

	if (descriptor_read(&d, entry, "manifest", l->mem, err) != 0)
		return -1;
	l->set->digest = arena_strdup(l->set->mem, d.digest);
	l->set->images = arena_calloc(
	    l->set->mem, CHILD_MANIFESTS_MAX, sizeof(struct image *));
	if (l->set->digest == NULL || l->set->images == NULL)
		return error_set(err, ERR_NOMEM, "an image");
	if (add_manifest(l, &d, NULL, 0, err) != 0)
		return -1;
	if (l->set->n == 0)
		return error_set(err, ERR_NO_PLATFORM,
		    "the layout has none of the images that its index lists");
	return take_name(out, entry, err);
}

int
layout_read(
    const char *dir, const char *wanted, struct local *out, struct error *err)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	AUTO(image_set_unref) struct image_set *set = image_set_new(0);
	AUTO(json_decref) json_t *root = NULL;
	struct layout l = {.dir = dir, .mem = mem, .set = set};
	const json_t *entry;
	json_t *list;

	if (mem == NULL || set == NULL)
		return error_set(err, ERR_NOMEM, "an image");
	root = read_index(dir, err);
	if (root == NULL || strict_array(root, "manifests", &list, err) != 0)
		return -1;
	entry = choose(list, wanted, err);
	if (entry == NULL || read_chosen(&l, entry, out, err) != 0)
		return -1;
	out->set = TAKE(set);
	return 0;
}
