/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document.h"
#include "policy/ruleset.h"
#include "tests/unit/alloc.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A policy of several files. */

enum { FILES_MAX = 3, TEXT_MAX = 4096 };

struct files {
	struct document *docs[FILES_MAX];
	struct diagnostics said[FILES_MAX];
	struct ruleset_source sources[FILES_MAX];
	size_t n;
};

#define RULE(name) "{name: " name ", check: {layers: {max: 9}}}"
#define HEAD "version: 1\n"

/* Is one file wherever it stands. */
static const char once[] = HEAD "rules: [" RULE("r") "]\n";

static void
files_open(struct files *f, const char *const texts[FILES_MAX])
{
	static const char *const names[] = {"a.yaml", "b.yaml", "c.yaml"};

	for (f->n = 0; f->n < FILES_MAX && texts[f->n] != NULL; f->n++) {
		f->docs[f->n] =
		    judge_document(texts[f->n], strlen(texts[f->n]));
		diagnostics_init(
		    &f->said[f->n], names[texts[f->n] == once ? 0 : f->n]);
		f->sources[f->n] =
		    (struct ruleset_source){f->docs[f->n], &f->said[f->n]};
	}
}

static void
files_close(struct files *f)
{
	while (f->n-- > 0) {
		diagnostics_clear(&f->said[f->n]);
		document_free(f->docs[f->n]);
	}
}

static const struct row {
	const char *texts[FILES_MAX];
	const char *wanted; /* what is said */
} rows[] = {
    {{HEAD "rules: [" RULE("r") "]\n", HEAD "rules: [" RULE("s") "]\n"}, ""},
    {{HEAD "rules: [" RULE("r") "]\n",
	 HEAD "rules:\n- " RULE("s") "\n- " RULE("r") "\n"},
	"b.yaml:4:10: error: rules[1].name: \"r\" is the name of another rule, "
	"at a.yaml:2:16\n"},
    {{once, once},
	"a.yaml:2:16: error: rules[0].name: \"r\" is read twice: name the file, "
	"or the folder that it is in, once\n"},
    {{HEAD "mode: warn\nrules: [" RULE("r") "]\n",
	 HEAD "mode: audit\nrules: [" RULE("s") "]\n"},
	"b.yaml:2:7: error: mode: is not what a.yaml:2:7 says; the files of a "
	"policy agree, or one of them says it for all\n"},
    {{HEAD "rules: [" RULE("r") "]\n",
	 HEAD "onError: warn\nrules: [" RULE("s") "]\n",
	 HEAD "onError: allow\nrules: [" RULE("t") "]\n"},
	"c.yaml:2:10: error: onError: is not what b.yaml:2:10 says; the files "
	"of a policy agree, or one of them says it for all\n"},
    {{HEAD "platforms: [linux/amd64]\nrules: [" RULE("r") "]\n",
	 HEAD "platforms: [linux/arm64]\nrules: [" RULE("s") "]\n"},
	"b.yaml:2:12: error: platforms: is not what a.yaml:2:12 says; the "
	"files of a policy agree, or one of them says it for all\n"},
    {{HEAD "mode: warn\nplatforms: [linux/amd64]\nrules: [" RULE("r") "]\n",
	 HEAD "mode: warn\nplatforms: [linux/amd64]\nrules: [" RULE("s") "]\n"},
	""},
    {{HEAD "rules: [" RULE("r") "]\n", "version: 2\nrules: []\n"},
	"b.yaml:1:10: error: version: expected 1, the only version there is, "
	"found the number 2\n"},
    /* Waivers alone are a file, but no policy. */
    {{HEAD "waivers: [{rule: r, match: {kinds: [Pod]}, owner: o, reason: x, "
	   "expires: 2027-01-31}]\n",
	 HEAD "rules: [" RULE("r") "]\n"},
	""},
    {{HEAD "rules: [" RULE("r") "]\n", HEAD "name: b\n"},
	"b.yaml:1:1: error: `rules` is missing: a list of rules, each with a "
	"name and a check\n"},
    {{HEAD "rules: [" RULE("lean") "]\n",
	 HEAD "waivers: [{rule: leen, match: {kinds: [Pod]}, owner: o, "
	      "reason: x, expires: 2027-01-31}]\n"},
	"b.yaml:2:18: warning: waivers[0].rule: there is no rule \"leen\", "
	"did you mean \"lean\"?\n"},
    {{HEAD "rules: []\n", HEAD "rules: []\n"},
	"b.yaml:2:8: warning: rules: is empty, so everything is allowed\n"},
    {{HEAD "rules: [" RULE("r") "]\n", "[]\n"},
	"b.yaml:1:1: error: must be a mapping (version, name, mode, onError, "
	"platforms, rules, waivers), not an empty list\n"},
    {{HEAD "rules: [{name: r, check: {size: {maxx: 1}}}]\n",
	 HEAD "rules: [{name: s, chek: {}}]\n"},
	"a.yaml:2:34: error: rules[0].check.size.maxx: unknown key \"maxx\"; "
	"did you mean \"max\"?\n"
	"b.yaml:2:9: error: rules[0]: `check` is missing\n"
	"b.yaml:2:19: error: rules[0].chek: unknown key \"chek\"; did you mean "
	"\"check\"?\n"},
};

