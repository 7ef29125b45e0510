/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/pack.h"
#include "tests/unit/alloc.h"

#include "policy/base/buf.h"
#include "policy/history.h"
#include "server/registry/config.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID "sha256:" HEX

static struct layer layers[] = {
    {ID, "application/vnd.oci.image.layer.v1.tar+gzip", 10},
    {"sha256:of-the-second", "application/x-own", 20},
};
static const struct pair claims[] = {{"note", "an author's"}};
static const struct manifest manifest = {
    .kind = MANIFEST_IMAGE,
    .media_type = "application/vnd.oci.image.manifest.v1+json",
    .bytes = 123,
    .config = {.digest = "sha256:of-the-config"},
    .layers = layers,
    .nlayers = 2,
    .size = 30,
    .annotations = {claims, 1},
};

/* Every field has something in it. */
static const char config[] =
    "{\"os\":\"windows\",\"architecture\":\"arm\",\"variant\":\"v6\","
    "\"os.version\":\"10.0.17763.1\",\"created\":\"2026-01-02T03:04:05Z\","
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" ID "\",\"" ID "\"]},"
    "\"config\":{\"User\":\"app\",\"Env\":[\"A=1\",\"B=2\"],"
    "\"Labels\":{\"team\":\"shop\",\"tier\":\"\"},"
    "\"ExposedPorts\":{\"80/tcp\":{}},\"Volumes\":{\"/data\":{}},"
    "\"Entrypoint\":[\"/run\"],\"Cmd\":[\"a\",\"a\"]},"
    "\"history\":[{\"created_by\":\"RUN apt-get install -y gcc\"},"
    "{\"created_by\":\"ENV A=1\",\"empty_layer\":true},"
    "{\"created_by\":\"COPY . .\",\"comment\":\"buildkit\"}]}";

static struct image *
read_image(void)
{
	struct error err = ERROR_INIT;

	return config_read(&manifest, ID, config, strlen(config), &err);
}

static void
tell_list(struct buf *b, const struct string_list *l)
{
	size_t i;

	buf_printf(b, "%zu:", l->n);
	for (i = 0; i < l->n; i++)
		buf_printf(b, " %s", l->items[i]);
	buf_printf(b, "\n");
}

static void
tell_pairs(struct buf *b, const struct pair_list *l)
{
	size_t i;

	buf_printf(b, "%zu:", l->n);
	for (i = 0; i < l->n; i++)
		buf_printf(b, " %s=%s", l->items[i].key, l->items[i].value);
	buf_printf(b, "\n");
}

static void
tell_history(struct buf *b, const struct image *img)
{
	size_t i;

	for (i = 0; i < img->nhistory; i++)
		buf_printf(b, "%s (%s) %d %d\n", img->history[i].created_by,
		    img->history[i].comment, img->history[i].empty_layer,
		    img->history[i].layer);
	for (i = 0; i < img->nsigns; i++)
		buf_printf(b, "sign %d %zu %zu %s\n",
		    (int)img->signs[i].detector, img->signs[i].entry,
		    img->signs[i].cause, img->signs[i].what);
}

/* All that is known of it, as text. */
static void
tell(struct buf *b, const struct image *img)
{
	const struct platform *p = &img->platform;
	size_t i;

	buf_init(b, 16384);
	buf_printf(b, "%s %s %" PRId64 " %s %" PRId64 "\n", img->digest,
	    img->media_type, img->bytes, img->config_digest, img->config_bytes);
	buf_printf(b, "%s %s %s %s %d\n", p->os, p->arch, p->variant,
	    p->os_version, img->variant_given);
	buf_printf(b, "%" PRId64 " %d %d %s %d %" PRId64 "\n", img->size,
	    (int)img->history_state, img->scanned, img->user, img->has_created,
	    img->created);
	for (i = 0; i < img->nlayers; i++)
		buf_printf(b, "%s %s %" PRId64 "\n", img->layers[i].digest,
		    img->layers[i].media_type, img->layers[i].size);
	tell_history(b, img);
	tell_list(b, &img->diff_ids);
	tell_list(b, &img->env);
	tell_list(b, &img->ports);
	tell_list(b, &img->volumes);
	tell_list(b, &img->entrypoint);
	tell_list(b, &img->cmd);
	tell_pairs(b, &img->labels);
	tell_pairs(b, &img->annotations);
}

static void
a_packed_image_has_the_same_facts(void **state)
{
	AUTO(texts_unref)
	struct texts *texts = texts_new(&(struct hash_key){{1, 2}});
	AUTO(image_unref) struct image *img = read_image();
	AUTO(image_unref) struct image *packed = image_pack(img, texts);
	AUTO(buf_clear) struct buf was = BUF_INIT(0), is = BUF_INIT(0);

	(void)state;
	/* A field that is new has to be told here, and packed. */
	if (sizeof(void *) == 8)
		assert_int_equal(sizeof(struct image), 336);
	assert_non_null(packed);
	tell(&was, img);
	tell(&is, packed);
	assert_string_equal(buf_text(&was), buf_text(&is));
	assert_int_not_equal(img->nsigns, 0);
}

