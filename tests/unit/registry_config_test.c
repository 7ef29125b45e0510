/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/config.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

#define HEX "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID "\"sha256:" HEX "\""
#define PLATFORM "\"os\":\"linux\",\"architecture\":\"amd64\""
#define FS2 "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" ID "," ID "]}"
#define RUN "{\"created_by\":\"RUN\"}"
#define ENV "{\"created_by\":\"ENV\",\"empty_layer\":true}"
#define WITH(rest) "{" PLATFORM "," FS2 "," rest "}"

/* A manifest of two layers, as read before. */
static struct layer layers[] = {
    {"sha256:" HEX, "application/vnd.oci.image.layer.v1.tar+gzip", 10},
    {"sha256:" HEX, "application/x-own", 20},
};
static const struct manifest two = {
    .kind = MANIFEST_IMAGE,
    .media_type = "application/vnd.oci.image.manifest.v1+json",
    .config = {.digest = "sha256:" HEX},
    .layers = layers,
    .nlayers = 2,
    .size = 30,
};

static struct image *
read_text(const char *text, struct error *err)
{
	return config_read(&two, "sha256:" HEX, text, strlen(text), err);
}

static const struct {
	const char *name;
	const char *text;
	enum err_code code;
} cases[] = {
    {"bare", "{" PLATFORM "," FS2 "}", ERR_NONE},
    {"unknown keys", WITH("\"x\":{\"y\":[1]}"), ERR_NONE},
    {"nulls are nothing",
	WITH("\"config\":null,\"history\":null,\"created\":null"), ERR_NONE},
    {"nulls inside",
	WITH("\"config\":{\"User\":null,\"Env\":null,\"Labels\":null,"
	     "\"ExposedPorts\":null,\"Volumes\":null,\"Cmd\":null}"),
	ERR_NONE},
    {"no os", "{\"architecture\":\"amd64\"," FS2 "}", ERR_SYNTAX},
    {"empty architecture", "{\"os\":\"linux\",\"architecture\":\"\"," FS2 "}",
	ERR_SYNTAX},
    {"no rootfs", "{" PLATFORM "}", ERR_SYNTAX},
    {"one diff_id for two layers",
	"{" PLATFORM ",\"rootfs\":{\"diff_ids\":[" ID "]}}", ERR_SYNTAX},
    {"three diff_ids for two layers",
	"{" PLATFORM ",\"rootfs\":{\"diff_ids\":[" ID "," ID "," ID "]}}",
	ERR_SYNTAX},
    {"no diff_ids", "{" PLATFORM ",\"rootfs\":{}}", ERR_SYNTAX},
    {"diff_id that is none",
	"{" PLATFORM ",\"rootfs\":{\"diff_ids\":[\"x\"," ID "]}}", ERR_SYNTAX},
    {"rootfs of another type",
	"{" PLATFORM ",\"rootfs\":{\"type\":\"base\",\"diff_ids\":[" ID "," ID
	"]}}",
	ERR_SYNTAX},
    {"User that is a number", WITH("\"config\":{\"User\":0}"), ERR_SYNTAX},
    {"Env that is text", WITH("\"config\":{\"Env\":\"A=b\"}"), ERR_SYNTAX},
    {"Env of numbers", WITH("\"config\":{\"Env\":[1]}"), ERR_SYNTAX},
    {"Entrypoint that is text", WITH("\"config\":{\"Entrypoint\":\"sh\"}"),
	ERR_SYNTAX},
    {"Labels that are a list", WITH("\"config\":{\"Labels\":[]}"), ERR_SYNTAX},
    {"Labels of numbers", WITH("\"config\":{\"Labels\":{\"a\":1}}"),
	ERR_SYNTAX},
    {"ports as a list", WITH("\"config\":{\"ExposedPorts\":[\"80\"]}"),
	ERR_SYNTAX},
    {"history that is an object", WITH("\"history\":{}"), ERR_SYNTAX},
    {"history of text", WITH("\"history\":[\"RUN\"]"), ERR_SYNTAX},
    {"empty_layer that is text",
	WITH("\"history\":[{\"empty_layer\":\"true\"}]"), ERR_SYNTAX},
    {"user twice but for case",
	WITH("\"config\":{\"User\":\"1000\",\"user\":\"0\"}"), ERR_SYNTAX},
    {"user with a long s",
	WITH("\"config\":{\"User\":\"1000\",\"U\\u017fer\":\"0\"}"),
	ERR_SYNTAX},
    {"config twice but for case",
	WITH("\"config\":{\"User\":\"1000\"},\"Config\":{\"User\":\"0\"}"),
	ERR_SYNTAX},
    {"rootfs in another case", "{" PLATFORM "," FS2 ",\"rootFS\":{}}",
	ERR_SYNTAX},
    {"diff_ids in another case",
	"{" PLATFORM ",\"rootfs\":{\"diff_ids\":[" ID "," ID
	"],\"Diff_IDs\":[]}}",
	ERR_SYNTAX},
    {"case in history", WITH("\"history\":[{\"Created_by\":\"x\"}]"),
	ERR_SYNTAX},
    {"case in labels is free",
	WITH("\"config\":{\"Labels\":{\"a\":\"1\",\"A\":\"2\"},"
	     "\"Volumes\":{\"/a\":{},\"/A\":{}}}"),
	ERR_NONE},
    {"no JSON", "x", ERR_SYNTAX},
    {"a list", "[]", ERR_SYNTAX},
};

