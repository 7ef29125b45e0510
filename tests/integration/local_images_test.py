#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images that are not pushed yet: layouts and archives, good and hostile."""

import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import sys
import tarfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, gate, images, paths, process, tap  # noqa: E402

IMAGES = ("shop/bloated:1", "shop/labelled:1", "shop/on-base:1")
REF_NAME = "org.opencontainers.image.ref.name"

registry = config = policy = None


def setUpModule():
    global registry, config, policy
    registry = images.serve()
    config = gate.config_file(registry)
    policy = paths.write("policy.yaml", gate.POLICY)


def tearDownModule():
    registry.close()


def fetch(name, to, *options):
    process.run(["skopeo", "copy", "-q", "--src-tls-verify=false", *options,
                 f"docker://{registry.ref(name)}", to])


def inspect(text, **kwargs):
    return gate.command("inspect", "-o", "json", "--config", config, text,
                        **kwargs)


def platforms(text):
    done = inspect(text)
    if done.returncode != 0:
        raise process.Failed(done.stderr)
    return json.loads(done.stdout)["platforms"]


class Layouts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = paths.work() / "a layout"
        for name in IMAGES:
            fetch(name, f"oci:{cls.dir}:{images.tag(name)}")
        fetch("shop/multi:1", f"oci:{cls.dir}:multi", "--all")

    def test_facts_are_those_of_the_registry(self):
        for name in (*IMAGES, "shop/multi:1"):
            with self.subTest(name):
                tag = "multi" if "multi" in name else images.tag(name)
                self.assertEqual(platforms(f"oci:{self.dir}:{tag}"),
                                 platforms(registry.ref(name)))

    def test_nothing_is_resolved(self):
        document = json.loads(inspect(f"oci:{self.dir}:multi").stdout)
        self.assertIsNone(document["resolved"])
        self.assertEqual(document["reference"], f"oci:{self.dir}:multi")

    def test_check_judges_as_in_the_registry(self):
        text = f"oci:{self.dir}:shop-bloated-1"
        here, status = gate.check(policy, config, text)
        there, expected = gate.check(policy, config,
                                     registry.ref("shop/bloated:1"))
        self.assertEqual(status, expected)
        here, there = (d["workloads"][0]["images"][0] for d in (here, there))
        self.assertEqual(here["findings"], there["findings"])
        self.assertEqual(here["reference"], text)
        self.assertIsNone(here["resolved"])

    def test_the_name_that_it_is_to_get_decides_which_rules_match(self):
        own = paths.write("match.yaml", (
            "version: 1\nname: a\nrules:\n  - name: small\n"
            "    match: {images: ['registry.corp/**']}\n"
            "    check: {size: {max: 1Ki}}\n"))
        text = f"oci:{self.dir}:shop-bloated-1"
        self.assertEqual(gate.check(own, config, text)[1], 0)
        _, status = gate.check(own, config, text, "--as",
                               "registry.corp/web:1")
        self.assertEqual(status, 1)

    def test_platforms_of_the_policy_count(self):
        for on, status in (("linux/arm64", 1), ("linux/amd64", 0),
                           ("linux/s390x", 3)):
            with self.subTest(on):
                own = paths.write("platform.yaml", (
                    f"version: 1\nname: a\nplatforms: [{on}]\nrules:\n"
                    "  - name: users\n    check: {user: {root: deny}}\n"))
                document, got = gate.check(own, config,
                                           f"oci:{self.dir}:multi")
                self.assertEqual(got, status, document)

    def test_an_image_has_to_be_chosen(self):
        for text, words in ((f"oci:{self.dir}", "name one behind a colon"),
                            (f"oci:{self.dir}:nothing", "there is no image"),
                            (f"oci:{self.dir}:", "there is no image"),
                            (f"oci:{self.dir}/blobs", "no index.json"),
                            ("oci:/nonexistent", "No such file")):
            with self.subTest(text):
                done = inspect(text)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(words, done.stderr)

    def test_images_of_other_tools(self):
        for tool in ("umoci", "buildah"):
            with self.subTest(tool):
                folder = paths.work() / tool
                if tool == "umoci":
                    process.run(["umoci", "init", "--layout", folder])
                    process.run(["umoci", "new", "--image", f"{folder}:a"])
                    layer = paths.work() / "layer.tar"
                    images.write_layer(layer, "a", 5000)
                    process.run(["umoci", "raw", "add-layer", "--image",
                                 f"{folder}:a", layer])
                else:
                    options = ["--root", f"{folder}-r", "--runroot",
                               f"{folder}-rr", "--storage-driver", "vfs"]
                    context = paths.write("context/Dockerfile",
                                          "FROM scratch\nCOPY Dockerfile /a\n")
                    env = dict(os.environ, BUILDAH_ISOLATION="chroot")
                    built = process.run(
                        ["buildah", *options, "bud", "-q", "-t",
                         f"oci:{folder}:a", context.parent], env=env,
                        check=False)
                    if built.returncode != 0:
                        self.skipTest("buildah has not the rights it needs")
                self.assertEqual(len(platforms(f"oci:{folder}:a")[0]["layers"]),
                                 1)


