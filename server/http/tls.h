/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HTTP_TLS_H
#define SERVER_HTTP_TLS_H

#include "certs/keypair.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

/*
 * A pair as GnuTLS wants it, read once. Immutable; share by reference, from any
 * thread. A session has pointers into it for as long as it lives.
 */
struct tls_identity;

/* Returns a new reference; keeps nothing of the pair. NULL with *err:
 * ERR_INVALID, where GnuTLS cannot read what libcrypto could; ERR_NOMEM. */
struct tls_identity *tls_identity_new(
    const struct keypair *kp, struct error *err);
struct tls_identity *tls_identity_ref(struct tls_identity *id);
void tls_identity_unref(struct tls_identity *id);
OWNED(struct tls_identity, tls_identity_unref)

/* The chain and its key, borrowed. Returns how many certificates there are. */
unsigned int tls_identity_get(
    struct tls_identity *id, gnutls_pcert_st **chain, gnutls_privkey_t *key);

/* TLS 1.2 and 1.3, in the words of gnutls_priority_init(). */
extern const char tls_priorities[];

#endif
