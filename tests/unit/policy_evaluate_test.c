/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/alloc.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

static void
an_unchanged_container_is_left_alone(void **state)
{
	struct judge j;

	(void)state;
	judge_open(&j, JUDGE_SIZE_RULE("kinds: [Pod]"), "web:1");
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
	judge_open(&j, JUDGE_SIZE_RULE("kinds: [Pod]"), "web:1");
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
	judge_open(&j, JUDGE_SIZE_RULE("kinds: [Pod]"), "web:1");
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
	    cmocka_unit_test(an_unchanged_container_is_left_alone),
	    cmocka_unit_test(
		an_invalid_reference_is_denied_whatever_the_policy_says),
	    cmocka_unit_test(
		an_image_that_nothing_was_learned_of_is_never_allowed),
	    cmocka_unit_test(the_worst_image_is_the_workloads_verdict),
	    cmocka_unit_test(findings_come_the_gravest_first),
	    cmocka_unit_test(a_pod_that_passes_asks_for_no_memory),
	    cmocka_unit_test(memory_running_out_is_an_error_and_no_verdict),
	    cmocka_unit_test(
		texts_of_an_author_s_are_not_looked_through_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
