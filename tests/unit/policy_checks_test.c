/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TEXT_MAX = 4096, PLATFORMS_MAX = 3 };

static const struct row {
	const char *name;
	const char *check;
	const char *image;
	struct judge_image platforms[PLATFORMS_MAX];
	const char *wanted;
} rows[] = {
    {"size one below", "size: {max: 300Mi}", "web:1",
	{{.layers = "ab", .sizes = {200 * MI, 100 * MI - 1}}}, "allow"},
    {"size at the limit", "size: {max: 300Mi}", "web:1",
	{{.layers = "ab", .sizes = {200 * MI, 100 * MI}}}, "allow"},
    {"size one above", "size: {max: 300Mi}", "web:1",
	{{.layers = "ab", .sizes = {200 * MI, 100 * MI + 1}}},
	"deny size.max@linux/amd64 314572801 B>314572800 B"},
    {"size well above", "size: {max: 300Mi}", "web:1", {{.sizes = {812 * MI}}},
	"deny size.max@linux/amd64 812 MiB>300 MiB"},
    {"size counts a layer that comes twice once", "size: {max: 300Mi}", "web:1",
	{{.layers = "aba", .sizes = {150 * MI, 100 * MI, 150 * MI}}}, "allow"},
    {"size of twice the same layer above", "size: {max: 200Mi}", "web:1",
	{{.layers = "aba", .sizes = {150 * MI, 100 * MI, 150 * MI}}},
	"deny size.max@linux/amd64 250 MiB>200 MiB"},
    {"size of the worst platform", "size: {max: 300Mi}", "web:1",
	{{.sizes = {400 * MI}},
	    {.platform = "linux/arm64", .sizes = {500 * MI}},
	    {.platform = "linux/arm/v7", .sizes = {100 * MI}}},
	"deny size.max@linux/arm64 500 MiB>300 MiB"},
    {"size of equal platforms is told of the first", "size: {max: 300Mi}",
	"web:1",
	{{.platform = "linux/arm64", .sizes = {500 * MI}},
	    {.sizes = {500 * MI}}},
	"deny size.max@linux/arm64 500 MiB>300 MiB"},
    {"size without layers", "size: {max: 1, maxLayer: 1}", "web:1",
	{{.layers = ""}}, "allow"},
    {"size and the largest layer", "size: {max: 300Mi, maxLayer: 150Mi}",
	"web:1", {{.layers = "ab", .sizes = {200 * MI, 200 * MI}}},
	"deny size.max@linux/amd64 400 MiB>300 MiB; "
	"size.maxLayer@linux/amd64 200 MiB>150 MiB"},

    {"largest layer one below", "size: {maxLayer: 150Mi}", "web:1",
	{{.layers = "ab", .sizes = {150 * MI - 1, 1}}}, "allow"},
    {"largest layer at the limit", "size: {maxLayer: 150Mi}", "web:1",
	{{.layers = "ab", .sizes = {1, 150 * MI}}}, "allow"},
    {"largest layer one above", "size: {maxLayer: 150Mi}", "web:1",
	{{.layers = "ab", .sizes = {1, 150 * MI + 1}}},
	"deny size.maxLayer@linux/amd64 157286401 B>157286400 B"},

    {"largest layer of the worst platform", "size: {maxLayer: 150Mi}", "web:1",
	{{.sizes = {200 * MI}},
	    {.platform = "linux/arm64", .layers = "ab", .sizes = {1, 300 * MI}},
	    {.platform = "linux/arm/v7", .sizes = {100 * MI}}},
	"deny size.maxLayer@linux/arm64 300 MiB>150 MiB"},

    {"no layers", "layers: {max: 1}", "web:1", {{.layers = ""}}, "allow"},
    {"layers of the worst platform", "layers: {max: 1}", "web:1",
	{{.layers = "ab", .sizes = {MI, MI}}, {.platform = "linux/arm64",
						  .layers = "abc",
						  .sizes = {MI, MI, MI}}},
	"deny layers.max@linux/arm64 3>1"},
    {"layers one below", "layers: {max: 3}", "web:1",
	{{.layers = "ab", .sizes = {MI, MI}}}, "allow"},
    {"layers at the limit", "layers: {max: 3}", "web:1",
	{{.layers = "abc", .sizes = {MI, MI, MI}}}, "allow"},
    {"layers one above", "layers: {max: 3}", "web:1",
	{{.layers = "abcd", .sizes = {MI, MI, MI, MI}}},
	"deny layers.max@linux/amd64 4>3"},
    {"layers of less than a KiB do not count", "layers: {max: 3}", "web:1",
	{{.layers = "abcd", .sizes = {MI, 32, MI, 1023}}}, "allow"},
    {"layers of a KiB count", "layers: {max: 3}", "web:1",
	{{.layers = "abcd", .sizes = {MI, 1024, MI, 1024}}},
	"deny layers.max@linux/amd64 4>3"},

    {"allowed source", "source: {allow: [\"registry.corp/**\"]}",
	"registry.corp/shop/web:1", {{.sizes = {1}}}, "allow"},
    {"other source", "source: {allow: [\"registry.corp/**\"]}", "nginx:1",
	{{.sizes = {1}}},
	"deny source.allow docker.io/library/nginx>registry.corp/**"},
    {"look-alike source", "source: {allow: [\"registry.corp/**\"]}",
	"registry.corp.evil.com/web:1", {{.sizes = {1}}},
	"deny source.allow registry.corp.evil.com/web>registry.corp/**"},
    {"source with another port", "source: {allow: [\"registry.corp/**\"]}",
	"registry.corp:5000/web:1", {{.sizes = {1}}},
	"deny source.allow registry.corp:5000/web>registry.corp/**"},
    {"one star stays in its part", "source: {allow: [\"registry.corp/*\"]}",
	"registry.corp/shop/web:1", {{.sizes = {1}}},
	"deny source.allow registry.corp/shop/web>registry.corp/*"},
    {"excluded source",
	"source: {allow: [\"registry.corp/**\", \"!registry.corp/tmp/**\"]}",
	"registry.corp/tmp/web:1", {{.sizes = {1}}},
	"deny source.allow registry.corp/tmp/web>registry.corp/**, "
	"!registry.corp/tmp/**"},
    {"denied source", "source: {deny: [\"docker.io/**\"]}", "nginx",
	{{.sizes = {1}}},
	"deny source.deny docker.io/library/nginx>docker.io/**"},
    {"denied source by another of its names",
	"source: {deny: [\"docker.io/**\"]}",
	"registry-1.docker.io/library/nginx", {{.sizes = {1}}},
	"deny source.deny registry-1.docker.io/library/nginx>docker.io/**"},
    {"denied source told by another of its names",
	"source: {deny: [\"registry-1.docker.io/**\"]}", "nginx",
	{{.sizes = {1}}},
	"deny source.deny docker.io/library/nginx>docker.io/**"},
    {"nothing denied", "source: {deny: [\"docker.io/**\"]}",
	"registry.corp/web", {{.sizes = {1}}}, "allow"},

    {"denied tag", "tag: {deny: [latest]}", "nginx:latest", {{.sizes = {1}}},
	"deny tag.deny latest>another tag, or a digest"},
    {"no tag is latest", "tag: {deny: [latest]}", "nginx", {{.sizes = {1}}},
	"deny tag.deny latest>another tag, or a digest"},
    {"tag by glob", "tag: {deny: [\"*-SNAPSHOT\"]}", "web:1.2-SNAPSHOT",
	{{.sizes = {1}}},
	"deny tag.deny 1.2-SNAPSHOT>another tag, or a digest"},
    {"other tag", "tag: {deny: [latest]}", "nginx:1.25", {{.sizes = {1}}},
	"allow"},
    {"tag beside a digest", "tag: {deny: [latest]}",
	"nginx:latest@sha256:"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	{{.sizes = {1}}}, "allow"},
    {"digest required", "tag: {digest: require}", "nginx:1.25",
	{{.sizes = {1}}}, "deny tag.digest 1.25>a digest"},
    {"digest given", "tag: {digest: require}",
	"nginx@sha256:"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	{{.sizes = {1}}}, "allow"},
    {"digest not required", "tag: {digest: allow, deny: [latest]}",
	"nginx:1.25", {{.sizes = {1}}}, "allow"},
};

