#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`policy-gate baseline`: accept today's findings, fail on new ones."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, process, tap  # noqa: E402

registry = config = policy = None
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: shop}\n" \
      "spec:\n  containers:\n    - {name: app, image: '%s'}\n"


def setUpModule():
    global registry, config, policy
    registry = images.serve()
    config = gate.config_file(registry)
    policy = paths.write("policy.yaml", gate.POLICY)


def tearDownModule():
    registry.close()


def pods(**pods_):
    return paths.write("pods.yaml", "---\n".join(
        POD % (name, registry.ref(image)) for name, image in pods_.items()))


def run(*args):
    return gate.command(*args, "--policy", policy, "--config", config)


class Baseline(unittest.TestCase):
    def setUp(self):
        self.file = paths.work() / "baseline.json"
        self.file.unlink(missing_ok=True)

    def write(self, **pods_):
        done = run("baseline", "write", self.file, "-f", pods(**pods_))
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        return json.loads(self.file.read_text())

    def check(self, **pods_):
        done = run("check", "--baseline", self.file, "-o", "json", "-f",
                   pods(**pods_))
        if not done.stdout:
            raise process.Failed(done.stderr)
        return json.loads(done.stdout), done

    def test_known_findings_fail_nothing(self):
        document = self.write(web="shop/faulty:1")
        self.assertEqual(
            sorted(f["check"] for f in document["findings"]),
            ["size.max", "size.maxLayer", "user.root"])
        found, done = self.check(web="shop/faulty:1")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(found["verdict"], "allow")
        self.assertEqual(found["workloads"][0]["images"][0]["findings"], [])
        self.assertEqual(done.stderr,
                         "3 findings of the baseline left out\n")

    def test_new_findings_fail(self):
        self.write(web="shop/root:1")
        # Another workload, and another check of the same.
        for pods_, expected in (
                ({"db": "shop/bloated:1", "web": "shop/root:1"},
                 ["size.max", "size.maxLayer"]),
                ({"web": "shop/faulty:1"},
                 ["size.max", "size.maxLayer", "user.root"])):
            found, done = self.check(**pods_)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(sorted(
                f["check"] for w in found["workloads"] for i in w["images"]
                for f in i["findings"]), expected)

    def test_a_new_tag_is_the_same_image(self):
        path = paths.work() / "retag"
        self.write(web="shop/root:1")
        process.run(["skopeo", "copy", "-q", "--src-tls-verify=false",
                     f"docker://{registry.ref('shop/root:1')}",
                     f"oci:{path}:{registry.host}/shop/root:2"])
        text = f"oci:{path}:{registry.host}/shop/root:2"
        done = run("baseline", "write", self.file,
                   registry.ref("shop/root:1"))
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run("check", "--baseline", self.file, "--fail-on", "warn",
                   "--as", registry.ref("shop/root:2"),
                   text if pathlib.Path(text[4:]).exists() else f"oci:{path}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_is_gone_is_told(self):
        self.write(web="shop/faulty:1")
        _, done = self.check(web="shop/lean:1")
        self.assertEqual(done.returncode, 0)
        self.assertIn("0 findings of the baseline left out; 3 in it are gone",
                      done.stderr)

    def test_what_cannot_be_judged_is_never_accepted(self):
        document = self.write(web="shop/nothing:1")
        self.assertEqual(document["findings"], [])
        _, done = self.check(web="shop/nothing:1")
        self.assertEqual(done.returncode, 3)

    def test_files_that_are_no_baseline(self):
        for text in (None, "", "{", "[]", "{\"version\": 2, \"findings\": []}",
                     "{\"version\": 1, \"findings\": [{}]}",
                     "{\"version\": 1, \"version\": 1, \"findings\": []}"):
            with self.subTest(text):
                self.file.unlink(missing_ok=True)
                if text is not None:
                    self.file.write_text(text)
                done = run("check", "--baseline", self.file, "a")
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn("baseline.json", done.stderr)

    def test_usage(self):
        for args in ((), ("write",), ("read", "a"), ("write", "-f", "a")):
            done = gate.command("baseline", *args)
            self.assertEqual(done.returncode, 2)
            self.assertIn("write", done.stderr)


if __name__ == "__main__":
    tap.main()
