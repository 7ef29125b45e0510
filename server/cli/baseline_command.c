/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: policy-gate baseline write FILE [OPTION]... [-f FILE|DIR]... [IMAGE]...\n"
    "\n"
    "Writes today's findings into FILE, so that check --baseline FILE fails on new\n"
    "ones alone. Options and images are those of check. What could not be judged is\n"
    "not written: nobody is to get used to that.\n"
    "\n"
    "Example:\n"
    "  policy-gate baseline write .policy-gate.json -f k8s/\n"
    "  policy-gate check --baseline .policy-gate.json -f k8s/\n";

enum { ADDED = 4 };

/* check, with an output more. */
static int
write_baseline(int argc, char **argv)
{
	AUTO(free) char **args = calloc((size_t)argc + ADDED, sizeof(*args));
	AUTO(free) char *output = NULL;
	int i, n = 0;

	if (args == NULL || asprintf(&output, "baseline=%s", argv[2]) < 0)
		return cli_usage(argv[0], "out of memory");
	args[n++] = argv[0];
	args[n++] = (char[]){"-o"};
	args[n++] = output;
	args[n++] = (char[]){"--fail-on=never"};
	for (i = 3; i < argc; i++)
		args[n++] = argv[i];
	return cmd_check(n, args);
}

static bool
is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

int
cmd_baseline(int argc, char **argv)
{
	if ((argc > 1 && is_help(argv[1])) || (argc > 2 && is_help(argv[2])))
		return cli_help(help);
	if (argc < 3 || strcmp(argv[1], "write") != 0 || argv[2][0] == '-')
		return cli_usage(argv[0], "say \"write\", and into which file");
	return write_baseline(argc, argv);
}
