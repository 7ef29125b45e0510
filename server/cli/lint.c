/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/cli.h"
#include "server/gate/config.h"

#include <stdint.h>
#include <stdio.h>

static const char help[] =
    "usage: policy-gate lint POLICY...\n"
    "\n"
    "Reads policy files (or preset:NAME) and says everything that is wrong "
    "with them,\n"
    "with file, line and column. Exit status 0 when each can be used, else "
    "2.\n"
    "\n"
    "Example:\n"
    "  policy-gate lint policy.yaml\n";

int
cmd_lint(int argc, char **argv)
{
	static const struct option options[] = {
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c, i, status = STATUS_OK;

	while ((c = cli_option(argc, argv, ":h", options)) != -1)
		return c == 'h' ? cli_help(help) : STATUS_USAGE;
	if (optind == argc)
		return cli_usage(argv[0], "name a policy file");
	for (i = optind; i < argc; i++) {
		AUTO(buf_clear) struct buf report = BUF_INIT(CONFIG_BYTES_MAX);
		AUTO(ruleset_unref) struct ruleset *rs = NULL;

		rs = policy_load(argv[i], &report);
		fputs(buf_text(&report), stdout);
		if (rs == NULL)
			status = STATUS_USAGE;
		else
			printf("%s: ok: %s, %zu %s\n", argv[i], rs->name,
			    rs->nrules, rs->nrules == 1 ? "rule" : "rules");
	}
	return cli_finish(argv[0], status);
}
