/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_CONFIG_H
#define SERVER_REGISTRY_CONFIG_H

#include "policy/facts.h"
#include "server/registry/manifest.h"

#include <stddef.h>

/* Image configs (OCI image specification v1.1: config.md; Docker's adds
 * keys, and means the same by those that are read here). */

enum {
	CONFIG_BYTES_MAX = 4 * 1024 * 1024,
	HISTORY_MAX = 1000,
};

/*
 * The facts of one image: its manifest `m` (of an image, with the digest that
 * its bytes were verified against) and its config's verified bytes.
 * Returns a new reference, or NULL with *err: ERR_SYNTAX, ERR_UNSUPPORTED,
 * ERR_LIMIT, ERR_NOMEM.
 */
struct image *config_read(const struct manifest *m, const char *digest,
    const char *data, size_t len, struct error *err);

/*
 * Whether the platform that an index states is the one its config states.
 * The variant counts where both give one, and so does the release of Windows.
 * Returns 0, or -1 with ERR_SYNTAX.
 */
int config_check_platform(
    const struct image *img, const struct index_entry *e, struct error *err);

#endif
