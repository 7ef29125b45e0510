#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
A real API server takes every overlay of deploy/ as it is, and what they
register judges pods; the Helm chart says the same. About 25 seconds, and once
a minute or two where helm is built.
"""

import json
import os
import pathlib
import re
import shutil
import sys
import textwrap
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import cluster, deployment, gate, images, paths, process, \
    tap  # noqa: E402

kube = registry = config = None
objects = {}  # of each overlay


def setUpModule():
    global kube, registry, config
    registry = images.serve()
    config = gate.config_file(registry)
    kube = cluster.Cluster(components=True)
    deployment.foreign_kinds(kube)
    for name in deployment.MODES + deployment.COMPONENTS:
        objects[name] = kube.objects(deployment.render(name, kube))


def tearDownModule():
    registry.close()


def pod(name, image="shop/lean:1"):
    obj = gate.pod(registry.ref(image), name)
    obj["metadata"]["namespace"] = "shop"
    return obj


def owned(kind, name, image, owners=()):
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {
        "name": name, "namespace": "shop", "ownerReferences": list(owners)},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": pod("x", image)["spec"]}}}


def workload(name, image):
    return owned("Deployment", name, image)


def pod_spec(overlay):
    return deployment.one(objects[overlay], "Deployment")["spec"]["template"][
        "spec"]


def hooks(overlay):
    return {h["name"].split(".")[0]: h for h in deployment.one(
        objects[overlay], "ValidatingWebhookConfiguration")["webhooks"]}


class Applied(unittest.TestCase):
    def test_each_overlay_is_taken_one_after_the_other(self):
        """As an installation goes on: what cannot be changed would show."""
        for name in deployment.MODES + deployment.COMPONENTS:
            with self.subTest(name):
                taken = deployment.native(objects[name], kube)
                done = kube.kubectl("apply", "-f", "-",
                                    input=deployment.listed(taken))
                self.assertEqual(done.stderr, "")
                for obj in taken:
                    self.assertRegex(done.stdout, (
                        r"(?m)/%s (created|configured|unchanged)$"
                        % obj["metadata"]["name"]))

    def test_what_a_server_validates_is_right(self):
        """All but matchConditions, which old ones do not know."""
        for name in deployment.MODES + deployment.COMPONENTS:
            kept = [dict(o) for o in deployment.native(objects[name], kube)]
            if kube.minor < cluster.CONDITIONS_SINCE:
                config = deployment.one(kept, "ValidatingWebhookConfiguration")
                config["webhooks"] = [
                    {k: v for k, v in h.items() if k != "matchConditions"}
                    for h in config["webhooks"]]
            # Straight to kubectl: the wrapper for old servers validates less.
            process.run(["kubectl", "apply", "-f", "-"], env=dict(
                kube.env, PATH=os.environ["PATH"]),
                input=deployment.listed(kept))

    def test_namespace_takes_the_pod_under_the_restricted_standard(self):
        kube.kubectl("apply", "-f", "-",
                     input=deployment.listed(objects["enforce"]))
        kube.kubectl("delete", "validatingwebhookconfiguration", "policy-gate")
        for overlay in ("enforce", "ha"):
            spec = pod_spec(overlay)
            kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {
                "name": f"like-{overlay}", "namespace": "policy-gate"},
                "spec": {k: v for k, v in spec.items()
                         if k != "priorityClassName"}})


class Manifests(unittest.TestCase):
    def test_pod_has_no_more_rights_than_it_needs(self):
        for name in objects:
            with self.subTest(name):
                spec = pod_spec(name)
                self.assertFalse(spec["automountServiceAccountToken"])
                self.assertEqual(spec["terminationGracePeriodSeconds"], 60)
                self.assertTrue(spec["securityContext"]["runAsNonRoot"])
                self.assertEqual(spec["securityContext"]["seccompProfile"],
                                 {"type": "RuntimeDefault"})
                container = spec["containers"][0]
                security = container["securityContext"]
                self.assertTrue(security["readOnlyRootFilesystem"])
                self.assertFalse(security["allowPrivilegeEscalation"])
                self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
                for probe, path in (("livenessProbe", "/livez"),
                                    ("readinessProbe", "/readyz")):
                    get = container[probe]["httpGet"]
                    self.assertEqual((get["path"], get["scheme"]),
                                     (path, "HTTPS"))
                self.assertIn("memory", container["resources"]["limits"])
                self.assertNotIn("cpu", container["resources"]["limits"])
                for account in objects[name]:
                    if account["kind"] == "ServiceAccount":
                        self.assertFalse(
                            account["automountServiceAccountToken"])

    def test_network_is_open_where_it_must_be(self):
        policy = deployment.one(objects["enforce"], "NetworkPolicy")["spec"]
        labels = deployment.one(objects["enforce"], "Deployment")["spec"][
            "template"]["metadata"]["labels"]
        self.assertEqual(policy["podSelector"]["matchLabels"], labels)
        self.assertEqual(policy["policyTypes"], ["Ingress", "Egress"])
        self.assertIn({"ports": [{"port": "https"}]}, policy["ingress"])
        except_ = policy["egress"][1]["to"][0]["ipBlock"]["except"]
        self.assertEqual(except_, ["169.254.0.0/16"])

    def test_webhooks_cover_pods_and_workloads_but_not_themselves(self):
        for name in objects:
            found = hooks(name)
            covered = {r for h in found.values() for rule in h["rules"]
                       for r in rule["resources"]}
            self.assertEqual(covered, {
                "pods", "pods/ephemeralcontainers", "replicationcontrollers",
                "podtemplates", "deployments", "replicasets", "statefulsets",
                "daemonsets", "jobs", "cronjobs"})
            policies = {n: h["failurePolicy"] for n, h in found.items()}
            self.assertEqual(policies, {
                "pods": "Ignore" if name in ("audit", "warn") else "Fail",
                "workloads": "Ignore"})
            for h in found.values():
                for rule in h["rules"]:
                    self.assertEqual(rule["operations"], ["CREATE", "UPDATE"])
                self.assertEqual((h["timeoutSeconds"], h["sideEffects"]),
                                 (10, "None"))
                self.assertEqual(h["clientConfig"], {"service": {
                    "name": "policy-gate", "namespace": "policy-gate",
                    "path": "/validate"}})
                self.assertEqual(h["namespaceSelector"], {
                    "matchExpressions": [{
                        "key": "kubernetes.io/metadata.name",
                        "operator": "NotIn",
                        "values": ["kube-system", "policy-gate"]}]})

    def test_ha_survives_a_zone_a_node_and_a_drain(self):
        spec = deployment.one(objects["ha"], "Deployment")["spec"]
        self.assertEqual(spec["replicas"], 3)
        self.assertEqual(spec["strategy"]["rollingUpdate"],
                         {"maxUnavailable": 0, "maxSurge": 1})
        labels = spec["template"]["metadata"]["labels"]
        spec = spec["template"]["spec"]
        self.assertNotIn("affinity", spec)
        self.assertEqual(spec["priorityClassName"], "system-cluster-critical")
        self.assertEqual(
            [(t["topologyKey"], t["labelSelector"]["matchLabels"])
             for t in spec["topologySpreadConstraints"]],
            [("topology.kubernetes.io/zone", labels),
             ("kubernetes.io/hostname", labels)])
        budget = deployment.one(objects["ha"], "PodDisruptionBudget")["spec"]
        self.assertEqual((budget["maxUnavailable"],
                          budget["selector"]["matchLabels"]), (1, labels))

    def test_cert_manager_is_told_of_secret_name_and_webhooks(self):
        name = "cert-manager"
        leaf = deployment.one(
            [o for o in objects[name] if o["metadata"]["name"] ==
             "policy-gate"], "Certificate")
        config = deployment.one(objects[name],
                                "ValidatingWebhookConfiguration")
        self.assertEqual(
            config["metadata"]["annotations"]["cert-manager.io/inject-ca-from"],
            "policy-gate/" + leaf["metadata"]["name"])
        secrets = [v["secret"]["secretName"]
                   for v in pod_spec(name)["volumes"] if "secret" in v]
        self.assertEqual([leaf["spec"]["secretName"]], secrets)
        self.assertEqual(leaf["spec"]["dnsNames"],
                         ["policy-gate.policy-gate.svc"])


class Judging(unittest.TestCase):
    """The gate runs as the overlay's Deployment says, registered as the
    overlay's webhooks are, but for the address."""

    def install(self, overlay):
        server = deployment.serve_as(objects[overlay], config, overlay)
        self.addCleanup(server.stop)
        kube.guard(server, config=json.loads(json.dumps(deployment.one(
            objects[overlay], "ValidatingWebhookConfiguration"))))
        return server

    def judge(self, obj):
        """"created" or "refused", and what kubectl warned of."""
        done = kube.kubectl("create", "--dry-run=server", "-f", "-",
                            input=json.dumps(obj), check=False)
        warnings = [w for w in done.stderr.splitlines()
                    if w.startswith("Warning:")]
        if done.returncode == 0:
            return "created", warnings
        self.assertIn("denied the request", done.stderr)
        return "refused", warnings

    def test_audit_records_and_says_nothing(self):
        server = self.install("audit")
        for obj in (pod("root", "shop/root:1"), pod("gone", "shop/nothing:1"),
                    workload("root", "shop/root:1")):
            self.assertEqual(self.judge(obj), ("created", []))
        found = server.metrics()
        self.assertEqual(found['policy_gate_findings_total{rule="no-root",'
                               'check="user.root",mode="audit"}'], 2)
        self.assertEqual(found['policy_gate_unjudged_images_total{'
                               'code="NOT_FOUND",verdict="allow"}'], 1)

    def test_warn_tells_and_lets_in(self):
        self.install("warn")
        for obj in (pod("root", "shop/root:1"), pod("gone", "shop/nothing:1"),
                    workload("root", "shop/root:1")):
            verdict, warnings = self.judge(obj)
            self.assertEqual((verdict, len(warnings)), ("created", 1))
        self.assertEqual(self.judge(pod("lean")), ("created", []))

    def test_enforce_refuses_pods_and_warns_of_workloads(self):
        server = self.install("enforce")
        self.assertEqual(self.judge(pod("lean")), ("created", []))
        for image in ("shop/root:1", "shop/nothing:1"):
            self.assertEqual(self.judge(pod("bad", image))[0], "refused")
            verdict, warnings = self.judge(workload("bad", image))
            self.assertEqual((verdict, len(warnings)), ("created", 1))
        # Down: no pod goes in unjudged, everything else does.
        server.process.stop()
        done = kube.apply(pod("lean"), check=False)
        self.assertIn("failed calling webhook", done.stderr)
        kube.apply(workload("lean", "shop/lean:1"))
        kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": "any", "namespace": "shop"}})
        # But where the cluster and the gate itself live, nobody waits for it.
        for namespace in ("kube-system", "policy-gate"):
            kube.make_namespace(namespace)
            kube.apply(dict(pod("own"), metadata={
                "name": "own", "namespace": namespace}))

    def test_what_cannot_matter_is_not_asked_about(self):
        if kube.minor < cluster.CONDITIONS_SINCE:
            self.skipTest(f"the API server is 1.{kube.minor}, matchConditions "
                          f"came with 1.{cluster.CONDITIONS_SINCE}")
        server = self.install("enforce")

        def asked(act):
            before = len(server.log("review"))
            act()
            return len(server.log("review")) - before

        made = workload("web", "shop/lean:1")
        self.assertEqual(asked(lambda: kube.apply(pod("web"))), 1)
        self.assertEqual(asked(lambda: kube.apply(made)), 1)
        uid = kube.get("-n", "shop", "deployment", "web")["metadata"]["uid"]
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
                 "uid": uid, "controller": True}
        for what in (
                lambda: kube.kubectl("-n", "shop", "label", "pod/web", "a=b"),
                lambda: kube.kubectl("-n", "shop", "label", "deploy/web",
                                     "a=b"),
                lambda: kube.kubectl("-n", "shop", "patch", "deploy/web", "-p",
                                     '{"spec": {"replicas": 3}}'),
                lambda: kube.apply(owned("ReplicaSet", "web-1", "shop/root:1",
                                         [owner]))):
            self.assertEqual(asked(what), 0)
        for what in (
                lambda: kube.apply(owned("ReplicaSet", "own", "shop/lean:1")),
                lambda: kube.kubectl(
                    "-n", "shop", "set", "image", "deploy/web",
                    f"app={registry.ref('shop/root:1')}"),
                lambda: kube.kubectl(
                    "-n", "shop", "set", "image", "pod/web",
                    f"app={registry.ref('shop/root:1')}", check=False)):
            self.assertEqual(asked(what), 1)


