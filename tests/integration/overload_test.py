#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Too many reviews, clients that take their time, clients that go away, a registry
that is gone: others are served meanwhile, and nothing is left of it.
"""

import contextlib
import json
import os
import pathlib
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, gate, tap  # noqa: E402

MIB = 1024 * 1024
SLOW_CLIENTS = 150
SOON_S = 2  # on a machine that does much else
PLACES = 8
HEAD = b"POST /validate HTTP/1.1\r\nHost: gate\r\n" \
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"


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

    def dial(self, hello=True):
        """A connection that gets no further than this."""
        s = socket.create_connection(("127.0.0.1", self.own.port))
        self.addCleanup(s.close)
        if hello:
            s = self.own.tls.wrap_socket(s, server_hostname="127.0.0.1")
            self.addCleanup(s.close)
        return s

    def wait(self, ready, what):
        self.own.process.wait_until(ready, what)

    def inflight(self):
        return self.own.metrics()["policy_gate_inflight_reviews"]

    def files(self):
        return len(os.listdir(f"/proc/{self.own.process.pid}/fd"))

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

    def test_slow_clients_take_nobody_s_place(self):
        self.serve(maxInflight=PLACES)
        silent = [self.dial(hello=False) for _ in range(SLOW_CLIENTS)]
        halfway = [self.dial(hello=False) for _ in range(SLOW_CLIENTS)]
        for s in halfway:
            s.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        dripping = [self.dial() for _ in range(SLOW_CLIENTS)]
        for s in dripping:
            s.sendall(HEAD % 5000 + b"{")
        for _ in range(5):
            for s in dripping:
                s.sendall(b" ")
            self.serves()
        self.assertEqual(len(silent + halfway + dripping), 3 * SLOW_CLIENTS)

    def test_a_low_limit_of_open_files_is_raised(self):
        self.serve(wrapper=["prlimit", "--nofile=64:4096"])
        held = [self.dial(hello=False) for _ in range(SLOW_CLIENTS)]
        self.serves()
        self.assertEqual(len(held), SLOW_CLIENTS)

    def test_nothing_is_left_of_clients_that_go_away(self):
        self.serve()
        review = json.dumps(gate.review(gate.pod(self.reg.ref("slow:1"))))
        body = HEAD.replace(b"/validate", b"/validate?timeout=1s") % len(
            review) + review.encode()

        def vanish(keep, count, abort):
            for _ in range(count):
                with contextlib.closing(self.dial()) as s:
                    s.sendall(body[:keep])
                    if abort:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     b"\1\0\0\0\0\0\0\0")

        def round_of(count):
            for abort in (False, True):
                vanish(60, count, abort)          # in the header
                vanish(len(body) // 2, count, abort)  # in the body
                vanish(len(body), count, abort)   # while it is judged
            for _ in range(count):
                with contextlib.closing(self.dial(hello=False)) as s:
                    s.sendall(b"\x16\x03\x01")
            self.wait(lambda: self.inflight() == 0, "done with them")

        round_of(10)
        files, memory = self.files(), self.own.process.rss()
        for _ in range(2):
            round_of(15)
        self.wait(lambda: self.files() <= files, "closing what was open")
        if not gate.sanitized():
            self.assertLess(self.own.process.rss() - memory, 2 * MIB)
        self.serves()

    def test_known_images_do_not_mind_a_registry_that_is_gone(self):
        self.serve()
        self.reg.close()
        done = threading.Event()
        failed, counts, times = [], [], []

        def load():
            c = self.own.connect()
            count = 0
            with contextlib.closing(c):
                while not done.is_set():
                    if not self.ask(self.known, on=c)["allowed"]:
                        failed.append(count)
                    count += 1
            counts.append(count)

        callers = [threading.Thread(target=load) for _ in range(4)]
        for t in callers:
            t.start()
        for i in range(10):
            started = time.monotonic()
            answer = self.ask(self.reg.ref(f"unknown-{i}:1"), "2s")
            times.append(time.monotonic() - started)
            self.assertEqual(answer["status"]["code"], 503)
            self.assertGreater(
                answer["status"]["details"]["retryAfterSeconds"], 0)
        done.set()
        for t in callers:
            t.join()
        self.assertEqual(failed, [])
        self.assertEqual(len(counts), 4)
        self.assertLess(max(times), 2)

    def test_bad_input_among_good_harms_nobody(self):
        self.serve()
        good = json.dumps(gate.review(gate.pod(self.known)))
        bad = ["", "{", good[:-20], "[" * 5000, "null", good.replace(
            "AdmissionReview", "Another"), "\0" * 100, '{"a":"\ud800"}'.encode(
                "utf-8", "surrogatepass")]
        failed = []

        def post(bodies, wanted):
            c = self.own.connect()
            with contextlib.closing(c):
                for _ in range(60):
                    for body in bodies:
                        status, _, _ = self.own.request(
                            "POST", "/validate", body,
                            {"Content-Type": "application/json"}, c)
                        if status != wanted:
                            failed.append((status, body))

        callers = [threading.Thread(target=post, args=a) for a in (
            (bad, 400), (bad, 400), ([good] * 8, 200), ([good] * 8, 200))]
        for t in callers:
            t.start()
        for t in callers:
            t.join()
        self.assertEqual(failed[:3], [])
        self.serves()


if __name__ == "__main__":
    tap.main()
