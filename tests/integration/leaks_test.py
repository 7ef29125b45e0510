#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""valgrind watches the gate through a thousand reviews, and through load with
changing files and clients that vanish, to a SIGTERM. Takes about 30 s."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import bad_input, content, fault_registry, faults, gate, images, \
    load, paths, rude, tap  # noqa: E402

REVIEWS = 1000
CHANGES = 3
LEAKED = 99
VALGRIND = ["valgrind", "-q", "--leak-check=full", "--errors-for-leak-kinds="
            "definite,indirect,possible", "--show-leak-kinds=definite,"
            "indirect,possible", f"--error-exitcode={LEAKED}",
            "--child-silent-after-fork=yes"]


class Leaks(unittest.TestCase):
    def serve(self, policy, config, **options):
        if gate.sanitized():
            self.skipTest("valgrind cannot run what a sanitizer is built into")
        self.report = paths.work() / f"{self._testMethodName}.txt"
        # valgrind knows neither of the system calls that make a sandbox.
        self.own = gate.Gate(
            policy, config, args=["--no-sandbox"],
            wrapper=[*VALGRIND, f"--log-file={self.report}"], **options)

    def stop(self):
        self.own.process.stop(seconds=120)
        self.assertEqual(self.report.read_text(), "")
        self.assertEqual(self.own.process.popen.returncode, 0)

    def test_no_leak_after_a_thousand_reviews(self):
        registry = images.serve()
        self.addCleanup(registry.close)
        faulty = faults.FaultyRegistry()
        self.addCleanup(faulty.close)
        self.serve(gate.POLICY, gate.config_file(registry, faulty))
        refs = [registry.ref(f"shop/{n}:1") for n in (
            "lean", "bloated", "root", "multi", "nothing")]
        refs += [faulty.ref(n) for n in ("liar", "garbage", "missing")]
        refs += ["Not/Valid", registry.ref("shop/lean:latest")]
        on = self.own.connect(300)
        for i in range(REVIEWS):
            review = gate.review(gate.pod(refs[i % len(refs)]))
            if i % 50 == 49:
                status, _, _ = self.own.request(
                    "POST", "/validate", json.dumps(review)[:-30],
                    {"Content-Type": "application/json"}, on)
                self.assertEqual(status, 400)
            else:
                self.assertIn("allowed", self.own.post(review, "30s", on))
        on.close()
        self.stop()

    def test_no_leak_after_load_while_files_change(self):
        registry = fault_registry.Registry()
        self.addCleanup(registry.close)
        late = fault_registry.Registry(latency=0.5)
        self.addCleanup(late.close)
        known = load.push_known(registry)
        inputs = load.changing(registry, late)
        self.serve(inputs.policy, inputs.config, certs=inputs)
        with load.Load(self.own, known, connections=4) as running:
            for n in range(CHANGES):
                inputs.change()
                self.own.process.wait_until(
                    lambda n=n: load.reloads(self.own) > n, "reloading")
                rude.vanish_everywhere(self.own, gate.review(gate.pod(
                    late.push(f"app-{n}:1", content.image()))))
            wrong = bad_input.problems(self.own, bad_input.Cases(
                known[0].image, known[2].image)[::5])
        self.assertEqual(wrong, [])
        self.assertEqual(running.wrong, [])
        self.stop()


if __name__ == "__main__":
    tap.main()
