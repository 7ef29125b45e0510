#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real API server asks the gate; what kubectl prints is what people read."""

import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import cluster, gate, images, pki, process, tap  # noqa: E402

registry = server = authority = choosy = kube = None


def setUpModule():
    global registry, server, authority, choosy, kube
    registry = images.serve()
    server = gate.Gate(gate.POLICY, gate.config_file(registry))
    authority = pki.Authority("clients")
    choosy = choosy_gate()
    kube = cluster.Cluster(clients={
        choosy.port: authority.issue("api-server", usage="clientAuth")})
    kube.guard(server)


def choosy_gate():
    """One that only an API server with a certificate may ask."""
    return gate.Gate(gate.POLICY, server.config, args=[
        "--client-ca", authority.crt, "--client-name", "api-server"])


def tearDownModule():
    choosy.stop()
    server.stop()
    registry.close()


def pod(name, image, **spec):
    obj = gate.pod(registry.ref(image), name, **spec)
    obj["metadata"]["namespace"] = "shop"
    return obj


def workload(kind, image):
    """An object of the kind, named after it and the image."""
    group, version, _ = gate.KINDS[kind]
    spec = {"containers": [{"name": "app", "image": registry.ref(image)}]}
    if kind in ("Job", "CronJob"):
        spec["restartPolicy"] = "Never"
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    obj = {"apiVersion": f"{group}/{version}" if group else version,
           "kind": kind,
           "metadata": {"namespace": "shop", "name": (
               f"{kind.lower()}-{image.split('/')[1].split(':')[0]}")}}
    selector = {"matchLabels": {"app": "web"}}
    if kind == "PodTemplate":
        obj["template"] = template
    elif kind == "ReplicationController":
        obj["spec"] = {"selector": {"app": "web"}, "template": template}
    elif kind == "Job":
        obj["spec"] = {"template": template}
    elif kind == "CronJob":
        if kube.minor < 21:
            obj["apiVersion"] = "batch/v1beta1"
        obj["spec"] = {"schedule": "0 0 * * *",
                       "jobTemplate": {"spec": {"template": template}}}
    else:
        obj["spec"] = {"selector": selector, "template": template}
        if kind == "StatefulSet":
            obj["spec"]["serviceName"] = "web"
    return obj


PATHS = {"PodTemplate": "template.spec",
         "CronJob": "spec.jobTemplate.spec.template.spec"}


class Pods(unittest.TestCase):
    def assert_refused(self, done, *words):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_lean_pod_is_admitted(self):
        done = kube.apply(pod("lean", "shop/lean:1"))
        self.assertEqual((done.stdout, done.stderr), ("pod/lean created\n", ""))

    def test_bloated_pod_is_rejected_and_told_why(self):
        done = kube.apply(pod("bloated", "shop/bloated:1"), check=False)
        self.assert_refused(
            done, "Error from server (Forbidden)",
            'admission webhook "pods.policy-gate.dev" denied the request',
            "spec.containers[0].image", registry.ref("shop/bloated:1"),
            "lean-images", "32 MiB", "20 MiB", "24 MiB", "16 MiB",
            "apt-get install -y g++ make", "platform-team")
        document, _ = gate.check(server.policy, server.config,
                                 registry.ref("shop/bloated:1"))
        for f in document["workloads"][0]["images"][0]["findings"]:
            self.assert_refused(done, f["message"], f["fix"])
        gone = kube.kubectl("-n", "shop", "get", "pod", "bloated", check=False)
        self.assertNotEqual(gone.returncode, 0)

    def test_root_pod_is_admitted_with_a_warning(self):
        done = kube.apply(pod("root", "shop/root:1"))
        self.assertEqual(done.stdout, "pod/root created\n")
        self.assertRegex(done.stderr, r"(?m)^Warning: .*\(no-root\)")

    def test_audited_pod_is_annotated_in_the_audit_log(self):
        done = kube.apply(pod("latest", "shop/lean:latest"))
        self.assertEqual(done.stderr, "")
        found = kube.audit("latest")
        self.assertEqual(found.get("pods.policy-gate.dev/verdict"), "allow")
        self.assertIn("pods.policy-gate.dev/fixed-tags", found)

    def test_init_container_is_judged(self):
        done = kube.apply(pod("init", "shop/lean:1", initContainers=[
            {"name": "prepare", "image": registry.ref("shop/bloated:1")}]),
            check=False)
        self.assert_refused(done, "spec.initContainers[0].image", "prepare")

    def test_unparsable_reference_is_rejected_with_the_reason(self):
        obj = pod("unparsable", "shop/lean:1")
        obj["spec"]["containers"][0]["image"] = "Shop/Web:1"
        self.assert_refused(kube.apply(obj, check=False), "INVALID_REFERENCE",
                            "Shop/Web:1")

    def test_missing_image_is_told_apart_from_a_bad_one(self):
        self.assert_refused(
            kube.apply(pod("missing", "shop/nothing:1"), check=False),
            "could not be judged", "NOT_FOUND")

    def test_dry_run_is_judged_too(self):
        done = kube.kubectl("apply", "--dry-run=server", "-f", "-", check=False,
                            input=json.dumps(pod("dry", "shop/bloated:1")))
        self.assert_refused(done, "lean-images")

    def test_exempt_namespace_is_not_asked_about(self):
        obj = pod("exempt", "shop/bloated:1")
        kube.make_namespace("kube-system")
        obj["metadata"]["namespace"] = "kube-system"
        self.assertEqual(kube.apply(obj).stdout, "pod/exempt created\n")


