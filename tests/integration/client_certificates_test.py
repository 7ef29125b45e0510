#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`serve --client-ca`: who may ask for reviews, and who may not."""

import http.client
import json
import pathlib
import shutil
import ssl
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, pki, process, tap  # noqa: E402

NAMES = ("api-server", "policy-gate.policy-gate.svc")
# Whose images are never asked for: the policy looks at the name alone.
POLICY = """\
version: 1
name: names
rules:
  - name: fixed
    check: {tag: {deny: [latest]}}
"""

ours = other = server = None


def setUpModule():
    global ours, other, server
    ours, other = pki.Authority("ours"), pki.Authority("other")
    server = start(*(a for n in NAMES for a in ("--client-name", n)))


def tearDownModule():
    server.stop()


def start(*args):
    ca = paths.work() / "clients.crt"
    shutil.copy(ours.crt, ca)
    return gate.Gate(POLICY, args=["--client-ca", ca, *args])


def connect(pair=None, on=None, version=None):
    on = on or server
    tls = ssl.create_default_context(cafile=on.certs.ca)
    if version:
        tls.minimum_version = tls.maximum_version = version
    if pair:
        tls.load_cert_chain(*pair)
    return http.client.HTTPSConnection("127.0.0.1", on.port, context=tls,
                                       timeout=60)


def ask(connection, path="/validate"):
    """The status and the body of a review's answer."""
    review = gate.review(gate.pod("Not/Valid"))
    connection.request("POST", path, json.dumps(review),
                       {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def status(pair, on=None, **kwargs):
    c = connect(pair, on, **kwargs)
    try:
        return ask(c)[0]
    finally:
        c.close()


class Clients(unittest.TestCase):
    def test_the_right_certificate_is_let_in(self):
        pairs = {
            "common name": ours.issue("api-server"),
            "DNS name": ours.issue("x", f"DNS:a.example,DNS:{NAMES[1]}"),
            "for clients": ours.issue("api-server", usage="clientAuth"),
        }
        for name, pair in pairs.items():
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with self.subTest(name, version=version):
                    self.assertEqual(status(pair, version=version), 200)

    def test_others_are_refused_in_words(self):
        pairs = {
            "none": None,
            "of another authority": other.issue("api-server"),
            "of another name": ours.issue("someone", "DNS:api-server.example"),
            "of a longer name": ours.issue("api-server2"),
            "of the name in other letters": ours.issue("API-server"),
            "of the name as an address": ours.issue("x", "email:api-server"),
            "for servers": ours.issue("api-server", usage="serverAuth"),
            "expired": ours.issue("api-server", days=-1),
        }
        for name, pair in pairs.items():
            for path in ("/validate", "/mutate"):
                with self.subTest(name, path=path):
                    c = connect(pair)
                    code, text = ask(c, path)
                    c.close()
                    self.assertEqual(code, 403)
                    self.assertIn("client certificate", text)

    def test_an_authority_signed_by_itself_under_our_name_is_refused(self):
        fake = pki.Authority("ours-again")
        process.run(["openssl", "req", "-x509", *pki.EC, "-days", "2", "-subj",
                     "/CN=test ours", "-keyout", fake.key, "-out", fake.crt])
        self.assertEqual(status(fake.issue("api-server")), 403)

    def test_health_is_open_to_all(self):
        for pair in (None, other.issue("prober")):
            c = connect(pair)
            for path in ("/livez", "/readyz"):
                c.request("GET", path)
                answer = c.getresponse()
                self.assertEqual((answer.status, answer.read()), (200, b"ok\n"))
            c.close()
        self.assertIn("policy_gate_build_info", str(server.metrics()))

    def test_without_names_any_of_the_authority_is_let_in(self):
        own = start()
        self.addCleanup(own.stop)
        self.assertEqual(status(ours.issue("whoever"), own), 200)
        self.assertEqual(status(other.issue("whoever"), own), 403)
        self.assertEqual(status(None, own), 403)

    def test_without_an_authority_nobody_is_asked(self):
        own = gate.Gate(POLICY)
        self.addCleanup(own.stop)
        self.assertEqual(status(None, own), 200)
        self.assertEqual(status(other.issue("x"), own), 200)


class Reload(unittest.TestCase):
    def setUp(self):
        self.own = start()
        self.addCleanup(self.own.stop)
        self.ca = paths.work() / "clients.crt"
        self.ours, self.other = ours.issue("a"), other.issue("a")

    def put(self, text, event):
        """Puts another file in place, as an editor does; no signal."""
        before = len(self.own.log(event))
        fresh = paths.write("clients.new", text)
        fresh.rename(self.ca)
        self.own.process.wait_until(
            lambda: len(self.own.log(event)) > before, event)

    def test_a_new_authority_holds_for_open_connections_too(self):
        kept = connect(self.ours, self.own)
        self.addCleanup(kept.close)
        self.assertEqual(ask(kept)[0], 200)
        self.put(ours.crt.read_text() + other.crt.read_text(), "reloaded")
        self.assertEqual(ask(kept)[0], 200)
        self.assertEqual(status(self.other, self.own), 200)
        self.put(other.crt.read_text(), "reloaded")
        self.assertEqual(ask(kept)[0], 403)
        self.assertEqual(status(self.ours, self.own), 403)
        self.assertEqual(status(self.other, self.own), 200)

    def test_a_broken_file_is_refused_and_the_old_one_stays(self):
        broken = ours.crt.read_text().replace("MII", "MIJ", 1)
        for text in ("", "no certificate\n", broken):
            with self.subTest(text[:40]):
                self.put(text, "reload_refused")
                reason = self.own.log("reload_refused")[-1]["reason"]
                self.assertIn("clients.crt", reason)
                self.assertEqual(status(self.ours, self.own), 200)
                self.assertEqual(status(None, self.own), 403)

    def test_no_call_fails_while_authorities_change(self):
        failed, done = [], threading.Event()

        def call():
            kept = connect(self.ours, self.own)
            try:
                while not done.is_set():
                    for got in (ask(kept)[0], status(self.ours, self.own)):
                        if got != 200:
                            failed.append(got)
            except OSError as e:
                failed.append(e)
            finally:
                kept.close()

        callers = [threading.Thread(target=call) for _ in range(4)]
        for t in callers:
            t.start()
        for i in range(4):
            more = other.crt.read_text() if i % 2 else ""
            self.put(ours.crt.read_text() + more, "reloaded")
        done.set()
        for t in callers:
            t.join()
        self.assertEqual(failed, [])


class Usage(unittest.TestCase):
    def refused(self, *args):
        done = gate.command("serve", "--tls-cert", server.certs.crt,
                            "--tls-key", server.certs.key, *args)
        self.assertEqual(done.returncode, 2)
        return done.stderr

    def test_a_name_needs_an_authority(self):
        self.assertIn("--client-ca", self.refused("--client-name", "a"))

    def test_a_missing_file_is_told_at_the_start(self):
        self.assertIn("/nowhere.crt: No such file",
                      self.refused("--client-ca", "/nowhere.crt"))

    def test_names_are_bounded(self):
        self.assertIn("16 times", self.refused(
            "--client-ca", ours.crt, *["--client-name", "a"] * 17))


if __name__ == "__main__":
    tap.main()
