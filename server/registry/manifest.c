/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/manifest.h"

#include "policy/reference.h"
#include "server/registry/descriptor.h"
#include "server/registry/strict.h"

#include <string.h>
#include <strings.h>

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_ARTIFACT "application/vnd.oci.artifact.manifest.v1+json"
#define DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define DOCKER_SCHEMA1 "application/vnd.docker.distribution.manifest.v1+"

const char manifest_accept[] = "Accept: " OCI_INDEX ", " DOCKER_LIST
			       ", " OCI_MANIFEST ", " DOCKER_MANIFEST;

/* Everything that a runtime's structs for these documents know by name. */
static const char *const manifest_keys[] = {"schemaVersion", "mediaType",
    "artifactType", "config", "layers", "manifests", "subject", "annotations",
    "fsLayers", "history", "signatures", "architecture", "blobs", NULL};
static const char *const platform_keys[] = {"architecture", "os", "os.version",
    "os.features", "variant", "features", NULL};

static int
nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory for a manifest");
}

static bool
is_index_type(const char *t)
{
	return strcmp(t, OCI_INDEX) == 0 || strcmp(t, DOCKER_LIST) == 0;
}

static bool
is_image_type(const char *t)
{
	return strcmp(t, OCI_MANIFEST) == 0 || strcmp(t, DOCKER_MANIFEST) == 0;
}

