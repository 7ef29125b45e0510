#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`policy-gate certs`, seen by openssl."""

import pathlib
import stat
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, process, tap  # noqa: E402

NAME = "policy-gate.policy-gate.svc"


class Certs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = paths.work() / "certs"
        cls.init("--dns", NAME, "--dns", "127.0.0.1", check=True)

    @classmethod
    def init(cls, *args, check=False):
        return gate.command("certs", "init", "--dir", cls.dir, *args,
                            check=check)

    def test_openssl_trusts_the_chain_for_the_name(self):
        for option, name in (("-verify_hostname", NAME),
                             ("-verify_ip", "127.0.0.1")):
            process.run(["openssl", "verify", "-purpose", "sslserver",
                         "-CAfile", self.dir / "ca.crt", option, name,
                         self.dir / "tls.crt"])

    def test_keys_are_p256_and_private(self):
        for name in ("ca.key", "tls.key"):
            mode = stat.S_IMODE((self.dir / name).stat().st_mode)
            self.assertEqual(mode, 0o600, name)
            text = process.run(["openssl", "pkey", "-noout", "-text", "-in",
                                self.dir / name]).stdout
            self.assertIn("prime256v1", text)

    def test_nothing_is_overwritten_without_force(self):
        before = (self.dir / "tls.key").read_bytes()
        done = self.init("--dns", NAME)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--force", done.stderr)
        self.assertEqual((self.dir / "tls.key").read_bytes(), before)
        self.init("--force", "--dns", NAME, "--dns", "127.0.0.1", check=True)
        self.assertNotEqual((self.dir / "tls.key").read_bytes(), before)

    def test_show_tells_names_and_days(self):
        done = gate.command("certs", "show", self.dir / "tls.crt", check=True)
        for word in (NAME, "127.0.0.1", "days"):
            self.assertIn(word, done.stdout)


if __name__ == "__main__":
    tap.main()
