/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TEXT_MAX = 4096, PLATFORMS_MAX = 2 };

static const struct row {
	const char *name;
	const char *growth;
	struct judge_image now[PLATFORMS_MAX];
	struct judge_image old[PLATFORMS_MAX]; /* none: nothing to be had */
	const char *wanted;
} rows[] = {
    {"a tenth more", "{max: 10%}", {{.sizes = {110 * MI}}},
	{{.layers = "b", .sizes = {100 * MI}}}, "allow"},
    {"a byte over a tenth", "{max: 10%}", {{.sizes = {110 * MI + 1}}},
	{{.layers = "b", .sizes = {100 * MI}}},
	"deny growth.max@linux/amd64 10 MiB (10 %)>10 %"},
    {"a byte under a tenth", "{max: 10%}", {{.sizes = {110 * MI - 1}}},
	{{.layers = "b", .sizes = {100 * MI}}}, "allow"},
    {"as much as is let be", "{over: 10Mi}", {{.sizes = {110 * MI}}},
	{{.layers = "b", .sizes = {100 * MI}}}, "allow"},
    {"a byte over what is let be", "{over: 10Mi}", {{.sizes = {110 * MI + 1}}},
	{{.layers = "b", .sizes = {100 * MI}}},
	"deny growth.over@linux/amd64 10 MiB (10 %)>10 MiB"},
    {"much of a small one", "{max: 10%, over: 10Mi}", {{.sizes = {9 * MI}}},
	{{.layers = "b", .sizes = {1 * MI}}}, "allow"},
    {"little of a large one", "{max: 10%, over: 10Mi}",
	{{.sizes = {1020 * MI}}}, {{.layers = "b", .sizes = {1000 * MI}}},
	"allow"},
    {"both", "{max: 10%, over: 10Mi}", {{.sizes = {150 * MI}}},
	{{.layers = "b", .sizes = {100 * MI}}},
	"deny growth.max@linux/amd64 50 MiB (50 %)>10 % and 10 MiB"},
    {"a part of a percent", "{max: 2.5%}", {{.sizes = {104 * MI}}},
	{{.layers = "b", .sizes = {100 * MI}}},
	"deny growth.max@linux/amd64 4 MiB (4 %)>2.5 %"},
    {"smaller", "{max: 1%}", {{.sizes = {MI}}},
	{{.layers = "b", .sizes = {2 * MI}}}, "allow"},
    {"the same", "{max: 1%}", {{.sizes = {MI}}},
	{{.layers = "a", .sizes = {MI}}}, "allow"},
    {"from nothing", "{max: 10%}", {{.sizes = {MI}}},
	{{.layers = "b", .sizes = {0}}},
	"deny growth.max@linux/amd64 1 MiB>10 %"},
    {"no old one to be had", "{max: 1%}", {{.sizes = {9 * MI}}}, {{0}},
	"allow"},
    {"another platform before", "{max: 1%}", {{.sizes = {9 * MI}}},
	{{.platform = "linux/arm64", .layers = "b", .sizes = {MI}}}, "allow"},
    {"the platform that grew most", "{max: 10%}",
	{{.sizes = {200 * MI}},
	    {.platform = "linux/arm64", .sizes = {300 * MI}}},
	{{.layers = "b", .sizes = {100 * MI}},
	    {.platform = "linux/arm64", .layers = "b", .sizes = {100 * MI}}},
	"deny growth.max@linux/arm64 200 MiB (200 %)>10 %"},
};

static size_t
count(const struct judge_image images[PLATFORMS_MAX])
{
	return images[1].platform != NULL ? 2 : 1;
}

static void
open_judge(struct judge *j, const char *growth, const char *replaces)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);

	buf_printf(&b, "version: 1\nrules:\n- name: r\n  check: {growth: %s}\n",
	    growth);
	judge_open(j, buf_text(&b), "a.corp/web:2");
	j->w->containers[0].replaces = replaces;
	judge_plan(j);
}

static void
compares_with_what_is_replaced(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct judge j;

		open_judge(&j, rows[i].growth, "a.corp/web:1");
		assert_true(j.plan->images[0].fetch_replaced);
		assert_string_equal(j.plan->images[0].replaced_ref.tag, "1");
		judge_facts(&j, 0, rows[i].now, count(rows[i].now));
		if (rows[i].old[0].layers != NULL)
			j.plan->images[0].replaced =
			    judge_set(rows[i].old, count(rows[i].old));
		judge_evaluate(&j);
		judge_expect(&j, rows[i].name, rows[i].wanted);
		judge_close(&j);
	}
}

static void
a_windows_image_grows_on_a_base_of_another_revision(void **state)
{
	static const struct {
		const char *before;
		const char *wanted;
	} versions[] = {
	    {"10.0.20348.2849",
		"deny growth.max@windows/amd64 8 MiB (800 %)>1 %"},
	    {"10.0.26100.1", "allow"},
	};
	const struct judge_image now = {
	    .platform = "windows/amd64", .sizes = {9 * MI}};
	const struct judge_image old = {
	    .platform = "windows/amd64", .layers = "b", .sizes = {MI}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct judge j;
		struct plan_image *pi;

		open_judge(&j, "{max: 1%}", "a.corp/web:1");
		judge_facts(&j, 0, &now, 1);
		pi = &j.plan->images[0];
		pi->replaced = judge_set(&old, 1);
		pi->facts->images[0]->platform.os_version = "10.0.20348.2966";
		pi->replaced->images[0]->platform.os_version =
		    versions[i].before;
		judge_evaluate(&j);
		judge_expect(&j, versions[i].before, versions[i].wanted);
		judge_close(&j);
	}
}

static void
names_the_new_layer(void **state)
{
	const struct judge_image now = {.layers = "abc",
	    .sizes = {90 * MI, 30 * MI, MI},
	    .by = {"RUN a", "RUN b", "RUN c"}};
	const struct judge_image old = {.layers = "a", .sizes = {90 * MI}};
	struct judge j;

	(void)state;
	open_judge(&j, "{max: 10%}", "a.corp/web:1");
	judge_facts(&j, 0, &now, 1);
	j.plan->images[0].replaced = judge_set(&old, 1);
	judge_evaluate(&j);
	assert_string_equal(j.report->images[0].findings[0].message,
	    "grew by 31 MiB (34 %) against the image it replaces, over 10 %");
	assert_string_equal(j.report->images[0].findings[0].evidence,
	    "30 MiB are in layer 2 of 3, which is new, \"RUN b\"");
	judge_close(&j);
}

static void
fetches_the_old_image_only_to_compare(void **state)
{
	struct judge j;

	(void)state;
	open_judge(&j, "{max: 10%}", NULL);
	assert_false(j.plan->images[0].fetch_replaced);
	judge_close(&j);
	open_judge(&j, "{max: 10%}", "No Reference");
	assert_false(j.plan->images[0].fetch_replaced);
	judge_close(&j);
	judge_open(&j,
	    "version: 1\nrules: [{name: r, check: {size: {max: 1Gi}}}]",
	    "a.corp/web:2");
	j.w->containers[0].replaces = "a.corp/web:1";
	judge_plan(&j);
	assert_false(j.plan->images[0].fetch_replaced);
	judge_close(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(compares_with_what_is_replaced),
	    cmocka_unit_test(
		a_windows_image_grows_on_a_base_of_another_revision),
	    cmocka_unit_test(names_the_new_layer),
	    cmocka_unit_test(fetches_the_old_image_only_to_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
