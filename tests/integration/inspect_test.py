#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`policy-gate inspect`: what is in an image, told truly."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, process, tap  # noqa: E402

registry = config = None


def setUpModule():
    global registry, config
    registry = images.serve()
    config = gate.config_file(registry)


def tearDownModule():
    registry.close()


def inspect(name, *args):
    return gate.command("inspect", "--config", config, *args,
                        registry.ref(name))


def facts(name):
    done = inspect(name, "-o", "json")
    if done.returncode != 0:
        raise process.Failed(done.stdout + done.stderr)
    return json.loads(done.stdout)


class Facts(unittest.TestCase):
    def test_layers_are_those_of_the_manifest(self):
        found = facts("shop/bloated:1")["platforms"][0]["layers"]
        manifest = registry.raw("shop/bloated:1")["layers"]
        self.assertEqual([(la["digest"], la["size"]) for la in found],
                         [(la["digest"], la["size"]) for la in manifest])
        self.assertEqual([la["createdBy"] for la in found], [
            made_by for made_by, _ in images.LAYERS["shop/bloated:1"][1]])

    def test_config_is_told(self):
        platform = facts("shop/labelled:1")["platforms"][0]
        self.assertEqual(platform["user"], "1000:1000")
        self.assertEqual(platform["ports"], ["8080/tcp"])
        self.assertEqual(platform["volumes"], ["/data"])
        self.assertEqual(platform["entrypoint"], ["/app"])
        self.assertEqual(platform["cmd"], ["--serve"])
        self.assertEqual(
            platform["labels"]["org.opencontainers.image.source"],
            "https://git.example/shop")
        self.assertEqual(platform["history"], "reliable")
        self.assertIn("MODE=fast", platform["env"])

    def test_secrets_in_the_environment_are_hidden(self):
        for args in (("-o", "json"), ()):
            done = inspect("shop/labelled:1", *args)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn("hunter2", done.stdout)
        self.assertIn("API_TOKEN=***",
                      facts("shop/labelled:1")["platforms"][0]["env"])

    def test_index_has_every_platform(self):
        found = facts("shop/multi:1")["platforms"]
        index = registry.raw("shop/multi:1")
        self.assertEqual({p["digest"] for p in found},
                         {m["digest"] for m in index["manifests"]})

    def test_resolved_is_the_digest_that_skopeo_sees(self):
        digest = json.loads(process.run(
            ["skopeo", "inspect", "--tls-verify=false",
             f"docker://{registry.ref('shop/multi:1')}"]).stdout)["Digest"]
        self.assertEqual(facts("shop/multi:1")["resolved"],
                         f"{registry.host}/shop/multi@{digest}")

    def test_table_shows_layers_and_what_made_them(self):
        done = inspect("shop/bloated:1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("apt-get install -y g++ make", done.stdout)
        self.assertIn("24 MiB", done.stdout)


class Failures(unittest.TestCase):
    def test_missing_image_is_status_3_with_a_document(self):
        done = inspect("shop/nothing:1", "-o", "json")
        self.assertEqual(done.returncode, 3)
        document = json.loads(done.stdout)
        self.assertEqual(document["platforms"], [])
        self.assertEqual(document["error"]["code"], "NOT_FOUND")

    def test_unparsable_reference_is_status_2(self):
        done = gate.command("inspect", "Shop/Web:1")
        self.assertEqual(done.returncode, 2)
        self.assertTrue(done.stderr)


if __name__ == "__main__":
    tap.main()
