/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_PARTS_H
#define TESTS_FUZZ_PARTS_H

#include "policy/base/arena.h"
#include "policy/facts.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Documents that name each other by digest and size, out of one input that a
 * fuzzer can change without breaking that: parts stand between lines "===",
 * the first line of each is its name. In name and content "@3" stands for the
 * hexadecimal SHA-256 of part 3 and "#3" for its size; of parts that went
 * before, and in a name of its own.
 */
enum { PARTS_MAX = 10, PART_BYTES_MAX = 64 * 1024 };

struct part {
	const char *name;
	const char *data; /* terminated */
	size_t len;
	char digest[136];
};

struct parts {
	struct part items[PARTS_MAX];
	size_t n;
};

/* Returns 0, or -1 where it cannot: too large, out of memory. */
int parts_read(
    struct parts *p, const uint8_t *data, size_t size, struct arena *mem);

/* NULL where there is none of this digest. */
const struct part *parts_find(const struct parts *p, const char *digest);

/* The facts are what a runtime reads in the parts that they were read from;
 * `with_manifest`: in a manifest too. */
void parts_must_say(
    const struct parts *p, const struct image *img, bool with_manifest);

#endif
