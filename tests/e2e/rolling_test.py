#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Pods are created while policy and certificate change every second and the gate
is restarted, one beside the other: no call fails, no verdict is wrong.

In the environment, for another run: PODS (300), CONCURRENCY (20), and SECONDS
(8), over which they are spread; 0 is as fast as it goes.
"""

import collections
import http.client
import itertools
import json
import os
import pathlib
import ssl
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import cluster, gate, images, mount, relay, tap  # noqa: E402

PODS = int(os.environ.get("PODS", 300))
CONCURRENCY = int(os.environ.get("CONCURRENCY", 20))
SECONDS = float(os.environ.get("SECONDS", 8))
CHANGE_S, RESTART_S, DELAY_S = 1, 2, 1
# What is created, and how it must end: in every version of the policy.
WANTED = [("shop/lean:1", 201), ("shop/bloated:1", 403), ("shop/root:1", 201)]


class Fleet:
    """One gate after the other behind one address, for Cluster.guard()."""

    def __init__(self, config):
        self.inputs = mount.Inputs(
            lambda n: gate.POLICY.replace("company", f"company-{n}"),
            lambda n: config)
        self.certs = self.inputs  # where Cluster looks for them
        self.gates = []
        self.relay = relay.Relay(None)
        self.url = f"https://127.0.0.1:{self.relay.port}/validate"
        self.replace()

    @property
    def process(self):
        return self.gates[-1].process

    def log(self, event=None):
        return [line for g in self.gates for line in g.log(event)]

    def replace(self):
        """A new one serves before the old one stops."""
        old = self.gates[-1] if self.gates else None
        self.gates.append(gate.Gate(
            self.inputs.policy, self.inputs.config, certs=self.inputs,
            args=["--shutdown-delay", str(DELAY_S)]))
        self.relay.to = self.gates[-1].port
        if old:
            old.stop()


class Creator(threading.Thread):
    """Creates pods, one after the other, until there are enough."""

    def __init__(self, kube, numbers):
        super().__init__()
        self.kube, self.numbers = kube, numbers
        self.outcomes = []  # (image, status, message)
        self.seconds = []

    def run(self):
        c = http.client.HTTPSConnection(
            "127.0.0.1", self.kube.port,
            context=ssl._create_unverified_context(), timeout=60)
        while (n := next(self.numbers)) < PODS:
            name = WANTED[n % len(WANTED)][0]
            pod = gate.pod(registry.ref(name), f"rolling-{n}")
            pod["metadata"]["namespace"] = "shop"
            started = time.monotonic()
            c.request("POST", "/api/v1/namespaces/shop/pods", json.dumps(pod), {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {cluster.TOKEN}"})
            answer = c.getresponse()
            text = json.loads(answer.read()).get("message", "")
            self.seconds.append(time.monotonic() - started)
            self.outcomes.append((name, answer.status, text))
            time.sleep(SECONDS * CONCURRENCY / PODS)
        c.close()


registry = fleet = kube = None


def setUpModule():
    global registry, fleet, kube
    registry = images.serve()
    fleet = Fleet(gate.config_file(registry).read_text())
    kube = cluster.Cluster()
    kube.guard(fleet, "Fail")


def tearDownModule():
    fleet.gates[-1].stop()
    registry.close()


class Rolling(unittest.TestCase):
    def test_no_call_fails_and_no_verdict_is_wrong(self):
        numbers = itertools.count()
        creators = [Creator(kube, numbers) for _ in range(CONCURRENCY)]
        changes = 0
        restart = started = time.monotonic()
        for c in creators:
            c.start()
        while any(c.is_alive() for c in creators):
            fleet.inputs.change()
            changes += 1
            if time.monotonic() >= restart:
                fleet.replace()
                restart = time.monotonic() + RESTART_S
            time.sleep(CHANGE_S)
        took = time.monotonic() - started
        outcomes = [o for c in creators for o in c.outcomes]
        seconds = sorted(s for c in creators for s in c.seconds)
        wrong = [o for o in outcomes if o[:2] not in WANTED]
        self.assertEqual(wrong[:5], [], f"{len(wrong)} of {len(outcomes)}")
        self.assertEqual(len(outcomes), PODS)
        for name, status, text in outcomes:
            if status == 403:
                self.assertIn("(lean-images)", text)
        self.assertGreater(len(fleet.gates), 1)
        reloads = collections.Counter(
            line["event"] for line in fleet.log() if "reload" in line["event"])
        self.assertGreater(reloads["reloaded"], 0)
        self.assertEqual(reloads["reload_refused"], 0)
        print(f"# {PODS} pods by {CONCURRENCY} at once in {took:.0f} s, "
              f"{changes} changes, {reloads['reloaded']} reloads, "
              f"{len(fleet.gates) - 1} restarts; median "
              f"{seconds[PODS // 2] * 1000:.0f} ms, p99 "
              f"{seconds[PODS * 99 // 100] * 1000:.0f} ms")


if __name__ == "__main__":
    tap.main()
