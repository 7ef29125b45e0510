/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/check.h"
#include "server/cli/baseline.h"
#include "server/cli/cli.h"
#include "server/registry/local.h"

#include <string.h>

static const char help[] =
    "usage: policy-gate check [OPTION]... [-f FILE|DIR|-]... [IMAGE]...\n"
    "\n"
    "Judges images as the cluster would: those of Kubernetes manifests (YAML, JSON,\n"
    "recorded AdmissionReviews), plain references, and images that are not pushed\n"
    "yet: oci:DIR[:TAG], docker-archive:FILE[:NAME].\n"
    "\n"
    "  -f FILE|DIR|-         manifests to judge; several times; - is stdin\n"
    "  --against FILE|DIR    manifests as they were: `growth` compares with their\n"
    "                        images; several times\n"
    "  --policy FILE|DIR     a policy, preset:NAME, or a folder of them; several are\n"
    "                        read as one (default " POLICIES_DEFAULT ")\n"
    "  --config FILE         how to reach registries\n"
    "  --as REFERENCE        the name for an image that is not pushed yet\n"
    "  --namespace NAME      namespace of objects that name none\n"
    "  --timeout SECONDS     per workload, 30 by default\n"
    "  -o FORMAT[=FILE]      several times; table (default), json, ndjson, sarif,\n"
    "                        junit, github, gitlab, markdown, html\n"
    "  --dockerfile FILE     where sarif, github and gitlab show what is wrong with\n"
    "                        images that stand in no manifest\n"
    "  --baseline FILE       leave out the findings in it (policy-gate baseline)\n"
    "  --fail-on WORD        exit with 1 on: warn, deny (default); never: with 0\n"
    "  --help\n"
    "\n"
    "POLICY_GATE_POLICY, _CONFIG, _NAMESPACE and _TIMEOUT stand for the options that\n"
    "are not given.\n"
    "\n"
    "Exit status: 0 admitted (warnings included), 1 something is rejected, 2 usage,\n"
    "policy or input wrong, 3 something could not be judged, and the policy does not\n"
    "let that pass.\n"
    "\n"
    "Examples:\n"
    "  policy-gate check registry.corp/web:1.4\n"
    "  policy-gate check --policy policy.yaml -f k8s/ -o json | jq .verdict\n"
    "  helm template shop | policy-gate check -f - -o table -o json=report.json\n"
    "  policy-gate check oci:build/web:1.4 --as registry.corp/web:1.4\n"
    "  policy-gate check -f k8s/ -o github -o sarif=gate.sarif\n";

static const struct format formats[] = {
    {"table", output_table},
    {"json", output_json},
    {"ndjson", output_ndjson},
    {"sarif", output_sarif},
    {"junit", output_junit},
    {"github", output_github},
    {"gitlab", output_gitlab},
    {"markdown", output_markdown},
    {"html", output_html},
    {"baseline", output_baseline},
    {NULL, NULL},
};

static int
add_path(struct paths *p, const char *command, const char *path)
{
	const size_t max = sizeof(p->items) / sizeof(p->items[0]);

	if (p->n == max)
		return cli_usage(command, "more than %zu -f or --against", max);
	p->items[p->n++] = path;
	return STATUS_OK;
}

static int
set_fail_on(struct check *o, const char *command, const char *word)
{
	if (strcmp(word, "warn") == 0)
		o->fail_on = VERDICT_WARN;
	else if (strcmp(word, "deny") == 0)
		o->fail_on = VERDICT_DENY;
	else if (strcmp(word, "never") == 0)
		o->fail_on = VERDICT_NONE;
	else
		return cli_usage(command,
		    "--fail-on takes warn, deny or never, not \"%.40s\"", word);
	return STATUS_OK;
}

/* What was not given. */
static int
parse_environment(struct check *o, const char *command)
{
	const char *policy = cli_environment("POLICY_GATE_POLICY");

	if (o->namespace == NULL)
		o->namespace = cli_environment("POLICY_GATE_NAMESPACE");
	if (o->namespace == NULL)
		o->namespace = "";
	if (o->config == NULL)
		o->config = cli_environment("POLICY_GATE_CONFIG");
	if (o->policy.n == 0 && policy != NULL)
		policies_add(&o->policy, policy);
	return session_timeout(command, &o->timeout, NULL);
}

