/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_PEM_H
#define CERTS_PEM_H

#include "policy/base/error.h"
#include "policy/base/own.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>

/* PEM into libcrypto, for the files of this folder. Nobody is ever asked for a
 * passphrase. */

OWNED(X509, X509_free)
OWNED(EVP_PKEY, EVP_PKEY_free)

/* STACK_OF(X509) by its own name. */
void pem_chain_free(struct stack_st_X509 *chain);
OWNED(struct stack_st_X509, pem_chain_free)

/*
 * The certificates of a PEM text in their order, new; blocks of other kinds
 * are passed over. NULL with *err: ERR_SYNTAX (there is none, or one of them is
 * broken: the message says which), ERR_LIMIT (over `max` of them), ERR_NOMEM.
 */
struct stack_st_X509 *pem_chain(
    const char *pem, size_t len, int max, struct error *err);

/* The private key of a PEM text, new. NULL with *err: ERR_SYNTAX (there is
 * none), ERR_INVALID (it is encrypted), ERR_NOMEM. */
EVP_PKEY *pem_private_key(const char *pem, size_t len, struct error *err);

/* Seconds since the epoch; 0 or -1. */
int pem_time(const ASN1_TIME *t, int64_t *seconds);

#endif
