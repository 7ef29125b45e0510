#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What the README says, done; tests/e2e/readme_test.py does what needs a
cluster, deb_test.py and image_test.py beside it make package and image.
Together they know every block: a new one without a test fails here.
"""

import json
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, process, readme, tap  # noqa: E402

registry = config = home = None

# language, and a word of each block
HERE = (("sh", "make demo"), ("yaml", "# policy.yaml"),
        ("sh", "policy-gate lint"), ("yaml", "# suite.yaml"),
        ("sh", "policy-gate test"), ("sh", "policy-gate check"),
        ("yaml", "# .github/"), ("yaml", "# .gitlab"),
        ("yaml", "# config.yaml"))
IN_E2E = (("console", "kubectl apply -f bloated.yaml"),
          ("sh", "make deb"), ("sh", "make image"))

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n" \
      "  containers:\n    - {name: app, image: \"%s\"}\n"


def setUpModule():
    global registry, config, home
    registry = images.serve()
    config = gate.config_file(registry)
    home = paths.work() / "reader"
    for name in ("lean", "bloated"):
        paths.write(f"reader/k8s/{name}.yaml",
                    POD % (name, registry.ref(f"shop/{name}:1")))
    paths.write("reader/overlays/prod/kustomization.yaml",
                "resources: [bloated.yaml]\n")
    paths.write("reader/overlays/prod/bloated.yaml",
                POD % ("bloated", registry.ref("shop/bloated:1")))
    # Nobody wants to be warned of a waiver in the README that runs out.
    paths.write("reader/policy.yaml", re.sub(
        r"expires: [\d-]+", "expires: 2999-12-31",
        local(readme.block("yaml", "# policy.yaml"))))
    # The reader's registry has a certificate; this one is configured instead.
    path = paths.write("bin/policy-gate", (
        f"#!/bin/sh\nPOLICY_GATE_CONFIG={config} exec {paths.GATE} \"$@\"\n"))
    path.chmod(0o755)


def tearDownModule():
    registry.close()


def local(text):
    return text.replace(readme.HOST, registry.host)


def shell(text, check=True):
    env = dict(os.environ,
               PATH=f"{paths.work() / 'bin'}:{os.environ['PATH']}")
    return process.run(["bash", "-e", "-o", "pipefail", "-c", text], cwd=home,
                       env=env, check=check)


class Readme(unittest.TestCase):
    def test_every_block_is_known_to_a_test(self):
        for lang, text in readme.blocks():
            known = [w for la, w in HERE + IN_E2E if la == lang and w in text]
            self.assertEqual(len(known), 1, text)

    def test_make_targets_exist(self):
        for line in readme.block("sh", "make demo").splitlines():
            process.run(["sh", "-c", line + " -n NODEPS=1"], cwd=paths.ROOT)

    def test_policy_is_valid(self):
        done = shell(readme.block("sh", "policy-gate lint"))
        self.assertIn("policy.yaml: ok: company, 3 rules", done.stdout)
        self.assertNotIn("warning", done.stdout)

    def test_suite_passes(self):
        paths.write("reader/suite.yaml", readme.block("yaml", "# suite.yaml"))
        done = shell(readme.block("sh", "policy-gate test"))
        self.assertIn("ok 1 - large images are refused\n1..1\n", done.stdout)
        self.assertIn('tests="1"', (home / "report.xml").read_text())

    def test_presets_are_those_there_are(self):
        text = (paths.ROOT / "README.md").read_text()
        named = set(re.findall(r"`preset:([\w-]+)`", text))
        there = {p.stem for p in
                 (paths.ROOT / "policy" / "presets").glob("*.yaml")}
        self.assertEqual(named, there)

    def test_laptop_commands_work(self):
        text = local(readme.block("sh", "policy-gate check"))
        commands = [c for c in re.split(r"\n(?! )", text) if c]
        self.assertEqual(len(commands), 9)
        answers = []
        for c in commands:
            done = shell(c, check=False)
            self.assertIn(done.returncode, (0, 1), c + done.stderr)
            self.assertEqual(done.stderr, "2 findings of the baseline left "
                             "out\n" if "--baseline" in c else "", c)
            answers.append(done.stdout)
        self.assertIn("WARN", answers[0])
        self.assertIn("0 denied, 0 not judged, 0 warned, 1 allowed",
                      answers[1])
        self.assertIn("1 denied", answers[2])
        self.assertIn("lean-images\tsize.max\t32 MiB\t20 MiB\n", answers[3])
        self.assertIn("apt-get install -y g++ make", answers[4])
        self.assertIn("a node that has the old one pulls", answers[5])
        self.assertIn("2 workloads with 2 images", answers[6])
        self.assertIn("0 denied", answers[8])
        self.assertIn("<!DOCTYPE html>", (home / "report.html").read_text())

    def test_ci_snippets_run_a_command_that_works(self):
        for word in ("# .github/", "# .gitlab"):
            text = readme.block("yaml", word)
            found = re.search(r"/policy-gate:1\.0\s+(check [^\n]+)", text)
            done = shell(f"policy-gate {found[1]}", check=False)
            self.assertEqual((done.returncode, done.stderr), (1, ""))
            self.assertIn("DENY", done.stdout)
            # kubectl is what reads YAML here.
            process.run(["kubectl", "kustomize", self.as_kustomization(text)])

    def as_kustomization(self, text):
        """A folder in which the text is carried along if it is YAML."""
        paths.write("ci/kustomization.yaml",
                    "configMapGenerator: [{name: ci, files: [ci.yaml]}]\n")
        return paths.write("ci/ci.yaml", text).parent

    def test_config_is_valid(self):
        text = readme.block("yaml", "# config.yaml")
        ca = gate.Certificates().ca
        docker = registry.docker_config()
        text = text.replace("/etc/policy-gate/corp-ca.pem", str(ca)).replace(
            "/etc/policy-gate/docker/config.json", str(docker))
        path = paths.write("config.yaml", text)
        done = gate.command("check", "--config", path, "Not/Valid")
        self.assertEqual((done.returncode, done.stderr), (1, ""))

    def test_every_key_of_the_config_is_told(self):
        text = (paths.ROOT / "README.md").read_text()
        text = text[text.index("| key |"):text.index("A tag is believed")]
        wrong = {"zzz": 1, "network": {"zzz": 1}, "cache": {"zzz": 1},
                 "limits": {"zzz": 1}, "registries": {"a.corp": {
                     "zzz": 1, "credentials": {"zzz": 1}}}}
        done = gate.command("check", "--config", paths.write(
            "wrong.json", json.dumps({"version": 1, **wrong})), "a")
        lists = re.findall(r"known (?:are|is): (.*)", done.stderr)
        self.assertEqual(len(lists), 6, done.stderr)
        for key in set(", ".join(lists).split(", ")) - {"version"}:
            self.assertRegex(text, rf"\b{key}\b", key)


if __name__ == "__main__":
    tap.main()
