#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What serve gives up once it runs. About two seconds. That all features work
so is shown by every other test: it is on unless it is told otherwise."""

import json
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, tap  # noqa: E402


class Sandbox(unittest.TestCase):
    def serve(self, *args, **kwargs):
        own = gate.Gate(gate.POLICY, args=args, **kwargs)
        self.addCleanup(own.stop)
        return own

    def threads(self, own, key):
        """What the kernel says of each thread."""
        return {line.split()[1] for status in pathlib.Path(
            f"/proc/{own.process.pid}/task").glob("*/status")
            for line in status.read_text().splitlines()
            if line.startswith(f"{key}:")}

    def elsewhere(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=paths.work().parent))
        self.addCleanup(shutil.rmtree, folder)
        return folder

    def test_every_thread_is_in_it(self):
        own = self.serve()
        entry, = own.log("sandbox")
        if gate.instrumented():
            self.assertEqual((entry["level"], entry["systemCalls"]),
                             ("warn", "off: this build is instrumented"))
            return
        self.assertEqual((entry["level"], entry["systemCalls"]),
                         ("info", "on"))
        self.assertIn(entry["files"], ("on", "the kernel does not have it"))
        self.assertEqual(self.threads(own, "NoNewPrivs"), {"1"})
        self.assertEqual(self.threads(own, "Seccomp"), {"2"})

    def test_it_can_be_left_off(self):
        own = self.serve("--no-sandbox")
        entry, = own.log("sandbox")
        self.assertEqual(entry["level"], "warn")
        self.assertTrue(entry["systemCalls"].startswith("off"))
        self.assertEqual(self.threads(own, "NoNewPrivs"), {"0"})

    def test_a_file_named_later_and_elsewhere_needs_a_restart(self):
        config = paths.write("named-later.json", '{"version": 1}')
        own = self.serve(config=config)
        if own.log("sandbox")[0]["files"] != "on":
            self.skipTest("files are not kept from it here")
        docker = self.elsewhere() / "docker.json"
        docker.write_text('{"auths": {}}')
        paths.write("named-later.new", json.dumps(
            {"version": 1, "dockerConfig": str(docker)})).rename(config)
        own.process.wait_until(lambda: own.log("reload_refused"), "refused")
        reason = own.log("reload_refused")[0]["reason"]
        self.assertIn(str(docker), reason)
        self.assertIn("restart serve", reason)
        self.serve(config=config)


if __name__ == "__main__":
    tap.main()
