#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What serve does where nothing is said, in a network of its own. A second."""

import pathlib
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, namespace, paths, process, tap  # noqa: E402


class Defaults(unittest.TestCase):
    def setUp(self):
        if why_not:
            self.skipTest(why_not)

    def test_it_listens_on_8443_and_9090_and_judges_by_the_baseline(self):
        namespace.bring_up([])
        certs = gate.Certificates()
        own = process.Process("serve", [
            paths.GATE, "serve", "--tls-cert", certs.crt, "--tls-key",
            certs.key])
        self.addCleanup(own.stop)
        for port in (8443, 9090):
            own.wait_port(port, gate.START_S)
        with urllib.request.urlopen("http://127.0.0.1:9090/metrics") as m:
            self.assertIn('policy_gate_policy_info{name="baseline"',
                          m.read().decode())
        self.assertIn('"level":"info","event":"serving"', own.text())
        own.popen.terminate()
        own.wait_until(lambda: '"draining","seconds":10' in own.text(),
                       "it serves on for ten seconds")
        own.popen.terminate()


if __name__ == "__main__":
    why_not = namespace.enter()
    tap.main()
