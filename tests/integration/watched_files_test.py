#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files that the config names take effect when they change, without a signal."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, gate, paths, pki, tap  # noqa: E402


class Watched(unittest.TestCase):
    def setUp(self):
        self.authority = pki.Authority(self._testMethodName)
        self.reg = fault_registry.Registry(tls=self.authority)
        self.addCleanup(self.reg.close)
        self.ref = self.reg.push("app:1", content.image())
        self.reg.basic("puller", "right")
        self.ca = self.file("ca.pem", self.authority.crt.read_text())

    def file(self, name, text):
        return paths.write(f"{self._testMethodName}/{name}", text)

    def serve(self, entry, **more):
        config = self.file("config.json", json.dumps({
            "version": 1, "cache": {"negativeTtl": "1s"}, "registries": {
                self.reg.host: {"caFile": str(self.ca), **entry}}, **more}))
        self.own = gate.Gate(gate.POLICY, config)
        self.addCleanup(self.own.stop)

    def admitted(self):
        return self.own.post(gate.review(gate.pod(self.ref)), "2s")["allowed"]

    def change(self, path, text, event="reloaded", rename=True):
        before = len(self.own.log(event))
        if rename:
            self.file("new", text).rename(path)
        else:
            path.write_text(text)
        self.own.process.wait_until(
            lambda: len(self.own.log(event)) > before, event)

    def wait_admitted(self):
        self.own.process.wait_until(self.admitted, "admitting")

    def with_password(self, text):
        user, password = (self.file(n, t) for n, t in (
            ("user", "puller"), ("password", text)))
        self.serve({"credentials": {"usernameFile": str(user),
                                    "passwordFile": str(password)}})
        return user, password

    def test_a_password_written_in_place(self):
        _, password = self.with_password("old")
        self.assertFalse(self.admitted())
        self.change(password, "right\n", rename=False)
        self.wait_admitted()

    def test_a_username_put_in_place(self):
        user, _ = self.with_password("right")
        user.write_text("nobody")
        self.change(user, "puller")
        self.wait_admitted()

    def test_a_docker_config(self):
        docker = self.file("docker/config.json", json.dumps({"auths": {}}))
        self.serve({}, dockerConfig=str(docker))
        self.assertFalse(self.admitted())
        self.change(docker, json.dumps({"auths": {self.reg.host: {
            "username": "puller", "password": "right"}}}))
        self.wait_admitted()

    def test_an_authority(self):
        self.ca.write_text(pki.Authority("another").crt.read_text())
        self.with_password("right")
        self.assertFalse(self.admitted())
        self.change(self.ca, self.authority.crt.read_text())
        self.wait_admitted()

    def test_what_is_wrong_is_refused_until_it_is_mended(self):
        _, password = self.with_password("right")
        self.assertTrue(self.admitted())
        self.change(password, "", "reload_refused")
        self.assertIn("passwordFile",
                      self.own.log("reload_refused")[-1]["reason"])
        self.assertTrue(self.admitted())
        self.change(password, "right")

    def test_a_file_that_only_a_new_config_names(self):
        self.serve({})
        login = {"usernameFile": str(self.file("later-user", "puller")),
                 "passwordFile": str(self.file("later-password", "old"))}
        document = json.loads(self.own.config.read_text())
        document["registries"][self.reg.host]["credentials"] = login
        self.change(self.own.config, json.dumps(document))
        self.assertFalse(self.admitted())
        self.change(pathlib.Path(login["passwordFile"]), "right")
        self.wait_admitted()


if __name__ == "__main__":
    tap.main()
