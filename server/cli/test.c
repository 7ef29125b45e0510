/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "server/cli/cli.h"
#include "server/cli/formats.h"
#include "server/cli/suite.h"
#include "server/cli/xml.h"
#include "server/gate/config.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: policy-gate test [-o FORMAT[=FILE]]... SUITE...\n"
    "\n"
    "Runs tests of policies, without a registry: images with facts that are written\n"
    "in the suite or were recorded by inspect -o json, and what is to become of\n"
    "them.\n"
    "\n"
    "  -o FORMAT[=FILE]      text (default; TAP) or junit; several times\n"
    "  --help\n"
    "\n"
    "A suite:\n"
    "  version: 1\n"
    "  policy: policy.yaml              # or preset:NAME\n"
    "  now: 2026-11-24                  # what is today for it\n"
    "  images:\n"
    "    registry.corp/web:1:\n"
    "      platforms: [{user: \"1000\", layers: [{size: 400Mi}]}]\n"
    "    registry.corp/db:1:\n"
    "      facts: db.json               # policy-gate inspect -o json\n"
    "  cases:\n"
    "    - name: large images are warned about\n"
    "      image: registry.corp/web:1   # or workload: {kind: Pod, ...}\n"
    "      expect: {verdict: warn, findings: [lean-images/size.max]}\n"
    "\n"
    "Exit status: 0 all passed, 1 some did not, 2 usage or a suite is wrong.\n"
    "\n"
    "Examples:\n"
    "  policy-gate inspect -o json registry.corp/db:1 >suites/db.json\n"
    "  policy-gate test suites/*.yaml\n";

enum { NAME_MAX_BYTES = 1024 };

/* One suite that was run. */
struct run {
	const char *path;
	struct suite *suite; /* NULL: it could not be run */
	struct buf report;   /* what is wrong with it */
};

struct runs {
	struct run *items;
	size_t n;
};

/* Each line of `why` behind a '#'. */
static void
print_why(FILE *out, const char *why)
{
	size_t len;

	while (*why != '\0') {
		len = strcspn(why, "\n");
		fprintf(out, "#   %.*s\n", (int)len, why);
		why += len + (why[len] == '\n');
	}
}

/* "# TODO" in a name would excuse what has failed. */
static void
print_name(FILE *out, const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name == '#' || *name == '\\')
			fputc('\\', out);
		fputc(*name, out);
	}
}

static int
print_case(FILE *out, const struct suite_case *c, size_t number)
{
	AUTO(buf_clear) struct buf name = BUF_INIT(NAME_MAX_BYTES);
	const int rc = text_sanitise(&name, c->name, NAME_MAX_BYTES);

	fprintf(out, "%s %zu - ", c->passed ? "ok" : "not ok", number);
	print_name(out, buf_text(&name));
	fputc('\n', out);
	print_why(out, c->why);
	return rc;
}

/* The Test Anything Protocol, https://testanything.org. */
static int
write_text(const void *arg, FILE *out)
{
	const struct runs *runs = arg;
	const struct suite_case *cases;
	size_t i, k, n, total = 0;

	for (i = 0; i < runs->n; i++) {
		if (runs->items[i].suite == NULL)
			continue;
		fprintf(out, "# %s\n", runs->items[i].path);
		cases = suite_cases(runs->items[i].suite, &n);
		for (k = 0; k < n; k++)
			if (print_case(out, &cases[k], ++total) != 0)
				return -1;
	}
	fprintf(out, "1..%zu\n", total);
	return 0;
}

static size_t
failures(const struct run *r)
{
	size_t i, n, failed = 0;
	const struct suite_case *cases = suite_cases(r->suite, &n);

	for (i = 0; i < n; i++)
		failed += !cases[i].passed;
	return failed;
}

