#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens: how they are asked for, taken, sent, renewed, shared."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, tap  # noqa: E402
from lib.registry_case import Auth, LOGIN  # noqa: E402


class Tokens(Auth):
    def setUp(self):
        super().setUp()
        self.reg.bearer(login=LOGIN)

    def answer(self, value):
        self.reg.on("GET", "/token").reply(200, value)

    def test_access_token_comes_before_token(self):
        self.reg.issue("good")
        self.answer({"token": "bad", "access_token": "good"})
        self.facts(self.ref, self.with_login())
        self.assertEqual(set(self.tokens_sent()), {"Bearer good"})

    def test_access_token_alone_is_taken(self):
        self.reg.issue("good")
        for value in ({"access_token": "good"},
                      {"access_token": "", "token": "good"}):
            with self.subTest(value):
                self.answer(value)
                self.facts(self.ref, self.with_login())

    def test_life_of_any_form_is_no_hindrance(self):
        self.reg.issue("good")
        for life in (None, 0, -5, 60, 1e9, 2 ** 62, "300", "soon", 300.5, [],
                     True):
            with self.subTest(life):
                self.answer({"token": "good", "expires_in": life})
                self.facts(self.ref, self.with_login())

    def test_token_that_would_break_a_header_is_malformed(self):
        for token in ("a b", "a\r\nX-Evil: 1", "a\n", "\u00fc", "a\x7f",
                      "a" * 40000):
            with self.subTest(token[:20]):
                self.answer({"token": token})
                self.refused("MALFORMED", self.ref, self.with_login())
        self.assertFalse(any("X-Evil" in r.headers for r in self.reg.log))

    def test_long_token_is_fine(self):
        token = "a" * 20000
        self.reg.issue(token)
        self.answer({"token": token})
        self.facts(self.ref, self.with_login())

    def test_refused_password_is_unauthorized(self):
        for status in (400, 401, 403):
            with self.subTest(status):
                self.reg.on("GET", "/token").fail(status)
                self.refused("UNAUTHORIZED", self.ref, self.with_login())

    def test_refused_stranger_is_not_found_or_denied(self):
        for status in (401, 403):
            with self.subTest(status):
                self.reg.on("GET", "/token").fail(status)
                self.refused("NOT_FOUND_OR_DENIED", self.ref)

    def test_failing_token_service_is_no_lack_of_rights(self):
        for status, code in ((429, "RATE_LIMITED"), (500, "UNAVAILABLE"),
                             (502, "UNAVAILABLE"), (503, "UNAVAILABLE")):
            with self.subTest(status):
                self.reg.on("GET", "/token").fail(status)
                self.refused(code, self.ref, self.with_login())

    def test_failing_token_service_is_asked_again(self):
        for status in (429, 500, 502, 503, 504):
            with self.subTest(status):
                self.reg.on("GET", "/token").fail(status).then.serve()
                self.facts(self.ref, self.with_login())

    def test_connection_that_breaks_at_the_token_service_is_tried_again(self):
        self.reg.on("GET", "/token").reset().then.close().then.serve()
        self.facts(self.ref, self.with_login())

    def test_token_service_that_says_nothing_is_a_timeout(self):
        self.reg.on("GET", "/token").hang()
        outcome = self.refused("TIMEOUT", self.ref, self.with_login(),
                               timeout=1)
        self.assertLess(outcome.seconds, 2.5)

    def test_endless_token_is_too_large(self):
        self.reg.on("GET", "/token").endless()
        self.refused("TOO_LARGE", self.ref, self.with_login())
        self.reg.on("GET", "/token").reply(
            200, '{"token": "a", "x": "' + "b" * 65536 + '"}')
        self.refused("TOO_LARGE", self.ref, self.with_login())

    def test_truncated_token_answer_is_truncated(self):
        self.reg.on("GET", "/token").truncate()
        self.refused("TRUNCATED", self.ref, self.with_login())

    def test_refused_token_is_renewed_once(self):
        # The first tokens are of no use any more when the config is fetched.
        self.reg.on("GET", "/v2/app/blobs/*").ask(
            lambda request: (self.reg.revoke(), self.reg.answer(request))[1]
        ).then.serve()
        self.facts(self.ref, self.with_login())
        self.assertEqual(self.reg.count(path="/token"), 2)

    def test_token_that_never_works_is_unauthorized(self):
        self.answer({"token": "never-valid"})
        self.refused("UNAUTHORIZED", self.ref, self.with_login())
        self.assertLessEqual(self.reg.count(path="/token"), 3)
        self.reg.log.clear()
        self.refused("NOT_FOUND_OR_DENIED", self.ref)

    def test_one_token_serves_all_parts_of_an_image(self):
        ref = self.reg.push("app:2", content.multi(
            "linux/amd64", "linux/arm64", "linux/s390x"))
        self.facts(ref, self.with_login())
        self.assertEqual(self.reg.count(path="/token"), 1)
        self.assertEqual(len(set(self.tokens_sent())), 1)

    def test_each_repository_has_a_token_of_its_own(self):
        refs = [self.reg.push(f"team/app-{i}:1", content.image(user=str(i)))
                for i in range(3)]
        images, status = self.check(*refs, config=self.with_login())
        self.assertEqual(status, 0, images)
        self.assertEqual(
            sorted(r.query["scope"][0] for r in self.reg.requests(
                path="/token")),
            [f"repository:team/app-{i}:pull" for i in range(3)])

    def test_many_who_want_a_token_share_one(self):
        refs = [self.reg.push(f"app:{i}", content.image(user=str(i)))
                for i in range(40)]
        images, status = self.check(*refs, config=self.with_login())
        self.assertEqual(status, 0, images)
        self.assertEqual(self.reg.count(path="/token"), 1)


