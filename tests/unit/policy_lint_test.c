/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document.h"
#include "policy/lint.h"
#include "tests/unit/alloc.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
	TEXT_MAX = 4096,
	NOW = 1795521600, /* 2026-11-24T12:00:00Z */
};

static void
assert_said(const char *text, enum lint what, const char *wanted)
{
	AUTO(document_free)
	struct document *doc = judge_document(text, strlen(text));
	AUTO(diagnostics_clear) struct diagnostics d;
	AUTO(buf_clear) struct buf said = BUF_INIT(TEXT_MAX);
	AUTO(ruleset_unref) struct ruleset *rs = NULL;
	struct ruleset_source source = {doc, &d};

	diagnostics_init(&d, "p");
	rs = ruleset_parse_all(&source, 1);
	diagnostics_print(&d, &said);
	if (rs == NULL)
		fail_msg("%s%s", buf_text(&said), text);
	lint_policy(&source, 1, rs, NOW, what);
	assert_int_equal(d.errors, 0);
	buf_truncate(&said, 0);
	diagnostics_print(&d, &said);
	judge_same(text, buf_text(&said), wanted);
}

#define RULE "version: 1\nmode: warn\nrules:\n- name: r\n"
#define MATCH RULE "  check: {layers: {max: 9}}\n  match: "
#define CHECK RULE "  check: "
#define ENFORCE "version: 1\nrules:\n- name: r\n  check: {layers: {max: 9}}\n"
#define KUBE                                                                  \
	"denies in kube-system too, where the cluster's own pods are; leave " \
	"it out with match: {namespaces: [\"*\", \"!kube-system\"]} (other "  \
	"rules may need it as well)\n"

