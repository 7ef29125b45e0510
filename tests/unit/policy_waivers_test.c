/* SPDX-License-Identifier: Apache-2.0 */
/* What a waiver excepts, and until when. At once. */
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { TEXT_MAX = 8192 };

static const struct judge_image big = {.sizes = {500 * MI}};

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_waiver_works_until_the_end_of_its_day),
	    cmocka_unit_test(a_waiver_is_for_its_own_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
