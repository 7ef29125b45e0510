# SPDX-License-Identifier: Apache-2.0
"""A relay before a server: counts connections, and streams in them."""

import contextlib
import queue
import random
import socket
import ssl
import threading
import time

from lib import process

PREFACE = 24  # what an HTTP/2 client says first
DATA, HEADERS, RST_STREAM = 0, 1, 3
END_STREAM = 1


class Relay:
    """
    On a port of its own, to another port of this machine.

    tls:     a pki.Authority: ends TLS here and begins it again, which is how
             HTTP/2 streams can be counted; else bytes are passed on unread
    latency: seconds by which what the server says is late
    jitter:  so many more at the most, others each time
    """

    def __init__(self, to, tls=None, latency=0, jitter=0):
        self.to = to
        self.latency, self.jitter = latency, jitter
        self.connections = 0
        self.streams = 0  # the most at a time in one connection
        self.inside = self.outside = None
        self.port = process.free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.tls = tls
        if tls:
            self.outside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.outside.load_cert_chain(*tls.issue(f"relay-{self.port}"))
            self.outside.set_alpn_protocols(["h2", "http/1.1"])
        self.socket = socket.create_server(("127.0.0.1", self.port),
                                           backlog=256)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.socket.close()

    def ref(self, image):
        return f"{self.host}/{image}"

    def settings(self):
        return {self.host: {"caFile": str(self.tls.crt)} if self.tls else
                {"plainHttp": True}}

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                self.connections += 1
                threading.Thread(target=self.relay, args=(client,),
                                 daemon=True).start()

    def relay(self, client):
        with contextlib.suppress(OSError), client:
            server = socket.create_connection(("127.0.0.1", self.to))
            watch = None
            if self.tls:
                client = self.outside.wrap_socket(client, server_side=True)
                context = ssl.create_default_context(cafile=self.tls.crt)
                spoken = client.selected_alpn_protocol() or "http/1.1"
                context.set_alpn_protocols([spoken])
                server = context.wrap_socket(server,
                                             server_hostname="127.0.0.1")
                watch = _Streams(self) if spoken == "h2" else None
            with client, server:
                back = threading.Thread(
                    target=self.pump, daemon=True, args=(
                        server, client, watch and watch.server,
                        self.latency, self.jitter))
                back.start()
                self.pump(client, server, watch and watch.client)
                back.join()

    @staticmethod
    def pump(source, sink, watch=None, latency=0, jitter=0):
        """What has come waits, what comes does not wait for it."""
        chunks = queue.SimpleQueue()
        reader = threading.Thread(target=Relay.read, args=(source, chunks),
                                  daemon=True)
        reader.start()
        with contextlib.suppress(OSError):
            while (chunk := chunks.get())[1]:
                at, data = chunk
                late = latency + random.uniform(0, jitter)
                time.sleep(max(0, at + late - time.monotonic()))
                if watch:
                    watch(data)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    @staticmethod
    def read(source, chunks):
        data = b""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                chunks.put((time.monotonic(), data))
        chunks.put((0, b""))


class _Streams:
    """Those of one connection that are open, by the frames that pass."""

    def __init__(self, relay):
        self.relay = relay
        self.open = set()
        self.rests = {"client": b"", "server": b""}
        self.skip = PREFACE

    def client(self, data):
        data, self.skip = data[self.skip:], max(0, self.skip - len(data))
        for kind, _, stream in self.frames("client", data):
            if kind == HEADERS:
                self.open.add(stream)
            elif kind == RST_STREAM:
                self.open.discard(stream)
        self.relay.streams = max(self.relay.streams, len(self.open))

    def server(self, data):
        for kind, flags, stream in self.frames("server", data):
            if kind == RST_STREAM or (kind in (DATA, HEADERS)
                                      and flags & END_STREAM):
                self.open.discard(stream)

    def frames(self, side, data):
        data = self.rests[side] + data
        while len(data) >= 9:
            length = int.from_bytes(data[:3], "big")
            if len(data) < 9 + length:
                break
            yield data[3], data[4], int.from_bytes(data[5:9], "big")
            data = data[9 + length:]
        self.rests[side] = data
