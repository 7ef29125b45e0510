/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/certs_options.h"

#include "policy/base/units.h"
#include "server/cli/cli.h"
#include "server/gate/clock.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	DAY_S = 24 * 60 * 60,
	DAYS_MAX = 100 * 366,
	CA_DAYS = 3650,
	LEAF_DAYS = 90,
	OVERLAP_DAYS = 7,
	TIMEOUT_S = 30,
	TIMEOUT_MAX_S = 600,
};

const char certs_help[] =
    "usage: policy-gate certs init --dir DIR --dns NAME [OPTION]...\n"
    "       policy-gate certs renew --dir DIR [OPTION]...\n"
    "       policy-gate certs show [-o text|json] FILE|DIR...\n"
    "       policy-gate certs bundle [-o pem|base64] FILE|DIR\n"
    "       policy-gate certs publish [OPTION]...\n"
    "\n"
    "init makes a certificate authority and a certificate for the webhook: ca.crt,\n"
    "ca.key, tls.crt and tls.key (ECDSA P-256). The API server is given ca.crt,\n"
    "serve gets tls.crt and tls.key; ca.key is needed only to sign again.\n"
    "\n"
    "renew replaces the certificate when a third of its life is left, else it\n"
    "changes nothing: run it every hour. The authority goes in steps: ca.crt gets\n"
    "the new one beside the old one; after --overlap, in which ca.crt is to reach\n"
    "the clients, the new one signs a certificate; after --overlap again the old one\n"
    "goes. All four files change at once, and serve takes them up while it runs.\n"
    "\n"
    "show tells subject, issuer, names, validity, days left, key and fingerprint of\n"
    "each certificate in a file; of a folder it takes ca.crt and tls.crt. bundle\n"
    "writes the authorities of a ca.crt as a caBundle.\n"
    "\n"
    "publish does in a cluster what init and renew do in a folder: it keeps two\n"
    "Secrets and the caBundle of the webhook configurations right, as a Job and a\n"
    "CronJob do with the account of deploy/overlays/certs.\n"
    "\n"
    "  --dir DIR          where the files are; init makes it where it is missing\n"
    "  --dns NAME         a name the certificate is for; several times. Left out,\n"
    "                     renew keeps the names there are, and publish takes\n"
    "                     SERVICE.NAMESPACE.svc\n"
    "  --ip ADDR          an address likewise\n"
    "  --days N           life of the certificate, 90 by default\n"
    "  --ca-days N        life of the authority, 3650 by default\n"
    "  --overlap TIME     what each step of an authority's renewal waits, 7d by\n"
    "                     default\n"
    "  --now WHAT         ca or leaf: renew it, whatever is left of it\n"
    "  --force            init: replace files that are there\n"
    "  -o FORMAT          see show and bundle\n"
    "\n"
    "Of publish:\n"
    "  --webhook NAME     both webhook configurations, policy-gate by default; in\n"
    "                     them, those webhooks that call a name of the certificate\n"
    "  --service NAME     the gate's Service, policy-gate by default\n"
    "  --namespace NAME   where it is; by default the account's own\n"
    "  --secret NAME      with tls.crt, tls.key and ca.crt for serve, by default\n"
    "                     policy-gate-tls\n"
    "  --ca-secret NAME   with ca.crt and ca.key, policy-gate-ca by default\n"
    "  --server URL       the API server; by default the cluster's own\n"
    "  --token-file FILE  the account's token; by default the pod's own\n"
    "  --ca-file FILE     the API server's authority; likewise\n"
    "  --timeout TIME     for all of it, 30s by default\n"
    "  --help\n"
    "\n"
    "publish ends with 3 where trying again may help (the API server does not\n"
    "answer, or others change the same things all the time), else with 2.\n"
    "\n"
    "Examples:\n"
    "  policy-gate certs init --dir certs --dns policy-gate.policy-gate.svc\n"
    "  policy-gate certs renew --dir certs\n"
    "  policy-gate certs show certs\n"
    "  policy-gate certs bundle -o base64 certs\n";

static const char *const verbs[CERTS_VERBS] = {
    "init", "renew", "show", "bundle", "publish"};

enum {
	I = 1 << CERTS_INIT,
	R = 1 << CERTS_RENEW,
	S = 1 << CERTS_SHOW,
	B = 1 << CERTS_BUNDLE,
	P = 1 << CERTS_PUBLISH,
};

