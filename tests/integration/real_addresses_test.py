#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The address guard, with names that lead to addresses of every kind: in a
network of its own a registry answers at all of them, and the webhook, which
has no entry for any, may come to the public ones alone.
"""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, namespace, registry_case, tap  # noqa: E402

PUBLIC = {"public4": "93.184.216.34", "public6": "2606:2800:220:1::34"}
BLOCKED = {
    "loopback": "127.0.0.1",
    "loopback-other": "127.9.9.9",
    "loopback6": "::1",
    "ten": "10.11.12.13",
    "oneseventytwo": "172.16.5.6",
    "oneninetytwo": "192.168.7.8",
    "carrier-nat": "100.64.9.10",
    "metadata": "169.254.169.254",
    "metadata-azure": "168.63.129.16",
    "metadata-alibaba": "100.100.100.200",
    "metadata6": "fd00:ec2::254",
    "benchmark": "198.18.1.1",
    "unique-local": "fd12:3456::1",
    "documentation": "2001:db8::1",
    "nat64-ten": "64:ff9b::a0b:c0d",
    "sixtofour-ten": "2002:a0b:c0d::1",
    # Without a scope nothing could be connected to it: the guard is first.
    "link-local": "fe80::1",
}
# The same IPv4 addresses by other roads: no address of an interface.
MAPPED = {
    "mapped-loopback": "::ffff:7f00:1",
    "mapped-ten": "::ffff:a0b:c0d",
    "mapped-metadata": "::ffff:a9fe:a9fe",
    "unspecified": "0.0.0.0",
    "unspecified6": "::",
}
# Registries that send us on, one for each place where to: what one of them has
# done counts for no other.
SENDERS = {f"from-{name}": PUBLIC["public4"] for name in (
    *PUBLIC, *BLOCKED, *MAPPED, "none")}
# Several addresses of one name.
SEVERAL = {"both": ["10.11.12.13", "93.184.216.34"],
           "none": ["10.11.12.13", "fd12:3456::1", "127.0.0.1"]}

why_not = None
reg = None


def dns(name):
    return f"{name}.corp.example"


def literal(address):
    return f"[{address}]" if ":" in address else address


def setUpModule():
    global reg
    if why_not:
        raise unittest.SkipTest(why_not)
    one = {**PUBLIC, **BLOCKED, **MAPPED, **SENDERS}
    namespace.bring_up(a for a in {**PUBLIC, **BLOCKED}.values()
                       if not a.startswith("127."))
    lines = [(a, n) for n, a in one.items()] + [
        (a, n) for n, several in SEVERAL.items() for a in several]
    namespace.instead_of("/etc/hosts", "127.0.0.1 localhost\n" + "".join(
        f"{a} {dns(n)}\n" for a, n in lines))
    # What it is answered with has to be beyond doubt wherever it comes from.
    authority = registry_case.authority()
    namespace.instead_of("/etc/ssl/certs/ca-certificates.crt",
                         authority.crt.read_text())
    reg = registry_case.fault_registry.Registry(
        tls=authority, address="::", sans=",".join(
            ["DNS:*.corp.example", *(f"IP:{a}" for a in set(one.values()))]))
    reg.push("app:1", content.image())


def tearDownModule():
    if reg:
        reg.close()


class Addresses(registry_case.Case):
    def setUp(self):
        super().setUp()
        self.registries.append(reg)
        reg.log.clear()
        reg.rules.clear()
        reg.challenges.clear()
        self.server = None

    def start(self, **config):
        self.server = self.serve(
            self.config(entries=config.pop("entries", {}), **config),
            args=["--log-level", "debug"])

    def config(self, *registries, **more):
        """Nothing is known of the registry."""
        entries, self.registries = self.registries, []
        try:
            return super().config(*registries, **more)
        finally:
            self.registries = entries

    def ask(self, host):
        return self.post(self.server, f"{host}:{reg.port}/app:1", "4s")

    def assert_blocked(self, host):
        reg.log.clear()
        answer = self.ask(host)
        self.assertFalse(answer["allowed"])
        self.assertIn("UNAVAILABLE", answer["status"]["message"])
        self.assertNotIn("BLOCKED", answer["status"]["message"])
        self.assertEqual(reg.log, [], host)
        self.assertIn(f"{host}:{reg.port}", [
            e["registry"] for e in self.server.log("address_blocked")])

    def assert_open(self, host):
        reg.log.clear()
        answer = self.ask(host)
        self.assertTrue(answer["allowed"], answer)
        self.assertNotEqual(reg.log, [])


class Names(Addresses):
    def setUp(self):
        super().setUp()
        self.start()

    def test_public_addresses_are_open(self):
        for name, address in PUBLIC.items():
            for host in (dns(name), literal(address)):
                with self.subTest(host):
                    self.assert_open(host)
                    self.assertIn(address, reg.log[0].address)

    def test_names_do_not_lead_to_others(self):
        for name in (*BLOCKED, *MAPPED):
            with self.subTest(name):
                self.assert_blocked(dns(name))

    def test_addresses_do_not_either(self):
        for address in (*BLOCKED.values(), *MAPPED.values()):
            with self.subTest(address):
                self.assert_blocked(literal(address))

    def test_of_several_addresses_only_the_public_one_is_gone_to(self):
        self.assert_open(dns("both"))
        self.assertEqual({r.address for r in reg.log},
                         {"::ffff:93.184.216.34"})
        self.assert_blocked(dns("none"))


class Sent(Addresses):
    """A registry at a public address sends us on."""

    ELSEWHERE = "/elsewhere"

    def setUp(self):
        super().setUp()
        self.start()

    def redirect(self, name):
        image = content.image(Labels={"to": name})  # by digest, none is known
        reg.push("app:1", image)
        reg.on("GET", self.ELSEWHERE).reply(200, image.parts[0].body)
        reg.on("GET", "/v2/app/blobs/*").redirect(
            f"https://{dns(name)}:{reg.port}{self.ELSEWHERE}")

    def realm(self, name):
        reg.bearer(realm=f"https://{dns(name)}:{reg.port}/token")

    def assert_not_sent(self, send):
        """What comes then comes to the public address alone."""
        for name in (*BLOCKED, *MAPPED, "none"):
            with self.subTest(name):
                send(name)
                reg.log.clear()
                answer = self.ask(dns(f"from-{name}"))
                self.assertFalse(answer["allowed"])
                self.assertIn("UNAVAILABLE", answer["status"]["message"])
                self.assertNotIn("BLOCKED", answer["status"]["message"])
                self.assertEqual({r.address for r in reg.log},
                                 {"::ffff:" + PUBLIC["public4"]})

    def assert_sent(self, send, path):
        for name in PUBLIC:
            with self.subTest(name):
                send(name)
                self.assert_open(dns(f"from-{name}"))
                self.assertEqual(
                    [r.address.removeprefix("::ffff:")
                     for r in reg.requests(path=path)], [PUBLIC[name]])

    def test_redirects_do_not_lead_there(self):
        self.assert_not_sent(self.redirect)

    def test_redirects_lead_to_public_names(self):
        self.assert_sent(self.redirect, self.ELSEWHERE)

    def test_realms_do_not_stand_there(self):
        self.assert_not_sent(self.realm)

    def test_realms_stand_at_public_names(self):
        self.assert_sent(self.realm, "/token")


class Allowed(Addresses):
    def test_listed_network_is_open_by_every_road(self):
        self.start(network={"allow": ["10.11.0.0/16"]})
        for name in ("ten", "mapped-ten"):
            self.assert_open(dns(name))
        for name in ("oneseventytwo", "metadata", "mapped-loopback"):
            self.assert_blocked(dns(name))

    def test_listed_network_of_ipv6(self):
        self.start(network={"allow": ["fd12::/16"]})
        self.assert_open(dns("unique-local"))
        self.assert_blocked(dns("metadata6"))

    def test_token_service_may_stand_there(self):
        self.start(network={"allow": ["10.0.0.0/8"]})
        reg.bearer(realm=f"https://{dns('ten')}:{reg.port}/token")
        self.assert_open(dns("from-ten"))
        self.assertEqual([r.address for r in reg.requests(path="/token")],
                         ["::ffff:10.11.12.13"])

    def test_registry_of_an_entry_may_be_anywhere(self):
        listed = f"{dns('oneninetytwo')}:{reg.port}"
        self.start(entries={listed: {}})
        self.assert_open(dns("oneninetytwo"))
        self.assert_blocked(dns("ten"))

    def test_entry_of_one_name_opens_no_other_of_its_address(self):
        self.start(entries={f"{dns('ten')}:{reg.port}": {}})
        self.assert_open(dns("ten"))
        self.assert_blocked(literal(BLOCKED["ten"]))

    def test_command_line_goes_anywhere(self):
        outcome = self.inspect(f"{dns('ten')}:{reg.port}/app:1",
                               self.config())
        self.assertEqual((outcome.status, outcome.code), (0, None))


if __name__ == "__main__":
    why_not = namespace.enter()
    tap.main()
