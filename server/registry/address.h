/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_ADDRESS_H
#define SERVER_REGISTRY_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * Network addresses, and which of them a host that configuration does not
 * name may not resolve to. IPv4 is held as ::ffff:a.b.c.d.
 */
struct net {
	uint8_t addr[16];
	unsigned prefix; /* 0 to 128 */
};

/* "10.0.0.0/8", "fd00::/8", or an address alone. Bits after the prefix must
 * be zero. Returns 0, or -1 where it is none. */
int net_parse(struct net *n, const char *text);

bool net_has(const struct net *n, const uint8_t addr[static 16]);

/*
 * Whether a peer is one that the outside must not lead us to: loopback, "this
 * network", link-local (cloud metadata too), private, shared (CGNAT), unique
 * local, benchmarking, documentation, multicast, reserved; also where such an
 * IPv4 address is wrapped in IPv6 (mapped, compatible, NAT64, 6to4, Teredo).
 * What is neither IPv4 nor IPv6 is blocked. `allow` are exceptions.
 */
bool address_is_blocked(
    const struct sockaddr *sa, const struct net *allow, size_t nallow);

#endif
