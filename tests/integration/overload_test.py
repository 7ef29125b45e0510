#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Too many reviews, and clients that take their time: others are served meanwhile.
"""

import concurrent.futures
import contextlib
import json
import pathlib
import os
import resource
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, gate, rude, tap  # noqa: E402

SLOW_CLIENTS = 150
MIB = 1024 * 1024
SOON_S = 2  # on a machine that does much else
PLACES = 8
SLOW_READER = "\n".join([
    "import os, time", "while data := os.read(0, 4096):",
    "    os.write(1, data)", "    time.sleep(0.0002)"])
HALF_BODIES = 30
WAITING = 25
HALF_OPEN = 4000  # several times what there are places for


def setUpModule():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Overload(unittest.TestCase):
    def setUp(self):
        self.reg = fault_registry.Registry()
        self.addCleanup(self.reg.close)
        self.known = self.reg.push("app:1", content.image())
        self.reg.push("slow:1", content.image())
        self.reg.on("GET", "/v2/slow/*").hang(30)

    def serve(self, wrapper=(), **limits):
        self.own = gate.Gate(gate.POLICY, gate.config_file(
            self.reg, name=f"{self._testMethodName}.json",
            **({"limits": limits} if limits else {})), wrapper=wrapper)
        self.addCleanup(self.own.stop)
        self.assertTrue(self.ask(self.known)["allowed"])

    def ask(self, image, timeout="10s", on=None):
        return self.own.post(gate.review(gate.pod(image)), timeout, on)

    def start(self, image, timeout):
        """Asks, and leaves the answer for later."""
        c = self.own.connect()
        self.addCleanup(c.close)
        c.request("POST", f"/validate?timeout={timeout}",
                  json.dumps(gate.review(gate.pod(image))),
                  {"Content-Type": "application/json"})
        return c

    def dial(self, hello=True, port=None):
        """A connection that gets no further than this."""
        s = rude.dial(self.own, hello, port)
        self.addCleanup(s.close)
        return s

    def wait(self, ready, what):
        self.own.process.wait_until(ready, what)

    def sockets(self):
        """Connections that the program holds."""
        n = 0
        for f in pathlib.Path(
                f"/proc/{self.own.process.popen.pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed by now
                n += os.readlink(f).startswith("socket:")
        return n

    def inflight(self):
        return self.own.metrics()["policy_gate_inflight_reviews"]

    def serves(self):
        """The listeners answer, soon."""
        started = time.monotonic()
        self.assertTrue(self.ask(self.known)["allowed"])
        self.assertIn("policy_gate_build_info", str(self.own.metrics()))
        self.assertEqual(self.own.request("GET", "/readyz")[0], 200)
        self.assertLess(time.monotonic() - started, SOON_S)

    def test_what_is_too_much_is_sent_away_at_once(self):
        self.serve(maxInflight=PLACES)
        waiting = [self.start(self.reg.ref("slow:1"), "4s")
                   for _ in range(PLACES)]
        self.wait(lambda: self.inflight() == PLACES, "full")
        started = time.monotonic()
        for _ in range(5):
            status, headers, _ = self.own.request(
                "POST", "/validate", json.dumps(gate.review(gate.pod("a:1"))),
                {"Content-Type": "application/json"})
            self.assertEqual((status, headers["Retry-After"]), (503, "1"))
        self.assertEqual(self.own.request("GET", "/readyz")[0], 200)
        self.assertEqual(self.own.metrics()["policy_gate_shed_total"], 5)
        self.assertLess(time.monotonic() - started, SOON_S)
        for c in waiting:
            answer = json.loads(c.getresponse().read())["response"]
            self.assertIn("TIMEOUT", answer["status"]["message"])
        self.assertLess(time.monotonic() - started, 4 + SOON_S)
        self.serves()
        self.assertEqual(self.inflight(), 0)

    def test_a_log_that_is_read_slowly_has_whole_lines(self):
        self.serve(wrapper=["bash", "-c", 'exec "$@" 2> >(exec "$0" -c "%s")' %
                            SLOW_READER, sys.executable])
        large = gate.pod(self.known)
        large["spec"]["containers"] *= 150  # more than a pipe takes at once

        def ask_often():
            on = self.own.connect()
            self.addCleanup(on.close)
            for _ in range(20):
                self.own.post(gate.review(large), on=on)

        with concurrent.futures.ThreadPoolExecutor() as pool:
            for done in [pool.submit(ask_often) for _ in range(6)]:
                done.result()
        self.own.stop()
        end = time.monotonic() + 10
        while '"event":"stopping"' not in self.own.process.text():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.assertEqual(len(self.own.log("review")), 1 + 6 * 20)

    def test_slow_clients_take_nobody_s_place(self):
        self.serve(maxInflight=PLACES)
        silent = [self.dial(hello=False) for _ in range(SLOW_CLIENTS)]
        halfway = [self.dial(hello=False) for _ in range(SLOW_CLIENTS)]
        for s in halfway:
            s.sendall(rude.HALF_A_HELLO)
        dripping = [self.dial() for _ in range(SLOW_CLIENTS)]
        for s in dripping:
            s.sendall(rude.HEAD % (b"10s", 5000) + b"{")
        for _ in range(5):
            for s in dripping:
                s.sendall(b" ")
            self.serves()
        self.assertEqual(len(silent + halfway + dripping), 3 * SLOW_CLIENTS)

    def test_thousands_at_the_door_keep_nobody_out(self):
        self.serve()
        kept = self.own.connect()
        self.addCleanup(kept.close)
        self.assertTrue(self.ask(self.known, on=kept)["allowed"])
        own_end = kept.sock.getsockname()
        for i in range(HALF_OPEN):
            s = self.dial(hello=False)
            if i % 2:
                s.sendall(rude.HALF_A_HELLO)
            if i % 500 == 499:
                self.serves()
        for _ in range(SLOW_CLIENTS):
            self.dial(hello=False, port=self.own.metrics_port)
        self.serves()
        self.assertTrue(self.ask(self.known, on=kept)["allowed"])
        self.assertEqual(kept.sock.getsockname(), own_end)
        if not gate.sanitized():
            self.assertLess(self.own.process.peak(), 64 * MIB)

    def test_there_are_1024_places_or_two_for_each_review(self):
        for limits, places in (({}, 1024), ({"maxInflight": 600}, 1200)):
            with self.subTest(limits):
                self.serve(**limits)
                before = self.sockets()
                for _ in range(places + 20):
                    self.dial(hello=False)
                # Those of serve() may still have been there before.
                self.wait(lambda b=before, n=places:
                          self.sockets() - b in range(n - 3, n + 1), "full")

    def test_bodies_that_do_not_come_to_an_end_take_no_memory(self):
        self.serve()
        body = bytes(7 * MIB - 1)
        for _ in range(HALF_BODIES):
            s = self.dial()
            with contextlib.suppress(OSError):  # sent away
                s.sendall(rude.HEAD % (b"10s", len(body) + 1) + body)
        self.serves()
        if not gate.sanitized():
            self.assertLess(self.own.process.peak(), 128 * MIB)

    def test_large_reviews_that_wait_take_no_memory(self):
        self.serve()
        large = gate.pod(self.reg.ref("slow:1"))
        large["metadata"]["annotations"] = {"a": "x" * 6 * MIB}
        body = rude.post(gate.review(large), "6s")
        for _ in range(WAITING):
            self.dial().sendall(body)
        self.wait(lambda: self.inflight() == WAITING, "all of them waiting")
        self.serves()
        if not gate.sanitized():
            self.assertLess(self.own.process.peak(), 128 * MIB)

    def test_those_who_send_no_request_keep_nobody_out(self):
        self.serve(wrapper=["prlimit", "--nofile=200"])
        for i in range(2 * SLOW_CLIENTS):
            self.dial()
            if i % 50 == 49:
                self.serves()

    def test_a_low_limit_of_open_files_is_raised(self):
        self.serve(wrapper=["prlimit", "--nofile=64:4096"])
        held = [self.dial(hello=False) for _ in range(SLOW_CLIENTS)]
        self.serves()
        self.assertEqual(len(held), SLOW_CLIENTS)


if __name__ == "__main__":
    tap.main()
