/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/manifest.h"
#include "server/registry/resolve.h"
#include "tests/unit/alloc.h"
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

/* An index of samples, and what else its entries are. */
static void
add_index(struct fake *f, char *text, size_t size, const struct sample *s,
    size_t n, const char *more)
{
	size_t len;

	len = (size_t)snprintf(text, size,
	    "{\"schemaVersion\":2,\"mediaType\":\"" SAMPLE_INDEX "\","
	    "\"manifests\":[");
	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, size - len, "%s%s",
		    i == 0 ? "" : ",", s[i].entry);
		sample_add(f, &s[i]);
	}
	snprintf(text + len, size - len, "%s%s]}",
	    n > 0 && *more != '\0' ? "," : "", more);
	fake_gives(f, .url = TAG, .type = SAMPLE_INDEX, .body = text);
}

static const struct {
	const char *name;
	const char *platforms;
	const char *images; /* "arch arch" in this order */
	size_t others;
	int requests;
} picks[] = {
    {"any", NULL, "amd64 arm64 arm 386 amd64 s390x", 0, 13},
    {"one", "linux/s390x", "s390x", 5, 3},
    {"what the node falls back to counts too", "linux/amd64", "amd64 386", 4,
	5},
    {"several", "linux/arm64,windows/amd64", "arm64 arm amd64", 3, 7},
};

static void
resolves_every_platform_that_a_node_could_run(void **state)
{
	static const char attestation[] =
	    "{\"mediaType\":\"" SAMPLE_TYPE "\",\"digest\":\"" SAMPLE_LAYER
	    "\",\"size\":9,\"platform\":{\"os\":\"unknown\","
	    "\"architecture\":\"unknown\"},\"annotations\":{"
	    "\"vnd.docker.reference.type\":\"attestation-manifest\"}}";

	(void)state;
	for (size_t i = 0; i < N(picks); i++) {
		AUTO(fake_clear) struct fake f;
		struct sample s[6];
		char text[8192], got[256] = "";

		fake_init(&f, NULL);
		sample_init(&s[0], BASE, "linux", "amd64");
		sample_init(&s[1], BASE, "linux", "arm64");
		sample_init(&s[2], BASE, "linux", "arm/v7");
		sample_init(&s[3], BASE, "linux", "386");
		sample_init(&s[4], BASE, "windows", "amd64");
		sample_init(&s[5], BASE, "linux", "s390x");
		add_index(&f, text, sizeof(text), s, 6, attestation);
		fake_resolve(&f, "r.io/a:1", picks[i].platforms, MS);
		if (f.set == NULL)
			fail_msg("%s: %s", picks[i].name, f.err.msg);
		for (size_t j = 0; j < f.set->n; j++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got),
			    "%s%s", j == 0 ? "" : " ",
			    f.set->images[j]->platform.arch);
		if (strcmp(got, picks[i].images) != 0 ||
		    f.set->nothers != picks[i].others ||
		    f.requests != picks[i].requests)
			fail_msg("%s: %s and %zu others by %d requests",
			    picks[i].name, got, f.set->nothers, f.requests);
		assert_string_equal(f.set->digest, fake_digest(text));
	}
}

/* One index, made by a function, and what becomes of it. */
struct index_case {
	const char *name;
	const char *more; /* entries beside one of linux/amd64 */
	const char *platforms;
	enum err_code code; /* ERR_NONE: resolved, to `n` images */
	size_t n;
};

#define ENTRY(type, rest)                                        \
	"{\"mediaType\":\"" type "\",\"digest\":\"" SAMPLE_LAYER \
	"\",\"size\":9" rest "}"

static const struct index_case indexes[] = {
    {"as it should be", "", "linux/amd64", ERR_NONE, 1},
    {"nothing for the nodes", "", "linux/arm64", ERR_NO_PLATFORM, 0},
    {"another type is not run, says who?", ENTRY("application/x-other", ""),
	NULL, ERR_UNSUPPORTED, 0},
    {"the annotation alone does not hide an image",
	ENTRY(SAMPLE_TYPE,
	    ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"},"
	    "\"annotations\":{\"vnd.docker.reference.type\":"
	    "\"attestation-manifest\"}"),
	"linux/amd64", ERR_NOT_FOUND, 0},
    {"a huge manifest is announced",
	"{\"mediaType\":\"" SAMPLE_TYPE "\",\"digest\":\"" SAMPLE_LAYER
	"\",\"size\":4194305}",
	NULL, ERR_LIMIT, 0},
    {"a platform without os",
	ENTRY(SAMPLE_TYPE, ",\"platform\":{\"architecture\":\"amd64\"}"), NULL,
	ERR_SYNTAX, 0},
    {"unknown algorithm",
	"{\"mediaType\":\"" SAMPLE_TYPE "\",\"digest\":\"md5:abc\","
	"\"size\":9}",
	NULL, ERR_UNSUPPORTED, 0},
};

