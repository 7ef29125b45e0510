/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/registry_cached.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t
still_ms(const struct clock *c)
{
	return ((const struct cached *)(const void *)c)->ms;
}

const struct cache_limits limits = {
    .bytes = 1024 * 1024, .tag_ttl = 30, .stale_for = 3600, .negative_ttl = 5};

int
setup(void **state)
{
	struct cached *f = calloc(1, sizeof(*f));

	f->clock.monotonic_ms = still_ms;
	f->cache = cache_new(&f->clock);
	*state = f;
	return f->cache != NULL ? 0 : -1;
}

int
teardown(void **state)
{
	struct cached *f = *state;

	cache_free(f->cache);
	free(f);
	return 0;
}

/* An answer of one image, both with this digest. */
static struct image_set *
set_of(struct image *img)
{
	struct image_set *set = image_set_new(0);

	assert_non_null(set);
	set->digest = img->digest;
	set->images = arena_calloc(set->mem, 1, sizeof(struct image *));
	set->images[0] = image_ref(img);
	set->n = 1;
	return set;
}

struct image *
image_of(const char *digest)
{
	struct image *img = image_new(0);
	const char **env;

	assert_non_null(img);
	env = arena_calloc(img->mem, 1, sizeof(*env));
	*env = arena_printf(img->mem, "%s%4000d", digest, 1);
	img->env = (struct string_list){env, 1};
	img->digest = arena_strdup(img->mem, digest);
	img->media_type = "application/vnd.oci.image.manifest.v1+json";
	return img;
}

void
store_image(struct cached *f, const char *key, struct image *img,
    const struct cache_limits *l)
{
	AUTO(image_set_unref) struct image_set *set = set_of(img);

	cache_store(f->cache, key, set, l);
}

void
store(struct cached *f, const char *key, const char *digest)
{
	AUTO(image_unref) struct image *img = image_of(digest);

	store_image(f, key, img, &limits);
}

enum cache_result
look(struct cached *f, const char *key, int seconds)
{
	AUTO(image_set_unref) struct image_set *set = NULL;
	struct error err = ERROR_INIT;
	enum cache_result r;

	f->ms += seconds * 1000;
	r = cache_find(f->cache, key, &limits, &set, &err);
	assert_int_equal(set != NULL, r != CACHE_MISS && r != CACHE_NEGATIVE);
	assert_int_equal(r == CACHE_NEGATIVE, err.code == ERR_NOT_FOUND);
	return r;
}

bool
has_image(struct cached *f, const char *digest, const char *repository)
{
	AUTO(image_unref)
	struct image *img = cache_image(f->cache, digest, repository);

	return img != NULL;
}
