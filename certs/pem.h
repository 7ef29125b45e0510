/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_PEM_H
#define CERTS_PEM_H

#include "policy/base/own.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>

/* PEM in and out of libcrypto, for the files of this folder. */

OWNED(X509, X509_free)
OWNED(EVP_PKEY, EVP_PKEY_free)

/* The n-th certificate of a PEM text, new; NULL where there is none. */
X509 *pem_certificate(const char *pem, size_t len, size_t n);

/* The private key of a PEM text, new; NULL where there is none, or an
 * encrypted one: nobody is asked for a passphrase. */
EVP_PKEY *pem_private_key(const char *pem, size_t len);

/* Seconds since the epoch; 0 or -1. */
int pem_time(const ASN1_TIME *t, int64_t *seconds);

#endif
