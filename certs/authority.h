/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_AUTHORITY_H
#define CERTS_AUTHORITY_H

#include "policy/base/buf.h"
#include "policy/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A certificate authority of one's own and the leaf that it signs: ECDSA
 * P-256, RFC 5280. `now` and lifetimes are in seconds; notBefore is an hour
 * before `now` for clocks that are behind.
 */

struct authority_request {
	const char *const
	    *names;    /* DNS names and IP addresses: the leaf's SANs */
	size_t nnames; /* at least 1 */
	int64_t now;
	int64_t ca_life;   /* 10 years is usual, 100 the most */
	int64_t leaf_life; /* 90 days is usual; not over ca_life */
};

/* Writes ca.crt, ca.key, tls.crt and tls.key (keys 0600, each file put in
 * place whole) into `dir`, making it where it is missing. Without `force` an
 * existing file is ERR_INVALID and nothing is written. Other errors:
 * ERR_INVALID (a name, a life), ERR_SYSTEM, ERR_LIMIT, ERR_NOMEM,
 * ERR_INTERNAL. */
int authority_init(const char *dir, const struct authority_request *r,
    bool force, struct error *err);

/* Adds what people want to know of each certificate in a PEM file: subject,
 * issuer, SANs, validity and days left at `now`, key, fingerprint. ERR_SYNTAX,
 * ERR_SYSTEM, ERR_LIMIT, ERR_NOMEM. */
int certificate_describe(
    const char *file, int64_t now, struct buf *out, struct error *err);

#endif