static void
texts_are_held_once_and_go_with_the_last_image(void **state)
{
	AUTO(texts_unref)
	struct texts *texts = texts_new(&(struct hash_key){{1, 2}});
	AUTO(image_unref) struct image *img = read_image();
	const size_t none = texts_size(texts);
	struct image *a = image_pack(img, texts), *b;
	size_t one;

	(void)state;
	assert_non_null(a);
	one = texts_size(texts);
	assert_true(one > none);
	assert_ptr_equal(a->cmd.items[0], a->cmd.items[1]);
	b = image_pack(img, texts);
	assert_int_equal(texts_size(texts), one);
	assert_ptr_equal(a->layers[1].digest, b->layers[1].digest);
	image_unref(a);
	assert_int_equal(texts_size(texts), one);
	assert_string_equal(b->user, "app");
	image_unref(b);
	assert_int_equal(texts_size(texts), none);
}

static void
images_outlive_who_made_the_texts(void **state)
{
	struct texts *texts = texts_new(&(struct hash_key){{1, 2}});
	AUTO(image_unref) struct image *img = read_image();
	struct image *packed = image_pack(img, texts);

	(void)state;
	texts_unref(texts);
	assert_string_equal(packed->user, "app");
	image_unref(packed);
}

static void
packing_makes_an_image_smaller(void **state)
{
	AUTO(texts_unref)
	struct texts *texts = texts_new(&(struct hash_key){{1, 2}});
	AUTO(image_unref) struct image *img = read_image();
	AUTO(image_unref) struct image *packed = image_pack(img, texts);

	(void)state;
	assert_true(arena_size(packed->mem) < arena_size(img->mem));
	/* In one piece: nothing that was forgotten asks for another. */
	assert_true(arena_size(packed->mem) < 2 * sizeof(*packed) + 800);
}

/* What an index holds beside the images that were asked for. */
static struct image_set *
set_of(struct image *img)
{
	struct image_set *set = image_set_new(0);
	struct platform *others = arena_calloc(set->mem, 2, sizeof(*others));

	set->digest = "sha256:of-the-index";
	set->images = arena_calloc(set->mem, 1, sizeof(struct image *));
	set->images[set->n++] = image_ref(img);
	others[0] = (struct platform){"linux", "arm", "v7", ""};
	others[1] = (struct platform){"linux", "riscv64", "", ""};
	set->others = others;
	set->nothers = 2;
	return set;
}

static void
a_packed_set_has_the_images_it_is_given(void **state)
{
	AUTO(image_unref) struct image *img = read_image();
	AUTO(image_unref) struct image *other = read_image();
	AUTO(image_set_unref) struct image_set *set = set_of(img);
	AUTO(image_set_unref)
	struct image_set *packed = image_set_pack(set, &other);

	(void)state;
	assert_non_null(packed);
	assert_string_equal(packed->digest, set->digest);
	assert_int_equal(packed->n, 1);
	assert_ptr_equal(packed->images[0], other);
	assert_int_equal(packed->nothers, 2);
	assert_true(platform_equal(&packed->others[0], &set->others[0]));
	assert_true(platform_equal(&packed->others[1], &set->others[1]));
	assert_true(arena_size(packed->mem) < arena_size(set->mem));
}

static void
many_texts_are_all_found_again(void **state)
{
	enum { MANY = 3000 };
	AUTO(texts_unref)
	struct texts *texts = texts_new(&(struct hash_key){{1, 2}});
	const char *held[MANY];
	char name[16];
	size_t i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "text %zu", i);
		held[i] = texts_take(texts, name);
		assert_string_equal(held[i], name);
	}
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "text %zu", i);
		assert_ptr_equal(texts_take(texts, name), held[i]);
		texts_release(texts, held[i]);
	}
	for (i = 0; i < MANY; i++)
		texts_release(texts, held[i]);
}

static void
pack_and_release(void *arg)
{
	struct image *img = arg;
	AUTO(texts_unref)
	struct texts *texts = texts_new(&(struct hash_key){{1, 2}});
	AUTO(image_unref) struct image *packed = NULL;

	if (texts != NULL)
		packed = image_pack(img, texts);
	if (packed != NULL)
		assert_string_equal(packed->labels.items[1].value, "");
}

static void
memory_may_run_out_anywhere(void **state)
{
	AUTO(image_unref) struct image *img = read_image();

	(void)state;
	assert_true(alloc_fail_each(pack_and_release, img) > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_packed_image_has_the_same_facts),
	    cmocka_unit_test(texts_are_held_once_and_go_with_the_last_image),
	    cmocka_unit_test(images_outlive_who_made_the_texts),
	    cmocka_unit_test(packing_makes_an_image_smaller),
	    cmocka_unit_test(a_packed_set_has_the_images_it_is_given),
	    cmocka_unit_test(many_texts_are_all_found_again),
	    cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
