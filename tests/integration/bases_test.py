#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bases are told by their layers: images really built on one another."""

import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, gate, images, paths, process, registry, \
    tap  # noqa: E402

NAME = "org.opencontainers.image.base.name"
DIGEST = "org.opencontainers.image.base.digest"
TAG_TTL_S = 1

reg = builder = config = None
before = after = None  # what base/os:1 meant, and means


def build(image, text, *options, push=(), context="app"):
    """Builds an image with buildah, and pushes it."""
    folder = builder.folder / context
    folder.mkdir(exist_ok=True)
    (folder / "app").write_bytes(images.noise(image, 64 * images.KIB))
    (folder / "Dockerfile").write_text(text)
    builder.buildah("bud", "-q", "--tls-verify=false", *options, "-t",
                    images.tag(image), folder)
    builder.buildah("push", "-q", "--tls-verify=false", *push,
                    images.tag(image), f"docker://{reg.ref(image)}")


def build_os(seed):
    """base/os:1 from a root file system; its digest."""
    folder = builder.folder / "os"
    folder.mkdir(exist_ok=True)
    images.write_layer(folder / "rootfs.tar", seed, 300 * images.KIB)
    build("base/os:1", "FROM scratch\nADD rootfs.tar /\n", context="os")
    return digest("base/os:1")


def digest(image):
    return content.digest(reg.raw_bytes(image))


def annotations(**claims):
    return [a for k, v in claims.items() for a in (
        "--annotation", f"{ {'name': NAME, 'digest': DIGEST}[k]}={v}")]


def build_children():
    child = f"FROM {reg.ref('base/os:1')}\nCOPY app /app\n"
    build("base/java:1", f"FROM {reg.ref('base/os:1')}\nCOPY app /java\n")
    build("base/python:1", f"FROM {reg.ref('base/os:1')}\nCOPY app /python\n")
    build("app/same:1", child)
    build("app/squashed:1", child, "--squash")
    build("app/java:1", f"FROM {reg.ref('base/java:1')}\nCOPY app /app\n")
    process.run([
        "skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false",
        "--dest-compress-format", "zstd", "--dest-compress",
        f"docker://{reg.ref('app/same:1')}", f"dir:{builder.folder / 'zstd'}"])
    reg.push(f"dir:{builder.folder / 'zstd'}", "app/zstd:1", "--format", "oci")
    # Docker's own format has no annotations.
    reg.push(f"docker://{reg.ref('app/same:1')}", "app/silent:1",
             "--src-tls-verify=false", "--format", "v2s2")
    lie = "FROM scratch\nCOPY app /app\n"
    build("liar/today:1", lie, *annotations(
        name=reg.ref("base/os:1"), digest=before))
    build("liar/other:1", lie, *annotations(
        name=reg.ref("base/os:1"), digest=digest("base/java:1")))
    build("liar/nothing:1", lie, *annotations(
        name=reg.ref("base/os:1"), digest="sha256:" + 64 * "0"))
    build("liar/label:1", lie + f"LABEL {NAME}={reg.ref('base/os:1')} "
          f"{DIGEST}={before}\n")


def setUpModule():
    global reg, builder, config, before
    reg = registry.Registry("bases")
    folder = paths.work() / "bases"
    folder.mkdir()
    builder = images.Builder(folder, reg)
    builder.dockerfile("probe:1", "FROM scratch\nCOPY app /app\n")
    if not builder.with_buildah:
        raise unittest.SkipTest("buildah has not the rights that it needs")
    before = build_os("as it was")
    build_children()
    config = gate.config_file(reg, cache={"tagTtl": f"{TAG_TTL_S}s"})


def tearDownModule():
    reg.close()


def policy(demands):
    return f"version: 1\nrules:\n- name: bases\n  check: {{{demands}}}\n"


def base(*names, more=""):
    listed = ", ".join(f'"{reg.ref(n)}"' for n in names)
    return policy(f"base: {{allow: [{listed}]{more}}}")


def check(text, image):
    """What is found, and what it says of the base."""
    document, _ = gate.check(paths.write("policy.yaml", text), config,
                             reg.ref(image))
    found = document["workloads"][0]["images"][0]
    if found["error"]:
        raise AssertionError(found["error"])
    return found["findings"], found["platforms"][0]["base"]


class Case(unittest.TestCase):
    def allowed(self, text, image, how="layers", layers=1, name="base/os:1"):
        findings, told = check(text, image)
        self.assertEqual([f["message"] for f in findings], [])
        self.assertEqual((told["how"], told["layers"], told["name"]),
                         (how, layers, reg.ref(name)))
        return told

    def refused(self, text, image):
        (finding,), told = check(text, image)
        self.assertEqual(finding["check"], "base.allow")
        return finding, told