/* The header without parameters, lowercase; NULL where it says nothing. */
static const char *
header_type(const char *content_type, struct arena *mem, struct error *err)
{
	static const char *const vague[] = {"", "text/plain",
	    "application/octet-stream", "application/json",
	    "binary/octet-stream"};
	char *t, *p;
	size_t i;

	if (content_type == NULL)
		return NULL;
	t = arena_strndup(mem, content_type, strcspn(content_type, "; \t"));
	if (t == NULL) {
		nomem(err);
		return NULL;
	}
	for (p = t; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	for (i = 0; i < sizeof(vague) / sizeof(*vague); i++)
		if (strcmp(t, vague[i]) == 0)
			return NULL;
	return t;
}

/* By what stands in it, for documents that do not say what they are. */
static const char *
type_by_structure(const json_t *root)
{
	return json_object_get(root, "manifests") != NULL ? OCI_INDEX
							  : OCI_MANIFEST;
}

static int
refuse_schema1(struct error *err)
{
	return error_set(err, ERR_UNSUPPORTED,
	    "the manifest is of Docker's schema 1, which runtimes no longer "
	    "pull: push the image again");
}

bool
manifest_is_schema1(const char *type)
{
	return type != NULL &&
	       strncasecmp(type, DOCKER_SCHEMA1, strlen(DOCKER_SCHEMA1)) == 0;
}

static int
check_schema(const json_t *root, struct error *err)
{
	int64_t version;

	if (json_object_get(root, "fsLayers") != NULL)
		return refuse_schema1(err);
	if (strict_size(root, "schemaVersion", &version, err) != 0)
		return -1;
	if (version == 1)
		return refuse_schema1(err);
	if (version != 2)
		return error_set(
		    err, ERR_SYNTAX, "the manifest's schemaVersion is not 2");
	return 0;
}

/*
 * Which of the four it is. Every source that says something has to say the
 * same: runtimes differ in which they believe.
 */
static const char *
decide_type(const json_t *root, const char *content_type, struct arena *mem,
    struct error *err)
{
	const char *header = header_type(content_type, mem, err), *body, *type;

	if (err->code != ERR_NONE ||
	    strict_string(root, "mediaType", &body, err) != 0)
		return NULL;
	if (header != NULL && body != NULL && strcmp(header, body) != 0) {
		error_set(err, ERR_SYNTAX,
		    "the manifest's mediaType is not the Content-Type that it "
		    "was sent with");
		return NULL;
	}
	type = body != NULL ? body : header;
	if (type == NULL)
		type = type_by_structure(root);
	if (is_index_type(type) || is_image_type(type))
		return arena_strdup(mem, type);
	if (manifest_is_schema1(type))
		refuse_schema1(err);
	else
		error_set(err, ERR_UNSUPPORTED,
		    strcmp(type, OCI_ARTIFACT) == 0
			? "it is an artifact, not an image"
			: "it is neither an image nor an index of images");
	return NULL;
}

static int
read_layers(
    struct manifest *m, json_t *list, struct arena *mem, struct error *err)
{
	struct descriptor d;
	size_t i, n = json_array_size(list);

	if (n > LAYERS_MAX)
		return error_set(err, ERR_LIMIT,
		    "the manifest has more than %d layers", LAYERS_MAX);
	m->layers = arena_calloc(mem, n, sizeof(*m->layers));
	if (m->layers == NULL)
		return nomem(err);
	for (i = 0; i < n; i++) {
		if (descriptor_read(
			&d, json_array_get(list, i), "layer", mem, err) != 0)
			return -1;
		m->layers[i] = (struct layer){
		    .digest = d.digest,
		    .media_type = d.media_type,
		    .size = d.size,
		};
		if (__builtin_add_overflow(m->size, d.size, &m->size))
			return error_set(err, ERR_SYNTAX,
			    "the layers' sizes are larger than any image");
	}
	m->nlayers = n;
	return 0;
}

static int
read_image(struct manifest *m, const json_t *root, struct arena *mem,
    struct error *err)
{
	json_t *config, *layers, *notes;

	if (json_object_get(root, "manifests") != NULL)
		return error_set(err, ERR_SYNTAX,
		    "the manifest has \"manifests\" too: it could be read as "
		    "an image and as an index");
	if (strict_object(root, "config", &config, err) != 0 ||
	    strict_array(root, "layers", &layers, err) != 0 ||
	    strict_object(root, "annotations", &notes, err) != 0)
		return -1;
	if (config == NULL || layers == NULL)
		return error_set(err, ERR_SYNTAX, "the manifest has no \"%s\"",
		    config == NULL ? "config" : "layers");
	if (descriptor_read(&m->config, config, "config", mem, err) != 0)
		return -1;
	if (strcmp(m->config.media_type, OCI_CONFIG) != 0 &&
	    strcmp(m->config.media_type, DOCKER_CONFIG) != 0) {
		m->kind = MANIFEST_ARTIFACT;
		return 0;
	}
	if (read_layers(m, layers, mem, err) != 0)
		return -1;
	return strict_pairs(notes, "annotations", &m->annotations, mem, err);
}

static int
read_platform(struct index_entry *e, const json_t *value, struct arena *mem,
    struct error *err)
{
	e->has_platform = true;
	if (strict_keys(value, platform_keys, "platform", err) != 0)
		return -1;
	return platform_read(&e->platform, &e->variant_given, value,
	    "a platform of the index lacks os or architecture", mem, err);
}

/*
 * Whether no runtime would ever run it: build tools mark attestations so. The
 * annotation that names them counts for nothing, as no runtime looks at it.
 */
static bool
runs_nowhere(const struct index_entry *e)
{
	return e->has_platform && strcmp(e->platform.os, "unknown") == 0 &&
	       strcmp(e->platform.arch, "unknown") == 0;
}

static int
read_entry(struct index_entry *e, const json_t *value, struct arena *mem,
    struct error *err)
{
	json_t *platform;

	*e = (struct index_entry){0};
	if (descriptor_read(&e->d, value, "index entry", mem, err) != 0 ||
	    strict_object(value, "platform", &platform, err) != 0)
		return -1;
	if (platform != NULL && read_platform(e, platform, mem, err) != 0)
		return -1;
	e->is_index = is_index_type(e->d.media_type);
	if (!e->is_index && !is_image_type(e->d.media_type) && !runs_nowhere(e))
		return error_set(err, ERR_UNSUPPORTED,
		    "an entry of the index is neither an image nor an index");
	return 0;
}

static int
read_index(struct manifest *m, const json_t *root, struct arena *mem,
    struct error *err)
{
	json_t *list;
	size_t i, n;

	if (json_object_get(root, "config") != NULL ||
	    json_object_get(root, "layers") != NULL)
		return error_set(err, ERR_SYNTAX,
		    "the index has \"config\" or \"layers\" too: it could be "
		    "read as an image and as an index");
	if (strict_array(root, "manifests", &list, err) != 0)
		return -1;
	if (list == NULL)
		return error_set(
		    err, ERR_SYNTAX, "the index has no \"manifests\"");
	n = json_array_size(list);
	if (n > INDEX_ENTRIES_MAX)
		return error_set(err, ERR_LIMIT,
		    "the index has more than %d entries", INDEX_ENTRIES_MAX);
	m->entries = arena_calloc(mem, n, sizeof(*m->entries));
	if (m->entries == NULL)
		return nomem(err);
	for (i = 0; i < n; i++) {
		if (read_entry(&m->entries[m->nentries],
			json_array_get(list, i), mem, err) != 0)
			return -1;
		if (!runs_nowhere(&m->entries[m->nentries]))
			m->nentries++;
	}
	return 0;
}

int
manifest_parse(struct manifest *m, const char *data, size_t len,
    const char *content_type, struct arena *mem, struct error *err)
{
	AUTO(json_decref) json_t *root = NULL;

	*m = (struct manifest){.bytes = len};
	if (len > MANIFEST_BYTES_MAX)
		return error_set(err, ERR_LIMIT,
		    "the manifest has more than %d bytes", MANIFEST_BYTES_MAX);
	root = strict_parse(data, len, err);
	if (root == NULL)
		return error_wrap(err, "the manifest cannot be read");
	if (strict_keys(root, manifest_keys, "manifest", err) != 0 ||
	    check_schema(root, err) != 0)
		return -1;
	m->media_type = decide_type(root, content_type, mem, err);
	if (m->media_type == NULL)
		return err->code == ERR_NONE ? nomem(err) : -1;
	if (is_index_type(m->media_type)) {
		m->kind = MANIFEST_INDEX;
		return read_index(m, root, mem, err);
	}
	m->kind = MANIFEST_IMAGE;
	return read_image(m, root, mem, err);
}
