/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_CERTIFICATE_H
#define SERVER_GATE_CERTIFICATE_H

#include "server/gate/log.h"

#include <stdint.h>

/* Says in the log that the certificate will end soon: 30, 14, 7 days and a day
 * before, and when it has; each once for a certificate. */

/* What was said last; zeroed: nothing. */
struct certificate_diary {
	int64_t not_after;
	int steps; /* how many of them */
};

/* Says it if it is due; seconds since the epoch. Whoever is late is told the
 * latest alone. */
void certificate_log(struct certificate_diary *diary, const struct log *l,
    int64_t not_after, int64_t now);

#endif
