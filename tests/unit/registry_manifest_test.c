/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/buf.h"
#include "server/registry/manifest.h"
#include "server/registry/strict.h"
#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

#define HEX "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define D "\"digest\":\"sha256:" HEX "\""
#define OCI "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define DOCKER "application/vnd.docker.distribution.manifest.v2+json"
#define LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define CONFIG "application/vnd.oci.image.config.v1+json"
#define CONF "\"config\":{\"mediaType\":\"" CONFIG "\"," D ",\"size\":7}"
#define LAYER "{\"mediaType\":\"application/x-layer\"," D ",\"size\":100}"
#define LAYERS "\"layers\":[" LAYER "," LAYER "]"
#define TYPE(t) "\"mediaType\":\"" t "\","
#define V2 "{\"schemaVersion\":2,"
#define IMAGE V2 TYPE(OCI) CONF "," LAYERS "}"
#define ENTRY(rest) "{\"mediaType\":\"" OCI "\"," D ",\"size\":9" rest "}"
#define LINUX "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}"
#define INDEX(entries) V2 TYPE(OCI_INDEX) "\"manifests\":[" entries "]}"

/* Reads as this kind, or is refused with this code. */
static const struct {
	const char *name;
	const char *text;
	const char *header; /* Content-Type */
	enum err_code code;
	enum manifest_kind kind;
	size_t n; /* layers or entries */
} cases[] = {
    {"image", IMAGE, OCI, ERR_NONE, MANIFEST_IMAGE, 2},
    {"docker image",
	V2 TYPE(DOCKER) "\"config\":{\"mediaType\":"
			"\"application/vnd.docker.container.image."
			"v1+json\"," D ",\"size\":7}," LAYERS "}",
	DOCKER, ERR_NONE, MANIFEST_IMAGE, 2},
    {"no layers", V2 TYPE(OCI) CONF ",\"layers\":[]}", OCI, ERR_NONE,
	MANIFEST_IMAGE, 0},
    {"index", INDEX(ENTRY("," LINUX)), OCI_INDEX, ERR_NONE, MANIFEST_INDEX, 1},
    {"empty index", INDEX(""), OCI_INDEX, ERR_NONE, MANIFEST_INDEX, 0},
    {"docker list", V2 TYPE(LIST) "\"manifests\":[" ENTRY("," LINUX) "]}", LIST,
	ERR_NONE, MANIFEST_INDEX, 1},
    {"artifact",
	V2 TYPE(OCI) "\"config\":{\"mediaType\":\"a/b\"," D
		     ",\"size\":2}," LAYERS "}",
	OCI, ERR_NONE, MANIFEST_ARTIFACT, 0},
    {"artifact manifest",
	V2 TYPE("application/vnd.oci.artifact.manifest.v1+json") "\"x\":1}",
	NULL, ERR_UNSUPPORTED, 0, 0},

    {"type by the header", V2 CONF "," LAYERS "}", OCI, ERR_NONE,
	MANIFEST_IMAGE, 2},
    {"type by the body", IMAGE, NULL, ERR_NONE, MANIFEST_IMAGE, 2},
    {"type by the structure", V2 CONF "," LAYERS "}", NULL, ERR_NONE,
	MANIFEST_IMAGE, 2},
    {"index by the structure", V2 "\"manifests\":[]}", "text/plain", ERR_NONE,
	MANIFEST_INDEX, 0},
    {"header in capitals", IMAGE, "Application/VND.oci.image.manifest.V1+json",
	ERR_NONE, MANIFEST_IMAGE, 2},
    {"header that says nothing", IMAGE, "application/octet-stream; x=y",
	ERR_NONE, MANIFEST_IMAGE, 2},
    {"header against body", IMAGE, DOCKER, ERR_SYNTAX, 0, 0},
    {"index by header, image by body", IMAGE, OCI_INDEX, ERR_SYNTAX, 0, 0},
    {"image by header, index inside", V2 "\"manifests\":[]}", OCI, ERR_SYNTAX,
	0, 0},
    {"index by header, image inside", V2 CONF "," LAYERS "}", OCI_INDEX,
	ERR_SYNTAX, 0, 0},
    {"image and index at once",
	V2 TYPE(OCI) CONF "," LAYERS ",\"manifests\":[]}", OCI, ERR_SYNTAX, 0,
	0},
    {"index and layers at once",
	V2 TYPE(OCI_INDEX) "\"manifests\":[],\"layers\":[]}", OCI_INDEX,
	ERR_SYNTAX, 0, 0},
    {"both, and no type", V2 CONF ",\"manifests\":[]}", NULL, ERR_SYNTAX, 0, 0},
    {"HTML", V2 CONF "}", "text/html", ERR_UNSUPPORTED, 0, 0},
    {"mediaType that is no string", V2 "\"mediaType\":1," CONF "}", NULL,
	ERR_SYNTAX, 0, 0},

    {"schema 1", "{\"schemaVersion\":1,\"fsLayers\":[]}", OCI, ERR_UNSUPPORTED,
	0, 0},
    {"schema 1 in disguise", V2 TYPE(OCI) CONF "," LAYERS ",\"fsLayers\":[]}",
	OCI, ERR_UNSUPPORTED, 0, 0},
    {"schema 1 by type", V2 "\"x\":1}",
	"application/vnd.docker.distribution.manifest.v1+json", ERR_UNSUPPORTED,
	0, 0},
    {"schema 1, signed", V2 "\"x\":1}",
	"application/vnd.docker.distribution.manifest.v1+prettyjws",
	ERR_UNSUPPORTED, 0, 0},
    {"no schemaVersion", "{" TYPE(OCI) CONF "," LAYERS "}", OCI, ERR_SYNTAX, 0,
	0},
    {"schemaVersion 3", "{\"schemaVersion\":3," CONF "," LAYERS "}", OCI,
	ERR_SYNTAX, 0, 0},
    {"schemaVersion that is text", "{\"schemaVersion\":\"2\"," CONF "}", OCI,
	ERR_SYNTAX, 0, 0},

    {"no config", V2 TYPE(OCI) LAYERS "}", OCI, ERR_SYNTAX, 0, 0},
    {"config is null", V2 TYPE(OCI) "\"config\":null," LAYERS "}", OCI,
	ERR_SYNTAX, 0, 0},
    {"layers missing", V2 TYPE(OCI) CONF "}", OCI, ERR_SYNTAX, 0, 0},
    {"layers that are no list", V2 CONF ",\"layers\":{}}", OCI, ERR_SYNTAX, 0,
	0},
    {"manifests missing", V2 TYPE(OCI_INDEX) "\"x\":1}", OCI_INDEX, ERR_SYNTAX,
	0, 0},
    {"a layer that is no object", V2 CONF ",\"layers\":[1]}", OCI, ERR_SYNTAX,
	0, 0},
    {"a layer without size",
	V2 CONF ",\"layers\":[{\"mediaType\":\"a/b\"," D "}]}", OCI, ERR_SYNTAX,
	0, 0},
    {"a layer without digest",
	V2 CONF ",\"layers\":[{\"mediaType\":\"a/b\",\"size\":1}]}", OCI,
	ERR_SYNTAX, 0, 0},
    {"a layer without type", V2 CONF ",\"layers\":[{" D ",\"size\":1}]}", OCI,
	ERR_SYNTAX, 0, 0},
    {"negative size",
	V2 CONF ",\"layers\":[{\"mediaType\":\"a/b\"," D ",\"size\":-1}]}", OCI,
	ERR_SYNTAX, 0, 0},
    {"real size",
	V2 CONF ",\"layers\":[{\"mediaType\":\"a/b\"," D ",\"size\":1e2}]}",
	OCI, ERR_SYNTAX, 0, 0},
    {"size beyond all numbers",
	V2 CONF ",\"layers\":[{\"mediaType\":\"a/b\"," D
		",\"size\":9223372036854775808}]}",
	OCI, ERR_SYNTAX, 0, 0},
    {"sizes that overflow",
	V2 CONF ",\"layers\":[{\"mediaType\":\"a/b\"," D
		",\"size\":9223372036854775807}," LAYER "]}",
	OCI, ERR_SYNTAX, 0, 0},
    {"digest that leads elsewhere",
	V2 "\"config\":{\"mediaType\":\"" CONFIG
	   "\",\"digest\":\"sha256:../../../x\",\"size\":7}," LAYERS "}",
	OCI, ERR_SYNTAX, 0, 0},
    {"digest in capitals",
	V2 "\"config\":{\"mediaType\":\"" CONFIG
	   "\",\"digest\":\"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	   "AAAAAAAAAAAAAAAAAAAA\",\"size\":7}," LAYERS "}",
	OCI, ERR_SYNTAX, 0, 0},
    {"unknown algorithm",
	V2 "\"config\":{\"mediaType\":\"" CONFIG "\",\"digest\":\"blake3:" HEX
	   "\",\"size\":7}," LAYERS "}",
	OCI, ERR_UNSUPPORTED, 0, 0},
    {"digest without algorithm",
	V2 "\"config\":{\"mediaType\":\"" CONFIG "\",\"digest\":\"" HEX
	   "\",\"size\":7}," LAYERS "}",
	OCI, ERR_SYNTAX, 0, 0},

    {"attestation is no image",
	INDEX(ENTRY(",\"platform\":{\"os\":\"unknown\","
		    "\"architecture\":\"unknown\"}")),
	OCI_INDEX, ERR_NONE, MANIFEST_INDEX, 0},
    {"entry without platform", INDEX(ENTRY("")), OCI_INDEX, ERR_NONE,
	MANIFEST_INDEX, 1},
    {"entry with null platform", INDEX(ENTRY(",\"platform\":null")), OCI_INDEX,
	ERR_NONE, MANIFEST_INDEX, 1},
    {"platform without architecture",
	INDEX(ENTRY(",\"platform\":{\"os\":\"linux\"}")), OCI_INDEX, ERR_SYNTAX,
	0, 0},
    {"platform that is text", INDEX(ENTRY(",\"platform\":\"linux\"")),
	OCI_INDEX, ERR_SYNTAX, 0, 0},
    {"entry of another type", INDEX("{\"mediaType\":\"a/b\"," D ",\"size\":1}"),
	OCI_INDEX, ERR_UNSUPPORTED, 0, 0},

    {"key twice", "{\"schemaVersion\":2," CONF "," CONF "," LAYERS "}", OCI,
	ERR_SYNTAX, 0, 0},
    {"key twice, escaped",
	"{\"schemaVersion\":2," CONF ",\"conf\\u0069g\":{}," LAYERS "}", OCI,
	ERR_SYNTAX, 0, 0},
    {"key twice but for case", V2 CONF ",\"Config\":{}," LAYERS "}", OCI,
	ERR_SYNTAX, 0, 0},
    {"key in another case alone", V2 TYPE(OCI) CONF ",\"LAYERS\":[]}", OCI,
	ERR_SYNTAX, 0, 0},
    {"long s", V2 CONF "," LAYERS ",\"layer\\u017f\":[]}", OCI, ERR_SYNTAX, 0,
	0},
    {"long s as it is", V2 CONF "," LAYERS ",\"layer\xc5\xbf\":[]}", OCI,
	ERR_SYNTAX, 0, 0},
    {"case in a descriptor",
	V2 "\"config\":{\"mediaType\":\"" CONFIG "\"," D
	   ",\"size\":7,\"Digest\":\"x\"}," LAYERS "}",
	OCI, ERR_SYNTAX, 0, 0},
    {"case in a layer",
	V2 CONF ",\"layers\":[{\"mediaType\":\"a/b\"," D
		",\"size\":1,\"\\u017fize\":9}]}",
	OCI, ERR_SYNTAX, 0, 0},
    {"case in a platform",
	INDEX(ENTRY(",\"platform\":{\"os\":\"linux\",\"OS\":\"x\","
		    "\"architecture\":\"amd64\"}")),
	OCI_INDEX, ERR_SYNTAX, 0, 0},
    {"case in annotations is free",
	V2 TYPE(OCI) CONF "," LAYERS
			  ",\"annotations\":{\"a\":\"1\",\"A\":\"2\"}}",
	OCI, ERR_NONE, MANIFEST_IMAGE, 2},
    {"annotation that is no text",
	V2 TYPE(OCI) CONF "," LAYERS ",\"annotations\":{\"a\":1}}", OCI,
	ERR_SYNTAX, 0, 0},

    {"bytes behind", IMAGE " x", OCI, ERR_SYNTAX, 0, 0},
    {"two documents", IMAGE IMAGE, OCI, ERR_SYNTAX, 0, 0},
    {"a mark before", "\xef\xbb\xbf" IMAGE, OCI, ERR_SYNTAX, 0, 0},
    {"cut", V2 CONF, OCI, ERR_SYNTAX, 0, 0},
    {"invalid UTF-8", V2 "\"x\":\"\xff\"}", OCI, ERR_SYNTAX, 0, 0},
    {"NUL in a string", V2 "\"x\":\"\\u0000\"}", OCI, ERR_SYNTAX, 0, 0},
    {"a list", "[]", OCI, ERR_SYNTAX, 0, 0},
    {"null", "null", OCI, ERR_SYNTAX, 0, 0},
    {"nothing", "", OCI, ERR_SYNTAX, 0, 0},
};

