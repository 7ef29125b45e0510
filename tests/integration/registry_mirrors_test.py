#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Mirrors: asked in order and before the registry, which has the last word; each
with its own transport and its own credentials.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, process, registry_case, tap  # noqa: E402
from lib.registry_case import LOGIN  # noqa: E402

BLOBS = "/v2/app/blobs/*"


class Mirrors(registry_case.Case):
    def setUp(self):
        super().setUp()
        self.image = content.image()
        self.reg, self.first, self.second = (self.registry()
                                             for _ in range(3))
        for registry in self.registries:
            self.ref = registry.push("app:1", self.image)
        self.ref = self.reg.ref("app:1")

    def by(self, *mirrors, credentials=None, **entry):
        """A config in which the registry has these mirrors."""
        mirrors = [m if isinstance(m, (str, dict)) else m.host
                   for m in mirrors or (self.first, self.second)]
        return self.config(credentials=credentials, entries={
            self.reg.host: {"mirrors": mirrors, **entry}})

    def counts(self):
        return [r.count() for r in (self.first, self.second, self.reg)]


class Order(Mirrors):
    def test_first_mirror_is_enough(self):
        self.facts(self.ref, self.by())
        self.assertEqual(self.counts(), [2, 0, 0])

    def test_mirror_is_told_whom_it_stands_for(self):
        self.facts(self.ref, self.by())
        for request in self.first.log:
            self.assertEqual(request.query, {"ns": [self.reg.host]})

    def test_registry_itself_is_told_no_such_thing(self):
        self.first.on("*", "*").fail(404)
        self.facts(self.ref, self.by(self.first))
        for request in self.reg.log:
            self.assertEqual(request.query, {})

    def test_result_names_the_registry_not_the_mirror(self):
        found = self.facts(self.ref, self.by()).document
        self.assertEqual(found["resolved"],
                         f"{self.reg.host}/app@{self.image.digest}")

    def test_docker_hub_has_its_name_of_references(self):
        self.first.push("library/app:1", self.image)
        self.facts("app:1", self.config(entries={
            "docker.io": {"mirrors": [self.first.host]}}))
        self.assertEqual(self.first.log[0].query, {"ns": ["docker.io"]})
        self.assertEqual(self.first.log[0].path,
                         "/v2/library/app/manifests/1")

    def test_mirror_that_may_not_resolve_is_asked_by_digest_only(self):
        only = {"host": self.first.host, "resolve": False}
        self.facts(self.ref, self.by(only))
        self.assertEqual([r.path for r in self.reg.log],
                         ["/v2/app/manifests/1"])
        self.assertEqual([r.path for r in self.first.log],
                         [f"/v2/app/blobs/{self.image.parts[0].digest}"])

    def test_mirror_that_may_not_resolve_has_parts_of_indexes(self):
        ref = self.reg.push("app:2", content.multi("linux/amd64",
                                                   "linux/arm64"))
        self.first.push("app", self.reg.tags["app", "2"])
        self.facts(ref, self.by({"host": self.first.host, "resolve": False}))
        self.assertEqual(self.reg.count(), 1)
        self.assertEqual(self.first.count(), 4)


