/* SPDX-License-Identifier: Apache-2.0 */
/* How long messages may be, and what a shorter one leaves out. At once. */
#include "policy/report.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 64 * 1024 };

static const struct judge_image lean = {.user = "1000", .sizes = {MI}};

static void
a_long_denial_is_cut_between_findings(void **state)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
	char name[8][16];
	struct judge j;
	int i;

	(void)state;
	buf_puts(&b, "version: 1\nrules:\n");
	for (i = 0; i < 60; i++)
		buf_printf(&b,
		    "- {name: r%d, owner: team, check: {size: {max: 1}}}\n", i);
	judge_open(&j, buf_text(&b), "web:1");
	for (i = 1; i < 3; i++) {
		snprintf(name[i], sizeof(name[i]), "c%d", i);
		judge_add(&j, name[i], "spec.containers[x].image", "web:2");
	}
	judge_plan(&j);
	for (i = 0; i < 3; i++)
		judge_facts(&j, (size_t)i, &lean, 1);
	judge_evaluate(&j);
	buf_clear(&b);
	buf_init(&b, REPORT_MESSAGE_MAX);
	assert_int_equal(report_message(j.report, REPORT_MESSAGE_MAX, &b), 0);
	assert_true(b.len <= REPORT_MESSAGE_MAX);
	assert_true(b.len > REPORT_MESSAGE_MAX / 2);
	assert_non_null(strstr(buf_text(&b), "Owner: team.\nand "));
	assert_string_equal(strrchr(buf_text(&b), ' '), " more");
	judge_close(&j);
}

static const struct judge_image heavy[] = {{.layers = "abc",
    .sizes = {300 * MI, 512 * MI, 400 * MI},
    .by = {"",
	"RUN /bin/sh -c apt-get update && apt-get install -y g++ make "
	"build-essential libssl-dev",
	"COPY . /srv # buildkit"}}};

#define OWNED_RULE(name, check) \
	"- {name: " name ", owner: platform-team, check: {" check "}}\n"

static void
an_event_has_every_finding_in_short(void **state)
{
	static const char several[] =
	    "version: 1\nrules:\n" OWNED_RULE("lean", "size: {max: 300Mi}")
		OWNED_RULE("layers", "size: {maxLayer: 300Mi}")
		    OWNED_RULE("root", "user: {root: deny}")
			OWNED_RULE("tag", "tag: {digest: require}")
			    OWNED_RULE("few", "layers: {max: 1}")
				OWNED_RULE("start", "entrypoint: require");
	static const size_t bounds[] = {
	    REPORT_MESSAGE_MAX, REPORT_EVENT_MAX, 400};
	const char *const names[] = {
	    "(lean)", "(layers)", "(root)", "(tag)", "(few)", "(start)"};
	struct judge j;
	size_t i, k;

	(void)state;
	judge_open(&j, several, "web:1");
	judge_plan(&j);
	judge_facts(&j, 0, heavy, 1);
	judge_evaluate(&j);
	for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(REPORT_MESSAGE_MAX);
		const bool cut = bounds[i] < REPORT_EVENT_MAX;

		assert_int_equal(report_message(j.report, bounds[i], &b), 0);
		assert_true(b.len <= bounds[i]);
		assert_int_equal(strstr(buf_text(&b), "more") != NULL, cut);
		for (k = 0; k < 6 && !cut; k++)
			assert_non_null(strstr(buf_text(&b), names[k]));
	}
	judge_close(&j);
}

static void
a_line_that_is_too_long_keeps_what_helps(void **state)
{
	static const struct {
		int owner;          /* letters of its name */
		const char *wanted; /* in front of the owner */
	} cases[] = {
	    {20, "512 MiB (42 %) come from layer 2 of 3, \"RUN apt-get update "
		 "&& apt-get install -y g++ make build-essential libssl-dev\": "
		 "build in a separate stage and copy only the result."},
	    {60, "512 MiB (42 %) come from layer 2 of 3, \"RUN apt-get update "
		 "&& apt-get install -y g++ ma...\": build in a separate stage "
		 "and copy only the result."},
	    {125, "Build in a separate stage and copy only the result."},
	    {180, ""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(buf_clear)
		struct buf text = BUF_INIT(TEXT_MAX),
			   wanted = BUF_INIT(TEXT_MAX);
		AUTO(json_decref) json_t *warnings = json_array();
		char owner[256] = "";
		struct judge j;

		memset(owner, 'o', (size_t)cases[i].owner);
		buf_printf(&text,
		    "version: 1\nmode: warn\nrules:\n- {name: lean, owner: %s, "
		    "check: {size: {max: 300Mi}}}\n",
		    owner);
		buf_printf(&wanted,
		    "web: size 1212 MiB is over 300 MiB (lean).%s%s "
		    "Owner: %s.",
		    cases[i].wanted[0] != '\0' ? " " : "", cases[i].wanted,
		    owner);
		judge_open(&j, buf_text(&text), "web:1");
		judge_plan(&j);
		judge_facts(&j, 0, heavy, 1);
		judge_evaluate(&j);
		assert_int_equal(report_warnings(j.report, warnings), 0);
		judge_same("warning",
		    json_string_value(json_array_get(warnings, 0)),
		    buf_text(&wanted));
		judge_close(&j);
	}
}

static void
a_warning_is_never_over_its_bound(void **state)
{
	char name[400], text[300];
	AUTO(json_decref) json_t *warnings = json_array();
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
	struct judge j;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memset(text, 'o', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	buf_printf(&b,
	    "version: 1\nmode: warn\nrules:\n"
	    "- {name: r, owner: \"%s\\n\", check: {size: {max: 1}}}\n",
	    text);
	judge_open(&j, buf_text(&b), "web:1");
	j.w->containers[0].name = name;
	judge_plan(&j);
	judge_facts(&j, 0, &lean, 1);
	judge_evaluate(&j);
	assert_int_equal(report_warnings(j.report, warnings), 0);
	assert_int_equal(json_array_size(warnings), 1);
	assert_true(json_string_length(json_array_get(warnings, 0)) <=
		    REPORT_WARNING_MAX);
	assert_null(
	    strpbrk(json_string_value(json_array_get(warnings, 0)), "\n\r\t"));
	judge_close(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_long_denial_is_cut_between_findings),
	    cmocka_unit_test(an_event_has_every_finding_in_short),
	    cmocka_unit_test(a_line_that_is_too_long_keeps_what_helps),
	    cmocka_unit_test(a_warning_is_never_over_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