static void
judges_indexes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(indexes); i++) {
		AUTO(fake_clear) struct fake f;
		struct sample s;
		char text[8192];

		fake_sample(&f, &s);
		add_index(&f, text, sizeof(text), &s, 1, indexes[i].more);
		fake_gives(
		    &f, .url = BASE "/manifests/" SAMPLE_LAYER, .status = 404);
		fake_resolve(&f, "r.io/a:1", indexes[i].platforms, MS);
		fake_expect(&f, indexes[i].name, indexes[i].code, indexes[i].n);
	}
}

static void
takes_an_entry_without_platform_by_its_config(void **state)
{
	static const struct {
		const char *arch;
		enum err_code code;
	} cases[] = {{"amd64", ERR_NONE}, {"s390x", ERR_NO_PLATFORM}};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		AUTO(fake_clear) struct fake f;
		struct sample s;
		char text[8192], *platform;

		fake_init(&f, NULL);
		sample_init(&s, BASE, "linux", cases[i].arch);
		platform = strstr(s.entry, ",\"platform\"");
		memcpy(platform, "}", 2);
		add_index(&f, text, sizeof(text), &s, 1, "");
		fake_resolve(&f, "r.io/a:1", "linux/amd64", MS);
		fake_expect(&f, cases[i].arch, cases[i].code, 1);
	}
}

static void
lists_an_image_once_that_the_index_lists_twice(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;
	char text[8192];

	(void)state;
	fake_sample(&f, &s);
	add_index(&f, text, sizeof(text), &s, 1, s.entry);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_expect_set(&f, "twice", 1);
	assert_int_equal(f.requests, 3);
}

static void
refuses_a_platform_that_the_config_contradicts(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;
	char text[8192], *arch;

	(void)state;
	fake_sample(&f, &s);
	arch = strstr(s.entry, "amd64");
	memcpy(arch, "arm64", 5);
	add_index(&f, text, sizeof(text), &s, 1, "");
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_expect_code(&f, "contradiction", ERR_SYNTAX);
}

static void
refuses_more_manifests_than_an_image_has(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s[CHILD_MANIFESTS_MAX + 1];
	char text[16384], arch[32];

	(void)state;
	fake_init(&f, NULL);
	for (int i = 0; i < CHILD_MANIFESTS_MAX + 1; i++) {
		snprintf(arch, sizeof(arch), "cpu%d", i);
		sample_init(&s[i], BASE, "linux", arch);
	}
	add_index(&f, text, sizeof(text), s, CHILD_MANIFESTS_MAX + 1, "");
	fake_resolve(&f, "r.io/a:1", "linux/cpu3", MS);
	fake_expect_set(&f, "one of them", 1);
	fake_gives(&f, .url = TAG, .type = SAMPLE_INDEX, .body = text);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_expect_code(&f, "all of them", ERR_LIMIT);
}

/* Wraps an index in another: its text, its entry. */
static void
wrap(char *text, size_t size, char *entry, size_t entry_size, const char *inner)
{
	snprintf(entry, entry_size,
	    "{\"mediaType\":\"" SAMPLE_INDEX "\",\"digest\":\"%s\","
	    "\"size\":%zu}",
	    fake_digest(inner), strlen(inner));
	snprintf(text, size,
	    "{\"schemaVersion\":2,\"mediaType\":\"" SAMPLE_INDEX "\","
	    "\"manifests\":[%s]}",
	    entry);
}

