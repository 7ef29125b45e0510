/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "server/cli/cli.h"
#include "server/cli/inputs.h"
#include "server/cli/outfile.h"
#include "server/cli/output.h"
#include "server/cli/session.h"

#include <errno.h>
#include <string.h>

enum { OUTPUTS_MAX = 8, RUNNING_MAX = 64 };

static const char help[] =
    "usage: policy-gate check [OPTION]... [-f FILE|DIR|-]... [IMAGE]...\n"
    "\n"
    "Judges images as the cluster would: those of Kubernetes manifests "
    "(YAML, JSON,\n"
    "recorded AdmissionReviews) and plain references.\n"
    "\n"
    "  -f FILE|DIR|-         manifests to judge; several times; - is stdin\n"
    "  --policy FILE         policy file or preset:NAME "
    "(default " CONFIG_DEFAULT_POLICY ")\n"
    "  --config FILE         how to reach registries\n"
    "  --namespace NAME      namespace of objects that name none\n"
    "  --timeout SECONDS     per workload, 30 by default\n"
    "  -o FORMAT[=FILE]      table (default) or json; several times\n"
    "  --help\n"
    "\n"
    "Exit status: 0 admitted (warnings included), 1 something is rejected, "
    "2 usage,\n"
    "policy or input wrong, 3 something could not be judged.\n"
    "\n"
    "Examples:\n"
    "  policy-gate check registry.corp/web:1.4\n"
    "  policy-gate check --policy policy.yaml -f k8s/ -o json | jq .verdict\n"
    "  helm template shop | policy-gate check -f - -o table "
    "-o json=report.json\n";

const struct output_format output_formats[] = {
    {"table", output_table},
    {"json", output_json},
    {NULL, NULL},
};

struct output {
	const struct output_format *format;
	const char *file; /* NULL: stdout */
};

struct options {
	const char *policy;
	const char *config;
	int64_t timeout;
	struct output outputs[OUTPUTS_MAX];
	size_t noutputs;
	const char *paths[1024];
	size_t npaths;
	const char *namespace;
};

/* One workload's decision. */
struct job {
	struct session *session;
	struct decision *decision;
	struct error err;
};

static int
add_output(struct options *o, const char *command, const char *arg)
{
	const char *names[sizeof(output_formats) / sizeof(output_formats[0])];
	const char *file = strchr(arg, '='), *near;
	const size_t len = file != NULL ? (size_t)(file - arg) : strlen(arg);
	const struct output_format *f;
	size_t i;

	for (f = output_formats, i = 0; f->name != NULL; f++)
		names[i++] = f->name;
	names[i] = NULL;
	for (f = output_formats; f->name != NULL; f++)
		if (strlen(f->name) == len && strncmp(f->name, arg, len) == 0)
			break;
	near = text_nearest(arg, names);
	if (f->name == NULL)
		return cli_usage(command,
		    "there is no format \"%.40s\"; table and json are known%s%s",
		    arg, near != NULL ? "; did you mean " : "",
		    near != NULL ? near : "");
	if (o->noutputs == OUTPUTS_MAX)
		return cli_usage(command, "more than %d -o", OUTPUTS_MAX);
	if (file != NULL && file[1] == '\0')
		return cli_usage(command, "-o %s names no file", arg);
	o->outputs[o->noutputs++] =
	    (struct output){f, file != NULL ? file + 1 : NULL};
	return STATUS_OK;
}

static int
add_path(struct options *o, const char *command, const char *path)
{
	const size_t max = sizeof(o->paths) / sizeof(o->paths[0]);

	if (o->npaths == max)
		return cli_usage(command, "more than %zu -f", max);
	o->paths[o->npaths++] = path;
	return STATUS_OK;
}

