/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 8192, BASES_MAX = 3, PLATFORMS_MAX = 2 };

#define DEB "docker.io/library/debian:12"
#define JAVA "a.corp/java:1"
#define PY "a.corp/py:1"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NEW       \
	"sha256:" \
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define OLD       \
	"sha256:" \
	"1111111111111111111111111111111111111111111111111111111111111111"

enum { DAY_S = 86400 };

/* One listed base, in the order of the policy. */
struct listed {
	struct judge_image images[PLATFORMS_MAX];
	const char *fault;        /* instead of facts */
	struct judge_image older; /* what the name meant before */
};

static const struct row {
	const char *name;
	const char *base; /* of the rule */
	struct judge_image images[PLATFORMS_MAX];
	struct listed bases[BASES_MAX];
	const char *wanted;
	const char *told; /* "how name layers" of the first platform */
} rows[] = {
    {"on the allowed base", "allow: [debian:12]", {{.layers = "abx"}},
	{{.images = {{.layers = "ab"}}}}, "allow", "layers " DEB " 2"},
    {"the base itself", "allow: [debian:12]", {{.layers = "ab"}},
	{{.images = {{.layers = "ab"}}}}, "allow", "layers " DEB " 2"},
    {"less than the base", "allow: [debian:12]", {{.layers = "a"}},
	{{.images = {{.layers = "ab"}}}},
	"deny base.allow@linux/amd64 unknown>" DEB, "none  0"},
    {"only the first layer shared", "allow: [debian:12]", {{.layers = "acx"}},
	{{.images = {{.layers = "ab"}}}},
	"deny base.allow@linux/amd64 unknown>" DEB, "none  0"},
    {"the base's layers not at the bottom", "allow: [debian:12]",
	{{.layers = "xab"}}, {{.images = {{.layers = "ab"}}}},
	"deny base.allow@linux/amd64 unknown>" DEB, "none  0"},
    {"squashed", "allow: [debian:12]", {{.layers = "z"}},
	{{.images = {{.layers = "ab"}}}},
	"deny base.allow@linux/amd64 unknown>" DEB, "none  0"},
    {"a base without layers proves nothing", "allow: [debian:12]",
	{{.layers = "x"}}, {{.images = {{.layers = ""}}}},
	"deny base.allow@linux/amd64 unknown>" DEB, "none  0"},
    {"a claim proves nothing", "allow: [debian:12]",
	{{.layers = "x", .claims = DEB}}, {{.images = {{.layers = "ab"}}}},
	"deny base.allow@linux/amd64 unknown>" DEB, "annotation " DEB " 0"},
    {"layers speak before claims", "allow: [debian:12]",
	{{.layers = "abx", .claims = "evil"}}, {{.images = {{.layers = "ab"}}}},
	"allow", "layers " DEB " 2"},
    {"the same layers on another platform", "allow: [debian:12]",
	{{.layers = "abx"}},
	{{.images = {{.platform = "linux/arm64", .layers = "ab"}}}},
	"deny base.allow@linux/amd64 unknown>" DEB, "none  0"},
    {"each platform has its own", "allow: [debian:12]",
	{{.layers = "abx"}, {.platform = "linux/arm64", .layers = "cdx"}},
	{{.images = {{.layers = "ab"},
	      {.platform = "linux/arm64", .layers = "cd"}}}},
	"allow", "layers " DEB " 2"},
    {"one platform on another base", "allow: [debian:12]",
	{{.layers = "abx"}, {.platform = "linux/arm64", .layers = "zzx"}},
	{{.images = {{.layers = "ab"},
	      {.platform = "linux/arm64", .layers = "cd"}}}},
	"deny base.allow@linux/arm64 unknown>" DEB, "layers " DEB " 2"},

    {"the longest wins", "allow: [debian:12, a.corp/java:1]",
	{{.layers = "abjx"}},
	{{.images = {{.layers = "ab"}}}, {.images = {{.layers = "abj"}}}},
	"allow", "layers " JAVA " 3"},
    {"denied", "deny: [debian:12]", {{.layers = "abx"}},
	{{.images = {{.layers = "ab"}}}},
	"deny base.deny@linux/amd64 " DEB ">not " DEB, "layers " DEB " 2"},
    {"not denied", "deny: [debian:12]", {{.layers = "qx"}},
	{{.images = {{.layers = "ab"}}}}, "allow", "none  0"},
    {"denied beneath an allowed one",
	"allow: [a.corp/java:1], deny: [debian:12]", {{.layers = "abjx"}},
	{{.images = {{.layers = "abj"}}}, {.images = {{.layers = "ab"}}}},
	"allow", "layers " JAVA " 3"},
    {"denied above an allowed one", "allow: [debian:12], deny: [a.corp/py:1]",
	{{.layers = "abpx"}},
	{{.images = {{.layers = "ab"}}}, {.images = {{.layers = "abp"}}}},
	"deny base.deny@linux/amd64 " PY ">not " PY, "layers " PY " 3"},
    {"known and not allowed", "allow: [a.corp/java:1], deny: [debian:12]",
	{{.layers = "abx"}},
	{{.images = {{.layers = "abj"}}}, {.images = {{.layers = "ab"}}}},
	"deny base.allow@linux/amd64 " DEB ">" JAVA
	"; base.deny@linux/amd64 " DEB ">not " DEB,
	"layers " DEB " 2"},
    {"denied under two names", "allow: [debian:12], deny: [a.corp/py:1]",
	{{.layers = "abx"}},
	{{.images = {{.layers = "ab"}}}, {.images = {{.layers = "ab"}}}},
	"deny base.deny@linux/amd64 " PY ">not " PY, "layers " DEB " 2"},

    {"the allowed base is out of reach", "allow: [debian:12]",
	{{.layers = "abx"}}, {{.fault = "UNAVAILABLE"}}, "error UNAVAILABLE",
	"none  0"},
    {"another allowed base is out of reach",
	"allow: [a.corp/java:1, debian:12]", {{.layers = "abx"}},
	{{.fault = "UNAVAILABLE"}, {.images = {{.layers = "ab"}}}}, "allow",
	"layers " DEB " 2"},
    {"the allowed base is gone", "allow: [debian:12]", {{.layers = "abx"}},
	{{.fault = "NOT_FOUND"}}, "error NOT_FOUND", "none  0"},
    {"the allowed base has no such platform", "allow: [debian:12]",
	{{.layers = "abx"}}, {{.fault = "NO_RUNNABLE_PLATFORM"}},
	"deny base.allow@linux/amd64 unknown>" DEB, "none  0"},
    {"nobody asked for the base", "allow: [debian:12]", {{.layers = "abx"}},
	{{.fault = NULL}}, "error INTERNAL", "none  0"},
    {"the denied base is out of reach", "deny: [debian:12]",
	{{.layers = "abx"}}, {{.fault = "TIMEOUT"}}, "error TIMEOUT",
	"none  0"},
    {"the denied base is gone", "deny: [debian:12]", {{.layers = "abx"}},
	{{.fault = "NOT_FOUND"}}, "allow", "none  0"},
    {"the denied base may not be there", "deny: [debian:12]",
	{{.layers = "abx"}}, {{.fault = "NOT_FOUND_OR_DENIED"}},
	"error NOT_FOUND_OR_DENIED", "none  0"},
    {"one denied base is out of reach, the other it is",
	"deny: [a.corp/java:1, debian:12]", {{.layers = "abx"}},
	{{.fault = "TIMEOUT"}, {.images = {{.layers = "ab"}}}},
	"deny base.deny@linux/amd64 " DEB ">not " JAVA ", " DEB,
	"layers " DEB " 2"},
    /* Claims, where they are taken for facts. */
    {"a claim that is taken at its word", "allow: [debian:12], verify: claim",
	{{.layers = "xyz", .claims = "debian:12"}},
	{{.images = {{.layers = "ab"}}}}, "allow", "annotation debian:12 0"},
    {"a claim with a digest", "allow: [debian:12], verify: claim",
	{{.layers = "xyz", .claims = "debian:12@sha256:" HEX}},
	{{.images = {{.layers = "ab"}}}}, "allow",
	"annotation debian:12@sha256:" HEX " 0"},
    {"a claim of something else", "allow: [debian:12], verify: claim",
	{{.layers = "xyz", .claims = "debian:11"}},
	{{.images = {{.layers = "ab"}}}},
	"deny base.allow@linux/amd64 debian:11>" DEB, "annotation debian:11 0"},
    {"a claim that is no reference", "allow: [debian:12], verify: claim",
	{{.layers = "xyz", .claims = "De bian"}},
	{{.images = {{.layers = "ab"}}}},
	"deny base.allow@linux/amd64 De bian>" DEB, "annotation De bian 0"},
    {"a claim that is denied", "deny: [debian:12], verify: claim",
	{{.layers = "xyz", .claims = "docker.io/library/debian:12"}},
	{{.images = {{.layers = "ab"}}}},
	"deny base.deny@linux/amd64 " DEB ">not " DEB,
	"annotation docker.io/library/debian:12 0"},
    {"a claim is worth nothing else", "allow: [debian:12], verify: layers",
	{{.layers = "xyz", .claims = "debian:12"}},
	{{.images = {{.layers = "ab"}}}},
	"deny base.allow@linux/amd64 unknown>" DEB, "annotation debian:12 0"},

    /* A tag that moved on. */
    {"on what the base was", "allow: [debian:12]", {{.layers = "abx"}},
	{{.images = {{.layers = "cd"}}, .older = {.layers = "ab"}}},
	"deny base.allow@linux/amd64 " OLD ">" NEW, "layers " DEB " 2"},
    {"on what the base was, allowed", "allow: [debian:12], stale: allow",
	{{.layers = "abx"}},
	{{.images = {{.layers = "cd"}}, .older = {.layers = "ab"}}}, "allow",
	"layers " DEB " 2"},
    {"on what it is, which another was", "allow: [debian:12, a.corp/java:1]",
	{{.layers = "abx"}},
	{{.images = {{.layers = "ab"}}, .older = {.layers = "c"}},
	    {.images = {{.layers = "d"}}, .older = {.layers = "ab"}}},
	"allow", "layers " DEB " 2"},
    {"on what a denied base was", "deny: [debian:12]", {{.layers = "abx"}},
	{{.images = {{.layers = "cd"}}, .older = {.layers = "ab"}}},
	"deny base.deny@linux/amd64 " DEB ">not " DEB, "layers " DEB " 2"},

    /* The base's age. */
    {"a base as old as allowed", "allow: [debian:12], maxAge: 60d",
	{{.layers = "abx"}},
	{{.images = {{.layers = "ab", .created = JUDGE_NOW - 60 * DAY_S}}}},
	"allow", "layers " DEB " 2"},
    {"a base a second older", "allow: [debian:12], maxAge: 60d",
	{{.layers = "abx"}},
	{{.images = {{.layers = "ab", .created = JUDGE_NOW - 60 * DAY_S - 1}}}},
	"deny base.maxAge@linux/amd64 5184001 s>5184000 s", "layers " DEB " 2"},
    {"a base without a date", "allow: [debian:12], maxAge: 60d",
	{{.layers = "abx"}}, {{.images = {{.layers = "ab"}}}}, "allow",
	"layers " DEB " 2"},
    {"a base of 1980", "allow: [debian:12], maxAge: 60d", {{.layers = "abx"}},
	{{.images = {{.layers = "ab", .created = 315532801}}}}, "allow",
	"layers " DEB " 2"},
    {"the age of no base", "deny: [debian:12], maxAge: 60d",
	{{.layers = "xyz"}}, {{.images = {{.layers = "ab"}}}}, "allow",
	"none  0"},
};