class Failing(Mirrors):
    FAULTS = {
        "404": lambda r: r.fail(404), "401": lambda r: r.fail(401),
        "403": lambda r: r.fail(403), "400": lambda r: r.fail(400),
        "500": lambda r: r.fail(500), "503": lambda r: r.fail(503),
        "429": lambda r: r.fail(429, headers={"Retry-After": "3600"}),
        "login": lambda r: r.fail(401, headers={
            "WWW-Authenticate": 'Basic realm="x"'}),
        "reset": lambda r: r.reset(), "closed": lambda r: r.close(),
        "no http": lambda r: r.garbage(b"\0\0\0"),
        "circle": lambda r: r.redirect("/v2/app/manifests/1"),
        "truncated": lambda r: r.truncate(), "endless": lambda r: r.endless(),
        "downgrade": lambda r: r.redirect("ftp://127.0.0.1/"),
    }

    def test_is_passed_over(self):
        for name, fault in self.FAULTS.items():
            with self.subTest(name):
                for registry in self.registries:
                    registry.log.clear()
                self.first.rules.clear()
                fault(self.first.on("*", "*"))
                self.facts(self.ref, self.by())
                self.assertGreaterEqual(self.first.count(), 1)
                self.assertEqual(self.second.count(), 2)
                self.assertEqual(self.reg.count(), 0)

    def test_that_is_not_there_is_passed_over(self):
        gone = f"127.0.0.1:{process.free_port()}"
        self.facts(self.ref, self.by(gone))
        self.assertEqual(self.counts(), [0, 0, 2])

    def test_with_a_bad_certificate_is_passed_over(self):
        secure = self.registry(tls=registry_case.authority(),
                               sans="DNS:other")
        self.facts(self.ref, self.by(secure))
        self.assertEqual(self.counts(), [0, 0, 2])
        self.assertEqual(secure.log, [])

    def test_that_says_nothing_leaves_time_for_the_next(self):
        self.first.on("*", "*").hang()
        for mirrors in ((self.first,), (self.first, self.second)):
            with self.subTest(len(mirrors)):
                outcome = self.facts(self.ref, self.by(*mirrors), timeout=3)
                self.assertLess(outcome.seconds, 3)
        server = self.serve(self.by(self.first))
        self.assertTrue(self.post(server, self.ref, "3s")["allowed"])

    def test_whose_token_service_says_nothing_leaves_time_too(self):
        self.first.bearer()
        self.first.on("*", "/token").hang()
        self.facts(self.ref, self.by(self.first), timeout=3)

    def test_that_drips_leaves_time_too(self):
        self.first.on("*", "*").drip(0.01)
        self.facts(self.ref, self.by(self.first), timeout=3)

    def test_all_of_them_leave_it_to_the_registry(self):
        for mirror in (self.first, self.second):
            mirror.on("*", "*").fail(503)
        self.facts(self.ref, self.by())
        self.assertEqual(self.reg.count(), 2)

    def test_registry_has_the_last_word(self):
        self.first.on("*", "*").fail(503)
        self.reg.on("*", "*").fail(404)
        outcome = self.refused("NOT_FOUND", self.ref, self.by(self.first))
        self.assertIn(self.reg.host, outcome.message)

    def test_half_way_leaves_the_rest_to_the_next(self):
        self.first.on("GET", BLOBS).fail(404)
        self.facts(self.ref, self.by())
        self.assertEqual(self.counts(), [2, 1, 0])

    def test_content_is_verified(self):
        evil = content.image(user="0000")
        self.first.on("GET", BLOBS).serve(body=evil.parts[0].body)
        self.refused("DIGEST_MISMATCH", self.ref, self.by())

    def test_mirror_cannot_give_another_image_by_digest(self):
        evil = content.image(user="0000")
        ref = f"{self.reg.host}/app@{self.image.digest}"
        self.first.on("GET", "*/manifests/*").serve(body=evil.body, headers={
            "Docker-Content-Digest": self.image.digest})
        self.refused("DIGEST_MISMATCH", ref, self.by())

    def test_broken_one_is_asked_no_more(self):
        server = self.serve(self.by(self.first))
        self.first.on("*", "*").fail(503)
        for i in range(6):
            ref = self.reg.push(f"app-{i}:1", content.image(user=str(i)))
            self.assertTrue(self.post(server, ref)["allowed"])
        before = self.first.count()
        ref = self.reg.push("app-9:1", content.image(user="9"))
        self.assertTrue(self.post(server, ref)["allowed"])
        self.assertEqual(self.first.count(), before)

    def test_debug_log_tells_of_it(self):
        server = self.serve(self.by(self.first),
                            args=["--log-level", "debug"])
        self.first.on("*", "*").fail(503)
        self.assertTrue(self.post(server, self.ref)["allowed"])
        self.assertEqual({e["registry"] for e in server.log("mirror_failed")},
                         {self.first.host})


class Credentials(Mirrors):
    def test_registry_s_are_not_sent_to_a_mirror(self):
        for mirror in (self.first, self.second):
            mirror.basic(*LOGIN)
        self.reg.basic(*LOGIN)
        self.facts(self.ref, self.by(credentials={self.reg: LOGIN}))
        for mirror in (self.first, self.second):
            self.assertEqual(set(mirror.authorizations()), {None})

    def test_registry_s_are_not_sent_to_a_mirror_s_token_service(self):
        self.first.bearer(login=LOGIN)
        self.facts(self.ref, self.by(self.first,
                                     credentials={self.reg: LOGIN}))
        self.assertEqual(set(self.first.authorizations()), {None})

    def test_mirror_has_its_own(self):
        own = ("mirror", "hunter2-mirror")
        self.hidden.append("hunter2-mirror")
        self.first.basic(*own)
        self.facts(self.ref, self.by(credentials={
            self.reg: LOGIN, self.first: own}))
        self.assertEqual(set(self.first.authorizations()),
                         {None, fault_registry.basic(*own)})
        self.assertEqual(self.counts()[1:], [0, 0])

    def test_mirror_s_are_not_sent_to_the_registry(self):
        own = ("mirror", "hunter2-mirror")
        self.first.on("*", "*").fail(404)
        self.reg.basic(*LOGIN)
        self.refused("NOT_FOUND_OR_DENIED", self.ref, self.by(
            self.first, credentials={self.first: own}))
        self.assertEqual(set(self.reg.authorizations()), {None})

    def test_mirror_s_realm_is_of_its_own_origin(self):
        # The registry's tokenRealms count for the registry alone.
        self.first.bearer(of=self.second, login=LOGIN)
        self.facts(self.ref, self.by(
            self.first, credentials={self.first: LOGIN},
            tokenRealms=[self.second.host]))
        self.assertEqual(set(self.second.authorizations("/token")), {None})


class Transport(Mirrors):
    def test_mirror_s_own_entry_says_how_it_is_reached(self):
        secure = self.registry(tls=registry_case.authority())
        secure.push("app:1", self.image)
        self.facts(self.ref, self.by(secure))
        self.assertEqual(secure.count(), 2)
        self.assertEqual(self.counts(), [0, 0, 0])

    def test_redirects_of_a_mirror_are_followed(self):
        self.first.on("GET", BLOBS).redirect(
            lambda r: self.second.url + r.path)
        self.facts(self.ref, self.by(self.first))
        self.assertEqual(self.counts(), [2, 1, 0])

    def test_guard_holds_for_mirrors_too(self):
        stranger = fault_registry.Registry()  # in no entry
        self.addCleanup(stranger.close)
        stranger.push("app:1", self.image)
        server = self.serve(self.config(self.reg, entries={
            self.reg.host: {"mirrors": [stranger.host]}}))
        self.assertTrue(self.post(server, self.ref)["allowed"])
        self.assertEqual(stranger.log, [])
        self.assertEqual(self.reg.count(), 2)


if __name__ == "__main__":
    tap.main()
