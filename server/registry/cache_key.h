/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_CACHE_KEY_H
#define SERVER_REGISTRY_CACHE_KEY_H

#include "policy/platform.h"
#include "policy/reference.h"

#include <stdbool.h>

/*
 * What an answer stands under: a reference as it was resolved for some
 * platforms. "r.io/team/app:1 linux/amd64//", "r.io/team/app@sha256:...".
 */

/* New text to free(), or NULL when memory is out. */
char *cache_key(
    const struct reference *ref, const struct platform_set *platforms);

/* A tag's key by the digest instead. New text, or NULL when memory is out. */
char *cache_key_by_digest(const char *key, const char *digest);

/* What a digest names cannot change. */
bool cache_key_is_by_digest(const char *key);

/* Whether it is of a repository: "r.io/team/app". */
bool cache_key_is_in(const char *key, const char *repository);

#endif
