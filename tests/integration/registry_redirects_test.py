#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Redirects: followed a few times, never from https to http, and credentials go
nowhere but to the registry itself.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, registry_case, tap  # noqa: E402
from lib.registry_case import LOGIN  # noqa: E402

BASIC = fault_registry.basic(*LOGIN)
MANIFEST = "/v2/app/manifests/1"
BLOBS = "/v2/app/blobs/*"
STATUSES = (301, 302, 303, 307, 308)
SIGNED = "?X-Signature=hunter2-signature"


class Redirects(registry_case.Case):
    secure = False

    def setUp(self):
        super().setUp()
        self.hidden.append("hunter2-signature")
        tls = registry_case.authority() if self.secure else None
        self.image = content.image()
        self.reg = self.registry(tls=tls)
        self.cdn = self.registry(tls=tls)
        self.ref = self.reg.push("app:1", self.image)
        self.cdn.push("app:1", self.image)

    def to_cdn(self, request):
        return self.cdn.url + request.path + SIGNED

    def with_login(self, **more):
        return self.config(credentials={self.reg: LOGIN}, **more)

    def strangers(self):
        """What the other server was told."""
        return self.cdn.authorizations()


class Followed(Redirects):
    def test_each_kind_is_followed_for_manifests_and_blobs(self):
        for status in STATUSES:
            for path in (MANIFEST, BLOBS):
                with self.subTest(status, path=path):
                    self.reg.rules.clear()
                    self.cdn.log.clear()
                    self.reg.on("GET", path).redirect(self.to_cdn, status)
                    self.facts(self.ref)
                    self.assertEqual([r.method for r in self.cdn.log],
                                     ["GET"])

    def test_forms_of_a_url_are_understood(self):
        elsewhere = "/elsewhere/manifests/1"
        for to in (elsewhere, self.reg.url + elsewhere,
                   f"//{self.reg.host}{elsewhere}", "../../.." + elsewhere,
                   f"{elsewhere}?a=b&c=d", f"{self.reg.url}{elsewhere}#part"):
            with self.subTest(to):
                self.reg.log.clear()
                self.reg.on("GET", MANIFEST).redirect(to)
                self.reg.on("GET", elsewhere).reply(200, self.image.body, {
                    "Content-Type": self.image.media_type})
                self.facts(self.ref)
                self.assertEqual(self.reg.count(path=elsewhere), 1)

    def test_five_are_followed_six_are_not(self):
        for hops, code in ((5, None), (6, "UNAVAILABLE")):
            with self.subTest(hops):
                rule = self.reg.on("GET", "*manifests/1*")
                for i in range(hops):
                    rule.redirect(f"{self.reg.url}{MANIFEST}-{i}")
                rule.reply(200, self.image.body,
                           {"Content-Type": self.image.media_type})
                self.assertEqual(self.inspect(self.ref).code, code)

    def test_circles_end(self):
        self.reg.on("GET", MANIFEST).redirect(MANIFEST)
        self.refused("UNAVAILABLE", self.ref)
        self.assertLessEqual(self.reg.count(), 6)
        self.reg.on("GET", MANIFEST).redirect(self.to_cdn)
        self.cdn.on("GET", MANIFEST).redirect(
            lambda request: self.reg.url + request.path)
        self.refused("UNAVAILABLE", self.ref)

    def test_places_that_are_none_are_unavailable(self):
        for to in ("", "http://", "http:///v2/", "ftp://127.0.0.1/a",
                   "file:///etc/passwd", "gopher://127.0.0.1:1/_x",
                   "javascript:alert(1)", "data:text/plain,a",
                   f"http://user:hunter2-signature@{self.cdn.host}/a",
                   f"http://{self.reg.host}@{self.cdn.host}/a",
                   "http://exa mple/", "http://a_b/", "http://[::1/",
                   "http://127.0.0.1:99999/", "http://\u00fc.example/",
                   "http://x/" + "a" * 9000):
            with self.subTest(to[:40]):
                self.reg.on("GET", MANIFEST).redirect(
                    to.encode().decode("latin-1"))
                self.refused("UNAVAILABLE", self.ref)
                self.assertEqual(self.cdn.log, [])

    def test_without_location_is_unavailable(self):
        for status in (*STATUSES, 300, 304, 305):
            with self.subTest(status):
                self.reg.on("GET", MANIFEST).reply(status)
                self.refused("UNAVAILABLE", self.ref)

    def test_body_of_a_redirect_is_not_the_content(self):
        self.reg.on("GET", MANIFEST).serve(302, headers={
            "Location": self.cdn.url + "/nothing"})
        self.refused("NOT_FOUND", self.ref)

    def test_content_is_verified_wherever_it_comes_from(self):
        evil = content.image(user="0000")
        self.reg.on("GET", BLOBS).redirect(self.to_cdn)
        self.cdn.on("GET", BLOBS).serve(body=evil.parts[0].body)
        self.refused("DIGEST_MISMATCH", self.ref)

    def test_failing_storage_is_asked_again(self):
        self.reg.on("GET", BLOBS).redirect(self.to_cdn)
        self.cdn.on("GET", BLOBS).fail(503).then.serve()
        self.facts(self.ref)
        self.assertEqual(self.cdn.count(), 2)

    def test_second_try_starts_at_the_registry(self):
        # A signed URL may be of no use a moment later.
        self.reg.on("GET", BLOBS).redirect(self.to_cdn)
        self.cdn.on("GET", BLOBS).reset().then.serve()
        self.facts(self.ref)
        self.assertEqual(self.reg.count(path=BLOBS), 2)

    def test_storage_that_refuses_says_nothing_of_rights(self):
        for status in (401, 403):
            with self.subTest(status):
                self.reg.on("GET", BLOBS).redirect(self.to_cdn)
                self.cdn.on("GET", BLOBS).fail(status, headers={
                    "WWW-Authenticate": f'Basic realm="{self.cdn.realm}"'})
                self.refused("UNAVAILABLE", self.ref, self.with_login())
                self.assertEqual(set(self.strangers()), {None})