static const struct row {
	const char *text;
	const char *wanted;
} rows[] = {
    /* What a match excludes of itself. */
    {MATCH "{namespaces: ['*', '!kube-*']}\n", ""},
    {MATCH "{namespaces: [kube-system, '!kube-*']}\n",
	"p:6:10: warning: rules[0].match: never matches\n"
	"p:6:24: warning: rules[0].match.namespaces[0]: matches nothing: "
	"\"!kube-*\" excludes all of it\n"},
    {MATCH "{namespaces: [shop, kube-system, '!kube-*']}\n",
	"p:6:30: warning: rules[0].match.namespaces[1]: matches nothing: "
	"\"!kube-*\" excludes all of it\n"},
    {MATCH "{namespaces: ['!*']}\n",
	"p:6:10: warning: rules[0].match: never matches\n"
	"p:6:23: warning: rules[0].match.namespaces: matches nothing: \"!*\" "
	"excludes everything\n"},
    {MATCH "{images: ['a.corp/*', '!a.corp/**']}\n",
	"p:6:10: warning: rules[0].match: never matches\n"
	"p:6:20: warning: rules[0].match.images[0]: matches nothing: "
	"\"!a.corp/**\" excludes all of it\n"},
    {MATCH "{images: ['a.corp/**', '!a.corp/*']}\n", ""},
    {MATCH "{kinds: [Image], labels: {a: b}}\n",
	"p:6:10: warning: rules[0].match: never matches: a bare image has no "
	"labels\n"},
    {MATCH "{kinds: [Image], containers: [init]}\n",
	"p:6:10: warning: rules[0].match: never matches: a bare image is taken "
	"for a regular container\n"},
    {MATCH "{kinds: [Image], containers: [init, regular]}\n", ""},
    {CHECK "{user: {root: deny}, volumes: deny}\n"
	   "  match: {containers: [volume]}\n",
	"p:5:10: warning: rules[0].check: asks nothing of image volumes, in "
	"which nothing runs\n"},
    {CHECK "{user: {root: deny}, size: {max: 9}}\n"
	   "  match: {containers: [volume]}\n",
	""},
    /* Limits. */
    {CHECK "{size: {max: 300Mi, maxLayer: 299Mi, maxAboveBase: 299Mi}, "
	   "growth: {over: 299Mi}}\n",
	""},
    {CHECK "{size: {max: 300Mi, maxLayer: 300Mi, maxAboveBase: 1Gi}, "
	   "growth: {over: 1Gi}}\n",
	"p:5:40: warning: rules[0].check.size.maxLayer: decides nothing: what "
	"is over it is over size.max too\n"
	"p:5:61: warning: rules[0].check.size.maxAboveBase: decides nothing: "
	"what is over it is over size.max too\n"
	"p:5:82: warning: rules[0].check.growth.over: decides nothing: what is "
	"over it is over size.max too\n"},
    {CHECK "{size: {maxLayer: 300Mi}, growth: {over: 1Gi}}\n", ""},
    {CHECK "{layers: {max: 127}, age: {max: 1h}}\n", ""},
    {CHECK "{layers: {max: 128}, age: {max: 59m}}\n",
	"p:5:25: warning: rules[0].check.layers.max: decides nothing: a node "
	"cannot mount more than 128 layers\n"
	"p:5:42: warning: rules[0].check.age.max: is under an hour: an image "
	"is hardly built, pushed and pulled in that\n"},
    {CHECK "{base: {allow: [debian:12], maxAge: 9000d}}\n",
	"p:5:46: warning: rules[0].check.base.maxAge: decides nothing: no "
	"image is 20 years old\n"},
    /* Lists that take back what they say. */
    {CHECK "{source: {allow: ['a.corp/x/**', 'a.corp/**'], deny: "
	   "['a.corp/x/**', 'b.corp/**']}}\n",
	"p:5:28: warning: rules[0].check.source.allow[0]: allows nothing: "
	"source.deny has \"a.corp/x/**\"\n"},
    {CHECK "{source: {allow: ['a.corp/x'], deny: ['a.corp/*', "
	   "'!a.corp/x']}}\n",
	""},
    {CHECK "{source: {allow: ['a.corp/x', '!a.corp/**']}}\n",
	"p:5:28: warning: rules[0].check.source.allow[0]: matches nothing: "
	"\"!a.corp/**\" excludes all of it\n"},
    {CHECK "{env: {deny: ['A_*', '!A_?*']}, tag: {deny: ['v?', '!v*']}}\n",
	"p:5:55: warning: rules[0].check.tag.deny[0]: matches nothing: \"!v*\" "
	"excludes all of it\n"},
    {CHECK "{base: {allow: [debian:12, alpine], deny: "
	   "['docker.io/library/debian:12']}}\n",
	"p:5:26: warning: rules[0].check.base.allow[0]: allows nothing: "
	"base.deny has it too\n"},
    /* kube-system */
    {ENFORCE "- {name: s, check: {layers: {max: 9}}}\n",
	"p:3:3: warning: rules[0]: " KUBE},
    {ENFORCE "  mode: warn\n- {name: s, match: {namespaces: ['kube-*']}, "
	     "check: {layers: {max: 9}}}\n",
	"p:6:3: warning: rules[1]: " KUBE},
    {ENFORCE "  mode: audit\n", ""},
    {ENFORCE "  match: {namespaces: ['*', '!kube-system']}\n", ""},
    {ENFORCE "  match: {namespaces: ['!kube-*']}\n", ""},
    {ENFORCE "  match: {images: ['a.corp/**']}\n", ""},
    {ENFORCE "  match: {kinds: [Deployment]}\n", ""},
    {ENFORCE "  match: {kinds: [Job, Pod]}\n",
	"p:3:3: warning: rules[0]: " KUBE},
};

static void
warns_of_what_can_hardly_be_meant(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_said(rows[i].text, LINT_ALL, rows[i].wanted);
		assert_said(rows[i].text, LINT_WAIVERS, "");
	}
}

#define WAIVERS MATCH "{kinds: [Pod]}\nwaivers:\n"
#define WAIVER(match, expires)       \
	"- {rule: r, match: {" match \
	"}, owner: o, reason: x, expires: " expires "}\n"
#define PODS "kinds: [Pod]"
#define FROM_THEN "; after that findings of \"r\" have their effect\n"