static size_t
count(const struct judge_image images[PLATFORMS_MAX])
{
	size_t n = 0;

	while (n < PLATFORMS_MAX && images[n].layers != NULL)
		n++;
	return n;
}

/* With another digest than the set that judge_set() makes. */
static struct image_set *
older_set(const struct judge_image *from)
{
	struct image_set *set = judge_set(from, 1);

	set->images[0]->digest = OLD;
	set->digest = OLD;
	return set;
}

static void
bring(struct judge *j, const struct row *r)
{
	size_t i, n;

	judge_facts(j, 0, r->images, count(r->images));
	for (i = 0; i < j->plan->nbases; i++) {
		n = count(r->bases[i].images);
		if (n > 0)
			judge_base(j, i, r->bases[i].images, n);
		if (r->bases[i].older.layers != NULL)
			j->plan->bases[i].older[j->plan->bases[i].nolder++] =
			    older_set(&r->bases[i].older);
		j->plan->bases[i].fault = (struct fault){
		    .code = r->bases[i].fault, .message = "as they say"};
	}
}

static void
say_base(const struct report_image *img, struct buf *b)
{
	const struct report_platform *rp = &img->platforms[0];

	buf_printf(b, "%s %s %zu", base_how_name(rp->base_how), rp->base_name,
	    rp->base_layers);
}