/* STATUS_OK, STATUS_USAGE, or -1 when help was asked for. */
static int
parse(struct check *o, int argc, char **argv, bool takes_files)
{
	static const struct option options[] = {
	    {"filename", required_argument, NULL, 'f'},
	    {"output", required_argument, NULL, 'o'},
	    {"policy", required_argument, NULL, 'p'},
	    {"config", required_argument, NULL, 'c'},
	    {"namespace", required_argument, NULL, 'n'},
	    {"fail-on", required_argument, NULL, 'w'},
	    {"dockerfile", required_argument, NULL, 'd'},
	    {"as", required_argument, NULL, 'a'},
	    {"against", required_argument, NULL, 'b'},
	    {"baseline", required_argument, NULL, 'B'},
	    {"timeout", required_argument, NULL, 't'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int c, status = STATUS_OK;

	while (status == STATUS_OK &&
	       (c = cli_option(argc, argv, ":f:o:n:h", options)) != -1) {
		if (c == 'f')
			status = add_path(&o->files, argv[0], optarg);
		else if (c == 'b')
			status = add_path(&o->against, argv[0], optarg);
		else if (c == 'o')
			status = formats_add(&o->outputs, optarg);
		else if (c == 'p')
			status = cli_policy(argv[0], &o->policy, optarg);
		else if (c == 'c')
			o->config = optarg;
		else if (c == 'n')
			o->namespace = optarg;
		else if (c == 'd')
			o->dockerfile = optarg;
		else if (c == 'B')
			o->baseline = optarg;
		else if (c == 'a')
			o->known_as = optarg;
		else if (c == 'w')
			status = set_fail_on(o, argv[0], optarg);
		else if (c == 'h')
			return -1;
		else if (c != 't')
			status = STATUS_USAGE;
		else
			status = session_timeout(argv[0], &o->timeout, optarg);
	}
	if (status == STATUS_OK && o->files.n == 0 && optind == argc)
		status = cli_usage(
		    argv[0], takes_files ? "name files or folders of manifests"
					 : "name images, or manifests with -f");
	if (status == STATUS_OK)
		status = parse_environment(o, argv[0]);
	if (o->policy.n == 0)
		policies_add(&o->policy, POLICIES_DEFAULT);
	return status;
}

static void
add_paths(struct inputs *in, const struct paths *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		inputs_add_path(in, p->items[i]);
}

/* false: said on stderr what is wrong. */
static bool
compare(struct check *o, const char *command, struct inputs *in)
{
	struct inputs old;
	bool right;

	inputs_init(&old, command, o->namespace);
	add_paths(&old, &o->against);
	inputs_compare(in, &old);
	right = !old.wrong;
	inputs_clear(&old);
	return right;
}

/* --as is for what is not pushed yet; elsewhere the name stands there. */
static int
check_as(const struct check *o, int argc, char **argv)
{
	bool needed = o->known_as == NULL;
	int i;

	for (i = optind; i < argc; i++)
		needed |= local_is(argv[i]);
	return needed ? STATUS_OK
		      : cli_usage(argv[0],
			    "--as is for images that are not pushed yet: "
			    "oci:DIR[:TAG], docker-archive:FILE[:NAME]");
}

int
check_main(int argc, char **argv, const struct check_command *command)
{
	struct check o = {.fail_on = command->fail_on,
	    .outputs = {.command = argv[0], .known = command->formats}};
	struct inputs in;
	int i, status = parse(&o, argc, argv, command->takes_files);

	if (status == STATUS_OK)
		status = check_as(&o, argc, argv);
	if (status != STATUS_OK)
		return status < 0 ? cli_help(command->help) : status;
	inputs_init(&in, argv[0], o.namespace);
	in.known_as = o.known_as;
	add_paths(&in, &o.files);
	for (i = optind; i < argc; i++) {
		if (command->takes_files)
			inputs_add_path(&in, argv[i]);
		else
			inputs_add_image(&in, argv[i]);
	}
	in.wrong |= o.against.n > 0 && !compare(&o, argv[0], &in);
	status = check_run(&o, &in);
	inputs_clear(&in);
	return status;
}

int
cmd_check(int argc, char **argv)
{
	static const struct check_command command = {
	    .help = help, .formats = formats, .fail_on = VERDICT_DENY};

	return check_main(argc, argv, &command);
}
