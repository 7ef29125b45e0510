# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves, each repository in its own way."""

import hashlib
import http.server
import json
import threading
import time

from lib import process

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
HUGE = 100 * 1024 * 1024


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class FaultyRegistry:
    """
    repository   what it does
    good         all as it should be
    slow         says nothing for a minute
    drip         sends a manifest, a byte a second
    liar         sends another config than the manifest names
    resized      names a config size that is wrong
    huge         sends 100 MiB of manifest
    cut          ends in the middle of a manifest
    garbage      sends what is no JSON
    broken       500
    busy         429, come back in 3 seconds
    missing      404
    """

    def __init__(self):
        self.sent = 0
        self.port = process.free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.config = json.dumps({
            "architecture": "amd64", "os": "linux", "config": {"User": "1000"},
            "rootfs": {"type": "layers", "diff_ids": [digest(b"layer")]},
            "history": [{"created_by": "COPY app /app"}]}).encode()
        handler = type("Handler", (_Handler,), {"registry": self})
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", self.port), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def settings(self):
        return {self.host: {"plainHttp": True}}

    def ref(self, repository):
        return f"{self.host}/{repository}:1"

    def manifest(self, repository):
        size = len(self.config) + (1 if repository == "resized" else 0)
        return json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                       "digest": digest(self.config), "size": size},
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": digest(b"layer.gz"), "size": 1000}]}).encode()


class _Handler(http.server.BaseHTTPRequestHandler):
    registry = None
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = self.path.split("/")
        if len(parts) != 5:
            self.answer(404, b"{}")
            return
        _, _, repository, kind, _ = parts
        try:
            if kind == "blobs":
                self.blob(repository)
            else:
                getattr(self, repository, self.good)()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_HEAD = do_GET

    def blob(self, repository):
        body = self.registry.config
        if repository == "liar":
            body = body.replace(b"1000", b"1001")
        self.answer(200, body, "application/octet-stream")

    def good(self):
        self.answer(200, self.registry.manifest(self.path.split("/")[2]))

    def slow(self):
        time.sleep(60)

    def drip(self):
        body = self.registry.manifest("drip")
        self.head(200, len(body))
        for i in range(len(body)):
            self.wfile.write(body[i:i + 1])
            self.wfile.flush()
            time.sleep(1)

    def huge(self):
        self.head(200, HUGE)
        chunk = b" " * 65536
        for _ in range(HUGE // len(chunk)):
            self.wfile.write(chunk)
            self.registry.sent += len(chunk)

    def cut(self):
        body = self.registry.manifest("cut")
        self.head(200, len(body))
        self.wfile.write(body[:len(body) // 2])
        self.close_connection = True

    def garbage(self):
        self.answer(200, b"<html>It works!</html>")

    def broken(self):
        self.answer(500, b"{}")

    def busy(self):
        self.answer(429, b"{}", headers={"Retry-After": "3"})

    def missing(self):
        self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')

    def answer(self, status, body, content_type=MANIFEST, headers=None):
        self.head(status, len(body), content_type, headers)
        self.wfile.write(body)

    def head(self, status, length, content_type=MANIFEST, headers=None):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args):
        pass
