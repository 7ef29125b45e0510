/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/cli.h"

#include <stdio.h>

static const char help[] = "usage: policy-gate version\n"
			   "\n"
			   "Prints the version.\n";

const char *
version_string(void)
{
	return POLICY_GATE_VERSION;
}

int
cmd_version(int argc, char **argv)
{
	static const struct option options[] = {
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = cli_option(argc, argv, ":h", options)) != -1)
		return c == 'h' ? cli_help(help) : STATUS_USAGE;
	if (optind < argc)
		return cli_usage(argv[0], "takes no arguments");
	printf("policy-gate %s\n", version_string());
	return cli_finish(argv[0], STATUS_OK);
}
