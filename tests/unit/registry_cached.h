/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_REGISTRY_CACHED_H
#define TESTS_UNIT_REGISTRY_CACHED_H

#include "server/registry/cache.h"

/* A cache, and a clock that a test moves. */
struct cached {
	struct clock clock;
	int64_t ms;
	struct cache *cache;
};

/* As cmocka's set-up and tear-down: *state is a struct cached. */
int setup(void **state);
int teardown(void **state);
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* 30 seconds for a tag, an hour more in an outage, 5 for an absence. */
extern const struct cache_limits limits;

#define A "r.io/a:1"
#define D1 "sha256:d1"
#define D2 "sha256:d2"

/* Of some 4,000 bytes that no other has. A new reference. */
struct image *image_of(const char *digest);

/* An answer with this one image; store() makes it, and keeps to `limits`. */
void store_image(struct cached *f, const char *key, struct image *img,
    const struct cache_limits *l);
void store(struct cached *f, const char *key, const char *digest);

/* After `seconds` more. */
enum cache_result look(struct cached *f, const char *key, int seconds);

bool has_image(struct cached *f, const char *digest, const char *repository);

#endif
