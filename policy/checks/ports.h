/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CHECKS_PORTS_H
#define POLICY_CHECKS_PORTS_H

#include "policy/checks/check.h"

/*
 * "22", "1-1023", "53/udp", "8000-8010/tcp": as a policy writes ports, and as
 * EXPOSE does. The protocol is borrowed from `text`, "" where there is none.
 * Returns 0, or -1 where it is none of these.
 */
int port_range_parse(struct port_range *out, const char *text);

#endif
