/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_PLACE_H
#define CERTS_PLACE_H

#include "policy/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Putting files in place whole: whoever reads sees the old one or the new
 * one, and a key is never readable by others, not even for a moment.
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

/* Writes all of them beside their places first, and moves none there before
 * all are safe on disk. ERR_SYSTEM, ERR_LIMIT (a path). */
int place_files(const char *dir, const struct place_file *files, size_t n,
    struct error *err);

#endif
