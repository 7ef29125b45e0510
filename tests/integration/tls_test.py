#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Handshakes as API servers make them, and as nobody should. About two
seconds."""

import contextlib
import pathlib
import ssl
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, rude, tap  # noqa: E402

own = None
FLOODS = 4  # more than there are workers
AT_ONCE = 1 << 20
SOON_S = 5  # on a machine that does much else
GET = b"GET /readyz HTTP/1.1\r\nHost: gate\r\n\r\n"


def setUpModule():
    global own
    own = gate.Gate(gate.POLICY)


def tearDownModule():
    own.stop()


def s_client(*args, said=b"", stay=False):
    """What `openssl s_client` tells of it; `stay`: until the server ends it."""
    with subprocess.Popen(
            ["timeout", "30", "openssl", "s_client", "-connect",
             f"127.0.0.1:{own.port}", "-CAfile", own.certs.ca, *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT) as p:
        p.stdin.write(said)
        p.stdin.flush()
        if not stay:
            p.stdin.close()
        return p.stdout.read().decode(errors="replace")


class Handshakes(unittest.TestCase):
    def tearDown(self):
        self.assertEqual(own.request("GET", "/readyz")[0], 200)

    def test_the_key_that_go_offers_is_taken_without_asking_for_another(self):
        # As crypto/tls: all of these groups, and a key of the first alone.
        said = s_client("-msg", "-groups", "X25519:P-256:P-384:P-521")
        self.assertEqual(said.count(", ServerHello"), 1, said)
        self.assertIn("Server Temp Key: X25519", said)

    def test_clients_that_have_another_group_only(self):
        for group in "P-256", "P-384", "P-521":
            for version in "-tls1_2", "-tls1_3":
                said = s_client("-groups", group, version)
                self.assertIn("Verify return code: 0 (ok)", said)

    def test_http_2_is_not_agreed_on(self):
        said = s_client("-alpn", "h2,http/1.1", said=GET)
        self.assertIn("ALPN protocol: http/1.1", said)
        # An API server offers this alone; who insists on another goes.
        self.assertNotIn("ALPN protocol: h2", s_client("-alpn", "h2"))

    def test_a_client_that_shakes_hands_anew_is_sent_away(self):
        said = s_client("-tls1_2", said=b"R\n", stay=True)
        self.assertEqual(said.split("RENEGOTIATING")[1].strip(), "closed")

    def test_no_session_is_resumed_and_no_early_data_taken(self):
        for version in "-tls1_2", "-tls1_3":
            said = s_client(version, "-reconnect")
            self.assertNotIn("TLS session ticket", said)
            self.assertNotIn("Reused, ", said)

    def test_any_name_may_be_asked_for(self):
        for name in ("nobody.example", "a" * 200, "-" * 60):
            said = s_client("-servername", name)
            self.assertIn("Verify return code: 0 (ok)", said)

    def test_records_that_say_nothing_hold_up_nobody(self):
        hello = self.hello()
        for name, first, again in (
                ("cipher_changes", hello, b"\x14\x03\x03\0\1\1"),
                ("warnings", hello, b"\x15\x03\x03\0\2\1\x5a"),
                ("empty_data", hello, b"\x17\x03\x03\0\0"),
                ("a_hello_without_end", b"\x16\x03\x01\x40\0\1\xff\xff\xff" +
                 bytes(16380), b"\x16\x03\x01\x40\0" + bytes(16384))):
            with self.subTest(name), contextlib.ExitStack() as stack:
                ends = [stack.enter_context(rude.dial(own, hello=False))
                        for _ in range(FLOODS)]
                started = time.monotonic()
                for s in ends:
                    s.settimeout(0.1)
                    with contextlib.suppress(OSError):
                        s.sendall(first)
                        s.sendall(again * (AT_ONCE // len(again)))
                self.assertEqual(own.request("GET", "/readyz")[0], 200)
                self.assertLess(time.monotonic() - started, SOON_S)

    @staticmethod
    def hello():
        """The first words of a handshake."""
        out = ssl.MemoryBIO()
        client = own.tls.wrap_bio(ssl.MemoryBIO(), out,
                                  server_hostname="127.0.0.1")
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        return out.read()


if __name__ == "__main__":
    tap.main()
