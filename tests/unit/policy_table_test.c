/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/advice.h"
#include "policy/checks/check.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 4096 };

/* A sentence or more: told as it stands by explain and the reference. */
static void
say_something(const char *of, const char *what, const char *text)
{
	if (text == NULL || strlen(text) < 10 || text[strlen(text) - 1] != '.')
		fail_msg("%s: %s is \"%s\"", of, what, text ? text : "missing");
}

/* Whole lines, of which the first says where they go. */
static void
can_be_pasted(const char *of, const char *text)
{
	if (text == NULL || strncmp(text, "# ", 2) != 0 ||
	    text[strlen(text) - 1] != '\n' || strstr(text, " \n") != NULL ||
	    strchr(text, '\t') != NULL)
		fail_msg("%s: paste is \"%s\"", of, text ? text : "missing");
}

static void
every_detector_explains_itself(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < DETECTORS; i++) {
		const char *name = detector_names[i];

		say_something(name, "about", advices[i].about);
		say_something(name, "blind", advices[i].blind);
		can_be_pasted(name, advices[i].paste);
	}
}

static void
every_check_explains_itself(void **state)
{
	const struct check_field *f;
	size_t i;

	(void)state;
	for (i = 0; check_keys[i] != NULL; i++) {
		const char *key = check_keys[i]->name;

		say_something(key, "about", check_keys[i]->about);
		say_something(key, "blind", check_keys[i]->blind);
		can_be_pasted(key, check_keys[i]->paste);
		for (f = check_keys[i]->fields; f->name != NULL; f++) {
			say_something(key, "a field's about", f->about);
			if (f->check == NULL)
				continue;
			if (f->fix == NULL || f->fix[strlen(f->fix) - 1] == '.')
				fail_msg("%s: fix", f->check);
			/* "size" of "size.max" */
			assert_int_equal(
			    strncmp(f->check, key, strlen(key)), 0);
		}
	}
}

static void
every_example_is_a_policy(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; check_keys[i] != NULL; i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
		AUTO(ruleset_unref) struct ruleset *rs = NULL;

		buf_printf(&b,
		    "version: 1\nrules:\n- name: r\n  check: {%s: %s}\n",
		    check_keys[i]->name, check_keys[i]->example);
		rs = judge_policy(buf_text(&b));
		assert_int_equal(rs->rules[0].ndemands, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_check_explains_itself),
	    cmocka_unit_test(every_detector_explains_itself),
	    cmocka_unit_test(every_example_is_a_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
