#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`policy-gate certs`, seen by openssl."""

import base64
import fcntl
import json
import os
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

    def test_half_a_key_is_not_left_where_the_disk_was_full(self):
        folder = paths.work() / "full"
        done = process.run(
            ["bash", "-c", "ulimit -f 0; trap '' XFSZ; exec \"$@\"", "-",
             paths.GATE, "certs", "init", "--dir", folder, "--dns", NAME],
            check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("File too large", done.stderr)
        self.assertEqual(list(folder.iterdir()), [])

    def test_init_does_not_take_away_what_a_renewal_is_writing(self):
        fd = os.open(self.dir, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        fcntl.flock(fd, fcntl.LOCK_EX)
        before = (self.dir / "tls.key").read_bytes()
        done = self.init("--force", "--dns", NAME, "--dns", "127.0.0.1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("under way", done.stderr)
        self.assertEqual((self.dir / "tls.key").read_bytes(), before)

    def test_show_tells_names_and_days(self):
        done = gate.command("certs", "show", self.dir / "tls.crt", check=True)
        for word in (NAME, "127.0.0.1", "days"):
            self.assertIn(word, done.stdout)

    def test_show_tells_programs_the_same(self):
        done = gate.command("certs", "show", "-o", "json", self.dir, check=True)
        ca, leaf = json.loads(done.stdout)
        self.assertTrue(ca["authority"])
        self.assertFalse(leaf["authority"])
        self.assertEqual(leaf["issuer"], ca["subject"])
        # Whole days: a moment has gone by, or, if that is quick, none.
        self.assertIn(leaf["daysLeft"], (89, 90))
        self.assertEqual(ca["daysLeft"] - leaf["daysLeft"], 3560)
        self.assertIn(f"DNS:{NAME}", leaf["names"])

    def test_bundle_is_what_an_api_server_is_given(self):
        pem = gate.command("certs", "bundle", self.dir, check=True).stdout
        self.assertEqual(pem, (self.dir / "ca.crt").read_text())
        text = gate.command("certs", "bundle", "-o", "base64", self.dir,
                            check=True).stdout
        self.assertEqual(base64.b64decode(text).decode(), pem)
        mixed = paths.write("mixed.pem", (self.dir / "ca.key").read_text() + pem)
        self.assertEqual(gate.command("certs", "bundle", mixed,
                                      check=True).stdout, pem)

    def renew(self, *args):
        return gate.command("certs", "renew", "--dir", self.renewed, *args)

    def test_renewal_tells_what_it_does_and_what_is_next(self):
        self.renewed = paths.work() / "renewed"
        gate.command("certs", "init", "--dir", self.renewed, "--dns", NAME,
                     check=True)
        for args, words in (
                ((), ("nothing to do", "next is a new certificate, due 20")),
                (("--now", "leaf"), ("a new certificate", "(asked for)")),
                (("--now", "ca"), (
                    "a new authority", "the certificate stays until",
                    "next is a certificate of the new authority")),
                ((), ("the certificate stays until",)),
                (("--overlap", "0s"), ("a new certificate",
                                       "next is dropping the old")),
                (("--overlap", "0s"), ("1 of the certificates in ca.crt",)),
                (("--overlap", "0s"), ("nothing to do",))):
            done = self.renew(*args)
            self.assertEqual((done.returncode, done.stderr), (0, ""), args)
            for word in words:
                self.assertIn(word, done.stdout, args)
        (self.renewed / "ca.key").unlink()
        done = self.renew()
        self.assertEqual(done.returncode, 2)
        self.assertIn("ca.key is not there", done.stderr)
        self.assertEqual(self.renew("--now", "ca").returncode, 0)

    def test_usage_is_explained(self):
        for args, word in (
                ((), "say init, renew"), (("renew",), "renew needs --dir"),
                (("renew", "--dir", "x", "--force"), "does not take --force"),
                (("show",), "needs a file"),
                (("show", "-o", "pem", "x"), "does not take -o pem"),
                (("renew", "--dir", "x", "--now", "all"), "ca or leaf"),
                (("renew", "--dir", "x", "--overlap", "7"), "as 7d"),
                (("renew", "--dir", "x", "y"), "takes no file"),
                (("renew", "--dir", self.dir, "--overlap", "30d"),
                 "a quarter of"),
                (("renew", "--dir", "/nonexistent"), "/nonexistent")):
            done = gate.command("certs", *args)
            self.assertEqual((done.returncode, done.stdout), (2, ""), args)
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    tap.main()
