#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which of the logins of a docker config are tried, and in which order."""

import base64
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, tap  # noqa: E402
from lib.registry_case import Auth, LOGIN, PASSWORD, USER  # noqa: E402

BASIC = fault_registry.basic(*LOGIN)
MANIFEST = "/v2/app/manifests/1"


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


if __name__ == "__main__":
    tap.main()
