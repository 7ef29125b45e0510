/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_MANIFEST_H
#define SERVER_REGISTRY_MANIFEST_H

#include "policy/base/arena.h"
#include "policy/base/error.h"
#include "policy/facts.h"
#include "policy/platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Image manifests and image indexes, OCI and Docker schema 2, read so that
 * no runtime can read them differently (OCI image specification v1.1:
 * manifest.md, image-index.md, descriptor.md).
 */

enum {
	MANIFEST_BYTES_MAX = 4 * 1024 * 1024,
	INDEX_ENTRIES_MAX = 1000,
	LAYERS_MAX = 1000,
	/* Longer ones are no media types (RFC 6838 allows 127 + 127). */
	MEDIA_TYPE_MAX = 255,
};

/* The header that says what is asked for: everything that is judged, and
 * nothing else; a registry that sees a wildcard may answer schema 1. */
extern const char manifest_accept[];

struct descriptor {
	const char *media_type;
	const char *digest;
	int64_t size;
	const char *data; /* the content itself, base64; or NULL */
};

struct index_entry {
	struct descriptor d;
	bool is_index; /* else an image manifest */
	bool has_platform;
	bool variant_given; /* as written, before normalisation */
	struct platform platform;
};

/* An artifact is a manifest whose config is not an image's: no runtime runs
 * it. */
enum manifest_kind { MANIFEST_IMAGE, MANIFEST_INDEX, MANIFEST_ARTIFACT };

/* Strings live in the arena that it was read into. */
struct manifest {
	enum manifest_kind kind;
	const char *media_type; /* one of the four that are asked for */
	size_t bytes;
	/* Of an image: */
	struct descriptor config;
	struct layer *layers;
	size_t nlayers;
	int64_t size; /* sum of the layers */
	struct pair_list annotations;
	/* Of an index; what could run nowhere is left out. */
	struct index_entry *entries;
	size_t nentries;
};

/* Whether a Content-Type (or NULL) is one of Docker's schema 1. */
bool manifest_is_schema1(const char *content_type);

/*
 * Reads a manifest. `content_type` is the answer's header, or NULL: without
 * parameters it has to agree with "mediaType", unless it says nothing
 * (text/plain, application/json, application/octet-stream).
 * Returns 0, or -1 with *err:
 *   ERR_SYNTAX       breaks the specification, or can be read two ways
 *   ERR_UNSUPPORTED  schema 1, an unknown type or algorithm
 *   ERR_LIMIT        over a bound above
 *   ERR_NOMEM
 */
int manifest_parse(struct manifest *m, const char *data, size_t len,
    const char *content_type, struct arena *mem, struct error *err);

#endif
