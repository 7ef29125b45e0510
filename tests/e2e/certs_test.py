#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
`certs publish` against a real API server, as the account of
deploy/overlays/certs: an empty cluster, hands that meddle, two at once, and
authority and certificate replaced under load. About 40 seconds.
"""

import base64
import http.client
import json
import pathlib
import ssl
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import cluster, deployment, gate, mount, paths, process, \
    tap  # noqa: E402

NS = "policy-gate"
OVERLAP_S = 3
CALLERS = 8
KINDS = ("validatingwebhookconfiguration", "mutatingwebhookconfiguration")
POLICY = "version: 1\nname: none\nrules: []\n"

kube = None


def setUpModule():
    global kube
    kube = cluster.Cluster()
    kube.make_namespace(NS)
    text = (paths.ROOT / "deploy/overlays/certs/certs.yaml").read_text()
    if kube.minor < deployment.YOUNG_SINCE:
        for new, old in deployment.YOUNG.items():
            text = text.replace(new, old)
    kube.kubectl("apply", "-f", "-", input=text)


def token(account="policy-gate-certs"):
    """Of a service account, as the kubelet would mount it; its file."""
    kube.kubectl("-n", NS, "get", "serviceaccount", account)
    done = kube.kubectl(
        "create", "--raw", f"/api/v1/namespaces/{NS}/serviceaccounts/{account}"
        "/token", "-f", "-", input=json.dumps({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {}}))
    return paths.write(f"token-{account}",
                       json.loads(done.stdout)["status"]["token"] + "\n")


def command(*args, account="policy-gate-certs"):
    return [paths.GATE, "certs", "publish", "--server", kube.server,
            "--token-file", token(account), "--ca-file",
            kube.dir / "certs" / "apiserver.crt", "--namespace", NS,
            "--dns", f"policy-gate.{NS}.svc", "--ip", "127.0.0.1",
            "--overlap", f"{OVERLAP_S}s", *args]


def publish(*args, account="policy-gate-certs"):
    return process.run(command(*args, account=account), check=False)


def secret(name):
    data = kube.get("-n", NS, "secret", name).get("data", {})
    return {k: base64.b64decode(v).decode() for k, v in data.items()}


def versions():
    """What tells whether anything was written."""
    return [kube.get("-n", NS, *what)["metadata"]["resourceVersion"]
            for what in (("secret", "policy-gate-tls"),
                         ("secret", "policy-gate-ca"),
                         (KINDS[0], "policy-gate"), (KINDS[1], "policy-gate"))]


def hooks(kind):
    return {h["name"]: h for h in kube.get(kind, "policy-gate")["webhooks"]}


def bundles():
    return {h["clientConfig"].get("caBundle") for kind in KINDS
            for h in hooks(kind).values() if "gate" in h["name"]}


def certificates(text):
    return text.count("BEGIN CERTIFICATE")


def register(url, policy="Fail"):
    """Both configurations, with a stranger's webhook in the first."""
    def hook(name, config, path=""):
        return {"name": name, "clientConfig": config, "rules": [{
            "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
            "resources": ["pods"]}], "failurePolicy": policy,
            "sideEffects": "None", "timeoutSeconds": 10,
            "admissionReviewVersions": ["v1"], "namespaceSelector": {
                "matchLabels": {"kubernetes.io/metadata.name": "shop"}}}
    ours = hook("pods.policy-gate.dev", {"url": f"{url}/validate"})
    mutate = hook("pins.policy-gate.dev", {"url": f"{url}/mutate"})
    service = hook("workloads.policy-gate.dev", {"service": {
        "name": "policy-gate", "namespace": NS, "path": "/validate"}})
    service["rules"][0]["resources"] = ["replicationcontrollers"]
    other = hook("other.example.com", {"url": "https://other.example/x",
                                       "caBundle": ""})
    other["failurePolicy"] = "Ignore"
    other["rules"][0]["resources"] = ["podtemplates"]
    for kind, listed in (("Validating", [other, ours, service]),
                         ("Mutating", [mutate])):
        kube.apply({"apiVersion": "admissionregistration.k8s.io/v1",
                    "kind": f"{kind}WebhookConfiguration",
                    "metadata": {"name": "policy-gate", "annotations": {
                        "someone": "else"}}, "webhooks": listed})


