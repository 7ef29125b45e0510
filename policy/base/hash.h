/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_HASH_H
#define POLICY_BASE_HASH_H

#include <stdint.h>

/*
 * Where a text stands in a table whose texts strangers choose: SipHash-2-4
 * (Aumasson and Bernstein, 2012). Without the key nobody can make texts that
 * all fall into one place.
 */
struct hash_key {
	uint64_t k[2];
};

uint64_t hash_text(const struct hash_key *key, const char *s);

#endif