class RefreshTokens(Auth):
    REFRESH = "refresh-hunter2"

    def setUp(self):
        super().setUp()
        self.hidden.append(self.REFRESH)
        self.reg.bearer(login=("<token>", self.REFRESH))
        self.reg.refresh_tokens = [self.REFRESH]
        self.login = self.config(dockerConfig=self.docker_config({"auths": {
            self.reg.host: {"identitytoken": self.REFRESH,
                            "username": "<token>", "password": ""}}}))

    def test_identity_token_is_posted(self):
        self.facts(self.ref, self.login)
        request = self.reg.requests("POST", "/token")[0]
        self.assertIsNone(request.authorization)
        form = dict(p.split("=", 1) for p in request.body.split("&"))
        self.assertEqual(form["grant_type"], "refresh_token")
        self.assertEqual(form["refresh_token"], self.REFRESH)
        self.assertEqual(form["service"], "fault-service")
        self.assertEqual(form["scope"], "repository%3Aapp%3Apull")
        self.assertTrue(form["client_id"])
        self.assertEqual(self.reg.count("GET", "/token"), 0)

    def test_service_that_does_not_know_post_is_asked_by_get(self):
        for status in (400, 401, 404, 405):
            with self.subTest(status):
                self.reg.log.clear()
                self.reg.on("POST", "/token").fail(status)
                self.facts(self.ref, self.login)
                self.assertEqual(self.reg.count("POST", "/token"), 1)
                self.assertEqual(
                    [r.authorization for r in self.reg.requests(
                        "GET", "/token")],
                    [fault_registry.basic("<token>", self.REFRESH)])

    def test_redirect_of_a_post_is_auth_unsupported(self):
        other = self.registry()
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status):
                self.reg.on("POST", "/token").redirect(other.realm, status)
                self.refused("AUTH_UNSUPPORTED", self.ref, self.login)
                self.assertEqual(other.log, [])

    def test_post_to_a_stranger_does_not_happen(self):
        other = self.registry()
        self.reg.bearer(of=other)
        self.facts(self.ref, self.login)
        self.assertEqual(other.count("POST"), 0)
        self.assertEqual(other.authorizations(), [None])

    def test_service_that_fails_on_post_is_asked_again(self):
        self.reg.on("POST", "/token").fail(503).then.serve()
        self.facts(self.ref, self.login)
        self.assertEqual(self.reg.count("POST", "/token"), 2)

    def test_registry_token_is_sent_as_it_is(self):
        self.reg.valid.add("registry-hunter2")
        self.hidden.append("registry-hunter2")
        self.facts(self.ref, self.config(dockerConfig=self.docker_config({
            "auths": {self.reg.host: {"registrytoken": "registry-hunter2"}}})))
        self.assertEqual(self.reg.count(path="/token"), 0)

    def test_refused_registry_token_is_unauthorized(self):
        self.refused("UNAUTHORIZED", self.ref, self.config(
            dockerConfig=self.docker_config({"auths": {
                self.reg.host: {"registrytoken": "unknown"}}})))
        self.assertLess(self.reg.count(), 3)


if __name__ == "__main__":
    tap.main()
