#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The soak still works: one round of it. About 20 seconds."""

import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from lib import tap  # noqa: E402


class Soak(unittest.TestCase):
    def test_one_round_of_the_soak_finds_nothing_wrong(self):
        done = subprocess.run([ROOT / "tests/soak", "--seconds", "1"],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^wrk: [1-9]\d* reviews, 0 wrong")
        self.assertTrue(done.stdout.endswith("passed: 0 wrong\n"), done.stdout)


if __name__ == "__main__":
    tap.main()
