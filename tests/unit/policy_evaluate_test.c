/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/alloc.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MI (INT64_C(1) << 20)

enum { TEXT_MAX = 8192 };

static const struct judge_image small = {.sizes = {MI}};
static const struct judge_image big = {.sizes = {500 * MI}};

/* Every mode, every onError, and each thing that can be learned of an image. */
static const struct outcome_row {
	const char *mode;
	const char *on_error;
	const struct judge_image *facts; /* NULL: the fault */
	const char *wanted;
} outcomes[] = {
    {"enforce", "deny", &small, "allow"},
    {"enforce", "deny", &big, "deny size.max@linux/amd64 500 MiB>300 MiB"},
    {"warn", "deny", &small, "allow"},
    {"warn", "deny", &big, "warn size.max@linux/amd64 500 MiB>300 MiB"},
    {"audit", "deny", &big, "allow size.max@linux/amd64 500 MiB>300 MiB"},
    {"enforce", "deny", NULL, "error NOT_FOUND"},
    {"enforce", "warn", NULL, "warn NOT_FOUND"},
    {"enforce", "allow", NULL, "allow NOT_FOUND"},
    /* What could not be judged does no more than a finding would. */
    {"warn", "deny", NULL, "warn NOT_FOUND"},
    {"warn", "warn", NULL, "warn NOT_FOUND"},
    {"warn", "allow", NULL, "allow NOT_FOUND"},
    {"audit", "deny", NULL, "allow NOT_FOUND"},
    {"audit", "warn", NULL, "allow NOT_FOUND"},
    {"audit", "allow", NULL, "allow NOT_FOUND"},
};

static void
judge_outcome(const struct outcome_row *r)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
	struct judge j;

	buf_printf(&b,
	    "version: 1\nmode: %s\nonError: %s\nrules:\n"
	    "  - {name: r, check: {size: {max: 300Mi}}}\n",
	    r->mode, r->on_error);
	judge_open(&j, buf_text(&b), "a.corp/web:1");
	judge_plan(&j);
	if (r->facts != NULL)
		judge_facts(&j, 0, r->facts, 1);
	else
		j.plan->images[0].fault = (struct fault){
		    .code = "NOT_FOUND", .message = "it is not there"};
	judge_evaluate(&j);
	judge_expect(&j, r->mode, r->wanted);
	assert_int_equal(j.report->verdict, j.report->images[0].verdict);
	judge_close(&j);
}

static void
mode_and_on_error_decide_what_becomes_of_what_was_learned(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		judge_outcome(&outcomes[i]);
}

#define AUDITED "  - {name: a, mode: audit, check: {size: {max: 1}}}\n"
#define WARNED "  - {name: w, mode: warn, check: {layers: {max: 1}}}\n"
#define ENFORCED(match) \
	"  - {name: e, check: {layers: {max: 1}}, match: {" match "}}\n"
#define WAIVED(until)                                                     \
	ENFORCED("kinds: [Pod]")                                          \
	"waivers:\n  - {rule: e, match: {namespaces: [shop]}, owner: o, " \
	"reason: x, expires: " until "}\n"

static const struct {
	const char *rules;
	bool mounted; /* the image is a volume */
	const char *wanted;
} unknowns[] = {
    {AUDITED ENFORCED("kinds: [Pod]"), false, "error NOT_FOUND"},
    {AUDITED WARNED, false, "warn NOT_FOUND"},
    {AUDITED ENFORCED("kinds: [Job]"), false, "allow NOT_FOUND"},
    {AUDITED ENFORCED("images: [b.corp/**]"), false, "allow NOT_FOUND"},
    {AUDITED "  - {name: e, check: {tag: {deny: [x]}}}\n", false,
	"allow NOT_FOUND"},
    {AUDITED "  - {name: e, check: {tag: {deny: ['1']}}}\n", false,
	"deny tag.deny 1>another tag, or a digest NOT_FOUND"},
    {AUDITED "  - {name: e, check: {user: {root: deny}}}\n", false,
	"error NOT_FOUND"},
    {AUDITED "  - {name: e, check: {user: {root: deny}}}\n", true,
	"allow NOT_FOUND"},
    {AUDITED WAIVED("2027-01-31"), false, "allow NOT_FOUND"},
    {AUDITED WAIVED("2026-01-31"), false, "error NOT_FOUND"},
};

