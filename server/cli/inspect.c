/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/inspect.h"
#include "server/cli/cli.h"
#include "server/cli/formats.h"
#include "server/gate/clock.h"

#include <string.h>

static const char help[] =
    "usage: policy-gate inspect [OPTION]... IMAGE\n"
    "\n"
    "Shows what the gate sees of an image, from its manifest and config alone:\n"
    "nothing is pulled. IMAGE is a reference, oci:DIR[:TAG] or\n"
    "docker-archive:FILE[:NAME].\n"
    "\n"
    "  --config FILE      how to reach registries\n"
    "  --base REFERENCE   what it may be built on; several times\n"
    "  --timeout SECONDS  30 by default\n"
    "  -o table|json      table by default\n"
    "  --help\n"
    "\n"
    "Examples:\n"
    "  policy-gate inspect registry.corp/web:1.4\n"
    "  policy-gate inspect docker-archive:web.tar\n";

/* Asks for one image and prints it. */
static int
inspect(struct lookup_options *o, const char *text, bool json)
{
	AUTO(lookup_clear) struct lookup l = {.text = text};
	int status = lookup_all(&l, 1, o);

	if (status == STATUS_USAGE)
		return status;
	if (json) {
		if (formats_json(inspect_json(&l), stdout) != 0)
			status = STATUS_UNJUDGED;
	} else if (l.set != NULL) {
		inspect_table(&l, clock_real.wall_s(&clock_real), stdout);
	} else {
		lookup_tell(&l, o->command);
	}
	return cli_finish(o->command, status);
}

int
cmd_inspect(int argc, char **argv)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"output", required_argument, NULL, 'o'},
	    {"timeout", required_argument, NULL, 't'},
	    {"base", required_argument, NULL, 'b'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	struct lookup_options o = {.command = argv[0]};
	bool json = false;
	int c;

	while ((c = cli_option(argc, argv, ":o:h", options)) != -1) {
		if (c == 'h')
			return cli_help(help);
		if (c == '?' || lookup_option(&o, c, optarg) != STATUS_OK)
			return STATUS_USAGE;
		if (c != 'o')
			continue;
		json = strcmp(optarg, "json") == 0;
		if (!json && strcmp(optarg, "table") != 0)
			return cli_usage(argv[0],
			    "-o takes table or json, not \"%s\"", optarg);
	}
	if (optind + 1 != argc)
		return cli_usage(argv[0], "name one image");
	return inspect(&o, argv[optind], json);
}