class EphemeralContainers(unittest.TestCase):
    """kubectl debug in the form that servers of this age take."""

    def attach(self, name, image):
        if kube.minor >= cluster.EPHEMERAL_GATE_UNTIL:
            return kube.kubectl(
                "-n", "shop", "debug", name, f"--image={registry.ref(image)}",
                "-c", "debug", "--attach=false", "--", "/app", check=False)
        return kube.kubectl(
            "replace", "--raw",
            f"/api/v1/namespaces/shop/pods/{name}/ephemeralcontainers", "-f",
            "-", check=False, input=json.dumps({
                "apiVersion": "v1", "kind": "EphemeralContainers",
                "metadata": {"name": name, "namespace": "shop"},
                "ephemeralContainers": [{
                    "name": "debug", "image": registry.ref(image),
                    "terminationMessagePolicy": "File",
                    "imagePullPolicy": "IfNotPresent"}]}))

    def test_bloated_debug_container_is_rejected(self):
        kube.apply(pod("debugged", "shop/lean:1"))
        done = self.attach("debugged", "shop/bloated:1")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn("ephemeralContainers[0].image", done.stderr)
        self.assertIn("lean-images", done.stderr)

    def test_lean_debug_container_is_admitted(self):
        kube.apply(pod("debugged-lean", "shop/lean:1"))
        done = self.attach("debugged-lean", "shop/lean:1")
        self.assertEqual(done.returncode, 0, done.stderr)


class Workloads(unittest.TestCase):
    KINDS = [k for k in gate.KINDS if k != "Pod"]

    def test_every_kind_is_rejected_at_its_own_path(self):
        for kind in self.KINDS:
            with self.subTest(kind):
                done = kube.apply(workload(kind, "shop/bloated:1"), check=False)
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assertIn('"workloads.policy-gate.dev" denied the request',
                              done.stderr)
                path = PATHS.get(kind, "spec.template.spec")
                self.assertRegex(
                    done.stderr,
                    rf"(?<![\w.]){re.escape(path)}\.containers\[0\]\.image")

    def test_every_kind_is_admitted_when_lean(self):
        for kind in self.KINDS:
            with self.subTest(kind):
                done = kube.apply(workload(kind, "shop/lean:1"))
                self.assertIn("created", done.stdout)
                self.assertNotIn("policy-gate", done.stderr)

    def test_both_faults_of_a_deployment_are_named(self):
        obj = workload("Deployment", "shop/lean:1")
        obj["metadata"]["name"] = "two-faults"
        spec = obj["spec"]["template"]["spec"]
        spec["containers"] = [
            {"name": "app", "image": registry.ref("shop/bloated:1")},
            {"name": "side", "image": registry.ref("shop/layered:1")}]
        done = kube.apply(obj, check=False)
        for word in ("2 of 2 images rejected", "containers[0].image",
                     "containers[1].image", "32 MiB", "30"):
            self.assertIn(word, done.stderr)


