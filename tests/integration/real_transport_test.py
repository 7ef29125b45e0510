#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Connections to a real registry: how many it takes over HTTP/1.1 and HTTP/2,
that they are kept, and certificates that it demands of those who come.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, paths, pki, registry, registry_case, relay, \
    tap  # noqa: E402

IMAGES = 100
CONNECTIONS = 16  # over HTTP/1.1
STREAMS = 64  # of one connection, over HTTP/2

names = [f"app:{i}" for i in range(IMAGES)]


def setUpModule():
    """What all of them hold: images without a part in common."""
    writer = registry.Registry("writer", storage=paths.work() / "images")
    for i, name in enumerate(names):
        writer.put(name, content.image(layers=0, user=str(i)))
    writer.close()


class Real(registry_case.Case):
    def real(self, **options):
        reg = registry.Registry(storage=paths.work() / "images",
                                readonly=True, **options)
        self.addCleanup(reg.close)
        return reg

    def secure(self, **options):
        return self.real(tls=registry_case.authority(), **options)

    def before(self, reg, **options):
        """A relay to it, which is spoken to instead."""
        found = relay.Relay(reg.port, **options)
        self.addCleanup(found.close)
        return found

    def check_all(self, host, config):
        found, status = self.check(*(f"{host}/{n}" for n in names),
                                   config=config, timeout=30)
        self.assertEqual((status, len(found)), (0, IMAGES), found)

    def versions(self, reg):
        """{"HTTP/1.1"}, as its log says."""
        return {line.split('"')[1].split()[-1]
                for line in reg.process.text().splitlines()
                if "policy-gate" in line}


class Http1(Real):
    def test_sixteen_connections_carry_two_hundred_requests(self):
        reg = self.real()
        between = self.before(reg, latency=0.01)
        self.check_all(between.host, self.config(between))
        self.assertEqual(len(reg.requests()), 2 * IMAGES)
        self.assertEqual(between.connections, CONNECTIONS)
        self.assertEqual(self.versions(reg), {"HTTP/1.1"})

    def test_over_tls_where_the_registry_knows_no_other(self):
        reg = self.secure(http2=False)
        between = self.before(reg)
        self.check_all(between.host, self.config(entries={
            between.host: reg.settings()[reg.host]}))
        self.assertLessEqual(between.connections, CONNECTIONS)
        self.assertEqual(self.versions(reg), {"HTTP/1.1"})


class Http2(Real):
    def test_all_requests_share_one_connection(self):
        reg = self.secure()
        between = self.before(reg)
        self.check_all(between.host, self.config(entries={
            between.host: reg.settings()[reg.host]}))
        self.assertEqual(len(reg.requests()), 2 * IMAGES)
        self.assertEqual(between.connections, 1)
        self.assertEqual(self.versions(reg), {"HTTP/2.0"})

    def test_sixty_four_requests_are_under_way_at_a_time(self):
        reg = self.secure()
        between = self.before(reg, tls=registry_case.authority(), latency=0.1)
        self.check_all(between.host, self.config(between))
        self.assertEqual(between.connections, 1)
        self.assertEqual(between.streams, STREAMS)
        self.assertEqual(self.versions(reg), {"HTTP/2.0"})

    def test_one_tunnel_through_a_proxy_is_enough(self):
        reg, proxy = self.secure(), self.registry()
        proxy.behind = reg
        self.check_all(reg.host, self.config(reg, proxy, entries={
            reg.host: {"proxy": proxy.url}}))
        self.assertEqual(proxy.count("CONNECT"), 1)
        self.assertEqual(self.versions(reg), {"HTTP/2.0"})


class Kept(Real):
    def test_connection_is_used_by_the_next_review(self):
        for options in ({}, {"http2": False}):
            with self.subTest(options):
                reg = self.secure(**options)
                between = self.before(reg)
                server = self.serve(self.config(entries={
                    between.host: reg.settings()[reg.host]}))
                for name in names[:5]:
                    self.assertTrue(self.post(
                        server, f"{between.host}/{name}")["allowed"])
                self.assertEqual(between.connections, 1)

    def test_registry_that_was_restarted_is_asked_as_if_it_had_not(self):
        for options in ({}, {"http2": False}):
            with self.subTest(options):
                reg = self.secure(**options)
                server = self.serve(self.config(reg))
                for name in names[:3]:
                    self.assertTrue(self.post(
                        server, reg.ref(name))["allowed"])
                    reg.stop()
                    reg.start()


class ClientCertificates(Real):
    def setUp(self):
        super().setUp()
        self.clients = pki.Authority(f"clients-{self._testMethodName[5:40]}")
        self.reg = self.secure(clients=self.clients)

    def with_certificate(self, authority, **more):
        crt, key = authority.issue("gate")
        return self.config(self.reg, entries={self.reg.host: {
            "clientCert": str(crt), "clientKey": str(key), **more}})

    def test_right_one_opens(self):
        config = self.with_certificate(self.clients)
        self.facts(self.reg.ref("app:1"), config)
        self.assertTrue(self.post(self.serve(config), self.reg.ref("app:2"))[
            "allowed"])

    def assert_refused(self, config):
        """Whether an alert comes before the connection breaks is luck, and
        that of HTTP/2 breaks in ways of its own."""
        outcome = self.inspect(self.reg.ref("app:1"), config)
        self.assertIn(outcome.code, ("TLS_ERROR", "UNAVAILABLE"))
        self.assertRegex(outcome.message,
                         "client certificate|HTTP/2 connection broke")
        self.assertLess(outcome.seconds, 5)
        self.assertEqual(self.reg.requests(), [])

    def test_none_is_too_few(self):
        self.assert_refused(self.config(self.reg))

    def test_another_authority_s_is_refused(self):
        self.assert_refused(self.with_certificate(pki.Authority("others")))

    def test_it_goes_through_a_proxy(self):
        proxy = self.registry()
        proxy.behind = self.reg
        self.facts(self.reg.ref("app:1"), self.with_certificate(
            self.clients, proxy=proxy.url))
        self.assertEqual(proxy.count("CONNECT"), 1)


if __name__ == "__main__":
    tap.main()
