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

/*
 * Makes the folder where it is missing. Without `force` none of `names` (ends
 * with NULL) may be in it. ERR_INVALID, ERR_SYSTEM.
 */
int place_folder(
    const char *dir, const char *const *names, bool force, struct error *err);

/* ERR_SYSTEM, ERR_LIMIT (the path). */
int place_file(const char *dir, const char *name, const void *data, size_t len,
    mode_t mode, struct error *err);

#endif
