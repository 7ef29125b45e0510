#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What `inspect -o json` recorded is judged by `test` as `check` judges the image
itself. Two seconds.
"""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import fleet, gate, paths, process, tap  # noqa: E402

POLICY = """\
version: 1
name: everything
rules:
  - name: all
    check:
      size: {max: 100Mi, maxLayer: 50Mi}
      layers: {max: 4}
      user: {root: deny, named: deny}
      tag: {deny: [latest]}
      env: {secrets: deny}
      age: {max: 1d}
      labels: {require: [org.opencontainers.image.source]}
      history: {deny: [build-tools, package-cache, broad-copy, pipe-to-shell,
                       embedded-secret, recursive-chown, cache-order,
                       dev-dependencies]}
      platforms: {require: [linux/amd64, linux/arm64]}
"""

# What stands in instructions that make no layer, or in build arguments, is
# not recorded.
NOT_RECORDED = {"registry.corp/shop/orders:7",
                "registry.corp/etl/airflow-worker:2024.44"}


class Recorded(unittest.TestCase):
    def test_the_verdict_is_the_same(self):
        registry = fleet.Fleet()
        self.addCleanup(registry.close)
        config = registry.config()
        policy = paths.write("suite/policy.yaml", POLICY)
        references = sorted(fleet.documents())
        document, _ = gate.check(policy, config, *references)
        suite = {"version": 1, "policy": "policy.yaml", "images": {},
                 "cases": []}
        checks = set()
        for i, workload in enumerate(document["workloads"]):
            image = workload["images"][0]
            reference = image["reference"]
            self.assertIsNone(image["error"])
            done = gate.command("inspect", "--config", config, "-o", "json",
                                reference, check=True)
            paths.write(f"suite/{i}.json", done.stdout)
            suite["images"][reference] = {"facts": f"{i}.json"}
            findings = [f"{f['rule']}/{f['check']}" for f in
                        image["findings"]]
            checks.update(findings)
            if reference in NOT_RECORDED:
                findings.remove("all/history.deny")
            suite["cases"].append({
                "name": reference, "image": reference, "expect": {
                    "verdict": image["verdict"], "findings": findings}})
        done = gate.command("test", paths.write("suite/suite.json",
                                                json.dumps(suite)))
        if done.returncode != 0:
            raise process.Failed(done.stdout + done.stderr)
        self.assertIn(f"1..{len(references)}", done.stdout)
        self.assertGreaterEqual(len(checks), 9, checks)


if __name__ == "__main__":
    tap.main()