static void
reads_manifests_that_can_be_read_one_way_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct manifest m;
		int rc = manifest_parse(&m, cases[i].text,
		    strlen(cases[i].text), cases[i].header, mem, &err);

		if ((rc == 0) != (cases[i].code == ERR_NONE) ||
		    err.code != cases[i].code)
			fail_msg("%s: code %d, expected %d (%s)", cases[i].name,
			    err.code, cases[i].code, err.msg);
		if (rc == 0 && (m.kind != cases[i].kind ||
				   m.nlayers + m.nentries != cases[i].n))
			fail_msg("%s: kind %d, %zu layers, %zu entries",
			    cases[i].name, m.kind, m.nlayers, m.nentries);
	}
}

static void
keeps_what_the_manifest_says(void **state)
{
	static const char text[] =
	    V2 TYPE(OCI) CONF "," LAYERS ",\"annotations\":{\"k\":\"v\"}}";
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct manifest m;

	(void)state;
	assert_int_equal(
	    manifest_parse(&m, text, strlen(text), OCI, mem, &err), 0);
	assert_string_equal(m.media_type, OCI);
	assert_int_equal(m.size, 200);
	assert_int_equal(m.config.size, 7);
	assert_string_equal(m.layers[1].media_type, "application/x-layer");
	assert_string_equal(m.layers[1].digest, "sha256:" HEX);
	assert_int_equal(m.annotations.n, 1);
	assert_string_equal(m.annotations.items[0].value, "v");
}