/* Which verbs take an option. */
static const struct {
	int c;
	int verbs;
} takers[] = {
    {'d', I | R},
    {'n', I | R | P},
    {'i', I | R | P},
    {'l', I | R | P},
    {'a', I | R | P},
    {'v', R | P},
    {'w', R | P},
    {'f', I},
    {'o', S | B},
    {'W', P},
    {'s', P},
    {'N', P},
    {'t', P},
    {'T', P},
    {'S', P},
    {'k', P},
    {'C', P},
    {'x', P},
};

static const struct option options[] = {
    {"dir", required_argument, NULL, 'd'},
    {"dns", required_argument, NULL, 'n'},
    {"ip", required_argument, NULL, 'i'},
    {"days", required_argument, NULL, 'l'},
    {"ca-days", required_argument, NULL, 'a'},
    {"overlap", required_argument, NULL, 'v'},
    {"now", required_argument, NULL, 'w'},
    {"force", no_argument, NULL, 'f'},
    {"webhook", required_argument, NULL, 'W'},
    {"service", required_argument, NULL, 's'},
    {"namespace", required_argument, NULL, 'N'},
    {"secret", required_argument, NULL, 't'},
    {"ca-secret", required_argument, NULL, 'T'},
    {"server", required_argument, NULL, 'S'},
    {"token-file", required_argument, NULL, 'k'},
    {"ca-file", required_argument, NULL, 'C'},
    {"timeout", required_argument, NULL, 'x'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char *
option_name(int c)
{
	size_t i;

	for (i = 0; options[i].name != NULL; i++)
		if (options[i].val == c)
			return options[i].name;
	return "o";
}

static bool
parse_days(const char *text, int64_t *seconds)
{
	char *end;
	const long n = strtol(text, &end, 10);

	if (end == text || *end != '\0' || n < 1 || n > DAYS_MAX)
		return false;
	*seconds = n * (int64_t)DAY_S;
	return true;
}

static bool
is_address(const char *text)
{
	struct in6_addr a;

	return inet_pton(AF_INET, text, &a) == 1 ||
	       inet_pton(AF_INET6, text, &a) == 1;
}

static int
add_name(struct certs_options *o, const char *command, int c)
{
	if (o->nnames == CERTS_NAMES_MAX)
		return cli_usage(
		    command, "more than %d names", CERTS_NAMES_MAX);
	if (c == 'i' && !is_address(optarg))
		return cli_usage(
		    command, "--ip takes an address, not \"%s\"", optarg);
	o->names[o->nnames++] = optarg;
	return STATUS_OK;
}

static int
take_time(struct certs_options *o, const char *command, int c)
{
	int64_t *to = c == 'l' ? &o->life : &o->ca_life;

	if (c == 'v' && units_parse_duration(optarg, &o->overlap) != 0)
		return cli_usage(command,
		    "--overlap takes a time as 7d, not \"%s\"", optarg);
	if (c == 'x' && (units_parse_duration(optarg, &o->timeout) != 0 ||
			    o->timeout < 1 || o->timeout > TIMEOUT_MAX_S))
		return cli_usage(command,
		    "--timeout takes a time from 1s to %ds, not \"%s\"",
		    TIMEOUT_MAX_S, optarg);
	if ((c == 'l' || c == 'a') && !parse_days(optarg, to))
		return cli_usage(command,
		    "days are a number from 1 to %d, not \"%s\"", DAYS_MAX,
		    optarg);
	return STATUS_OK;
}

static const char **
text_option(struct certs_options *o, int c)
{
	const struct {
		int c;
		const char **to;
	} texts[] = {{'d', &o->dir}, {'W', &o->webhooks}, {'s', &o->service},
	    {'N', &o->ns}, {'t', &o->secret}, {'T', &o->ca_secret},
	    {'S', &o->server}, {'k', &o->token_file}, {'C', &o->ca_file},
	    {'o', &o->format}};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].c == c)
			return texts[i].to;
	return NULL;
}

