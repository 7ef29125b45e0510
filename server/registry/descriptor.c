/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/descriptor.h"

#include "policy/reference.h"
#include "server/registry/strict.h"

#include <stdint.h>
#include <string.h>

static const char *const descriptor_keys[] = {"mediaType", "digest", "size",
    "urls", "annotations", "data", "platform", "artifactType", NULL};

static int
nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory for a manifest");
}

const char *
media_type_intern(const char *type, struct arena *mem)
{
	static const char *const common[] = {
	    "application/vnd.oci.image.layer.v1.tar+gzip",
	    "application/vnd.oci.image.layer.v1.tar+zstd",
	    "application/vnd.oci.image.layer.v1.tar",
	    "application/vnd.docker.image.rootfs.diff.tar.gzip",
	    "application/vnd.oci.image.config.v1+json",
	    "application/vnd.docker.container.image.v1+json",
	    "application/vnd.oci.image.manifest.v1+json",
	    "application/vnd.docker.distribution.manifest.v2+json",
	};
	size_t i;

	for (i = 0; i < sizeof(common) / sizeof(*common); i++)
		if (strcmp(type, common[i]) == 0)
			return common[i];
	return arena_strdup(mem, type);
}

int
digest_check(const char *digest, const char *what, struct error *err)
{
	static const char algorithm[] = "abcdefghijklmnopqrstuvwxyz"
					"0123456789+._-";
	size_t n = strspn(digest, algorithm);

	if (reference_is_digest(digest))
		return 0;
	if (n > 0 && digest[n] == ':' && digest[n + 1] != '\0' &&
	    strncmp(digest, "sha256:", 7) != 0 &&
	    strncmp(digest, "sha512:", 7) != 0)
		return error_set(err, ERR_UNSUPPORTED,
		    "the digest of a %s is of an algorithm other than sha256 "
		    "and sha512",
		    what);
	return error_set(
	    err, ERR_SYNTAX, "the digest of a %s is not a digest", what);
}

int
descriptor_read(struct descriptor *d, const json_t *value, const char *what,
    struct arena *mem, struct error *err)
{
	const char *type, *digest, *data;
	int64_t size;

	if (!json_is_object(value))
		return error_set(
		    err, ERR_SYNTAX, "a %s is not an object", what);
	if (strict_keys(value, descriptor_keys, what, err) != 0 ||
	    strict_string(value, "mediaType", &type, err) != 0 ||
	    strict_string(value, "digest", &digest, err) != 0 ||
	    strict_string(value, "data", &data, err) != 0 ||
	    strict_size(value, "size", &size, err) != 0)
		return -1;
	if (type == NULL || digest == NULL || size < 0)
		return error_set(err, ERR_SYNTAX,
		    "a %s lacks mediaType, digest or size", what);
	if (strlen(type) > MEDIA_TYPE_MAX)
		return error_set(
		    err, ERR_SYNTAX, "the mediaType of a %s is too long", what);
	if (digest_check(digest, what, err) != 0)
		return -1;
	d->size = size;
	d->media_type = media_type_intern(type, mem);
	d->digest = arena_strdup(mem, digest);
	d->data = data == NULL ? NULL : arena_strdup(mem, data);
	if (d->media_type == NULL || d->digest == NULL ||
	    (data != NULL && d->data == NULL))
		return nomem(err);
	return 0;
}

int
platform_read(struct platform *p, bool *given, const json_t *o,
    const char *lacking, struct arena *mem, struct error *err)
{
	const char *os, *arch, *variant, *version;

	if (strict_string(o, "os", &os, err) != 0 ||
	    strict_string(o, "architecture", &arch, err) != 0 ||
	    strict_string(o, "variant", &variant, err) != 0 ||
	    strict_string(o, "os.version", &version, err) != 0)
		return -1;
	if (os == NULL || arch == NULL || *os == '\0' || *arch == '\0')
		return error_set(err, ERR_SYNTAX, "%s", lacking);
	*given = variant != NULL && *variant != '\0';
	return platform_init(p, os, arch, variant, version, mem) == 0
		   ? 0
		   : nomem(err);
}

/* Room for so many of them; NULL with *err. */
static void *
new_items(size_t n, size_t size, const char *what, struct arena *mem,
    struct error *err)
{
	void *items = n > ITEMS_MAX ? NULL : arena_calloc(mem, n, size);

	if (n > ITEMS_MAX)
		error_set(err, ERR_LIMIT, "\"%s\" has more than %d entries",
		    what, ITEMS_MAX);
	else if (items == NULL)
		nomem(err);
	return items;
}

int
strict_pairs(const json_t *obj, const char *what, struct pair_list *out,
    struct arena *mem, struct error *err)
{
	json_t *o = (json_t *)(uintptr_t)obj;
	struct pair *items;
	const char *key;
	json_t *value;
	size_t n = 0;

	items =
	    new_items(json_object_size(obj), sizeof(*items), what, mem, err);
	if (items == NULL)
		return -1;
	json_object_foreach (o, key, value) {
		if (!json_is_string(value))
			return error_set(err, ERR_SYNTAX,
			    "a value of the %s is not a string", what);
		items[n].key = arena_strdup(mem, key);
		items[n].value = arena_strdup(mem, json_string_value(value));
		if (items[n].key == NULL || items[n].value == NULL)
			return nomem(err);
		n++;
	}
	*out = (struct pair_list){items, n};
	return 0;
}

int
strict_list(const json_t *list, const char *what, struct string_list *out,
    struct arena *mem, struct error *err)
{
	size_t i, n = json_array_size(list);
	const char **items;
	const json_t *v;

	items = new_items(n, sizeof(*items), what, mem, err);
	if (items == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		v = json_array_get(list, i);
		if (!json_is_string(v))
			return error_set(err, ERR_SYNTAX,
			    "an element of \"%s\" is not a string", what);
		items[i] = arena_strdup(mem, json_string_value(v));
		if (items[i] == NULL)
			return nomem(err);
	}
	*out = (struct string_list){items, n};
	return 0;
}

int
strict_set(const json_t *obj, const char *what, struct string_list *out,
    struct arena *mem, struct error *err)
{
	json_t *o = (json_t *)(uintptr_t)obj;
	const char **items;
	const char *key;
	json_t *value;
	size_t n = 0;

	items =
	    new_items(json_object_size(obj), sizeof(*items), what, mem, err);
	if (items == NULL)
		return -1;
	json_object_foreach (o, key, value) {
		items[n] = arena_strdup(mem, key);
		if (items[n] == NULL)
			return nomem(err);
		n++;
	}
	*out = (struct string_list){items, n};
	return 0;
}