static const struct row waivers[] = {
    {WAIVERS WAIVER(PODS, "2026-12-09"), ""},
    {WAIVERS WAIVER(PODS, "2026-12-08"),
	"p:8:66: warning: waivers[0].expires: ends in 14 days" FROM_THEN},
    {WAIVERS WAIVER(PODS, "2026-11-25"),
	"p:8:66: warning: waivers[0].expires: ends tomorrow" FROM_THEN},
    {WAIVERS WAIVER(PODS, "2026-11-24"),
	"p:8:66: warning: waivers[0].expires: ends today" FROM_THEN},
    {WAIVERS WAIVER(PODS, "2026-11-23"),
	"p:8:66: warning: waivers[0].expires: expired on 2026-11-23: findings "
	"of \"r\" have their effect; renew the waiver or take it out\n"},
};

static void
warns_of_waivers_that_end(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(waivers) / sizeof(waivers[0]); i++) {
		assert_said(waivers[i].text, LINT_ALL, waivers[i].wanted);
		assert_said(waivers[i].text, LINT_WAIVERS, waivers[i].wanted);
		assert_said(waivers[i].text, LINT_NOTHING, "");
	}
}

/* A waiver of no rule stands in between: that is told when parsing. */
static void
warns_of_waivers_that_waive_nothing(void **state)
{
	(void)state;
	assert_said(WAIVERS
	    "- {rule: s, match: {kinds: [Pod]}, owner: o, reason: x, expires: "
	    "2027-01-31}\n" WAIVER("kinds: [Job]", "2027-01-31")
		WAIVER("namespaces: ['!*']", "2027-01-31"),
	    LINT_ALL,
	    "p:8:10: warning: waivers[0].rule: there is no rule \"s\", so this "
	    "waives nothing\n"
	    "p:9:20: warning: waivers[1].match: waives nothing: \"r\" matches "
	    "none of this\n"
	    "p:10:20: warning: waivers[2].match: never matches\n"
	    "p:10:33: warning: waivers[2].match.namespaces: matches nothing: "
	    "\"!*\" excludes everything\n");
}

static void
tells_which_glob_covers_which(void **state)
{
	static const struct {
		const char *a, *b;
		bool covers;
	} cases[] = {
	    {"a", "a", true},
	    {"*", "a?c", true},
	    {"*", "a*", true},
	    {"*", "**", false},
	    {"*", "a/b", false},
	    {"**", "*", true},
	    {"**", "a/**", true},
	    {"a/**", "a/*", true},
	    {"a/*", "a/**", false},
	    {"a/**", "a/b/c*", true},
	    {"?", "a", true},
	    {"?", "*", false},
	    {"?*", "*", false},
	    {"?*", "?*", true},
	    {"*?", "?*", true},
	    {"??????", "*", false},
	    {"a*", "*", false},
	    {"a*", "?b", false},
	    {"*b*", "*abc*", true},
	    {"*abc*", "*b*", false},
	    {"a*c", "a*bc", true},
	    {"**/x", "a/**/x", true},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (lint_covers(cases[i].a, cases[i].b) != cases[i].covers)
			fail_msg("%s over %s", cases[i].a, cases[i].b);
}

struct linted {
	struct document *doc;
	struct ruleset *rs;
};

static void
lint_with_little_memory(void *arg)
{
	AUTO(diagnostics_clear) struct diagnostics d;
	const struct linted *l = arg;
	struct ruleset_source source = {l->doc, &d};

	diagnostics_init(&d, "p");
	lint_policy(&source, 1, l->rs, NOW, LINT_ALL);
	assert_int_equal(d.errors, 0);
}

static void
memory_running_out_loses_a_warning_at_most(void **state)
{
	static const char text[] =
	    MATCH "{namespaces: [kube-system, '!kube-*']}\nwaivers:\n" WAIVER(
		PODS, "2026-11-23");
	struct linted l = {.doc = judge_document(text, strlen(text)),
	    .rs = judge_policy(text)};

	(void)state;
	assert_true(alloc_fail_each(lint_with_little_memory, &l) > 5);
	ruleset_unref(l.rs);
	document_free(l.doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(warns_of_what_can_hardly_be_meant),
	    cmocka_unit_test(warns_of_waivers_that_end),
	    cmocka_unit_test(warns_of_waivers_that_waive_nothing),
	    cmocka_unit_test(tells_which_glob_covers_which),
	    cmocka_unit_test(memory_running_out_loses_a_warning_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