static void
follows_an_index_in_an_index_and_no_further(void **state)
{
	(void)state;
	for (int depth = 1; depth <= 3; depth++) {
		AUTO(fake_clear) struct fake f;
		char text[4][4096], entry[1024], url[4][512];
		struct sample s;

		fake_sample(&f, &s);
		sample_add(&f, &s);
		snprintf(text[0], sizeof(text[0]),
		    "{\"schemaVersion\":2,\"mediaType\":\"" SAMPLE_INDEX "\","
		    "\"manifests\":[%s]}",
		    s.entry);
		for (int i = 1; i < depth; i++)
			wrap(text[i], sizeof(text[i]), entry, sizeof(entry),
			    text[i - 1]);
		for (int i = 0; i < depth - 1; i++) {
			snprintf(url[i], sizeof(url[i]), BASE "/manifests/%s",
			    fake_digest(text[i]));
			fake_gives(&f, .url = url[i], .type = SAMPLE_INDEX,
			    .body = text[i]);
		}
		fake_gives(&f, .url = TAG, .type = SAMPLE_INDEX,
		    .body = text[depth - 1]);
		fake_resolve(&f, "r.io/a:1", NULL, MS);
		if (depth <= INDEX_DEPTH_MAX)
			fake_expect_set(&f, "nested", 1);
		else
			fake_expect_code(&f, "too deep", ERR_LIMIT);
	}
}

static void
tells_artifacts_from_images(void **state)
{
	static const char artifact[] =
	    "{\"schemaVersion\":2,\"mediaType\":\"" SAMPLE_TYPE "\","
	    "\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\","
	    "\"digest\":\"" SAMPLE_LAYER "\",\"size\":2},\"layers\":[]}";
	AUTO(fake_clear) struct fake f;
	struct sample s;
	char text[8192], entry[512], url[512];

	(void)state;
	fake_init(&f, NULL);
	fake_gives(&f, .url = TAG, .type = SAMPLE_TYPE, .body = artifact);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_expect_code(&f, "artifact", ERR_UNSUPPORTED);

	/* Beside an image it is passed over, but not as a platform. */
	sample_init(&s, BASE, "linux", "amd64");
	snprintf(url, sizeof(url), BASE "/manifests/%s", fake_digest(artifact));
	fake_gives(&f, .url = url, .always = true, .type = SAMPLE_TYPE,
	    .body = artifact);
	snprintf(entry, sizeof(entry),
	    "{\"mediaType\":\"" SAMPLE_TYPE
	    "\",\"digest\":\"%s\",\"size\":%zu}",
	    fake_digest(artifact), strlen(artifact));
	add_index(&f, text, sizeof(text), &s, 1, entry);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_expect_set(&f, "beside", 1);

	snprintf(entry, sizeof(entry),
	    "{\"mediaType\":\"" SAMPLE_TYPE "\",\"digest\":\"%s\",\"size\":%zu,"
	    "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}",
	    fake_digest(artifact), strlen(artifact));
	add_index(&f, text, sizeof(text), &s, 1, entry);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_expect_code(&f, "as a platform", ERR_UNSUPPORTED);
}

struct memory_case {
	struct fake f;
	struct sample s;
	char text[4096];
};

static void
run_out_once(void *arg)
{
	struct memory_case *m = arg;

	for (int i = 0; i < m->f.nanswers; i++)
		m->f.answers[i].used = false;
	fake_resolve(&m->f, "r.io/a:1", "linux/amd64", MS);
	if (m->f.set == NULL)
		assert_int_equal(m->f.err.code, ERR_NOMEM);
	else
		assert_int_equal(m->f.set->n, 1);
	client_clear(&m->f.client);
}

static void
survives_running_out_of_memory(void **state)
{
	static struct memory_case m;

	(void)state;
	fake_sample(&m.f, &m.s);
	add_index(&m.f, m.text, sizeof(m.text), &m.s, 1, "");
	assert_true(alloc_fail_each(run_out_once, &m) > 50);
	fake_clear(&m.f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(resolves_every_platform_that_a_node_could_run),
	    cmocka_unit_test(judges_indexes),
	    cmocka_unit_test(takes_an_entry_without_platform_by_its_config),
	    cmocka_unit_test(lists_an_image_once_that_the_index_lists_twice),
	    cmocka_unit_test(refuses_a_platform_that_the_config_contradicts),
	    cmocka_unit_test(refuses_more_manifests_than_an_image_has),
	    cmocka_unit_test(follows_an_index_in_an_index_and_no_further),
	    cmocka_unit_test(tells_artifacts_from_images),
	    cmocka_unit_test(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