class Credentials(Redirects):
    def leave(self, path):
        self.reg.on("GET", path).redirect(self.to_cdn)

    def test_password_stays_with_the_registry(self):
        self.reg.basic(*LOGIN)
        for status in STATUSES:
            with self.subTest(status):
                self.reg.on("GET", BLOBS).redirect(self.to_cdn, status)
                self.facts(self.ref, self.with_login())
        self.assertEqual(set(self.strangers()), {None})
        self.assertIn(BASIC, self.reg.authorizations(BLOBS))

    def test_token_stays_with_the_registry(self):
        self.reg.bearer(login=LOGIN)
        self.leave(BLOBS)
        self.facts(self.ref, self.with_login())
        self.assertEqual(self.strangers(), [None])

    def test_registry_token_stays_with_the_registry(self):
        self.reg.valid.add("hunter2-registry")
        self.reg.bearer()
        self.leave(BLOBS)
        self.facts(self.ref, self.config(dockerConfig=self.docker_config({
            "auths": {self.reg.host: {"registrytoken": "hunter2-registry"}}})))
        self.assertEqual(self.strangers(), [None])

    def test_own_origin_keeps_the_authorization(self):
        self.reg.basic(*LOGIN)
        self.reg.on("GET", BLOBS).redirect(
            lambda r: r.path.replace("/app/", "/other/")).then.redirect(
            lambda r: r.path.replace("/app/", "/other/"))
        self.facts(self.ref, self.with_login())
        self.assertEqual(self.reg.authorizations("/v2/other/*"), [BASIC])

    def test_another_name_of_the_same_server_is_a_stranger(self):
        self.reg.basic(*LOGIN)
        self.reg.on("GET", BLOBS).redirect(
            lambda r: f"http://localhost:{self.reg.port}/elsewhere")
        self.reg.on("GET", "/elsewhere").reply(
            200, self.image.parts[0].body)
        self.facts(self.ref, self.with_login())
        self.assertEqual(self.reg.authorizations("/elsewhere"), [None])

    def test_who_was_led_away_comes_back_as_a_stranger(self):
        self.reg.basic(*LOGIN)
        self.leave(BLOBS)
        self.cdn.on("GET", BLOBS).redirect(self.reg.url + "/reflected")
        self.reg.on("GET", "/reflected").reply(200, self.image.parts[0].body)
        self.facts(self.ref, self.with_login())
        self.assertEqual(self.reg.authorizations("/reflected"), [None])

    def test_challenge_of_a_stranger_is_not_answered(self):
        # A registry that leads to another could collect its passwords.
        self.cdn.basic(*LOGIN)
        for path in (MANIFEST, BLOBS):
            self.leave(path)
            self.refused("UNAVAILABLE", self.ref, self.config(
                credentials={self.reg: LOGIN, self.cdn: LOGIN}))
        self.assertEqual(set(self.strangers()), {None})

    def test_stranger_s_challenge_is_not_remembered_as_the_registry_s(self):
        self.leave(BLOBS)
        self.cdn.on("GET", BLOBS).fail(401, headers={
            "WWW-Authenticate": f'Bearer realm="{self.cdn.realm}"'})
        self.refused("UNAVAILABLE", self.ref, self.with_login())
        self.assertEqual(self.cdn.count(path="/token"), 0)

    def test_debug_log_holds_no_signed_url(self):
        self.leave(BLOBS)
        server = self.serve(self.with_login(), args=["--log-level", "debug"])
        self.assertTrue(self.post(server, self.ref)["allowed"])
        self.cdn.on("GET", "*").fail(500)
        other = self.reg.push("app:2", content.image(user="7"))
        self.assertFalse(self.post(server, other, "2s")["allowed"])
        self.look_through(server.process.text())


