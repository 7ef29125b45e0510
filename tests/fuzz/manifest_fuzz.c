/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/reference.h"
#include "server/registry/manifest.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/runtime.h"

#include <string.h>

enum { MEMORY_MAX = 64 * 1024, MEMORY_EACH = 16 };

static void
check_descriptor(const struct descriptor *d, const json_t *theirs)
{
	MUST(reference_is_digest(d->digest) && d->size >= 0);
	must_be_text(d->digest, theirs, "digest");
	must_be_text(d->media_type, theirs, "mediatype");
	must_be_text(d->data == NULL ? "" : d->data, theirs, "data");
	MUST(d->size == json_integer_value(json_object_get(theirs, "size")));
}

static void
check_image(const struct manifest *m, const json_t *root)
{
	const json_t *layers = json_object_get(root, "layers");
	int64_t size = 0;

	MUST(json_object_get(root, "manifests") == NULL);
	check_descriptor(&m->config, json_object_get(root, "config"));
	if (m->kind == MANIFEST_ARTIFACT)
		return;
	MUST(m->nlayers == json_array_size(layers));
	for (size_t i = 0; i < m->nlayers; i++) {
		const struct layer *l = &m->layers[i];

		check_descriptor(&(struct descriptor){.digest = l->digest,
				     .media_type = l->media_type,
				     .size = l->size,
				     .data = runtime_string(
					 json_array_get(layers, i), "data")},
		    json_array_get(layers, i));
		MUST(!__builtin_add_overflow(size, l->size, &size));
	}
	MUST(m->size == size);
}

static bool
is_unknown(const json_t *platform, struct arena *mem)
{
	struct platform p;

	MUST(platform_init(&p, runtime_string(platform, "os"),
		 runtime_string(platform, "architecture"), "", "", mem) == 0);
	return strcmp(p.os, "unknown") == 0 && strcmp(p.arch, "unknown") == 0;
}

static void
check_platform(
    const struct index_entry *e, const json_t *theirs, struct arena *mem)
{
	struct platform p;

	MUST(e->has_platform == (theirs != NULL));
	if (theirs == NULL)
		return;
	MUST(platform_init(&p, runtime_string(theirs, "os"),
		 runtime_string(theirs, "architecture"),
		 runtime_string(theirs, "variant"),
		 runtime_string(theirs, "os.version"), mem) == 0);
	MUST(platform_equal(&p, &e->platform));
	MUST(strcmp(p.os_version, e->platform.os_version) == 0);
}

/* Every entry that could run is there. */
static void
check_index(const struct manifest *m, const json_t *root, struct arena *mem)
{
	const json_t *list = json_object_get(root, "manifests"), *platform;
	size_t n = 0;

	MUST(json_object_get(root, "config") == NULL);
	MUST(json_object_get(root, "layers") == NULL);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);

		platform = json_object_get(entry, "platform");
		if (is_unknown(platform, mem))
			continue;
		MUST(n < m->nentries);
		check_descriptor(&m->entries[n].d, entry);
		check_platform(&m->entries[n], platform, mem);
		n++;
	}
	MUST(n == m->nentries);
}

static void
check(
    const struct manifest *m, const char *data, size_t size, struct arena *mem)
{
	AUTO(json_decref) json_t *root = runtime_read(data, size);
	const char *type = runtime_string(root, "mediatype");

	MUST(json_is_object(root));
	MUST(*type == '\0' || strcmp(type, m->media_type) == 0);
	MUST(json_object_get(root, "fslayers") == NULL);
	MUST(arena_size(mem) <= MEMORY_MAX + MEMORY_EACH * size);
	if (m->kind == MANIFEST_INDEX)
		check_index(m, root, mem);
	else
		check_image(m, root);
}

/* A first line that does not begin the document is its Content-Type. */
static const char *
take_type(const char **data, size_t *size, struct arena *mem)
{
	const char *end = memchr(*data, '\n', *size);
	const char *type;

	if (end == NULL || **data == '{')
		return NULL;
	type = arena_strndup(mem, *data, (size_t)(end - *data));
	*size -= (size_t)(end + 1 - *data);
	*data = end + 1;
	return type;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	const char *text = (const char *)data, *type;
	struct error err = ERROR_INIT;
	struct manifest m;

	if (mem == NULL || size == 0)
		return 0;
	type = take_type(&text, &size, mem);
	if (manifest_parse(&m, text, size, type, mem, &err) == 0) {
		check(&m, text, size, mem);
		return 0;
	}
	MUST(err.code == ERR_SYNTAX || err.code == ERR_UNSUPPORTED ||
	     err.code == ERR_LIMIT);
	must_be_plain(err.msg);
	return 0;
}