/* STATUS_OK, STATUS_USAGE, or -1 when help was asked for. */
static int
parse(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
	    {"filename", required_argument, NULL, 'f'},
	    {"output", required_argument, NULL, 'o'},
	    {"policy", required_argument, NULL, 'p'},
	    {"config", required_argument, NULL, 'c'},
	    {"namespace", required_argument, NULL, 'n'},
	    {"timeout", required_argument, NULL, 't'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int c, status = STATUS_OK;

	while (status == STATUS_OK &&
	       (c = cli_option(argc, argv, ":f:o:n:h", options)) != -1) {
		if (c == 'f')
			status = add_path(o, argv[0], optarg);
		else if (c == 'o')
			status = add_output(o, argv[0], optarg);
		else if (c == 'p')
			o->policy = optarg;
		else if (c == 'c')
			o->config = optarg;
		else if (c == 'n')
			o->namespace = optarg;
		else if (c == 'h')
			return -1;
		else if (c != 't')
			status = STATUS_USAGE;
		else if (session_parse_timeout(optarg, &o->timeout) != 0)
			status = cli_usage(argv[0],
			    "--timeout takes 1 to 3600 seconds, not \"%s\"",
			    optarg);
	}
	if (status == STATUS_OK && o->npaths == 0 && optind == argc)
		status =
		    cli_usage(argv[0], "name images, or manifests with -f");
	if (o->noutputs == 0)
		o->outputs[o->noutputs++] =
		    (struct output){&output_formats[0], NULL};
	return status;
}

static void
ready(void *arg, struct decision *d)
{
	struct job *j = arg;

	j->decision = d;
	session_end(j->session);
}

/* Starts every decision, at most RUNNING_MAX at a time, and waits. */
static void
run(struct session *s, struct inputs *in, struct job *jobs, int64_t timeout)
{
	size_t i;

	for (i = 0; i < in->n; i++) {
		session_begin(s, RUNNING_MAX);
		jobs[i].session = s;
		if (gate_decide(s->gate, TAKE(in->workloads[i]),
			session_deadline(timeout), ready, &jobs[i],
			&jobs[i].err) != 0)
			session_end(s);
	}
	session_wait(s);
}

static enum verdict
worse(enum verdict a, enum verdict b)
{
	/* DENY above ERROR: a rejection is certain, an error may pass. */
	static const int rank[] = {[VERDICT_NONE] = 4,
	    [VERDICT_ALLOW] = 0,
	    [VERDICT_WARN] = 1,
	    [VERDICT_ERROR] = 2,
	    [VERDICT_DENY] = 3};

	return rank[a] >= rank[b] ? a : b;
}

/* What a format needs to write a file. */
struct writing {
	const struct results *results;
	const struct output_format *format;
};

static int
write_format(const void *arg, FILE *out)
{
	const struct writing *w = arg;

	return w->format->write(w->results, out);
}

static int
write_file(const struct results *r, const struct output *o)
{
	const struct writing w = {r, o->format};

	return outfile_write(o->file, write_format, &w);
}

static int
write_all(const struct results *r, const struct options *o, const char *command)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < o->noutputs; i++) {
		errno = 0;
		if (o->outputs[i].file == NULL
			? o->outputs[i].format->write(r, stdout) == 0
			: write_file(r, &o->outputs[i]) == 0)
			continue;
		fprintf(stderr, "policy-gate %s: cannot write %s: %s\n",
		    command,
		    o->outputs[i].file != NULL ? o->outputs[i].file
					       : "the result",
		    errno != 0 ? strerror(errno) : "out of memory");
		rc = -1;
	}
	return rc;
}

static int
exit_status(enum verdict v)
{
	if (v == VERDICT_DENY)
		return STATUS_REJECTED;
	return v == VERDICT_ERROR || v == VERDICT_NONE ? STATUS_UNJUDGED
						       : STATUS_OK;
}

/* Evaluates every job and writes the results. */
static int
conclude(const struct options *o, const struct session *s, struct job *jobs,
    size_t n, const char *command)
{
	AUTO(free)
	const struct report **reports = calloc(n + 1, sizeof(*reports));
	struct results r = {.policy_path = o->policy,
	    .policy = s->rules,
	    .verdict = VERDICT_ALLOW,
	    .reports = reports};
	size_t i;

	if (reports == NULL)
		return STATUS_UNJUDGED;
	for (i = 0; i < n; i++) {
		if (jobs[i].decision != NULL)
			reports[i] =
			    decision_report(jobs[i].decision, &jobs[i].err);
		if (reports[i] == NULL)
			return cli_fail(command, STATUS_UNJUDGED, &jobs[i].err);
		r.verdict = worse(r.verdict, reports[i]->verdict);
	}
	r.n = n;
	if (write_all(&r, o, command) != 0)
		return STATUS_USAGE;
	return cli_finish(command, exit_status(r.verdict));
}

static int
judge(const struct options *o, struct inputs *in, const char *command)
{
	struct session s;
	struct job *jobs;
	size_t i;
	int status = STATUS_UNJUDGED;

	if (session_open(&s, command, o->policy, o->config) != 0)
		return STATUS_USAGE;
	jobs = calloc(in->n + 1, sizeof(*jobs));
	if (jobs != NULL) {
		run(&s, in, jobs, o->timeout);
		status = conclude(o, &s, jobs, in->n, command);
		for (i = 0; i < in->n; i++)
			decision_free(jobs[i].decision);
	}
	free(jobs);
	session_close(&s);
	return status;
}

int
cmd_check(int argc, char **argv)
{
	struct options o = {.policy = CONFIG_DEFAULT_POLICY,
	    .timeout = SESSION_TIMEOUT_S,
	    .namespace = ""};
	struct inputs in;
	size_t p;
	int i, status = parse(&o, argc, argv);

	if (status != STATUS_OK)
		return status < 0 ? cli_help(help) : status;
	inputs_init(&in, argv[0], o.namespace);
	for (p = 0; p < o.npaths; p++)
		inputs_add_path(&in, o.paths[p]);
	for (i = optind; i < argc; i++)
		inputs_add_image(&in, argv[i]);
	status = judge(&o, &in, argv[0]);
	if (in.nskipped > 0)
		fprintf(stderr, "%zu object%s without a pod skipped: %s\n",
		    in.nskipped, in.nskipped == 1 ? "" : "s",
		    buf_text(&in.skipped));
	if (in.wrong)
		status = STATUS_USAGE;
	inputs_clear(&in);
	return status;
}