class Secure(Redirects):
    secure = True

    def setUp(self):
        super().setUp()
        self.plain = self.registry()
        self.plain.push("app:1", self.image)

    def test_https_to_https_is_followed(self):
        self.reg.basic(*LOGIN)
        self.reg.on("GET", BLOBS).redirect(self.to_cdn)
        self.facts(self.ref, self.with_login())
        self.assertEqual(self.strangers(), [None])

    def test_https_to_http_is_unavailable(self):
        self.reg.basic(*LOGIN)
        for path in (MANIFEST, BLOBS):
            for status in STATUSES:
                with self.subTest(path, status=status):
                    self.reg.on("GET", path).redirect(
                        lambda r: self.plain.url + r.path, status)
                    outcome = self.refused("UNAVAILABLE", self.ref,
                                           self.with_login())
                    self.assertIn("http", outcome.message)
                    self.assertEqual(self.plain.log, [])

    def test_detour_by_way_of_https_ends_at_http_all_the_same(self):
        self.reg.on("GET", BLOBS).redirect(self.to_cdn)
        self.cdn.on("GET", BLOBS).redirect(
            lambda r: self.plain.url + r.path)
        self.refused("UNAVAILABLE", self.ref)
        self.assertEqual(self.plain.log, [])

    def test_scheme_of_the_other_case_is_http_all_the_same(self):
        self.reg.on("GET", BLOBS).redirect(
            lambda r: self.plain.url.replace("http", "HTTP") + r.path)
        self.refused("UNAVAILABLE", self.ref)
        self.assertEqual(self.plain.log, [])

    def test_http_to_https_is_followed(self):
        self.plain.on("GET", BLOBS).redirect(self.to_cdn)
        self.facts(self.plain.ref("app:1"))
        self.assertEqual(self.cdn.count(), 1)

    def test_same_port_by_http_is_another_origin(self):
        self.plain.basic(*LOGIN)
        self.plain.on("GET", BLOBS).redirect(
            lambda r: self.cdn.url + r.path)
        self.facts(self.plain.ref("app:1"), self.config(
            credentials={self.plain: LOGIN}))
        self.assertEqual(self.strangers(), [None])

    def test_stranger_without_a_known_authority_is_a_tls_error(self):
        self.reg.on("GET", BLOBS).redirect(self.to_cdn)
        self.refused("TLS_ERROR", self.ref, self.config(self.reg))
        self.assertEqual(self.cdn.log, [])


if __name__ == "__main__":
    tap.main()
