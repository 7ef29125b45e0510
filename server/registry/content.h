/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_CONTENT_H
#define SERVER_REGISTRY_CONTENT_H

#include "policy/facts.h"
#include "server/registry/budget.h"
#include "server/registry/manifest.h"

#include <stdatomic.h>

/*
 * What stands behind a digest, verified and read. Immutable; shared by
 * reference.
 */
struct content {
	atomic_int refs;
	struct arena *mem;
	const char *digest;
	const char *media_type;
	enum manifest_kind kind;
	struct image *image;               /* MANIFEST_IMAGE: a reference */
	const struct index_entry *entries; /* MANIFEST_INDEX */
	size_t nentries;
	struct arena *entries_mem; /* owned: what they stand in */
	struct budget_share share; /* for that */
	int64_t config_bytes;      /* of an image whose config was fetched */
	/* From disk, as the registry could not be asked whether it still is
	 * what the name stands for. */
	bool stale;
};

/* New, with one reference. NULL when memory is out. */
struct content *content_new(
    enum manifest_kind kind, const char *digest, const char *media_type);
struct content *content_of_image(struct image *img); /* takes a reference */
struct content *content_ref(struct content *c);
void content_unref(struct content *c); /* NULL is fine */
OWNED(struct content, content_unref)

#endif
