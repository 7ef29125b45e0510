/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document.h"
#include "policy/presets.h"
#include "policy/ruleset.h"
#include "tests/unit/alloc.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 64 * 1024 };

#define RULE "version: 1\nrules:\n- name: r\n"
#define CHECK RULE "  check: "
#define MATCH RULE "  check: {layers: {max: 9}}\n  match: "
#define WAIVER \
	RULE "  check: {layers: {max: 9}}\nwaivers:\n- rule: r\n  owner: o\n"
#define LETTERS_32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct judge_said rows[] = {
    /* The file. */
    {CHECK "{layers: {max: 9}}\n", ""},
    {"{\"version\": 1, \"rules\": [{\"name\": \"r\", \"check\": "
     "{\"layers\": {\"max\": 9}}}]}",
	""},
    {"[]",
	"p.yaml:1:1: error: must be a mapping (version, name, mode, onError, "
	"platforms, rules, waivers), not an empty list\n"},
    {"rules: []\n",
	"p.yaml:1:1: error: `version` is missing: write version: 1\n"
	"p.yaml:1:8: warning: rules: is empty, so everything is allowed\n"},
    {"version: 2\nrules: []\n",
	"p.yaml:1:10: error: version: expected 1, the only version there is, "
	"found the number 2\n"
	"p.yaml:2:8: warning: rules: is empty, so everything is allowed\n"},
    {"version: '1'\nrules: []\n",
	"p.yaml:1:10: error: version: expected 1, the only version there is, "
	"found \"1\"\n"
	"p.yaml:2:8: warning: rules: is empty, so everything is allowed\n"},
    {"version: 1\n",
	"p.yaml:1:1: error: `rules` is missing: a list of rules, each with a "
	"name and a check\n"},
    {"version: 1\nrules: {}\n",
	"p.yaml:2:8: error: rules: expected a list of rules, found an empty "
	"mapping\n"},
    {CHECK "{layers: {max: 9}}\nonEror: deny\n",
	"p.yaml:5:1: error: onEror: unknown key \"onEror\"; did you mean "
	"\"onError\"?\n"},
    {CHECK "{layers: {max: 9}}\nonError: maybe\n",
	"p.yaml:5:10: error: onError: expected deny, warn or allow, found "
	"\"maybe\"\n"},
    {CHECK "{layers: {max: 9}}\nmode: off\n",
	"p.yaml:5:7: error: mode: expected enforce, warn or audit, found "
	"false\n"},
    {CHECK "{layers: {max: 9}}\nname: [x]\n",
	"p.yaml:5:7: error: name: expected text, found a list\n"},
    {CHECK "{layers: {max: 9}}\nplatforms: []\n",
	"p.yaml:5:12: error: platforms: is empty; leave it out to judge every "
	"platform\n"},
    {CHECK "{layers: {max: 9}}\nplatforms: linux/amd64\n",
	"p.yaml:5:12: error: platforms: expected a list, each element a "
	"platform such as linux/amd64, found \"linux/amd64\"\n"},
    /* A rule. */
    {"version: 1\nrules: [x]\n",
	"p.yaml:2:9: error: rules[0]: must be a mapping (name, description, "
	"owner, mode, match, check), not text\n"},
    {"version: 1\nrules:\n- check: {layers: {max: 9}}\n",
	"p.yaml:3:3: error: rules[0]: `name` is missing\n"},
    {RULE, "p.yaml:3:3: error: rules[0]: `check` is missing\n"},
    {"version: 1\nrules:\n- name: Lean\n  check: {layers: {max: 9}}\n",
	"p.yaml:3:9: error: rules[0].name: expected a name of at most 63 small "
	"letters, digits and '-', such as lean-images, found \"Lean\"\n"},
    {"version: 1\nrules:\n- name: a-\n  check: {layers: {max: 9}}\n",
	"p.yaml:3:9: error: rules[0].name: expected a name of at most 63 small "
	"letters, digits and '-', such as lean-images, found \"a-\"\n"},
    {"version: 1\nrules:\n- name: " LETTERS_32
     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n  check: {layers: {max: 9}}\n",
	""},
    {"version: 1\nrules:\n- name: " LETTERS_32 LETTERS_32
     "\n  check: {layers: {max: 9}}\n",
	"p.yaml:3:9: error: rules[0].name: expected a name of at most 63 small "
	"letters, digits and '-', such as lean-images, found \"" LETTERS_32
	    LETTERS_32 "\"\n"},
    {"version: 1\nrules:\n- name: error\n  check: {layers: {max: 9}}\n",
	"p.yaml:3:9: error: rules[0].name: \"error\" is not for rules: audit "
	"annotations use it\n"},
    {CHECK "{layers: {max: 9}}\n- name: r\n  check: {layers: {max: 9}}\n",
	"p.yaml:5:9: error: rules[1].name: \"r\" is the name of another "
	"rule, at p.yaml:3:9\n"},
    {RULE "  owner: 5\n  check: {layers: {max: 9}}\n",
	"p.yaml:4:10: error: rules[0].owner: expected text in quotes, found "
	"the number 5\n"},
    /* What a rule is about. */
    {MATCH
	"{namespaces: [\"*\", \"!kube-*\"], images: [\"a.corp/**\"], "
	"kinds: [Pod, CronJob], containers: [init, volume], labels: {tier: web}}\n",
	""},
    {MATCH "[]\n",
	"p.yaml:5:10: error: rules[0].match: must be a mapping (namespaces, images, kinds, "
	"containers, labels), not an empty list\n"},
    {MATCH "{namespace: [x]}\n",
	"p.yaml:5:11: error: rules[0].match.namespace: unknown key "
	"\"namespace\"; did you mean \"namespaces\"?\n"},
    {MATCH "{namespaces: x}\n",
	"p.yaml:5:23: error: rules[0].match.namespaces: expected a list, each "
	"element a glob, found \"x\"\n"},
    {MATCH "{namespaces: []}\n",
	"p.yaml:5:23: error: rules[0].match.namespaces: is empty; leave it out "
	"to match everything\n"},
    {MATCH "{namespaces: [Shop]}\n",
	"p.yaml:5:24: warning: rules[0].match.namespaces[0]: matches nothing: "
	"namespaces have small letters, digits and '-' only\n"},
    {MATCH "{kinds: [deployment]}\n",
	"p.yaml:5:19: error: rules[0].match.kinds[0]: unknown kind "
	"\"deployment\"; did you mean \"Deployment\"?\n"},
    {MATCH "{containers: [inits, 1]}\n",
	"p.yaml:5:24: error: rules[0].match.containers[0]: unknown type of "
	"container \"inits\"; did you mean \"init\"?\n"
	"p.yaml:5:31: error: rules[0].match.containers[1]: expected a word in "
	"quotes, found the number 1\n"},
    {MATCH "{containers: []}\n",
	"p.yaml:5:23: error: rules[0].match.containers: is empty; leave it "
	"out to match everything\n"},
    {MATCH "{kinds: [Widget]}\n",
	"p.yaml:5:19: error: rules[0].match.kinds[0]: unknown kind "
	"\"Widget\"; expected Pod, PodTemplate, ReplicationController, "
	"ReplicaSet, Deployment, StatefulSet, DaemonSet, Job, CronJob or "
	"Image\n"},
    {MATCH "{labels: {tier: 1}}\n",
	"p.yaml:5:26: error: rules[0].match.labels.tier: expected a value in "
	"quotes, found the number 1\n"},
    {MATCH "{labels: [tier]}\n",
	"p.yaml:5:19: error: rules[0].match.labels: expected a mapping of "
	"names to values, found a list\n"},
    /* Waivers. */
    {WAIVER "  reason: x\n  match: {namespaces: [a]}\n  expires: "
	    "2027-01-31\n",
	""},
    {WAIVER, "p.yaml:6:3: error: waivers[0]: `match` is missing: say what is "
	     "excepted, such as {namespaces: [billing]}\n"
	     "p.yaml:6:3: error: waivers[0]: `reason` is missing: a reason "
	     "such as moving to slim\n"
	     "p.yaml:6:3: error: waivers[0]: `expires` is missing: a date such "
	     "as 2027-01-31\n"},
    {WAIVER "  reason: ''\n  match: {}\n  expires: 2027-02-30\n",
	"p.yaml:8:11: error: waivers[0].reason: expected a reason such as "
	"moving to slim, found \"\"\n"
	"p.yaml:9:10: error: waivers[0].match: is empty: say what is excepted, "
	"such as {namespaces: [billing]}\n"
	"p.yaml:10:12: error: waivers[0].expires: expected a date such as "
	"2027-01-31, found \"2027-02-30\"\n"},
    {RULE "  check: {layers: {max: 9}}\nwaivers:\n- rule: rr\n  owner: o\n"
	  "  reason: x\n  match: {namespaces: [a]}\n  expires: 2027-01-31\n",
	"p.yaml:6:9: warning: waivers[0].rule: there is no rule \"rr\", did "
	"you mean \"r\"?\n"},
    {RULE "  check: {layers: {max: 9}}\nwaivers: x\n",
	"p.yaml:5:10: error: waivers: expected a list of waivers, found "
	"\"x\"\n"},
    /* Everything at once. */
    {"version: 1\nplatforms: [linux, 5]\nrules:\n"
     "- name: A\n  check: {size: {max: 1Q}, layers: {max: x}}\n"
     "- name: b\n  check: {seize: {max: 1}}\n  match: {kinds: [pod, job]}\n",
	"p.yaml:2:13: error: platforms[0]: \"linux\" is not a platform: the "
	"architecture is missing; write os/arch or os/arch/variant, as in "
	"linux/amd64\n"
	"p.yaml:2:20: error: platforms[1]: expected a platform such as "
	"linux/amd64 in quotes, found the number 5\n"
	"p.yaml:4:9: error: rules[0].name: expected a name of at most 63 small "
	"letters, digits and '-', such as lean-images, found \"A\"\n"
	"p.yaml:5:23: error: rules[0].check.size.max: expected a size such as "
	"300Mi, found \"1Q\"\n"
	"p.yaml:5:42: error: rules[0].check.layers.max: expected a whole "
	"number from 1, found \"x\"\n"
	"p.yaml:7:11: error: rules[1].check.seize: unknown key \"seize\"; did "
	"you mean \"size\"?\n"
	"p.yaml:8:19: error: rules[1].match.kinds[0]: unknown kind \"pod\"; "
	"did you mean \"Pod\"?\n"
	"p.yaml:8:24: error: rules[1].match.kinds[1]: unknown kind \"job\"; "
	"did you mean \"Job\"?\n"},
};

