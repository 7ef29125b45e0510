# SPDX-License-Identifier: Apache-2.0
"""policy-gate itself: its commands, its server, reviews to send to it."""

import http.client
import itertools
import json
import os
import pathlib
import signal
import ssl
import subprocess

from lib import paths, process

START_S = 60  # under valgrind
REPORT_LINES = 100  # of a sanitizer's


def command(*args, **kwargs):
    """Runs `policy-gate ARGS`; kwargs as process.run()."""
    kwargs.setdefault("check", False)
    return process.run([paths.GATE, *args], **kwargs)


def config_file(*registries, name="config.json", **more):
    """A config file that knows these registries; its path."""
    entries = {}
    for r in registries:
        entries.update(r.settings())
    return paths.write(name, json.dumps(
        {"version": 1, "registries": entries, **more}))


class Certificates:
    """What `policy-gate certs init` makes for a server on this machine."""

    def __init__(self, name="certs", dns=("localhost", "127.0.0.1")):
        self.dir = paths.work() / name
        names = [a for d in dns for a in ("--dns", d)]
        command("certs", "init", "--dir", self.dir, *names, check=True)
        self.ca, self.crt, self.key = (
            self.dir / f for f in ("ca.crt", "tls.crt", "tls.key"))


_count = 0


class Gate:
    """
    `policy-gate serve` on ports of its own.

    policy:  the policy file's text, or its path
    config:  the config file's path, or None
    certs:   Certificates; its own by default
    wrapper: a command that runs it, valgrind for one
    """

    def __init__(self, policy, config=None, certs=None, wrapper=(), args=(),
                 env=None):
        global _count
        _count += 1
        self.name = f"gate-{_count}"
        self.certs = certs or Certificates(f"{self.name}-certs")
        self.port = process.free_port()
        self.metrics_port = process.free_port()
        self.policy = policy if isinstance(policy, pathlib.Path) else \
            paths.write(f"{self.name}.yaml", policy)
        self.config = config
        argv = [*wrapper, paths.GATE, "serve", "--policy", self.policy,
                "--listen", f"127.0.0.1:{self.port}", "--metrics-listen",
                f"127.0.0.1:{self.metrics_port}", "--tls-cert", self.certs.crt,
                "--tls-key", self.certs.key, "--shutdown-delay", "0", *args]
        if config:
            argv += ["--config", config]
        self.process = process.Process(self.name, argv, env=env)
        for port in (self.port, self.metrics_port):
            self.process.wait_port(port, START_S)
        self.tls = ssl.create_default_context(cafile=self.certs.ca)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}/validate"

    def stop(self, sig=signal.SIGTERM, seconds=process.STOP_S):
        """What a sanitizer or valgrind has found is a failure."""
        status = self.process.stop(sig, seconds)
        if status != 0:
            report = [x for x in self.lines() if not x.startswith("{")]
            raise process.Failed("\n".join([
                f"{self.name} ended with {status}:", *report[:REPORT_LINES]]))

    def connect(self, timeout=60):
        return http.client.HTTPSConnection("127.0.0.1", self.port,
                                           context=self.tls, timeout=timeout)

    def request(self, method, path, body=None, headers=None, on=None):
        """Returns (status, headers, body as bytes)."""
        c = on or self.connect()
        try:
            c.request(method, path, body, headers or {})
            answer = c.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            if on is None:
                c.close()

    def post(self, review, timeout="10s", on=None):
        """Sends a review as the API server does; returns its `response`."""
        status, _, body = self.request(
            "POST", f"/validate?timeout={timeout}", json.dumps(review),
            {"Content-Type": "application/json",
             "Accept": "application/json, */*"}, on)
        if status != 200:
            raise process.Failed(f"HTTP {status}: {body.decode()}")
        return json.loads(body)["response"]

    def metrics(self):
        """{'name{labels}': value}"""
        c = http.client.HTTPConnection("127.0.0.1", self.metrics_port)
        c.request("GET", "/metrics")
        text = c.getresponse().read().decode()
        c.close()
        return {k: float(v) for k, v in (
            line.rsplit(" ", 1) for line in text.splitlines()
            if line and not line.startswith("#"))}

    def log(self, event=None):
        """The log's lines, decoded."""
        entries = [json.loads(line) for line in self.lines()
                   if line.startswith("{")]
        return [e for e in entries if event in (None, e["event"])]

    def lines(self):
        # Unicode knows of more line ends than there are in a log.
        return self.process.text().split("\n")