static void
judge_row(const struct row *r)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
	struct judge j;

	buf_printf(&b,
	    "version: 1\nrules:\n  - name: r\n    check: {base: {%s}}\n",
	    r->base);
	judge_open(&j, buf_text(&b), "a.corp/web:1");
	judge_plan(&j);
	bring(&j, r);
	judge_evaluate(&j);
	judge_expect(&j, r->name, r->wanted);
	buf_truncate(&b, 0);
	say_base(&j.report->images[0], &b);
	judge_same(r->name, buf_text(&b), r->told);
	judge_close(&j);
}

static void
a_base_is_proved_by_layers_alone(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		judge_row(&rows[i]);
}

/* A registry that holds a base is down: what becomes of it depends on what the
 * rule could have done, and never on an unlucky default. */
static void
a_base_out_of_reach_does_no_more_than_its_rule_could(void **state)
{
	static const struct {
		const char *policy;
		const char *wanted;
	} cases[] = {
	    {"mode: enforce\nonError: deny", "error UNAVAILABLE"},
	    {"mode: enforce\nonError: warn", "warn UNAVAILABLE"},
	    {"mode: enforce\nonError: allow", "allow UNAVAILABLE"},
	    {"mode: warn\nonError: deny", "warn UNAVAILABLE"},
	    {"mode: warn\nonError: allow", "allow UNAVAILABLE"},
	    {"mode: audit\nonError: deny", "allow UNAVAILABLE"},
	    {"mode: enforce\nonError: deny\nwaivers: [{rule: r, owner: o, "
	     "reason: x, expires: 2027-01-31, match: {namespaces: [shop]}}]",
		"allow UNAVAILABLE"},
	};
	const struct judge_image image = {.layers = "abx"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
		struct judge j;

		buf_printf(&b,
		    "version: 1\n%s\nrules:\n"
		    "  - {name: r, check: {base: {allow: [debian:12]}}}\n",
		    cases[i].policy);
		judge_open(&j, buf_text(&b), "a.corp/web:1");
		judge_plan(&j);
		judge_facts(&j, 0, &image, 1);
		j.plan->bases[0].fault =
		    (struct fault){.code = "UNAVAILABLE", .message = "down"};
		judge_evaluate(&j);
		judge_expect(&j, cases[i].policy, cases[i].wanted);
		judge_close(&j);
	}
}

