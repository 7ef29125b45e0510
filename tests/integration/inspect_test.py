#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`policy-gate inspect`: what is in an image, told truly."""

import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, process, tap, terminal  # noqa: E402

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


class Table(unittest.TestCase):
    """What people look at, on a terminal and elsewhere."""

    BASE = "base/debian:12"

    def show(self, name, *args, columns=None, **env):
        """Its lines; with `columns` as a terminal of that width shows it."""
        argv = [paths.GATE, "inspect", "--config", config, *args,
                registry.ref(name)]
        env = {**{k: v for k, v in os.environ.items() if k != "NO_COLOR"},
               **env}
        if columns is None:
            return process.run(argv, env=env).stdout.splitlines()
        return terminal.run(argv, columns, env=env)[1].splitlines()

    def test_where_the_bytes_are_comes_first(self):
        lines = self.show("shop/bloated:1")
        first = next(i for i, line in enumerate(lines) if "bytes" in line)
        self.assertLess(first, 5)
        self.assertRegex(lines[first], r"24 MiB +75 %  layer 2, RUN apt-get")
        self.assertRegex(lines[first + 1], r"6 MiB +19 %  layer 3, COPY \. ")

    def test_the_base_is_shaded(self):
        lines = self.show("shop/bloated:1", "--base", registry.ref(self.BASE))
        self.assertTrue(any("proved: 1 of the layers" in line
                            for line in lines))
        self.assertIn("30 MiB above the base", "".join(lines))
        bars = [line for line in lines if "░" in line]
        self.assertEqual(["▒" in line for line in bars], [True, False, False])

    def test_json_says_which_layers_are_the_bases(self):
        done = inspect("shop/on-base:1", "-o", "json", "--base",
                       registry.ref(self.BASE), "--base",
                       registry.ref("shop/lean:1"))
        platform = json.loads(done.stdout)["platforms"][0]
        self.assertEqual(
            [layer["base"] for layer in platform["layers"]], [True, False])
        self.assertEqual(platform["base"]["name"], registry.ref(self.BASE))
        self.assertEqual((platform["base"]["how"],
                          platform["base"]["layers"]), ("layers", 1))

    def test_a_base_that_is_not_there_is_told_of(self):
        done = inspect("shop/lean:1", "--base", registry.ref("base/no:1"))
        self.assertEqual(done.returncode, 0)
        self.assertIn("has no such image", done.stderr)
        self.assertEqual(inspect("shop/lean:1", "--base", "A").returncode, 2)

    def test_ascii_where_the_locale_is_not_utf8(self):
        for locale, ascii_ in (("C", True), ("C.UTF-8", False)):
            text = "".join(self.show("shop/bloated:1", LC_ALL=locale))
            self.assertEqual(text.isascii(), ascii_)

    def test_lines_fit_the_terminal(self):
        for columns in (60, 200):
            lines = self.show("shop/bloated:1", columns=columns, NO_COLOR="1")
            bars = [line for line in lines if "░" in line]
            self.assertEqual(len(bars), 3)
            self.assertLessEqual(max(map(len, bars)), columns)

    def test_colour_on_a_terminal_alone(self):
        for columns, env, colour in ((80, {}, True), (None, {}, False),
                                     (80, {"NO_COLOR": "1"}, False)):
            text = "".join(self.show("shop/lean:1", columns=columns, **env))
            self.assertEqual("\x1b[1m" in text, colour)

    def test_history_is_told(self):
        lines = self.show("shop/bloated:1")
        self.assertTrue(any("build-tools: g++ and make (layer 2)" in line
                            for line in lines))


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