static void
says_everything_that_is_wrong_with_its_place(void **state)
{
	(void)state;
	judge_read_each(rows, sizeof(rows) / sizeof(rows[0]));
}

static const char full[] =
    "version: 1\nname: company\nmode: warn\nonError: allow\n"
    "platforms: [linux/amd64, linux/arm64]\n"
    "rules:\n"
    "- name: lean\n  description: Small.\n  owner: platform\n"
    "  mode: enforce\n"
    "  match: {namespaces: ['*', '!kube-*'], images: ['index.docker.io/**'],\n"
    "          kinds: [Pod], labels: {tier: web}}\n"
    "  check: {size: {max: 300Mi, maxLayer: 1Gi}, layers: {max: 20}}\n"
    "- name: bases\n"
    "  check: {base: {allow: [debian:12-slim, 'docker.io/library/alpine'],\n"
    "                 deny: [debian, docker.io/library/debian:12-slim]}}\n"
    "- name: names\n"
    "  check: {tag: {deny: [latest], digest: require},\n"
    "          source: {allow: ['a.corp/**']}, user: {root: deny}}\n"
    "waivers:\n"
    "- {rule: gone, match: {namespaces: [x]}, owner: o, reason: x,\n"
    "   expires: 2027-01-31}\n"
    "- {rule: bases, match: {namespaces: [billing]}, owner: billing-team,\n"
    "   reason: moving to slim, expires: 2027-01-31}\n";

