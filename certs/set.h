/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_SET_H
#define CERTS_SET_H

#include "policy/base/error.h"
#include "policy/base/own.h"

#include <stdbool.h>
#include <stddef.h>

/* An authority and its leaf as text: four files, or the same in Secrets. */

enum authority_part { CA_CRT, CA_KEY, TLS_CRT, TLS_KEY, AUTHORITY_PARTS };

enum {
	AUTHORITY_BUNDLE_MAX = 64, /* certificates in a ca.crt */
	AUTHORITY_TRUST_MAX = 2 * 1024 * 1024,
};

/* "ca.crt" and so on. */
extern const char *const authority_names[AUTHORITY_PARTS];

/* The four as PEM, owned; data is NULL where one is not there. */
struct authority_set {
	struct authority_text {
		char *data; /* terminated */
		size_t len;
	} parts[AUTHORITY_PARTS];
};

/* Wipes and releases. */
void authority_set_clear(struct authority_set *s);
OWNED_IN_PLACE(struct authority_set, authority_set_clear)

/* Whether a part is the same in both. */
bool authority_same(const struct authority_set *a,
    const struct authority_set *b, enum authority_part part);

/* Takes a copy; what was there must have been NULL. ERR_NOMEM. */
int authority_set_put(struct authority_set *s, enum authority_part part,
    const char *data, size_t len, struct error *err);

/*
 * Adds the certificates of another ca.crt to those in the set: clients trust
 * them too. A text that is not PEM counts for nothing. ERR_NOMEM.
 */
int authority_trust(
    struct authority_set *s, const char *data, size_t len, struct error *err);

#endif
