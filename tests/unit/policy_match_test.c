/* SPDX-License-Identifier: Apache-2.0 */
/* Which containers a rule is about. At once. */
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const struct match_row {
	const char *policy;
	const char *image;
	bool fetched;
} matches[] = {
    {JUDGE_SIZE_RULE("namespaces: [shop]"), "web", true},
    {JUDGE_SIZE_RULE("namespaces: [other]"), "web", false},
    {JUDGE_SIZE_RULE("namespaces: ['*']"), "web", true},
    {JUDGE_SIZE_RULE("namespaces: ['sh*', '!shop']"), "web", false},
    {JUDGE_SIZE_RULE("namespaces: ['!kube-*']"), "web", true},
    {JUDGE_SIZE_RULE("namespaces: ['!shop']"), "web", false},
    {JUDGE_SIZE_RULE("images: ['docker.io/**']"), "web", true},
    {JUDGE_SIZE_RULE("images: ['docker.io/library/web']"), "web:1", true},
    {JUDGE_SIZE_RULE("images: ['registry-1.docker.io/**']"), "web", true},
    {JUDGE_SIZE_RULE("images: ['docker.io/**']"), "registry-1.docker.io/x/web",
	true},
    {JUDGE_SIZE_RULE("images: ['docker.io/**']"),
	"registry-1.docker.io:443/x/web", true},
    {JUDGE_SIZE_RULE("images: ['docker.io/**']"), "index.docker.io:443/x/web",
	true},
    {JUDGE_SIZE_RULE("images: ['docker.io/**']"),
	"registry.hub.docker.com/x/web", true},
    {JUDGE_SIZE_RULE("images: ['a.corp/**']"), "a.corp:443/x/web", true},
    {JUDGE_SIZE_RULE("images: ['a.corp:443/**']"), "a.corp:443/x/web", true},
    {JUDGE_SIZE_RULE("images: ['a.corp:443/**']"), "a.corp/x/web", true},
    {JUDGE_SIZE_RULE("images: ['a.corp/**']"), "a.corp:4430/x/web", false},
    {JUDGE_SIZE_RULE("images: ['a.corp/**']"), "a.corp:80/x/web", false},
    {JUDGE_SIZE_RULE("images: ['*:443/**']"), "a.corp:5000/x/web", false},
    {JUDGE_SIZE_RULE("images: ['**', '!a.corp/x/**']"), "a.corp:443/x/web",
	false},
    {JUDGE_SIZE_RULE("images: ['a.corp/**']"), "web", false},
    {JUDGE_SIZE_RULE("images: ['a.corp/*']"), "a.corp/team/web", false},
    {JUDGE_SIZE_RULE("images: ['a.corp/**', '!a.corp/x/**']"), "a.corp/x/web",
	false},
    {JUDGE_SIZE_RULE("kinds: [Pod]"), "web", true},
    {JUDGE_SIZE_RULE("kinds: [Job, Pod]"), "web", true},
    {JUDGE_SIZE_RULE("kinds: [Deployment]"), "web", false},
    {JUDGE_SIZE_RULE("labels: {tier: web}"), "web", true},
    {JUDGE_SIZE_RULE("labels: {tier: web, env: prod}"), "web", true},
    {JUDGE_SIZE_RULE("labels: {tier: db}"), "web", false},
    {JUDGE_SIZE_RULE("labels: {team: x}"), "web", false},
    {JUDGE_SIZE_RULE("labels: {tier: web}, kinds: [Pod], namespaces: [shop]"),
	"web", true},
    {JUDGE_SIZE_RULE("labels: {tier: web}, kinds: [Pod], namespaces: [other]"),
	"web", false},
};

static void
a_rule_is_about_what_all_of_its_match_holds_for(void **state)
{
	static const struct pair labels[] = {{"tier", "web"}, {"env", "prod"}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		struct judge j;

		judge_open(&j, matches[i].policy, matches[i].image);
		j.w->labels = (struct pair_list){labels, 2};
		judge_plan(&j);
		if (j.plan->images[0].fetch != matches[i].fetched)
			fail_msg(
			    "%s with %s", matches[i].policy, matches[i].image);
		if (!matches[i].fetched) {
			judge_evaluate(&j);
			assert_false(j.report->images[0].judged);
			assert_int_equal(
			    j.report->images[0].verdict, VERDICT_ALLOW);
		}
		judge_close(&j);
	}
}

/* By the port that goes without saying, or as Docker Hub's other names. */
static void
a_registry_spelled_otherwise_is_not_another(void **state)
{
	static const struct {
		const char *globs;
		const char *image;
		bool matches;
	} cases[] = {
	    {"docker.io/**", "registry-1.docker.io:443/x/web", true},
	    {"docker.io/**", "index.docker.io:443/x/web", true},
	    {"docker.io/**", "docker.io:443/x/web", true},
	    {"index.docker.io:443/**", "web", true},
	    {"a.corp/**", "a.corp:443/x/web", true},
	    {"a.corp:443/**", "a.corp/x/web", true},
	    {"[fd00::1]/**", "[fd00::1]:443/x/web", true},
	    {"**', '!*.corp:443/**", "a.corp/x/web", false},
	    {"a.corp/**", "a.corp:8443/x/web", false},
	    {"a.corp/**", "a.corp:4430/x/web", false},
	    {"a.corp:44/**", "a.corp:443/x/web", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct judge j;
		char policy[512];

		snprintf(policy, sizeof(policy),
		    JUDGE_SIZE_RULE("images: ['%s']"), cases[i].globs);
		judge_open(&j, policy, cases[i].image);
		judge_plan(&j);
		if (j.plan->images[0].fetch != cases[i].matches)
			fail_msg("%s with %s", cases[i].globs, cases[i].image);
		judge_close(&j);
	}
}

static void
a_match_tells_types_of_containers_apart(void **state)
{
	static const struct {
		const char *match;
		const char *fetched; /* of a pod with one container of each */
	} cases[] = {
	    {"kinds: [Pod]", "riev"},
	    {"containers: [regular]", "r"},
	    {"containers: [init]", "i"},
	    {"containers: [ephemeral, volume]", "ev"},
	    {"containers: [volume, volume]", "v"},
	    {"containers: [regular, init, ephemeral, volume]", "riev"},
	    {"containers: [init], kinds: [Job]", ""},
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(buf_clear)
		struct buf text = BUF_INIT(1024), got = BUF_INIT(16);
		struct judge j;

		buf_printf(&text, JUDGE_SIZE_RULE("%s"), cases[i].match);
		judge_open(&j, buf_text(&text), "web:1");
		judge_add(&j, "i", "spec.initContainers[0].image", "web:1")
		    ->type = CONTAINER_INIT;
		judge_add(&j, "e", "spec.ephemeralContainers[0].image", "web:1")
		    ->type = CONTAINER_EPHEMERAL;
		judge_add(&j, "v", "spec.volumes[0].image.reference", "web:1")
		    ->type = CONTAINER_IMAGE_VOLUME;
		judge_plan(&j);
		for (k = 0; k < j.plan->nimages; k++)
			if (j.plan->images[k].fetch)
				buf_add(&got, &"riev"[k], 1);
		judge_same(cases[i].match, buf_text(&got), cases[i].fetched);
		judge_close(&j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_rule_is_about_what_all_of_its_match_holds_for),
	    cmocka_unit_test(a_registry_spelled_otherwise_is_not_another),
	    cmocka_unit_test(a_match_tells_types_of_containers_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
