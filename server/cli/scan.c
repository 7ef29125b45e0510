/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/check.h"
#include "server/cli/cli.h"

static const char help[] =
    "usage: policy-gate scan [OPTION]... FILE|DIR|-...\n"
    "\n"
    "Tells what a policy would do to many workloads: how many it would reject, by\n"
    "rule and by owner, as it is and if all of it were enforced, and the worst\n"
    "images first. For rules that are to move from audit to enforce.\n"
    "\n"
    "  -f FILE|DIR|-         the same as an argument\n"
    "  --against FILE|DIR    manifests as they were, as in check\n"
    "  --policy FILE|DIR     a policy, preset:NAME, or a folder of them; several\n"
    "                        times (default " POLICIES_DEFAULT ")\n"
    "  --config FILE         how to reach registries\n"
    "  --namespace NAME      namespace of objects that name none\n"
    "  --timeout SECONDS     per workload, 30 by default\n"
    "  -o FORMAT[=FILE]      table (default), json, html; several times\n"
    "  --baseline FILE       leave out the findings in it (policy-gate baseline)\n"
    "  --fail-on WORD        exit with 1 on: warn, deny; never (default): with 0\n"
    "  --help\n"
    "\n"
    "Example:\n"
    "  kubectl get pods -A -o yaml | policy-gate scan --policy new.yaml -\n";

static const struct format formats[] = {
    {"table", output_scan},
    {"json", output_scan_json},
    {"html", output_html},
    {NULL, NULL},
};

int
cmd_scan(int argc, char **argv)
{
	static const struct check_command command = {.help = help,
	    .formats = formats,
	    .fail_on = VERDICT_NONE,
	    .takes_files = true};

	return check_main(argc, argv, &command);
}
