/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_BASE64_H
#define SERVER_REGISTRY_BASE64_H

#include "policy/base/buf.h"

#include <stddef.h>

/* RFC 4648 section 4, the standard alphabet. */

/* Adds the padded text of `len` bytes. Returns 0, or -1 as buf_add() does. */
int base64_encode(struct buf *out, const void *data, size_t len);

/*
 * Adds the bytes behind `len` characters; the padding may be left out.
 * Returns 0, or -1 where the text is not base64 (a character outside the
 * alphabet, an impossible length, bits set that stand for nothing) or does not
 * fit.
 */
int base64_decode(struct buf *out, const char *text, size_t len);

#endif
