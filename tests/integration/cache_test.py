#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the gate remembers of a registry."""

import concurrent.futures
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, gate, images, tap  # noqa: E402


class Cache(unittest.TestCase):
    def setUp(self):
        self.registry = images.serve("remembered")
        self.addCleanup(self.registry.close)
        config = gate.config_file(self.registry, name="remembered.json",
                                  cache={"tagTtl": "1s", "negativeTtl": "1s"})
        self.gate = gate.Gate(gate.POLICY, config)
        self.addCleanup(self.gate.stop)

    def review(self, image):
        return gate.review(gate.pod(self.registry.ref(image)))

    def looked_up(self, result):
        return self.gate.metrics().get(
            f'policy_gate_cache_requests_total{{result="{result}"}}', 0)

    def manifests(self):
        return sum(v for k, v in self.gate.metrics().items()
                   if k.startswith("policy_gate_registry_requests_total{")
                   and 'kind="manifest"' in k)

    def test_a_hundred_reviews_at_once_ask_the_registry_once(self):
        review = self.review("shop/lean:1")
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(self.gate.post, [review] * 100))
        self.assertTrue(all(a["allowed"] for a in answers))
        self.assertEqual(self.manifests(), 1)

    def test_a_tag_is_asked_for_again_after_its_ttl(self):
        review = self.review("shop/lean:1")
        self.gate.post(review)
        self.gate.post(review)
        self.assertEqual((self.manifests(), self.looked_up("hit")), (1, 1))
        time.sleep(2.1)
        self.gate.post(review)
        self.assertEqual(self.manifests(), 2)

    def test_an_outage_rejects_nothing_known(self):
        known = self.review("shop/lean:1")
        self.assertTrue(self.gate.post(known)["allowed"])
        self.registry.stop()
        time.sleep(2.1)
        for _ in range(3):
            self.assertTrue(self.gate.post(known, "3s")["allowed"])
        self.assertEqual(self.looked_up("stale"), 3)
        answer = self.gate.post(self.review("shop/root:1"), "3s")
        self.assertFalse(answer["allowed"])
        self.assertEqual(answer["status"]["code"], 503)

    def test_a_silent_registry_just_after_new_settings_holds_up_nobody(self):
        silent = fault_registry.Registry()
        self.addCleanup(silent.close)
        refs = [silent.push(f"shop/app-{i}:1", content.image(user=str(i + 1)))
                for i in range(3)]
        config = gate.config_file(silent, name="silent.json",
                                  cache={"tagTtl": "30s"})
        own = gate.Gate(gate.POLICY, config)
        self.addCleanup(own.stop)
        reviews = [gate.review(gate.pod(ref)) for ref in refs]
        for review in reviews:
            self.assertTrue(own.post(review)["allowed"])
        silent.on("*", "*").hang()
        config.write_text(config.read_text().replace('"30s"', '"31s"'))
        own.process.wait_until(lambda: own.log("reloaded"), "reloaded")
        for review in reviews:
            started = time.monotonic()
            self.assertTrue(own.post(review)["allowed"])
            self.assertLess(time.monotonic() - started, 4)  # of 9


if __name__ == "__main__":
    tap.main()