def check(policy, config, *args, **kwargs):
    """`policy-gate check -o json`: its document, and the exit status."""
    options = ["--policy", policy] if policy else []
    options += ["--config", config] if config else []
    done = command("check", *options, "-o", "json", *args, **kwargs)
    if not done.stdout:
        raise process.Failed(f"check ended with {done.returncode} and no "
                             f"document:\n{done.stderr}")
    return json.loads(done.stdout), done.returncode


KINDS = {
    # kind: (group, version, resource)
    "Pod": ("", "v1", "pods"),
    "PodTemplate": ("", "v1", "podtemplates"),
    "ReplicationController": ("", "v1", "replicationcontrollers"),
    "ReplicaSet": ("apps", "v1", "replicasets"),
    "Deployment": ("apps", "v1", "deployments"),
    "StatefulSet": ("apps", "v1", "statefulsets"),
    "DaemonSet": ("apps", "v1", "daemonsets"),
    "Job": ("batch", "v1", "jobs"),
    "CronJob": ("batch", "v1", "cronjobs"),
}

_uids = itertools.count(1)


def review(obj, old=None, operation=None, subresource=None, **request):
    """An AdmissionReview of `obj`, as the API server sends it."""
    group, version, resource = KINDS[obj["kind"]]
    kind = {"group": group, "version": version, "kind": obj["kind"]}
    what = {"group": group, "version": version, "resource": resource}
    meta = obj.get("metadata", {})
    body = {
        "uid": f"5c6e0c8e-0000-4000-8000-{next(_uids):012d}",
        "kind": kind, "resource": what, "requestKind": kind,
        "requestResource": what, "name": meta.get("name", ""),
        "namespace": meta.get("namespace", "default"),
        "operation": operation or ("UPDATE" if old else "CREATE"),
        "userInfo": {"username": "admin", "groups": ["system:masters"]},
        "object": obj, "oldObject": old, "dryRun": False,
    }
    if subresource:
        body["subResource"] = body["requestSubResource"] = subresource
    body.update(request)
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
            "request": body}


def pod(image, name="web", **spec):
    """A pod of one container, "app"."""
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"containers": [{"name": "app", "image": image}], **spec}}


def sanitized():
    """Whether the program was built with a sanitizer."""
    symbols = subprocess.run(["nm", "-D", paths.GATE], check=True,
                             stdout=subprocess.PIPE, env=dict(os.environ))
    return b"__asan_init" in symbols.stdout or \
        b"__tsan_init" in symbols.stdout


def instrumented():
    """Whether it was built with a sanitizer, or to measure coverage."""
    symbols = subprocess.run(["nm", paths.GATE], check=True,
                             stdout=subprocess.PIPE)
    return sanitized() or b"__gcov_exit" in symbols.stdout


# What most tests judge by; the sizes fit the images of lib.images.
POLICY = """\
version: 1
name: company
mode: enforce
onError: deny
rules:
  - name: lean-images
    description: Small images start and scale faster.
    owner: platform-team
    check:
      size: {max: 20Mi, maxLayer: 16Mi}
      layers: {max: 20}
  - name: no-root
    owner: security-team
    mode: warn
    check:
      user: {root: deny}
  - name: fixed-tags
    mode: audit
    check:
      tag: {deny: [latest]}
"""
