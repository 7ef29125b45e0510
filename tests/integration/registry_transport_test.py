#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Connections: whose certificate is believed, who sees ours, what goes by way of
a proxy, and which addresses a pod's author cannot make the webhook talk to.
"""

import os
import pathlib
import ssl
import sys
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, paths, pki, process, registry_case, tap  # noqa: E402
from lib.registry_case import LOGIN  # noqa: E402

BLOBS = "/v2/app/blobs/*"
OPENSSL_CONF = """\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = lenient
[lenient]
MinProtocol = TLSv1
CipherString = DEFAULT@SECLEVEL=0
"""


class Transport(registry_case.Case):
    def secure(self, **options):
        """An HTTPS registry with an image in it."""
        registry = self.registry(tls=registry_case.authority(), **options)
        registry.push("app:1", content.image())
        return registry

    def plain(self, **options):
        registry = self.registry(**options)
        registry.push("app:1", content.image())
        return registry


class Certificates(Transport):
    def test_authority_of_the_entry_is_believed(self):
        reg = self.secure()
        self.facts(reg.ref("app:1"))

    def test_unknown_authority_is_a_tls_error(self):
        reg = self.secure()
        outcome = self.refused("TLS_ERROR", reg.ref("app:1"), self.config(
            entries={reg.host: {"caFile": str(pki.Authority(
                f"other-{reg.port}").crt)}}))
        self.assertIn("an authority that is not known here", outcome.message)
        self.assertEqual(reg.log, [])

    def test_expired_one_is_told_as_such(self):
        authority = pki.Authority("late")
        issue = authority.issue
        authority.issue = lambda *args: issue(*args, days=-1)
        reg = self.registry(tls=authority)
        outcome = self.refused("TLS_ERROR", reg.ref("app:1"))
        self.assertIn("its certificate has expired", outcome.message)

    def test_another_name_is_a_tls_error(self):
        reg = self.secure(sans="DNS:registry.corp,IP:10.0.0.1")
        outcome = self.refused("TLS_ERROR", reg.ref("app:1"))
        self.assertIn("is not for this name", outcome.message)
        self.assertEqual(reg.log, [])

    def test_authority_of_one_registry_counts_for_no_other(self):
        other = pki.Authority("second")
        one, two = self.secure(), self.registry(tls=other)
        two.push("app:1", content.image())
        self.facts(one.ref("app:1"))
        self.facts(two.ref("app:1"))
        crt = str(other.crt)
        for reg in (one, two):
            config = self.config(entries={one.host: {"caFile": crt}})
            outcome = self.inspect(reg.ref("app:1"), config)
            self.assertEqual(outcome.code,
                             "TLS_ERROR" if reg is one else None)

    def test_skip_verify_believes_anybody_there_and_nowhere_else(self):
        reg, other = self.secure(sans="DNS:wrong"), self.secure()
        skip = {reg.host: {"skipVerify": True}}
        config = self.config(reg, entries=skip)
        self.facts(reg.ref("app:1"), config)
        reg.on("GET", BLOBS).redirect(lambda r: other.url + r.path)
        self.refused("TLS_ERROR", reg.ref("app:1"), config)
        self.assertEqual(other.log, [])

    def test_tls_error_is_not_tried_again_and_nothing_is_sent(self):
        reg = self.secure()
        outcome = self.refused("TLS_ERROR", reg.ref("app:1"), self.config(
            reg, credentials={reg: LOGIN}, entries={
                reg.host: {"caFile": str(pki.Authority("third").crt)}}))
        self.assertLess(outcome.seconds, 1)
        self.assertEqual(reg.log, [])

    def test_plain_registry_where_https_is_wanted_is_an_error(self):
        reg = self.plain()
        outcome = self.inspect(reg.ref("app:1"), self.config(
            reg, entries={reg.host: {
                "plainHttp": False,
                "caFile": str(registry_case.authority().crt)}}))
        self.assertEqual(outcome.code, "TLS_ERROR")
        self.assertIn("plainHttp", outcome.message)
        self.assertEqual(reg.log, [])

    def test_https_registry_is_never_asked_in_the_clear(self):
        # Credentials would be there for all to read.
        reg = self.secure()
        self.refused("TLS_ERROR", reg.ref("app:1"), self.config(
            reg, credentials={reg: LOGIN}, entries={reg.host: {
                "caFile": str(pki.Authority("fourth").crt)}}))
        self.assertEqual(reg.log, [])

    def test_old_versions_of_tls_are_refused(self):
        # Where OpenSSL itself would take them, on both sides.
        lenient = paths.write("openssl.cnf", OPENSSL_CONF)
        env = dict(os.environ, OPENSSL_CONF=str(lenient))
        reg = self.secure()
        context = reg.server.context
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        curl = process.run(["curl", "-sS", "--tlsv1.0", "--cacert",
                            reg.tls.crt, f"{reg.url}/v2/"], env=env)
        self.assertEqual(curl.stdout, "{}")
        reg.log.clear()
        self.refused("TLS_ERROR", reg.ref("app:1"), env=env)
        self.assertEqual(reg.log, [])


class ClientCertificates(Transport):
    def setUp(self):
        super().setUp()
        crt, key = registry_case.authority().issue(
            f"client-{time.monotonic_ns()}")
        self.entry = {"clientCert": str(crt), "clientKey": str(key)}
        self.reg = self.secure()
        self.other = self.secure()

    def with_certificate(self, *registries):
        return self.config(*registries, credentials={self.reg: LOGIN},
                           entries={self.reg.host: self.entry})

    def shown(self, registry):
        return {r.certificate for r in registry.log}

    def test_registry_sees_it(self):
        self.facts(self.reg.ref("app:1"), self.with_certificate())
        self.assertEqual(self.shown(self.reg), {True})

    def test_other_registries_do_not(self):
        self.facts(self.other.ref("app:1"), self.with_certificate())
        self.assertEqual(self.shown(self.other), {False})

    def test_redirects_do_not(self):
        self.reg.on("GET", BLOBS).redirect(lambda r: self.other.url + r.path)
        self.facts(self.reg.ref("app:1"), self.with_certificate())
        self.assertEqual(self.shown(self.other), {False})

    def test_redirects_do_not_where_they_have_an_entry_with_one(self):
        # A stranger sent us there: it is not our visit.
        self.reg.on("GET", BLOBS).redirect(lambda r: self.other.url + r.path)
        self.facts(self.reg.ref("app:1"), self.config(entries={
            self.other.host: self.entry}))
        self.assertEqual(self.shown(self.other), {False})

    def test_token_services_elsewhere_do_not(self):
        self.reg.bearer(of=self.other, login=LOGIN)
        self.entry["tokenRealms"] = [self.other.host]
        self.facts(self.reg.ref("app:1"), self.with_certificate())
        self.assertEqual(self.shown(self.other), {False})
        self.assertEqual(self.shown(self.reg), {True})

    def test_own_token_service_does(self):
        self.reg.bearer(login=LOGIN)
        self.facts(self.reg.ref("app:1"), self.with_certificate())
        self.assertEqual(self.shown(self.reg), {True})


class Plain(Transport):
    def test_loopback_is_spoken_to_in_the_clear(self):
        reg = self.plain()
        for name in ("127.0.0.1", "localhost", "127.1.2.3"):
            with self.subTest(name):
                self.inspect(f"{name}:{reg.port}/app:1", config="")
        self.facts(f"127.0.0.1:{reg.port}/app:1", config="")

    def test_only_the_entry_makes_it_plain_elsewhere(self):
        # Any name but loopback's: the proxy tells how it is asked.
        reg = self.plain(name="127.0.0.1")
        proxy = {"proxy": reg.url}
        reg.push("app:1", content.image())
        self.facts("registry.corp:5000/app:1", self.config(entries={
            "registry.corp:5000": {"plainHttp": True, **proxy}}))
        self.assertEqual(reg.count("CONNECT"), 0)
        reg.log.clear()
        self.refused("TLS_ERROR", "registry.corp:5000/app:1", self.config(
            entries={"registry.corp:5000": proxy}), timeout=3)
        self.assertEqual({r.method for r in reg.log}, {"CONNECT"})


class Proxies(Transport):
    """One server is the proxy and what is behind it."""

    def setUp(self):
        super().setUp()
        self.hub = self.secure(sans="DNS:registry-1.docker.io,"
                               "DNS:auth.docker.io,DNS:registry.corp")
        self.proxy = self.registry()
        self.proxy.behind = self.hub
        self.entry = {"caFile": str(registry_case.authority().crt),
                      "proxy": self.proxy.url}
        self.hub.push("library/app:1", content.image())

    def by_proxy(self, *hosts, docker=None, **more):
        entries = {h: dict(self.entry) for h in hosts}
        entries[hosts[0]].update(more)
        options = {"dockerConfig": self.docker_config(docker)} if docker \
            else {}
        return self.config(self.proxy, entries=entries, **options)

    def asked_for(self):
        return {r.headers["Host"] for r in self.proxy.requests("CONNECT")}

    def test_entry_s_proxy_is_used(self):
        self.facts("registry.corp/app:1", self.by_proxy("registry.corp"))
        self.assertEqual(self.asked_for(), {"registry.corp:443"})

    def test_certificate_is_checked_through_a_proxy(self):
        self.refused("TLS_ERROR", "other.corp/app:1",
                     self.by_proxy("other.corp"))
        self.assertEqual(self.hub.log, [])

    def test_proxy_that_is_not_there_is_unavailable(self):
        self.entry["proxy"] = f"http://127.0.0.1:{process.free_port()}"
        outcome = self.refused("UNAVAILABLE", "registry.corp/app:1",
                               self.by_proxy("registry.corp"))
        self.assertIn("made to its proxy", outcome.message)

    def test_docker_hub_stands_at_registry_1(self):
        self.facts("app:1", self.by_proxy("docker.io"))
        self.assertEqual(self.asked_for(), {"registry-1.docker.io:443"})
        self.assertEqual({r.path for r in self.hub.log
                          if "manifests" in r.path},
                         {"/v2/library/app/manifests/1"})

    def test_docker_hub_s_token_service_gets_the_password(self):
        self.hub.bearer(realm="https://auth.docker.io/token", login=LOGIN)
        login = {"auths": {"https://index.docker.io/v1/": {
            "username": LOGIN[0], "password": LOGIN[1]}}}
        self.facts("app:1", self.by_proxy(
            "docker.io", "auth.docker.io", docker=login))
        self.assertEqual(self.asked_for(), {"registry-1.docker.io:443",
                                            "auth.docker.io:443"})

    def test_another_registry_s_password_is_not_sent_to_hub_s_service(self):
        self.hub.bearer(realm="https://auth.docker.io/token", login=LOGIN)
        login = {"auths": {"registry.corp": {
            "username": LOGIN[0], "password": LOGIN[1]}}}
        self.refused("UNAUTHORIZED", "registry.corp/app:1", self.by_proxy(
            "registry.corp", "auth.docker.io", docker=login))
        self.assertEqual(self.hub.authorizations("/token"), [None])

    def test_proxies_of_the_environment_are_used_by_the_command(self):
        crt = {"registry.corp": {"caFile": self.entry["caFile"]}}
        self.facts("registry.corp/app:1",
                   self.config(self.proxy, entries=crt),
                   env=dict(os.environ, https_proxy=self.proxy.url))
        self.assertEqual(self.asked_for(), {"registry.corp:443"})


class Guard(Transport):
    """In the webhook a pod's author chooses the host: what is not listed may
    not lead to private addresses, and how it ends looks like a closed port."""

    def setUp(self):
        super().setUp()
        self.listed, self.hidden_one = self.plain(), self.plain()
        self.closed = f"127.0.0.1:{process.free_port()}"
        self.server = self.serve(
            self.config(self.listed, entries={self.closed: {}}),
            args=["--log-level", "debug"])

    def message(self, reference, timeout="3s"):
        answer = self.post(self.server, reference, timeout)
        self.assertFalse(answer["allowed"])
        return answer["status"]["message"].replace(reference, "REF").replace(
            reference.split("/")[0], "HOST")

    def untouched(self):
        self.assertEqual(self.hidden_one.log, [])

    def test_listed_registry_may_be_anywhere(self):
        self.assertTrue(self.post(self.server, self.listed.ref("app:1"))[
            "allowed"])

    def test_unlisted_one_may_not_be_here(self):
        for name in ("127.0.0.1", "localhost", "127.9.9.9", "[::1]",
                     "[::ffff:7f00:1]", "0.0.0.0"):
            with self.subTest(name):
                self.assertIn("UNAVAILABLE", self.message(
                    f"{name}:{self.hidden_one.port}/app:1"))
        self.untouched()

    def test_blocked_and_closed_look_alike(self):
        blocked = self.message(f"127.0.0.1:{self.hidden_one.port}/app:1")
        closed = self.message(f"{self.closed}/app:1")
        self.assertEqual(blocked, closed)
        self.assertNotIn("BLOCKED", blocked)
        self.untouched()

    def test_open_and_closed_take_the_same_time(self):
        times = []
        for port in (self.hidden_one.port, process.free_port()):
            started = time.monotonic()
            self.message(f"127.0.0.1:{port}/app:1")
            times.append(time.monotonic() - started)
        self.assertLess(abs(times[0] - times[1]), 0.5)

    def test_they_stay_alike_when_asked_often(self):
        hosts = (f"127.0.0.1:{self.hidden_one.port}", self.closed)
        said, times = [], []
        for host in hosts:
            started = time.monotonic()
            said.append([self.message(f"{host}/app:{i}") for i in range(7)])
            times.append(time.monotonic() - started)
        self.assertEqual(*said)
        self.assertIn("5 times in a row", said[0][6])
        # Five times three repetitions with jitter: 1.75 s on average.
        for seconds in times:
            self.assertGreater(seconds, 0.5)
        self.assertEqual({e["registry"] for e in self.server.log(
            "address_blocked")}, {hosts[0]})
        self.assertEqual(len(self.server.log("address_blocked")), 7)
        self.untouched()

    def test_log_tells_them_apart(self):
        blocked = f"127.0.0.1:{self.hidden_one.port}"
        self.message(f"{blocked}/app:1")
        self.message(f"{self.closed}/app:1")
        self.assertEqual([e["registry"] for e in self.server.log(
            "address_blocked")], [blocked])

    def fresh(self):
        """A reference to an image that nobody has asked for."""
        return self.listed.push(
            f"app:{time.monotonic_ns()}",
            content.image(user=str(time.monotonic_ns())))

    def test_redirect_does_not_lead_here(self):
        for to in (self.hidden_one.url,
                   self.hidden_one.url.replace("127.0.0.1", "localhost"),
                   self.hidden_one.url.replace("127.0.0.1", "127.1"),
                   self.hidden_one.url.replace("127.0.0.1", "0x7f.1"),
                   self.hidden_one.url.replace("127.0.0.1", "2130706433"),
                   self.hidden_one.url.replace("127.0.0.1", "[::1]"),
                   self.hidden_one.url.replace("127.0.0.1",
                                               "[::ffff:127.0.0.1]"),
                   "http://169.254.169.254"):
            with self.subTest(to):
                # Else the breaker spoke at the end, and nothing was tried.
                self.listed.rules.clear()
                self.assertTrue(self.post(self.server, self.fresh())[
                    "allowed"])
                self.listed.on("GET", BLOBS).redirect(
                    lambda r, t=to: t + r.path)
                self.assertIn("UNAVAILABLE", self.message(self.fresh()))
        self.untouched()

    def test_token_service_does_not_stand_here(self):
        for realm in (self.hidden_one.realm,
                      self.hidden_one.realm.replace("127.0.0.1", "localhost"),
                      self.hidden_one.realm.replace("127.0.0.1", "[::1]"),
                      "http://169.254.169.254/latest/meta-data"):
            with self.subTest(realm):
                self.listed.bearer(realm=realm)
                message = self.message(self.listed.ref(
                    f"app:{time.monotonic_ns()}"))
                self.assertRegex(message, "AUTH_UNSUPPORTED|UNAVAILABLE")
                self.assertNotIn("BLOCKED", message)
        self.untouched()

    def test_listed_networks_are_exceptions(self):
        server = self.serve(self.config(
            self.listed, network={"allow": ["127.0.0.0/8"]}))
        self.assertTrue(self.post(server, self.hidden_one.ref("app:1"))[
            "allowed"])

    def test_proxy_of_the_environment_does_not_lead_around_it(self):
        server = self.serve(self.config(self.listed), env=dict(
            os.environ, http_proxy=self.listed.url, no_proxy=""))
        self.listed.log.clear()
        answer = self.post(server, self.hidden_one.ref("app:1"))
        self.assertFalse(answer["allowed"])
        self.untouched()
        self.assertEqual(self.listed.log, [])

    def test_command_line_has_none(self):
        self.facts(self.hidden_one.ref("app:1"), self.config(self.listed))


if __name__ == "__main__":
    tap.main()