static void
a_base_out_of_reach_is_named(void **state)
{
	const struct judge_image image = {.layers = "abx"};
	struct judge j;

	(void)state;
	judge_open(&j,
	    "version: 1\nrules:\n"
	    "  - {name: r, check: {base: {allow: [debian:12]}}}\n",
	    "a.corp/web:1");
	judge_plan(&j);
	judge_facts(&j, 0, &image, 1);
	j.plan->bases[0].fault = (struct fault){.code = "UNAVAILABLE",
	    .may_heal = true,
	    .retry_after = 7,
	    .message = "no answer"};
	judge_evaluate(&j);
	assert_string_equal(
	    j.report->images[0].fault.message, "base image " DEB ": no answer");
	assert_true(j.report->images[0].fault.may_heal);
	assert_int_equal(j.report->images[0].fault.retry_after, 7);
	judge_close(&j);
}

static void
bases_of_rules_that_do_not_match_are_not_fetched(void **state)
{
	struct judge j;

	(void)state;
	judge_open(&j,
	    "version: 1\nrules:\n"
	    "  - {name: a, check: {base: {allow: [debian:12]}}}\n"
	    "  - {name: b, check: {base: {allow: [debian:11]}},\n"
	    "     match: {namespaces: [other]}}\n",
	    "a.corp/web:1");
	judge_plan(&j);
	assert_true(j.plan->bases[0].fetch);
	assert_false(j.plan->bases[1].fetch);
	judge_close(&j);
}

