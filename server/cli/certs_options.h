/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_CERTS_OPTIONS_H
#define SERVER_CLI_CERTS_OPTIONS_H

#include "certs/authority.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What `policy-gate certs` is told. Strings are argv's or the environment's. */

enum { CERTS_NAMES_MAX = 64 };

enum certs_verb {
	CERTS_INIT,
	CERTS_RENEW,
	CERTS_SHOW,
	CERTS_BUNDLE,
	CERTS_PUBLISH,
	CERTS_VERBS,
};

struct certs_options {
	enum certs_verb verb;
	char **files; /* of show and bundle */
	int nfiles;
	const char *dir;
	const char *names[CERTS_NAMES_MAX];
	size_t nnames;
	int64_t life;    /* seconds, these three */
	int64_t ca_life; /* of the authority */
	int64_t overlap;
	bool force;
	bool renew_ca;
	bool renew_leaf;
	const char *format; /* NULL: the verb's own */
	const char *server;
	const char *token_file;
	const char *ca_file;
	const char *ns;
	const char *service;
	const char *webhooks;
	const char *secret;
	const char *ca_secret;
	int64_t timeout;
};

extern const char certs_help[];

/* STATUS_OK, STATUS_USAGE after saying why, or -1 where help was asked for. */
int certs_options_parse(struct certs_options *o, int argc, char **argv);

/* As certs/ wants to know it, at the machine's time. */
struct authority_request certs_request(const struct certs_options *o);

/* The verbs that have a file of their own; exit statuses. */
int certs_renew(const struct certs_options *o, const char *command);
int certs_publish(const struct certs_options *o, const char *command);

/* Writes what a renewal did to stdout, each line about `what`. */
void certs_tell(const char *what, const struct authority_report *report);

#endif
