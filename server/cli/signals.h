/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_SIGNALS_H
#define SERVER_CLI_SIGNALS_H

#include "policy/base/error.h"

#include <stdbool.h>

/*
 * From now on SIGTERM, SIGINT and SIGHUP make the returned descriptor readable
 * and do nothing else, in threads to come neither; close() it. Signals that end
 * a program for what it writes are ignored. -1 with *err: ERR_SYSTEM.
 */
int signals_take(struct error *err);

/* Of all that have come since: whether one says to end. Else SIGHUP came. */
bool signals_end(int fd);

/* From now on the next SIGTERM or SIGINT ends the process, and no SIGHUP is
 * heard. */
void signals_let_end(void);

#endif
