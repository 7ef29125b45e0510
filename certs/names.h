/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_NAMES_H
#define CERTS_NAMES_H

#include "certs/pem.h"
#include "policy/base/buf.h"

#include <stddef.h>

/* Subject alternative names, as libcrypto wants them said. */

enum { NAMES_MAX = 64, NAMES_TEXT_MAX = 32 * 1024 };

/*
 * Adds "critical,DNS:a,IP:b" for one or more: critical because the subject is
 * empty (RFC 5280 4.2.1.6). ERR_INVALID (one is neither a DNS name nor an
 * address), ERR_LIMIT (NAMES_MAX), ERR_NOMEM.
 */
int names_text(
    const char *const *names, size_t n, struct buf *out, struct error *err);

/* The same of the DNS names and addresses that a certificate has, the first
 * NAMES_MAX of them; names of other kinds are left out. */
int names_of(const X509 *cert, struct buf *out, struct error *err);

#endif