class BrokenLayouts(unittest.TestCase):
    """One thing wrong with each."""

    def setUp(self):
        self.dir = paths.work() / "broken"
        shutil.rmtree(self.dir, ignore_errors=True)
        image = content.image()
        for d in image.all():
            self.put(d)
        for i in range(2):
            path = self.blob(image.value["layers"][i]["digest"])
            path.write_bytes(b"x" * (1000 + i))
        self.image = image
        self.index([image.descriptor()])

    def blob(self, digest):
        path = self.dir / "blobs" / digest.replace(":", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, document):
        self.blob(document.digest).write_bytes(document.body)

    def index(self, manifests):
        (self.dir / "index.json").write_text(json.dumps(
            {"schemaVersion": 2, "manifests": manifests}))

    def refused(self, *words):
        done = inspect(f"oci:{self.dir}", seconds=20)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_it_is_whole(self):
        self.assertEqual(platforms(f"oci:{self.dir}")[0]["size"], 2001)

    def test_what_the_index_calls_an_image_decides_who_runs_it(self):
        old = content.image("linux/arm", user="0")
        index = content.index([content.entry(old, "linux/arm/v6")], [old])
        for document in index.all():
            self.put(document)
        self.index([index.descriptor()])
        document, _ = gate.check(
            paths.write("v6.yaml", f"{gate.POLICY}platforms: [linux/arm/v6]\n"),
            config, f"oci:{self.dir}")
        image, = document["workloads"][0]["images"]
        self.assertEqual([p["user"] for p in image["platforms"]], ["0"])

    def test_other_content_than_the_name_says(self):
        config_ = self.image.parts[0]
        self.blob(config_.digest).write_bytes(
            config_.body.replace(b"1000", b"0000"))
        self.refused("is not what its name says")

    def test_another_size(self):
        layer = self.image.value["layers"][1]
        self.blob(layer["digest"]).write_bytes(b"x")
        self.refused("layer 2", "has 1 bytes, but is listed with 1001")

    def test_a_layer_is_missing(self):
        self.blob(self.image.value["layers"][0]["digest"]).unlink()
        self.refused("layer 1", "is not in the layout")

    def test_a_digest_that_is_a_path(self):
        (self.dir / "secret").write_text("{}")
        self.index([dict(self.image.descriptor(), digest="sha256:../../x")])
        self.refused("is not a digest")

    def test_a_pipe_is_not_waited_for(self):
        path = self.blob(self.image.digest)
        path.unlink()
        os.mkfifo(path)
        self.refused("is not a regular file")

    def test_an_index_that_is_no_json(self):
        (self.dir / "index.json").write_text("{\x1b[31m")
        self.refused("not valid JSON")

    def test_an_index_of_itself(self):
        index = content.index([])
        for _ in range(4):
            index = content.index([content.entry(index)], [index])
            self.put(index)
        self.index([index.descriptor()])
        self.refused("nested more than 2 deep")

    def test_an_artifact(self):
        chart = content.artifact()
        for d in chart.all():
            self.put(d)
        self.index([chart.descriptor()])
        self.refused("an artifact, not an image")


