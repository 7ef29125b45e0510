/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/pin.h"

#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char policy[] = "version: 1\n"
			     "name: p\n"
			     "onError: allow\n"
			     "rules:\n"
			     "  - {name: r, check: {layers: {max: 9}}}\n";

static const struct judge_image lean = {.sizes = {1000}};

/* The patch and the warnings as compact JSON. */
static void
pinned(struct judge *j, const char *patch, const char *warnings)
{
	AUTO(json_decref) json_t *p = json_array(), *w = json_array();
	AUTO(free) char *patch_text = NULL, *warnings_text = NULL;

	assert_int_equal(pin_report(j->report, p, w), 0);
	patch_text = json_dumps(p, JSON_COMPACT);
	warnings_text = json_dumps(w, JSON_COMPACT);
	judge_same("patch", patch_text, patch);
	judge_same("warnings", warnings_text, warnings);
}

static void
appends_the_digest_that_was_judged(void **state)
{
	struct judge j;
	char patch[1024];

	(void)state;
	judge_open(&j, policy, "nginx:1.25");
	judge_plan(&j);
	judge_facts(&j, 0, &lean, 1);
	judge_evaluate(&j);
	snprintf(patch, sizeof(patch),
	    "[{\"op\":\"test\",\"path\":\"/spec/containers/0/image\","
	    "\"value\":\"nginx:1.25\"},{\"op\":\"replace\",\"path\":"
	    "\"/spec/containers/0/image\",\"value\":\"nginx:1.25@%s\"}]",
	    j.plan->images[0].facts->digest);
	pinned(&j, patch, "[]");
	judge_close(&j);
}

static void
leaves_what_has_a_digest(void **state)
{
	struct judge j;

	(void)state;
	judge_open(&j, policy,
	    "nginx@sha256:"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	judge_plan(&j);
	judge_facts(&j, 0, &lean, 1);
	judge_evaluate(&j);
	pinned(&j, "[]", "[]");
	judge_close(&j);
}

static void
warns_of_what_could_not_be_resolved(void **state)
{
	struct judge j;

	(void)state;
	judge_open(&j, policy, "nginx:1.25");
	judge_plan(&j);
	j.plan->images[0].fault =
	    (struct fault){.code = "UNAVAILABLE", .message = "down"};
	judge_evaluate(&j);
	pinned(&j, "[]", "[\"web: not pinned to a digest: UNAVAILABLE\"]");
	judge_close(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(appends_the_digest_that_was_judged),
	    cmocka_unit_test(leaves_what_has_a_digest),
	    cmocka_unit_test(warns_of_what_could_not_be_resolved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
