#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Logins at a real registry over TLS: Basic against its password file, Bearer
with tokens that our own service signs and that it verifies.
"""

import base64
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import images, paths, registry_case, tap, tokens  # noqa: E402
from lib.tokens import PASSWORD, USER  # noqa: E402

IMAGE = "shop/lean:1"
OTHER = "other/lean:1"
RIGHT = (USER, PASSWORD)
WRONG = (USER, "not the password")
# May use nothing below other/.
CLERK = ("clerk", "a clerk's password")
USERS = {USER: (PASSWORD, ["*"]), CLERK[0]: (CLERK[1], ["shop/*"])}


def pair(login):
    return base64.b64encode(":".join(login).encode()).decode()


class Login(registry_case.Case):
    auth = None
    options = {}

    def setUp(self):
        super().setUp()
        self.hidden += [PASSWORD, WRONG[1], CLERK[1]] + [
            pair(login) for login in (RIGHT, WRONG, CLERK)]
        self.reg = images.serve(
            self.auth, auth=self.auth,
            tls=registry_case.authority(), users=USERS, **self.options)
        self.addCleanup(self.reg.close)

    def held(self, logins, **more):
        """A config file with credentials as docker keeps them: {"": (user,
        password), "/shop": another}, by what follows the host."""
        docker = {"auths": {self.reg.host + where: {"auth": pair(login)}
                            for where, login in logins.items()}}
        return self.config(self.reg, dockerConfig=self.docker_config(docker),
                           **more)

    def answers(self, image=IMAGE):
        """What the registry said to requests for a tag."""
        name, tag = image.split(":")
        path = f"/v2/{name}/manifests/{tag}"
        return [status for _, asked, status in self.reg.requests()
                if asked == path]

    def assert_both(self, code, config, image=IMAGE):
        """That command line and webhook see it alike; None: it goes well."""
        ref = self.reg.ref(image)
        outcome = self.inspect(ref, config)
        self.assertEqual(outcome.code, code, self.words(outcome))
        answer = self.post(self.serve(config), ref)
        self.assertEqual(answer["allowed"], code is None, answer)
        if code:
            self.assertIn(code, answer["status"]["message"])


class Common:
    """What holds for both ways."""

    def test_right_password(self):
        self.assert_both(None, self.held({"": RIGHT}))

    def test_wrong_password(self):
        self.assert_both("UNAUTHORIZED", self.held({"": WRONG}))

    def test_no_password(self):
        self.assert_both("NOT_FOUND_OR_DENIED", self.config(self.reg))

    def test_password_of_another_host_is_not_used(self):
        docker = {"auths": {"registry.corp": {"auth": pair(RIGHT)}}}
        self.assert_both("NOT_FOUND_OR_DENIED", self.config(
            self.reg, dockerConfig=self.docker_config(docker)))

    def test_next_password_is_tried(self):
        # The longer key comes first, as with the kubelet.
        self.assert_both(None, self.held({"": RIGHT, "/shop": WRONG}))

    def test_no_password_is_tried_after_the_last(self):
        self.assert_both("UNAUTHORIZED",
                         self.held({"": WRONG, "/shop": WRONG}))

    def test_password_of_the_entry_comes_first(self):
        config = self.config(self.reg, credentials={self.reg: RIGHT},
                             dockerConfig=self.docker_config({"auths": {
                                 self.reg.host: {"auth": pair(WRONG)}}}))
        self.assert_both(None, config)
        self.assertNotIn(WRONG[1], self.reg.process.text())

    def test_every_platform_of_an_index(self):
        outcome = self.facts(self.reg.ref(images.INDEX),
                             self.held({"": RIGHT}))
        self.assertEqual(outcome.platforms, list(images.INDEX_PARTS))

    def test_image_that_is_not_there(self):
        self.assert_both("NOT_FOUND", self.held({"": RIGHT}),
                         "shop/nothing:1")


class Basic(Common, Login):
    auth = "basic"

    def test_known_way_is_gone_at_once(self):
        server = self.serve(self.held({"": RIGHT}))
        for image in (IMAGE, "shop/root:1", OTHER):
            self.assertTrue(self.post(server, self.reg.ref(image))["allowed"])
        self.assertEqual([self.answers(i) for i in (
            IMAGE, "shop/root:1", OTHER)], [[401, 200], [200], [200]])


class Bearer(Common, Login):
    auth = "bearer"

    def scopes(self):
        return [q.get("scope") for q in self.reg.tokens.queries]

    def test_token_is_for_pulling_one_repository(self):
        self.facts(self.reg.ref(IMAGE), self.held({"": RIGHT}))
        self.assertEqual(self.reg.tokens.queries, [{
            "service": [tokens.SERVICE],
            "scope": ["repository:shop/lean:pull"]}])
        self.assertEqual(self.answers(), [401, 200])

    def test_token_of_one_repository_is_not_shown_for_another(self):
        server = self.serve(self.held({"": RIGHT}))
        for image in (IMAGE, "shop/lean:latest", OTHER, OTHER):
            self.assertTrue(self.post(server, self.reg.ref(image))["allowed"])
        self.assertEqual(self.scopes(), [["repository:shop/lean:pull"],
                                         ["repository:other/lean:pull"]])
        # Known is where tokens come from, held is the right one.
        self.assertEqual(self.answers("shop/lean:latest"), [200])
        self.assertEqual(self.answers(OTHER), [200])

    def test_token_that_allows_nothing_is_a_refusal(self):
        config = self.held({"": CLERK})
        self.assert_both(None, config)
        self.assert_both("UNAUTHORIZED", config, OTHER)

    def test_next_password_is_tried_where_a_token_allows_nothing(self):
        config = self.held({"": RIGHT, "/other": CLERK})
        self.assert_both(None, config, OTHER)
        self.assertEqual(self.reg.tokens.authorizations[:2], [
            f"Basic {pair(CLERK)}", f"Basic {pair(RIGHT)}"])

    def test_realm_that_is_not_listed_gets_no_password(self):
        config = json.loads(self.held({"": RIGHT}).read_text())
        del config["registries"][self.reg.host]["tokenRealms"]
        config = paths.write("unlisted.json", json.dumps(config))
        outcome = self.refused("UNAUTHORIZED", self.reg.ref(IMAGE), config)
        self.assertIn("tokenRealms", outcome.message)
        self.assertIn(self.reg.tokens.host, outcome.message)
        self.assertEqual(self.reg.tokens.authorizations, [None])

    def test_service_that_knows_no_post_is_asked_by_get(self):
        docker = {"auths": {self.reg.host: {
            "username": USER, "password": PASSWORD,
            "identitytoken": "not-known-there"}}}
        config = self.config(self.reg, dockerConfig=self.docker_config(docker))
        for status in (400, 401, 404, 405):
            with self.subTest(status):
                self.reg.tokens.post = status
                self.reg.tokens.posts = 0
                self.facts(self.reg.ref(IMAGE), config)
                self.assertEqual(self.reg.tokens.posts, 1)

    def test_token_of_a_key_that_was_replaced_is_renewed_once(self):
        server = self.serve(self.held({"": RIGHT}))
        self.assertTrue(self.post(server, self.reg.ref(IMAGE))["allowed"])
        self.reg.stop()
        self.reg.tokens.new_key()
        self.reg.start()
        self.assertTrue(self.post(server, self.reg.ref("shop/lean:latest"))[
            "allowed"])
        self.assertEqual(len(self.reg.tokens.queries), 2)
        self.assertEqual(self.answers("shop/lean:latest"), [401, 200])

    def test_registry_that_takes_no_token_is_given_up(self):
        self.reg.tokens.new_key()
        outcome = self.refused("UNAUTHORIZED", self.reg.ref(IMAGE),
                               self.held({"": RIGHT}))
        self.assertLess(outcome.seconds, 5)
        self.assertLessEqual(len(self.reg.tokens.queries), 2)


class Public(Login):
    """Some of it may be pulled by everybody."""

    auth = "bearer"
    options = {"public": ["shop/*"]}

    def test_without_a_password(self):
        config = self.config(self.reg)
        self.assert_both(None, config)
        self.assert_both("NOT_FOUND_OR_DENIED", config, OTHER)
        self.assertEqual(set(self.reg.tokens.authorizations), {None})

    def test_realm_that_is_not_listed_is_asked_as_everybody(self):
        config = json.loads(self.held({"": RIGHT}).read_text())
        del config["registries"][self.reg.host]["tokenRealms"]
        self.facts(self.reg.ref(IMAGE),
                   paths.write("public.json", json.dumps(config)))
        self.assertEqual(self.reg.tokens.authorizations, [None])


if __name__ == "__main__":
    tap.main()
