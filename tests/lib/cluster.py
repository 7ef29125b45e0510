# SPDX-License-Identifier: Apache-2.0
"""A real API server with etcd behind it, kubectl, and the gate in front."""

import base64
import json
import os
import re
import shutil
import unittest

from lib import gate as gate_lib
from lib import paths, process

HERE = paths.ROOT / "tests" / "e2e"
TOKEN = "test-admin"
# Where the feature is neither off by default nor locked on.
EPHEMERAL_GATE_UNTIL = 25
# From this on webhooks have matchConditions.
CONDITIONS_SINCE = 28

# What people type is typed in the tests too. A server that does not know all
# fields takes the others, which kubectl would not let it.
OLD_SERVER = """\
case $1 in
apply | create) exec %(kubectl)s "$@" --validate=false ;;
esac
"""
# Debian's kubectl knows no components of kustomize: kustomize does.
OLD_CLIENT = """\
case $1$2 in
kustomize*) exec %(kustomize)s build "$2" ;;
apply-k) %(kustomize)s build "$3" | "$0" apply -f -; exit ;;
esac
"""
COMPONENTS_SINCE = 21

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    verbs: [create, update, patch]
  - level: None
"""

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "%s", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: "%s"}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
current-context: test
"""


def _envtest(name):
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    found = assets and shutil.which(name, path=assets)
    return found or name


class Etcd:
    def __init__(self):
        client, peer = process.free_port(), process.free_port()
        self.url = f"http://127.0.0.1:{client}"
        self.process = process.Process(
            "etcd", [_envtest("etcd"), "--data-dir", paths.work() / "etcd",
                     "--listen-client-urls", self.url,
                     "--advertise-client-urls", self.url,
                     "--listen-peer-urls", f"http://127.0.0.1:{peer}"],
            env={"ETCD_UNSUPPORTED_ARCH": "arm64"}
            if os.uname().machine == "aarch64" else None)
        self.process.wait_port(client)


def _is_old(kubectl):
    version = json.loads(process.run(
        [kubectl, "version", "--client", "-o", "json"]).stdout)
    return int(re.match(r"\d+", version["clientVersion"]["minor"])[
        0]) < COMPONENTS_SINCE