class Publish(unittest.TestCase):
    def setUp(self):
        # Bundles, too, are to be gone.
        kube.kubectl("delete", *(f"{kind}/policy-gate" for kind in KINDS),
                     "--ignore-not-found")
        register("https://127.0.0.1:1")
        self.empty_secrets()

    @staticmethod
    def empty_secrets():
        for name in ("policy-gate-tls", "policy-gate-ca"):
            kube.kubectl("-n", NS, "patch", "secret", name, "--type=json",
                         "-p", '[{"op": "add", "path": "/data", "value": {}}]')

    def publish(self, *args):
        done = publish(*args)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def check(self):
        """Everything belongs together, and openssl trusts it."""
        tls, ca = secret("policy-gate-tls"), secret("policy-gate-ca")
        self.assertEqual(tls["ca.crt"], ca["ca.crt"])
        self.assertEqual(bundles(), {
            base64.b64encode(ca["ca.crt"].encode()).decode()})
        files = {k: paths.write(f"check/{k}", v)
                 for k, v in {**tls, **ca}.items()}
        process.run(["openssl", "verify", "-purpose", "sslserver",
                     "-verify_hostname", f"policy-gate.{NS}.svc", "-CAfile",
                     files["ca.crt"], files["tls.crt"]])
        for crt, key in (("tls.crt", "tls.key"), ("ca.crt", "ca.key")):
            self.assertEqual(*(process.run(["openssl", *a]).stdout for a in (
                ("x509", "-noout", "-pubkey", "-in", files[crt]),
                ("pkey", "-pubout", "-in", files[key]))))
        return tls, ca

    def test_an_empty_cluster_and_then_nothing_to_do(self):
        said = self.publish()
        for line in ("secrets/policy-gate-ca: written",
                     "validatingwebhookconfigurations/policy-gate: caBundle of "
                     "2 webhooks set", "mutatingwebhookconfigurations/",
                     "a new authority", "a new certificate"):
            self.assertIn(line, said)
        self.check()
        before = versions()
        said = self.publish()
        self.assertIn("nothing to do", said)
        self.assertNotIn("written", said)
        self.assertEqual(versions(), before)

    def test_what_is_not_ours_stays_as_it_is(self):
        before = {kind: kube.get(kind, "policy-gate") for kind in KINDS}
        self.publish()
        for kind in KINDS:
            after = kube.get(kind, "policy-gate")
            for o in (before[kind], after):
                for field in ("resourceVersion", "generation", "managedFields"):
                    o["metadata"].pop(field, None)
                for h in o["webhooks"]:
                    if "gate" in h["name"]:
                        h["clientConfig"].pop("caBundle", None)
            self.assertEqual(after, before[kind])

    def test_hands_that_meddle_are_made_good(self):
        self.publish()
        old = self.check()[1]["ca.crt"]
        for name, data, replaced in (
                ("policy-gate-tls", {"tls.key": "bm8ga2V5"}, "leaf"),
                ("policy-gate-tls", {"tls.crt": None}, "leaf"),
                ("policy-gate-tls", {"ca.crt": None}, "bundle"),
                ("policy-gate-ca", {"ca.key": None}, "authority"),
                # There is a copy beside the certificate.
                ("policy-gate-ca", {"ca.crt": "aGFsZg=="}, "bundle")):
            with self.subTest(name=name, data=data):
                before = secret("policy-gate-tls")
                kube.kubectl("-n", NS, "patch", "secret", name,
                             "--type=merge", "-p", json.dumps({"data": data}))
                said = self.publish()
                tls, _ = self.check()
                self.assertEqual("a new authority" in said,
                                 replaced == "authority", said)
                # What is served works: it stays until a new one can.
                if replaced == "authority":
                    self.assertEqual(tls["tls.crt"], before["tls.crt"])
                    self.assertGreater(certificates(tls["ca.crt"]), 1)
                    self.assertIn(old.strip(), tls["ca.crt"])
                else:
                    self.assertEqual(tls["tls.crt"] != before["tls.crt"],
                                     replaced == "leaf")

    def test_a_bundle_written_by_hand_is_put_right(self):
        self.publish()
        kube.kubectl("patch", KINDS[0], "policy-gate", "--type=json", "-p",
                     '[{"op": "remove", "path": '
                     '"/webhooks/1/clientConfig/caBundle"}]')
        said = self.publish()
        self.assertIn("caBundle of 1 webhooks set", said)
        self.check()

    def test_both_secrets_gone_what_is_served_stays_trusted(self):
        self.publish()
        served = self.check()[0]["tls.crt"]
        self.empty_secrets()
        self.publish()
        _, ca = self.check()
        process.run(["openssl", "verify", "-CAfile",
                     paths.write("still.crt", ca["ca.crt"]),
                     paths.write("served.crt", served)])

    def test_several_at_once_end_in_one_result(self):
        argv = [str(a) for a in command()]
        for extra in ([], ["--now", "leaf"]):
            running = [subprocess.Popen(argv + extra, text=True,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
                       for _ in range(4)]
            said = [p.communicate(timeout=60) for p in running]
            self.assertEqual([p.returncode for p in running], [0] * 4, said)
            _, ca = self.check()
            self.assertEqual(certificates(ca["ca.crt"]), 1, said)
            if not extra:
                self.assertEqual(
                    sum("a new authority" in out for out, _ in said), 1, said)

    def test_an_account_without_rights_is_told_so(self):
        kube.apply({"apiVersion": "v1", "kind": "ServiceAccount",
                    "metadata": {"name": "nobody", "namespace": NS}})
        done = publish(account="nobody")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn(f"get /api/v1/namespaces/{NS}/secrets/policy-gate-ca: "
                      "the account may not do that (403)", done.stderr)

    def test_a_token_that_is_not_known(self):
        argv = command()
        argv[argv.index("--token-file") + 1] = paths.write("bad", "no.such.one")
        done = process.run(argv, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("does not know the token (401)", done.stderr)
        self.assertNotIn("no.such.one", done.stderr)

    def test_rights_are_no_more_than_needed(self):
        user = f"--as=system:serviceaccount:{NS}:policy-gate-certs"

        def may(*args):
            return kube.kubectl("auth", "can-i", user, *args,
                                check=False).stdout.strip() == "yes"
        self.assertTrue(may("patch", "secrets/policy-gate-ca", "-n", NS))
        self.assertTrue(may("patch", f"{KINDS[0]}s/policy-gate"))
        for args in (("create", "secrets", "-n", NS),
                     ("get", "secrets/other", "-n", NS),
                     ("list", "secrets", "-n", NS),
                     ("get", "secrets/policy-gate-ca", "-n", "shop"),
                     ("patch", f"{KINDS[0]}s/other"),
                     ("delete", f"{KINDS[0]}s/policy-gate"),
                     ("get", "pods", "-n", NS)):
            self.assertFalse(may(*args), args)


class Kubelet(threading.Thread):
    """Brings the Secret to the folder that the gate has mounted."""

    def __init__(self):
        super().__init__(daemon=True)
        self.running = True
        self.mount = mount.Mount("tls", self.read())
        self.crt, self.key, self.ca = (
            self.mount.dir / f for f in ("tls.crt", "tls.key", "ca.crt"))

    @staticmethod
    def read():
        return secret("policy-gate-tls")

    def run(self):
        last = self.read()
        while self.running:
            now = self.read()
            if now != last:
                time.sleep(0.5)  # it is never at once
                self.mount.put(now)
                last = now
            time.sleep(0.1)


class Caller(threading.Thread):
    """Creates pods, as a dry run, until it is stopped; counts what fails."""

    def __init__(self, number):
        super().__init__(daemon=True)
        self.number, self.running = number, True
        self.calls, self.failed = 0, []

    def run(self):
        c = http.client.HTTPSConnection(
            "127.0.0.1", kube.port,
            context=ssl._create_unverified_context(), timeout=60)
        pod = gate.pod("registry.example.com/app:1", f"load-{self.number}")
        pod["metadata"]["namespace"] = "shop"
        while self.running:
            c.request("POST", "/api/v1/namespaces/shop/pods?dryRun=All",
                      json.dumps(pod), {
                          "Content-Type": "application/json",
                          "Authorization": f"Bearer {cluster.TOKEN}"})
            answer = c.getresponse()
            body = answer.read()
            self.calls += 1
            if answer.status != 201:
                self.failed.append((answer.status, body[:300]))
            time.sleep(0.02)
        c.close()


class Rotation(unittest.TestCase):
    def until(self, word, seconds=30):
        """Runs the CronJob, very often, until it says so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done = publish()
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            if word in done.stdout:
                return
            time.sleep(0.3)
        self.fail(f"publish did not say {word!r}")

    def test_authority_and_certificate_change_under_load(self):
        register("https://127.0.0.1:1", "Ignore")
        self.assertEqual(publish().returncode, 0)
        kubelet = Kubelet()
        own = gate.Gate(POLICY, certs=kubelet)
        self.addCleanup(own.stop)
        register(f"https://127.0.0.1:{own.port}")
        self.assertEqual(publish().returncode, 0)
        # The server takes a moment to notice.
        first = Caller("first")
        first.start()
        own.process.wait_until(lambda: own.log("review"), "asked")
        first.running = False
        first.join()
        kubelet.start()
        callers = [Caller(n) for n in range(CALLERS)]
        for c in callers:
            c.start()
        started = time.monotonic()
        first = secret("policy-gate-ca")
        self.assertIn("a new certificate", publish("--now", "leaf").stdout)
        time.sleep(1)
        self.assertIn("a new authority", publish("--now", "ca").stdout)
        self.until("a new certificate")
        self.until("left out")
        self.until("nothing to do")
        time.sleep(1.5)
        kubelet.running = False
        for c in callers:
            c.running = False
        for c in callers:
            c.join()
        took = time.monotonic() - started
        calls = sum(c.calls for c in callers)
        failed = [f for c in callers for f in c.failed]
        self.assertEqual(failed[:3], [], f"{len(failed)} of {calls}")
        self.assertGreater(calls, 200)
        self.assertGreaterEqual(len(own.log("reloaded")), 3)
        self.assertEqual(own.log("reload_refused"), [])
        last = secret("policy-gate-ca")
        self.assertEqual(certificates(last["ca.crt"]), 1)
        self.assertNotEqual(last["ca.crt"], first["ca.crt"])
        print(f"# {calls} calls in {took:.0f} s, none failed")


if __name__ == "__main__":
    tap.main()
