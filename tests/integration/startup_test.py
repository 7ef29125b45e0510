#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Ready within 100 ms of being run, from a warm disk (the best of a few starts, as
other programs run here too); and how it stops. About six seconds.
"""

import contextlib
import hashlib
import http.client
import json
import pathlib
import signal
import sqlite3
import ssl
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, fault_registry, gate, paths, pki, process, \
    tap  # noqa: E402

STARTS = 10
READY_S = 0.1
SLOWER = 20  # a build that is instrumented
REGISTRIES = 50
IMAGES = 5000
certs = None


def setUpModule():
    global certs
    certs = gate.Certificates()


class Startup(unittest.TestCase):
    def ready(self, *args):
        """Seconds from before it is run until it says over TLS that it is
        ready."""
        port = process.free_port()
        tls = ssl.create_default_context(cafile=certs.ca)
        started = time.monotonic()
        own = process.Process(f"startup-{port}", [
            paths.GATE, "serve", "--tls-cert", certs.crt, "--tls-key",
            certs.key, "--listen", f"127.0.0.1:{port}", "--metrics-listen",
            f"127.0.0.1:{process.free_port()}", "--shutdown-delay", "0", *args])
        while True:
            c = http.client.HTTPSConnection("127.0.0.1", port, context=tls)
            with contextlib.closing(c), \
                    contextlib.suppress(ConnectionRefusedError):
                c.request("GET", "/readyz")
                self.assertEqual(c.getresponse().status, 200)
                break
            self.assertTrue(own.running(), own.text())
            time.sleep(0.001)
        took = time.monotonic() - started
        self.assertEqual(own.stop(), 0)
        return took

    def assert_ready_in_time(self, *args):
        limit = READY_S * (SLOWER if gate.sanitized() else 1)
        times = []
        while len(times) < STARTS and min(times, default=limit) >= limit:
            times.append(self.ready(*args))
        self.assertLess(min(times), limit, times)

    def test_with_a_preset(self):
        self.assert_ready_in_time("--policy", "preset:restricted")

    def test_with_many_registries(self):
        entries = {}
        for i in range(REGISTRIES):
            folder = f"registry-{i}"
            ca = pki.Authority(f"startup-{i}").crt if i == 0 else ca
            user, password = (paths.write(f"{folder}/{n}", n)
                              for n in ("user", "password"))
            entries[f"r{i}.example.com"] = {
                "caFile": str(paths.write(f"{folder}/ca", ca.read_text())),
                "credentials": {"usernameFile": str(user),
                                "passwordFile": str(password)},
                "mirrors": [f"m{i}.example.com"],
                "tokenRealms": [f"auth{i}.example.com"]}
        config = paths.write("many.json", json.dumps(
            {"version": 1, "registries": entries}))
        self.assert_ready_in_time("--config", config)

    def test_with_a_cache_of_many_images(self):
        folder = paths.work() / "cache"
        with contextlib.closing(fault_registry.Registry()) as reg:
            ref = reg.push("app:1", content.image())
            config = gate.config_file(reg, name="cache.json",
                                      cache={"dir": str(folder)})
            own = gate.Gate(gate.POLICY, config, certs=certs)
            self.assertTrue(own.post(gate.review(gate.pod(ref)))["allowed"])
            own.stop()
        file, = folder.glob("*.sqlite")
        self.fill(file)
        self.assert_ready_in_time("--config", config)
        with contextlib.closing(sqlite3.connect(file)) as db:
            n, = db.execute("SELECT count(*) FROM document").fetchone()
        self.assertEqual(n, 2 * (IMAGES + 1))  # nothing was thrown away

    def fill(self, file):
        """As many more images as one that is there already."""
        with contextlib.closing(sqlite3.connect(file)) as db:
            documents = db.execute("SELECT * FROM document").fetchall()
            tags = db.execute("SELECT * FROM tag").fetchall()
            self.assertEqual((len(documents), len(tags)), (2, 1))
            for i in range(IMAGES):
                for repository, _, kind, body, seen in documents:
                    body = body + f"{i:2000}".encode()
                    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
                    db.execute("INSERT INTO document VALUES (?, ?, ?, ?, ?)",
                               (f"{repository}-{i}", digest, kind, body, seen))
                repository, name, digest, seen = tags[0]
                db.execute("INSERT INTO tag VALUES (?, ?, ?, ?)",
                           (f"{repository}-{i}", name, digest, seen))
            db.commit()


def health(own):
    """What the plain listener says; its status by path."""
    found = {}
    for path in ("/livez", "/readyz"):
        c = http.client.HTTPConnection("127.0.0.1", own.metrics_port)
        with contextlib.closing(c):
            c.request("GET", path)
            found[path] = c.getresponse().status
    return found


class Stopping(unittest.TestCase):
    def drain(self, seconds):
        """A gate that was told to stop, and a connection from before."""
        own = gate.Gate(gate.POLICY, certs=certs,
                        args=["--shutdown-delay", str(seconds)])
        self.addCleanup(own.stop)
        kept = own.connect()
        self.addCleanup(kept.close)
        status, headers, _ = own.request("GET", "/readyz", on=kept)
        self.assertEqual((status, headers["Connection"]), (200, None))
        own.process.popen.send_signal(signal.SIGTERM)
        own.process.wait_until(lambda: own.log("draining"), "draining")
        return own, kept

    def test_it_says_so_and_serves_on_for_a_while(self):
        started = time.monotonic()
        own, kept = self.drain(2)
        review = json.dumps(gate.review(gate.pod("Not/Valid")))
        for path, wanted in (("/validate", 200), ("/readyz", 503),
                             ("/livez", 200)):
            body = review if path == "/validate" else None
            status, headers, _ = own.request(
                "POST" if body else "GET", path, body,
                {"Content-Type": "application/json"}, kept)
            self.assertEqual((status, headers["Connection"]),
                             (wanted, "close"))
        self.assertEqual(health(own), {"/livez": 200, "/readyz": 503})
        self.assertEqual(own.process.popen.wait(process.STOP_S), 0)
        self.assertGreater(time.monotonic() - started, 2)

    def test_a_second_signal_ends_it_at_once(self):
        started = time.monotonic()
        own, _ = self.drain(60)
        own.process.popen.send_signal(signal.SIGTERM)
        self.assertEqual(own.process.popen.wait(process.STOP_S), 0)
        self.assertLess(time.monotonic() - started, 30)


if __name__ == "__main__":
    tap.main()
