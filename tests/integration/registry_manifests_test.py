#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Manifests and configs: what is taken for an image, and that nothing is which a
runtime could read in another way, or which is not what was named.
"""

import base64
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, tap  # noqa: E402
from lib.registry_case import Manifests  # noqa: E402

EVIL = "u0-evil"


class Types(Manifests):
    def test_accept_names_the_four_types_and_no_wildcard(self):
        self.facts(self.push(content.image()))
        accept = self.reg.requests("GET", "/v2/app/manifests/1")[0].headers[
            "Accept"]
        self.assertEqual({a.strip() for a in accept.split(",")},
                         set(content.MANIFESTS))

    def test_each_type_is_read(self):
        for document in (content.image(), content.image(docker=True),
                         content.multi("linux/amd64"),
                         content.multi("linux/amd64", docker=True)):
            with self.subTest(document.media_type):
                self.facts(self.push(document))

    def test_parameters_and_case_of_content_type_do_not_matter(self):
        for value in (content.OCI_MANIFEST + "; charset=utf-8",
                      content.OCI_MANIFEST.replace("oci", "OCI")):
            with self.subTest(value):
                self.facts(self.push_as(content.image(), value))

    def test_content_type_that_says_nothing_leaves_it_to_the_body(self):
        for value in (None, "text/plain; charset=utf-8",
                      "application/octet-stream"):
            for document in (content.image(), content.multi("linux/amd64")):
                with self.subTest(value, type=document.media_type):
                    self.facts(self.push_as(document, value))

    def test_structure_counts_where_neither_says_a_type(self):
        for document in (content.image(), content.multi("linux/amd64")):
            with self.subTest(document.media_type):
                self.facts(self.push_as(
                    document.edited(lambda m: m.pop("mediaType")), None))

    def test_body_without_type_takes_that_of_content_type(self):
        self.facts(self.edited(lambda m: m.pop("mediaType")))

    def test_types_that_disagree_are_malformed(self):
        for document, kind in (
                (content.image(), content.OCI_INDEX),
                (content.image(), content.DOCKER_MANIFEST),
                (content.image(docker=True), content.OCI_MANIFEST),
                (content.multi("linux/amd64"), content.OCI_MANIFEST),
                (content.multi("linux/amd64"), content.DOCKER_LIST)):
            with self.subTest(kind, body=document.media_type):
                self.refused("MALFORMED", self.push_as(document, kind))

    def test_type_that_contradicts_the_structure_is_malformed(self):
        image, index = content.image(), content.multi("linux/amd64")
        for document, kind in ((image, content.OCI_INDEX),
                               (index, content.OCI_MANIFEST)):
            with self.subTest(kind):
                self.refused("MALFORMED", self.push_as(document.edited(
                    lambda m, k=kind: m.update(mediaType=k)), kind))

    def test_unknown_types_are_unsupported(self):
        for kind in ("application/vnd.example.thing+json", "text/html"):
            with self.subTest(kind):
                self.refused("UNSUPPORTED", self.push_as(
                    content.image().edited(lambda m: m.pop("mediaType")),
                    kind))

    def test_media_type_of_another_json_type_is_malformed(self):
        for value in (1, [], {}, True):
            with self.subTest(value):
                self.refused("MALFORMED", self.edited(
                    lambda m, v=value: m.update(mediaType=v)))


class Schema1(Manifests):
    def test_is_unsupported_whatever_its_header_says(self):
        for kind in (content.SCHEMA1, content.SCHEMA1_SIGNED,
                     content.OCI_MANIFEST, content.OCI_INDEX,
                     content.DOCKER_MANIFEST, "text/plain", None):
            with self.subTest(kind):
                self.refused("UNSUPPORTED", self.push_as(
                    content.schema1(), kind))

    def test_is_unsupported_whatever_type_its_body_claims(self):
        for kind in (content.OCI_MANIFEST, content.DOCKER_MANIFEST):
            with self.subTest(kind):
                self.refused("UNSUPPORTED", self.push_as(
                    content.schema1().edited(
                        lambda m, k=kind: m.update(mediaType=k)), kind))

    def test_parts_beside_an_image_s_make_no_image(self):
        # fsLayers for one reader, layers for another.
        for version in (1, 2):
            with self.subTest(version):
                self.refused("UNSUPPORTED", self.edited(lambda m, v=version: (
                    m.update(schemaVersion=v, fsLayers=[]))))

    def test_digest_is_checked_whatever_a_signed_one_s_header_says(self):
        # The header would be believed where a signature is cut out of the
        # body before it is hashed.
        good, evil = content.image(), content.image(user=EVIL)
        ref = self.push(good, "app") + "@" + good.digest
        self.reg.on("GET", "*/manifests/*").serve(body=evil.body, headers={
            "Content-Type": content.SCHEMA1_SIGNED,
            "Docker-Content-Digest": good.digest})
        self.refused("DIGEST_MISMATCH", ref)

    def test_signed_header_on_an_image_is_malformed(self):
        self.refused("MALFORMED", self.push_as(
            content.image(), content.SCHEMA1_SIGNED))

    def test_versions_other_than_2_are_refused(self):
        for value, code in ((0, "MALFORMED"), (3, "MALFORMED"),
                            ("2", "MALFORMED"), (2.0, "MALFORMED"),
                            (None, "MALFORMED"), (1, "UNSUPPORTED")):
            with self.subTest(value):
                self.refused(code, self.edited(
                    lambda m, v=value: m.update(schemaVersion=v)))


class Ambiguous(Manifests):
    def test_image_with_an_index_s_parts_is_malformed(self):
        entries = content.multi("linux/amd64").value["manifests"]
        for value in (entries, [], None, {}):
            with self.subTest(value):
                self.refused("MALFORMED", self.edited(
                    lambda m, v=value: m.update(manifests=v)))

    def test_index_with_an_image_s_parts_is_malformed(self):
        image = content.image().value
        for key in ("config", "layers"):
            for value in (image[key], None):
                with self.subTest(key, value=value):
                    self.refused("MALFORMED", self.edited(
                        lambda m, k=key, v=value: m.update({k: v}),
                        content.multi("linux/amd64")))

    def test_typeless_with_both_is_malformed(self):
        image = content.image().value
        both = content.multi("linux/amd64").edited(
            lambda m: (m.pop("mediaType"), m.update(
                config=image["config"], layers=image["layers"])))
        for kind in (None, content.OCI_MANIFEST, content.OCI_INDEX):
            with self.subTest(kind):
                self.refused("MALFORMED", self.push_as(both, kind))

    def test_manifests_that_lack_a_part_are_malformed(self):
        for key in ("config", "layers", "schemaVersion"):
            with self.subTest(key):
                self.refused("MALFORMED", self.edited(
                    lambda m, k=key: m.pop(k)))
        self.refused("MALFORMED", self.edited(
            lambda m: m.pop("manifests"), content.multi("linux/amd64")))


class Digests(Manifests):
    def test_tag_s_content_has_the_digest_that_the_header_says(self):
        ref = self.push(content.image())
        for value, code in (
                (content.digest(b"other"), "DIGEST_MISMATCH"),
                (content.digest(b"other", "sha512"), "DIGEST_MISMATCH")):
            with self.subTest(value):
                self.reg.on("GET", "*/manifests/*").serve(
                    headers={"Docker-Content-Digest": value})
                self.refused(code, ref)

    def test_header_that_is_absent_or_no_digest_is_no_hindrance(self):
        image = content.image()
        ref = self.push(image)
        for value in (None, "", "sha256:", "nonsense", "md5:0", "W/\"tag\"",
                      "sha256:" + "A" * 64):
            with self.subTest(value):
                self.reg.on("GET", "*/manifests/*").serve(
                    headers={"Docker-Content-Digest": value})
                self.assertTrue(self.facts(ref).document["resolved"].endswith(
                    "@" + image.digest))

    def test_reference_by_digest_gets_that_content_or_none(self):
        good, evil = content.image(), content.image(user=EVIL)
        for algorithm in ("sha256", "sha512"):
            with self.subTest(algorithm):
                digest = content.digest(good.body, algorithm)
                ref = f"{self.push(good, 'app')}@{digest}"
                self.reg.rules.clear()
                found = self.facts(ref).document
                self.assertTrue(found["resolved"].endswith("@" + digest))
                self.reg.on("GET", "*/manifests/*").serve(
                    body=evil.body, headers={"Docker-Content-Digest": digest})
                self.refused("DIGEST_MISMATCH", ref)

    def test_header_of_another_digest_than_asked_for_is_a_mismatch(self):
        image = content.image()
        ref = f"{self.push(image, 'app')}@{image.digest}"
        self.reg.on("GET", "*/manifests/*").serve(headers={
            "Docker-Content-Digest": content.digest(b"other")})
        self.refused("DIGEST_MISMATCH", ref)

    def test_digest_governs_and_the_tag_is_not_looked_up(self):
        good = content.image()
        self.push(content.image(user=EVIL), "app:1")
        ref = f"{self.push(good, 'app')}:1@{good.digest}"
        self.assertEqual(self.facts(ref).document["platforms"][0]["user"],
                         "1000")
        self.assertEqual(self.reg.count(path="*/manifests/1"), 0)

    def test_config_of_another_digest_is_a_mismatch(self):
        ref = self.push(content.image())
        self.reg.on("GET", "*/blobs/*").serve(
            edit=lambda body: body.replace(b"1000", b"0000", 1))
        self.refused("DIGEST_MISMATCH", ref)

    def test_config_may_be_named_by_sha512(self):
        self.facts(self.push(content.image(algorithm="sha512")))
        self.reg.on("GET", "*/blobs/*").serve(
            edit=lambda body: body.replace(b"1000", b"0000", 1))
        self.refused("DIGEST_MISMATCH", self.reg.ref("app:1"))

    def test_part_of_an_index_of_another_digest_is_a_mismatch(self):
        good, evil = content.image(user="1000"), content.image(user="0000")
        self.assertEqual(len(good.body), len(evil.body))
        ref = self.push(content.index([content.entry(good, "linux/amd64")],
                                      [good, evil]))
        self.reg.on("GET", "*/manifests/sha256:*").serve(body=evil.body)
        self.refused("DIGEST_MISMATCH", ref)

    def test_sizes_are_those_announced(self):
        for what, delta in (("config", 1), ("config", -1), ("part", 1),
                            ("part", -1)):
            with self.subTest(what, delta=delta):
                image = content.image()
                if what == "config":
                    document = image.edited(lambda m, d=delta: m["config"]
                                            .update(size=m["config"]["size"]
                                                    + d))
                else:
                    entry = content.entry(image, "linux/amd64")
                    entry["size"] += delta
                    document = content.index([entry], [image])
                self.refused("SIZE_MISMATCH", self.push(document))

    def test_other_algorithms_are_unsupported(self):
        for value in ("sha384:" + "a" * 96, "blake3:" + "a" * 64,
                      "md5:" + "a" * 32, "sha256+b64u:" + "a" * 43):
            with self.subTest(value):
                self.refused("UNSUPPORTED", self.edited(
                    lambda m, v=value: m["config"].update(digest=v)))

    def test_what_is_no_digest_is_never_asked_for(self):
        for value in ("sha256:" + "a" * 63, "sha256:" + "A" * 64,
                      "sha256:../../../../token", "sha256:" + "a" * 63 + "/",
                      "../../../v2/", "", "a" * 64,
                      "sha256:" + "a" * 64 + "?x=1"):
            for where in ("config", "layers", "entry"):
                with self.subTest(value, where=where):
                    image = content.image()

                    def edit(m, v=value, w=where):
                        (m["layers"][0] if w == "layers" else m["config"]
                         ).update(digest=v)

                    if where == "entry":
                        entry = content.entry(image, "linux/amd64")
                        entry["digest"] = value
                        document = content.index([entry], [image])
                    else:
                        document = image.edited(edit)
                    self.reg.log.clear()
                    self.refused("MALFORMED", self.push(document))
                    self.assertEqual(self.reg.count(), 1)

    def test_diff_id_that_is_no_digest_is_malformed(self):
        self.refused("MALFORMED", self.edited_config(
            lambda c: c["rootfs"].update(diff_ids=["sha256:a", "sha256:b"])))


class Descriptors(Manifests):
    def test_parts_that_lack_a_member_are_malformed(self):
        for where in ("config", "layer", "entry"):
            for key in ("mediaType", "digest", "size"):
                with self.subTest(where, key=key):
                    def edit(m, w=where, k=key):
                        (m["config"] if w == "config" else m["layers"][1]
                         if w == "layer" else m["manifests"][0]).pop(k)
                    self.refused("MALFORMED", self.edited(
                        edit, content.multi("linux/amd64")
                        if where == "entry" else None))

    def test_sizes_that_are_none_are_malformed(self):
        for text in ("-1", "1000.0", "1e3", "\"1000\"", "true", "[]",
                     "9223372036854775808", "1" + "0" * 400):
            with self.subTest(text[:20]):
                self.refused("MALFORMED", self.push(content.image().replaced(
                    '"size": 1000', f'"size": {text}')))

    def test_sizes_that_add_up_to_more_than_a_number_holds(self):
        self.refused("MALFORMED", self.edited(lambda m: [
            layer.update(size=2 ** 62 + 2 ** 61) for layer in m["layers"]]))

    def test_size_is_the_sum_of_the_layers_alone(self):
        found = self.facts(self.push(content.image(layers=3))).document
        self.assertEqual(found["platforms"][0]["size"], 1000 + 1001 + 1002)

    def test_embedded_config_saves_a_request(self):
        config = content.config()
        data = base64.b64encode(config.body).decode()
        ref = self.edited(lambda m: m["config"].update(data=data),
                          content.image(of=config))
        self.facts(ref)
        self.assertEqual(self.reg.count(), 1)

    def test_embedded_config_is_verified_like_any_other(self):
        data = base64.b64encode(content.config(user="0000").body).decode()
        self.refused("DIGEST_MISMATCH", self.edited(
            lambda m: m["config"].update(data=data)))

    def test_embedded_data_that_is_none_is_passed_over(self):
        for data in ("", "!!!", "AAAA"):
            with self.subTest(data):
                self.facts(self.edited(
                    lambda m, d=data: m["config"].update(data=d)))

    def test_layers_and_urls_are_never_fetched(self):
        other = self.registry()
        image = content.image().edited(lambda m: [
            d.update(urls=[f"{other.url}/layer"])
            for d in (m["config"], *m["layers"])])
        self.facts(self.push(image))
        self.assertEqual(other.count(), 0)
        self.assertEqual(
            [r.path for r in self.reg.requests(path="*/blobs/*")],
            [f"/v2/app/blobs/{image.parts[0].digest}"])

    def test_layers_of_any_type_count(self):
        for kind in (content.OCI + "layer.v1.tar+zstd",
                     content.OCI + "layer.nondistributable.v1.tar",
                     "application/vnd.docker.image.rootfs.foreign.diff.tar"
                     ".gzip", "application/vnd.example.layer"):
            with self.subTest(kind):
                found = self.facts(self.edited(lambda m, k=kind: m["layers"][
                    0].update(mediaType=k))).document["platforms"][0]
                self.assertEqual(found["layers"][0]["mediaType"], kind)


class Artifacts(Manifests):
    def test_artifacts_are_no_images(self):
        for kind in ("application/vnd.cncf.helm.config.v1+json",
                     "application/vnd.wasm.config.v0+json",
                     "application/vnd.docker.plugin.v1+json",
                     content.OCI_EMPTY):
            with self.subTest(kind):
                self.refused("UNSUPPORTED", self.push(content.artifact(kind)))

    def test_artifact_manifest_is_no_image(self):
        self.refused("UNSUPPORTED", self.push(content.Document(
            {"mediaType": content.OCI_ARTIFACT, "schemaVersion": 2,
             "artifactType": "application/vnd.example", "blobs": []},
            content.OCI_ARTIFACT)))

    def test_artifact_s_config_is_not_fetched(self):
        self.refused("UNSUPPORTED", self.push(content.artifact()))
        self.assertEqual(self.reg.count(), 1)

    def test_artifact_beside_images_is_passed_over(self):
        image, chart = content.image(), content.artifact()
        ref = self.push(content.index(
            [content.entry(image, "linux/amd64"), content.entry(chart)],
            [image, chart]))
        self.assertEqual(self.facts(ref).platforms, ["linux/amd64"])

    def test_artifact_that_claims_a_platform_is_unsupported(self):
        chart = content.artifact()
        self.refused("UNSUPPORTED", self.push(content.index(
            [content.entry(chart, "linux/amd64")], [chart])))


class Configs(Manifests):
    def test_layers_that_do_not_match_diff_ids_are_malformed(self):
        for layers in (1, 3, 0):
            with self.subTest(layers):
                self.refused("MALFORMED", self.push(content.image(
                    of=content.config(layers=layers))))

    def test_config_without_rootfs_is_malformed(self):
        self.refused("MALFORMED", self.edited_config(
            lambda c: c.pop("rootfs")))
        self.refused("MALFORMED", self.edited_config(
            lambda c: c["rootfs"].update(type="tape")))

    def test_config_without_platform_is_malformed(self):
        for key in ("os", "architecture"):
            with self.subTest(key):
                self.refused("MALFORMED", self.edited_config(
                    lambda c, k=key: c.pop(k)))

    def test_history_that_does_not_match_attributes_nothing(self):
        for edit, state in (
                (lambda c: c["history"].pop(), "unreliable"),
                (lambda c: c["history"][0].update(empty_layer=True),
                 "unreliable"),
                (lambda c: c.pop("history"), "absent")):
            with self.subTest(state):
                found = self.facts(self.edited_config(edit)).document[
                    "platforms"][0]
                self.assertEqual(found["history"], state)
                self.assertEqual([la["createdBy"] for la in found["layers"]],
                                 [None, None])

    def test_empty_layers_are_counted_right(self):
        found = self.facts(self.edited_config(lambda c: c["history"].insert(
            1, {"created_by": "ENV A=b", "empty_layer": True}))).document[
                "platforms"][0]
        self.assertEqual(found["history"], "reliable")
        self.assertEqual([la["createdBy"] for la in found["layers"]],
                         ["COPY 0 /", "COPY 1 /"])

    def test_members_of_wrong_types_are_malformed(self):
        for key, value in (("User", 0), ("Env", "A=b"), ("Env", [1]),
                           ("Labels", {"a": 1}), ("Labels", []),
                           ("ExposedPorts", ["80"]), ("Volumes", "x"),
                           ("Cmd", "sh")):
            with self.subTest(key, value=value):
                self.refused("MALFORMED", self.edited_config(
                    lambda c, k=key, v=value: c["config"].update({k: v})))
        for key, value in (("config", []), ("rootfs", []), ("history", {}),
                           ("history", ["x"]), ("os", 1), ("created", 1)):
            with self.subTest(key, value=value):
                self.refused("MALFORMED", self.edited_config(
                    lambda c, k=key, v=value: c.update({k: v})))

    def test_null_is_absent(self):
        for key in ("config", "history"):
            with self.subTest(key):
                self.facts(self.edited_config(
                    lambda c, k=key: c.update({k: None})))

    def test_time_that_is_none_is_no_error(self):
        found = self.facts(self.edited_config(
            lambda c: c.update(created="yesterday"))).document["platforms"][0]
        self.assertIsNone(found["created"])

    def test_image_without_layers_is_read(self):
        found = self.facts(self.push(content.image(layers=0))).document
        self.assertEqual(found["platforms"][0]["layers"], [])

    def test_text_of_the_author_does_not_reach_the_terminal_raw(self):
        nasty = "a\x1b[2J\x1b]0;owned\x07\u202e\r"
        ref = self.push(content.image(
            Env=[f"A={nasty}"], Labels={nasty: nasty}, Cmd=[nasty],
            user=nasty))
        done, _ = self.run_gate("inspect", "--config", self.config(), ref)
        self.assertEqual(done.returncode, 0, done.stderr)
        for character in "\x1b\x07\u202e\r":
            self.assertNotIn(character, done.stdout)


if __name__ == "__main__":
    tap.main()
