/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_SERVE_FILES_H
#define SERVER_CLI_SERVE_FILES_H

#include "certs/keypair.h"
#include "server/cli/serve_options.h"
#include "server/cli/watch.h"
#include "server/gate/config.h"

/* What `serve` reads from files, and reads again. */
struct serve_files {
	struct config config;
	struct ruleset *rules;
	struct keypair *tls;
	struct clients *clients; /* NULL: any client */
};

/* All of them or nothing: 0, or -1 with what is wrong in `report`. The files
 * that the config names are watched even so: one that is missing may come to
 * be. */
int serve_files_load(struct serve_files *f, const struct serve_options *o,
    struct watch *w, struct buf *report);
void serve_files_clear(struct serve_files *f);

/* Watches what the command line names. */
void serve_files_watch(struct watch *w, const struct serve_options *o);

#endif