/* What an annotation names is fetched from the listed base's repository, and
 * proves nothing but by its layers. */
static void
a_claimed_digest_is_asked_for_once(void **state)
{
	static const struct {
		const char *claims;
		const char *digest;
		size_t wanted;
	} cases[] = {
	    {"debian:12", OLD, 1}, {"docker.io/library/debian:12", OLD, 1},
	    {"debian:11", OLD, 0},                   /* not listed */
	    {"evil.corp/library/debian:12", OLD, 0}, /* nor this */
	    {"debian:12", "sha256:123", 0}, {"debian:12", NULL, 0},
	    {"debian:12",
		"sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddd"
		"dddddddddd",
		0}, /* today's */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct judge_image image[] = {
		    {.layers = "abx",
			.claims = cases[i].claims,
			.claims_digest = cases[i].digest},
		    {.platform = "linux/arm64",
			.layers = "abx",
			.claims = cases[i].claims,
			.claims_digest = cases[i].digest}};
		const struct judge_image today = {.layers = "cd"};
		const struct judge_image old = {.layers = "ab"};
		struct judge j;

		judge_open(&j,
		    "version: 1\nrules:\n"
		    "  - {name: r, check: {base: {allow: [debian:12]}}}\n",
		    "a.corp/web:1");
		judge_plan(&j);
		judge_facts(&j, 0, image, 2);
		judge_base(&j, 0, &today, 1);
		assert_int_equal(plan_find_claims(j.plan), 0);
		assert_int_equal(j.plan->nclaims, cases[i].wanted);
		if (cases[i].wanted > 0) {
			assert_string_equal(j.plan->claims[0].ref.name,
			    "docker.io/library/debian");
			j.plan->claims[0].facts = older_set(&old);
		}
		judge_evaluate(&j);
		assert_int_equal(
		    strncmp(j.report->images[0].findings[0].message,
			"stale base", 10) == 0,
		    cases[i].wanted > 0);
		judge_close(&j);
	}
}

static void
a_stale_base_is_told_with_both_digests(void **state)
{
	const struct judge_image image = {.layers = "abx"};
	const struct judge_image today = {.layers = "cd"};
	const struct judge_image old = {.layers = "ab"};
	struct judge j;

	(void)state;
	judge_open(&j,
	    "version: 1\nrules:\n"
	    "  - {name: r, check: {base: {allow: [debian:12]}}}\n",
	    "a.corp/web:1");
	judge_plan(&j);
	judge_facts(&j, 0, &image, 1);
	judge_base(&j, 0, &today, 1);
	j.plan->bases[0].older[0] = older_set(&old);
	j.plan->bases[0].nolder = 1;
	judge_evaluate(&j);
	assert_string_equal(j.report->images[0].findings[0].message,
	    "stale base: is built on " DEB " as it was, sha256:111111111111; "
	    "today it is sha256:ffffffffffff");
	judge_close(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_base_is_proved_by_layers_alone),
	    cmocka_unit_test(
		a_base_out_of_reach_does_no_more_than_its_rule_could),
	    cmocka_unit_test(a_base_out_of_reach_is_named),
	    cmocka_unit_test(a_claimed_digest_is_asked_for_once),
	    cmocka_unit_test(a_stale_base_is_told_with_both_digests),
	    cmocka_unit_test(bases_of_rules_that_do_not_match_are_not_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
