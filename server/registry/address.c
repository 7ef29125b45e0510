/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static unsigned
last_bits_used(const uint8_t addr[static 16])
{
	unsigned i;

	for (i = 128; i > 0; i--)
		if (addr[(i - 1) / 8] >> (7 - (i - 1) % 8) & 1)
			break;
	return i;
}

int
net_parse(struct net *n, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "/");
	struct in_addr v4;
	struct in6_addr v6;
	unsigned bits = 0, offset = 0, digits = 0;
	const char *p;

	if (len >= sizeof(host))
		return -1;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, &v4) == 1) {
		offset = 96;
		memcpy(n->addr, mapped, sizeof(mapped));
		memcpy(n->addr + 12, &v4, 4);
	} else if (inet_pton(AF_INET6, host, &v6) == 1) {
		memcpy(n->addr, &v6, 16);
	} else {
		return -1;
	}
	for (p = text + len + 1; text[len] == '/' && *p != '\0'; p++) {
		if (*p < '0' || *p > '9' || ++digits > 3)
			return -1;
		bits = bits * 10 + (unsigned)(*p - '0');
	}
	if (text[len] == '\0')
		bits = 128 - offset;
	else if (digits == 0)
		return -1;
	if (bits > 128 - offset)
		return -1;
	n->prefix = offset + bits;
	return last_bits_used(n->addr) > n->prefix ? -1 : 0;
}

bool
net_has(const struct net *n, const uint8_t addr[static 16])
{
	unsigned whole = n->prefix / 8, rest = n->prefix % 8;

	if (memcmp(n->addr, addr, whole) != 0)
		return false;
	return rest == 0 || (n->addr[whole] ^ addr[whole]) >> (8 - rest) == 0;
}

/* IANA special-purpose registries; what is not for talking to across the
 * Internet. */
static const char *const blocked4[] = {
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    /* Alibaba Cloud and Azure answer metadata at public addresses. */
    "100.100.100.200/32",
    "168.63.129.16/32",
};

static const char *const blocked6[] = {
    "::/128",
    "::1/128",
    "100::/64",
    "2001:2::/48",
    "2001:db8::/32",
    "2001:10::/28",
    "2001:20::/28",
    "3fff::/20",
    "5f00::/16",
    "64:ff9b:1::/48",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
};

static bool
in_list(const char *const *list, size_t n, const uint8_t addr[static 16])
{
	struct net net;
	size_t i;

	for (i = 0; i < n; i++)
		if (net_parse(&net, list[i]) != 0 || net_has(&net, addr))
			return true;
	return false;
}

/* Where IPv6 wraps an IPv4 address: what it leads to, in mapped form. */
struct wrapper {
	const char *net;
	unsigned offset; /* of the four bytes */
	uint8_t flip;    /* Teredo hides the address inverted */
};

static const struct wrapper wrappers[] = {
    {"::/96", 12, 0},
    {"64:ff9b::/96", 12, 0},
    {"::ffff:0:0:0/96", 12, 0},
    {"2002::/16", 2, 0},
    {"2001::/32", 12, 0xff},
};

static bool
is_blocked(const uint8_t addr[static 16], const struct net *allow, size_t n)
{
	uint8_t inner[16];
	struct net net;
	size_t i, j;

	for (i = 0; i < n; i++)
		if (net_has(&allow[i], addr))
			return false;
	if (memcmp(addr, mapped, sizeof(mapped)) == 0)
		return in_list(
		    blocked4, sizeof(blocked4) / sizeof(*blocked4), addr);
	if (in_list(blocked6, sizeof(blocked6) / sizeof(*blocked6), addr))
		return true;
	for (i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++) {
		if (net_parse(&net, wrappers[i].net) != 0)
			return true;
		if (!net_has(&net, addr))
			continue;
		memcpy(inner, mapped, sizeof(mapped));
		for (j = 0; j < 4; j++)
			inner[12 + j] =
			    addr[wrappers[i].offset + j] ^ wrappers[i].flip;
		return is_blocked(inner, allow, n);
	}
	return false;
}

bool
address_is_blocked(
    const struct sockaddr *sa, const struct net *allow, size_t nallow)
{
	uint8_t addr[16];

	if (sa->sa_family == AF_INET) {
		memcpy(addr, mapped, sizeof(mapped));
		memcpy(addr + 12,
		    &((const struct sockaddr_in *)(const void *)sa)->sin_addr,
		    4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(addr,
		    &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr,
		    16);
	} else {
		return true;
	}
	return is_blocked(addr, allow, nallow);
}
