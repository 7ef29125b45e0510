#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Images made by real tools, in a real registry: `inspect` says of each what
skopeo reads there.
"""

import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, images, paths, process, registry, \
    registry_case, tap  # noqa: E402

DOCKERFILE = """\
FROM scratch
COPY app /app
ENV PATH=/bin MODE=fast LANG="C UTF-8"
LABEL org.opencontainers.image.title=tool org.opencontainers.image.version="1"
EXPOSE 8080/tcp 53/udp
VOLUME /data /cache
USER 1000:1000
WORKDIR /srv
ENTRYPOINT ["/app", "--serve"]
CMD ["--port", "8080"]
"""
DOCKER_ONLY = """\
HEALTHCHECK --interval=5s CMD ["/app", "--health"]
SHELL ["/bin/sh", "-ec"]
ONBUILD COPY . /srv
STOPSIGNAL SIGINT
"""
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7",
             "linux/386", "linux/s390x", "linux/ppc64le")
LAYER_TYPES = {
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
}

reg = None
builder = None


def setUpModule():
    global reg, builder
    reg = registry.Registry("tools")
    folder = paths.work() / "tools"
    folder.mkdir()
    builder = images.Builder(folder, reg)


def tearDownModule():
    reg.close()


def config_of(name, digest):
    return json.loads(process.run(
        ["skopeo", "inspect", "--config", "--raw", "--tls-verify=false",
         f"docker://{reg.host}/{name}@{digest}"]).stdout)


def platform_of(config):
    """As it is written: arm64 is v8 without saying so, arm is v7."""
    variant = config.get("variant", "")
    if config["architecture"] == "arm":
        variant = variant or "v7"
    if (config["architecture"], variant) == ("arm64", "v8"):
        variant = ""
    return "/".join(filter(None, (config["os"], config["architecture"],
                                  variant)))


def one_platform(name, digest, manifest):
    """What is known of an image, by skopeo."""
    config = config_of(name, digest)
    run = config.get("config", {})
    history = config.get("history") or []
    filled = [h for h in history if not h.get("empty_layer")]
    made = [h.get("created_by") for h in filled] if len(filled) == len(
        manifest["layers"]) else [None] * len(manifest["layers"])
    return {
        "platform": platform_of(config),
        "digest": digest,
        "size": sum(layer["size"] for layer in manifest["layers"]),
        "created": config["created"][:19] + "Z",
        "user": run.get("User", ""),
        "layers": [(layer["digest"], layer["size"], layer["mediaType"])
                   for layer in manifest["layers"]],
        "instructions": [bool(m) for m in made],
        "env": run.get("Env") or [],
        "labels": run.get("Labels") or {},
        "ports": sorted(run.get("ExposedPorts") or {}),
        "volumes": sorted(run.get("Volumes") or {}),
        "entrypoint": run.get("Entrypoint") or [],
        "cmd": run.get("Cmd") or [],
    }


def by_skopeo(name, body):
    """The same of everything that could run behind a manifest."""
    document = json.loads(body)
    if "manifests" not in document:
        return [one_platform(name, content.digest(body), document)]
    return [p for entry in document["manifests"]
            if entry.get("platform", {}).get("os") != "unknown"
            for p in by_skopeo(name, process.run(
                ["skopeo", "inspect", "--raw", "--tls-verify=false",
                 f"docker://{reg.host}/{name}@{entry['digest']}"]
                ).stdout.encode())]


def by_us(platform):
    found = {k: v for k, v in platform.items() if k not in (
        "history", "base")}
    found["instructions"] = [bool(x["createdBy"]) for x in found["layers"]]
    found["layers"] = [(x["digest"], x["size"], x["mediaType"])
                       for x in found["layers"]]
    for key in ("ports", "volumes"):
        found[key] = sorted(found[key])
    return found


def real_image(on="linux/amd64", layers=2, algorithm="sha256",
               layer_type=content.OCI_LAYER):
    """A Document like content.image()'s, and its layers."""
    blobs = [content.Document(images.noise(f"{on} {i}", 2000), layer_type)
             for i in range(layers)]
    document = content.image(on, layers, algorithm=algorithm)
    document = document.edited(lambda m: m.update(
        layers=[b.descriptor(algorithm) for b in blobs]))
    document.parts += blobs
    return document


