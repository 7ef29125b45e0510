#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Memory that runs out again and again under load, in handshakes too: the gate
answers, never lies, never dies. About seven seconds."""

import concurrent.futures
import http.client
import itertools
import json
import mmap
import pathlib
import signal
import ssl
import struct
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, gate, paths, process, tap  # noqa: E402

ONE_IN, FAILED = 0, 8  # where they stand in what failing_alloc.c shares
CLIENTS = 4
REQUESTS = 3  # on a connection
ANSWER_S = 10  # hung, if it takes longer
SOURCE = paths.ROOT / "tests" / "lib" / "failing_alloc.c"
POLICY = """\
version: 1
name: memory
mode: enforce
onError: deny
rules:
  - name: no-root
    owner: o
    check:
      user: {root: deny}
"""


class OutOfMemory(unittest.TestCase):
    def setUp(self):
        if gate.sanitized():
            self.skipTest("a sanitizer brings an allocator of its own")
        library = paths.work() / "failing_alloc.so"
        process.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", library,
                     SOURCE])
        shared = paths.work() / "numbers"
        shared.write_bytes(bytes(mmap.PAGESIZE))
        with open(shared, "r+b") as f:
            self.numbers = mmap.mmap(f.fileno(), mmap.PAGESIZE)
        self.reg = fault_registry.Registry()
        self.addCleanup(self.reg.close)
        self.images = [self.push(name, user) for name, user in (
            ("good", "1000"), ("bad", "0"))]
        self.own = gate.Gate(POLICY, gate.config_file(
            self.reg, cache={"tagTtl": "1s", "negativeTtl": "0s"}), env={
                "LD_PRELOAD": str(library), "FAILING_ALLOC": str(shared)})
        self.addCleanup(self.own.stop)
        self.count = itertools.count()

    def push(self, name, user):
        return self.reg.push(f"{name}:1", content.image(user=user))

    def fail(self, one_in):
        struct.pack_into("I", self.numbers, ONE_IN, one_in)

    def failed(self):
        return struct.unpack_from("I", self.numbers, FAILED)[0]

    def ask(self, connection, good):
        """Whether it was admitted; None where there was no verdict."""
        review = gate.review(gate.pod(self.images[0 if good else 1]))
        connection.request("POST", "/validate?timeout=3s", json.dumps(review),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            self.assertGreaterEqual(answer.status, 500, body)
            return None
        response = json.loads(body)["response"]
        self.assertEqual(response["uid"], review["request"]["uid"])
        if good and not response["allowed"]:
            self.assertNotIn("root", response["status"]["message"])
            return None
        return response["allowed"]

    def load(self, until):
        """How often there was a right answer, and how often none."""
        right = none = 0
        connection = None
        while time.monotonic() < until:
            n = next(self.count)
            good = n % 2 == 0
            if connection and n % REQUESTS == 0:
                connection.close()
                connection = None
            try:
                connection = connection or self.own.connect(ANSWER_S)
                admitted = self.ask(connection, good)
            except TimeoutError:
                raise
            except (OSError, http.client.HTTPException, ssl.SSLError):
                connection, admitted = None, None
            if admitted is None:
                none += 1
                continue
            self.assertEqual(admitted, good)
            right += 1
        return right, none

    def run_load(self, one_in, seconds):
        before = self.failed()
        self.fail(one_in)
        until = time.monotonic() + seconds
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            done = [pool.submit(self.load, until) for _ in range(CLIENTS)]
            while time.monotonic() < until:
                self.own.process.popen.send_signal(signal.SIGHUP)
                time.sleep(0.3)
            counts = [d.result() for d in done]
        self.fail(0)
        right, none = (sum(c) for c in zip(*counts))
        failed = self.failed() - before
        print(f"# one in {one_in}: {failed} allocations failed, "
              f"{right} right answers, {none} without a verdict")
        self.assertTrue(self.own.process.running())
        self.assertGreater(failed, 0)
        return right

    def test_it_answers_and_does_not_lie_or_die(self):
        self.assertGreater(self.run_load(10007, 3), 100)
        self.run_load(211, 3)
        # And all is well again.
        for good in (True, False) * 10:
            self.assertIs(self.ask(self.own.connect(), good), good)
        self.assertEqual(self.own.request("GET", "/livez")[0], 200)


if __name__ == "__main__":
    tap.main()
