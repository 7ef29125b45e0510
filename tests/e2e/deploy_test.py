#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real API server takes deploy/base as it is."""

import base64
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import cluster, gate, paths, tap  # noqa: E402

BASE = paths.ROOT / "deploy" / "base"
kube = applied = None


def setUpModule():
    global kube, applied
    kube = cluster.Cluster()
    applied = kube.kubectl("apply", "-k", BASE).stdout


class Base(unittest.TestCase):
    def test_everything_is_there(self):
        for what in ("namespace/policy-gate", "serviceaccount/policy-gate",
                     "configmap/policy-gate", "service/policy-gate",
                     "deployment.apps/policy-gate",
                     "validatingwebhookconfiguration.admissionregistration."
                     "k8s.io/policy-gate"):
            self.assertRegex(applied, rf"(?m)^{what}\S* created$")

    def test_deployment_is_restricted_and_spread(self):
        spec = kube.get("-n", "policy-gate", "deployment", "policy-gate")["spec"]
        self.assertEqual(spec["replicas"], 2)
        pod = spec["template"]["spec"]
        self.assertFalse(pod["automountServiceAccountToken"])
        self.assertEqual(pod["terminationGracePeriodSeconds"], 60)
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        self.assertEqual(pod["securityContext"]["seccompProfile"]["type"],
                         "RuntimeDefault")
        self.assertTrue(pod["affinity"]["podAntiAffinity"])
        container = pod["containers"][0]
        security = container["securityContext"]
        self.assertTrue(security["readOnlyRootFilesystem"])
        self.assertFalse(security["allowPrivilegeEscalation"])
        self.assertEqual(security["capabilities"]["drop"], ["ALL"])
        for probe, path in (("livenessProbe", "/livez"),
                            ("readinessProbe", "/readyz")):
            get = container[probe]["httpGet"]
            self.assertEqual((get["path"], get["scheme"]), (path, "HTTPS"))
        self.assertIn("memory", container["resources"]["limits"])

    def test_arguments_are_ones_that_serve_takes(self):
        pod = kube.get("-n", "policy-gate", "deployment",
                       "policy-gate")["spec"]["template"]["spec"]
        args = pod["containers"][0]["args"]
        certs = gate.Certificates()
        files = {"tls.crt": certs.crt, "tls.key": certs.key,
                 "policy.yaml": BASE / "policy.yaml",
                 "config.yaml": BASE / "config.yaml"}
        local = []
        for a in args:
            name = a.rsplit("/", 1)[-1]
            local.append(f"{a.split('=')[0]}={files[name]}"
                         if name in files else a)
        done = gate.command(*local, "--listen", "not-an-address")
        self.assertEqual(done.returncode, 2)
        self.assertIn("not-an-address", done.stderr)

    def test_webhooks_cover_pods_and_workloads_but_not_themselves(self):
        hooks = kube.get("validatingwebhookconfiguration",
                         "policy-gate")["webhooks"]
        covered = {r for h in hooks for rule in h["rules"]
                   for r in rule["resources"]}
        self.assertEqual(covered, {
            "pods", "pods/ephemeralcontainers", "replicationcontrollers",
            "podtemplates", "deployments", "replicasets", "statefulsets",
            "daemonsets", "jobs", "cronjobs"})
        policies = {h["name"].split(".")[0]: h["failurePolicy"] for h in hooks}
        self.assertEqual(policies, {"pods": "Ignore", "workloads": "Ignore"})
        for h in hooks:
            for rule in h["rules"]:
                self.assertEqual(rule["operations"], ["CREATE", "UPDATE"])
            self.assertEqual(h["timeoutSeconds"], 10)
            self.assertEqual(h["sideEffects"], "None")
            self.assertEqual(h["clientConfig"]["service"]["path"], "/validate")
            self.assertEqual(h["namespaceSelector"]["matchExpressions"], [{
                "key": "kubernetes.io/metadata.name", "operator": "NotIn",
                "values": ["kube-system", "policy-gate"]}])

    def test_bundle_of_certs_init_is_taken(self):
        certs = gate.Certificates("install", (
            "policy-gate.policy-gate.svc",))
        bundle = base64.b64encode(certs.ca.read_bytes()).decode()
        patch = [{"op": "add", "path": f"/webhooks/{i}/clientConfig/caBundle",
                  "value": bundle} for i in range(2)]
        kube.kubectl("patch", "validatingwebhookconfiguration", "policy-gate",
                     "--type=json", "-p", json.dumps(patch))
        hooks = kube.get("validatingwebhookconfiguration",
                         "policy-gate")["webhooks"]
        self.assertEqual({h["clientConfig"]["caBundle"] for h in hooks},
                         {bundle})


if __name__ == "__main__":
    tap.main()
