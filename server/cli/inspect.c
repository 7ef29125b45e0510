/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/inspect.h"
#include "policy/base/text.h"
#include "policy/base/units.h"
#include "server/cli/cli.h"
#include "server/cli/session.h"
#include "server/gate/fault.h"

#include <string.h>

static const char help[] =
    "usage: policy-gate inspect [OPTION]... IMAGE\n"
    "\n"
    "Shows what the gate sees of an image, from its manifest and config "
    "alone: nothing\n"
    "is pulled.\n"
    "\n"
    "  --config FILE      how to reach registries\n"
    "  --timeout SECONDS  30 by default\n"
    "  -o table|json      table by default\n"
    "  --help\n"
    "\n"
    "Example:\n"
    "  policy-gate inspect registry.corp/web:1.4\n";

struct options {
	const char *config;
	int64_t timeout;
	bool json;
};

/* The answer, handed over by the registry's thread. */
struct answer {
	struct session *session;
	struct image_set *set;
	struct error err;
};

static void
resolved(void *arg, struct image_set *set, enum cache_result from,
    const struct error *err)
{
	struct answer *a = arg;

	(void)from;
	if (set != NULL)
		a->set = image_set_ref(set);
	else
		a->err = *err;
	session_end(a->session);
}

static void
ask(struct answer *a, const struct reference *ref, int64_t timeout)
{
	const struct platform_set all = {NULL, 0};

	session_begin(a->session, 1);
	if (registry_resolve(a->session->registry, ref, &all,
		session_deadline(timeout), resolved, a, &a->err) != 0)
		session_end(a->session);
	session_wait(a->session);
}

static int
print_json(
    const char *text, const struct reference *ref, const struct answer *a)
{
	AUTO(json_decref) json_t *root = inspect_json(text, ref, a->set);

	if (a->set == NULL)
		json_object_set_new(root, "error",
		    json_pack("{s:s, s:s}", "code", fault_code(a->err.code),
			"message", a->err.msg));
	if (root == NULL || json_dumpf(root, stdout, JSON_INDENT(2)) != 0)
		return -1;
	putchar('\n');
	return 0;
}

/* Asks for one image and prints it. */
static int
inspect(const struct options *o, const char *text, const char *command)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct reference ref;
	struct session s;
	struct answer a = {.session = &s};
	int status;

	if (mem == NULL || reference_parse(&ref, text, mem, &a.err) != 0)
		return cli_fail(command, STATUS_USAGE, &a.err);
	if (session_open(&s, command, NULL, o->config) != 0)
		return STATUS_USAGE;
	ask(&a, &ref, o->timeout);
	status = a.set != NULL ? STATUS_OK : STATUS_UNJUDGED;
	if (o->json) {
		if (print_json(text, &ref, &a) != 0)
			status = STATUS_UNJUDGED;
	} else if (a.set != NULL) {
		inspect_table(&ref, a.set, stdout);
	} else {
		fprintf(stderr, "policy-gate %s: %s: %s\n", command,
		    fault_code(a.err.code), a.err.msg);
	}
	image_set_unref(a.set);
	session_close(&s);
	return cli_finish(command, status);
}

int
cmd_inspect(int argc, char **argv)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"output", required_argument, NULL, 'o'},
	    {"timeout", required_argument, NULL, 't'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	struct options o = {.timeout = SESSION_TIMEOUT_S};
	int c;

	while ((c = cli_option(argc, argv, ":o:h", options)) != -1) {
		if (c == 'h')
			return cli_help(help);
		if (c == 'c')
			o.config = optarg;
		else if (c == 'o' && strcmp(optarg, "json") == 0)
			o.json = true;
		else if (c == 'o' && strcmp(optarg, "table") != 0)
			return cli_usage(argv[0],
			    "-o takes table or json, not \"%s\"", optarg);
		else if (c == 't' &&
			 session_parse_timeout(optarg, &o.timeout) != 0)
			return cli_usage(argv[0],
			    "--timeout takes 1 to 3600 seconds, not \"%s\"",
			    optarg);
		else if (c == '?')
			return STATUS_USAGE;
	}
	if (optind + 1 != argc)
		return cli_usage(argv[0], "name one image");
	return inspect(&o, argv[optind], argv[0]);
}