static size_t
count_platforms(const struct row *r)
{
	size_t n = 0;

	while (n < PLATFORMS_MAX && (r->platforms[n].layers != NULL ||
					r->platforms[n].sizes[0] != 0))
		n++;
	return n;
}

static void
judge_row(const struct row *r)
{
	AUTO(buf_clear) struct buf policy, said;
	struct judge j;

	buf_init(&policy, TEXT_MAX);
	buf_init(&said, TEXT_MAX);
	buf_printf(&policy,
	    "version: 1\nrules:\n  - name: r\n    check: {%s}\n", r->check);
	judge_open(&j, buf_text(&policy), r->image);
	judge_plan(&j);
	if (j.plan->images[0].fetch)
		judge_facts(&j, 0, r->platforms, count_platforms(r));
	judge_evaluate(&j);
	judge_expect(&j, r->name, r->wanted);
	judge_close(&j);
}

static void
each_check_holds_at_its_limit_and_not_above(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		judge_row(&rows[i]);
}

/* What a finding says besides its figures. */
static const struct words {
	const char *name;
	const char *check;
	struct judge_image image;
	const char *wanted; /* message | evidence | fix */
} words[] = {
    {"size blames an instruction", "size: {max: 300Mi}",
	{.layers = "ab",
	    .sizes = {300 * MI, 512 * MI},
	    .by = {"", "RUN /bin/sh -c apt-get install -y build-essential # "
		       "buildkit"}},
	"size 812 MiB is over 300 MiB|512 MiB (63 %) come from layer 2 of 2, "
	"\"RUN apt-get install -y build-essential\"; 300 MiB from layer 1|build "
	"in a separate stage and copy only the result"},
    {"size knows of COPY", "size: {max: 300Mi}",
	{.layers = "ab",
	    .sizes = {1, 512 * MI},
	    .by = {"", "COPY . /app # buildkit"}},
	"size 512 MiB is over 300 MiB|512 MiB (100 %) come from layer 2 of 2, "
	"\"COPY . /app\"|copy only what runs, and list the rest in "
	".dockerignore"},
    {"size without history", "size: {max: 300Mi}", {.sizes = {512 * MI}},
	"size 512 MiB is over 300 MiB|512 MiB (100 %) come from layer 1 of "
	"1|build in a separate stage and copy only the result"},
    {"size does not tell secrets", "size: {max: 300Mi}",
	{.sizes = {512 * MI}, .by = {"RUN |1 TOKEN=s3cret /bin/sh -c make"}},
	"size 512 MiB is over 300 MiB|512 MiB (100 %) come from layer 1 of 1, "
	"\"RUN make\"|build in a separate stage and copy only the result"},
    {"size keeps a terminal safe", "size: {max: 300Mi}",
	{.sizes = {512 * MI}, .by = {"RUN \033[2Jecho \n hi"}},
	"size 512 MiB is over 300 MiB|512 MiB (100 %) come from layer 1 of 1, "
	"\"RUN ?[2Jecho hi\"|build in a separate stage and copy only the "
	"result"},
    {"size names the next largest layers too", "size: {max: 100Mi}",
	{.layers = "abcdea",
	    .sizes = {50 * MI, 10 * MI, 30 * MI, 100 * MI, 20 * MI, 50 * MI},
	    .by = {"ADD rootfs.tar /", "", "COPY . /src",
		"RUN apt-get install -y g++", "RUN x"}},
	"size 210 MiB is over 100 MiB|100 MiB (48 %) come from layer 4 of 6, "
	"\"RUN apt-get install -y g++\"; 50 MiB from layer 1, \"ADD rootfs.tar "
	"/\"; 30 MiB from layer 3, \"COPY . /src\"|build in a separate stage "
	"and copy only the result"},
    {"size names no layer of less than a tenth of it", "size: {max: 9Mi}",
	{.layers = "abc", .sizes = {8 * MI, 1 * MI - 1, 1 * MI + 1}},
	"size 10 MiB is over 9 MiB|8 MiB (80 %) come from layer 1 of 3; 1 MiB "
	"from layer 3|build in a separate stage and copy only the result"},
    {"largest layers", "size: {maxLayer: 300Mi}",
	{.layers = "abc", .sizes = {300 * MI, 512 * MI, 301 * MI}},
	"the largest layer 512 MiB is over 300 MiB|it is layer 2 of 3; 301 MiB "
	"from layer 3|build in a separate stage and copy only the result"},
    {"largest layer", "size: {maxLayer: 300Mi}",
	{.layers = "ab", .sizes = {1, 512 * MI}},
	"the largest layer 512 MiB is over 300 MiB|it is layer 2 of 2|build "
	"in a separate stage and copy only the result"},
    {"size names three layers at most, and each once", "size: {max: 1Mi}",
	{.layers = "aabcd",
	    .sizes = {100 * MI, 100 * MI, 90 * MI, 80 * MI, 70 * MI}},
	"size 340 MiB is over 1 MiB|100 MiB (29 %) come from layer 1 of 5; "
	"90 MiB from layer 3; 80 MiB from layer 4|build in a separate stage "
	"and copy only the result"},
    {"all layers that are over", "size: {maxLayer: 300Mi}",
	{.layers = "abcd",
	    .sizes = {300 * MI, 301 * MI, 400 * MI, 1},
	    .by = {"", "RUN a", "RUN b", ""}},
	"the largest layer 400 MiB is over 300 MiB|it is layer 3 of 4, "
	"\"RUN b\"; 301 MiB from layer 2, \"RUN a\"|build in a separate "
	"stage and copy only the result"},
    {"layers", "layers: {max: 1}", {.layers = "ab", .sizes = {MI, MI}},
	"2 layers are over 1||join the RUN instructions that belong together, "
	"and copy what belongs together in one step"},
    {"tag", "tag: {deny: [latest]}", {.sizes = {1}},
	"no tag is written, which means \"latest\", and that is denied||name "
	"a version, or better a digest"},
    {"digest", "tag: {digest: require}", {.sizes = {1}},
	"tag \"latest\" may mean another image tomorrow: a digest is "
	"required||write name:tag@sha256:... with the digest that was tested"},
    {"source",
	"source: {allow: [\"a.corp/**\", \"b.corp/**\", "
	"\"c.corp/**\", \"d.corp/**\"]}",
	{.sizes = {1}},
	"comes from docker.io/library/nginx, which is not an allowed "
	"source||push the image to an allowed registry and name that"},
};

static void
a_finding_says_what_whose_fault_and_what_helps(void **state)
{
	const struct finding *f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
		struct judge j;

		buf_printf(&b,
		    "version: 1\nrules:\n  - name: r\n    check: {%s}\n",
		    words[i].check);
		judge_open(&j, buf_text(&b), "nginx");
		judge_plan(&j);
		if (j.plan->images[0].fetch)
			judge_facts(&j, 0, &words[i].image, 1);
		judge_evaluate(&j);
		assert_int_equal(j.report->images[0].nfindings, 1);
		f = j.report->images[0].findings;
		buf_truncate(&b, 0);
		buf_printf(&b, "%s|%s|%s", f->message, f->evidence, f->fix);
		judge_same(words[i].name, buf_text(&b), words[i].wanted);
		judge_close(&j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_check_holds_at_its_limit_and_not_above),
	    cmocka_unit_test(a_finding_says_what_whose_fault_and_what_helps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
