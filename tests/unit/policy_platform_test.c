/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/platform.h"

#include "tests/unit/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *text;
	const char *normal; /* NULL: refused */
} texts[] = {
    {"linux/amd64", "linux/amd64"},
    {"linux/x86_64", "linux/amd64"},
    {"linux/x86-64/v1", "linux/amd64"},
    {"linux/amd64/v1", "linux/amd64"},
    {"linux/amd64/v2", "linux/amd64/v2"},
    {"Linux/AMD64/V3", "linux/amd64/v3"},
    {"linux/arm64", "linux/arm64"},
    {"linux/aarch64", "linux/arm64"},
    {"linux/arm64/v8", "linux/arm64"},
    {"linux/arm64/8", "linux/arm64"},
    {"linux/arm64/v8.0", "linux/arm64"},
    {"linux/arm64/v8.2", "linux/arm64/v8.2"},
    {"linux/arm64/9", "linux/arm64/v9"},
    {"linux/arm64/v9.0", "linux/arm64/v9"},
    {"linux/arm", "linux/arm/v7"},
    {"linux/arm/7", "linux/arm/v7"},
    {"linux/arm/v6", "linux/arm/v6"},
    {"linux/arm/5", "linux/arm/v5"},
    {"linux/armhf", "linux/arm/v7"},
    {"linux/armel", "linux/arm/v6"},
    {"linux/i386", "linux/386"},
    {"linux/386", "linux/386"},
    {"linux/s390x", "linux/s390x"},
    {"windows/amd64", "windows/amd64"},
    {"macos/arm64", "darwin/arm64"},
    {"plan9/mips", "plan9/mips"},
    {"", NULL},
    {"linux", NULL},
    {"amd64", NULL},
    {"linux/", NULL},
    {"/amd64", NULL},
    {"linux//v7", NULL},
    {"linux/arm/", NULL},
    {"linux/arm/v7/x", NULL},
    {"linux/arm/v7/", NULL},
    {"linux/ amd64", NULL},
    {"linux/*", NULL},
    {"linux(10.0)/amd64", NULL},
    {"linux/amd64/3", NULL},
    {"linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	NULL},
};

static void
normalises_as_containerd_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(texts); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct platform p;
		const char *got = NULL;

		assert_non_null(mem);
		if (platform_parse(&p, texts[i].text, mem, &err) == 0)
			got = platform_text(&p, mem);
		else
			assert_int_equal(err.code, ERR_SYNTAX);
		if (strcmp(got ? got : "-",
			texts[i].normal ? texts[i].normal : "-") != 0)
			fail_msg(
			    "%s: got %s", texts[i].text, got ? got : err.msg);
	}
}

static void
says_what_a_platform_looks_like(void **state)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct platform p;

	(void)state;
	assert_non_null(mem);
	assert_int_equal(platform_parse(&p, "amd64", mem, &err), -1);
	assert_string_equal(err.msg,
	    "\"amd64\" is not a platform: the architecture is missing; write os/arch or os/arch/variant, as in linux/amd64");
}

static const struct {
	const char *node;
	const char *image;
	bool runs;
} pairs[] = {
    {"linux/amd64", "linux/amd64", true},
    {"linux/amd64", "linux/amd64/v1", true},
    {"linux/amd64", "linux/386", true},
    {"linux/amd64", "linux/amd64/v2", false},
    {"linux/amd64", "linux/arm64", false},
    {"linux/amd64", "windows/amd64", false},
    {"linux/amd64/v3", "linux/amd64", true},
    {"linux/amd64/v3", "linux/amd64/v2", true},
    {"linux/amd64/v3", "linux/amd64/v3", true},
    {"linux/amd64/v3", "linux/amd64/v4", false},
    {"linux/amd64/v3", "linux/386", true},
    {"linux/386", "linux/386", true},
    {"linux/arm64", "linux/arm64/x", false},
    {"linux/arm64/x", "linux/arm64", false},
    {"linux/arm64/x", "linux/arm64/x", true},
    {"linux/386", "linux/amd64", false},
    {"linux/arm", "linux/arm/v7", true},
    {"linux/arm", "linux/arm/v6", true},
    {"linux/arm", "linux/arm/v5", true},
    {"linux/arm", "linux/arm/v8", false},
    {"linux/arm/v6", "linux/arm/v7", false},
    {"linux/arm/v6", "linux/arm/v5", true},
    {"linux/arm/v7", "linux/arm64", false},
    {"linux/arm64", "linux/arm64", true},
    {"linux/arm64", "linux/arm64/v8", true},
    {"linux/arm64", "linux/arm64/v8.1", false},
    {"linux/arm64", "linux/arm64/v9", false},
    {"linux/arm64", "linux/arm/v8", true},
    {"linux/arm64", "linux/arm", true},
    {"linux/arm64", "linux/arm/v5", true},
    {"linux/arm64/v8.2", "linux/arm64", true},
    {"linux/arm64/v8.2", "linux/arm64/v8.1", true},
    {"linux/arm64/v9", "linux/arm64", true},
    {"linux/arm64/v9", "linux/arm64/v8.5", true},
    {"linux/arm64/v9", "linux/arm64/v8.6", false},
    {"linux/arm64/v9.2", "linux/arm64/v9.1", true},
    {"linux/arm64/v9.2", "linux/arm64/v8.7", true},
    {"linux/arm64/v9.6", "linux/arm64/v8.9", true},
    {"linux/arm64/v9.6", "linux/arm64/v8.10", false},
    {"linux/arm64/v9", "linux/arm/v7", true},
    {"linux/s390x", "linux/s390x", true},
    {"linux/s390x", "linux/ppc64le", false},
    {"linux/riscv64/a", "linux/riscv64/a", true},
    {"linux/riscv64/a", "linux/riscv64", false},
};

