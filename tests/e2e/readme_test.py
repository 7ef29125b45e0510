#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The parts of the README that need a cluster, done as they stand there."""

import base64
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import cluster, gate, images, paths, process, readme, tap  # noqa: E402

kube = None

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: bloated, namespace: shop}" \
      "\nspec:\n  containers:\n    - {name: app, image: \"%s\"}\n"


def setUpModule():
    global kube
    kube = cluster.Cluster()


def shell(text, cwd):
    env = dict(kube.env, PATH=f"{paths.BUILD}:{kube.path}")
    return process.run(["bash", "-e", "-o", "pipefail", "-c", text], cwd=cwd,
                       env=env, check=False)


class Readme(unittest.TestCase):
    def test_refusal_reads_as_shown(self):
        registry = images.serve()
        self.addCleanup(registry.close)
        server = gate.Gate(readme.block("yaml", "# policy.yaml"),
                           gate.config_file(registry))
        self.addCleanup(server.stop)
        kube.guard(server)
        paths.write("reader/bloated.yaml",
                    POD % registry.ref("shop/bloated:1"))
        shown = readme.block("console", "kubectl apply").splitlines()
        done = shell(shown[0].removeprefix("$ "), paths.work() / "reader")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(done.stderr.replace(registry.host, readme.HOST),
                         "\n".join(shown[1:]) + "\n")

    def test_install_and_then_fail_closed(self):
        tree = paths.work() / "tree"
        shutil.copytree(paths.ROOT / "deploy", tree / "deploy")
        done = shell(readme.block("sh", "certs init"), tree)
        self.assertEqual(done.returncode, 0, done.stderr)
        bundle = base64.b64encode(
            (tree / "certs" / "ca.crt").read_bytes()).decode()
        self.assertEqual(self.hooks(), [("Ignore", bundle)] * 2)
        spec = kube.get("-n", "policy-gate", "deployment",
                        "policy-gate")["spec"]["template"]["spec"]
        self.assertEqual(spec["containers"][0]["image"],
                         f"{readme.HOST}/policy-gate:1.0")
        secret = spec["volumes"][0]["secret"]["secretName"]
        data = kube.get("-n", "policy-gate", "secret", secret)["data"]
        self.assertEqual(base64.b64decode(data["tls.crt"]),
                         (tree / "certs" / "tls.crt").read_bytes())
        done = shell(readme.block("sh", "overlays/enforce"), tree)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.hooks(), [("Fail", bundle), ("Ignore", bundle)])

    def hooks(self):
        return [(h["failurePolicy"], h["clientConfig"]["caBundle"])
                for h in kube.get("validatingwebhookconfiguration",
                                  "policy-gate")["webhooks"]]


if __name__ == "__main__":
    tap.main()
