#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`policy-gate scan`: what a policy would do to many workloads."""

import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, tap  # noqa: E402

registry = config = policy = folder = None
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p%d}\nspec:\n" \
      "  containers:\n%s"
# Of each pod, the images of its containers.
PODS = (["shop/lean:1"], ["shop/root:1"], ["shop/root:1", "shop/root:1"],
        ["shop/bloated:1", "shop/lean:1"], ["shop/faulty:1"],
        ["shop/nothing:1"])


def setUpModule():
    global registry, config, policy, folder
    registry = images.serve()
    config = gate.config_file(registry)
    policy = paths.write("policy.yaml", gate.POLICY)
    for i, pod in enumerate(PODS):
        folder = paths.write(f"k8s/{i}.yaml", POD % (i, "".join(
            f"    - {{name: c{k}, image: '{registry.ref(image)}'}}\n"
            for k, image in enumerate(pod)))).parent


def tearDownModule():
    registry.close()


def scan(*args):
    return gate.command("scan", "--policy", policy, "--config", config, *args)


class Scan(unittest.TestCase):
    def test_workloads_are_counted_by_rule_and_owner(self):
        done = scan("-o", "json", folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual((found["workloads"], found["images"]), (6, 8))
        # Two with bloated images, one that is not there.
        self.assertEqual(found["rejected"], 3)
        self.assertEqual(found["rejectedIfEnforced"], 5)
        self.assertEqual(found["unjudged"], 1)
        self.assertEqual(
            [(r["name"], r["workloads"], r["images"], r["mode"])
             for r in found["rules"]],
            [("no-root", 3, 4, "warn"), ("lean-images", 2, 2, "enforce"),
             ("fixed-tags", 0, 0, "audit")])
        self.assertEqual(
            [(o["name"], o["workloads"]) for o in found["owners"]],
            [("security-team", 3), ("platform-team", 2)])

    def test_the_worst_images_come_first(self):
        worst = json.loads(scan("-o", "json", folder).stdout)["worst"]
        self.assertEqual(
            [(w["reference"], w["findings"], w["places"])
             for w in worst[:3]],
            [(registry.ref("shop/faulty:1"), 3, 1),
             (registry.ref("shop/bloated:1"), 2, 1),
             (registry.ref("shop/root:1"), 1, 3)])
        self.assertEqual(len(worst), 5)

    def test_the_table_says_the_same(self):
        text = scan(folder).stdout
        self.assertIn("6 workloads with 8 images, 5 distinct: 3 would be "
                      "rejected by the policy as it is, 5 if all of it were "
                      "enforced.", text)
        self.assertRegex(text, r"(?m)^no-root +3 +4  warn, security-team$")
        self.assertRegex(text, r"(?m)^platform-team +2 +2 *$")
        lines = text.splitlines()
        at = next(i for i, line in enumerate(lines) if "worst" in line)
        self.assertTrue(re.match(r" +3 +32 MiB +1  \S+/shop/faulty:1$",
                                 lines[at + 1]), lines[at + 1])
        self.assertEqual(len(lines), at + 4)

    def test_what_could_not_be_judged_does_not_pass_for_good(self):
        self.assertRegex(scan(folder).stdout, (
            r"(?m)^1 image could not be judged, the first for this: "
            r"\S+/shop/nothing:1: NOT_FOUND"))

    def test_it_fails_a_build_where_it_is_to(self):
        self.assertEqual(scan("--fail-on", "deny", folder).returncode, 1)
        self.assertEqual(scan(folder / "none.yaml").returncode, 2)
        self.assertEqual(scan().returncode, 2)


if __name__ == "__main__":
    tap.main()
