/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy may hold no more of, and how much of it messages list. Under a
 * second. */
#include "policy/read.h"
#include "policy/ruleset.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { POLICY_MAX = 4 * 1024 * 1024, SAID_MAX = 64 * 1024 };

/* "first", then `each` `n` times with its number for "%zu", then "last". */
static const struct row {
	const char *first;
	const char *each;
	const char *last;
	size_t most;
	const char *wanted; /* of one more */
} rows[] = {
    {"version: 1\nrules:\n", "- {name: r%zu, check: {layers: {max: 9}}}\n", "",
	RULESET_RULES_MAX,
	"p.yaml:3:1: error: rules: 10001 rules, at most 10000 are read\n"},
    {"version: 1\nrules:\n- {name: r, check: {layers: {max: 9}}}\nwaivers:\n",
	"- {rule: r, match: {images: [a%zu]}, owner: o, reason: x, expires: "
	"2027-01-31}\n",
	"", RULESET_WAIVERS_MAX,
	"p.yaml:5:1: error: waivers: 10001 waivers, at most 10000 are read\n"},
    {"version: 1\nrules:\n- name: r\n  check:\n    base:\n      allow:\n",
	"      - a.corp/b%zu:1\n", "", RULESET_BASES_MAX,
	"p.yaml:263:9: error: rules[0].check.base.allow[256]: more than 256 "
	"base images are listed\n"},
    {"version: 1\nrules:\n- name: r\n  check:\n    env:\n      deny:\n",
	"      - A%zu\n", "", READ_LIST_MAX,
	"p.yaml:7:7: error: rules[0].check.env.deny: 10001 elements, at most "
	"10000 are read\n"},
    {"version: 1\nrules:\n- name: r\n  check:\n    ports:\n      deny:\n",
	"      - \"22\" #%zu\n", "", READ_LIST_MAX,
	"p.yaml:7:7: error: rules[0].check.ports.deny: 10001 elements, at most "
	"10000 are read\n"},
};

/* Returns whether it is a policy; else *said is why not. */
static bool
is_policy(const struct row *r, size_t n, struct buf *said)
{
	AUTO(buf_clear) struct buf text = BUF_INIT(POLICY_MAX);
	AUTO(ruleset_unref) struct ruleset *rs = NULL;
	const char *number;
	size_t i;

	buf_puts(&text, r->first);
	number = strstr(r->each, "%zu");
	for (i = 0; i < n; i++)
		buf_printf(&text, "%.*s%zu%s", (int)(number - r->each), r->each,
		    i, number + 3);
	buf_puts(&text, r->last);
	rs = judge_read(buf_text(&text), text.len, said);
	return rs != NULL;
}

static void
takes_so_many_and_no_more(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(buf_clear) struct buf said = BUF_INIT(SAID_MAX);

		if (!is_policy(&rows[i], rows[i].most, &said))
			fail_msg("%s", buf_text(&said));
		buf_clear(&said);
		assert_false(is_policy(&rows[i], rows[i].most + 1, &said));
		judge_same(rows[i].each, buf_text(&said), rows[i].wanted);
	}
}

static void
says_what_stands_where_a_mapping_should(void **state)
{
	static const char *const kinds[] = {
	    "true", "false", "a number", "text"};
	static const char *const texts[] = {"true", "no", "1.5", "a"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		AUTO(buf_clear) struct buf said = BUF_INIT(SAID_MAX);
		AUTO(buf_clear) struct buf first = BUF_INIT(SAID_MAX);
		AUTO(buf_clear) struct buf wanted = BUF_INIT(SAID_MAX);
		struct row r = {.each = "%zu", .last = ""};

		buf_printf(&first,
		    "version: 1\nrules:\n- {name: r, check: {layers: %s}}\n",
		    texts[i]);
		r.first = buf_text(&first);
		buf_printf(&wanted, ", not %s\n", kinds[i]);
		assert_false(is_policy(&r, 0, &said));
		assert_non_null(strstr(buf_text(&said), buf_text(&wanted)));
	}
}

/* Some of what there is, and how much more. */
static const struct {
	const char *check;
	struct judge_image image;
	const char *wanted;
} lists[] = {
    {"base: {allow: [a.corp/1, a.corp/2, a.corp/3, a.corp/4, a.corp/5]}",
	{.layers = "ab"},
	"deny base.allow@linux/amd64 unknown>a.corp/1:latest, a.corp/2:latest, a.corp/3:latest and 2 more"},
    {"ports: {deny: [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\"]}",
	{.ports = {"1", "2", "3", "4", "5", "6", "7"}},
	"deny ports.deny@linux/amd64 1, 2, 3, 4, 5 and 2 more>not 1, 2, 3, 4, 5 and 2 more"},
    {"platforms: {require: [linux/s390x, linux/ppc64le, linux/riscv64, "
     "linux/386, linux/mips64, linux/loong64]}",
	{.others = {"linux/arm64", "linux/arm/v7", "linux/arm/v6",
	     "windows/amd64"}},
	"deny platforms.require linux/amd64, linux/arm64, linux/arm/v7, "
	"linux/arm/v6 and 1 more>linux/s390x, linux/ppc64le, linux/riscv64, "
	"linux/386 and 2 more"},
};

static void
lists_some_and_says_how_many_more(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(SAID_MAX);
		struct judge j;

		buf_printf(&b, "version: 1\nrules:\n- name: r\n  check: {%s}\n",
		    lists[i].check);
		judge_open(&j, buf_text(&b), "a.corp/web:1");
		judge_plan(&j);
		judge_facts(&j, 0, &lists[i].image, 1);
		for (k = 0; k < j.plan->nbases; k++)
			j.plan->bases[k].fault = (struct fault){
			    .code = "NO_RUNNABLE_PLATFORM", .message = "none"};
		judge_evaluate(&j);
		buf_truncate(&b, 0);
		judge_say(&j, 0, &b);
		judge_same(lists[i].check, buf_text(&b), lists[i].wanted);
		judge_close(&j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_so_many_and_no_more),
	    cmocka_unit_test(says_what_stands_where_a_mapping_should),
	    cmocka_unit_test(lists_some_and_says_how_many_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
