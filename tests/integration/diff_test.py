#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`policy-gate diff`: what became of an image."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, process, tap  # noqa: E402

registry = config = None


def setUpModule():
    global registry, config
    registry = images.serve()
    config = gate.config_file(registry)


def tearDownModule():
    registry.close()


def diff(old, new, *args):
    """Names are of the registry, paths of images on this machine."""
    return gate.command("diff", "--config", config, *args, registry.ref(old),
                        new if new.startswith("docker-archive:") else
                        registry.ref(new))


def document(old, new, *args):
    done = diff(old, new, "-o", "json", *args)
    if not done.stdout:
        raise process.Failed(done.stderr)
    return json.loads(done.stdout), done.returncode


class Diff(unittest.TestCase):
    def test_added_layers_are_what_a_node_pulls(self):
        found, status = document("base/debian:12", "shop/bloated:1")
        self.assertEqual(status, 0)
        platform, = found["platforms"]
        layers = registry.raw("shop/bloated:1")["layers"]
        self.assertEqual([la["kind"] for la in platform["layers"]],
                         ["shared", "added", "added"])
        self.assertEqual(platform["pull"],
                         sum(la["size"] for la in layers[1:]))
        self.assertEqual(platform["pullLayers"], 2)
        self.assertEqual(platform["newSize"],
                         sum(la["size"] for la in layers))
        self.assertEqual(found["new"]["reference"],
                         registry.ref("shop/bloated:1"))
        self.assertIn("@sha256:", found["new"]["resolved"])

    def test_the_same_image_costs_nothing(self):
        found, _ = document("shop/lean:1", "shop/moving:1")
        platform, = found["platforms"]
        self.assertEqual((platform["pull"], platform["pullLayers"]), (0, 0))
        self.assertEqual(platform["oldSize"], platform["newSize"])

    def test_the_table_is_for_people(self):
        done = diff("base/debian:12", "shop/bloated:1", "--base",
                    registry.ref("base/debian:12"))
        self.assertEqual(done.returncode, 0, done.stderr)
        for text in ("a node that has the old one pulls 30 MiB, 2 layers",
                     "2 MiB -> 32 MiB, +30 MiB (+1499.6 %)",
                     "base      2 MiB -> 2 MiB, =\n"):
            self.assertIn(text, done.stdout)
        self.assertRegex(done.stdout, r"added +\+24 MiB +24 MiB  RUN apt-get")
        self.assertRegex(done.stdout, r"shared +=  +2 MiB  \(base\) ADD")

    def test_growth_fails_a_build(self):
        for old, new, limit, status in (
                ("base/debian:12", "shop/bloated:1", "10%", 1),
                ("base/debian:12", "shop/bloated:1", "20Mi", 1),
                ("base/debian:12", "shop/bloated:1", "31Mi", 0),
                ("base/debian:12", "shop/bloated:1", "2000%", 0),
                ("shop/bloated:1", "base/debian:12", "1%", 0),
                ("shop/lean:1", "shop/moving:1", "1", 0)):
            with self.subTest((old, new, limit)):
                found, got = document(old, new, "--max-growth", limit)
                self.assertEqual(got, status)
                self.assertEqual(found["platforms"][0]["grewTooMuch"],
                                 status == 1)
        done = diff("base/debian:12", "shop/bloated:1", "--max-growth", "20Mi")
        self.assertIn("it grew by more than 20Mi", done.stdout)

    def test_platforms_are_held_against_their_own_kind(self):
        found, status = document("shop/lean:1", "shop/multi:1")
        self.assertEqual(status, 0)
        self.assertEqual([p["platform"] for p in found["platforms"]],
                         ["linux/amd64"])
        self.assertEqual((found["onlyOld"], found["onlyNew"]),
                         ([], ["linux/arm64"]))

    def test_an_image_that_is_not_pushed_yet(self):
        path = paths.work() / "bloated.tar"
        process.run(["skopeo", "copy", "-q", "--src-tls-verify=false",
                     f"docker://{registry.ref('shop/bloated:1')}",
                     f"docker-archive:{path}:shop/bloated:1"])
        found, status = document("base/debian:12", f"docker-archive:{path}")
        self.assertEqual(status, 0)
        self.assertEqual([la["kind"] for la in
                          found["platforms"][0]["layers"]],
                         ["shared", "added", "added"])
        self.assertIsNone(found["new"]["resolved"])

    def test_bad_usage_and_missing_images(self):
        done = diff("shop/lean:1", "shop/nothing:1")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("NOT_FOUND", done.stderr)
        for args in ((), ("a",), ("a", "b", "c"), ("A", "b"),
                     ("--max-growth", "much", "a", "b"),
                     ("-o", "sarif", "a", "b")):
            with self.subTest(args):
                done = gate.command("diff", *args)
                self.assertEqual(done.returncode, 2)
                self.assertTrue(done.stderr)


if __name__ == "__main__":
    tap.main()
