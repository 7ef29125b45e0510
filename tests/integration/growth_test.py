#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an image grew by: against old manifests, and against the old object."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, tap  # noqa: E402

POLICY = """\
version: 1
name: growth
rules:
  - name: slow-growth
    check: {growth: {max: 10%, over: 1Mi}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: %(kind)s
metadata: {name: %(name)s, namespace: %(namespace)s}
spec:
  template:
    spec:
      containers:
        - {name: %(container)s, image: "%(image)s"}
        - {name: same, image: "%(host)s/shop/lean:1"}
"""

registry = config = policy = None
FINDING = ["slow-growth/growth.max"]


def setUpModule():
    global registry, config, policy
    registry = images.serve()
    config = gate.config_file(registry)
    policy = paths.write("policy.yaml", POLICY)


def tearDownModule():
    registry.close()


def manifest(file, image, **changed):
    fields = {"kind": "Deployment", "name": "web", "namespace": "shop",
              "container": "app", "host": registry.host,
              "image": registry.ref(image), **changed}
    return paths.write(f"{file}.yaml", DEPLOYMENT % fields)


def findings(image):
    return [f"{f['rule']}/{f['check']}" for f in image["findings"]]


class Against(unittest.TestCase):
    def check(self, *args):
        new = manifest("new", "shop/bloated:1")
        document, status = gate.check(policy, config, "-f", new, *args)
        found, same = document["workloads"][0]["images"]
        self.assertEqual(findings(same), [])
        return found, status

    def test_growth_is_told_with_the_instruction_that_is_new(self):
        old = manifest("old", "base/debian:12")
        found, status = self.check("--against", old)
        self.assertEqual((findings(found), status), (FINDING, 1))
        self.assertEqual(found["findings"][0]["message"],
                         "grew by 30 MiB (1500 %) against the image it "
                         "replaces, over 10 % and 1 MiB")
        self.assertIn('"RUN apt-get update && apt-get install -y g++ make"',
                      found["findings"][0]["evidence"])

    def test_a_folder_of_old_manifests(self):
        folder = manifest("before/web", "base/debian:12").parent
        self.assertEqual(self.check("--against", folder)[1], 1)

    def test_nothing_to_compare_with_is_no_finding(self):
        self.assertEqual(self.check()[1], 0)
        for changed in ({"kind": "StatefulSet"}, {"name": "api"},
                        {"namespace": "blog"}, {"container": "web"}):
            with self.subTest(changed):
                old = manifest("old", "base/debian:12", **changed)
                found, status = self.check("--against", old)
                self.assertEqual((findings(found), status), ([], 0))

    def test_an_old_image_that_is_gone_is_no_finding(self):
        for image in ("shop/gone:1", "shop/gone:1:2"):
            with self.subTest(image):
                old = manifest("old", image)
                found, status = self.check("--against", old)
                self.assertEqual((found["error"], status), (None, 0))

    def test_old_manifests_that_cannot_be_read_are_status_2(self):
        done = gate.command(
            "check", "--policy", policy, "--config", config, "-f",
            manifest("new", "shop/lean:1"), "--against", "/nowhere.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nowhere.yaml", done.stderr)


class Webhook(unittest.TestCase):
    def test_an_update_is_compared_with_the_old_object(self):
        server = gate.Gate(policy, config)
        self.addCleanup(server.stop)
        small, large, gone = (
            gate.pod(registry.ref(f"shop/{name}:1"))
            for name in ("lean", "bloated", "gone"))
        self.assertTrue(server.post(gate.review(large))["allowed"])
        self.assertTrue(server.post(gate.review(large, gone))["allowed"])
        self.assertTrue(server.post(gate.review(small, large))["allowed"])
        answer = server.post(gate.review(large, small))
        self.assertFalse(answer["allowed"])
        self.assertIn("against the image it replaces",
                      answer["status"]["message"])


if __name__ == "__main__":
    tap.main()