class Archives(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name in IMAGES:
            fetch(name, f"docker-archive:{cls.path(name)}:registry.corp/"
                        f"{name}")

    @staticmethod
    def path(name):
        return paths.work() / f"{images.tag(name)}.tar"

    def test_facts_are_those_of_the_registry(self):
        for name in IMAGES:
            with self.subTest(name):
                here = platforms(f"docker-archive:{self.path(name)}")[0]
                there = platforms(registry.ref(name))[0]
                for key in ("platform", "user", "env", "labels", "ports",
                            "volumes", "entrypoint", "cmd"):
                    self.assertEqual(here[key], there[key], key)
                for a, b in zip(here["layers"], there["layers"]):
                    self.assertEqual(a["createdBy"], b["createdBy"])
                    # By another gzip, so not to the byte.
                    self.assertAlmostEqual(a["size"], b["size"],
                                           delta=200 + b["size"] / 100)

    def test_a_compressed_archive_is_the_same(self):
        path = self.path("shop/bloated:1")
        packed = paths.work() / "packed.tar.gz"
        packed.write_bytes(gzip.compress(path.read_bytes(), 1))
        self.assertEqual(platforms(f"docker-archive:{packed}"),
                         platforms(f"docker-archive:{path}"))

    def test_check_judges_under_the_name_in_it(self):
        own = paths.write("match.yaml", (
            "version: 1\nname: a\nrules:\n  - name: small\n"
            "    match: {images: ['registry.corp/shop/*']}\n"
            "    check: {size: {max: 20Mi}}\n"))
        document, status = gate.check(
            own, config, f"docker-archive:{self.path('shop/bloated:1')}")
        self.assertEqual(status, 1)
        finding = document["workloads"][0]["images"][0]["findings"][0]
        self.assertIn("apt-get install -y g++ make", finding["evidence"])

    def test_people_are_told_that_sizes_are_estimates(self):
        done = gate.command("inspect", "docker-archive:"
                            f"{self.path('shop/labelled:1')}")
        self.assertIn("as gzip would make them", done.stdout)

    def test_an_image_of_several_has_to_be_chosen(self):
        path = paths.work() / "several.tar"
        make(path, two=True)
        done = inspect(f"docker-archive:{path}")
        self.assertEqual(done.returncode, 2)
        self.assertIn("holds 2 images", done.stderr)
        self.assertIn("corp/a:1, corp/b:1", done.stderr)
        self.assertEqual(
            platforms(f"docker-archive:{path}:corp/b:1")[0]["user"], "7")
        done = inspect(f"docker-archive:{path}:corp/c:1")
        self.assertIn("there is no image", done.stderr)


def add(tar, name, data=b"", **more):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in more.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(data))


def make(path, edit=None, two=False, extra=None, **config_):
    """An archive of one layer; `edit` changes manifest.json's tree."""
    layer = b"layer" * 1000
    with tarfile.open(path, "w") as tar:
        manifest = []
        for name, user in (("corp/a:1", "1000"), ("corp/b:1", "7"))[
                :2 if two else 1]:
            body = content.encode({
                "os": "linux", "architecture": "amd64",
                "config": {"User": user},
                "rootfs": {"type": "layers",
                           "diff_ids": [content.digest(layer)]}, **config_})
            hex_ = hashlib.sha256(body).hexdigest()
            add(tar, f"{hex_}.json", body)
            manifest.append({"Config": f"{hex_}.json", "RepoTags": [name],
                             "Layers": ["a/layer.tar"]})
        add(tar, "a/layer.tar", layer)
        if edit:
            edit(manifest)
        if extra:
            extra(tar)
        add(tar, "manifest.json", content.encode(manifest))
    return path


