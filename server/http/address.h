/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HTTP_ADDRESS_H
#define SERVER_HTTP_ADDRESS_H

#include "policy/base/error.h"

#include <stdint.h>

/*
 * Opens a listening socket on "ADDR:PORT", "[ADDR]:PORT" or ":PORT" (every
 * address, IPv4 and IPv6); port 0 lets the system choose. *port is the one it
 * has. Returns a descriptor, close-on-exec, or -1 with *err: ERR_INVALID (not
 * an address), ERR_SYSTEM (the message names the address).
 */
int address_listen(const char *address, uint16_t *port, struct error *err);

#endif