class ABase(Case):  # runs before the tag moves on
    def test_same_base(self):
        self.assertEqual(
            self.allowed(base("base/os:1"), "app/same:1")["digest"], before)

    def test_the_base_itself(self):
        self.allowed(base("base/os:1"), "base/os:1")

    def test_recompressed_to_zstd_it_is_still_the_same(self):
        self.assertNotEqual(reg.raw("app/zstd:1")["layers"][0]["digest"],
                            reg.raw("app/same:1")["layers"][0]["digest"])
        self.allowed(base("base/os:1"), "app/zstd:1")

    def test_without_annotations_it_is_still_the_same(self):
        self.assertNotIn("annotations", reg.raw("app/silent:1"))
        self.allowed(base("base/os:1"), "app/silent:1")

    def test_squashed_it_has_none(self):
        self.assertIn(NAME, reg.raw("app/squashed:1")["annotations"])
        finding, told = self.refused(base("base/os:1"), "app/squashed:1")
        self.assertEqual(finding["message"],
                         "is built on no allowed base")
        self.assertIn("which its layers do not prove", finding["evidence"])
        self.assertEqual((told["how"], told["layers"]), ("annotation", 0))

    def test_of_two_with_the_same_first_layer_the_longer_one_wins(self):
        both = base("base/os:1", "base/java:1")
        self.allowed(both, "app/java:1", layers=2, name="base/java:1")
        self.allowed(both, "app/same:1")

    def test_another_with_the_same_first_layer_is_none(self):
        finding, told = self.refused(base("base/python:1"), "app/java:1")
        self.assertEqual((finding["actual"], told["layers"]), ("unknown", 0))

    def test_lies_prove_nothing(self):
        for lie in ("today", "other", "nothing", "label"):
            with self.subTest(lie):
                finding, told = self.refused(
                    base("base/os:1"), f"liar/{lie}:1")
                self.assertEqual(finding["actual"], "unknown")
                self.assertEqual(told["layers"], 0)
                self.assertEqual(
                    told["how"], "label" if lie == "label" else "annotation")

    def test_claims_are_taken_where_the_rule_says_so(self):
        claim = base("base/os:1", more=", verify: claim")
        for image, how in (("app/squashed:1", "annotation"),
                           ("liar/nothing:1", "annotation"),
                           ("liar/label:1", "label")):
            with self.subTest(image):
                self.allowed(claim, image, how, 0)
        finding, _ = self.refused(
            base("base/python:1", more=", verify: claim"), "liar/label:1")
        self.assertIn("claims to be built on", finding["message"])
        self.assertIn("do not prove", finding["evidence"])

    def test_only_what_is_above_counts_against_it(self):
        limit = "size: {maxAboveBase: 100Ki}"
        listed = f'base: {{deny: ["{reg.ref("base/os:1")}"], maxAge: 9w}}'
        findings, _ = check(policy(limit), "app/same:1")
        self.assertEqual([f["check"] for f in findings],
                         ["size.maxAboveBase"])
        findings, _ = check(policy(f"{listed}, {limit}"), "app/same:1")
        self.assertEqual([f["check"] for f in findings], ["base.deny"])


class BMovedBase(Case):
    @classmethod
    def setUpClass(cls):
        global after
        # A server that knows what the name meant before.
        cls.server = gate.Gate(base("base/os:1"), config)
        cls.addClassCleanup(cls.server.stop)
        cls.first = cls.post(cls.server)
        after = build_os("as it is")
        time.sleep(2 * TAG_TTL_S)

    @staticmethod
    def post(server):
        return server.post(gate.review(gate.pod(reg.ref("app/silent:1"))))

    def test_is_told_as_stale_with_both_digests(self):
        self.assertNotEqual(before, after)
        for image in ("app/same:1", "app/zstd:1"):
            with self.subTest(image):
                finding, told = self.refused(base("base/os:1"), image)
                self.assertEqual((finding["actual"], finding["limit"]),
                                 (before, after))
                self.assertIn("stale base", finding["message"])
                self.assertEqual((told["how"], told["layers"]),
                                 ("layers", 1))

    def test_is_allowed_where_the_rule_says_so(self):
        self.allowed(base("base/os:1", more=", stale: allow"), "app/same:1")

    def test_is_unknown_to_who_never_saw_it_where_nothing_names_it(self):
        finding, _ = self.refused(base("base/os:1"), "app/silent:1")
        self.assertEqual(finding["actual"], "unknown")

    def test_is_remembered_by_a_server_that_saw_it(self):
        self.assertTrue(self.first["allowed"])
        answer = self.post(self.server)
        self.assertFalse(answer["allowed"])
        self.assertIn("stale base", answer["status"]["message"])
        self.assertIn(before[:19], answer["status"]["message"])
        self.assertIn(after[:19], answer["status"]["message"])

    def test_lies_prove_nothing_then_either(self):
        for lie in ("today", "other", "nothing"):
            with self.subTest(lie):
                finding, _ = self.refused(base("base/os:1"), f"liar/{lie}:1")
                self.assertEqual(finding["actual"], "unknown")


if __name__ == "__main__":
    tap.main()