class Tools(registry_case.Case):
    def compare(self, image):
        """Returns what skopeo has read as the manifest."""
        body = reg.raw_bytes(image)
        outcome = self.facts(reg.ref(image), self.config(reg))
        name = image.rsplit(":", 1)[0]
        self.maxDiff = None
        self.assertEqual(outcome.document["resolved"],
                         f"{reg.host}/{name}@{content.digest(body)}")
        self.assertEqual([by_us(p) for p in outcome.document["platforms"]],
                         by_skopeo(name, body))
        return json.loads(body)

    def layer_types(self, image):
        return {x["mediaType"] for x in self.compare(image)["layers"]}


class Umoci(Tools):
    @classmethod
    def setUpClass(cls):
        builder.layered("umoci/app:1", "1000", [
            (f"RUN step {i}", 4096) for i in range(12)])

    def test_layer_by_layer(self):
        self.assertEqual(len(self.compare("umoci/app:1")["layers"]), 12)

    def test_in_dockers_format_by_skopeo(self):
        builder.copy("umoci/app:1", "umoci/docker:1", "--format", "v2s2")
        self.assertEqual(self.compare("umoci/docker:1")["mediaType"],
                         content.DOCKER_MANIFEST)

    def test_and_back_again(self):
        builder.copy("umoci/app:1", "umoci/back:0", "--format", "v2s2")
        builder.copy("umoci/back:0", "umoci/back:1", "--format", "oci")
        self.assertEqual(self.compare("umoci/back:1")["config"]["mediaType"],
                         content.OCI_CONFIG)

    def test_in_dockers_first_format_it_is_refused(self):
        builder.copy("umoci/app:1", "umoci/old:1", "--format", "v2s1")
        self.assertEqual(reg.raw("umoci/old:1")["schemaVersion"], 1)
        self.refused("UNSUPPORTED", reg.ref("umoci/old:1"), self.config(reg))

    def test_recompressed_by_skopeo(self):
        for how in ("zstd", "gzip"):
            with self.subTest(how):
                image = f"umoci/{how}:1"
                process.run([
                    "skopeo", "--insecure-policy", "copy", "-q",
                    "--dest-compress-format", how, "--dest-compress",
                    f"docker://{reg.ref('umoci/app:1')}",
                    f"dir:{builder.folder / how}", "--src-tls-verify=false"])
                reg.push(f"dir:{builder.folder / how}", image,
                         "--format", "oci")
                self.assertEqual(self.layer_types(image), {LAYER_TYPES[how]})