static void
reads_every_part_of_a_policy(void **state)
{
	AUTO(ruleset_unref) struct ruleset *rs = judge_policy(full);

	(void)state;
	assert_string_equal(rs->name, "company");
	assert_int_equal(rs->on_error, ON_ERROR_ALLOW);
	assert_int_equal(rs->platforms.n, 2);
	assert_string_equal(rs->platforms.items[1].arch, "arm64");
	assert_int_equal(rs->nrules, 3);
	assert_string_equal(rs->rules[0].name, "lean");
	assert_string_equal(rs->rules[0].description, "Small.");
	assert_string_equal(rs->rules[0].owner, "platform");
	assert_int_equal(rs->rules[0].mode, MODE_ENFORCE);
	assert_string_equal(rs->rules[0].match.namespaces.items[1], "!kube-*");
	assert_string_equal(rs->rules[0].match.images.items[0], "docker.io/**");
	assert_string_equal(rs->rules[0].match.kinds.items[0], "Pod");
	assert_string_equal(rs->rules[0].match.labels.items[0].value, "web");
	assert_int_equal(rs->rules[0].ndemands, 2);
	assert_true(rs->rules[0].needs_facts);
	assert_int_equal(rs->rules[1].mode, MODE_WARN);
	assert_string_equal(rs->rules[1].owner, "");
	assert_int_equal(rs->rules[2].ndemands, 3);
	/* Each base once, however it is written. */
	assert_int_equal(rs->nbases, 3);
	assert_string_equal(
	    rs->bases[0].text, "docker.io/library/debian:12-slim");
	assert_string_equal(
	    rs->bases[1].text, "docker.io/library/alpine:latest");
	assert_string_equal(
	    rs->bases[2].text, "docker.io/library/debian:latest");
	/* The waiver of a rule that is gone is left out. */
	assert_int_equal(rs->nwaivers, 1);
	assert_ptr_equal(rs->waivers[0].rule, &rs->rules[1]);
	assert_string_equal(rs->waivers[0].owner, "billing-team");
	assert_string_equal(rs->waivers[0].reason, "moving to slim");
	assert_string_equal(rs->waivers[0].expires_on, "2027-01-31");
	assert_int_equal(rs->waivers[0].expires, 1801440000); /* 2027-02-01 */
}