static void
an_unknown_image_is_up_to_the_strictest_rule_that_had_to_look_at_it(
    void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(unknowns) / sizeof(unknowns[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
		struct judge j;

		buf_printf(&b, "version: 1\nrules:\n%s", unknowns[i].rules);
		judge_open(&j, buf_text(&b), "a.corp/web:1");
		if (unknowns[i].mounted)
			j.w->containers[0].type = CONTAINER_IMAGE_VOLUME;
		judge_plan(&j);
		j.plan->images[0].fault = (struct fault){
		    .code = "NOT_FOUND", .message = "it is not there"};
		judge_evaluate(&j);
		judge_expect(&j, unknowns[i].rules, unknowns[i].wanted);
		judge_close(&j);
	}
}

#define SIZE_RULE(match)       \
	"version: 1\nrules:\n" \
	"  - {name: r, check: {size: {max: 300Mi}}, match: {" match "}}\n"

static const struct match_row {
	const char *policy;
	const char *image;
	bool fetched;
} matches[] = {
    {SIZE_RULE("namespaces: [shop]"), "web", true},
    {SIZE_RULE("namespaces: [other]"), "web", false},
    {SIZE_RULE("namespaces: ['*']"), "web", true},
    {SIZE_RULE("namespaces: ['sh*', '!shop']"), "web", false},
    {SIZE_RULE("namespaces: ['!kube-*']"), "web", true},
    {SIZE_RULE("namespaces: ['!shop']"), "web", false},
    {SIZE_RULE("images: ['docker.io/**']"), "web", true},
    {SIZE_RULE("images: ['docker.io/library/web']"), "web:1", true},
    {SIZE_RULE("images: ['registry-1.docker.io/**']"), "web", true},
    {SIZE_RULE("images: ['docker.io/**']"), "registry-1.docker.io/x/web", true},
    {SIZE_RULE("images: ['docker.io/**']"), "registry-1.docker.io:443/x/web",
	true},
    {SIZE_RULE("images: ['docker.io/**']"), "index.docker.io:443/x/web", true},
    {SIZE_RULE("images: ['docker.io/**']"), "registry.hub.docker.com/x/web",
	true},
    {SIZE_RULE("images: ['a.corp/**']"), "a.corp:443/x/web", true},
    {SIZE_RULE("images: ['a.corp:443/**']"), "a.corp:443/x/web", true},
    {SIZE_RULE("images: ['a.corp:443/**']"), "a.corp/x/web", true},
    {SIZE_RULE("images: ['a.corp/**']"), "a.corp:4430/x/web", false},
    {SIZE_RULE("images: ['a.corp/**']"), "a.corp:80/x/web", false},
    {SIZE_RULE("images: ['*:443/**']"), "a.corp:5000/x/web", false},
    {SIZE_RULE("images: ['**', '!a.corp/x/**']"), "a.corp:443/x/web", false},
    {SIZE_RULE("images: ['a.corp/**']"), "web", false},
    {SIZE_RULE("images: ['a.corp/*']"), "a.corp/team/web", false},
    {SIZE_RULE("images: ['a.corp/**', '!a.corp/x/**']"), "a.corp/x/web", false},
    {SIZE_RULE("kinds: [Pod]"), "web", true},
    {SIZE_RULE("kinds: [Job, Pod]"), "web", true},
    {SIZE_RULE("kinds: [Deployment]"), "web", false},
    {SIZE_RULE("labels: {tier: web}"), "web", true},
    {SIZE_RULE("labels: {tier: web, env: prod}"), "web", true},
    {SIZE_RULE("labels: {tier: db}"), "web", false},
    {SIZE_RULE("labels: {team: x}"), "web", false},
    {SIZE_RULE("labels: {tier: web}, kinds: [Pod], namespaces: [shop]"), "web",
	true},
    {SIZE_RULE("labels: {tier: web}, kinds: [Pod], namespaces: [other]"), "web",
	false},
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

		snprintf(policy, sizeof(policy), SIZE_RULE("images: ['%s']"),
		    cases[i].globs);
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

		buf_printf(&text, SIZE_RULE("%s"), cases[i].match);
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

#define PLAIN SIZE_RULE("kinds: [Pod]")

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
an_unchanged_container_is_left_alone(void **state)
{
	struct judge j;

	(void)state;
	judge_open(&j, PLAIN, "web:1");
	j.w->containers[0].unchanged = true;
	judge_add(&j, "bad", "spec.containers[1].image", "Bad Ref")->unchanged =
	    true;
	judge_plan(&j);
	assert_false(j.plan->images[0].fetch);
	judge_evaluate(&j);
	assert_false(j.report->images[0].judged);
	assert_false(j.report->images[1].judged);
	assert_int_equal(j.report->verdict, VERDICT_ALLOW);
	judge_close(&j);
}

static void
an_invalid_reference_is_denied_whatever_the_policy_says(void **state)
{
	struct judge j;

	(void)state;
	judge_open(&j,
	    "version: 1\nonError: allow\nmode: audit\nrules:\n"
	    "  - {name: r, check: {size: {max: 1}},\n"
	    "     match: {namespaces: [x]}}\n",
	    "Not A Reference");
	judge_plan(&j);
	assert_false(j.plan->images[0].fetch);
	judge_evaluate(&j);
	assert_int_equal(j.report->verdict, VERDICT_DENY);
	assert_string_equal(
	    j.report->images[0].fault.code, "INVALID_REFERENCE");
	judge_close(&j);
}

static void
an_image_that_nothing_was_learned_of_is_never_allowed(void **state)
{
	struct judge j;

	(void)state;
	judge_open(&j, PLAIN, "web:1");
	judge_plan(&j);
	judge_evaluate(&j);
	assert_int_equal(j.report->verdict, VERDICT_ERROR);
	assert_string_equal(j.report->images[0].fault.code, "INTERNAL");
	judge_close(&j);
}

static void
the_worst_image_is_the_workloads_verdict(void **state)
{
	struct judge j;

	(void)state;
	judge_open(&j, PLAIN, "web:1");
	judge_add(&j, "db", "spec.containers[1].image", "db:1");
	judge_add(&j, "log", "spec.containers[2].image", "log:1");
	judge_plan(&j);
	judge_facts(&j, 0, &small, 1);
	judge_facts(&j, 1, &big, 1);
	j.plan->images[2].fault =
	    (struct fault){.code = "TIMEOUT", .message = "late"};
	judge_evaluate(&j);
	assert_int_equal(j.report->images[0].verdict, VERDICT_ALLOW);
	assert_int_equal(j.report->images[1].verdict, VERDICT_DENY);
	assert_int_equal(j.report->images[2].verdict, VERDICT_ERROR);
	assert_int_equal(j.report->verdict, VERDICT_DENY);
	judge_close(&j);
}

static void
findings_come_the_gravest_first(void **state)
{
	const struct judge_image image = {.user = "root", .sizes = {500 * MI}};
	struct judge j;

	(void)state;
	judge_open(&j,
	    "version: 1\nrules:\n"
	    "- {name: a, mode: audit, check: {size: {max: 1Mi}}}\n"
	    "- {name: b, check: {size: {max: 2Mi}}}\n"
	    "- {name: c, mode: warn, check: {size: {max: 3Mi}}}\n"
	    "- {name: d, check: {size: {max: 4Mi}, user: {root: deny},\n"
	    "                    tag: {deny: [latest]}}}\n"
	    "waivers:\n"
	    "- {rule: b, owner: o, reason: x, expires: 2027-01-31,\n"
	    "   match: {namespaces: [shop]}}\n",
	    "web");
	judge_plan(&j);
	judge_facts(&j, 0, &image, 1);
	judge_evaluate(&j);
	judge_expect(&j, "order",
	    "deny tag.deny latest>another tag, or a digest; "
	    "user.root@linux/amd64 root>not root; "
	    "size.max@linux/amd64 500 MiB>4 MiB; "
	    "size.max@linux/amd64 500 MiB>3 MiB; "
	    "size.max@linux/amd64 500 MiB>1 MiB; "
	    "size.max@linux/amd64 500 MiB>2 MiB");
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

static const struct waiver_row {
	const char *waiver;
	const char *wanted; /* verdict, then whose waiver and its effect */
} waivers[] = {
    {"match: {namespaces: [shop]}, expires: 2027-01-31", "allow o waived"},
    {"match: {namespaces: [shop]}, expires: 2027-01-15", "allow o waived"},
    {"match: {namespaces: [shop]}, expires: 2027-01-14", "deny o expired"},
    {"match: {namespaces: [other]}, expires: 2027-01-31", "deny none"},
    {"match: {images: ['docker.io/library/web']}, expires: 2027-01-31",
	"allow o waived"},
    {"match: {images: ['a.corp/**']}, expires: 2027-01-31", "deny none"},
    {"match: {namespaces: [shop], kinds: [Job]}, expires: 2027-01-31",
	"deny none"},
    {"match: {namespaces: [shop]}, expires: 2026-01-31}, {rule: r, owner: p, "
     "reason: z, match: {kinds: [Pod]}, expires: 2027-02-28",
	"allow p waived"},
};

static void
a_waiver_works_until_the_end_of_its_day(void **state)
{
	const struct finding *f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(waivers) / sizeof(waivers[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
		struct judge j;

		buf_printf(&b,
		    "version: 1\nrules:\n"
		    "- {name: r, check: {size: {max: 300Mi}}}\n"
		    "waivers: [{rule: r, owner: o, reason: x, %s}]\n",
		    waivers[i].waiver);
		judge_open(&j, buf_text(&b), "web");
		judge_plan(&j);
		judge_facts(&j, 0, &big, 1);
		judge_evaluate(&j);
		f = j.report->images[0].findings;
		assert_int_equal(j.report->images[0].nfindings, 1);
		buf_truncate(&b, 0);
		buf_printf(&b, "%s %s%s", verdict_name(j.report->verdict),
		    f->waiver ? f->waiver->owner : "none",
		    f->waived           ? " waived"
		    : f->waiver != NULL ? " expired"
					: "");
		judge_same(waivers[i].waiver, buf_text(&b), waivers[i].wanted);
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

		buf_printf(&b, "%s\n" PLAIN, r->policy);
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

struct scarce {
	struct ruleset *rules;
	struct workload *w;
	struct image_set *set;
};

static void
judge_with_little_memory(void *arg)
{
	struct scarce *s = arg;
	AUTO(plan_free) struct plan *p = NULL;
	struct report *r = NULL;
	struct error err = ERROR_INIT;

	p = plan_new(s->rules, s->w, JUDGE_NOW, &err);
	if (p == NULL) {
		assert_int_equal(err.code, ERR_NOMEM);
		return;
	}
	p->images[0].facts = image_set_ref(s->set);
	p->bases[0].facts = image_set_ref(s->set);
	r = evaluate(p, &err);
	if (r == NULL) {
		assert_int_equal(err.code, ERR_NOMEM);
		return;
	}
	assert_int_equal(r->verdict, VERDICT_DENY);
	assert_int_equal(r->images[0].nfindings, 6);
}

static void
memory_running_out_is_an_error_and_no_verdict(void **state)
{
	const struct judge_image images[] = {{.layers = "ab",
						 .sizes = {500 * MI, 100 * MI},
						 .by = {"RUN make", "COPY . ."},
						 .user = "root"},
	    {.platform = "linux/arm64",
		.layers = "ab",
		.sizes = {600 * MI, MI},
		.user = "node"}};
	struct scarce s;
	struct judge j;

	(void)state;
	judge_open(&j,
	    "version: 1\nplatforms: [linux/amd64, linux/arm64]\nrules:\n"
	    "- {name: a, check: {size: {max: 1, maxLayer: 1}, layers: {max: 1},"
	    "   user: {root: deny, named: deny}, base: {deny: [web]}}}\n"
	    "waivers: [{rule: a, owner: o, reason: x, expires: 2020-01-31,\n"
	    "           match: {namespaces: [shop]}}]\n",
	    "web");
	j.w->platforms = (struct platform_set){
	    (const struct platform[]){{"linux", "", "", ""}}, 1};
	s = (struct scarce){j.rules, j.w, judge_set(images, 2)};
	assert_true(alloc_fail_each(judge_with_little_memory, &s) > 10);
	image_set_unref(s.set);
	judge_close(&j);
}

/* The plan has room for the report. */
static void
a_pod_that_passes_asks_for_no_memory(void **state)
{
	const struct judge_image fine = {.layers = "ab",
	    .sizes = {MI, MI},
	    .by = {"RUN make"},
	    .user = "1",
	    .env = {"A=b"},
	    .labels = {"team=web"},
	    .entrypoint = "/web"};
	const struct judge_image other = {.layers = "x"};
	struct judge j;
	size_t asked;

	(void)state;
	judge_open(&j,
	    "version: 1\nrules:\n"
	    "- {name: a, check: {size: {max: 300Mi}, user: {root: deny},\n"
	    "   history: {deny: [build-tools]}, base: {deny: [debian]}}}\n"
	    "- {name: b, match: {images: ['**']}, check: {volumes: deny,\n"
	    "   source: {allow: ['*.corp/**']}, env: {secrets: deny},\n"
	    "   labels: {require: [team]}, entrypoint: require}}\n",
	    "a.corp/web:1");
	judge_add(&j, "more", "spec.containers[1].image", "b.corp/more:1");
	judge_plan(&j);
	judge_facts(&j, 0, &fine, 1);
	judge_facts(&j, 1, &fine, 1);
	judge_base(&j, 0, &other, 1);
	alloc_fail_at(SIZE_MAX);
	judge_evaluate(&j);
	asked = alloc_count();
	alloc_restore();
	assert_int_equal(j.report->verdict, VERDICT_ALLOW);
	assert_int_equal(asked, 0);
	judge_close(&j);
}

/* However they are mixed. */
static void
a_waiver_is_for_its_own_rule(void **state)
{
	struct judge j;
	const struct finding *f;

	(void)state;
	judge_open(&j,
	    "version: 1\nrules:\n"
	    "- {name: a, check: {size: {max: 1Mi}}}\n"
	    "- {name: b, check: {size: {max: 2Mi}}}\n"
	    "- {name: c, check: {size: {max: 3Mi}}}\n"
	    "waivers:\n"
	    "- {rule: b, owner: b1, reason: x, expires: 2028-01-31,\n"
	    "   match: {namespaces: [shop]}}\n"
	    "- {rule: a, owner: a1, reason: x, expires: 2028-01-31,\n"
	    "   match: {namespaces: [pay]}}\n"
	    "- {rule: b, owner: b2, reason: x, expires: 2028-01-31,\n"
	    "   match: {namespaces: [shop]}}\n"
	    "- {rule: a, owner: a2, reason: x, expires: 2028-01-31,\n"
	    "   match: {images: ['a.corp/**']}}\n",
	    "a.corp/web:1");
	judge_plan(&j);
	judge_facts(&j, 0, &big, 1);
	judge_evaluate(&j);
	f = j.report->images[0].findings;
	assert_int_equal(j.report->images[0].nfindings, 3);
	assert_string_equal(f[0].rule->name, "c");
	assert_null(f[0].waiver);
	assert_string_equal(f[1].waiver->owner, "a2");
	assert_string_equal(f[2].waiver->owner, "b1");
	judge_close(&j);
}

/* One image may stand in hundreds of containers. */
static void
texts_of_an_author_s_are_not_looked_through_without_end(void **state)
{
	struct judge j;
	size_t i;

	(void)state;
	judge_open(&j,
	    "version: 1\nonError: deny\nrules:\n"
	    "  - {name: r, check: {size: {max: 300Mi}}}\n",
	    "a.corp/web:1");
	judge_add(&j, "two", "spec.containers[1].image", "a.corp/web:1");
	judge_add(&j, "three", "spec.containers[2].image", "a.corp/web:1");
	judge_plan(&j);
	for (i = 0; i < 3; i++) {
		judge_facts(&j, i, &small, 1);
		j.plan->images[i].facts->images[0]->config_bytes =
		    EVALUATE_TEXT_MAX / 2 + 1;
	}
	judge_evaluate(&j);
	assert_int_equal(j.report->images[0].verdict, VERDICT_ALLOW);
	assert_int_equal(j.report->images[1].verdict, VERDICT_ALLOW);
	assert_int_equal(j.report->images[2].verdict, VERDICT_ERROR);
	assert_string_equal(j.report->images[2].fault.code, "TOO_LARGE");
	assert_int_equal(j.report->verdict, VERDICT_ERROR);
	judge_close(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		mode_and_on_error_decide_what_becomes_of_what_was_learned),
	    cmocka_unit_test(
		an_unknown_image_is_up_to_the_strictest_rule_that_had_to_look_at_it),
	    cmocka_unit_test(a_rule_is_about_what_all_of_its_match_holds_for),
	    cmocka_unit_test(a_registry_spelled_otherwise_is_not_another),
	    cmocka_unit_test(a_match_tells_types_of_containers_apart),
	    cmocka_unit_test(what_no_rule_asks_about_is_not_fetched),
	    cmocka_unit_test(an_unchanged_container_is_left_alone),
	    cmocka_unit_test(
		an_invalid_reference_is_denied_whatever_the_policy_says),
	    cmocka_unit_test(
		an_image_that_nothing_was_learned_of_is_never_allowed),
	    cmocka_unit_test(the_worst_image_is_the_workloads_verdict),
	    cmocka_unit_test(findings_come_the_gravest_first),
	    cmocka_unit_test(a_refused_source_is_not_talked_to),
	    cmocka_unit_test(a_waiver_works_until_the_end_of_its_day),
	    cmocka_unit_test(
		nodes_are_those_of_the_policy_that_the_pod_may_land_on),
	    cmocka_unit_test(a_waiver_is_for_its_own_rule),
	    cmocka_unit_test(a_pod_that_passes_asks_for_no_memory),
	    cmocka_unit_test(memory_running_out_is_an_error_and_no_verdict),
	    cmocka_unit_test(
		texts_of_an_author_s_are_not_looked_through_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