class ClientCertificates(unittest.TestCase):
    """--admission-control-config-file has a certificate for one gate alone."""

    def setUp(self):
        self.addCleanup(kube.guard, server)

    def create(self, name, image):
        return kube.apply(pod(name, image), check=False)

    def test_with_its_certificate_the_api_server_is_answered(self):
        kube.guard(choosy, "Fail")
        done = self.create("known-bloated", "shop/bloated:1")
        self.assertIn("lean-images", done.stderr)
        done = self.create("known-lean", "shop/lean:1")
        self.assertEqual(done.stdout, "pod/known-lean created\n", done.stderr)

    def test_without_one_its_call_fails(self):
        own = choosy_gate()
        self.addCleanup(own.stop)
        kube.register(own, "Fail")
        own.process.wait_until(
            lambda: "client certificate" in self.create(
                "unknown", "shop/bloated:1").stderr, "asked")
        done = self.create("unknown-lean", "shop/lean:1")
        self.assertIn("failed calling webhook", done.stderr)
        self.assertEqual(own.log("review"), [])
        kube.register(own, "Ignore")
        own.process.wait_until(
            lambda: self.create("unknown", "shop/bloated:1").stdout ==
            "pod/unknown created\n", "passed over")
        self.assertEqual(own.log("review"), [])


class Outages(unittest.TestCase):
    """What holds while something is down. Each test brings it back."""

    def test_labels_of_a_bad_pod_change_while_the_registry_is_down(self):
        reg = images.serve("outage")
        own = gate.Gate(gate.POLICY, gate.config_file(reg, name="outage.json"))
        self.addCleanup(kube.guard, server)
        obj = pod("relabelled", "shop/bloated:1")
        obj["spec"]["containers"][0]["image"] = reg.ref("shop/bloated:1")
        kube.kubectl("delete", "validatingwebhookconfiguration", "policy-gate")
        kube.apply(obj)
        kube.guard(own)
        reg.close()
        done = kube.kubectl("-n", "shop", "label", "pod", "relabelled",
                            "touched=yes")
        self.assertIn("labeled", done.stdout)
        # kubectl would come back ten times, as the answer asks it to.
        answer = json.loads(process.run([
            "curl", "-sk", "-X", "PATCH", "-H", f"Authorization: Bearer "
            f"{cluster.TOKEN}", "-H", "Content-Type: application/json-patch"
            "+json", f"{kube.server}/api/v1/namespaces/shop/pods/relabelled",
            "-d", json.dumps([{
                "op": "replace", "path": "/spec/containers/0/image",
                "value": reg.ref("shop/lean:1")}])]).stdout)
        self.assertEqual(answer["code"], 503)
        self.assertIn("UNAVAILABLE", answer["message"])
        self.assertGreater(answer["details"]["retryAfterSeconds"], 0)

    def test_a_dead_gate_keeps_pods_out_under_fail(self):
        own = gate.Gate(gate.POLICY, server.config)
        self.addCleanup(kube.guard, server)
        kube.guard(own, "Fail")
        own.stop()
        done = kube.apply(pod("unguarded", "shop/lean:1"), check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn("failed calling webhook", done.stderr)
        self.assertIn("pods.policy-gate.dev", done.stderr)

    def test_a_dead_gate_lets_pods_in_under_ignore(self):
        own = gate.Gate(gate.POLICY, server.config)
        self.addCleanup(kube.guard, server)
        kube.guard(own, "Ignore")
        own.stop()
        done = kube.apply(pod("open", "shop/bloated:1"))
        self.assertEqual(done.stdout, "pod/open created\n")


if __name__ == "__main__":
    tap.main()
