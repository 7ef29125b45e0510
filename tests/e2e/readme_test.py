#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The parts of the README that need a cluster, done as they stand there."""

import pathlib
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


if __name__ == "__main__":
    tap.main()
