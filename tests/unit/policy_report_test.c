/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/report.h"
#include "tests/unit/alloc.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TEXT_MAX = 64 * 1024 };

static const char policy[] =
    "version: 1\nname: company\nonError: deny\nrules:\n"
    "- {name: lean-images, owner: platform-team, check: {size: {max: 300Mi}}}\n"
    "- {name: not-root, mode: warn, check: {user: {root: deny}}}\n"
    "- {name: pinned, mode: audit, check: {tag: {digest: require}}}\n"
    "- {name: waived, check: {layers: {max: 1}}}\n"
    "- {name: old, mode: warn, owner: web, check: {layers: {max: 1}}}\n"
    "waivers:\n"
    "- {rule: waived, owner: shop-team, reason: moving, expires: 2027-01-31,\n"
    "   match: {namespaces: [shop]}}\n"
    "- {rule: old, owner: shop-team, reason: moving, expires: 2026-12-31,\n"
    "   match: {namespaces: [shop]}}\n";

static const struct judge_image bloated[] = {
    {.layers = "ab",
	.sizes = {300 * MI, 512 * MI},
	.by = {"", "RUN /bin/sh -c apt-get install -y build-essential"}},
    {.platform = "linux/arm64",
	.layers = "a",
	.sizes = {100 * MI},
	.user = "1000"},
};
static const struct judge_image lean = {.user = "1000", .sizes = {MI}};

/* One image too big on one of two platforms, one that is fine, one that could
 * not be judged, and one that is no reference. */
static void
open_shop(struct judge *j)
{
	judge_open(j, policy, "registry.corp/web:1");
	judge_add(j, "side", "spec.containers[1].image",
	    "a.corp/side@sha256:"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	judge_add(j, "db", "spec.initContainers[0].image", "db:1");
	judge_add(j, "bad", "spec.containers[2].image", "Bad\033 Ref");
	judge_plan(j);
	judge_facts(j, 0, bloated, 2);
	judge_facts(j, 1, &lean, 1);
	j->plan->images[2].fault = (struct fault){.code = "TIMEOUT",
	    .may_heal = true,
	    .message = "no answer in time"};
	judge_evaluate(j);
}

static void
a_denial_says_where_what_and_what_helps(void **state)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(REPORT_MESSAGE_MAX);
	struct judge j;

	(void)state;
	open_shop(&j);
	assert_int_equal(report_message(j.report, REPORT_MESSAGE_MAX, &b), 0);
	judge_same("message", buf_text(&b),
	    "3 of 4 images rejected\n"
	    "spec.containers[0].image registry.corp/web:1\n"
	    "  web: linux/amd64: size 812 MiB is over 300 MiB (lean-images). "
	    "512 MiB (63 %) come from layer 2 of 2, \"RUN apt-get install -y "
	    "build-essential\"; 300 MiB from layer 1: build in a separate "
	    "stage and copy only the result. Owner: platform-team.\n"
	    "spec.containers[2].image Bad? Ref\n"
	    "  bad: INVALID_REFERENCE: image reference \"Bad? Ref\": the "
	    "repository name must be lowercase\n"
	    "spec.initContainers[0].image db:1\n"
	    "  db: could not be judged: TIMEOUT: no answer in time; this may "
	    "pass: try again");
	judge_close(&j);
}

static void
warnings_are_one_line_each(void **state)
{
	static const char *const wanted[] = {
	    "web: linux/amd64: runs as root (not-root). Neither the image nor "
	    "the pod sets a user: write a number other than 0 as USER in the "
	    "image, such as USER 10001, or set runAsUser in the pod.",
	    "web: linux/amd64: 2 layers are over 1 (old). Join the RUN "
	    "instructions that belong together, and copy what belongs together "
	    "in one step. The waiver of shop-team expired on 2026-12-31. "
	    "Owner: web.",
	};
	AUTO(json_decref) json_t *warnings = json_array();
	struct judge j;
	size_t i;

	(void)state;
	open_shop(&j);
	assert_int_equal(report_warnings(j.report, warnings), 0);
	assert_int_equal(json_array_size(warnings), 2);
	for (i = 0; i < 2; i++)
		judge_same("warning",
		    json_string_value(json_array_get(warnings, i)), wanted[i]);
	judge_close(&j);
}

static void
annotations_record_what_does_not_deny(void **state)
{
	static const struct {
		const char *key;
		const char *value;
	} wanted[] = {
	    {"verdict", "deny"},
	    {"not-root", "web: runs as root"},
	    {"pinned", "web: tag \"1\" may mean another image tomorrow: a "
		       "digest is required; db: tag \"1\" may mean another "
		       "image tomorrow: a digest is required"},
	    {"waived", "web: 2 layers are over 1 (waived by shop-team until "
		       "2027-01-31)"},
	    {"old", "web: 2 layers are over 1"},
	    {"error",
		"db: TIMEOUT: no answer in time; bad: INVALID_REFERENCE: "
		"image reference \"Bad? Ref\": the repository name must be "
		"lowercase"},
	};
	AUTO(json_decref) json_t *annotations = json_object();
	const char *got;
	struct judge j;
	size_t i;

	(void)state;
	open_shop(&j);
	assert_int_equal(report_annotations(j.report, annotations), 0);
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		got = json_string_value(
		    json_object_get(annotations, wanted[i].key));
		judge_same(wanted[i].key, got ? got : "", wanted[i].value);
	}
	assert_int_equal(json_object_size(annotations), i);
	judge_close(&j);
}

