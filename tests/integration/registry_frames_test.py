#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Registries that speak HTTP/2, and send frames without an end that carry no
content. About five seconds."""

import contextlib
import pathlib
import socket
import ssl
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, registry_case, tap  # noqa: E402

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, SETTINGS, GOAWAY, UNKNOWN = 0, 1, 2, 4, 7, 99
END_HEADERS = 4
STATUS_200 = b"\x88"
AT_ONCE = 1 << 18
SOON_S = 4  # on a machine that does much else


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + \
        struct.pack(">I", stream) + payload


# What is sent once, then again and again; both get the stream's number.
NOTHING = {
    "empty_data": (lambda s: frame(HEADERS, END_HEADERS, s, STATUS_200),
                   lambda s: frame(DATA, 0, s)),
    "headers": (lambda s: b"",
                lambda s: frame(HEADERS, END_HEADERS, s, STATUS_200)),
    "goaway": (lambda s: b"", lambda s: frame(GOAWAY, 0, 0, struct.pack(
        ">II", 2**31 - 1, 0))),
    "priority": (lambda s: b"",
                 lambda s: frame(PRIORITY, 0, s, b"\0\0\0\3\0")),
    "unknown": (lambda s: b"", lambda s: frame(UNKNOWN, 0, 0, b"x" * 100)),
}


class Flood:
    """A registry that answers each request so, until the client goes."""

    def __init__(self, authority, name, once, again):
        self.once, self.again = once, again
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*authority.issue(name, "IP:127.0.0.1"))
        self.context.set_alpn_protocols(["h2"])
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.asked = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.answer, daemon=True,
                                 args=[self.socket.accept()[0]]).start()

    def answer(self, plain):
        with contextlib.suppress(OSError), \
                self.context.wrap_socket(plain, server_side=True) as s:
            s.sendall(frame(SETTINGS, 0, 0))
            read = s.makefile("rb").read
            read(len(PREFACE))
            while True:
                head = read(9)
                read(int.from_bytes(head[:3], "big"))
                if head[3] != HEADERS:
                    continue
                self.asked.set()
                stream = int.from_bytes(head[5:], "big")
                s.sendall(self.once(stream))
                again = self.again(stream)
                while True:
                    s.sendall(again * (AT_ONCE // len(again)))


class Frames(registry_case.Case):
    def test_without_an_end_hold_up_nobody_else(self):
        ca = registry_case.authority()
        good = self.registry()
        floods = {name: Flood(ca, name, *what)
                  for name, what in NOTHING.items()}
        for f in floods.values():
            self.addCleanup(f.socket.close)
        server = self.serve(self.config(entries={
            f.host: {"caFile": str(ca.crt)} for f in floods.values()}))
        for name, flood in floods.items():
            with self.subTest(name):
                image = good.push(f"{name}:1", content.image(user=name))
                asks = threading.Thread(target=self.post, args=(
                    server, f"{flood.host}/{name}:1", "2s"))
                asks.start()
                self.assertTrue(flood.asked.wait(SOON_S))
                started = time.monotonic()
                self.assertTrue(self.post(server, image, "10s")["allowed"])
                self.assertLess(time.monotonic() - started, SOON_S)
                asks.join(SOON_S)
                self.assertFalse(asks.is_alive())


if __name__ == "__main__":
    tap.main()