class Buildah(Tools):
    @classmethod
    def setUpClass(cls):
        builder.dockerfile("buildah/app:1", DOCKERFILE)
        if not builder.with_buildah:
            cls.skipTest(cls, "buildah has not the rights that it needs")

    def build(self, name, text, *options):
        """Without pushing it."""
        (builder.folder / "context" / "Dockerfile").write_text(text)
        builder.buildah("bud", "-q", *options, "-t", images.tag(name),
                        builder.folder / "context")

    def push(self, name, image, *options):
        builder.buildah("push", "-q", "--tls-verify=false", *options,
                        images.tag(name), f"docker://{reg.ref(image)}")

    def test_from_a_dockerfile(self):
        self.compare("buildah/app:1")

    def test_layer_for_each_instruction(self):
        self.build("layers", DOCKERFILE + "COPY Dockerfile /srv/\n"
                   "COPY app /srv/\n", "--layers")
        self.push("layers", "buildah/layers:1")
        self.assertEqual(
            len(self.compare("buildah/layers:1")["layers"]), 3)

    def test_squashed(self):
        self.build("squashed", DOCKERFILE + "COPY Dockerfile /srv/\n",
                   "--squash")
        self.push("squashed", "buildah/squashed:1")
        self.assertEqual(
            len(self.compare("buildah/squashed:1")["layers"]), 1)

    def test_in_dockers_format(self):
        self.build("docker", DOCKERFILE + DOCKER_ONLY, "--format", "docker")
        self.push("docker", "buildah/docker:1", "--format", "v2s2")
        self.assertEqual(self.compare("buildah/docker:1")["mediaType"],
                         content.DOCKER_MANIFEST)
        # What only Docker's format has is there, and is no harm.
        body = config_of("buildah/docker", content.digest(
            reg.raw_bytes("buildah/docker:1")))
        self.assertIn("Healthcheck", body["config"])

    def test_layers_of_every_compression(self):
        for how in ("gzip", "zstd", "zstd:chunked"):
            with self.subTest(how):
                # As one that was pushed before, a layer would be used again.
                self.build(how, DOCKERFILE + f"COPY Dockerfile /{how[:4]}\n")
                image = f"buildah/{how.replace(':', '-')}:1"
                self.push(how, image, "--compression-format", how)
                self.assertEqual(self.layer_types(image),
                                 {LAYER_TYPES[how[:4]]})

    def test_child_names_its_base(self):
        self.build("child", f"FROM {reg.ref('buildah/app:1')}\n"
                   "COPY Dockerfile /srv/\n", "--tls-verify=false")
        self.push("child", "buildah/child:1")
        child = self.compare("buildah/child:1")
        self.assertEqual(child["annotations"][
            "org.opencontainers.image.base.name"], reg.ref("buildah/app:1"))
        self.assertEqual(child["layers"][:1],
                         reg.raw("buildah/app:1")["layers"])


class Indexes(Tools):
    @classmethod
    def setUpClass(cls):
        builder.index("multi/app:1", {"linux/amd64": "shop/lean:1",
                                      "linux/arm64": "shop/root:1"})

    def many(self):
        images_ = [real_image(p) for p in PLATFORMS]
        return content.index([content.entry(i, p) for i, p in zip(
            images_, PLATFORMS)], images_)

    def test_by_buildah(self):
        index = self.compare("multi/app:1")
        self.assertEqual(index["mediaType"], content.OCI_INDEX)
        self.assertEqual(len(index["manifests"]), 2)

    def test_as_dockers_list_by_skopeo(self):
        builder.copy("multi/app:1", "multi/docker:1", "--all",
                     "--format", "v2s2")
        self.assertEqual(self.compare("multi/docker:1")["mediaType"],
                         content.DOCKER_LIST)

    def test_copied_whole_by_skopeo(self):
        builder.copy("multi/app:1", "multi/copy:1", "--all")
        self.assertEqual(self.compare("multi/copy:1"),
                         self.compare("multi/app:1"))

    def test_one_platform_of_it(self):
        builder.copy("multi/app:1", "multi/one:1", "--override-arch", "arm64")
        self.assertEqual(
            [p["platform"] for p in by_skopeo(
                "multi/one", reg.raw_bytes("multi/one:1"))], ["linux/arm64"])
        self.compare("multi/one:1")

    def test_many_platforms(self):
        reg.put("multi/many:1", self.many())
        self.compare("multi/many:1")

    def test_windows_beside_linux(self):
        linux, windows = real_image(), real_image("windows/amd64")
        reg.put("multi/windows:1", content.index(
            [content.entry(linux, "linux/amd64"),
             content.entry(windows, {**content.platform("windows/amd64"),
                                     "os.version": "10.0.17763.1"})],
            [linux, windows]))
        self.compare("multi/windows:1")

    def test_nested(self):
        inner = self.many()
        windows = real_image("windows/amd64")
        reg.put("multi/nested:1", content.index(
            [content.entry(windows, "windows/amd64"), content.entry(inner)],
            [windows, inner]))
        self.assertEqual(len(self.compare("multi/nested:1")["manifests"]), 2)

    def test_attestations_beside_images_as_buildkit_puts_them(self):
        built = [real_image(p) for p in PLATFORMS[:2]]
        pairs = [content.attestation(of=i) for i in built]
        entries = [content.entry(i, p) for i, p in zip(built, PLATFORMS)] + [
            entry for entry, _ in pairs]
        reg.put("multi/attested:1", content.index(
            entries, [*built, *(document for _, document in pairs)]))
        outcome = self.facts(reg.ref("multi/attested:1"), self.config(reg))
        self.assertEqual(outcome.platforms, list(PLATFORMS[:2]))
        self.compare("multi/attested:1")

    def test_index_of_one_platform_and_its_attestation(self):
        # What buildkit makes of a build for one platform nowadays.
        image = real_image()
        entry, attestation = content.attestation(of=image)
        reg.put("multi/single:1", content.index(
            [content.entry(image, "linux/amd64"), entry],
            [image, attestation]))
        self.assertEqual(len(self.compare("multi/single:1")["manifests"]), 2)


