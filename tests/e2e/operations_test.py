#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The operations note, deploy/README.md, walked from an empty cluster to one
that enforces, and out again: every command as it stands there. About 25
seconds.

There are no controllers and no nodes here, so a thread does what the
Deployment's would, and the gate runs beside the cluster as its Deployment
says, its webhooks registered by URL.
"""

import base64
import json
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import cluster, deployment, gate, images, paths, process, readme, \
    tap  # noqa: E402

NOTE = paths.ROOT / "deploy" / "README.md"
BLOCKS = (("sh", "mkdir -p gate"), ("sh", "policy-gate scan"),
          ("sh", "overlays/audit,"), ("yaml", "# rules.yaml"),
          ("sh", "-n shop get"), ("sh", "kubectl delete"),
          ("sh", "namespaceSelector"), ("sh", "newTag: .*"),
          ("sh", "rollout undo"))
TIMES = {"observedGeneration", "replicas", "updatedReplicas",
         "readyReplicas", "availableReplicas"}

kube = registry = config = where = controller = None


class DeploymentController(threading.Thread):
    """Whatever is asked of the gate's Deployment is done at once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.seen = 0

    def run(self):
        while not self.ended.wait(0.2):
            found = kube.kubectl("get", "-o", "json", "-n", "policy-gate",
                                 "deployment", "policy-gate", check=False)
            if found.returncode == 0:
                self.reconcile(json.loads(found.stdout))

    def reconcile(self, found):
        meta, spec = found["metadata"], found["spec"]
        if meta["generation"] == self.seen:
            return
        self.seen = meta["generation"]
        template = json.loads(json.dumps(spec["template"]))
        template["metadata"]["labels"]["pod-template-hash"] = str(self.seen)
        kube.apply({
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {
                "name": f"policy-gate-{self.seen}", "namespace": "policy-gate",
                "labels": template["metadata"]["labels"],
                "annotations": {
                    "deployment.kubernetes.io/revision": str(self.seen)},
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "Deployment",
                    "name": "policy-gate", "uid": meta["uid"],
                    "controller": True}]},
            "spec": {"selector": {"matchLabels": template["metadata"][
                "labels"]}, "template": template}})
        found["status"] = dict.fromkeys(TIMES, spec["replicas"])
        found["status"]["observedGeneration"] = self.seen
        del meta["resourceVersion"]
        kube.kubectl("replace", "--raw", "/apis/apps/v1/namespaces/policy-gate"
                     "/deployments/policy-gate/status", "-f", "-",
                     input=json.dumps(found))


def setUpModule():
    global kube, registry, config, where, controller
    registry = images.serve()
    config = gate.config_file(registry)
    kube = cluster.Cluster(components=True)
    kube.make_namespace("billing")
    where = deployment.tree(kube).parent
    controller = DeploymentController()
    controller.start()


def tearDownModule():
    controller.ended.set()
    controller.join()
    registry.close()


def do(word, ok=True):
    """Runs the block with the word in it; what it said."""
    done = process.run(
        ["bash", "-e", "-o", "pipefail", "-c", readme.block("sh", word, NOTE)],
        cwd=where, check=False, env=dict(
            kube.env, PATH=f"{paths.BUILD}:{kube.path}",
            POLICY_GATE_CONFIG=str(config)))
    if ok != (done.returncode == 0):
        raise process.Failed(f"{word}: {done.returncode}\n{done.stdout}"
                             f"{done.stderr}")
    return done.stdout


def running():
    """The Deployment, with the ConfigMaps that it names."""
    found = kube.get("-n", "policy-gate", "deployment", "policy-gate")
    volumes = found["spec"]["template"]["spec"]["volumes"]
    return [found] + [
        kube.get("-n", "policy-gate", "configmap", v["configMap"]["name"])
        for v in volumes if "configMap" in v]


def pod(namespace, image):
    obj = gate.pod(registry.ref(image), "web")
    obj["metadata"]["namespace"] = namespace
    return obj


def told(namespace, image="shop/root:1"):
    """What becomes of a pod there: nothing, warned or refused."""
    done = kube.kubectl("create", "--dry-run=server", "-f", "-",
                        input=json.dumps(pod(namespace, image)), check=False)
    if done.returncode:
        return "refused" if "denied the request" in done.stderr else done.stderr
    return "warned" if done.stderr.startswith("Warning:") else "nothing"