static int
take_option(struct certs_options *o, const char *command, int c)
{
	static const char *const formats[] = {"text", "json", "pem", "base64"};
	size_t i;

	if (c == 'n' || c == 'i')
		return add_name(o, command, c);
	if (text_option(o, c) != NULL)
		*text_option(o, c) = optarg;
	for (i = 0; c == 'o' && strcmp(optarg, formats[i]) != 0; i++)
		if (i == 3)
			return cli_usage(command,
			    "-o takes text, json, pem or base64, not \"%s\"",
			    optarg);
	if (c == 'f')
		o->force = true;
	if (c == 'w' && strcmp(optarg, "ca") == 0)
		o->renew_ca = true;
	else if (c == 'w' && strcmp(optarg, "leaf") == 0)
		o->renew_leaf = true;
	else if (c == 'w')
		return cli_usage(
		    command, "--now takes ca or leaf, not \"%s\"", optarg);
	return take_time(o, command, c);
}

static int
find_verb(struct certs_options *o, const char *command, const char *name)
{
	for (o->verb = 0; o->verb < CERTS_VERBS; o->verb++)
		if (strcmp(name, verbs[o->verb]) == 0)
			return STATUS_OK;
	return cli_usage(
	    command, "say init, renew, show, bundle or publish first");
}

/* Whether what was given fits the verb. */
static int
check(const struct certs_options *o, const char *command, uint64_t given)
{
	const bool lists = o->verb == CERTS_SHOW || o->verb == CERTS_BUNDLE;
	size_t i;

	for (i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if ((given >> (takers[i].c - '@') & 1) != 0 &&
		    (takers[i].verbs >> o->verb & 1) == 0)
			return cli_usage(command, "%s does not take %s%s",
			    verbs[o->verb], takers[i].c == 'o' ? "-" : "--",
			    option_name(takers[i].c));
	if (o->format != NULL &&
	    (o->verb == CERTS_BUNDLE) !=
		(o->format[0] == 'p' || o->format[0] == 'b'))
		return cli_usage(command, "%s does not take -o %s",
		    verbs[o->verb], o->format);
	if (lists ? o->nfiles == 0 : o->nfiles != 0)
		return cli_usage(command,
		    lists ? "%s needs a file or a folder" : "%s takes no file",
		    verbs[o->verb]);
	if (o->verb == CERTS_INIT && (o->dir == NULL || o->nnames == 0))
		return cli_usage(
		    command, "init needs --dir and at least one --dns or --ip");
	if (o->verb == CERTS_RENEW && o->dir == NULL)
		return cli_usage(command, "renew needs --dir");
	if (o->life > o->ca_life)
		return cli_usage(command,
		    "the certificate would outlive its authority: --days is "
		    "over --ca-days");
	return STATUS_OK;
}

/* A week, or less where lives are short. */
static int64_t
usual_overlap(const struct certs_options *o)
{
	int64_t s = OVERLAP_DAYS * DAY_S;

	s = s < o->life / 4 ? s : o->life / 4;
	return s < o->ca_life / 12 ? s : o->ca_life / 12;
}

int
certs_options_parse(struct certs_options *o, int argc, char **argv)
{
	uint64_t given = 0;
	int c, status = STATUS_OK;

	*o = (struct certs_options){.life = LEAF_DAYS * (int64_t)DAY_S,
	    .ca_life = CA_DAYS * (int64_t)DAY_S,
	    .overlap = -1,
	    .service = "policy-gate",
	    .webhooks = "policy-gate",
	    .secret = "policy-gate-tls",
	    .ca_secret = "policy-gate-ca",
	    .timeout = TIMEOUT_S};
	while (status == STATUS_OK &&
	       (c = cli_option(argc, argv, ":ho:", options)) != -1) {
		if (c == 'h')
			return -1;
		if (c == '?')
			return STATUS_USAGE;
		given |= UINT64_C(1) << (c - '@');
		status = take_option(o, argv[0], c);
	}
	if (status == STATUS_OK)
		status =
		    find_verb(o, argv[0], optind < argc ? argv[optind] : "");
	if (status != STATUS_OK)
		return status;
	o->files = argv + optind + 1;
	o->nfiles = argc - optind - 1;
	if (o->overlap < 0)
		o->overlap = usual_overlap(o);
	return check(o, argv[0], given);
}

struct authority_request
certs_request(const struct certs_options *o)
{
	return (struct authority_request){
	    .names = o->names,
	    .nnames = o->nnames,
	    .now = clock_real.wall_s(&clock_real),
	    .ca_life = o->ca_life,
	    .leaf_life = o->life,
	    .overlap = o->overlap,
	    .renew_ca = o->renew_ca,
	    .renew_leaf = o->renew_leaf,
	};
}
