#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Indexes: which of their images are judged, for which platforms, and that none
that a node could run is left out.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, gate, paths, registry_case, tap  # noqa: E402
from lib.registry_case import Manifests  # noqa: E402


class Indexes(Manifests):
    def test_every_runnable_platform_is_told(self):
        platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7",
                     "windows/amd64"]
        outcome = self.facts(self.push(content.multi(*platforms)))
        self.assertEqual(outcome.platforms, platforms)

    def test_attestations_are_never_fetched(self):
        image = content.image()
        entry, document = content.attestation(image)
        ref = self.push(content.index(
            [content.entry(image, "linux/amd64"), entry], [image, document]))
        self.assertEqual(self.facts(ref).platforms, ["linux/amd64"])
        self.assertEqual(self.reg.count(path=f"*{document.digest}"), 0)

    def test_annotation_alone_hides_no_image(self):
        # A runtime looks at the platform, not at what an author wrote.
        image = content.image()
        notes = content.attestation(image)[0]["annotations"]
        ref = self.push(content.index(
            [content.entry(image, "linux/amd64", annotations=notes)],
            [image]))
        self.assertEqual(self.facts(ref).platforms, ["linux/amd64"])

    def test_attestations_alone_are_nothing_to_run(self):
        entry, document = content.attestation(content.image())
        self.refused("NO_RUNNABLE_PLATFORM",
                     self.push(content.index([entry], [document])))

    def test_empty_index_is_nothing_to_run(self):
        self.refused("NO_RUNNABLE_PLATFORM", self.push(content.index([])))

    def test_entry_without_platform_counts_by_its_config(self):
        image = content.image("linux/arm64")
        ref = self.push(content.index([content.entry(image)], [image]))
        self.assertEqual(self.facts(ref).platforms, ["linux/arm64"])

    def test_entries_of_the_same_platform_are_all_judged(self):
        images = [content.image(user=u) for u in ("1000", "0")]
        ref = self.push(content.index(
            [content.entry(i, "linux/amd64") for i in images], images))
        self.assertEqual([p["user"] for p in self.facts(ref).document[
            "platforms"]], ["1000", "0"])

    def test_same_image_twice_is_one(self):
        image = content.image()
        ref = self.push(content.index(
            [content.entry(image, "linux/amd64")] * 2, [image]))
        self.assertEqual(self.facts(ref).platforms, ["linux/amd64"])
        self.assertEqual(self.reg.count(path=f"*{image.digest}"), 1)

    def test_platform_that_the_config_contradicts_is_malformed(self):
        for said, true in (("linux/arm64", "linux/amd64"),
                           ("linux/amd64", "linux/arm64"),
                           ("windows/amd64", "linux/amd64"),
                           ("linux/arm/v7", "linux/arm/v5"),
                           ("linux/arm/v6", "linux/arm/v7"),
                           ("linux/amd64", "linux/386")):
            with self.subTest(said, true=true):
                image = content.image(true)
                self.refused("MALFORMED", self.push(content.index(
                    [content.entry(image, said)], [image])))

    def test_config_without_arm_s_variant_is_of_the_entry_s(self):
        # Old builders leave it out.
        image = content.image("linux/arm")
        ref = self.push(content.index([content.entry(image, "linux/arm/v6")],
                                      [image]))
        self.assertEqual(len(self.facts(ref).platforms), 1)

    def test_release_of_windows_that_the_config_contradicts_is_malformed(self):
        image = content.image(of=content.config("windows/amd64").edited(
            lambda c: c.update({"os.version": "10.0.17763.1"})))
        for said, code in (("10.0.17763.5122", None),
                           ("10.0.20348.1", "MALFORMED")):
            with self.subTest(said):
                entry = image.descriptor(platform={
                    **content.platform("windows/amd64"), "os.version": said})
                self.assertEqual(self.inspect(self.push(
                    content.index([entry], [image]))).code, code)

    def test_part_of_another_type_than_its_entry_says_is_malformed(self):
        image = content.image()
        entry = content.entry(image, "linux/amd64")
        entry["mediaType"] = content.DOCKER_MANIFEST
        self.refused("MALFORMED", self.push(content.index([entry], [image])))

    def test_index_where_the_entry_says_image_is_malformed(self):
        inner = content.multi("linux/amd64")
        entry = content.entry(inner, "linux/amd64")
        entry["mediaType"] = content.OCI_MANIFEST
        self.refused("MALFORMED", self.push(content.index([entry], [inner])))

    def test_platforms_that_say_too_little_are_malformed(self):
        image = content.image()
        for value in ({}, {"os": "linux"}, {"architecture": "amd64"},
                      {"os": "", "architecture": "amd64"},
                      {"os": 1, "architecture": "amd64"}, "linux/amd64", []):
            with self.subTest(value):
                entry = image.descriptor(platform=value)
                self.refused("MALFORMED", self.push(content.index(
                    [entry], [image])))

    def test_entry_that_is_neither_image_nor_index_is_unsupported(self):
        blob = content.Document({}, "application/vnd.example+json")
        self.refused("UNSUPPORTED", self.push(content.index(
            [content.entry(blob, "linux/amd64")], [blob])))

    def test_index_within_an_index_is_read(self):
        inner = content.multi("linux/amd64", "linux/arm64")
        ref = self.push(content.index([content.entry(inner)], [inner]))
        self.assertEqual(self.facts(ref).platforms,
                         ["linux/amd64", "linux/arm64"])

    def test_missing_part_is_not_found(self):
        image = content.image()
        self.refused("NOT_FOUND", self.push(content.index(
            [content.entry(image, "linux/amd64")])))

    def test_only_platforms_that_nodes_have_are_fetched(self):
        parts = content.multi("linux/amd64", "linux/arm64")
        ref = self.push(parts)
        images, status = self.check(
            ref, policy=registry_case.POLICY + "platforms: [linux/arm64]\n")
        self.assertEqual(status, 0)
        self.assertEqual([p["platform"] for p in images[ref]["platforms"]],
                         ["linux/arm64"])
        self.assertEqual(self.reg.count(path=f"*{parts.parts[0].digest}"), 0)

    def test_first_image_for_a_node_is_judged_whatever_its_config_calls_it(self):
        # A runtime takes the first that the index lists for it; to Go,
        # "l\u0130nux" is linux.
        for node, config, said in (
                ("linux/amd64", "linux/amd64/v4", "linux/amd64"),
                ("linux/arm64", "linux/arm64/v9", "linux/arm64"),
                ("linux/arm/v6", "linux/arm", "linux/arm/v6"),
                ("linux/amd64", "l\u0130nux/amd64", "l\u0130nux/amd64"),
                ("linux/amd64", "linux/amd64", "l\u0130nux/amd64")):
            with self.subTest(node, config=config, said=said):
                first, other = content.image(config, user="0"), \
                    content.image(node)
                ref = self.push(content.index(
                    [content.entry(first, said), content.entry(other, node)],
                    [first, other]))
                images, _ = self.check(
                    ref, policy=f"{registry_case.POLICY}platforms: [{node}]\n")
                self.assertEqual(
                    [p["user"] for p in images[ref]["platforms"]],
                    ["0", "1000"])

    def test_no_platform_that_nodes_have_is_nothing_to_run(self):
        for document in (content.multi("linux/amd64"), content.image()):
            with self.subTest(document.media_type):
                ref = self.push(document)
                images, status = self.check(
                    ref, policy=registry_case.POLICY +
                    "platforms: [linux/s390x]\n")
                self.assertEqual(status, 3)
                self.assertEqual(images[ref]["error"]["code"],
                                 "NO_RUNNABLE_PLATFORM")

    def test_lone_manifest_is_judged_whatever_platform_it_claims(self):
        # A runtime that is told to run a manifest does, on any node.
        policy = "version: 1\nonError: {}\n{}rules:\n" \
            "  - {{name: no-root, check: {{user: {{root: deny}}}}}}\n"
        nodes = "platforms: [linux/amd64]\n"
        for claimed, limits, on_error, verdict in (
                ("windows/amd64", "", "deny", "deny"),
                ("windows/amd64", nodes, "allow", "deny"),
                ("linux/s390x", nodes, "allow", "deny"),
                ("linux/s390x", nodes, "warn", "deny"),
                ("unknown/unknown", nodes, "allow", "deny")):
            with self.subTest(claimed, on_error=on_error):
                ref = self.push(content.image(claimed, user=""))
                images, _ = self.check(
                    ref, policy=policy.format(on_error, limits))
                self.assertEqual(images[ref]["verdict"], verdict)
                self.assertEqual([f["check"] for f in images[ref]["findings"]],
                                 ["user.root"])
                # A good one of it is still told to be for nobody here.
                ref = self.push(content.image(claimed, user="1000"))
                images, _ = self.check(
                    ref, policy=policy.format(on_error, limits))
                self.assertEqual((images[ref]["error"] or {}).get("code"),
                                 "NO_RUNNABLE_PLATFORM" if limits else None)

    def test_pods_for_arm_nodes_are_judged_though_labels_tell_no_variant(self):
        ref = self.push(content.multi("linux/arm/v7", "linux/amd64", user="0"))
        path = paths.write("arm-pod.json", json.dumps(gate.pod(
            ref, nodeSelector={"kubernetes.io/arch": "arm"})))
        policy = registry_case.POLICY.replace(
            "onError: deny", "onError: allow").replace(
                "layers: {max: 100}", "user: {root: deny}")
        images, status = self.check("-f", str(path), policy=policy)
        self.assertEqual([f["platform"] for f in images[ref]["findings"]],
                         ["linux/arm/v7"])
        self.assertEqual(status, 1)

    def test_fallbacks_of_a_node_are_judged_too(self):
        # arm64 nodes can run 32 bit arm, amd64 nodes 386.
        for node, other in (("linux/arm64", "linux/arm/v7"),
                            ("linux/amd64", "linux/386")):
            with self.subTest(node):
                ref = self.push(content.multi(other))
                images, status = self.check(
                    ref, policy=f"{registry_case.POLICY}platforms: [{node}]\n")
                self.assertEqual(status, 0)
                self.assertEqual(
                    [p["platform"] for p in images[ref]["platforms"]],
                    [other])


if __name__ == "__main__":
    tap.main()
