/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/cli.h"
#include "server/gate/clock.h"
#include "server/gate/config.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>

static const char help[] =
    "usage: policy-gate lint [--policy FILE|DIR]... [FILE|DIR]...\n"
    "\n"
    "Reads policies (files, folders of them, or preset:NAME) and says everything\n"
    "that is wrong with them, with file, line and column, and warns of what can\n"
    "hardly be meant. Each argument is a policy of its own; those of --policy are\n"
    "read as one, as check and serve do. Exit status 0 when each can be used, else\n"
    "2.\n"
    "\n"
    "Examples:\n"
    "  policy-gate lint policy.yaml\n"
    "  policy-gate lint --policy preset:baseline --policy our-policies/\n";

/* STATUS_OK or STATUS_USAGE. */
static int
lint(const struct policies *p)
{
	AUTO(buf_clear)
	struct buf report = BUF_INIT(CONFIG_BYTES_MAX),
		   paths = BUF_INIT(POLICIES_MAX * PATH_MAX);
	AUTO(ruleset_unref)
	struct ruleset *rs =
	    policies_load(p, clock_real.wall_s(&clock_real), LINT_ALL, &report);

	fputs(buf_text(&report), stdout);
	if (rs == NULL)
		return STATUS_USAGE;
	policies_text(p, &paths);
	printf("%s: ok: %s%s%zu %s\n", buf_text(&paths), rs->name,
	    rs->name[0] != '\0' ? ", " : "", rs->nrules,
	    rs->nrules == 1 ? "rule" : "rules");
	return STATUS_OK;
}

int
cmd_lint(int argc, char **argv)
{
	static const struct option options[] = {
	    {"policy", required_argument, NULL, 'p'},
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct policies together = {.n = 0};
	int c, i, status = STATUS_OK;

	while ((c = cli_option(argc, argv, ":h", options)) != -1) {
		if (c == 'h')
			return cli_help(help);
		if (c != 'p' ||
		    cli_policy(argv[0], &together, optarg) != STATUS_OK)
			return STATUS_USAGE;
	}
	if (optind == argc && together.n == 0)
		return cli_usage(argv[0], "name a policy file");
	if (together.n > 0)
		status = lint(&together);
	for (i = optind; i < argc; i++) {
		const struct policies one = {{argv[i]}, 1};

		if (lint(&one) != STATUS_OK)
			status = STATUS_USAGE;
	}
	return cli_finish(argv[0], status);
}