class Others(Tools):
    def test_chart_is_no_image(self):
        chart = content.Document(
            b"a chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
        document = content.artifact().edited(
            lambda m: m.update(layers=[chart.descriptor()]))
        document.parts.append(chart)
        reg.put("charts/web:1", document)
        self.refused("UNSUPPORTED", reg.ref("charts/web:1"), self.config(reg))

    def test_signature_is_no_image(self):
        # cosign keeps them beside the image, in the shape of one.
        payload = content.Document(
            b"{}", "application/vnd.dev.cosign.simplesigning.v1+json")
        config = content.Document(
            {"architecture": "", "os": "", "config": {}, "rootfs": {
                "type": "layers", "diff_ids": [payload.digest]}},
            content.OCI_CONFIG)
        document = content.image(of=config).edited(
            lambda m: m.update(layers=[payload.descriptor()]))
        document.parts.append(payload)
        reg.put("signed/app:sha256-0.sig", document)
        self.refused("MALFORMED", reg.ref("signed/app:sha256-0.sig"),
                     self.config(reg))

    def test_config_and_layers_by_sha512(self):
        reg.put("strong/app:1", real_image(algorithm="sha512"), "sha512")
        manifest = reg.raw("strong/app:1")
        self.assertTrue(manifest["config"]["digest"].startswith("sha512:"))
        outcome = self.facts(reg.ref("strong/app:1"), self.config(reg))
        self.assertEqual([x["digest"] for x in outcome.document["platforms"][
            0]["layers"]], [x["digest"] for x in manifest["layers"]])

    def test_layers_that_are_not_compressed(self):
        plain = content.OCI_LAYER.removesuffix("+gzip")
        reg.put("plain/app:1", real_image(layer_type=plain))
        self.assertEqual(self.layer_types("plain/app:1"), {plain})

    def test_without_layers(self):
        reg.put("empty/app:1", real_image(layers=0))
        self.compare("empty/app:1")

    def test_deleted_blob_of_a_manifest_that_is_there(self):
        # A registry's garbage collection, or a replica that lags behind.
        reg.put("gone/app:1", real_image())
        digest = reg.raw("gone/app:1")["config"]["digest"]
        os.unlink(paths.work() / reg.name / "storage/docker/registry/v2"
                  f"/repositories/gone/app/_layers/{digest.replace(':', '/')}"
                  "/link")
        reg.stop()
        reg.start()  # it remembers what it had
        self.refused("NOT_FOUND", reg.ref("gone/app:1"), self.config(reg))


if __name__ == "__main__":
    tap.main()