static void
junit_case(struct xml *x, const char *suite, const struct suite_case *c)
{
	xml_open(x, "testcase");
	xml_attribute(x, "classname", suite);
	xml_attribute(x, "name", c->name);
	if (!c->passed) {
		xml_open(x, "failure");
		xml_attribute(
		    x, "message", "another verdict or other findings");
		xml_text(x, c->why);
		xml_close(x);
	}
	xml_close(x);
}

/* A suite that could not be run is one test that could not be. */
static void
junit_broken(struct xml *x, const struct run *r)
{
	xml_number(x, "tests", 1);
	xml_number(x, "failures", 0);
	xml_number(x, "errors", 1);
	xml_open(x, "testcase");
	xml_attribute(x, "classname", r->path);
	xml_attribute(x, "name", "suite");
	xml_open(x, "error");
	xml_attribute(x, "message", "the suite could not be run");
	xml_text(x, buf_text(&r->report));
	xml_close(x);
	xml_close(x);
}

static int
write_junit(const void *arg, FILE *out)
{
	const struct runs *runs = arg;
	const struct suite_case *cases;
	struct xml x;
	size_t i, k, n;

	xml_begin(&x, out);
	xml_open(&x, "testsuites");
	for (i = 0; i < runs->n; i++) {
		xml_open(&x, "testsuite");
		xml_attribute(&x, "name", runs->items[i].path);
		if (runs->items[i].suite == NULL) {
			junit_broken(&x, &runs->items[i]);
			xml_close(&x);
			continue;
		}
		cases = suite_cases(runs->items[i].suite, &n);
		xml_number(&x, "tests", n);
		xml_number(&x, "failures", failures(&runs->items[i]));
		xml_number(&x, "errors", 0);
		for (k = 0; k < n; k++)
			junit_case(&x, runs->items[i].path, &cases[k]);
		xml_close(&x);
	}
	xml_close(&x);
	return x.failed ? -1 : 0;
}

static const struct format formats[] = {
    {"text", write_text}, {"junit", write_junit}, {NULL, NULL}};

/* Runs them all; what is wrong with a suite goes to stderr. */
static int
run_all(struct runs *runs, char **paths)
{
	size_t i, n, cases = 0, failed = 0;
	int status = STATUS_OK;

	for (i = 0; i < runs->n; i++) {
		struct run *r = &runs->items[i];

		r->path = paths[i];
		buf_init(&r->report, CONFIG_BYTES_MAX);
		r->suite = suite_run(r->path, &r->report);
		fputs(buf_text(&r->report), stderr);
		if (r->suite == NULL) {
			status = STATUS_USAGE;
			continue;
		}
		suite_cases(r->suite, &n);
		cases += n;
		failed += failures(r);
	}
	if (failed > 0)
		fprintf(stderr, "%zu of %zu cases failed\n", failed, cases);
	return status == STATUS_OK && failed > 0 ? STATUS_REJECTED : status;
}

static void
clear(struct runs *runs)
{
	size_t i;

	for (i = 0; i < runs->n; i++) {
		suite_free(runs->items[i].suite);
		buf_clear(&runs->items[i].report);
	}
	free(runs->items);
}

int
cmd_test(int argc, char **argv)
{
	static const struct option options[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"output", required_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
	struct formats o = {.command = argv[0], .known = formats};
	struct runs runs = {.n = 0};
	int c, status, written;

	while ((c = cli_option(argc, argv, ":ho:", options)) != -1) {
		if (c == 'h')
			return cli_help(help);
		if (c != 'o' || formats_add(&o, optarg) != STATUS_OK)
			return STATUS_USAGE;
	}
	if (optind == argc)
		return cli_usage(argv[0], "name a suite");
	runs.items = calloc((size_t)(argc - optind), sizeof(*runs.items));
	if (runs.items == NULL)
		return cli_usage(argv[0], "out of memory");
	runs.n = (size_t)(argc - optind);
	status = run_all(&runs, argv + optind);
	written = formats_write(&o, &runs);
	clear(&runs);
	return cli_finish(argv[0], written != STATUS_OK ? written : status);
}
