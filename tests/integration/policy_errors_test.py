#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a policy is said all at once, and where."""

import datetime
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


SOON = (datetime.datetime.now(datetime.timezone.utc)
        + datetime.timedelta(days=10)).date()
ODD = f"""\
version: 1
rules:
  - name: tags
    check: {{tag: {{deny: ["1"]}}}}
waivers:
  - rule: tags
    match: {{images: ["a.corp/x"]}}
    owner: team-a
    reason: old
    expires: 2026-01-31
  - rule: tags
    match: {{images: ["a.corp/y"]}}
    owner: team-a
    reason: older
    expires: {SOON}
"""
ODDITIES = ((3, "kube-system"), (10, "expired on 2026-01-31"),
            (15, "ends in (9|10) days"))


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

    def test_lint_warns_and_lets_it_be(self):
        path = paths.write("odd.yaml", ODD)
        done = gate.command("lint", path)
        self.assertEqual(done.returncode, 0)
        for line, word in ODDITIES:
            self.assertRegex(
                done.stdout, rf"(?m)^{path}:{line}:\d+: warning: .*{word}")
        self.assertIn(f"{path}: ok: 1 rule\n", done.stdout)

    def test_check_warns_of_waivers_that_end(self):
        path = paths.write("odd.yaml", ODD)
        done = gate.command("check", "--policy", path, "a.corp/x:1")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("\n"), 2)
        for line, word in ODDITIES[1:]:
            self.assertRegex(
                done.stderr, rf"(?m)^{path}:{line}:\d+: warning: .*{word}")

    def test_a_file_s_name_writes_no_lines_of_its_own(self):
        folder = paths.work() / "names"
        folder.mkdir()
        (folder / "a\n::error::b\x1b[31m.yaml").write_text("a: [")
        for args in (["lint", folder], ["check", "-f", folder]):
            with self.subTest(args):
                done = gate.command(*args)
                self.assertEqual(done.returncode, 2)
                text = done.stdout + done.stderr
                self.assertIn(r"a\n::error::b\u001b[31m.yaml", text)
                self.assertNotRegex(text, r"\x1b|(?m:^::)")

    def test_shipped_policies_are_fine(self):
        shipped = list((paths.ROOT / "policy" / "presets").glob("*.yaml"))
        self.assertGreater(len(shipped), 1)
        done = gate.command("lint", *shipped)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("warning", done.stdout)


if __name__ == "__main__":
    tap.main()
