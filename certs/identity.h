/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_IDENTITY_H
#define CERTS_IDENTITY_H

#include "certs/pem.h"

#include <stdint.h>

/* Making certificates, for the files of this folder: ECDSA P-256, RFC 5280. */

OWNED(BIO, BIO_free_all)

/* notBefore is this long before the moment, for clocks that are behind. */
enum { IDENTITY_EARLY_S = 3600 };

/* A certificate and the key it speaks for; each NULL where there is none. */
struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

void identity_clear(struct identity *id);
OWNED_IN_PLACE(struct identity, identity_clear)

/* An authority with a name of its own; `now` and `life` in seconds. Fills *ca,
 * which the caller clears in any case. ERR_INTERNAL, ERR_NOMEM. */
int identity_make_ca(
    struct identity *ca, int64_t now, int64_t life, struct error *err);

/* A server's certificate, signed by `ca`; `names` is of names_text(). */
int identity_make_leaf(struct identity *leaf, const struct identity *ca,
    int64_t now, int64_t life, const char *names, struct error *err);

/* Puts a certificate's PEM at the end of `out`; 0 or -1. */
int identity_write_cert(BIO *out, const X509 *cert);
int identity_write_key(BIO *out, const EVP_PKEY *key);

/* For PEM: wiped when it is released. NULL with ERR_NOMEM. */
BIO *identity_text(struct error *err);

#endif