class Walk(unittest.TestCase):
    def serve(self):
        """The gate as the cluster has it now, in place of what stood before;
        `apply -k gate` registers it from now on."""
        server = deployment.serve_as(running(), config, "mounted")
        self.addCleanup(server.stop)
        client = {"url": server.url, "caBundle": base64.b64encode(
            server.certs.ca.read_bytes()).decode()}
        (where / "gate" / "authority.yaml").write_text(json.dumps([
            {"op": "replace", "path": f"/webhooks/{i}/clientConfig",
             "value": client} for i in range(2)]))
        # A webhook has a URL or a service, and apply would leave both.
        kube.kubectl("delete", "validatingwebhookconfiguration",
                     "policy-gate")
        kube.kubectl("apply", "-k", where / "gate")
        kube.wait_until_asked(server)
        return server

    def test_every_block_is_walked_through(self):
        for language, text in readme.blocks(NOTE):
            known = [w for la, w in BLOCKS if la == language and w in text]
            self.assertEqual(len(known), 1, text)

    def test_from_an_empty_cluster_to_enforcing_and_out(self):
        self.install()
        self.assertEqual([told("shop"), told("billing")], ["nothing"] * 2)
        # And the gate's own, whose image is nowhere in this test.
        self.assertIn("2 would be rejected", self.look_at_what_runs())
        do("overlays/audit,")
        self.serve()
        self.assertEqual([told("shop"), told("billing")], ["warned"] * 2)
        self.enforce_in_shop()
        self.assertEqual([told("shop"), told("billing")],
                         ["refused", "warned"])
        self.let_through()
        self.upgrade()

    def install(self):
        said = do("mkdir -p gate")
        self.assertIn("gate/rules.yaml: ok", said)
        self.assertIn('successfully rolled out', said)
        hooks = kube.get("validatingwebhookconfiguration",
                         "policy-gate")["webhooks"]
        bundle = base64.b64encode(
            (where / "certs" / "ca.crt").read_bytes()).decode()
        self.assertEqual([(h["failurePolicy"], h["clientConfig"]["caBundle"])
                          for h in hooks], [("Ignore", bundle)] * 2)
        secret = kube.get("-n", "policy-gate", "secret", "policy-gate-tls")
        self.assertEqual(base64.b64decode(secret["data"]["tls.crt"]),
                         (where / "certs" / "tls.crt").read_bytes())
        spec = running()[0]["spec"]
        self.assertEqual(self.image(), f"{readme.HOST}/policy-gate:1.0")
        self.assertEqual(spec["replicas"], 3)
        self.serve()

    def image(self):
        return running()[0]["spec"]["template"]["spec"]["containers"][0][
            "image"]

    def look_at_what_runs(self):
        kube.apply({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": pod("shop", "shop/root:1")["spec"]}}})
        return do("policy-gate scan")

    def enforce_in_shop(self):
        (where / "gate" / "rules.yaml").write_text(
            readme.block("yaml", "# rules.yaml", NOTE))
        # What would be refused stops the reader before anything is applied.
        do("-n shop get", ok=False)
        self.assertEqual(told("shop"), "warned")
        kube.kubectl("-n", "shop", "set", "image", "deployment/web",
                     f"app={registry.ref('shop/lean:1')}")
        do("-n shop get")
        self.assertEqual(self.serve().metrics()[
            'policy_gate_policy_reloads_total{result="refused"}'], 0)

    def let_through(self):
        do("namespaceSelector")
        self.eventually("shop", "nothing")
        self.assertEqual(told("billing"), "warned")
        kube.kubectl("apply", "-k", where / "gate")
        self.eventually("shop", "refused")
        do("kubectl delete")
        self.eventually("shop", "nothing")
        self.assertEqual(told("billing"), "nothing")
        kube.kubectl("apply", "-k", where / "gate")
        self.eventually("shop", "refused")

    def eventually(self, namespace, what):
        kube.etcd.process.wait_until(lambda: told(namespace) == what, what)

    def upgrade(self):
        before = running()
        do("newTag: .*")
        self.assertEqual(self.image(), f"{readme.HOST}/policy-gate:1.1")
        do("rollout undo")
        self.assertEqual(running()[0]["spec"]["template"]["spec"],
                         before[0]["spec"]["template"]["spec"])


if __name__ == "__main__":
    tap.main()
