/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/hash.h"

#include <endian.h>
#include <string.h>

enum { WORD = 8, ROUNDS = 2, LAST_ROUNDS = 4 };

struct state {
	uint64_t v[4];
};

static uint64_t
rotate(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static void
mix(struct state *st, int rounds)
{
	uint64_t *v = st->v;

	while (rounds-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static void
absorb(struct state *st, uint64_t word)
{
	st->v[3] ^= word;
	mix(st, ROUNDS);
	st->v[0] ^= word;
}

static uint64_t
word_at(const char *s, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, s, len);
	return le64toh(word);
}

uint64_t
hash_text(const struct hash_key *key, const char *s)
{
	const size_t len = strlen(s), rest = len % WORD;
	struct state st = {{
	    key->k[0] ^ 0x736f6d6570736575U,
	    key->k[1] ^ 0x646f72616e646f6dU,
	    key->k[0] ^ 0x6c7967656e657261U,
	    key->k[1] ^ 0x7465646279746573U,
	}};
	size_t i;

	for (i = 0; i < len - rest; i += WORD)
		absorb(&st, word_at(s + i, WORD));
	absorb(&st, (uint64_t)len << 56 | word_at(s + i, rest));
	st.v[2] ^= 0xff;
	mix(&st, LAST_ROUNDS);
	return st.v[0] ^ st.v[1] ^ st.v[2] ^ st.v[3];
}