static void
a_rule_about_references_alone_needs_no_facts(void **state)
{
	AUTO(ruleset_unref)
	struct ruleset *rs = judge_policy(
	    CHECK "{tag: {deny: [x]}, source: {deny: ['a.corp/**']}}\n");

	(void)state;
	assert_false(rs->rules[0].needs_facts);
}

static void
presets_say_nothing_wrong(void **state)
{
	const char *const *name;

	(void)state;
	for (name = preset_names; *name != NULL; name++) {
		AUTO(buf_clear) struct buf said = BUF_INIT(TEXT_MAX);
		AUTO(ruleset_unref) struct ruleset *rs = NULL;
		size_t len = 0;
		const char *text = preset_find(*name, &len);

		assert_non_null(text);
		rs = judge_read(text, len, &said);
		judge_same(*name, buf_text(&said), "");
		assert_string_equal(rs->name, *name);
		assert_true(rs->nrules >= 2);
	}
	assert_null(preset_find("nope", &(size_t){0}));
}

static void
parse_with_little_memory(void *arg)
{
	AUTO(diagnostics_clear) struct diagnostics d;
	AUTO(ruleset_unref) struct ruleset *rs = NULL;

	diagnostics_init(&d, "p.yaml");
	rs = ruleset_parse(arg, &d);
	assert_int_equal(rs == NULL, d.errors > 0);
}

static void
memory_running_out_is_one_of_the_errors(void **state)
{
	AUTO(document_free)
	struct document *doc = judge_document(full, strlen(full));

	(void)state;
	assert_true(alloc_fail_each(parse_with_little_memory, doc) > 5);
}

static void
a_thousand_rules_and_waivers_load(void **state)
{
	AUTO(buf_clear) struct buf text = BUF_INIT(1024 * 1024);
	AUTO(ruleset_unref) struct ruleset *rs = NULL;
	int i;

	(void)state;
	buf_puts(&text, "version: 1\nrules:\n");
	for (i = 0; i < 1000; i++)
		buf_printf(
		    &text, "- {name: r%d, check: {layers: {max: 9}}}\n", i);
	buf_puts(&text, "waivers:\n");
	for (i = 0; i < 1000; i++)
		buf_printf(&text,
		    "- {rule: r%d, match: {namespaces: [n%d]}, owner: o, "
		    "reason: x, expires: 2027-01-31}\n",
		    i, i);
	rs = judge_policy(buf_text(&text));
	assert_int_equal(rs->nrules, 1000);
	assert_int_equal(rs->nwaivers, 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_everything_that_is_wrong_with_its_place),
	    cmocka_unit_test(reads_every_part_of_a_policy),
	    cmocka_unit_test(a_rule_about_references_alone_needs_no_facts),
	    cmocka_unit_test(presets_say_nothing_wrong),
	    cmocka_unit_test(memory_running_out_is_one_of_the_errors),
	    cmocka_unit_test(a_thousand_rules_and_waivers_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
