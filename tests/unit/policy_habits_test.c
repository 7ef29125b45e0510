/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AMD "@linux/amd64 "
#define APT "RUN apt-get update && apt-get install -y gcc"
#define BASE "base: {allow: [\"a.corp/base:1\", \"a.corp/other:1\"]}, "

enum { TEXT_MAX = 4096, PLATFORMS_MAX = 2 };

/* What becomes of signs: which weigh enough, and whose they are. */
static const struct row {
	const char *name;
	const char *check;
	struct judge_image images[PLATFORMS_MAX];
	struct judge_image base; /* of a.corp/base:1 */
	const char *fault;       /* instead */
	const char *wanted;
} rows[] = {
    {.name = "a layer a byte too small",
	.check = "history: {deny: [build-tools, package-cache]}",
	.images = {{.by = {APT}, .sizes = {MI - 1}}},
	.wanted = "allow"},
    {.name = "a layer that is large enough",
	.check = "history: {deny: [build-tools, package-cache]}",
	.images = {{.by = {APT}, .sizes = {MI}}},
	.wanted = "deny history.deny" AMD "gcc>no build-tools; "
		  "history.deny" AMD "apt>no package-cache"},
    {.name = "only what is asked for",
	.check = "history: {deny: [package-cache]}",
	.images = {{.by = {APT}, .sizes = {MI}}},
	.wanted = "deny history.deny" AMD "apt>no package-cache"},
    {.name = "nothing asked for",
	.check = "history: {deny: [], unreliable: deny}",
	.images = {{.by = {APT}, .sizes = {MI}}},
	.wanted = "allow"},
    {.name = "the largest of several speaks",
	.check = "history: {deny: [build-tools]}",
	.images = {{.layers = "abc",
	    .by = {"RUN apk add gcc", "RUN apk add make", "RUN apk add go"},
	    .sizes = {2 * MI, 3 * MI, MI}}},
	.wanted = "deny history.deny" AMD "make>no build-tools"},
    {.name = "the worst platform speaks",
	.check = "history: {deny: [build-tools]}",
	.images = {{.by = {"RUN apk add gcc"}, .sizes = {2 * MI}},
	    {.platform = "linux/arm64",
		.by = {"RUN apk add make"},
		.sizes = {3 * MI}}},
	.wanted = "deny history.deny@linux/arm64 make>no build-tools"},
    {.name = "a compiler that ran came with another layer",
	.check = "history: {deny: [build-tools]}",
	.images = {{.by = {"RUN javac --version"}, .sizes = {100}}},
	.wanted = "deny history.deny" AMD "javac>no build-tools"},

    /* recursive-chown */
    {.name = "chown of nothing much",
	.check = "history: {deny: [recursive-chown]}",
	.images = {{.layers = "ab",
	    .by = {"COPY a /a", "RUN chown -R x /a"},
	    .sizes = {MI, MI - 1}}},
	.wanted = "allow"},
    {.name = "chown of half of it",
	.check = "history: {deny: [recursive-chown]}",
	.images = {{.layers = "ab",
	    .by = {"COPY a /a", "RUN chown -R x /a"},
	    .sizes = {4 * MI, 2 * MI}}},
	.wanted = "deny history.deny" AMD "chown>no recursive-chown"},
    {.name = "chown of less than half of it",
	.check = "history: {deny: [recursive-chown]}",
	.images = {{.layers = "ab",
	    .by = {"COPY a /a", "RUN chown -R x /a"},
	    .sizes = {4 * MI, 2 * MI - 1}}},
	.wanted = "allow"},

    /* Whose instructions. */
    {.name = "the base's are its own",
	.check = BASE "history: {deny: [build-tools]}",
	.images = {{.layers = "ab",
	    .by = {APT, "COPY x /"},
	    .sizes = {9 * MI, MI}}},
	.base = {.layers = "a", .by = {APT}},
	.wanted = "allow"},
    {.name = "what stands above is not",
	.check = BASE "history: {deny: [build-tools]}",
	.images = {{.layers = "ab",
	    .by = {APT, "RUN apk add make"},
	    .sizes = {9 * MI, MI}}},
	.base = {.layers = "a", .by = {APT}},
	.wanted = "deny history.deny" AMD "make>no build-tools"},
    {.name = "all are judged where the rule says so",
	.check = BASE "history: {deny: [build-tools], scope: all}",
	.images = {{.layers = "ab",
	    .by = {APT, "COPY x /"},
	    .sizes = {9 * MI, MI}}},
	.base = {.layers = "a", .by = {APT}},
	.wanted = "deny history.deny" AMD "gcc>no build-tools"},
    {.name = "sources copied by the base do not count",
	.check = BASE "history: {deny: [cache-order]}",
	.images = {{.layers = "ab",
	    .by = {"COPY . .", "RUN npm ci"},
	    .sizes = {MI, MI}}},
	.base = {.layers = "a", .by = {"COPY . ."}},
	.wanted = "allow"},
    {.name = "chown above the base of what is the base's",
	.check = BASE "history: {deny: [recursive-chown]}",
	.images = {{.layers = "ab",
	    .by = {"COPY a /a", "RUN chown -R x /a"},
	    .sizes = {2 * MI, 2 * MI}}},
	.base = {.layers = "a", .by = {"COPY a /a"}},
	.wanted = "allow"},
    {.name = "a base out of reach may be to blame",
	.check = "base: {deny: [\"a.corp/base:1\"]}, "
		 "history: {deny: [build-tools]}",
	.images = {{.layers = "ab", .by = {APT}, .sizes = {9 * MI, MI}}},
	.fault = "NOT_FOUND",
	.wanted = "error NOT_FOUND"},
    {.name = "a base out of reach is nothing to clean images",
	.check = "base: {deny: [\"a.corp/base:1\"]}, "
		 "history: {deny: [build-tools]}, size: {maxAboveBase: 99Mi}",
	.images = {{.layers = "ab", .by = {"COPY x y"}, .sizes = {MI, MI}}},
	.fault = "NOT_FOUND",
	.wanted = "allow"},

    /* size.maxAboveBase */
    {.name = "above the base one below",
	.check = BASE "size: {maxAboveBase: 5Mi}",
	.images = {{.layers = "abc", .sizes = {9 * MI, 4 * MI, MI - 1}}},
	.base = {.layers = "a"},
	.wanted = "allow"},
    {.name = "above the base at the limit",
	.check = BASE "size: {maxAboveBase: 5Mi}",
	.images = {{.layers = "abc", .sizes = {9 * MI, 4 * MI, MI}}},
	.base = {.layers = "a"},
	.wanted = "allow"},
    {.name = "above the base one above",
	.check = BASE "size: {maxAboveBase: 5Mi}",
	.images = {{.layers = "abc", .sizes = {9 * MI, 4 * MI, MI + 1}}},
	.base = {.layers = "a"},
	.wanted = "deny size.maxAboveBase" AMD "5242881 B>5242880 B"},
    {.name = "above the base on the worst platform",
	.check = BASE "size: {maxAboveBase: 5Mi}",
	.images = {{.layers = "ab", .sizes = {9 * MI, 6 * MI}},
	    {.platform = "linux/arm64",
		.layers = "ab",
		.sizes = {2 * MI, 6 * MI}}},
	.base = {.layers = "a"},
	/* The base has nothing for arm64, so that all of it counts. */
	.wanted = "deny base.allow@linux/arm64 unknown>a.corp/base:1, "
		  "a.corp/other:1; size.maxAboveBase@linux/arm64 8 MiB>5 "
		  "MiB"},
    {.name = "no base is known: all of it counts",
	.check = "size: {maxAboveBase: 5Mi}",
	.images = {{.layers = "ab", .sizes = {9 * MI, 4 * MI}}},
	.wanted = "deny size.maxAboveBase" AMD "13 MiB>5 MiB"},
    {.name = "the base itself has nothing above",
	.check = BASE "size: {maxAboveBase: 5Mi}",
	.images = {{.layers = "a", .sizes = {9 * MI}}},
	.base = {.layers = "a"},
	.wanted = "allow"},
    {.name = "above a base out of reach",
	.check = "base: {deny: [\"a.corp/base:1\"]}, size: {maxAboveBase: 5Mi}",
	.images = {{.layers = "ab", .sizes = {9 * MI, 4 * MI}}},
	.fault = "NOT_FOUND",
	.wanted = "error NOT_FOUND"},

    /* Histories that tell nothing. */
    {.name = "an unreliable history is no finding",
	.check = "history: {deny: [build-tools]}",
	.images = {{.by = {APT}, .sizes = {9 * MI}, .unreliable = true}},
	.wanted = "allow"},
    {.name = "unless that is asked for",
	.check = "history: {deny: [build-tools], unreliable: deny}",
	.images = {{.by = {APT}, .sizes = {9 * MI}, .unreliable = true}},
	.wanted = "deny history.unreliable" AMD "unreliable>reliable"},
    {.name = "no history",
	.check = "history: {unreliable: deny}",
	.images = {{.no_history = true}},
	.wanted = "deny history.unreliable" AMD "absent>reliable"},
    {.name = "no history is no finding",
	.check = "history: {deny: [build-tools, embedded-secret]}",
	.images = {{.no_history = true}},
	.wanted = "allow"},
    {.name = "one platform without a history",
	.check = "history: {unreliable: deny}",
	.images = {{.by = {APT}},
	    {.platform = "linux/arm64", .no_history = true}},
	.wanted = "deny history.unreliable@linux/arm64 absent>reliable"},
    {.name = "a pattern on one platform",
	.check = "history: {patterns: [{match: \"COPY *\", because: x}]}",
	.images = {{.by = {"RUN x"}},
	    {.platform = "linux/arm64", .by = {"COPY a b"}}},
	.wanted = "deny history.patterns@linux/arm64 matches>COPY **"},
    {.name = "a pattern without a history",
	.check = "history: {patterns: [{match: \"**\", because: x}]}",
	.images = {{.no_history = true}},
	.wanted = "allow"},
    {.name = "a reliable history",
	.check = "history: {unreliable: deny}",
	.images = {{.by = {APT}}},
	.wanted = "allow"},
    {.name = "a secret is one whatever the layers",
	.check = "history: {deny: [embedded-secret]}",
	.images = {{.by = {"ENV A_TOKEN=abc"}, .unreliable = true}},
	.wanted = "deny history.deny" AMD "A_TOKEN>no embedded-secret"},

    /* history.patterns */
    {.name = "a pattern",
	.check = "history: {patterns: [{match: \"RUN *npm install -g *\", "
		 "because: use npx}]}",
	.images = {{.by = {"RUN cd /a/b && npm install -g x/y"}}},
	.wanted =
	    "deny history.patterns" AMD "matches>RUN **npm install -g **"},
    {.name = "a pattern that matches a part only",
	.check = "history: {patterns: [{match: \"npm\", because: x}]}",
	.images = {{.by = {"RUN npm i"}}},
	.wanted = "allow"},
    {.name = "a pattern above the base",
	.check = BASE "history: {patterns: [{match: \"COPY **\", because: x}]}",
	.images = {{.layers = "ab", .by = {"COPY a b", "RUN x"}}},
	.base = {.layers = "a", .by = {"COPY a b"}},
	.wanted = "allow"},
    {.name = "each pattern is told",
	.check = "history: {patterns: [{match: \"COPY *\", because: x}, "
		 "{match: \"* b\", because: z}]}",
	.images = {{.by = {"COPY a b"}}},
	.wanted = "deny history.patterns" AMD "matches>COPY **; "
		  "history.patterns" AMD "matches>** b"},
};

