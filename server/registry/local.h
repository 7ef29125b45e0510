/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_LOCAL_H
#define SERVER_REGISTRY_LOCAL_H

#include "policy/base/error.h"
#include "policy/facts.h"

#include <stdbool.h>

/*
 * Images that are on this machine and in no registry yet: what `check` and
 * `inspect` are given before a push. Read as strictly as a registry's answers,
 * and nothing is ever unpacked.
 *
 *	oci:DIR[:TAG]             an OCI image layout (image-layout.md)
 *	docker-archive:FILE[:REF] what `docker save` writes, compressed or not
 */
bool local_is(const char *text);

enum {
	/* Of an archive, as unpacked; its members; what is kept of them. */
	ARCHIVE_MEMBERS_MAX = 20 * 1000,
	ARCHIVE_KEPT_MAX = 32 * 1024 * 1024,
	ARCHIVE_NAME_MAX = 1024,
};
#define ARCHIVE_BYTES_MAX (INT64_C(64) << 30)

struct local {
	/* A reference. Its digest is that of the index or manifest; of an
	 * archive, which has none, that of the config ("image ID"). */
	struct image_set *set;
	/* The reference that its maker gave it, or one made of its file's name
	 * below "localhost/"; free() it. */
	char *name;
	/* Layers that were not compressed count as gzip would make them. */
	bool estimated;
};

void local_clear(struct local *l);
OWNED_IN_PLACE(struct local, local_clear)

/*
 * Reads what `text` names; local_is() holds. Returns 0, or -1 with *err:
 * ERR_SYSTEM (files), ERR_NOT_FOUND (no such image in it), ERR_DIGEST,
 * ERR_SIZE, ERR_SYNTAX, ERR_LIMIT, ERR_UNSUPPORTED, ERR_NO_PLATFORM,
 * ERR_NOMEM.
 */
int local_read(const char *text, struct local *out, struct error *err);

/* Private to local.c, layout.c and archive.c: fill set, name (NULL: none was
 * given) and estimated. `wanted` may be NULL. */
int layout_read(
    const char *dir, const char *wanted, struct local *out, struct error *err);
int archive_read(
    const char *file, const char *wanted, struct local *out, struct error *err);

#endif
