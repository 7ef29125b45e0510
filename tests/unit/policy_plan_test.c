/* SPDX-License-Identifier: Apache-2.0 */
/* Which images are fetched, and for which nodes. At once. */
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { TEXT_MAX = 8192 };

static void
what_no_rule_asks_about_is_not_fetched(void **state)
{
	struct judge j;

	(void)state;
	judge_open(&j,
	    "version: 1\nrules:\n  - {name: r, check: {tag: {deny: [x]}}}\n",
	    "web:1");
	judge_plan(&j);
	assert_true(j.plan->images[0].judged);
	assert_false(j.plan->images[0].fetch);
	judge_evaluate(&j);
	assert_int_equal(j.report->verdict, VERDICT_ALLOW);
	judge_close(&j);
}

static void
a_refused_source_is_not_talked_to(void **state)
{
	static const char policy[] =
	    "version: 1\nrules:\n"
	    "- {name: s, mode: %s, check: {source: {allow: ['a.corp/**']}}}\n"
	    "- {name: z, check: {size: {max: 300Mi}}}\n%s";
	static const struct {
		const char *mode;
		const char *waivers;
		bool fetched;
	} cases[] = {
	    {"enforce", "", false},
	    {"warn", "", true},
	    {"audit", "", true},
	    {"enforce",
		"waivers: [{rule: s, owner: o, reason: x, match: {namespaces: "
		"[shop]}, expires: 2027-01-31}]\n",
		true},
	    {"enforce",
		"waivers: [{rule: s, owner: o, reason: x, match: {namespaces: "
		"[shop]}, expires: 2027-01-14}]\n",
		false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
		struct judge j;

		buf_printf(&b, policy, cases[i].mode, cases[i].waivers);
		judge_open(&j, buf_text(&b), "evil.example/web:1");
		judge_plan(&j);
		assert_int_equal(j.plan->images[0].fetch, cases[i].fetched);
		if (!cases[i].fetched) {
			judge_evaluate(&j);
			judge_expect(&j, "guarded",
			    "deny source.allow evil.example/web>a.corp/**");
		}
		judge_close(&j);
	}
}

/* What the policy's nodes and the pod's selectors leave. */
static const struct platform_row {
	const char *policy;        /* "" : none given */
	struct platform wanted[2]; /* of the pod; os NULL ends */
	const char *left;          /* "any", "none" or platforms */
} platforms[] = {
    {"", {{0}}, "any"},
    {"platforms: [linux/amd64]", {{0}}, "linux/amd64"},
    {"", {{"linux", "arm64", "", ""}}, "linux/arm64"},
    {"", {{"", "arm64", "", ""}}, "/arm64"},
    {"platforms: [linux/amd64, linux/arm64]", {{"linux", "arm64", "", ""}},
	"linux/arm64"},
    {"platforms: [linux/amd64, linux/arm64, windows/amd64]",
	{{"linux", "", "", ""}}, "linux/amd64 linux/arm64"},
    {"platforms: [linux/amd64, linux/arm64, windows/amd64]",
	{{"", "amd64", "", ""}}, "linux/amd64 windows/amd64"},
    {"platforms: [linux/arm/v7]", {{"linux", "arm", "v7", ""}}, "linux/arm/v7"},
    {"platforms: [linux/arm/v6]", {{"linux", "arm", "v7", ""}}, "linux/arm/v6"},
    {"platforms: [linux/amd64, linux/arm64]",
	{{"linux", "amd64", "", ""}, {"linux", "arm64", "", ""}},
	"linux/amd64 linux/arm64"},
    {"platforms: [linux/amd64]", {{"linux", "arm64", "", ""}}, "none"},
    {"platforms: [linux/amd64]", {{"windows", "", "", ""}}, "none"},
};

static void
say_platforms(const struct plan *p, struct buf *b)
{
	size_t i;

	if (p->images[0].fault.code != NULL) {
		assert_false(p->images[0].fetch);
		assert_string_equal(
		    p->images[0].fault.code, "NO_RUNNABLE_PLATFORM");
		buf_puts(b, "none");
		return;
	}
	assert_true(p->images[0].fetch);
	if (p->platforms.n == 0)
		buf_puts(b, "any");
	for (i = 0; i < p->platforms.n; i++)
		buf_printf(b, "%s%s", i > 0 ? " " : "",
		    platform_text(&p->platforms.items[i], p->mem));
}

static void
nodes_are_those_of_the_policy_that_the_pod_may_land_on(void **state)
{
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(platforms) / sizeof(platforms[0]); i++) {
		const struct platform_row *r = &platforms[i];
		AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
		struct judge j;

		buf_printf(
		    &b, "%s\n" JUDGE_SIZE_RULE("kinds: [Pod]"), r->policy);
		judge_open(&j, buf_text(&b), "web");
		for (n = 0; n < 2 && r->wanted[n].os != NULL;)
			n++;
		j.w->platforms = (struct platform_set){r->wanted, n};
		judge_plan(&j);
		buf_truncate(&b, 0);
		say_platforms(j.plan, &b);
		judge_same(r->policy, buf_text(&b), r->left);
		judge_close(&j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_no_rule_asks_about_is_not_fetched),
	    cmocka_unit_test(a_refused_source_is_not_talked_to),
	    cmocka_unit_test(
		nodes_are_those_of_the_policy_that_the_pod_may_land_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
