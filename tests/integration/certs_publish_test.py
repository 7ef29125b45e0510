#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
`certs publish` and an API server that misbehaves on purpose: it ends in bounded
time, with a sentence that helps and a status that scripts can go by. About 25
seconds, most of it waiting for a server that says nothing.
"""

import base64
import http.server
import json
import pathlib
import re
import ssl
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, pki, process, tap  # noqa: E402

TOKEN = "secret-token-of-the-account"
SECRETS = "/api/v1/namespaces/ns/secrets"
HOOKS = "/apis/admissionregistration.k8s.io/v1/"


class Api(http.server.ThreadingHTTPServer):
    """Objects by path with a resourceVersion each, and faults."""

    daemon_threads = True

    def __init__(self, authority, names="IP:127.0.0.1"):
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue(
            f"api-{self.server_port}", names))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.objects, self.version = {}, 1
        self.lock = threading.Lock()
        self.calls = []    # (method, path, what was sent)
        self.fault = None  # function of the handler; true: it has answered
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that hangs up is a part of the test."""

    def put(self, path, obj):
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.objects[path] = obj

    def change(self, path, body, kind):
        """A patch of either kind; the status."""
        obj = json.loads(json.dumps(self.objects[path]))
        if "merge" in kind:
            wanted = body["metadata"]["resourceVersion"]
            obj.setdefault("data", {}).update(body["data"])
        else:
            wanted = body[0]["value"]
            for op in body[1:]:
                index = int(op["path"].split("/")[2])
                obj["webhooks"][index]["clientConfig"]["caBundle"] = op["value"]
        if wanted != obj["metadata"]["resourceVersion"]:
            return 409
        self.put(path, obj)
        return 200


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"{}"):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_one(self):
        api = self.server
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        with api.lock:
            api.calls.append((self.command, self.path, body))
            if api.fault and api.fault(self):
                return
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                self.answer(401)
            elif self.command == "POST":
                path = f"{self.path}/{body['metadata']['name']}"
                there = path in api.objects
                if not there:
                    api.put(path, body)
                self.answer(409 if there else 201)
            elif self.path not in api.objects:
                self.answer(404)
            elif self.command == "PATCH":
                self.answer(api.change(self.path, body,
                                       self.headers["Content-Type"]))
            else:
                self.answer(200, json.dumps(api.objects[self.path]).encode())

    do_GET = do_POST = do_PATCH = handle_one


def silent(handler):
    handler.server.lock.release()
    try:
        time.sleep(20)
    finally:
        handler.server.lock.acquire()
    return True


def answers(status, body=b"{}"):
    def fault(handler):
        handler.answer(status, body)
        return True
    return fault


