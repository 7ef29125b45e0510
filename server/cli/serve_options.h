/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_SERVE_OPTIONS_H
#define SERVER_CLI_SERVE_OPTIONS_H

#include "server/gate/log.h"
#include "server/gate/policies.h"
#include "server/http/clients.h"

#include <stdbool.h>
#include <stdint.h>

/* What `policy-gate serve` is told on its command line; borrows from it. */
struct serve_options {
	struct policies policy;
	const char *config;
	const char *listen;
	const char *metrics_listen;
	const char *tls_cert;
	const char *tls_key;
	struct clients_options clients; /* without ca_file: any */
	enum log_level log_level;
	int64_t shutdown_delay; /* seconds */
	bool advise_workloads;
	bool sandbox;
};

/* STATUS_OK; STATUS_USAGE, which has been told; or -1 when help was asked for:
 * print serve_help. */
int serve_options_parse(struct serve_options *o, int argc, char **argv);

extern const char serve_help[];

#endif
