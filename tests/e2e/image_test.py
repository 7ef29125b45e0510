#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The image that `make image` builds: small, the same each time, without a shell,
admitted by the gate's strictest policy, and at home under any user.

Two builds, about 20 s each; the first on a machine makes the tools for them,
which takes about four minutes.
"""

import json
import os
import pathlib
import re
import shutil
import stat
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, pki, process, readme, registry, tap  # noqa: E402

MIB = 1024 * 1024
LAYOUT = paths.BUILD / "image"
NAME = f"{readme.HOST}/policy-gate:1.0"
NOBODY = 1234567  # a user that no system has
LIBRARY = re.compile(r"(usr/)?lib(64)?/(x86_64-linux-gnu/)?"
                     r"(lib[\w.+-]+\.so\.[\d.]+|ld-linux-x86-64\.so\.2)")

# $ROOT becomes the root, read-only, with nothing else in it but this test's
# folder; there the image's program runs as NOBODY, without capabilities.
INSIDE = """\
#!/bin/sh
shift
exec setpriv --clear-groups --no-new-privs unshare --mount sh -ec '
mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount --bind "$WORK" "$ROOT$WORK"
mount -o remount,bind,ro "$ROOT$WORK"
exec unshare --root="$ROOT" --setgid %d --setuid %d \\
    /usr/bin/policy-gate "$@"' sh "$@"
""" % (NOBODY, NOBODY)

root = inside = None


def why_not():
    if os.geteuid() != 0:
        return "it takes root to run a program in another root"
    return None


def setUpModule():
    global root, inside
    if why_not():
        raise unittest.SkipTest(why_not())
    process.run(["make", "-s", "image", "NODEPS=1",
                 f"B={os.path.relpath(paths.BUILD, paths.ROOT)}"],
                cwd=paths.ROOT, seconds=500)
    root = paths.work() / "root"
    process.run(["umoci", "raw", "unpack", "--image",
                 f"{LAYOUT}:{tag(LAYOUT)}", root])
    (root / paths.work().relative_to("/")).mkdir(parents=True)
    (root / "etc/hosts").write_text("127.0.0.1 registry.test\n")
    inside = paths.write("inside", INSIDE)
    inside.chmod(0o755)
    os.environ.update(ROOT=str(root), WORK=str(paths.work()))


def blob(layout, digest):
    return json.loads((layout / "blobs" / digest.replace(":", "/")
                       ).read_text())


def entry(layout):
    """The layout's only image."""
    found, = json.loads((layout / "index.json").read_text())["manifests"]
    return found


def tag(layout):
    return entry(layout)["annotations"]["org.opencontainers.image.ref.name"]


def run(*args):
    return process.run([inside, "policy-gate", *args], check=False)


