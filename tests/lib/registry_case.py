# SPDX-License-Identifier: Apache-2.0
"""What tests of the registry client have in common."""

import itertools
import json
import time
import unittest

from lib import content, fault_registry, gate, paths, pki, process

TIMEOUT_S = 10
# Of users, in every test that has one.
USER = "robot$puller"
PASSWORD = "hunter2:correct horse"
LOGIN = (USER, PASSWORD)

POLICY = """\
version: 1
name: all
onError: deny
rules:
  - name: any
    check: {layers: {max: 100}}
"""

_names = itertools.count(1)
_authority = None


def authority():
    """The CA of this program's registries."""
    global _authority
    _authority = _authority or pki.Authority(f"registries-{next(_names)}")
    return _authority


class Outcome:
    """What `policy-gate inspect -o json` said of one image."""

    def __init__(self, done, seconds):
        self.status = done.returncode
        self.stderr = done.stderr
        self.stdout = done.stdout
        self.seconds = seconds
        self.document = json.loads(done.stdout) if done.stdout else None

    @property
    def code(self):
        error = (self.document or {}).get("error")
        return error["code"] if error else None

    @property
    def message(self):
        return self.document["error"]["message"]

    @property
    def platforms(self):
        return [p["platform"] for p in self.document["platforms"]]


class Case(unittest.TestCase):
    """Every output is searched for what registries said and clients know."""

    def setUp(self):
        self.hidden = [fault_registry.MARK, PASSWORD, "\x1b",
                       fault_registry.basic(*LOGIN).split()[1]]
        self.registries = []

    def registry(self, **options):
        registry = fault_registry.Registry(**options)
        self.addCleanup(registry.close)
        self.registries.append(registry)
        return registry

    def config(self, *registries, credentials=None, **more):
        """A config file for these, or all; `credentials` are (user, password)
        by registry."""
        entries = {}
        for registry in registries or self.registries:
            entries.update(registry.settings())
        for registry, login in (credentials or {}).items():
            files = [str(paths.write(f"secret-{next(_names)}", text))
                     for text in login]
            entries[registry.host]["credentials"] = dict(
                zip(("usernameFile", "passwordFile"), files))
        for host, entry in more.pop("entries", {}).items():
            entries.setdefault(host, {}).update(entry)
        return paths.write(f"config-{next(_names)}.json", json.dumps(
            {"version": 1, "registries": entries, **more}))

    def docker_config(self, value):
        return str(paths.write(f"docker-{next(_names)}.json",
                               json.dumps(value)))

    def run_gate(self, *args, **kwargs):
        started = time.monotonic()
        done = gate.command(*args, **kwargs)
        self.look_through(done.stdout + done.stderr)
        return done, time.monotonic() - started

    def look_through(self, output):
        tokens = [t for r in self.registries for t in r.issued]
        for text in [*self.hidden, *tokens]:
            self.assertNotIn(text, output)

    def inspect(self, reference, config=None, timeout=TIMEOUT_S, **kwargs):
        args = ["--config", config or self.config()] if config != "" else []
        return Outcome(*self.run_gate(
            "inspect", "-o", "json", "--timeout", str(timeout), *args,
            reference, **kwargs))

    def refused(self, code, reference, *args, **kwargs):
        """Asserts that it ends in an error of this code."""
        outcome = self.inspect(reference, *args, **kwargs)
        self.assertEqual(outcome.code, code, self.words(outcome))
        self.assertEqual(outcome.status, 3)
        self.assertEqual(outcome.document["platforms"], [])
        self.assertGreater(len(outcome.message.split()), 2, outcome.message)
        return outcome

    def facts(self, reference, *args, **kwargs):
        """Asserts that it goes well."""
        outcome = self.inspect(reference, *args, **kwargs)
        self.assertEqual((outcome.status, outcome.code), (0, None),
                         self.words(outcome))
        return outcome

    @staticmethod
    def words(outcome):
        error = (outcome.document or {}).get("error")
        return error["message"] if error else outcome.stderr

    def check(self, *references, config=None, timeout=TIMEOUT_S, policy=POLICY):
        """`check -o json` of all: {reference: its image}, and the status."""
        path = paths.write("registry-policy.yaml", policy)
        done, _ = self.run_gate(
            "check", "-o", "json", "--policy", path, "--config",
            config or self.config(), "--timeout", str(timeout), *references)
        if not done.stdout:
            raise process.Failed(done.stderr)
        images = [i for w in json.loads(done.stdout)["workloads"]
                  for i in w["images"]]
        return {i["reference"]: i for i in images}, done.returncode

    def serve(self, config=None, args=(), policy=POLICY, **kwargs):
        """The webhook; its log is searched at the end, too."""
        server = gate.Gate(policy, config, args=args, **kwargs)

        def stop():
            server.stop()
            self.look_through(server.process.text())

        self.addCleanup(stop)
        return server

    def post(self, server, reference, timeout="5s"):
        """A review of one image: its response, searched."""
        answer = server.post(gate.review(gate.pod(reference)), timeout)
        self.look_through(json.dumps(answer))
        return answer


class Auth(Case):
    """A registry that has an image, and wants to know who asks."""

    def setUp(self):
        super().setUp()
        self.reg = self.registry()
        self.ref = self.reg.push("app:1", content.image())

    def with_login(self, *registries, login=LOGIN, **more):
        return self.config(*registries, credentials={self.reg: login}, **more)

    def tokens_sent(self):
        return [a for a in self.reg.authorizations("/v2/*")
                if a and a.startswith("Bearer ")]

    def no_secret_at(self, *servers):
        for server in servers:
            for request in server.log:
                self.assertIsNone(request.authorization, request.path)
                self.assertNotIn(PASSWORD, str(request.query) + request.body)


class Manifests(Case):
    """A registry for whatever is pushed to it."""

    def setUp(self):
        super().setUp()
        self.reg = self.registry()

    def push(self, document, name="app:1"):
        return self.reg.push(name, document)

    def push_as(self, document, content_type):
        """Sent with this Content-Type, None: without."""
        ref = self.push(document)
        self.reg.on("*", "/v2/app/manifests/*").serve(
            headers={"Content-Type": content_type})
        return ref

    def edited(self, edit, of=None):
        return self.push((of or content.image()).edited(edit))

    def edited_config(self, edit):
        return self.push(content.image(of=content.config().edited(edit)))