static size_t
count(const struct judge_image images[PLATFORMS_MAX])
{
	return images[1].platform != NULL ? 2 : 1;
}

static void
bring_bases(struct judge *j, const struct row *r)
{
	size_t i;

	for (i = 0; i < j->plan->nbases; i++) {
		if (r->fault != NULL)
			j->plan->bases[i].fault = (struct fault){
			    .code = r->fault, .message = "no answer"};
		else
			j->plan->bases[i].fault = (struct fault){
			    .code = "NO_RUNNABLE_PLATFORM", .message = "none"};
		if (i == 0 && r->base.layers != NULL)
			judge_base(j, 0, &r->base, 1);
	}
}

static void
judge_row(const struct row *r)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
	struct judge j;

	buf_printf(
	    &b, "version: 1\nrules:\n  - name: r\n    check: {%s}\n", r->check);
	judge_open(&j, buf_text(&b), "a.corp/web:1");
	judge_plan(&j);
	judge_facts(&j, 0, r->images, count(r->images));
	bring_bases(&j, r);
	judge_evaluate(&j);
	judge_expect(&j, r->name, r->wanted);
	judge_close(&j);
}

static void
blames_what_an_image_adds_to_its_base(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		judge_row(&rows[i]);
}

static void
tells_the_instruction_and_no_secret(void **state)
{
	const struct judge_image image = {.layers = "ab",
	    .sizes = {5 * MI, 236 * MI},
	    .by = {"ENV DB_PASSWORD=hunter2",
		"RUN |1 A_TOKEN=hunter2 /bin/sh -c apt-get install -y g++ make "
		"# buildkit"}};
	const struct finding *f;
	struct judge j;
	size_t i;

	(void)state;
	judge_open(&j,
	    "version: 1\nrules:\n- name: r\n  check: {history: {deny: "
	    "[build-tools, embedded-secret], patterns: [{match: \"ENV *\", "
	    "because: set it in the pod}]}}",
	    "a.corp/web:1");
	judge_plan(&j);
	judge_facts(&j, 0, &image, 1);
	judge_evaluate(&j);
	f = j.report->images[0].findings;
	assert_int_equal(j.report->images[0].nfindings, 3);
	assert_string_equal(f[0].message,
	    "embedded-secret: a secret stands in the history: A_TOKEN");
	assert_string_equal(f[1].message,
	    "build-tools: build tools are left in the image: g++ and make");
	assert_string_equal(f[1].evidence,
	    "layer 2 of 2, 236 MiB, \"RUN apt-get install -y g++ make\"");
	assert_string_equal(
	    f[2].message, "an instruction is not wanted: set it in the pod");
	assert_string_equal(
	    f[2].evidence, "layer 1 of 2, 5 MiB, \"ENV DB_PASSWORD=***\"");
	for (i = 0; i < 3; i++) {
		assert_null(strstr(f[i].message, "hunter2"));
		assert_null(strstr(f[i].evidence, "hunter2"));
		assert_null(strstr(f[i].actual, "hunter2"));
	}
	judge_close(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blames_what_an_image_adds_to_its_base),
	    cmocka_unit_test(tells_the_instruction_and_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
