#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Who is told a password or a token, and who is not: challenges, token services.
In each test the requests of every server are looked at.
"""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, registry_case, tap  # noqa: E402
from lib.registry_case import Auth, LOGIN, PASSWORD, USER  # noqa: E402

BASIC = fault_registry.basic(*LOGIN)
MANIFEST = "/v2/app/manifests/1"


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
