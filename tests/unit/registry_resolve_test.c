/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/manifest.h"
#include "server/registry/resolve.h"
#include "tests/unit/registry_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define BASE "https://r.io/v2/a"
#define TAG BASE "/manifests/1"

enum { MS = 10000 };

static void
gives_the_facts_of_a_single_image(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;
	const struct image *img;

	(void)state;
	fake_sample(&f, &s);
	fake_gives(&f, .url = TAG, .type = SAMPLE_TYPE, .body = s.manifest);
	sample_add(&f, &s);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_expect_set(&f, "single", 1);
	img = f.set->images[0];
	assert_string_equal(f.set->digest, s.digest);
	assert_string_equal(img->digest, s.digest);
	assert_string_equal(img->config_digest, s.config_digest);
	assert_string_equal(img->platform.arch, "amd64");
	assert_string_equal(img->user, "1000");
	assert_int_equal(img->size, 1234);
	assert_int_equal(img->nlayers, 1);
	assert_string_equal(image_layer_instruction(img, 0), "COPY a b");
	assert_int_equal(f.requests, 2);
}

static void
asks_by_digest_and_checks_it(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;
	char ref[256];

	(void)state;
	fake_sample(&f, &s);
	sample_add(&f, &s);
	snprintf(ref, sizeof(ref), "r.io/a:other@%s", s.digest);
	fake_resolve(&f, ref, NULL, MS);
	fake_expect_set(&f, "digest", 1);
	assert_int_equal(f.requests, 2);
}

/* A single image whose manifest or config is not what it should be. */
struct lie {
	const char *name;
	struct fake_answer manifest; /* fields over those of the sample */
	struct fake_answer config;
	enum err_code code;
};

static const struct lie lies[] = {
    {"other type", {.type = SAMPLE_INDEX}, {.body = NULL}, ERR_SYNTAX},
    {"no type", {.type = ""}, {.body = NULL}, ERR_NONE},
    {"type that says nothing", {.type = "text/plain; charset=utf-8"},
	{.body = NULL}, ERR_NONE},
    {"type with parameters", {.type = SAMPLE_TYPE "; charset=utf-8"},
	{.body = NULL}, ERR_NONE},
    {"schema 1 by its header",
	{.type = "application/vnd.docker.distribution.manifest.v1+prettyjws",
	    .body = "{\"schemaVersion\":2}"},
	{.body = NULL}, ERR_UNSUPPORTED},
    {"schema 1 by its body, whatever the header says",
	{.body = "{\"schemaVersion\":1,\"fsLayers\":[]}"}, {.body = NULL},
	ERR_UNSUPPORTED},
    {"no JSON", {.body = "<html>"}, {.body = NULL}, ERR_SYNTAX},
    {"empty", {.body = ""}, {.body = NULL}, ERR_SYNTAX},
    {"wrong digest in the header", {.digest = SAMPLE_LAYER}, {.body = NULL},
	ERR_DIGEST},
    {"nonsense as digest", {.digest = "sha256:../../x"}, {.body = NULL},
	ERR_NONE},
    {"more than the bound", {.len = MANIFEST_BYTES_MAX + 1}, {.body = NULL},
	ERR_LIMIT},
    {"other config", {.body = NULL}, {.len = 5}, ERR_SIZE},
    {"config of right size", {.body = NULL}, {.body = "flip"}, ERR_DIGEST},
    {"longer config", {.body = NULL}, {.body = "long"}, ERR_SIZE},
    {"no config", {.body = NULL}, {.status = 404}, ERR_NOT_FOUND},
    {"config cut", {.body = NULL}, {.err = ERR_TRUNCATED}, ERR_TRUNCATED},
    {"nothing there", {.status = 404}, {.body = NULL}, ERR_NOT_FOUND},
    {"gone", {.status = 410}, {.body = NULL}, ERR_UNAVAILABLE},
    {"TLS", {.err = ERR_TLS}, {.body = NULL}, ERR_TLS},
    {"blocked", {.err = ERR_BLOCKED}, {.body = NULL}, ERR_BLOCKED},
    {"down", {.err = ERR_UNAVAILABLE}, {.body = NULL}, ERR_UNAVAILABLE},
    {"out of memory", {.err = ERR_NOMEM}, {.body = NULL}, ERR_NOMEM},
};

static void
fails_with_a_code_that_fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(lies); i++) {
		AUTO(fake_clear) struct fake f;
		struct fake_answer m = lies[i].manifest, c = lies[i].config;
		struct sample s;
		char other[1100];

		fake_sample(&f, &s);
		m.url = TAG;
		m.type = m.type == NULL ? SAMPLE_TYPE : m.type;
		m.body = m.body == NULL ? s.manifest : m.body;
		c.url = s.config_url;
		snprintf(other, sizeof(other), "%s%s", s.config,
		    c.body != NULL && strcmp(c.body, "long") == 0 ? " " : "");
		if (c.body != NULL && strcmp(c.body, "flip") == 0)
			other[strlen(other) - 1] = ' ';
		c.body = other;
		fake_add(&f, m);
		fake_add(&f, c);
		fake_resolve(&f, "r.io/a:1", NULL, MS);
		fake_expect(&f, lies[i].name, lies[i].code, 1);
	}
}