static void
says_in_which_file_and_where_else(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(buf_clear) struct buf said = BUF_INIT(TEXT_MAX);
		AUTO(ruleset_unref) struct ruleset *rs = NULL;
		struct files f;

		files_open(&f, rows[i].texts);
		rs = ruleset_parse_all(f.sources, f.n);
		for (k = 0; k < f.n; k++)
			diagnostics_print(&f.said[k], &said);
		judge_same(rows[i].texts[1], buf_text(&said), rows[i].wanted);
		assert_int_equal(
		    rs == NULL, strstr(rows[i].wanted, "error:") != NULL);
		files_close(&f);
	}
}

static const char *const several[] = {
    HEAD "name: a\nrules:\n- {name: r, check: {base: {allow: [debian:12]}}}\n"
	 "waivers: [{rule: s, match: {kinds: [Pod]}, owner: o, reason: x, "
	 "expires: 2027-01-31}]\n",
    HEAD "name: b\nmode: audit\nonError: warn\nplatforms: [linux/amd64]\n"
	 "rules:\n- {name: s, check: {base: {allow: [alpine, debian:12]}}}\n"
	 "- {name: t, mode: warn, check: {layers: {max: 9}}}\n",
    HEAD "waivers: [{rule: s, match: {kinds: [Job]}, owner: o, reason: later, "
	 "expires: 2027-01-31}]\n",
};

static void
reads_several_files_as_one_policy(void **state)
{
	AUTO(buf_clear) struct buf said = BUF_INIT(TEXT_MAX);
	AUTO(ruleset_unref) struct ruleset *rs = NULL;
	struct files f;
	size_t i;

	(void)state;
	files_open(&f, several);
	rs = ruleset_parse_all(f.sources, f.n);
	for (i = 0; i < f.n; i++)
		diagnostics_print(&f.said[i], &said);
	judge_same("several", buf_text(&said), "");
	files_close(&f); /* nothing of them is needed any more */
	assert_non_null(rs);
	assert_string_equal(rs->name, "a+b");
	assert_int_equal(rs->on_error, ON_ERROR_WARN);
	assert_int_equal(rs->platforms.n, 1);
	assert_int_equal(rs->nrules, 3);
	assert_string_equal(rs->rules[0].name, "r");
	assert_int_equal(rs->rules[0].mode, MODE_AUDIT);
	assert_string_equal(rs->rules[1].name, "s");
	assert_int_equal(rs->rules[2].mode, MODE_WARN);
	assert_int_equal(rs->nbases, 2);
	assert_int_equal(rs->nwaivers, 2);
	assert_ptr_equal(rs->rules[1].waivers, &rs->waivers[0]);
	assert_string_equal(rs->waivers[0].next->reason, "later");
}

static void
parse_with_little_memory(void *arg)
{
	AUTO(ruleset_unref) struct ruleset *rs = NULL;
	struct files *f = arg;
	size_t i, errors = 0;

	for (i = 0; i < f->n; i++)
		diagnostics_clear(&f->said[i]);
	rs = ruleset_parse_all(f->sources, f->n);
	for (i = 0; i < f->n; i++)
		errors += f->said[i].errors;
	assert_int_equal(rs == NULL, errors > 0);
}

static void
memory_running_out_is_one_of_the_errors(void **state)
{
	struct files f;

	(void)state;
	files_open(&f, several);
	assert_true(alloc_fail_each(parse_with_little_memory, &f) > 5);
	files_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_in_which_file_and_where_else),
	    cmocka_unit_test(reads_several_files_as_one_policy),
	    cmocka_unit_test(memory_running_out_is_one_of_the_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