class Cluster:
    """
    etcd, kube-apiserver and a namespace "shop" to work in.

    clients:    {port of a webhook: (certificate, key) that it is shown}
    components: its kubectl has to know those of kustomize
    """

    def __init__(self, clients=None, components=False):
        self.binary = process.run([HERE / "kube-apiserver"],
                                  seconds=1200).stdout.strip()
        self.dir = paths.work() / "cluster"
        self.dir.mkdir()
        self.audit_log = self.dir / "audit.log"
        self.kubeconfig = self.dir / "kubeconfig"
        self.minor = int(re.search(r"v1\.(\d+)", process.run(
            [self.binary, "--version"]).stdout)[1])
        self.etcd = Etcd()
        self.path = os.environ["PATH"]
        self._wrap_kubectl(components)
        self.port = process.free_port()
        self.server = f"https://127.0.0.1:{self.port}"
        self._start(clients or {})

    def _wrap_kubectl(self, components):
        kubectl = shutil.which("kubectl")
        script = kustomize = ""
        if components and _is_old(kubectl):
            found = process.run([HERE / "go-tool", "kustomize"], check=False,
                                seconds=500)
            if found.returncode == 3:
                raise unittest.SkipTest(
                    f"kubectl has no components; {found.stderr.strip()}")
            kustomize = found.stdout.strip()
            script += OLD_CLIENT
        if self.minor < CONDITIONS_SINCE:
            script += OLD_SERVER
        if script:
            wrapper = self.dir / "bin" / "kubectl"
            wrapper.parent.mkdir()
            wrapper.write_text(
                f'#!/bin/sh\n{script}exec %(kubectl)s "$@"\n' % {
                    "kubectl": kubectl, "kustomize": kustomize})
            wrapper.chmod(0o755)
            self.path = f"{wrapper.parent}:{self.path}"

    def _start(self, clients):
        key = self.dir / "sa.key"
        process.run(["openssl", "genrsa", "-out", key, "2048"])
        (self.dir / "tokens.csv").write_text(
            f"{TOKEN},admin,1,system:masters\n")
        (self.dir / "audit.yaml").write_text(AUDIT_POLICY)
        self.kubeconfig.write_text(KUBECONFIG % (self.server, TOKEN))
        argv = [self.binary, f"--etcd-servers={self.etcd.url}",
                f"--secure-port={self.port}", "--bind-address=127.0.0.1",
                f"--cert-dir={self.dir}/certs",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--api-audiences=kubernetes.default.svc",
                f"--token-auth-file={self.dir}/tokens.csv",
                "--authorization-mode=RBAC",
                # It asks for a service account that no controller makes here.
                "--disable-admission-plugins=ServiceAccount",
                "--service-cluster-ip-range=10.0.0.0/24",
                f"--admission-control-config-file={self._admission(clients)}",
                f"--audit-policy-file={self.dir}/audit.yaml",
                f"--audit-log-path={self.audit_log}"]
        if self.minor < EPHEMERAL_GATE_UNTIL:
            argv.append("--feature-gates=EphemeralContainers=true")
        self.process = process.Process("kube-apiserver", argv)
        self.process.wait_until(self._ready, "ready", 90)
        self.process.wait_until(
            lambda: self.kubectl("get", "namespace", "default",
                                 check=False).returncode == 0,
            "with a default namespace")
        self.make_namespace("shop")

    def _admission(self, clients):
        """A file that says what webhooks are shown, by their host and port."""
        shown, path = self.dir / "webhooks.json", self.dir / "admission.json"
        users = [{"name": f"127.0.0.1:{port}", "user": {
            "client-certificate": str(crt), "client-key": str(key)}}
            for port, (crt, key) in clients.items()]
        shown.write_text(json.dumps(
            {"apiVersion": "v1", "kind": "Config", "users": users}))
        version = "apiserver.config.k8s.io/v1"
        path.write_text(json.dumps({
            "apiVersion": version, "kind": "AdmissionConfiguration",
            "plugins": [{"name": f"{kind}AdmissionWebhook", "configuration": {
                "apiVersion": version, "kind": "WebhookAdmissionConfiguration",
                "kubeConfigFile": str(shown)}}
                for kind in ("Validating", "Mutating")]}))
        return path

    def _ready(self):
        return process.listens(self.port) and self.kubectl(
            "get", "--raw", "/readyz", check=False).returncode == 0

    @property
    def env(self):
        # HOME: discovery is cached there, and is of this server alone.
        return dict(os.environ, KUBECONFIG=str(self.kubeconfig),
                    HOME=str(self.dir), PATH=self.path)

    def kubectl(self, *args, check=True, **kwargs):
        return process.run(["kubectl", *args], check=check, env=self.env,
                           **kwargs)

    def make_namespace(self, name):
        # Servers before 1.21 do not set the label by themselves.
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": name, "labels": {"kubernetes.io/metadata.name": name}}})

    def apply(self, obj, check=True):
        """kubectl apply -f of an object; its output, for people to read."""
        return self.kubectl("apply", "-f", "-", input=json.dumps(obj),
                            check=check)

    def get(self, *args):
        return json.loads(self.kubectl("get", "-o", "json", *args).stdout)

    def objects(self, text):
        """The objects of a text of YAML documents, in order."""
        found = self.kubectl("create", "--dry-run=client", "-o", "json",
                             "-f", "-", input=text).stdout
        decoder, at, objects = json.JSONDecoder(), 0, []
        while found[at:].strip():
            obj, at = decoder.raw_decode(found, at + len(found[at:]) -
                                         len(found[at:].lstrip()))
            objects += obj["items"] if obj["kind"] == "List" else [obj]
        return objects

    def guard(self, gate, failure_policy=None, config=None):
        """
        Registers the gate as deploy/base does, or as `config` says, but for
        its address: it runs beside the cluster, not in it. Two webhooks, "pods"
        and "workloads".
        """
        self.register(gate, failure_policy, config)
        self.wait_until_asked(gate)

    def register(self, gate, failure_policy=None, config=None):
        """The same without waiting for the server to notice."""
        config = config or self.objects((
            paths.ROOT / "deploy" / "base" / "webhook.yaml").read_text())[0]
        for hook in config["webhooks"]:
            hook["clientConfig"] = {"url": gate.url, "caBundle": base64.
                                    b64encode(gate.certs.ca.read_bytes()
                                              ).decode()}
            if failure_policy:
                hook["failurePolicy"] = failure_policy
        self.apply(config)

    def wait_until_asked(self, gate):
        """The server takes a moment to notice a webhook: wait until it asks
        the gate, about an image that needs no registry."""
        probe = gate_lib.pod("Not/Valid", "probe")
        probe["metadata"]["namespace"] = "shop"
        before = len(gate.log("review"))
        gate.process.wait_until(
            lambda: self.kubectl("create", "--dry-run=server", "-f", "-",
                                 input=json.dumps(probe), check=False) and
            len(gate.log("review")) > before, "asked by the API server")

    def audit(self, name):
        """Annotations of the latest audit event of the object named."""
        found = {}
        for line in self.audit_log.read_text().splitlines():
            event = json.loads(line)
            if event.get("objectRef", {}).get("name") == name:
                found = event.get("annotations", {})
        return found