static void
refuses_a_digest_that_the_bytes_do_not_have(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;

	(void)state;
	fake_sample(&f, &s);
	/* The header agrees with what was asked for, and counts for nothing. */
	fake_gives(&f, .url = BASE "/manifests/" SAMPLE_LAYER,
	    .type = SAMPLE_TYPE, .digest = SAMPLE_LAYER, .body = s.manifest);
	fake_resolve(&f, "r.io/a@" SAMPLE_LAYER, NULL, MS);
	fake_expect_code(&f, "digest", ERR_DIGEST);
}

static void
knows_a_manifest_by_the_sha512_that_the_registry_says(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;
	char digest[DIGEST_TEXT_MAX];
	struct error err = ERROR_INIT;

	(void)state;
	fake_sample(&f, &s);
	assert_int_equal(
	    digest_of("sha512:", s.manifest, strlen(s.manifest), digest, &err),
	    0);
	fake_gives(&f, .url = TAG, .type = SAMPLE_TYPE, .digest = digest,
	    .body = s.manifest);
	sample_add(&f, &s);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_expect_set(&f, "sha512", 1);
	assert_string_equal(f.set->digest, digest);
}

static void
uses_a_config_that_stands_in_the_manifest(void **state)
{
	static const char manifest[] =
	    "{\"schemaVersion\":2,\"mediaType\":\"" SAMPLE_TYPE "\",\"config\":"
	    "{\"mediaType\":\"" SAMPLE_CONFIG "\",\"digest\":\"sha256:"
	    "%s\",\"size\":%d,\"data\":\"%s\"},\"layers\":[]}";
	static const char data[] = "eyJvcyI6ImxpbnV4IiwiYXJjaGl0ZWN0dXJlIjoiYX"
				   "JtNjQiLCJyb290ZnMiOnt9fQ==";
	static const char plain[] = "{\"os\":\"linux\","
				    "\"architecture\":\"arm64\",\"rootfs\":{}}";
	AUTO(fake_clear) struct fake f;
	char text[2048];

	(void)state;
	fake_init(&f, NULL);
	snprintf(text, sizeof(text), manifest, fake_digest(plain) + 7,
	    (int)strlen(plain), data);
	fake_gives(&f, .url = TAG, .body = text);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_expect_set(&f, "embedded", 1);
	assert_int_equal(f.requests, 1);
}

static void
answers_by_the_deadline(void **state)
{
	AUTO(fake_clear) struct fake f;
	int64_t before;

	(void)state;
	fake_init(&f, NULL);
	before = f.now;
	fake_resolve(&f, "r.io/a:1", NULL, 700); /* nobody answers */
	fake_expect_code(&f, "silence", ERR_TIMEOUT);
	assert_int_equal(f.done_at - before, 700);
	fake_resolve(&f, "r.io/a:1", NULL, -5);
	fake_expect_code(&f, "no time at all", ERR_TIMEOUT);
}

static void
shares_what_is_asked_for_at_the_same_time(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;

	(void)state;
	fake_sample(&f, &s);
	fake_gives(&f, .url = TAG, .type = SAMPLE_TYPE, .body = s.manifest);
	sample_add(&f, &s);
	for (int i = 0; i < 99; i++)
		fake_start(&f, "r.io/a:1", i % 2 ? NULL : "linux/amd64", MS);
	f.done = 0;
	fake_run(&f);
	assert_int_equal(f.done, 99);
	fake_expect_set(&f, "shared", 1);
	assert_int_equal(f.requests, 2);
}

static void
gives_up_for_one_and_goes_on_for_another(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;

	(void)state;
	fake_sample(&f, &s);
	fake_gives(&f, .url = TAG, .status = 503, .retry_after = "2");
	fake_gives(&f, .url = TAG, .type = SAMPLE_TYPE, .body = s.manifest);
	sample_add(&f, &s);
	fake_start(&f, "r.io/a:1", NULL, 1000);
	fake_start(&f, "r.io/a:1", NULL, MS);
	fake_run(&f);
	assert_int_equal(f.done, 2);
	fake_expect_set(&f, "the patient one", 1);
	assert_int_equal(f.requests, 3);
}

static void
ends_what_is_open_when_it_stops(void **state)
{
	AUTO(fake_clear) struct fake f;

	(void)state;
	fake_init(&f, NULL);
	fake_start(&f, "r.io/a:1", NULL, MS);
	client_run(&f.client, 0);
	job_stop_all(&f.client);
	fake_expect_code(&f, "stopped", ERR_UNAVAILABLE);
	assert_int_equal(f.done, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_the_facts_of_a_single_image),
	    cmocka_unit_test(asks_by_digest_and_checks_it),
	    cmocka_unit_test(fails_with_a_code_that_fits),
	    cmocka_unit_test(refuses_a_digest_that_the_bytes_do_not_have),
	    cmocka_unit_test(
		knows_a_manifest_by_the_sha512_that_the_registry_says),
	    cmocka_unit_test(uses_a_config_that_stands_in_the_manifest),
	    cmocka_unit_test(answers_by_the_deadline),
	    cmocka_unit_test(shares_what_is_asked_for_at_the_same_time),
	    cmocka_unit_test(gives_up_for_one_and_goes_on_for_another),
	    cmocka_unit_test(ends_what_is_open_when_it_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
