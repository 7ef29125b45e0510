#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a person sees of a long `check`, and what Ctrl-C does to it."""

import json
import pathlib
import re
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, tap, terminal  # noqa: E402


class Progress(unittest.TestCase):
    """A registry that takes connections and says nothing."""

    @classmethod
    def setUpClass(cls):
        cls.silent = socket.create_server(("127.0.0.1", 0), backlog=64)
        host = f"127.0.0.1:{cls.silent.getsockname()[1]}"
        cls.registry = images.serve()
        cls.config = paths.write("config.json", json.dumps(
            {"version": 1, "registries": {
                host: {"plainHttp": True}, **cls.registry.settings()}}))
        cls.policy = paths.write("policy.yaml", gate.POLICY)
        cls.lean = cls.registry.ref("shop/lean:1")
        cls.dead = f"{host}/a:1"

    @classmethod
    def tearDownClass(cls):
        cls.registry.close()
        cls.silent.close()

    def start(self, *args, streams=("stderr",)):
        return terminal.Terminal(
            [paths.GATE, "check", "--policy", self.policy, "--config",
             self.config, "--timeout", "30", *args], streams=streams)

    def test_a_line_tells_how_far_it_is(self):
        t = self.start(self.lean, self.dead)
        self.addCleanup(t.process.kill)
        pattern = r"1/2 images, \d+/s  127\.0\.0\.1:\d+"
        self.assertRegex(t.read_until(pattern), pattern)

    def test_ctrl_c_stops_at_once_and_says_what_was_done(self):
        report = paths.work() / "report.json"
        t = self.start("-o", "table", "-o", f"json={report}", self.lean,
                       self.dead, self.dead + "2")
        t.read_until("1/3 images")
        asked = time.monotonic()
        t.process.send_signal(signal.SIGINT)
        status, shown = t.finish()
        self.assertLess(time.monotonic() - asked, 2)
        self.assertEqual(status, -signal.SIGINT)
        self.assertIn("interrupted; of 3 images 1 were judged, nothing was "
                      "written", shown)
        self.assertIn("1 image: 0 denied, 0 not judged, 0 warned, 1 allowed",
                      shown)
        self.assertEqual(list(paths.work().glob("report.json*")), [])

    def test_nothing_is_shown_where_nobody_looks(self):
        done = gate.command("check", "--policy", self.policy, "--config",
                            self.config, "--timeout", "1", self.lean,
                            self.dead)
        self.assertEqual((done.returncode, done.stderr), (3, ""))

    def test_the_line_is_gone_in_the_end(self):
        t = self.start("--timeout", "1", self.dead)
        _, shown = t.finish()
        self.assertTrue(shown.endswith("\r\x1b[K"), repr(shown))
        self.assertTrue(re.search(r"0/1 images", shown))


if __name__ == "__main__":
    tap.main()