/* Many of one piece. */
static char *
many(const char *before, const char *piece, size_t n, const char *after)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(64 * 1024 * 1024);

	buf_puts(&b, before);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : ",", piece);
	buf_puts(&b, after);
	return buf_take(&b);
}

static void
refuses_more_than_there_can_be(void **state)
{
	static const struct {
		const char *name;
		const char *before, *piece, *after;
		size_t most;
		enum err_code over;
	} bounds[] = {
	    {"entries", V2 TYPE(OCI_INDEX) "\"manifests\":[", ENTRY(""), "]}",
		INDEX_ENTRIES_MAX, ERR_LIMIT},
	    {"layers", V2 TYPE(OCI) CONF ",\"layers\":[", LAYER, "]}",
		LAYERS_MAX, ERR_LIMIT},
	    {"values", V2 TYPE(OCI_INDEX) "\"manifests\":[],\"x\":[", "{}",
		"]}", STRICT_VALUES_MAX / 2 - 4, ERR_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < N(bounds); i++) {
		for (int over = 0; over <= 1; over++) {
			AUTO(arena_free) struct arena *mem = arena_new();
			AUTO(free)
			char *text = many(bounds[i].before, bounds[i].piece,
			    bounds[i].most + 8 * (size_t)over, bounds[i].after);
			struct error err = ERROR_INIT;
			struct manifest m;

			manifest_parse(&m, text, strlen(text), NULL, mem, &err);
			if (err.code != (over ? bounds[i].over : ERR_NONE))
				fail_msg("%s, over %d: %s", bounds[i].name,
				    over, err.msg);
		}
	}
}

static void
refuses_what_is_nested_too_deep(void **state)
{
	(void)state;
	for (size_t deep = STRICT_DEPTH_MAX - 1; deep <= STRICT_DEPTH_MAX;
	     deep++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		AUTO(buf_clear) struct buf b = BUF_INIT(4096);
		struct error err = ERROR_INIT;
		struct manifest m;

		buf_puts(&b, V2 "\"manifests\":[],\"x\":");
		for (size_t i = 0; i < deep; i++)
			buf_puts(&b, "[");
		for (size_t i = 0; i < deep; i++)
			buf_puts(&b, "]");
		buf_puts(&b, "}");
		manifest_parse(&m, b.data, b.len, NULL, mem, &err);
		assert_int_equal(
		    err.code, deep < STRICT_DEPTH_MAX ? ERR_NONE : ERR_SYNTAX);
	}
}

static void
says_nothing_of_what_it_read_in_messages(void **state)
{
	static const char *const texts[] = {
	    V2 "\"mediaType\":\"SECRET\"," CONF "}",
	    V2 "\"config\":{\"mediaType\":\"" CONFIG
	       "\",\"digest\":\"SECRET\",\"size\":7}," LAYERS "}",
	    "{\"SECRET",
	    V2 "\"SECRET\":1,\"SECRET\":2}",
	};

	(void)state;
	for (size_t i = 0; i < N(texts); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct manifest m;

		assert_int_equal(manifest_parse(&m, texts[i], strlen(texts[i]),
				     NULL, mem, &err),
		    -1);
		assert_null(strstr(err.msg, "SECRET"));
	}
}

static void
run_out(void *arg)
{
	const char *text = arg;
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct manifest m;

	if (mem == NULL)
		return;
	if (manifest_parse(&m, text, strlen(text), OCI, mem, &err) != 0)
		assert_int_equal(err.code, ERR_NOMEM);
	else
		assert_int_equal(m.nlayers, 2);
}

static void
survives_running_out_of_memory(void **state)
{
	char text[] =
	    V2 TYPE(OCI) CONF "," LAYERS ",\"annotations\":{\"k\":\"v\"}}";

	(void)state;
	assert_true(alloc_fail_each(run_out, text) > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_manifests_that_can_be_read_one_way_only),
	    cmocka_unit_test(keeps_what_the_manifest_says),
	    cmocka_unit_test(refuses_more_than_there_can_be),
	    cmocka_unit_test(refuses_what_is_nested_too_deep),
	    cmocka_unit_test(says_nothing_of_what_it_read_in_messages),
	    cmocka_unit_test(survives_running_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
