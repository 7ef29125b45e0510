#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make demo` shows what it promises, and leaves nothing behind."""

import os
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import paths, process, tap  # noqa: E402

DEMO = paths.ROOT / "tests" / "demo"
MINUTE = 60


def left():
    return list((paths.BUILD / "tests" / "work").glob("demo-*"))


class Demo(unittest.TestCase):
    def demo(self, **env):
        started = time.monotonic()
        done = process.run([DEMO], check=False, env=dict(os.environ, **env))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertLess(time.monotonic() - started, MINUTE)
        self.assertEqual(left(), [])
        return done.stdout

    def test_api_server_refuses_and_admits(self):
        said = self.demo()
        for word in ("pod/lean created", "Error from server (Forbidden)",
                     "Warning:", "2 of 2 images rejected"):
            self.assertIn(word, said)

    def test_without_an_api_server_it_sends_reviews_itself(self):
        env = {k: "" for k in ("KUBE_APISERVER", "KUBEBUILDER_ASSETS")}
        said = self.demo(XDG_CACHE_HOME=str(paths.work()), **env)
        for word in ("There is no kube-apiserver", "curl", "allowed: true",
                     "allowed: false", "Warning:", "2 of 2 images rejected"):
            self.assertIn(word, said)

    def test_interrupted_it_cleans_up(self):
        for sig in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(sig):
                p = process.Process(f"demo-{sig}", [DEMO])
                p.wait_until(lambda p=p: "2. A policy" in p.text(), "half way")
                children = [int(c) for c in pathlib.Path(
                    f"/proc/{p.pid}/task/{p.pid}/children").read_text().split()]
                self.assertTrue(children)
                self.assertNotEqual(p.stop(sig), 0)
                self.assertEqual(left(), [])
                for pid in children:
                    self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())


if __name__ == "__main__":
    tap.main()