#define D64 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define F64 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static const char golden[] =
    "{'source': 'web.yaml:1', 'kind': 'Pod', 'namespace': 'shop', "
    "'name': 'web-1', 'verdict': 'deny', 'images': [{"
    "'path': 'spec.containers[0].image', "
    "'reference': 'registry.corp/web:1', "
    "'resolved': 'registry.corp/web@sha256:" D64 "', 'verdict': 'deny', "
    "'platforms': [{'platform': 'linux/amd64', 'digest': 'sha256:" F64 "', "
    "'size': 851443712, 'layers': 2, 'user': '', 'base': {'name': '', "
    "'digest': '', 'how': 'none', 'layers': 0}}, "
    "{'platform': 'linux/arm64', 'digest': 'sha256:" F64 "', "
    "'size': 104857600, 'layers': 1, 'user': '1000', 'base': {'name': '', "
    "'digest': '', 'how': 'none', 'layers': 0}}], 'findings': ["
    "{'rule': 'lean-images', 'check': 'size.max', 'mode': 'enforce', "
    "'platform': 'linux/amd64', 'actual': '812 MiB', 'limit': '300 MiB', "
    "'message': 'size 812 MiB is over 300 MiB', "
    "'evidence': '512 MiB (63 %) come from layer 2 of 2, \\\"RUN apt-get "
    "install -y build-essential\\\"; 300 MiB from layer 1', 'fix': 'build in a separate stage and "
    "copy only the result', 'owner': 'platform-team', 'waived': null}, "
    "{'rule': 'waived', 'check': 'layers.max', 'mode': 'enforce', "
    "'platform': 'linux/amd64', 'actual': '2', 'limit': '1', "
    "'message': '2 layers are over 1', 'evidence': '', 'fix': 'join the RUN "
    "instructions that belong together, and copy what belongs together in one "
    "step', 'owner': '', 'waived': {'owner': 'shop-team', "
    "'reason': 'moving', 'expires': '2027-01-31'}}], 'error': null}, "
    "{'path': 'spec.containers[1].image', 'reference': 'db:1', "
    "'resolved': null, 'verdict': 'error', 'platforms': [], 'findings': [], "
    "'error': {'code': 'TIMEOUT', 'message': 'no answer in time'}}]}";

static void
json_is_as_promised(void **state)
{
	AUTO(json_decref) json_t *json = NULL;
	AUTO(free) char *got = NULL;
	AUTO(buf_clear) struct buf wanted = BUF_INIT(TEXT_MAX);
	struct judge j;
	const char *s;

	(void)state;
	judge_open(&j,
	    "version: 1\nname: company\nonError: deny\nrules:\n"
	    "- {name: lean-images, owner: platform-team,\n"
	    "   check: {size: {max: 300Mi}}}\n"
	    "- {name: waived, check: {layers: {max: 1}}}\n"
	    "waivers:\n"
	    "- {rule: waived, owner: shop-team, reason: moving,\n"
	    "   expires: 2027-01-31, match: {namespaces: [shop]}}\n",
	    "registry.corp/web:1");
	j.w->source = "web.yaml:1";
	judge_add(&j, "db", "spec.containers[1].image", "db:1");
	judge_plan(&j);
	judge_facts(&j, 0, bloated, 2);
	j.plan->images[1].fault =
	    (struct fault){.code = "TIMEOUT", .message = "no answer in time"};
	judge_evaluate(&j);
	json = report_json(j.report);
	assert_non_null(json);
	got = json_dumps(json, 0);
	/* Single quotes keep the golden text readable. */
	for (s = golden; *s != '\0'; s++)
		buf_add(&wanted, *s == '\'' ? "\"" : s, 1);
	judge_same("json", got, buf_text(&wanted));
	judge_close(&j);
}

