# SPDX-License-Identifier: Apache-2.0
"""Clients that stop halfway, and go away without a word."""

import contextlib
import json
import socket
import struct

HEAD = b"POST /validate?timeout=%s HTTP/1.1\r\nHost: gate\r\n" \
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST /validate HTTP/1.1\r\nHost: gate\r\n" \
    b"Transfer-Encoding: chunked\r\n\r\n"
HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00"


def dial(server, hello=True, port=None):
    """A connection to a gate: over TLS, or before the handshake."""
    s = socket.create_connection(("127.0.0.1", port or server.port),
                                 timeout=60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server.tls.wrap_socket(s, server_hostname="127.0.0.1") \
        if hello else s


def post(review, timeout="10s"):
    """A whole request, as bytes."""
    body = json.dumps(review).encode()
    return HEAD % (timeout.encode(), len(body)) + body


def vanish(server, data, hello=True, abort=False):
    """Sends that and goes; with `abort` not even the connection is ended."""
    with contextlib.closing(dial(server, hello)) as s:
        s.sendall(data)
        if abort:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))


def vanish_everywhere(server, review, timeout="1s", abort=False):
    """Once at each stage of a request."""
    whole = post(review, timeout)
    head = whole.index(b"\r\n\r\n") + 4
    vanish(server, b"", False, abort)
    vanish(server, HALF_A_HELLO, False, abort)
    vanish(server, b"", True, abort)
    vanish(server, whole[:head // 2], True, abort)       # in the header
    vanish(server, whole[:(head + len(whole)) // 2], True, abort)  # the body
    vanish(server, CHUNKED + b"ffff\r\n{", True, abort)  # in a chunk
    vanish(server, whole, True, abort)                   # while it is judged
    vanish(server, 5 * whole, True, abort)