# What has to be said to the chart for each overlay.
VALUES = {"audit": [], "warn": ["mode=warn"], "enforce": ["mode=enforce"],
          "ha": ["mode=enforce", "ha=true"],
          "cert-manager": ["mode=enforce", "certificates.from=cert-manager"],
          "certs": ["mode=enforce", "certificates.from=publish"],
          "monitoring": ["mode=enforce", "monitoring=true"]}
HASH = re.compile(r"^(policy-gate-(?:policy|config))-[a-z0-9]{10}$")


def comparable(obj):
    """Without what Kustomize and Helm do each in their own way: labels of
    Helm, names that tell of a change, an image's tag."""
    if isinstance(obj, list):
        return [comparable(o) for o in obj]
    if not isinstance(obj, dict):
        return HASH.sub(r"\1", obj) if isinstance(obj, str) else obj
    own = {"app.kubernetes.io/managed-by", "helm.sh/chart", "checksum/files",
           "imagePullPolicy"}
    same = {k: comparable(v) for k, v in obj.items() if k not in own}
    if "containers" in same:
        same["containers"][0]["image"] = "policy-gate"
    if same.get("kind") == "ConfigMap":
        same["metadata"].pop("labels", None)
    if same.get("annotations") == {}:
        del same["annotations"]
    return same


