# SPDX-License-Identifier: Apache-2.0
"""What deploy/ has for a cluster, rendered and picked apart."""

import json
import shutil

from lib import cluster, gate, paths, process

MODES = ("audit", "warn", "enforce")
COMPONENTS = ("ha", "cert-manager", "certs", "monitoring")

# Of the kinds that an operator brings along, only that they exist.
FOREIGN = {"certificates.cert-manager.io": ("v1", "Certificate"),
           "issuers.cert-manager.io": ("v1", "Issuer"),
           "podmonitors.monitoring.coreos.com": ("v1", "PodMonitor"),
           "prometheusrules.monitoring.coreos.com": ("v1", "PrometheusRule")}


def foreign_kinds(kube):
    """Makes the API server know them."""
    for name, (version, kind) in FOREIGN.items():
        plural, group = name.split(".", 1)
        schema = {"type": "object",
                  "x-kubernetes-preserve-unknown-fields": True}
        kube.apply({"apiVersion": "apiextensions.k8s.io/v1",
                    "kind": "CustomResourceDefinition",
                    "metadata": {"name": name}, "spec": {
                        "group": group, "scope": "Namespaced",
                        "names": {"plural": plural, "kind": kind},
                        "versions": [{"name": version, "served": True,
                                      "storage": True, "schema": {
                                          "openAPIV3Schema": schema}}]}})
    for name in FOREIGN:
        kube.kubectl("wait", "--for=condition=established", f"crd/{name}")


def native(objects, kube):
    """Those that the API server can be given: the one from Debian's sources
    dies of an object of a foreign kind."""
    if kube.minor >= cluster.CONDITIONS_SINCE:
        return objects
    return [o for o in objects if not o["apiVersion"].startswith(
        ("cert-manager.io/", "monitoring.coreos.com/"))]


def listed(objects):
    """For kubectl -f -."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


# Kinds that had another version in servers before 1.21.
YOUNG = {"apiVersion: policy/v1\n": "apiVersion: policy/v1beta1\n",
         "apiVersion: batch/v1\nkind: CronJob":
         "apiVersion: batch/v1beta1\nkind: CronJob"}
YOUNG_SINCE = 21


def tree(kube):
    """A copy of deploy/ in the test's folder: what a reader starts from."""
    copy = paths.work() / "tree" / "deploy"
    if copy.exists():
        return copy
    shutil.copytree(paths.ROOT / "deploy", copy)
    if kube.minor < YOUNG_SINCE:
        for path in copy.rglob("*.yaml"):
            text = path.read_text()
            for young, old in YOUNG.items():
                text = text.replace(young, old)
            path.write_text(text)
    return copy


def render(overlay, kube):
    """YAML of an overlay; of a component, on top of the strictest."""
    where = tree(kube) / "overlays" / overlay
    if overlay in COMPONENTS:
        where = paths.write(f"tree/with-{overlay}/kustomization.yaml",
                            json.dumps({
                                "resources": ["../deploy/overlays/enforce"],
                                "components": [
                                    f"../deploy/overlays/{overlay}"]})).parent
    return kube.kubectl("kustomize", where).stdout


def one(objects, kind, name="policy-gate"):
    """The object of the kind, whose name may have a hash at its end."""
    found = [o for o in objects if o["kind"] == kind and
             o["metadata"]["name"].startswith(name)]
    if len(found) != 1:
        raise process.Failed(f"{len(found)} of {kind} {name}; 1 was expected")
    return found[0]


def serve_as(objects, config, folder):
    """A gate on this machine that runs as the Deployment says, with the
    files that are mounted into it; only its config is ours."""
    pod = one(objects, "Deployment")["spec"]["template"]["spec"]
    policy = paths.work() / folder
    policy.mkdir(exist_ok=True)
    for name, text in one(objects, "ConfigMap",
                          "policy-gate-policy")["data"].items():
        (policy / name).write_text(text)
    ours = ("serve", "--tls-", "--policy=", "--config=")
    args = [a for a in pod["containers"][0]["args"] if not a.startswith(ours)]
    return gate.Gate(policy, config, args=args)
