#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""valgrind watches the gate through a thousand reviews and a SIGTERM."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import faults, gate, images, paths, tap  # noqa: E402

REVIEWS = 1000
LEAKED = 99
VALGRIND = ["valgrind", "-q", "--leak-check=full", "--errors-for-leak-kinds="
            "definite,indirect,possible", "--show-leak-kinds=definite,"
            "indirect,possible", f"--error-exitcode={LEAKED}",
            "--child-silent-after-fork=yes"]


class Leaks(unittest.TestCase):
    def test_no_leak_after_a_thousand_reviews(self):
        if gate.sanitized():
            self.skipTest("valgrind cannot run what a sanitizer is built into")
        registry = images.serve()
        self.addCleanup(registry.close)
        faulty = faults.FaultyRegistry()
        self.addCleanup(faulty.close)
        report = paths.work() / "valgrind.txt"
        # valgrind knows neither of the system calls that make a sandbox.
        server = gate.Gate(
            gate.POLICY, gate.config_file(registry, faulty),
            args=["--no-sandbox"], wrapper=[*VALGRIND, f"--log-file={report}"])
        refs = [registry.ref(f"shop/{n}:1") for n in (
            "lean", "bloated", "root", "multi", "nothing")]
        refs += [faulty.ref(n) for n in ("liar", "garbage", "missing")]
        refs += ["Not/Valid", registry.ref("shop/lean:latest")]
        on = server.connect(300)
        for i in range(REVIEWS):
            review = gate.review(gate.pod(refs[i % len(refs)]))
            if i % 50 == 49:
                status, _, _ = server.request(
                    "POST", "/validate", json.dumps(review)[:-30],
                    {"Content-Type": "application/json"}, on)
                self.assertEqual(status, 400)
            else:
                self.assertIn("allowed", server.post(review, "30s", on))
        on.close()
        server.process.stop(seconds=120)
        self.assertEqual(report.read_text(), "")
        self.assertEqual(server.process.popen.returncode, 0)


if __name__ == "__main__":
    tap.main()
