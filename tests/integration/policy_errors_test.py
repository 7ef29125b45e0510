#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a policy is said all at once, and where."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, process, tap  # noqa: E402

BAD = """\
version: 1
name: broken
mode: enforced
rules:
  - name: lean
    check:
      size: {maks: 300Mi}
  - name: lean
    check:
      size: {max: 300MB}
"""

# line, and what the complaint there must name
COMPLAINTS = ((3, "enforced"), (7, "max"), (8, "lean"), (10, "300MB"))


class PolicyErrors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.policy = paths.write("broken.yaml", BAD)

    def assert_all_said(self, text):
        for line, word in COMPLAINTS:
            self.assertRegex(
                text, rf"(?m)^{self.policy}:{line}:\d+: .*{word}", word)

    def test_lint_says_everything_with_its_place(self):
        done = gate.command("lint", self.policy)
        self.assertEqual(done.returncode, 2)
        self.assert_all_said(done.stdout + done.stderr)
        self.assertIn("rules[0].check.size.maks", done.stdout + done.stderr)

    def test_check_does_not_judge_by_it(self):
        done = gate.command("check", "--policy", self.policy, "a/b:1")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assert_all_said(done.stderr)

    def test_serve_does_not_start_on_it(self):
        certs = gate.Certificates()
        done = gate.command(
            "serve", "--policy", self.policy, "--tls-cert", certs.crt,
            "--tls-key", certs.key, "--listen",
            f"127.0.0.1:{process.free_port()}", "--metrics-listen",
            f"127.0.0.1:{process.free_port()}", seconds=20)
        self.assertEqual(done.returncode, 2)
        self.assert_all_said(done.stderr)

    def test_shipped_policies_are_fine(self):
        shipped = [*(paths.ROOT / "policy" / "presets").glob("*.yaml"),
                   paths.ROOT / "deploy" / "base" / "policy.yaml"]
        self.assertGreater(len(shipped), 1)
        done = gate.command("lint", *shipped)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    tap.main()
