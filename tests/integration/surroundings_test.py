#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `serve` may find around it: streams, files and signals that are not as
they should be. About eight seconds."""

import os
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, rude, tap  # noqa: E402

SOON_S = 10
NO_REGISTRY = "localhost:1/x:1"


def shell(before):
    """Runs a program after that."""
    return ["bash", "-c", f'{before}; exec "$@"', "bash"]


class Surroundings(unittest.TestCase):
    def serve(self, **kwargs):
        own = gate.Gate(gate.POLICY, **kwargs)
        self.addCleanup(own.stop)
        return own

    def ask(self, own, on=None):
        return own.post(gate.review(gate.pod(NO_REGISTRY)), "5s", on)


class Streams(Surroundings):
    def test_what_it_opens_does_not_take_the_place_of_the_log(self):
        own = self.serve(wrapper=shell("exec 0<&- 1>&- 2>&-"))
        self.assertFalse(self.ask(own)["allowed"])
        for fd in 0, 1, 2:
            self.assertEqual(os.readlink(f"/proc/{own.process.pid}/fd/{fd}"),
                             "/")

    def test_a_log_that_nobody_reads_stops_no_review(self):
        own = self.serve(wrapper=shell("exec 2> >(exec sleep 60)"))
        started = time.monotonic()
        on = own.connect(SOON_S)
        for _ in range(300):  # three times what a pipe holds
            self.assertFalse(self.ask(own, on)["allowed"])
        on.close()
        self.assertEqual(own.request("GET", "/livez")[0], 200)
        own.stop()
        self.assertLess(time.monotonic() - started, SOON_S)

    def test_a_log_that_may_not_grow_stops_nothing(self):
        own = self.serve(wrapper=shell("ulimit -f 1"))
        for _ in range(5):
            self.assertFalse(self.ask(own)["allowed"])
        self.assertLessEqual(len(own.process.text()), 1024)


class Files(Surroundings):
    def test_a_policy_that_is_none_any_more_leaves_the_old_one(self):
        own = self.serve()
        sparse = paths.work() / "sparse"
        with open(sparse, "wb") as f:
            f.truncate(1 << 40)
        for name, make in {
                "folder": os.mkdir,
                "pipe": os.mkfifo,
                "nothing": lambda p: os.symlink("/nowhere", p),
                "endless": lambda p: os.symlink("/dev/zero", p),
                "huge": lambda p: os.symlink(sparse, p),
                "loop": lambda p: os.symlink(own.policy, p)}.items():
            with self.subTest(name):
                refused = len(own.log("reload_refused"))
                new = paths.work() / name
                make(new)
                own.policy.unlink()
                os.rename(new, own.policy)
                own.process.wait_until(
                    lambda: len(own.log("reload_refused")) > refused,  # noqa: B023
                    "refused", SOON_S)
                self.assertIn(str(own.policy),
                              own.log("reload_refused")[-1]["reason"])
                self.assertFalse(self.ask(own)["allowed"])
                if own.policy.is_dir():
                    own.policy.rmdir()
                    own.policy.touch()


class Signals(Surroundings):
    def test_sighup_does_not_end_the_delay_before_it_stops(self):
        own = self.serve(args=["--shutdown-delay", "2"])
        own.process.popen.send_signal(signal.SIGTERM)
        started = time.monotonic()
        own.process.wait_until(lambda: own.log("draining"), "draining")
        own.process.popen.send_signal(signal.SIGHUP)
        own.process.popen.wait(SOON_S)
        self.assertGreater(time.monotonic() - started, 1.9)

    def test_a_second_sigterm_does_not_wait_for_reviews(self):
        own = self.serve()
        s = rude.dial(own)
        self.addCleanup(s.close)
        s.sendall(rude.HEAD % (b"10s", 5000) + b"{")  # keeps it from stopping
        time.sleep(0.2)
        own.process.popen.send_signal(signal.SIGTERM)
        own.process.wait_until(lambda: own.log("stopping"), "stopping")
        self.assertTrue(own.process.running())
        own.process.popen.send_signal(signal.SIGTERM)
        self.assertEqual(own.process.popen.wait(SOON_S), 0)


if __name__ == "__main__":
    tap.main()
