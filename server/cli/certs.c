/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"
#include "server/cli/cli.h"
#include "server/gate/clock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	NAMES_MAX = 64,
	DAY_S = 24 * 60 * 60,
	DAYS_MAX = 100 * 366,
	CA_DAYS = 3650,
	LEAF_DAYS = 90,
	DESCRIPTION_MAX = 1024 * 1024,
};

static const char help[] =
    "usage: policy-gate certs init --dir DIR --dns NAME [OPTION]...\n"
    "       policy-gate certs show FILE|DIR...\n"
    "\n"
    "init makes a certificate authority and a certificate for the webhook: "
    "ca.crt,\n"
    "ca.key, tls.crt and tls.key (ECDSA P-256). The API server is given "
    "ca.crt, serve\n"
    "gets tls.crt and tls.key; ca.key is needed only to sign again.\n"
    "\n"
    "  --dir DIR    where they go; made where it is missing\n"
    "  --dns NAME   a name the certificate is for; several times\n"
    "  --ip ADDR    an address likewise\n"
    "  --days N     life of the certificate, 90 by default\n"
    "  --ca-days N  life of the authority, 3650 by default\n"
    "  --force      replace files that are there\n"
    "  --help\n"
    "\n"
    "show tells subject, issuer, names, validity, days left, key and "
    "fingerprint of\n"
    "each certificate in a file; of a folder it takes ca.crt and tls.crt.\n"
    "\n"
    "Examples:\n"
    "  policy-gate certs init --dir certs --dns policy-gate.policy-gate.svc\n"
    "  policy-gate certs show certs\n";

struct options {
	const char *dir;
	const char *names[NAMES_MAX];
	size_t nnames;
	int64_t days;
	int64_t ca_days;
	bool force;
};

static bool
parse_days(const char *text, int64_t *days)
{
	char *end;
	const long n = strtol(text, &end, 10);

	if (end == text || *end != '\0' || n < 1 || n > DAYS_MAX)
		return false;
	*days = n;
	return true;
}

static bool
is_address(const char *text)
{
	struct in6_addr a;

	return inet_pton(AF_INET, text, &a) == 1 ||
	       inet_pton(AF_INET6, text, &a) == 1;
}

/* STATUS_OK, STATUS_USAGE, or -1 when help was asked for. */
static int
parse(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
	    {"dir", required_argument, NULL, 'd'},
	    {"dns", required_argument, NULL, 'n'},
	    {"ip", required_argument, NULL, 'i'},
	    {"days", required_argument, NULL, 'l'},
	    {"ca-days", required_argument, NULL, 'a'},
	    {"force", no_argument, NULL, 'f'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = cli_option(argc, argv, ":h", options)) != -1) {
		if (c == 'h')
			return -1;
		if (c == '?')
			return STATUS_USAGE;
		if (c == 'd')
			o->dir = optarg;
		else if (c == 'f')
			o->force = true;
		else if ((c == 'n' || c == 'i') && o->nnames == NAMES_MAX)
			return cli_usage(
			    argv[0], "more than %d names", NAMES_MAX);
		else if (c == 'i' && !is_address(optarg))
			return cli_usage(argv[0],
			    "--ip takes an address, not \"%s\"", optarg);
		else if (c == 'n' || c == 'i')
			o->names[o->nnames++] = optarg;
		else if (!parse_days(optarg, c == 'l' ? &o->days : &o->ca_days))
			return cli_usage(argv[0],
			    "days are a number from 1 to %d, not \"%s\"",
			    DAYS_MAX, optarg);
	}
	return STATUS_OK;
}

static int
init(const struct options *o, const char *command)
{
	const struct authority_request r = {
	    .names = o->names,
	    .nnames = o->nnames,
	    .now = clock_real.wall_s(&clock_real),
	    .ca_life = o->ca_days * DAY_S,
	    .leaf_life = o->days * DAY_S,
	};
	struct error err = ERROR_INIT;

	if (o->dir == NULL || o->nnames == 0)
		return cli_usage(
		    command, "init needs --dir and at least one --dns or --ip");
	if (o->days > o->ca_days)
		return cli_usage(command,
		    "the certificate would outlive its authority: --days is "
		    "over --ca-days");
	if (authority_init(o->dir, &r, o->force, &err) != 0)
		return cli_fail(command, STATUS_USAGE, &err);
	printf("%s: ca.crt ca.key tls.crt tls.key, valid %lld days\n", o->dir,
	    (long long)o->days);
	return cli_finish(command, STATUS_OK);
}

/* A folder stands for the two certificates that init puts there. */
static int
show_one(const char *path, const char *command)
{
	static const char *const files[] = {"ca.crt", "tls.crt"};
	AUTO(buf_clear)
	struct buf out = BUF_INIT(DESCRIPTION_MAX), name = BUF_INIT(4096);
	const int64_t now = clock_real.wall_s(&clock_real);
	struct error err = ERROR_INIT;
	struct stat st;
	size_t i;
	int rc = 0;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		for (i = 0; rc == 0 && i < 2; i++) {
			buf_truncate(&name, 0);
			buf_printf(&name, "%s/%s", path, files[i]);
			rc = certificate_describe(
			    buf_text(&name), now, &out, &err);
		}
	} else {
		rc = certificate_describe(path, now, &out, &err);
	}
	fputs(buf_text(&out), stdout);
	return rc == 0 ? STATUS_OK : cli_fail(command, STATUS_USAGE, &err);
}

int
cmd_certs(int argc, char **argv)
{
	struct options o = {.days = LEAF_DAYS, .ca_days = CA_DAYS};
	int i, status = parse(&o, argc, argv);
	const char *verb = optind < argc ? argv[optind] : "";

	if (status != STATUS_OK)
		return status < 0 ? cli_help(help) : status;
	if (strcmp(verb, "init") == 0 && optind + 1 == argc)
		return init(&o, argv[0]);
	if (strcmp(verb, "show") != 0 || optind + 1 == argc)
		return cli_usage(argv[0],
		    "say \"init --dir DIR --dns NAME\" or \"show FILE\"");
	for (i = optind + 1; i < argc; i++)
		if (show_one(argv[i], argv[0]) != STATUS_OK)
			status = STATUS_USAGE;
	return cli_finish(argv[0], status);
}
