#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files take effect when they change, without a signal. About 20 seconds."""

import contextlib
import json
import pathlib
import ssl
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, gate, mount, paths, pki, tap  # noqa: E402


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

    def test_what_is_missing_is_waited_for(self):
        crt, key = (f.read_text() for f in self.authority.issue("client"))
        login = json.dumps({"auths": {self.reg.host: {
            "username": "puller", "password": "right"}}})
        folder = self.ca.parent / "late"
        cases = {  # the entry or the config's own key, and files to come
            "an authority": (
                {"caFile": "ca"}, {"ca": self.ca.read_text()}),
            "a pair": ({"clientCert": "crt", "clientKey": "key"},
                       {"crt": crt, "key": key}),
            "a login": ({"credentials": {"usernameFile": "user",
                                         "passwordFile": "password"}},
                        {"user": "puller", "password": "right"}),
            "docker's": ({"dockerConfig": "docker/config.json"},
                         {"docker/config.json": login}),
        }
        self.serve({})
        for number, (name, (entry, files)) in enumerate(cases.items()):
            with self.subTest(name):
                # The folder is not there either.
                text = json.dumps(entry)
                for file in files:
                    text = text.replace(
                        f'"{file}"', f'"{folder}/{number}/{file}"')
                entry = json.loads(text)
                own = {"caFile": str(self.ca)}
                if "dockerConfig" not in entry:
                    own.update(entry)
                    entry = {}
                self.change(self.own.config, json.dumps({
                    "version": 1, "cache": {"negativeTtl": "1s"},
                    "registries": {self.reg.host: own}, **entry}),
                    "reload_refused")
                self.assertIn(f"late/{number}/",
                              self.own.log("reload_refused")[-1]["reason"])
                status, _, said = self.own.request("GET", "/readyz")
                self.assertEqual(status, 200)
                self.assertIn(b"refused", said)
                before = len(self.own.log("reloaded"))
                for file, text in files.items():
                    self.file(f"late/{number}/{file}", text)
                self.own.process.wait_until(
                    lambda b=before: len(self.own.log("reloaded")) > b, name)
        self.wait_admitted()
        self.assertEqual(self.own.request("GET", "/readyz")[2], b"ok\n")

    def test_what_is_broken_in_a_new_config_is_waited_for(self):
        docker = self.file("docker.json", "{")
        self.serve({})
        document = json.loads(self.own.config.read_text())
        document["dockerConfig"] = str(docker)
        self.change(self.own.config, json.dumps(document), "reload_refused")
        self.change(docker, json.dumps({"auths": {self.reg.host: {
            "username": "puller", "password": "right"}}}))
        self.wait_admitted()

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


def policy(tag):
    """Refuses images of that tag, and asks for none."""
    return ("version: 1\nrules:\n  - name: tags\n"
            f"    check: {{tag: {{deny: ['{tag}']}}}}\n")


class Mounted(unittest.TestCase):
    """ConfigMaps and Secrets: "..data" leads to another folder, and the old
    one is gone. Each is changed twice: the second time nothing may be left
    that was watched at the start."""

    def mount(self, name, files):
        return mount.Mount(f"{self._testMethodName}-{name}", files)

    def serve(self, rules=policy("none"), **kwargs):
        self.own = gate.Gate(rules, **kwargs)
        self.addCleanup(self.own.stop)

    def swap(self, folder, files):
        before = len(self.own.log("reloaded"))
        folder.put(files)
        self.own.process.wait_until(
            lambda: len(self.own.log("reloaded")) > before, "reloaded")

    def admitted(self, image="a.corp/web:1"):
        return self.own.post(gate.review(gate.pod(image)))["allowed"]

    def test_a_policy(self):
        for name, file in (("policy.yaml", "policy.yaml"), (".", "policy.yaml"),
                           ("sub/policy.yaml", "sub/policy.yaml"),
                           ("sub", "sub/policy.yaml")):
            with self.subTest(name):
                folder = self.mount(name.replace("/", "-"), {file: policy("1")})
                self.serve(folder.dir / name)
                self.assertFalse(self.admitted())
                self.swap(folder, {file: policy("2")})
                self.assertTrue(self.admitted())
                self.swap(folder, {file: policy("1")})
                self.assertFalse(self.admitted())
                self.own.stop()

    def test_a_config_and_an_authority_of_a_registry(self):
        ours, other = pki.Authority("ours"), pki.Authority("other")
        reg = fault_registry.Registry(tls=ours)
        self.addCleanup(reg.close)
        images = iter([reg.push(f"app:{i}", content.image(user=str(i)))
                       for i in range(5)])
        authority = self.mount("authority", {"ca.crt": ours.crt.read_text()})
        known = {"config.json": json.dumps({"version": 1, "registries": {
            reg.host: {"caFile": str(authority.dir / "ca.crt")}}})}
        config = self.mount("config", known)
        self.serve(gate.POLICY, config=config.dir / "config.json")
        self.assertTrue(self.admitted(next(images)))
        self.swap(config, {"config.json": '{"version": 1}'})
        self.assertFalse(self.admitted(next(images)))
        self.swap(config, known)
        self.assertTrue(self.admitted(next(images)))
        self.swap(authority, {"ca.crt": other.crt.read_text()})
        self.assertFalse(self.admitted(next(images)))
        self.swap(authority, {"ca.crt": ours.crt.read_text()})
        self.assertTrue(self.admitted(next(images)))

    def test_a_certificate(self):
        inputs = mount.Inputs(lambda _: policy("none"),
                              lambda _: '{"version": 1}')
        self.serve(inputs.policy, config=inputs.config, certs=inputs)
        kept = self.own.connect()
        self.addCleanup(kept.close)
        for _ in range(2):
            inputs.number += 1
            self.swap(inputs.certs, inputs.leaf())
            self.assertEqual(self.own.request("GET", "/livez", on=kept)[0], 200)
            shown = ssl.get_server_certificate(("127.0.0.1", self.own.port))
            self.assertEqual(shown.split(),
                             inputs.crt.read_text().split())

    def test_an_authority_of_clients(self):
        ours, other = pki.Authority("mine"), pki.Authority("theirs")
        pair = ours.issue("api-server", usage="clientAuth")
        folder = self.mount("clients", {"ca.crt": ours.crt.read_text()})
        self.serve(args=["--client-ca", folder.dir / "ca.crt"])
        self.own.tls.load_cert_chain(*pair)

        def status():
            with contextlib.closing(self.own.connect()) as c:
                return self.own.request(
                    "POST", "/validate", json.dumps(gate.review(gate.pod(
                        "a.corp/web:1"))),
                    {"Content-Type": "application/json"}, on=c)[0]

        self.assertEqual(status(), 200)
        self.swap(folder, {"ca.crt": other.crt.read_text()})
        self.assertEqual(status(), 403)
        self.swap(folder, {"ca.crt": ours.crt.read_text()})
        self.assertEqual(status(), 200)


if __name__ == "__main__":
    tap.main()