class Chart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        found = process.run([paths.ROOT / "tests" / "e2e" / "go-tool", "helm"],
                            check=False, seconds=500)
        if found.returncode == 3:
            raise unittest.SkipTest(found.stderr.strip())
        cls.helm = found.stdout.strip()
        cls.chart = deployment.tree(kube) / "chart"
        process.run([cls.helm, "lint", "--strict", cls.chart])

    def template(self, *values, namespace="policy-gate", check=True):
        done = process.run(
            [self.helm, "template", "policy-gate", self.chart, "-n", namespace,
             *(a for v in values for a in ("--set", v))], check=check)
        return done.stdout if check else done

    def test_says_what_the_overlays_say(self):
        for overlay, values in VALUES.items():
            rendered = kube.objects(self.template(*values))
            with self.subTest(overlay):
                def sort(found):
                    return sorted((comparable(o) for o in found if o["kind"]
                                   != "Namespace"), key=lambda o: (
                                       o["kind"], o["metadata"]["name"]))
                ours, theirs = sort(objects[overlay]), sort(rendered)
                self.assertEqual([o["kind"] for o in theirs],
                                 [o["kind"] for o in ours])
                for a, b in zip(ours, theirs):
                    self.maxDiff = None
                    self.assertEqual(b, a)

    def test_api_server_takes_it(self):
        for overlay, values in VALUES.items():
            kube.make_namespace("elsewhere")
            found = deployment.native(kube.objects(self.template(
                *values, namespace="elsewhere")), kube)
            kube.kubectl("apply", "--dry-run=server", "-f", "-",
                         input=deployment.listed(found))

    def test_namespace_is_the_release_s_everywhere(self):
        text = self.template("ha=true", "monitoring=true",
                             "certificates.from=cert-manager",
                             namespace="elsewhere")
        self.assertNotIn("namespace: policy-gate", text)
        self.assertIn("policy-gate.elsewhere.svc", text)
        self.assertIn('["kube-system","elsewhere"]', text)

    def test_values_have_effect(self):
        for value, shows in (
                ("image.tag=v9", "policy-gate:v9"), ("replicas=7", "replicas: 7"),
                ("imagePullSecrets[0].name=pull", "name: pull"),
                ("rules=version: 1", 'rules.yaml: "version: 1"'),
                ("config=version: 1", 'config.yaml: "version: 1"'),
                ("exemptNamespaces={a,b}", '["a","b","policy-gate"]'),
                ("timeoutSeconds=5", "timeoutSeconds: 5"),
                ("certificates.caBundle=Q0E=", "caBundle: Q0E="),
                ("certificates.secretName=mine", "secretName: mine"),
                ("networkPolicy.registryPorts={8443}", "port: 8443}"),
                ("networkPolicy.metricsFrom=mon", "metadata.name: mon")):
            self.assertIn(shows, self.template(value), value)
        self.assertNotIn("NetworkPolicy",
                         self.template("networkPolicy.enabled=false"))

    def test_schema_refuses_what_can_hardly_be_meant(self):
        for value in ("mode=block", "replicas=0", "replica=3",
                      "timeoutSeconds=60", "certificates.caBundle=---",
                      "image.repository="):
            done = self.template(value, check=False)
            self.assertNotEqual(done.returncode, 0, value)
            self.assertIn("values don't meet the specifications", done.stderr)

    def test_notes_say_what_is_still_to_be_done(self):
        """Only an install prints them, to a cluster without the gate: here
        they stand in a template."""
        own = paths.work() / "with-notes"
        shutil.copytree(self.chart, own)
        notes = (own / "templates" / "NOTES.txt").read_text()
        (own / "templates" / "told.yaml").write_text(
            "kind: Notes\nnotes: |\n" + textwrap.indent(notes, "  "))
        said = process.run([self.helm, "template", own, "--show-only",
                            "templates/told.yaml"]).stdout
        for word in ("in audit mode", "certs init", "WHICH IS EMPTY",
                     "kubectl delete validatingwebhookconfiguration"):
            self.assertIn(word, said)


if __name__ == "__main__":
    tap.main()
