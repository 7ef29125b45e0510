/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_KEYPAIR_H
#define CERTS_KEYPAIR_H

#include "policy/base/error.h"
#include "policy/base/own.h"

#include <stddef.h>
#include <stdint.h>

/* A certificate chain and its key, checked. Immutable. */
struct keypair;

enum { KEYPAIR_PEM_MAX = 256 * 1024, KEYPAIR_CHAIN_MAX = 16 };

/* Input, borrowed. */
struct keypair_pem {
	const char *cert;
	size_t cert_len;
	const char *key;
	size_t key_len;
};

/*
 * Returns it, or NULL with *err set:
 *   ERR_LIMIT    an input is over KEYPAIR_PEM_MAX bytes, or the chain over
 *                KEYPAIR_CHAIN_MAX certificates
 *   ERR_SYNTAX   an input is not PEM, or one of the certificates is broken
 *   ERR_INVALID  the key does not match or is encrypted, is of a kind that API
 *                servers do not take, or the leaf is not valid at `now`
 *   ERR_NOMEM
 * `now` is seconds since the epoch.
 */
struct keypair *keypair_new(
    const struct keypair_pem *pem, int64_t now, struct error *err);
/* The same from files; ERR_SYSTEM where one cannot be read. Messages name the
 * files. */
struct keypair *keypair_load(const char *cert_file, const char *key_file,
    int64_t now, struct error *err);
void keypair_free(struct keypair *kp);
OWNED(struct keypair, keypair_free)

/* The PEM texts, terminated; as long as it lives. */
const struct keypair_pem *keypair_pem(const struct keypair *kp);
int64_t keypair_not_after(const struct keypair *kp);

#endif
