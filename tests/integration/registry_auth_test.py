#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Who is told a password or a token, and who is not: challenges, token services,
docker configs. In each test the requests of every server are looked at.
"""

import base64
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, registry_case, tap  # noqa: E402
from lib.registry_case import LOGIN, PASSWORD, USER  # noqa: E402

BASIC = fault_registry.basic(*LOGIN)
MANIFEST = "/v2/app/manifests/1"


class Auth(registry_case.Case):
    def setUp(self):
        super().setUp()
        self.reg = self.registry()
        self.ref = self.reg.push("app:1", content.image())

    def with_login(self, *registries, login=LOGIN, **more):
        return self.config(*registries, credentials={self.reg: login}, **more)

    def tokens_sent(self):
        return [a for a in self.reg.authorizations("/v2/*")
                if a and a.startswith("Bearer ")]

    def no_secret_at(self, *servers):
        for server in servers:
            for request in server.log:
                self.assertIsNone(request.authorization, request.path)
                self.assertNotIn(PASSWORD, str(request.query) + request.body)


class Basic(Auth):
    def test_password_is_sent_to_who_asks_for_it(self):
        self.reg.basic(*LOGIN)
        self.facts(self.ref, self.with_login())
        self.assertEqual(self.reg.authorizations(), [None, BASIC, BASIC])

    def test_password_is_sent_to_nobody_who_does_not_ask(self):
        self.facts(self.ref, self.with_login())
        self.no_secret_at(self.reg)

    def test_wrong_password_is_unauthorized(self):
        self.reg.basic(USER, "other")
        outcome = self.refused("UNAUTHORIZED", self.ref, self.with_login())
        self.assertIn(self.reg.host, outcome.message)
        self.assertLess(self.reg.count(), 4)

    def test_no_password_is_not_found_or_denied(self):
        self.reg.basic(*LOGIN)
        self.refused("NOT_FOUND_OR_DENIED", self.ref)

    def test_403_with_credentials_is_unauthorized(self):
        self.reg.basic(*LOGIN)
        self.reg.on("GET", MANIFEST).serve().then.fail(403)
        self.refused("UNAUTHORIZED", self.ref, self.with_login())

    def test_403_without_credentials_is_not_found_or_denied(self):
        self.reg.on("GET", MANIFEST).fail(403)
        self.refused("NOT_FOUND_OR_DENIED", self.ref)

    def test_404_is_not_found(self):
        self.refused("NOT_FOUND", self.reg.ref("other:1"))
        self.reg.basic(*LOGIN)
        self.refused("NOT_FOUND", self.reg.ref("other:1"), self.with_login())

    def test_credentials_of_one_registry_are_not_sent_to_another(self):
        other = self.registry()
        ref = other.push("app:1", content.image())
        for wanted in (other.basic, None):
            if wanted:
                wanted(*LOGIN)
            self.refused("NOT_FOUND_OR_DENIED", ref, self.with_login())
        self.no_secret_at(other)


class Challenges(Auth):
    def facts_by_token(self, *challenges):
        self.reg.log.clear()
        self.reg.bearer(login=LOGIN, challenges=[
            c.replace("<realm>", self.reg.realm) for c in challenges])
        self.facts(self.ref, self.with_login())
        self.assertEqual(self.reg.count(path="/token"), 1)
        return self.reg.requests(path="/token")[0]

    def test_bearer_is_found_among_others(self):
        bearer = 'Bearer realm="<realm>",service="s"'
        for challenges in (
                ['Negotiate', bearer], [bearer, 'Basic realm="x"'],
                ['Basic realm="x"', bearer], [f'Basic realm="x", {bearer}'],
                [f'{bearer}, Basic realm="x"'],
                ['Negotiate dG9rZW42OA==', bearer],
                [f'Negotiate dG9rZW42OA==, {bearer}'],
                [f'NTLM, {bearer}'], [f'Digest realm="x, Bearer", {bearer}'],
                [f'Digest nonce="a\\"b, Basic ", qop="auth", {bearer}'],
                [f'Custom a=b, c="d" , {bearer} ,'], [f' , ,{bearer}'],
                ['bEARER REALM="<realm>" , SERVICE=s'],
                ['Bearer error="invalid_token"', bearer]):
            with self.subTest(challenges):
                request = self.facts_by_token(*challenges)
                self.assertEqual(request.query["service"], ["s"])

    def test_quoted_commas_and_escapes_belong_to_the_value(self):
        for text, service in (('"a,b"', "a,b"), ('"a\\"b"', 'a"b'),
                              ('"a\\\\b"', "a\\b"), ('"a b&c=d"', "a b&c=d"),
                              ('"a, Basic realm=x"', "a, Basic realm=x")):
            with self.subTest(text):
                request = self.facts_by_token(
                    f'Bearer service={text},realm="<realm>"')
                self.assertEqual(request.query["service"], [service])

    def test_bearer_comes_before_basic(self):
        self.facts_by_token('Basic realm="x"',
                            'Bearer realm="<realm>",service="s"')
        self.assertNotIn(BASIC, self.reg.authorizations("/v2/*"))

    def test_malformed_header_does_not_spoil_the_others(self):
        bearer = 'Bearer realm="<realm>",service="s"'
        for bad in ('Bearer realm="unclosed', '"', "=", 'Bearer realm',
                    'Bearer =x', "\x7f\xff"):
            with self.subTest(bad):
                self.facts_by_token(bad, bearer)

    def test_challenges_that_cannot_be_used_are_auth_unsupported(self):
        for challenges in (
                ['Bearer service="s"'], ["Bearer"], ["Negotiate"],
                ['Digest realm="x"'], ['Bearer realm=""'],
                ['Bearer realm="not a url"'], ['Bearer realm="/token"'],
                ['Bearer realm="ftp://127.0.0.1/token"'],
                ['Bearer realm="file:///etc/passwd"'],
                ['Bearer realm="https://"'], ["garbage here ="],
                ['Bearer realm="https://exa mple/"']):
            with self.subTest(challenges):
                self.reg.bearer(challenges=challenges)
                self.refused("AUTH_UNSUPPORTED", self.ref, self.with_login())
                self.assertNotIn(BASIC, self.reg.authorizations())

    def test_challenge_over_8_kib_counts_for_nothing(self):
        self.reg.bearer(challenges=[
            f'Bearer realm="{self.reg.realm}",x="{"a" * 9000}"'])
        self.refused("AUTH_UNSUPPORTED", self.ref, self.with_login())
        self.assertEqual(self.reg.count(path="/token"), 0)

    def test_challenge_with_two_realms_counts_for_nothing(self):
        other = self.registry()
        self.reg.bearer(challenges=[
            f'Bearer realm="{self.reg.realm}",realm="{other.realm}"'])
        self.refused("AUTH_UNSUPPORTED", self.ref, self.with_login())
        self.no_secret_at(self.reg, other)

    def test_401_without_challenge_asks_v2_once(self):
        self.reg.bearer(login=LOGIN)
        self.reg.on("GET", MANIFEST).fail(401).then.serve()
        self.facts(self.ref, self.with_login())
        self.assertEqual(self.reg.count(path="/v2/"), 1)

    def test_401_without_any_challenge_is_auth_unsupported(self):
        for status in (401, 200, 404):
            with self.subTest(status):
                self.reg.log.clear()
                self.reg.on("GET", MANIFEST).fail(401)
                self.reg.on("GET", "/v2/").fail(status)
                outcome = self.inspect(self.ref, self.with_login())
                self.assertEqual(outcome.code, "NOT_FOUND" if status == 404
                                 else "AUTH_UNSUPPORTED")
                self.assertLessEqual(self.reg.count(), 2)
                self.no_secret_at(self.reg)

    def test_challenges_without_end_are_given_up(self):
        # Each answer another service: one that cannot be pleased.
        names = iter(range(1000))
        self.reg.on("GET", MANIFEST).ask(lambda _: fault_registry.error(
            401, "UNAUTHORIZED", {
                "WWW-Authenticate": f'Bearer realm="{self.reg.realm}",'
                                    f'service="s{next(names)}"'}))
        self.refused("UNAUTHORIZED", self.ref, self.with_login())
        self.assertLess(self.reg.count(), 12)


class Realms(Auth):
    """self.reg is plain: what is about https has registries of its own."""

    def setUp(self):
        super().setUp()
        self.other = self.registry()

    def secure(self, **options):
        registry = self.registry(tls=registry_case.authority(), **options)
        registry.push("app:1", content.image())
        return registry

    def test_own_origin_gets_the_password_and_the_scope_of_a_pull(self):
        self.reg.bearer(login=LOGIN)
        self.facts(self.ref, self.with_login())
        request = self.reg.requests(path="/token")[0]
        self.assertEqual(request.authorization, BASIC)
        self.assertEqual(request.query, {"service": ["fault-service"],
                                         "scope": ["repository:app:pull"]})

    def test_scope_that_the_challenge_asks_for_is_not_believed(self):
        self.reg.bearer(login=LOGIN, challenges=[
            f'Bearer realm="{self.reg.realm}",service="s",'
            'scope="repository:user/image:pull,push registry:catalog:*"'])
        self.facts(self.ref, self.with_login())
        self.assertEqual(self.reg.requests(path="/token")[0].query["scope"],
                         ["repository:app:pull"])

    def test_other_origin_gets_no_password_and_the_message_says_why(self):
        self.reg.bearer(of=self.other, login=LOGIN)
        outcome = self.refused("UNAUTHORIZED", self.ref,
                               self.with_login(self.reg))
        self.no_secret_at(self.other)
        self.assertEqual(self.other.count(path="/token"), 1)
        self.assertIn(self.other.host, outcome.message)
        self.assertIn("tokenRealms", outcome.message)

    def test_other_origin_is_asked_without_a_name(self):
        self.reg.bearer(of=self.other)
        self.facts(self.ref, self.with_login(self.reg))
        self.no_secret_at(self.other)

    def test_other_origin_that_is_listed_gets_the_password(self):
        self.reg.bearer(of=self.other, login=LOGIN)
        self.facts(self.ref, self.with_login(self.reg, entries={
            self.reg.host: {"tokenRealms": [self.other.host]}}))
        self.assertEqual(self.other.authorizations("/token"), [BASIC])

    def test_same_host_at_another_port_is_another_origin(self):
        self.assertEqual(self.other.host.split(":")[0],
                         self.reg.host.split(":")[0])
        self.test_other_origin_gets_no_password_and_the_message_says_why()

    def test_another_name_of_the_same_address_is_another_origin(self):
        self.reg.bearer(login=LOGIN, realm=self.reg.realm.replace(
            "127.0.0.1", "localhost"))
        self.refused("UNAUTHORIZED", self.ref, self.with_login(self.reg))
        self.assertEqual(self.reg.authorizations("/token"), [None])

    def test_token_service_of_another_s_entry_gets_no_password(self):
        # Listed for somebody else: for us it is a stranger.
        self.reg.bearer(of=self.other, login=LOGIN)
        self.refused("UNAUTHORIZED", self.ref, self.with_login(
            self.reg, self.other, entries={
                "third.corp": {"tokenRealms": [self.other.host]}}))
        self.no_secret_at(self.other)

    def test_plain_realm_of_a_registry_over_tls_is_auth_unsupported(self):
        secure = self.secure()
        secure.bearer(of=self.other, login=LOGIN)
        self.refused("AUTH_UNSUPPORTED", secure.ref("app:1"), self.config(
            secure, credentials={secure: LOGIN}, entries={
                secure.host: {"tokenRealms": [self.other.host]}}))
        self.assertEqual(self.other.log, [])

    def test_realm_over_tls_of_a_plain_registry_is_fine(self):
        secure = self.secure()
        self.reg.bearer(of=secure, login=LOGIN)
        self.facts(self.ref, self.with_login(self.reg, secure, entries={
            self.reg.host: {"tokenRealms": [secure.host]}}))

    def test_realm_whose_certificate_nobody_vouches_for_is_a_tls_error(self):
        secure = self.secure()
        self.reg.bearer(of=secure)
        self.refused("TLS_ERROR", self.ref, self.with_login(self.reg))
        self.assertEqual(secure.log, [])

    def test_realms_with_user_or_fragment_are_auth_unsupported(self):
        for realm in (self.reg.realm.replace("//", "//user@"),
                      self.reg.realm.replace("//", f"//{self.reg.host}:x@"),
                      self.reg.realm.replace("//", "//a:b@"),
                      self.reg.realm + "#fragment",
                      f"http://{self.reg.host}@{self.other.host}/token",
                      f"http://{self.reg.host}\\\\@{self.other.host}/token"):
            with self.subTest(realm):
                self.reg.bearer(realm=realm, login=LOGIN)
                self.refused("AUTH_UNSUPPORTED", self.ref,
                             self.with_login(self.reg))
                self.assertEqual(self.reg.count(path="/token"), 0)
                self.assertEqual(self.other.log, [])

    def test_realm_keeps_its_own_query(self):
        self.reg.bearer(realm=self.reg.realm + "?account=a%26b&x=1",
                        login=LOGIN)
        self.facts(self.ref, self.with_login())
        self.assertEqual(self.reg.requests(path="/token")[0].query, {
            "account": ["a&b"], "x": ["1"], "service": ["fault-service"],
            "scope": ["repository:app:pull"]})

    def test_redirect_of_the_token_service_is_auth_unsupported(self):
        for status in (301, 302, 303, 307, 308):
            for to in (self.other.realm, self.reg.url + "/elsewhere"):
                with self.subTest(status, to=to):
                    self.reg.bearer(login=LOGIN)
                    self.reg.on("GET", "/token").redirect(to, status)
                    self.refused("AUTH_UNSUPPORTED", self.ref,
                                 self.with_login())
                    self.assertEqual(self.other.log, [])
                    self.assertEqual(self.reg.count(path="/elsewhere"), 0)

    def test_password_and_token_never_go_the_other_way(self):
        # The registry gets tokens, the token service the password.
        self.reg.bearer(of=self.other, login=LOGIN)
        self.facts(self.ref, self.with_login(self.reg, entries={
            self.reg.host: {"tokenRealms": [self.other.host]}}))
        self.assertNotIn(BASIC, self.reg.authorizations())
        self.assertEqual(self.other.authorizations(), [BASIC])


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


class DockerConfigs(Auth):
    def setUp(self):
        super().setUp()
        self.reg.basic(*LOGIN)

    @staticmethod
    def auth(user=USER, password=PASSWORD):
        return base64.b64encode(f"{user}:{password}".encode()).decode()

    def by(self, value):
        return self.config(dockerConfig=self.docker_config(value))

    def test_each_form_is_read(self):
        padded = self.auth(USER, PASSWORD)
        for value in (
                {"auth": padded}, {"auth": padded.rstrip("=")},
                {"username": USER, "password": PASSWORD},
                {"auth": padded, "username": USER, "password": PASSWORD},
                {"auth": padded, "email": "a@b.c"},
                {"auth": base64.b64encode(
                    f"{USER}:{PASSWORD}\0\0".encode()).decode()}):
            with self.subTest(value):
                self.facts(self.ref, self.by(
                    {"auths": {self.reg.host: value}, "credsStore": ""}))

    def test_dockercfg_is_read(self):
        self.facts(self.ref, self.by({self.reg.host: {
            "auth": self.auth(), "email": "a@b.c"}}))

    def test_keys_are_matched_as_the_kubelet_does(self):
        host, port = self.reg.host.split(":")
        ref = self.reg.push("team/app:1", content.image())
        for key, matches in (
                (self.reg.host, True), (f"http://{self.reg.host}", True),
                (f"https://{self.reg.host}/v1/", True),
                (f"https://{self.reg.host}/v2/", True),
                (f"{self.reg.host}/team", True),
                (f"{self.reg.host}/team/app", True),
                (f"{self.reg.host}/te", True),  # no boundary
                (f"127.0.*.1:{port}", True), (f"*.*.*.*:{port}", True),
                (f"127.0.0.?:{port}", True),
                (f"{self.reg.host}/other", False),
                (f"{self.reg.host}/team/app/more", False),
                (host, False), (f"{host}:1", False), (f"*:{port}", False),
                (f"*.0.1:{port}", False), (f"0.0.1:{port}", False),
                (f"localhost:{port}", False), ("*", False)):
            with self.subTest(key):
                self.reg.log.clear()
                outcome = self.inspect(ref, self.by(
                    {"auths": {key: {"auth": self.auth()}}}))
                self.assertEqual(outcome.code, None if matches
                                 else "NOT_FOUND_OR_DENIED")
                self.assertEqual(BASIC in self.reg.authorizations(), matches)

    def test_all_that_match_are_tried_the_most_exact_first(self):
        ref = self.reg.push("team/app:1", content.image())
        host = self.reg.host
        auths = {host: {"auth": self.auth()},
                 f"{host}/team": {"auth": self.auth("second", "x")},
                 f"{host}/team/app": {"auth": self.auth("first", "x")},
                 f"{host}/other": {"auth": self.auth("never", "x")}}
        self.facts(ref, self.by({"auths": auths}))
        tried = list(dict.fromkeys(
            a for a in self.reg.authorizations() if a))
        self.assertEqual(tried, [fault_registry.basic("first", "x"),
                                 fault_registry.basic("second", "x"), BASIC])

    def test_all_that_match_are_tried_for_a_token(self):
        self.reg.bearer(login=LOGIN)
        auths = {self.reg.host: {"auth": self.auth()},
                 f"{self.reg.host}/app": {"auth": self.auth("first", "x")}}
        self.facts(self.ref, self.by({"auths": auths}))
        self.assertEqual(self.reg.authorizations("/token")[:2],
                         [fault_registry.basic("first", "x"), BASIC])

    def test_token_that_may_not_pull_leads_to_the_next_credential(self):
        self.reg.bearer()
        self.reg.on("GET", "/token").reply(
            200, {"token": "may-nothing"}).then.serve()
        self.reg.on("GET", MANIFEST).serve().then.fail(403).then.serve()
        auths = {self.reg.host: {"auth": self.auth()},
                 f"{self.reg.host}/app": {"auth": self.auth("first", "x")}}
        self.facts(self.ref, self.by({"auths": auths}))
        self.assertEqual(self.reg.authorizations("/token")[:2],
                         [fault_registry.basic("first", "x"), BASIC])

    def test_no_more_than_eight_are_tried(self):
        keys = [self.reg.host + path for path in ("", "/a", "/ap", "/app")]
        keys += [f"{a}.{b}.0.1:{self.reg.port}"
                 for a in ("127", "12?", "1*", "*") for b in ("?", "*")]
        auths = {key: {"auth": self.auth(str(i), "x")}
                 for i, key in enumerate(keys)}
        self.refused("UNAUTHORIZED", self.ref, self.by({"auths": auths}))
        self.assertEqual(len({a for a in self.reg.authorizations() if a}), 8)

    def test_config_s_own_credentials_come_before_dockers(self):
        self.facts(self.ref, self.config(
            credentials={self.reg: LOGIN},
            dockerConfig=self.docker_config({"auths": {
                self.reg.host: {"auth": self.auth("docker", "x")}}})))
        self.assertEqual(list(dict.fromkeys(self.reg.authorizations())),
                         [None, BASIC])

    def test_files_that_cannot_be_read_are_told_without_their_secrets(self):
        for value in ({"auths": {self.reg.host: {"auth": "!hunter2!"}}},
                      {"auths": {self.reg.host: {"auth": base64.b64encode(
                          b"hunter2-no-colon").decode()}}},
                      {"auths": {self.reg.host: {"password": ["hunter2"]}}},
                      {"auths": ["hunter2"]}, ["hunter2"]):
            with self.subTest(value):
                self.hidden.append("hunter2")
                done, _ = self.run_gate("inspect", "--config", self.by(value),
                                        self.ref)
                self.assertEqual(done.returncode, 2)
                self.assertIn("dockerConfig", done.stderr)

    def test_credential_that_worked_is_the_first_next_time(self):
        self.facts(self.ref, self.by({"auths": {
            self.reg.host: {"auth": self.auth()},
            f"{self.reg.host}/app": {"auth": self.auth("first", "x")}}}))
        self.assertEqual(self.reg.authorizations("*/blobs/*"), [BASIC])

    def test_credential_that_no_longer_works_is_passed_over(self):
        logins = [("one", "x"), ("two", "y")]
        self.reg.basic(*logins[0])
        server = self.serve(self.by({"auths": {
            f"{self.reg.host}{path}": {"username": user, "password": password}
            for path, (user, password) in zip(("", "/app"), logins)}}))
        for number, login in enumerate([*logins, logins[0]]):
            self.reg.basic(*login)
            self.assertTrue(self.post(server, self.reg.push(
                f"app:{number}", content.image(user=f"{number}")))["allowed"])

    def test_password_with_blanks_around_is_kept(self):
        self.reg.basic(USER, " pass word ")
        self.facts(self.ref, self.config(
            credentials={self.reg: (USER + "\n", " pass word \n")}))


class Served(Auth):
    """What the webhook remembers from one review to the next."""

    def test_realm_and_token_are_remembered(self):
        self.reg.bearer(login=LOGIN)
        server = self.serve(self.with_login(cache={"tagTtl": "1s"}))
        self.assertTrue(self.post(server, self.ref)["allowed"])
        self.assertEqual(self.reg.count(), 4)
        self.reg.log.clear()
        other = self.reg.push("app:2", content.image(user="7"))
        self.assertTrue(self.post(server, other)["allowed"])
        self.assertEqual(self.reg.count(), 2)
        self.assertNotIn(None, self.reg.authorizations())

    def test_expired_token_is_not_sent(self):
        self.reg.bearer(login=LOGIN)
        for number in (1, 2):
            self.reg.issue(f"short-{number}")
        rule = self.reg.on("GET", "/token")
        rule.reply(200, {"token": "short-1", "expires_in": 2})
        rule.reply(200, {"token": "short-2", "expires_in": 60})
        server = self.serve(self.with_login())
        self.assertTrue(self.post(server, self.ref)["allowed"])
        time.sleep(2)
        self.reg.log.clear()
        self.reg.valid.discard("short-1")
        other = self.reg.push("app:2", content.image(user="7"))
        self.assertTrue(self.post(server, other)["allowed"])
        self.assertNotIn("Bearer short-1", self.reg.authorizations())

    def test_revoked_token_is_renewed(self):
        self.reg.bearer(login=LOGIN)
        server = self.serve(self.with_login())
        self.assertTrue(self.post(server, self.ref)["allowed"])
        self.reg.revoke()
        other = self.reg.push("app:2", content.image(user="7"))
        self.assertTrue(self.post(server, other)["allowed"])
        self.assertEqual(self.reg.count(path="/token"), 2)

    def test_registry_that_changes_its_mind_is_followed(self):
        self.reg.basic(*LOGIN)
        server = self.serve(self.with_login())
        self.assertTrue(self.post(server, self.ref)["allowed"])
        self.reg.bearer(login=LOGIN)
        other = self.reg.push("app:2", content.image(user="7"))
        self.assertTrue(self.post(server, other)["allowed"])

    def test_debug_log_holds_no_secret(self):
        self.reg.bearer(login=LOGIN)
        server = self.serve(self.with_login(),
                            args=["--log-level", "debug"])
        self.assertTrue(self.post(server, self.ref)["allowed"])
        for path in ("/token", MANIFEST):
            self.reg.on("GET", path).fail(403)
            self.post(server, self.reg.push("app:3", content.image(user="3")))
        self.look_through(server.process.text())
        self.look_through(json.dumps(server.metrics()))


if __name__ == "__main__":
    tap.main()