class HostileArchives(unittest.TestCase):
    def setUp(self):
        self.path = paths.work() / "hostile.tar"

    def refused(self, *words):
        before = sorted(paths.work().rglob("*"))
        done = inspect(f"docker-archive:{self.path}", seconds=30)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(sorted(paths.work().rglob("*")), before)

    def test_it_is_whole(self):
        make(self.path)
        found = platforms(f"docker-archive:{self.path}")[0]
        self.assertEqual(found["user"], "1000")
        # Five thousand bytes that repeat compress well.
        self.assertLess(found["size"], 200)

    def test_links_are_followed_within(self):
        make(self.path, edit=lambda m: m[0].update(Layers=["b/layer.tar"]),
             extra=lambda t: add(t, "b/layer.tar", type=tarfile.SYMTYPE,
                                 linkname="../a/layer.tar"))
        self.assertEqual(len(platforms(f"docker-archive:{self.path}")), 1)

    def test_names_and_links_that_lead_out(self):
        for name, more in (("../evil", {}), ("/etc/evil", {}),
                           ("a/../../evil", {}),
                           ("l", {"type": tarfile.SYMTYPE,
                                  "linkname": "/etc/passwd"}),
                           ("l", {"type": tarfile.LNKTYPE,
                                  "linkname": "../../etc/passwd"})):
            with self.subTest((name, more)):
                make(self.path, extra=lambda t, n=name, m=more: add(
                    t, n, **m))
                self.refused("leads out of it")

    def test_links_in_a_circle(self):
        def links(tar):
            add(tar, "x", type=tarfile.SYMTYPE, linkname="y")
            add(tar, "y", type=tarfile.SYMTYPE, linkname="x")

        make(self.path, edit=lambda m: m[0].update(Layers=["x"]), extra=links)
        self.refused("is not in it")

    def test_devices(self):
        make(self.path, extra=lambda t: add(t, "d", type=tarfile.CHRTYPE))
        self.refused("neither a file nor a link")

    def test_a_layer_that_is_not_the_configs(self):
        make(self.path, rootfs={"type": "layers",
                                "diff_ids": [content.digest(b"other")]})
        self.refused("layer 1 is not what the config says")

    def test_a_config_that_is_not_its_name(self):
        def swap(manifest):
            manifest[0]["Config"] = "0" * 64 + ".json"

        make(self.path, edit=swap,
             extra=lambda t: add(t, "0" * 64 + ".json", b"{}"))
        self.refused("is not what its name says")

    def test_counts_that_differ(self):
        make(self.path, edit=lambda m: m[0].update(Layers=[]))
        self.refused("layers")

    def test_broken_manifests(self):
        for edit in (lambda m: m.clear(),
                     lambda m: m[0].update(Config=7),
                     lambda m: m[0].update(Layers=[None]),
                     lambda m: m[0].update(Layers=["none"]),
                     lambda m: m[0].update(Config="a/layer.tar")):
            make(self.path, edit=edit)
            self.refused("hostile.tar: ")

    def test_no_archive_at_all(self):
        self.path.write_bytes(b"not a tar file" * 100)
        self.refused("it is no tar archive, such as docker save writes")
        make(self.path)
        self.path.write_bytes(self.path.read_bytes()[:3000])
        self.refused("no whole tar archive")
        self.path.write_bytes(b"")
        self.refused("hostile.tar: ")

    def test_too_many_members(self):
        def many(tar):
            for i in range(20001):
                add(tar, str(i))

        make(self.path, extra=many)
        self.refused("more than 20000 members")

    def test_a_bomb(self):
        with gzip.open(self.path, "wb", 9) as out:
            info = tarfile.TarInfo("zeros")
            info.size = 8 << 30
            out.write(info.tobuf())
            for _ in range(300):
                out.write(bytes(1 << 20))
        self.refused("grows more than 200 times")

    def test_holes_and_huge_files(self):
        with open(self.path, "wb") as out:
            info = tarfile.TarInfo("huge")
            info.size = 1 << 40
            out.write(info.tobuf(tarfile.GNU_FORMAT))
        self.refused("more than 64 GiB")

    def test_a_bad_one_leaves_the_rest_judged(self):
        make(self.path, edit=lambda m: m.clear())
        done = gate.command("check", "--policy", policy, "--config", config,
                            f"docker-archive:{self.path}",
                            registry.ref("shop/lean:1"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("1 image: 0 denied", done.stdout)


if __name__ == "__main__":
    tap.main()