class Publish(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = pki.Authority()
        cls.token = paths.write("token", TOKEN + "\n")

    def setUp(self):
        self.api = Api(self.authority)
        self.addCleanup(self.api.shutdown)
        self.api.put(f"{HOOKS}validatingwebhookconfigurations/policy-gate", {
            "metadata": {"name": "policy-gate"}, "webhooks": [
                {"name": "a", "clientConfig": {"service": {
                    "name": "policy-gate", "namespace": "ns"}}},
                {"name": "b", "clientConfig": {"service": {
                    "name": "policy-gate", "namespace": "other"}}},
                {"name": "c", "clientConfig": {
                    "url": "https://POLICY-gate.ns.svc:8443/validate"}}]})

    def publish(self, *args, **options):
        given = {"--server": self.api.url, "--token-file": self.token,
                 "--ca-file": self.authority.crt, "--namespace": "ns"}
        given.update({f"--{k.replace('_', '-')}": v
                      for k, v in options.items()})
        started = time.monotonic()
        done = gate.command("certs", "publish", *(
            w for pair in given.items() for w in pair), *args)
        self.took = time.monotonic() - started
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        return done

    def refused(self, status, word, *args, **options):
        done = self.publish(*args, **options)
        self.assertEqual((done.returncode, done.stdout), (status, ""),
                         done.stderr)
        self.assertIn(word, done.stderr)

    def bundles(self):
        return [h["clientConfig"].get("caBundle") for h in self.api.objects[
            f"{HOOKS}validatingwebhookconfigurations/policy-gate"]["webhooks"]]

    def test_secrets_that_are_not_there_are_made(self):
        done = self.publish()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        ca = self.api.objects[f"{SECRETS}/policy-gate-ca"]["data"]["ca.crt"]
        self.assertEqual(self.bundles(), [ca, None, ca])
        self.api.calls.clear()
        self.assertIn("nothing to do", self.publish().stdout)
        self.assertEqual({c[0] for c in self.api.calls}, {"GET"})

    def test_only_the_renewal_s_own_secret_has_the_authority_s_key(self):
        self.publish()
        self.assertEqual(
            [sorted(self.api.objects[f"{SECRETS}/policy-gate-{n}"]["data"])
             for n in ("ca", "tls")],
            [["ca.crt", "ca.key"], ["ca.crt", "tls.crt", "tls.key"]])

    def test_who_was_faster_is_followed(self):
        """Another run writes all of it between our reading and our writing."""
        self.publish()
        taken = {k: json.loads(json.dumps(v)) for k, v in
                 self.api.objects.items()}
        for path in [p for p in self.api.objects if "secrets" in p]:
            del self.api.objects[path]

        def faster(handler):
            if handler.command == "POST":
                for path, obj in taken.items():
                    self.api.put(path, obj)
                self.api.fault = None
            return False
        self.api.fault = faster
        done = self.publish()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("nothing to do", done.stdout)
        self.assertEqual(self.api.objects[f"{SECRETS}/policy-gate-ca"]["data"],
                         taken[f"{SECRETS}/policy-gate-ca"]["data"])

    def test_conflicts_are_outlasted(self):
        self.left = 5

        def busy(handler):
            if handler.command == "PATCH" and self.left:
                self.left -= 1
                handler.answer(409)
                return True
            return False
        self.api.fault = busy
        done = self.publish()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("a new authority", done.stdout)
        self.assertEqual(self.left, 0)

    def test_conflicts_without_end_are_given_up(self):
        self.api.fault = lambda h: h.command == "PATCH" and \
            answers(409)(h)
        self.refused(3, "others change the Secrets")
        self.assertLess(self.took, 30)
        self.api.fault = None
        # What was done stands, and it can go on from there.
        self.assertEqual(self.publish().returncode, 0)

    def test_a_webhook_list_that_shrinks_meanwhile(self):
        path = f"{HOOKS}validatingwebhookconfigurations/policy-gate"

        def shrink(handler):
            if handler.command != "PATCH" or "webhook" not in handler.path:
                return False
            self.api.objects[path]["webhooks"].pop()
            self.api.put(path, self.api.objects[path])
            self.api.fault = None
            handler.answer(422)
            return True
        self.api.fault = shrink
        self.assertEqual(self.publish().returncode, 0)
        self.assertEqual(len(self.bundles()), 2)
        self.assertIsNotNone(self.bundles()[0])

    def test_a_server_that_says_nothing(self):
        self.api.fault = silent
        self.refused(3, "the API server does not answer", timeout="2s")
        self.assertLess(self.took, 6)

    def test_a_server_that_is_not_there(self):
        self.refused(3, "no connection could be made",
                     server=f"https://127.0.0.1:{process.free_port()}")

    def test_a_server_that_fails_for_a_while_and_one_that_does_not_stop(self):
        self.left = 2

        def failing(handler):
            self.left -= 1
            return self.left >= 0 and answers(503)(handler)
        self.api.fault = failing
        self.assertEqual(self.publish().returncode, 0)
        self.left = 1000
        self.refused(3, "the API server answers with status 503")
        self.left = 0

    def test_answers_that_make_no_sense(self):
        for status, body, code, word in (
                (200, b"<html>", 3, "is no JSON object"),
                (200, b"[]", 3, "is no JSON object"),
                (200, b"", 3, "is no JSON object"),
                (200, b'{"metadata": {}}', 3, "no resourceVersion"),
                (200, b'{"metadata": 1}', 3, "no resourceVersion"),
                (200, b"[" * 100000, 3, "is no JSON object"),
                (200, b" " * 5 * 1024 * 1024, 2, "more than 4194304 bytes"),
                (302, b"{}", 2, "status 302"),
                (401, b"{}", 2, "does not know the token (401)"),
                (403, b'{"message": "go away"}', 2, "may not do that (403)")):
            with self.subTest(status=status, body=body[:20]):
                self.api.fault = answers(status, body)
                self.refused(code, word)

    def test_objects_of_other_shapes(self):
        """What stands where a Secret or a webhook should is made good, or told,
        and nothing falls over it."""
        good = self.publish()
        self.assertEqual(good.returncode, 0)
        hooks = f"{HOOKS}mutatingwebhookconfigurations/policy-gate"
        for path, obj in (
                (f"{SECRETS}/policy-gate-tls", {"data": {"tls.crt": 1}}),
                (f"{SECRETS}/policy-gate-tls", {"data": {"tls.key": "%%"}}),
                (f"{SECRETS}/policy-gate-ca", {"data": {"ca.crt": ""}}),
                (f"{SECRETS}/policy-gate-ca", {}),
                (hooks, {"webhooks": {}}), (hooks, {"webhooks": [1, None]}),
                (hooks, {"webhooks": [{"clientConfig": {"url": 1}}]}),
                (hooks, {"webhooks": [{"clientConfig": {"url": "::"}}]}),
                (hooks, {"webhooks": [{"clientConfig": {
                    "url": "https://policy-gate.ns.svc", "caBundle": 1}}]})):
            with self.subTest(path=path, obj=obj):
                self.api.put(path, {"metadata": {}, **obj})
                done = self.publish()
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_server_of_a_stranger(self):
        self.refused(2, "an authority that is not known here",
                     ca_file=pki.Authority("stranger").crt)
        self.assertEqual(self.api.calls, [])

    def test_usage(self):
        for options, word in (
                ({"server": "http://127.0.0.1:1"}, "https://HOST[:PORT]"),
                ({"server": "https://" + "a" * 1024},
                 "--server has more than 1024 bytes"),
                ({"namespace": "a" * 1025},
                 "--namespace has more than 1024 bytes"),
                ({"token_file": "/nonexistent"}, "/nonexistent"),
                ({"token_file": paths.write("two", "a\nb: c\n")}, "no token"),
                ({"token_file": paths.write("none", "\n")}, "no token"),
                ({"ca_file": "/nonexistent"}, "/nonexistent"),
                ({"namespace": "../.."}, "no name of a namespace"),
                ({"secret": "A b"}, "no name of a Secret"),
                ({"webhook": ""}, "no name of a webhook configuration"),
                ({"timeout": "0s"}, "--timeout takes"),
                ({"dns": "not a name"}, "neither a DNS name")):
            with self.subTest(options=options):
                self.refused(2, word, **options)
        done = gate.command("certs", "publish")
        self.assertEqual(done.returncode, 2)
        self.assertIn("this is no pod", done.stderr)

    def test_the_authority_s_key_stays_out_of_what_is_printed(self):
        done = self.publish()
        key = base64.b64decode(self.api.objects[f"{SECRETS}/policy-gate-ca"][
            "data"]["ca.key"]).decode()
        for line in re.findall(r"^[\w+/=]{30,}$", key, re.M):
            self.assertNotIn(line, done.stdout + done.stderr)


if __name__ == "__main__":
    tap.main()
