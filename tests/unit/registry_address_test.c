/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/un.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

static bool
is_blocked(const char *text, const struct net *allow, size_t n)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return address_is_blocked(
		    (const struct sockaddr *)(void *)&v4, allow, n);
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
		fail_msg("%s is no address", text);
	return address_is_blocked(
	    (const struct sockaddr *)(void *)&v6, allow, n);
}

static const struct {
	const char *address;
	bool blocked;
} addresses[] = {
    {"1.1.1.1", false}, {"0.0.0.0", true}, {"0.1.2.3", true},
    {"10.0.0.1", true}, {"10.255.255.255", true}, {"11.0.0.0", false},
    {"100.63.255.255", false}, {"100.64.0.0", true}, {"100.127.255.255", true},
    {"100.128.0.0", false}, {"127.0.0.1", true}, {"127.255.0.9", true},
    {"169.254.169.254", true}, {"168.63.129.16", true}, {"172.15.0.1", false},
    {"172.16.0.1", true}, {"172.31.255.255", true}, {"172.32.0.0", false},
    {"192.0.0.8", true}, {"192.168.1.1", true}, {"198.18.0.1", true},
    {"198.51.100.7", true}, {"203.0.113.7", true}, {"224.0.0.1", true},
    {"240.0.0.1", true}, {"255.255.255.255", true}, {"2606:4700::1111", false},
    {"::", true}, {"::1", true}, {"fe80::1", true}, {"febf::1", true},
    {"fec0::1", true}, {"fc00::1", true}, {"fd00:ec2::254", true},
    {"ff02::1", true}, {"2001:db8::1", true}, {"100::1", true},
    {"::ffff:127.0.0.1", true}, {"::ffff:10.0.0.1", true},
    {"::ffff:1.1.1.1", false},
    {"::ffff:0:169.254.169.254", true}, /* translated */
    {"::7f00:1", true},                 /* compatible */
    {"64:ff9b::7f00:1", true},          /* NAT64 */
    {"64:ff9b::a00:1", true}, {"64:ff9b::101:101", false},
    {"64:ff9b:1::1", true}, {"2002:7f00:1::", true}, /* 6to4 */
    {"2002:101:101::", false},
    {"2001:0:0:0:0:0:80ff:fffe", true}, /* Teredo: 127.0.0.1 inverted */
};

static void
blocks_what_is_not_for_the_outside(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(addresses); i++)
		if (is_blocked(addresses[i].address, NULL, 0) !=
		    addresses[i].blocked)
			fail_msg("%s", addresses[i].address);
}

static void
blocks_other_families(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	(void)state;
	assert_true(
	    address_is_blocked((const struct sockaddr *)(void *)&un, NULL, 0));
}

static const struct {
	const char *net;
	const char *in;  /* NULL: the net is refused */
	const char *out; /* stays blocked */
} nets[] = {
    {"10.0.0.0/8", "10.9.8.7", "172.16.0.1"},
    {"10.1.2.0/23", "10.1.3.255", "10.1.4.0"},
    {"127.0.0.1", "127.0.0.1", "127.0.0.2"},
    {"0.0.0.0/0", "192.168.0.1", "::1"},
    {"fd00::/8", "fd12::1", "fc00::1"},
    {"::1", "::1", "::"},
    {"::1/128", "::1", "::"},
    {"::/0", "127.0.0.1", NULL},
    {"10.0.0.0/8", "64:ff9b::a00:1", "64:ff9b::7f00:1"},
    {"10.0.0.1/8", NULL, NULL},
    {"10.0.0.0/33", NULL, NULL},
    {"10.0.0.0/", NULL, NULL},
    {"10.0.0.0/x", NULL, NULL},
    {"10.0.0.0/8 ", NULL, NULL},
    {"10.0.0.0/-8", NULL, NULL},
    {"10.0.0.0/0008", NULL, NULL},
    {"10.0.0/8", NULL, NULL},
    {"0x7f.1/8", NULL, NULL},
    {"fd00::1/8", NULL, NULL},
    {"fd00::/129", NULL, NULL},
    {"", NULL, NULL},
    {"registry.corp", NULL, NULL},
};

static void
allows_the_networks_that_are_listed(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(nets); i++) {
		struct net n = {{0}, 0};
		int rc = net_parse(&n, nets[i].net);

		if ((rc == 0) != (nets[i].in != NULL))
			fail_msg("%s: returned %d", nets[i].net, rc);
		if (rc == 0 && is_blocked(nets[i].in, &n, 1))
			fail_msg("%s has %s", nets[i].net, nets[i].in);
		if (nets[i].out != NULL && !is_blocked(nets[i].out, &n, 1))
			fail_msg("%s: has no %s", nets[i].net, nets[i].out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_what_is_not_for_the_outside),
	    cmocka_unit_test(blocks_other_families),
	    cmocka_unit_test(allows_the_networks_that_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