static void
on_error_warn_is_a_warning_and_allow_is_silent(void **state)
{
	static const struct {
		const char *policy;
		const char *warning; /* NULL: none */
	} cases[] = {
	    {"version: 1\nonError: warn\nrules:\n"
	     "- {name: r, check: {size: {max: 1}}}\n",
		"web: could not be judged: NOT_FOUND: it is not there"},
	    {"version: 1\nonError: allow\nrules:\n"
	     "- {name: r, check: {size: {max: 1}}}\n",
		NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		AUTO(json_decref) json_t *warnings = json_array();
		AUTO(json_decref) json_t *annotations = json_object();
		struct judge j;

		judge_open(&j, cases[i].policy, "web:1");
		judge_plan(&j);
		j.plan->images[0].fault = (struct fault){
		    .code = "NOT_FOUND", .message = "it is not there"};
		judge_evaluate(&j);
		assert_int_equal(report_warnings(j.report, warnings), 0);
		assert_int_equal(report_annotations(j.report, annotations), 0);
		assert_int_equal(json_array_size(warnings),
		    cases[i].warning == NULL ? 0 : 1);
		if (cases[i].warning != NULL)
			judge_same("warning",
			    json_string_value(json_array_get(warnings, 0)),
			    cases[i].warning);
		assert_string_equal(
		    json_string_value(json_object_get(annotations, "error")),
		    "web: NOT_FOUND: it is not there");
		judge_close(&j);
	}
}

static void
only_what_may_heal_asks_to_come_back(void **state)
{
	static const struct {
		struct fault web;
		struct fault db; /* code NULL: lean */
		bool heals;
		int retry_after;
	} cases[] = {
	    {{.code = "TIMEOUT", .may_heal = true}, {0}, true, 2},
	    {{.code = "RATE_LIMITED", .may_heal = true, .retry_after = 7}, {0},
		true, 7},
	    {{.code = "RATE_LIMITED", .may_heal = true, .retry_after = 900},
		{0}, true, 30},
	    {{.code = "TIMEOUT", .may_heal = true},
		{.code = "RATE_LIMITED", .may_heal = true, .retry_after = 9},
		true, 9},
	    {{.code = "NOT_FOUND"}, {0}, false, 2},
	    {{.code = "TIMEOUT", .may_heal = true}, {.code = "NOT_FOUND"},
		false, 2},
	};
	size_t i;
	int retry;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct judge j;

		judge_open(&j, policy, "web:1");
		judge_add(&j, "db", "spec.containers[1].image", "db:1");
		judge_plan(&j);
		j.plan->images[0].fault = cases[i].web;
		j.plan->images[0].fault.message = "x";
		j.plan->images[1].fault = cases[i].db;
		j.plan->images[1].fault.message = "x";
		if (cases[i].db.code == NULL)
			judge_facts(&j, 1, &lean, 1);
		judge_evaluate(&j);
		assert_int_equal(
		    report_may_heal(j.report, &retry), cases[i].heals);
		if (cases[i].heals)
			assert_int_equal(retry, cases[i].retry_after);
		judge_close(&j);
	}
}

static void
a_finding_that_denies_does_not_heal(void **state)
{
	struct judge j;
	int retry;

	(void)state;
	judge_open(&j, policy, "web:1");
	judge_add(&j, "db", "spec.containers[1].image", "db:1");
	judge_plan(&j);
	judge_facts(&j, 0, bloated, 2);
	j.plan->images[1].fault = (struct fault){
	    .code = "TIMEOUT", .may_heal = true, .message = "late"};
	judge_evaluate(&j);
	assert_false(report_may_heal(j.report, &retry));
	judge_close(&j);
}

struct scarce {
	const struct report *report;
	size_t len; /* of the whole message */
};

static void
report_with_little_memory(void *arg)
{
	const struct scarce *s = arg;
	const struct report *r = s->report;
	AUTO(json_decref) json_t *json = NULL;
	AUTO(json_decref) json_t *warnings = json_array();
	AUTO(json_decref) json_t *annotations = json_object();
	AUTO(buf_clear) struct buf b = BUF_INIT(REPORT_MESSAGE_MAX);

	json = report_json(r);
	if (json != NULL)
		assert_int_equal(
		    json_array_size(json_object_get(json, "images")), 4);
	if (report_message(r, REPORT_MESSAGE_MAX, &b) == 0)
		assert_int_equal(b.len, s->len);
	if (warnings != NULL && report_warnings(r, warnings) == 0)
		assert_int_equal(json_array_size(warnings), 2);
	if (annotations != NULL && report_annotations(r, annotations) == 0)
		assert_int_equal(json_object_size(annotations), 6);
}

static void
memory_running_out_is_reported_and_never_half_an_answer(void **state)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(REPORT_MESSAGE_MAX);
	struct scarce s;
	struct judge j;

	(void)state;
	open_shop(&j);
	assert_int_equal(report_message(j.report, REPORT_MESSAGE_MAX, &b), 0);
	s = (struct scarce){.report = j.report, .len = b.len};
	assert_true(alloc_fail_each(report_with_little_memory, &s) > 50);
	judge_close(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_denial_says_where_what_and_what_helps),
	    cmocka_unit_test(warnings_are_one_line_each),
	    cmocka_unit_test(annotations_record_what_does_not_deny),
	    cmocka_unit_test(json_is_as_promised),
	    cmocka_unit_test(on_error_warn_is_a_warning_and_allow_is_silent),
	    cmocka_unit_test(only_what_may_heal_asks_to_come_back),
	    cmocka_unit_test(a_finding_that_denies_does_not_heal),
	    cmocka_unit_test(
		memory_running_out_is_reported_and_never_half_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