static void
refuses_configs_that_runtimes_could_read_otherwise(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		AUTO(image_unref) struct image *img = NULL;
		struct error err = ERROR_INIT;

		img = read_text(cases[i].text, &err);
		if ((img != NULL) != (cases[i].code == ERR_NONE) ||
		    err.code != cases[i].code)
			fail_msg("%s: code %d: %s", cases[i].name, err.code,
			    err.msg);
	}
}

static const char full[] = WITH(
    "\"created\":\"2026-01-02T03:04:05.678Z\",\"variant\":\"v2\","
    "\"config\":{\"User\":\"app\",\"Env\":[\"A=b\",\"C=d\"],"
    "\"Labels\":{\"k\":\"v\"},\"ExposedPorts\":{\"80/tcp\":{}},"
    "\"Volumes\":{\"/data\":{}},\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\",\"d\"],"
    "\"Healthcheck\":{\"Test\":[\"x\"]}},"
    "\"history\":[{\"created_by\":\"ADD a\",\"comment\":\"one\"}," ENV "," RUN
    "]");

static void
gives_everything_that_the_config_says(void **state)
{
	AUTO(image_unref) struct image *img = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	img = read_text(full, &err);
	assert_non_null(img);
	assert_string_equal(img->platform.variant, "v2");
	assert_true(img->has_created);
	assert_int_equal(img->created, 1767323045);
	assert_string_equal(img->user, "app");
	assert_string_equal(img->env.items[1], "C=d");
	assert_string_equal(img->labels.items[0].key, "k");
	assert_string_equal(img->ports.items[0], "80/tcp");
	assert_string_equal(img->volumes.items[0], "/data");
	assert_string_equal(img->entrypoint.items[0], "/e");
	assert_int_equal(img->cmd.n, 2);
	assert_int_equal(img->nlayers, 2);
	assert_int_equal(img->size, 30);
	assert_string_equal(img->layers[1].media_type, "application/x-own");
	assert_int_equal(img->history_state, HISTORY_RELIABLE);
	assert_int_equal(img->history[0].layer, 0);
	assert_string_equal(img->history[0].comment, "one");
	assert_int_equal(img->history[1].layer, -1);
	assert_int_equal(img->history[2].layer, 1);
	assert_string_equal(image_layer_instruction(img, 0), "ADD a");
}

static void
leaves_empty_what_the_config_does_not_say(void **state)
{
	AUTO(image_unref) struct image *img = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	img = read_text("{" PLATFORM "," FS2 ",\"created\":\"soon\"}", &err);
	assert_non_null(img);
	assert_string_equal(img->user, "");
	assert_false(img->has_created);
	assert_int_equal(img->env.n + img->labels.n + img->ports.n, 0);
	assert_int_equal(img->history_state, HISTORY_ABSENT);
}

static const struct {
	const char *name;
	const char *history;
	enum history_state state;
	int layers[4];
} histories[] = {
    {"one each", RUN "," RUN, HISTORY_RELIABLE, {0, 1}},
    {"empty ones between", ENV "," RUN "," ENV "," RUN, HISTORY_RELIABLE,
	{-1, 0, -1, 1}},
    {"too few", RUN, HISTORY_UNRELIABLE, {-1}},
    {"too many", RUN "," RUN "," RUN, HISTORY_UNRELIABLE, {-1, -1, -1}},
    {"only empty ones", ENV "," ENV, HISTORY_UNRELIABLE, {-1, -1}},
    {"none", "", HISTORY_ABSENT, {0}},
};

