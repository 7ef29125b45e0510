#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
A gate whose certificate and authority are renewed while 500 reviews a second
run on kept connections, and some 200 beside them, half of those on connections
of their own: no handshake fails, for clients that hold the bundle before each
step and the one after it. And what is wrong with the files: the old certificate
stays. About 15 seconds.
"""

import json
import pathlib
import signal
import ssl
import sys
import threading
import time
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, pki, process, tap, wrk  # noqa: E402

POLICY = "version: 1\nname: none\nrules: []\n"
CLIENTS = 6
OVERLAP_S = 3  # a second of it may be lost: times are whole seconds
RATE = 200  # of the clients
STEADY_RATE, STEADY_CONNECTIONS = 500, 16


class Client(threading.Thread):
    """Reviews over TLS until it is stopped. With `lag` it takes a new bundle
    only after so many seconds; `fresh`: each review has a handshake."""

    def __init__(self, own, lag, fresh):
        super().__init__(daemon=True)
        self.own, self.lag, self.fresh = own, lag, fresh
        self.running = True
        self.reviews, self.handshakes, self.failed = 0, 0, []
        self.bundle = own.certs.ca.read_text()
        self.seen = [(0, self.bundle)]
        self.body = json.dumps(gate.review(gate.pod("app:1")))

    def latest(self):
        """The bundle that was there `lag` seconds ago."""
        now = time.monotonic()
        text = self.own.certs.ca.read_text()
        if text != self.seen[-1][1]:
            self.seen.append((now, text))
        return [t for at, t in self.seen if at <= now - self.lag][-1]

    def run(self):
        connection, context, held = None, None, None
        next_at = time.monotonic()
        while self.running:
            try:
                bundle = self.latest()
                if bundle != held:
                    held = bundle
                    context = ssl.create_default_context(cadata=bundle)
                if connection is None:
                    connection = self.own.connect()
                    connection._context = context
                    self.handshakes += 1
                connection.request("POST", "/validate?timeout=5s", self.body, {
                    "Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failed.append(answer.status)
            except OSError as e:
                self.failed.append(repr(e))
                connection = None
            self.reviews += 1
            if self.fresh and connection:
                connection.close()
                connection = None
            next_at += CLIENTS / RATE
            time.sleep(max(0, next_at - time.monotonic()))


class Rotation(unittest.TestCase):
    def renew(self, certs, *args):
        done = gate.command("certs", "renew", "--dir", certs.dir, "--overlap",
                            f"{OVERLAP_S}s", *args)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def until(self, certs, word):
        end = time.monotonic() + 30
        while word not in self.renew(certs):
            self.assertLess(time.monotonic(), end, word)
            time.sleep(0.2)

    def test_no_handshake_fails_while_leaf_and_authority_change(self):
        own = gate.Gate(POLICY)
        self.addCleanup(own.stop)
        certs = own.certs
        first = certs.ca.read_text()
        # Of three, one is up to date, and two lag behind.
        clients = [Client(own, (0, 1, OVERLAP_S - 1.5)[n % 3],
                          n < CLIENTS / 2) for n in range(CLIENTS)]
        for c in clients:
            c.start()
        steady = wrk.Wrk(own, [paths.write("steady.json", clients[0].body)],
                         60, STEADY_CONNECTIONS, STEADY_RATE)
        started = time.monotonic()
        self.assertIn("a new certificate", self.renew(certs, "--now", "leaf"))
        time.sleep(1)
        self.assertIn("a new authority", self.renew(certs, "--now", "ca"))
        self.until(certs, "a new certificate")
        self.until(certs, "left out")
        time.sleep(OVERLAP_S)
        for c in clients:
            c.running = False
        for c in clients:
            c.join()
        took = time.monotonic() - started
        steady.stop()
        failed = [f for c in clients for f in c.failed]
        reviews = sum(c.reviews for c in clients)
        shakes = sum(c.handshakes for c in clients)
        self.assertEqual(failed[:3], [], f"{len(failed)} of {reviews}")
        self.assertNotEqual(certs.ca.read_text(), first)
        self.assertEqual(certs.ca.read_text().count("BEGIN CERT"), 1)
        self.assertGreaterEqual(len(own.log("reloaded")), 2)
        self.assertGreater(shakes, 200)
        self.assertEqual(steady.errors, 0, steady.text)
        print(f"# {reviews} reviews ({reviews / took:.0f} a second) with "
              f"{shakes} handshakes, and {steady.rate:.0f} a second on kept "
              f"connections: none failed")


class BadFiles(unittest.TestCase):
    """What is wrong is told in log, metric and /readyz; the old one serves."""

    def setUp(self):
        self.own = gate.Gate(POLICY)
        self.addCleanup(self.own.stop)
        self.dir = self.own.certs.dir
        self.good = {n: (self.dir / n).read_bytes()
                     for n in ("tls.crt", "tls.key")}
        self.other = gate.Certificates(f"other-{self._testMethodName}")

    def served(self):
        return ssl.get_server_certificate(("127.0.0.1", self.own.port))

    def ready(self):
        status, _, body = self.own.request("GET", "/readyz")
        return status, body.decode()

    def replace(self, name, data):
        fresh = self.dir / "fresh"
        fresh.write_bytes(data)
        fresh.rename(self.dir / name)

    def check(self, word, **files):
        before = self.served()
        refused = len(self.own.log("reload_refused"))
        for name, data in files.items():
            self.replace(name.replace("_", "."), data)
        self.own.process.wait_until(
            lambda: len(self.own.log("reload_refused")) > refused, "refused")
        self.assertIn(word, self.own.log("reload_refused")[-1]["reason"])
        self.assertEqual(self.served(), before)
        self.assertIn("certificate", self.ready()[1])
        self.assertGreater(self.own.metrics()[
            'policy_gate_policy_reloads_total{result="refused"}'], refused)
        reloaded = len(self.own.log("reloaded"))
        for name, data in self.good.items():
            self.replace(name, data)
        self.own.process.wait_until(
            lambda: len(self.own.log("reloaded")) > reloaded, "reloaded")
        self.assertEqual(self.ready(), (200, "ok\n"))

    def test_what_is_wrong_leaves_the_old_one_serving(self):
        expired = pki.Authority(f"old-{time.monotonic_ns()}").issue(
            "expired", days=-1)
        for word, files in (
                ("does not belong", {"tls_key": self.other.key.read_bytes()}),
                ("there is no key", {"tls_key": self.good["tls.key"][:60]}),
                ("broken", {"tls_crt": self.good["tls.crt"][:300]}),
                ("there is no certificate", {"tls_crt": b""}),
                ("expired", {"tls_crt": expired[0].read_bytes(),
                             "tls_key": expired[1].read_bytes()})):
            with self.subTest(word):
                self.check(word, **files)

    def test_renewal_mends_a_pair_that_does_not_match(self):
        self.replace("tls.key", self.other.key.read_bytes())
        self.own.process.wait_until(
            lambda: self.own.log("reload_refused"), "refused")
        before = self.served()
        done = gate.command("certs", "renew", "--dir", self.dir)
        self.assertIn("a new certificate", done.stdout)
        self.own.process.wait_until(
            lambda: self.own.log("reloaded"), "reloaded")
        self.assertNotEqual(self.served(), before)


CA_CONFIG = """\
[ca]
default_ca = it
[it]
database = {dir}/index.txt
serial = {dir}/serial
new_certs_dir = {dir}
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def brief(seconds):
    """A certificate that ends so soon: its own authority."""
    folder = paths.work() / "brief"
    folder.mkdir()
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n")
    (folder / "config").write_text(CA_CONFIG.format(dir=folder))
    crt, key, csr = (folder / f"tls.{s}" for s in ("crt", "key", "csr"))
    process.run(["openssl", "req", *pki.EC, "-subj", "/CN=brief", "-keyout",
                 key, "-out", csr])
    start, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + s))
                  for s in (-60, seconds))
    process.run(["openssl", "ca", "-batch", "-notext", "-selfsign", "-config",
                 folder / "config", "-keyfile", key, "-in", csr, "-out", crt,
                 "-startdate", start, "-enddate", end])
    return types.SimpleNamespace(ca=crt, crt=crt, key=key)


class Expired(unittest.TestCase):
    def test_log_and_readiness_tell_of_the_end(self):
        own = gate.Gate(POLICY, certs=brief(5))
        self.addCleanup(own.stop)
        own.tls = ssl._create_unverified_context()
        soon = own.log("certificate_ends_soon")
        self.assertEqual([line["daysLeft"] for line in soon], [0])
        self.assertEqual(own.request("GET", "/readyz")[0], 200)
        time.sleep(6)
        own.process.popen.send_signal(signal.SIGHUP)
        own.process.wait_until(lambda: own.log("certificate_expired"), "told")
        status, _, body = own.request("GET", "/readyz")
        self.assertEqual((status, body),
                         (503, b"the certificate has expired\n"))
        self.assertEqual(len(own.log("certificate_ends_soon")), 1)


if __name__ == "__main__":
    tap.main()
