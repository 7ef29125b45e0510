/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/serve_options.h"

#include "policy/base/units.h"
#include "server/cli/cli.h"

#include <string.h>

enum { SHUTDOWN_DELAY_S = 10, SHUTDOWN_DELAY_MAX_S = 600 };

const char serve_help[] =
    "usage: policy-gate serve --tls-cert FILE --tls-key FILE [OPTION]...\n"
    "\n"
    "Runs the admission webhook: POST /validate and /mutate, GET /livez and /readyz\n"
    "over TLS, and GET /metrics on a plain port of its own.\n"
    "\n"
    "  --tls-cert FILE           certificate chain, PEM (\"policy-gate certs init\"\n"
    "                            makes one)\n"
    "  --tls-key FILE            its key\n"
    "  --policy FILE|DIR         a policy, preset:NAME, or a folder of them; several\n"
    "                            are read as one (default " POLICIES_DEFAULT
    ")\n"
    "  --config FILE             how to reach registries\n"
    "  --listen ADDR:PORT        :8443 by default\n"
    "  --metrics-listen ADDR:PORT  :9090 by default\n"
    "  --client-ca FILE          reviews need a client certificate of these\n"
    "                            authorities, PEM\n"
    "  --client-name NAME        with this common name or DNS name; may be repeated\n"
    "  --workloads deny|warn     what becomes of a Deployment, or any other kind\n"
    "                            than a Pod, whose pods will be denied (default\n"
    "                            deny)\n"
    "  --log-level LEVEL         debug, info (default), warn or error\n"
    "  --shutdown-delay SECONDS  how long to go on serving after SIGTERM, 10 by\n"
    "                            default\n"
    "  --no-sandbox              keep all system calls and files within reach, for\n"
    "                            debuggers\n"
    "  --help\n"
    "\n"
    "Policy, config, certificates and the files that the config names are reread\n"
    "when they change, and on SIGHUP; what is wrong with the new ones is logged and\n"
    "the old ones stay. Once it runs it reads files only below the folders of those\n"
    "that it was told of, writes only its cache, starts no programs, and makes no\n"
    "system call that it does not need; what of this the kernel lacks is said in the\n"
    "log, as \"sandbox\". The log goes to stderr, a JSON object per line.\n"
    "\n"
    "Example:\n"
    "  policy-gate certs init --dir . --dns policy-gate.policy-gate.svc\n"
    "  policy-gate serve --tls-cert tls.crt --tls-key tls.key --policy policy.yaml\n";

static bool
parse_delay(const char *text, int64_t *seconds)
{
	char *end;
	const long n = strtol(text, &end, 10);
	int64_t value = n;

	if (*end != '\0' && units_parse_duration(text, &value) != 0)
		return false;
	if (end == text || value < 0 || value > SHUTDOWN_DELAY_MAX_S)
		return false;
	*seconds = value;
	return true;
}

static bool
parse_workloads(const char *text, bool *advise)
{
	*advise = strcmp(text, "warn") == 0;
	return *advise || strcmp(text, "deny") == 0;
}

/* The options whose values are taken as they are. */
static const char **
text_option(struct serve_options *o, int c)
{
	switch (c) {
	case 'c':
		return &o->config;
	case 'l':
		return &o->listen;
	case 'm':
		return &o->metrics_listen;
	case 'C':
		return &o->tls_cert;
	case 'K':
		return &o->tls_key;
	case 'a':
		return &o->clients.ca_file;
	default:
		return NULL;
	}
}

static int
take_option(struct serve_options *o, const char *command, int c)
{
	struct clients_options *clients = &o->clients;

	if (c == 'p')
		return cli_policy(command, &o->policy, optarg);
	if (c == 'n') {
		if (clients->nnames == CLIENTS_NAMES_MAX)
			return cli_usage(command,
			    "--client-name is taken %d times at the most",
			    CLIENTS_NAMES_MAX);
		clients->names[clients->nnames++] = optarg;
	}
	if (c == 'w' && !parse_workloads(optarg, &o->advise_workloads))
		return cli_usage(command,
		    "--workloads takes deny or warn, not \"%s\"", optarg);
	if (c == 'L' && !log_level_parse(optarg, &o->log_level))
		return cli_usage(command,
		    "--log-level takes debug, info, warn or error, not \"%s\"",
		    optarg);
	if (c == 'd' && !parse_delay(optarg, &o->shutdown_delay))
		return cli_usage(command,
		    "--shutdown-delay takes 0 to %d seconds, not \"%s\"",
		    SHUTDOWN_DELAY_MAX_S, optarg);
	if (c == 'N')
		o->sandbox = false;
	if (text_option(o, c) != NULL)
		*text_option(o, c) = optarg;
	return c == '?' ? STATUS_USAGE : STATUS_OK;
}

static int
check(const struct serve_options *o, const char *command)
{
	if (o->tls_cert == NULL || o->tls_key == NULL)
		return cli_usage(command,
		    "--tls-cert and --tls-key are needed; \"policy-gate certs "
		    "init\" makes both");
	if (o->clients.nnames > 0 && o->clients.ca_file == NULL)
		return cli_usage(command,
		    "--client-name needs --client-ca, the authority that "
		    "vouches for the name");
	return STATUS_OK;
}

int
serve_options_parse(struct serve_options *o, int argc, char **argv)
{
	static const struct option options[] = {
	    {"policy", required_argument, NULL, 'p'},
	    {"config", required_argument, NULL, 'c'},
	    {"listen", required_argument, NULL, 'l'},
	    {"metrics-listen", required_argument, NULL, 'm'},
	    {"tls-cert", required_argument, NULL, 'C'},
	    {"tls-key", required_argument, NULL, 'K'},
	    {"client-ca", required_argument, NULL, 'a'},
	    {"client-name", required_argument, NULL, 'n'},
	    {"workloads", required_argument, NULL, 'w'},
	    {"log-level", required_argument, NULL, 'L'},
	    {"shutdown-delay", required_argument, NULL, 'd'},
	    {"no-sandbox", no_argument, NULL, 'N'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int c, status;

	*o = (struct serve_options){.listen = ":8443",
	    .metrics_listen = ":9090",
	    .log_level = LOG_INFO,
	    .shutdown_delay = SHUTDOWN_DELAY_S,
	    .sandbox = true};
	while ((c = cli_option(argc, argv, ":h", options)) != -1) {
		if (c == 'h')
			return -1;
		status = take_option(o, argv[0], c);
		if (status != STATUS_OK)
			return status;
	}
	if (optind < argc)
		return cli_usage(
		    argv[0], "takes no arguments, \"%s\" is one", argv[optind]);
	if (o->policy.n == 0)
		policies_add(&o->policy, POLICIES_DEFAULT);
	return check(o, argv[0]);
}