static void
maps_history_to_layers_where_the_counts_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(histories); i++) {
		AUTO(image_unref) struct image *img = NULL;
		struct error err = ERROR_INIT;
		char text[2048];

		snprintf(text, sizeof(text),
		    "{" PLATFORM "," FS2 ",\"history\":[%s]}",
		    histories[i].history);
		img = read_text(text, &err);
		if (img == NULL || img->history_state != histories[i].state)
			fail_msg("%s: %s", histories[i].name, err.msg);
		for (size_t j = 0; j < img->nhistory; j++)
			if (img->history[j].layer != histories[i].layers[j])
				fail_msg("%s: entry %zu is layer %d",
				    histories[i].name, j,
				    img->history[j].layer);
	}
}

/* The platform of a config against the one that its index gives. */
static const struct {
	const char *config[4]; /* os, architecture, variant, os.version */
	const char *index[4];
	bool fits;
} platforms[] = {
    {{"linux", "amd64", "", ""}, {"linux", "amd64", "", ""}, true},
    {{"linux", "x86_64", "", ""}, {"linux", "amd64", "", ""}, true},
    {{"linux", "arm64", "", ""}, {"linux", "arm64", "v8", ""}, true},
    {{"linux", "arm", "v7", ""}, {"linux", "arm", "v7", ""}, true},
    {{"linux", "arm", "", ""}, {"linux", "arm", "v6", ""}, true},
    {{"linux", "arm", "v6", ""}, {"linux", "arm", "", ""}, true},
    {{"linux", "amd64", "", ""}, {"linux", "amd64", "v3", ""}, true},
    {{"linux", "arm", "v6", ""}, {"linux", "arm", "v5", ""}, false},
    {{"linux", "amd64", "v2", ""}, {"linux", "amd64", "v3", ""}, false},
    {{"linux", "arm64", "", ""}, {"linux", "amd64", "", ""}, false},
    {{"windows", "amd64", "", ""}, {"linux", "amd64", "", ""}, false},
    {{"windows", "arm", "", ""}, {"linux", "arm", "v6", ""}, false},
    {{"linux", "arm", "v7", ""}, {"linux", "arm", "v6", ""}, false},
    {{"linux", "arm64", "v8", ""}, {"linux", "arm64", "", ""}, true},
    {{"linux", "arm64", "v8", ""}, {"linux", "arm64", "v9", ""}, false},
    {{"windows", "amd64", "", "10.0.17763.1"},
	{"windows", "amd64", "", "10.0.17763.5122"}, true},
    {{"windows", "amd64", "", "10.0.17763.1"},
	{"windows", "amd64", "", "10.0.20348.1"}, false},
    {{"windows", "amd64", "", ""}, {"windows", "amd64", "", "10.0.20348.1"},
	true},
    {{"windows", "amd64", "", "10.0.17763.1"}, {"windows", "amd64", "", ""},
	true},
    {{"linux", "amd64", "", "6.1.0"}, {"linux", "amd64", "", "5.4.0"}, true},
};

static void
compares_the_platform_with_the_one_in_the_index(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(platforms); i++) {
		AUTO(image_unref) struct image *img = image_new(0);
		const char *const *c = platforms[i].config;
		const char *const *x = platforms[i].index;
		struct error err = ERROR_INIT;
		struct index_entry e = {
		    .has_platform = true, .variant_given = x[2][0] != '\0'};

		assert_int_equal(platform_init(&img->platform, c[0], c[1], c[2],
				     c[3], img->mem),
		    0);
		assert_int_equal(platform_init(&e.platform, x[0], x[1], x[2],
				     x[3], img->mem),
		    0);
		img->variant_given = c[2][0] != '\0';
		if ((config_check_platform(img, &e, &err) == 0) !=
		    platforms[i].fits)
			fail_msg("case %zu: %s", i, err.msg);
	}
}

static void
run_out(void *arg)
{
	AUTO(image_unref) struct image *img = NULL;
	struct error err = ERROR_INIT;

	(void)arg;
	img = read_text(full, &err);
	if (img == NULL)
		assert_int_equal(err.code, ERR_NOMEM);
	else
		assert_int_equal(img->nhistory, 3);
}

static void
survives_running_out_of_memory(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(run_out, NULL) > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		refuses_configs_that_runtimes_could_read_otherwise),
	    cmocka_unit_test(gives_everything_that_the_config_says),
	    cmocka_unit_test(leaves_empty_what_the_config_does_not_say),
	    cmocka_unit_test(maps_history_to_layers_where_the_counts_agree),
	    cmocka_unit_test(compares_the_platform_with_the_one_in_the_index),
	    cmocka_unit_test(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