def readable(certs):
    """Keys are their owner's alone; here another one is to read it."""
    certs.key.chmod(0o644)
    return certs


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.digest = entry(LAYOUT)["digest"]
        cls.manifest = blob(LAYOUT, cls.digest)
        cls.config = blob(LAYOUT, cls.manifest["config"]["digest"])

    def test_gate_admits_it_by_its_strictest_policy(self):
        done = gate.command("check", "--policy", "preset:restricted", "--as",
                            f"{NAME}@{self.digest}", f"oci:{LAYOUT}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("0 warned, 1 allowed", done.stdout)

    def test_one_layer_of_at_most_10_mib(self):
        layer, = self.manifest["layers"]
        print(f"# {layer['size'] / MIB:.2f} MiB compressed")
        self.assertLessEqual(layer["size"], 10 * MIB)

    def test_user_is_a_number_and_not_root(self):
        self.assertRegex(self.config["config"]["User"], r"^[1-9]\d*:[1-9]\d*$")

    def test_labels_and_annotations_say_what_it_is(self):
        done = gate.command("version")
        commit = process.run(["git", "rev-parse", "HEAD"], cwd=paths.ROOT)
        labels = self.config["config"]["Labels"]
        said = {k.removeprefix("org.opencontainers.image."): v
                for k, v in labels.items()}
        self.assertIn(said["version"], done.stdout)
        self.assertEqual(said["revision"], commit.stdout.strip())
        self.assertEqual(said["licenses"], "Apache-2.0")
        self.assertEqual(said["title"], "policy-gate")
        # Built from scratch: there is no base, and none is claimed.
        self.assertEqual({self.manifest["annotations"][
            f"org.opencontainers.image.base.{k}"] for k in ("name", "digest")},
            {""})

    def test_nothing_but_program_libraries_and_certificates(self):
        known = {"usr/bin/policy-gate", "etc/ssl/certs/ca-certificates.crt"}
        ours = {"etc/hosts"}
        for path in root.rglob("*"):
            name = str(path.relative_to(root))
            if path.is_dir() or name in known | ours:
                continue
            self.assertRegex(name, LIBRARY)
            # The loader alone can be asked to run something.
            self.assertFalse(path.is_symlink())
        for name in known:
            self.assertTrue((root / name).is_file())

    def test_nobody_but_root_can_change_any_of_it(self):
        for path in root.rglob("*"):
            found = path.lstat()
            self.assertEqual((found.st_uid, found.st_gid), (0, 0), path)
            self.assertFalse(found.st_mode & (
                stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID),
                path)

    def test_another_folder_and_time_give_the_same_digest(self):
        tree = paths.work() / "elsewhere"
        for part in ("Makefile", "certs", "deploy", "policy", "server",
                     "tests/deps"):
            (tree / part).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (paths.ROOT / part).is_dir() else \
                shutil.copy
            copy(paths.ROOT / part, tree / part)
        again = paths.work() / "again"
        process.run([tree / "deploy" / "image", again, tag(LAYOUT)],
                    seconds=300, env=dict(
                        os.environ, SOURCE_DATE_EPOCH=self.epoch(),
                        REVISION=self.config["config"]["Labels"][
                            "org.opencontainers.image.revision"]))
        self.assertEqual(entry(again)["digest"], self.digest)

    def epoch(self):
        return process.run(["git", "log", "-1", "--format=%ct"],
                           cwd=paths.ROOT).stdout.strip()

    def test_it_is_pushed_as_the_readme_says(self):
        to = registry.Registry("mine")
        self.addCleanup(to.close)
        paths.write("home/.config/containers/registries.conf", (
            f"[[registry]]\nlocation = \"{to.host}\"\ninsecure = true\n"))
        make, push = readme.block("sh", "make image").splitlines()
        self.assertEqual(make, "make image")
        process.run(["bash", "-c", push.replace(readme.HOST, to.host)],
                    cwd=paths.ROOT, env=dict(
                        os.environ, HOME=str(paths.work() / "home")))
        self.assertEqual(to.raw("policy-gate:1.0"), self.manifest)


class Authority(pki.Authority):
    def issue(self, name, sans="IP:127.0.0.1,DNS:registry.test", **more):
        return super().issue(name, sans, **more)


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = Authority()
        cls.registry = images.serve("secure", tls=cls.authority)
        cls.config = gate.config_file(cls.registry)

    @classmethod
    def tearDownClass(cls):
        cls.registry.close()

    def test_serves_as_anybody_without_rights(self):
        server = gate.Gate(gate.POLICY, self.config, wrapper=[inside],
                           certs=readable(gate.Certificates()))
        self.addCleanup(server.stop)
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        self.assertIn(f"Uid:\t{NOBODY}\t", status)
        self.assertRegex(status, r"CapEff:\t0+\n")
        self.assertIn("NoNewPrivs:\t1\n", status)
        for name, allowed in (("lean", True), ("bloated", False)):
            answer = server.post(gate.review(
                gate.pod(self.registry.ref(f"shop/{name}:1"))))
            self.assertEqual(answer["allowed"], allowed, answer)

    def test_names_are_found_in_the_hosts_file(self):
        plain = images.serve("plain")
        self.addCleanup(plain.close)
        host = f"registry.test:{plain.port}"
        config = paths.write("plain.json", json.dumps(
            {"version": 1, "registries": {host: {"plainHttp": True}}}))
        done = run("check", "--config", config, f"{host}/shop/lean:1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_registries_are_held_to_the_authorities_it_brings(self):
        image = f"registry.test:{self.registry.port}/shop/lean:1"
        before = run("check", image)
        self.assertIn("TLS_ERROR", before.stdout)
        with open(root / "etc/ssl/certs/ca-certificates.crt", "ab") as bundle:
            bundle.write(self.authority.crt.read_bytes())
        after = run("check", image)
        self.assertIn("1 allowed", after.stdout)


if __name__ == "__main__":
    tap.main()
