#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The gate's own image. No base image can be pulled here, so its last stage is
built from what this machine has; the stage before it is the ordinary build.
"""

import json
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, process, registry, tap  # noqa: E402

CONTAINERFILE = paths.ROOT / "deploy" / "Containerfile"
COPY = "COPY --from=build /root-of-image /\n"


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if gate.sanitized():
            raise unittest.SkipTest("a sanitizer's program is not shipped")
        cls.storage = ["--root", paths.work() / "s", "--runroot",
                       paths.work() / "r", "--storage-driver", "vfs"]
        probe = paths.write("probe/Containerfile", "FROM scratch\nCOPY . /\n")
        done = cls.buildah("bud", "-q", probe.parent, check=False)
        if done.returncode != 0:
            raise unittest.SkipTest(
                f"buildah has not the rights it needs: {done.stderr.strip()}")
        last = CONTAINERFILE.read_text().split("\nFROM scratch\n")[1]
        if COPY not in last:
            raise process.Failed(f"{CONTAINERFILE} has no \"{COPY.strip()}\"")
        context = paths.work() / "context"
        process.run([paths.ROOT / "deploy" / "bundle", paths.GATE,
                     context / "root"])
        paths.write("context/Containerfile", "FROM scratch\n" +
                    last.replace(COPY, "COPY root /\n"))
        cls.root = context / "root"
        cls.buildah("bud", "-q", "-t", "policy-gate", context)
        cls.config = json.loads(cls.buildah(
            "inspect", "--type", "image", "policy-gate").stdout)["OCIv1"][
                "config"]

    @classmethod
    def buildah(cls, *args, **kwargs):
        return process.run(["buildah", *cls.storage, *args],
                           env=dict(os.environ, BUILDAH_ISOLATION="chroot"),
                           **kwargs)

    def test_build_stage_builds_what_is_bundled(self):
        text = CONTAINERFILE.read_text()
        self.assertIn("make NODEPS=1", text)
        self.assertIn("deploy/bundle build/policy-gate /root-of-image", text)

    def test_program_runs_in_it_alone(self):
        name = self.buildah("from", "policy-gate").stdout.strip()
        self.addCleanup(self.buildah, "rm", name)
        done = self.buildah("run", name, "--", "/usr/bin/policy-gate",
                            "version", check=False)
        want = gate.command("version", check=True).stdout
        self.assertEqual((done.stdout, done.returncode), (want, 0),
                         done.stderr)

    def test_it_holds_the_program_its_libraries_and_certificates(self):
        files = [p.relative_to(self.root) for p in self.root.rglob("*")
                 if p.is_file()]
        self.assertIn(pathlib.Path("usr/bin/policy-gate"), files)
        self.assertIn(pathlib.Path("etc/ssl/certs/ca-certificates.crt"), files)
        others = [str(f) for f in files if not re.search(
            r"\.so(\.\d+)*$|/policy-gate$|/ca-certificates\.crt$", str(f))]
        self.assertEqual(others, [])

    def test_user_is_numeric_and_not_root(self):
        user = self.config["User"].split(":")[0]
        self.assertTrue(user.isdigit() and int(user) > 0, user)

    def test_labels_say_what_it_is(self):
        labels = self.config["Labels"]
        for key in ("title", "description", "licenses"):
            self.assertTrue(labels.get(f"org.opencontainers.image.{key}"), key)

    def test_it_passes_the_baseline_policy(self):
        reg = registry.Registry()
        self.addCleanup(reg.close)
        self.buildah("push", "-q", "--tls-verify=false", "policy-gate",
                     f"docker://{reg.ref('policy-gate:1.0')}")
        document, status = gate.check("preset:baseline", gate.config_file(reg),
                                      reg.ref("policy-gate:1.0"))
        image = document["workloads"][0]["images"][0]
        self.assertEqual((status, image["verdict"], image["findings"]),
                         (0, "allow", []))


if __name__ == "__main__":
    tap.main()
