/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_SYSTEMD_H
#define SERVER_CLI_SYSTEMD_H

#include <stdbool.h>

/*
 * What a service and systemd tell each other: sd_notify(3) and, of
 * systemd.exec(5), $JOURNAL_STREAM. Where there is no systemd nothing comes of
 * it.
 */

/* A socket to whoever wants to know how the service is, $NOTIFY_SOCKET; -1
 * where nobody does, or it cannot be reached. The caller closes it. */
int systemd_connect(void);

/* Says "READY=1", say. Nothing where `fd` is -1. */
void systemd_tell(int fd, const char *state);

/* Whether what is written there goes into the journal, which reads a level at
 * the start of each line. */
bool systemd_is_journal(int fd);

#endif
