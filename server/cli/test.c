/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/cli.h"
#include "server/cli/suite.h"
#include "server/gate/config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: policy-gate test [-o text|junit] SUITE...\n"
    "\n"
    "Runs tests of policies, without a registry: images with facts that are "
    "written in\n"
    "the suite or were recorded by inspect -o json, and what is to become of "
    "them.\n"
    "\n"
    "  version: 1\n"
    "  policy: policy.yaml              # or preset:NAME\n"
    "  now: 2026-11-24\n"
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
    "Exit status: 0 all passed, 1 some did not, 2 usage or a suite is "
    "wrong.\n";

struct totals {
	size_t cases;
	size_t failed;
};

/* Each line of `why` behind a '#'. */
static void
print_why(const char *why)
{
	size_t len;

	while (*why != '\0') {
		len = strcspn(why, "\n");
		printf("#   %.*s\n", (int)len, why);
		why += len + (why[len] == '\n');
	}
}

static void
print_text(const struct suite *s, struct totals *t)
{
	size_t i, n;
	const struct suite_case *cases = suite_cases(s, &n);

	for (i = 0; i < n; i++) {
		printf("%s %zu - %s\n", cases[i].passed ? "ok" : "not ok",
		    t->cases + i + 1, cases[i].name);
		print_why(cases[i].why);
	}
}

/* XML 1.0 has no way to write most control characters. */
static void
print_xml(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			fputs("&amp;", stdout);
		else if (*text == '<')
			fputs("&lt;", stdout);
		else if (*text == '>')
			fputs("&gt;", stdout);
		else if (*text == '"')
			fputs("&quot;", stdout);
		else
			putchar((unsigned char)*text < ' ' && *text != '\n'
				    ? '?'
				    : *text);
	}
}

static void
print_junit(const char *path, const struct suite *s)
{
	size_t i, n, failed = 0;
	const struct suite_case *cases = suite_cases(s, &n);

	for (i = 0; i < n; i++)
		failed += !cases[i].passed;
	fputs("<testsuite name=\"", stdout);
	print_xml(path);
	printf("\" tests=\"%zu\" failures=\"%zu\">\n", n, failed);
	for (i = 0; i < n; i++) {
		fputs("<testcase name=\"", stdout);
		print_xml(cases[i].name);
		if (cases[i].passed) {
			fputs("\"/>\n", stdout);
			continue;
		}
		fputs("\"><failure>", stdout);
		print_xml(cases[i].why);
		fputs("</failure></testcase>\n", stdout);
	}
	fputs("</testsuite>\n", stdout);
}

static void
count(const struct suite *s, struct totals *t)
{
	size_t i, n;
	const struct suite_case *cases = suite_cases(s, &n);

	for (i = 0; i < n; i++)
		t->failed += !cases[i].passed;
	t->cases += n;
}

static int
run_suites(char **paths, int n, bool junit)
{
	struct totals t = {0};
	int i, status = STATUS_OK;

	if (junit)
		fputs("<testsuites>\n", stdout);
	for (i = 0; i < n; i++) {
		AUTO(buf_clear) struct buf report = BUF_INIT(CONFIG_BYTES_MAX);
		AUTO(suite_free) struct suite *s = suite_run(paths[i], &report);

		fputs(buf_text(&report), stderr);
		if (s == NULL) {
			status = STATUS_USAGE;
			continue;
		}
		if (junit)
			print_junit(paths[i], s);
		else
			print_text(s, &t);
		count(s, &t);
	}
	if (junit)
		fputs("</testsuites>\n", stdout);
	else
		printf("1..%zu\n", t.cases);
	if (t.failed > 0)
		fprintf(stderr, "%zu of %zu cases failed\n", t.failed, t.cases);
	return status != STATUS_OK || t.failed == 0 ? status : STATUS_REJECTED;
}

int
cmd_test(int argc, char **argv)
{
	static const struct option options[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"output", required_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
	bool junit = false;
	int c;

	while ((c = cli_option(argc, argv, ":ho:", options)) != -1) {
		if (c == 'h')
			return cli_help(help);
		if (c != 'o')
			return STATUS_USAGE;
		junit = strcmp(optarg, "junit") == 0;
		if (!junit && strcmp(optarg, "text") != 0)
			return cli_usage(argv[0],
			    "there is no format \"%s\": text and junit are "
			    "known",
			    optarg);
	}
	if (optind == argc)
		return cli_usage(argv[0], "name a suite");
	return cli_finish(
	    argv[0], run_suites(argv + optind, argc - optind, junit));
}
