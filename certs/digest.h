/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_DIGEST_H
#define CERTS_DIGEST_H

#include "policy/base/error.h"
#include "policy/base/own.h"

#include <stddef.h>

/*
 * Content digests of the OCI image specification (descriptor.md#digests):
 * "sha256:<64 hex>" and "sha512:<128 hex>".
 */
struct digest; /* one running computation */

enum { DIGEST_TEXT_MAX = 136 }; /* with the terminator */

/* `like` names the algorithm by its prefix: a whole digest, or "sha256:".
 * NULL with *err: ERR_UNSUPPORTED, ERR_NOMEM. */
struct digest *digest_new(const char *like, struct error *err);
void digest_free(struct digest *d);
OWNED(struct digest, digest_free)

int digest_update(
    struct digest *d, const void *data, size_t len, struct error *err);

/* Writes the canonical text; the computation is over. */
int digest_finish(
    struct digest *d, char text[static DIGEST_TEXT_MAX], struct error *err);

/* All in one: the digest of `data`, in the algorithm of `like`. */
int digest_of(const char *like, const void *data, size_t len,
    char text[static DIGEST_TEXT_MAX], struct error *err);

#endif