static void
runs_what_containerd_would_pick(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(pairs); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct error err = ERROR_INIT;
		struct platform node, image;

		assert_non_null(mem);
		if (platform_parse(&node, pairs[i].node, mem, &err) != 0 ||
		    platform_parse(&image, pairs[i].image, mem, &err) != 0)
			fail_msg("%s", err.msg);
		if (platform_runs(&node, &image) != pairs[i].runs)
			fail_msg("%s runs %s", pairs[i].node, pairs[i].image);
	}
}

static const struct {
	const char *a;
	const char *b;
	bool same;
} versions[] = {
    {"", "", true},
    {"", "10.0.17763.1", true},
    {"10.0.17763.1", "", true},
    {"10.0.17763.1", "10.0.17763.1", true},
    {"10.0.17763.1", "10.0.17763.9999", true},
    {"10.0.17763", "10.0.17763.1", true},
    {"10.0.17763.1", "10.0.17763", true},
    {"10.0.17763.1", "10.0.20348.1", false},
    {"10.0.1776", "10.0.17763", false},
    {"10.0.17763", "10.0.1776", false},
    {"10.0", "10.0.17763", false},
    {"10.0.17763.1", "10.1.17763.1", false},
};

static void
compares_three_numbers_of_a_windows_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(versions); i++) {
		if (platform_same_release(versions[i].a, versions[i].b) !=
		    versions[i].same)
			fail_msg("%s and %s", versions[i].a, versions[i].b);
	}
}

static void
a_set_runs_what_one_of_it_runs(void **state)
{
	static const struct platform nodes[] = {
	    {"linux", "arm64", "", ""}, {"windows", "", "", ""}};
	const struct platform_set set = {nodes, 2}, any = {NULL, 0};
	const struct platform_set open = {
	    &(const struct platform){"", "amd64", "", ""}, 1};
	const struct platform_set label = {
	    &(const struct platform){"linux", "arm", "", ""}, 1};
	const struct platform arm = {"linux", "arm", "v7", ""};
	const struct platform amd = {"linux", "amd64", "", ""};
	const struct platform win = {"windows", "amd64", "", ""};

	(void)state;
	assert_true(platform_set_runs(&set, &arm));
	assert_false(platform_set_runs(&set, &amd));
	assert_true(platform_set_runs(&set, &win));
	assert_true(platform_set_runs(&any, &amd));
	/* The label of a node tells no variant. */
	assert_true(platform_set_runs(&label, &arm));
	assert_false(platform_set_runs(&label, &amd));
	assert_true(platform_set_runs(&open, &amd));
	assert_true(platform_set_runs(&open, &win));
	assert_false(platform_set_runs(&open, &arm));
}

static void
equal_is_equal_in_every_part(void **state)
{
	const struct platform a = {"linux", "arm", "v7", ""};
	const struct platform b = {"linux", "arm", "v7", ""};
	const struct platform others[] = {{"windows", "arm", "v7", ""},
	    {"linux", "arm64", "v7", ""}, {"linux", "arm", "v6", ""},
	    {"linux", "arm", "v7", "1"}};

	(void)state;
	assert_true(platform_equal(&a, &b));
	for (size_t i = 0; i < N(others); i++)
		assert_false(platform_equal(&a, &others[i]));
}

static void
shows_foreign_parts_safely(void **state)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct platform p;

	(void)state;
	assert_non_null(mem);
	assert_int_equal(
	    platform_init(&p, "li\nnux", "\x1b[2J", NULL, NULL, mem), 0);
	assert_string_equal(platform_text(&p, mem), "li nux/?[2j");
}

static void
run(void *arg)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct platform p;
	const char *text;

	if (mem == NULL)
		return;
	if (platform_parse(&p, arg, mem, &err) != 0) {
		assert_int_equal(err.code, ERR_NOMEM);
		return;
	}
	text = platform_text(&p, mem);
	if (text != NULL)
		assert_string_equal(text, arg);
}

static void
survives_every_failed_allocation(void **state)
{
	char text[] = "linux/arm64/v9.1";

	(void)state;
	assert_true(alloc_fail_each(run, text) >= 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(normalises_as_containerd_does),
	    cmocka_unit_test(says_what_a_platform_looks_like),
	    cmocka_unit_test(runs_what_containerd_would_pick),
	    cmocka_unit_test(compares_three_numbers_of_a_windows_version),
	    cmocka_unit_test(a_set_runs_what_one_of_it_runs),
	    cmocka_unit_test(equal_is_equal_in_every_part),
	    cmocka_unit_test(shows_foreign_parts_safely),
	    cmocka_unit_test(survives_every_failed_allocation),
	};

	return cmocka_run_group_tests_name("platform", tests, NULL, NULL);
}
