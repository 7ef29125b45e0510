/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_PLACE_H
#define CERTS_PLACE_H

#include "policy/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Putting files in place that belong together: whoever reads sees all of the
 * old ones or all of the new ones, whatever happens meanwhile, and a key is
 * never readable by others, not even for a moment.
 *
 * As the kubelet does for a Secret: "tls.crt" is a link to "..data/tls.crt",
 * and "..data" is a link to the folder that holds the files of one generation,
 * replaced by a rename. Plain files that were there before become links to the
 * same content first.
 */
struct place_file {
	const char *name;
	const void *data; /* borrowed */
	size_t len;
	mode_t mode;
};

/*
 * Makes the folder, and those above it, where they are missing. Without
 * `force` none of the files may be in it. ERR_INVALID, ERR_SYSTEM, ERR_LIMIT
 * (the path).
 */
int place_folder(const char *dir, const struct place_file *files, size_t n,
    bool force, struct error *err);

/* Keeps others out until the descriptor is closed. -1 with *err:
 * ERR_UNAVAILABLE (somebody else has it), ERR_SYSTEM. */
int place_lock(const char *dir, struct error *err);

/* Every file is safe on disk before any of them is seen. ERR_SYSTEM,
 * ERR_LIMIT (a path). */
int place_files(const char *dir, const struct place_file *files, size_t n,
    struct error *err);

#endif
