# SPDX-License-Identifier: Apache-2.0
"""
What registries hold, made in memory: manifests, configs, indexes, artifacts.
All of it is well formed until a test changes it.
"""

import hashlib
import json

OCI = "application/vnd.oci.image."
OCI_INDEX = OCI + "index.v1+json"
OCI_MANIFEST = OCI + "manifest.v1+json"
OCI_CONFIG = OCI + "config.v1+json"
OCI_LAYER = OCI + "layer.v1.tar+gzip"
DOCKER = "application/vnd.docker."
DOCKER_LIST = DOCKER + "distribution.manifest.list.v2+json"
DOCKER_MANIFEST = DOCKER + "distribution.manifest.v2+json"
DOCKER_CONFIG = DOCKER + "container.image.v1+json"
DOCKER_LAYER = DOCKER + "image.rootfs.diff.tar.gzip"
SCHEMA1 = DOCKER + "distribution.manifest.v1+json"
SCHEMA1_SIGNED = DOCKER + "distribution.manifest.v1+prettyjws"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
IN_TOTO = "application/vnd.in-toto+json"

MANIFESTS = (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST)
INDEXES = (OCI_INDEX, DOCKER_LIST)
CREATED = "2026-01-02T03:04:05Z"
UNKNOWN = {"os": "unknown", "architecture": "unknown"}


def digest(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def encode(value):
    return json.dumps(value).encode()


class Document:
    """Bytes of a media type, and the documents that they name."""

    def __init__(self, body, media_type, parts=()):
        self.body = body if isinstance(body, bytes) else encode(body)
        self.media_type = media_type
        self.parts = list(parts)

    @property
    def digest(self):
        return digest(self.body)

    @property
    def value(self):
        return json.loads(self.body)

    def edited(self, edit):
        """The same with a changed tree: edit(value) changes it in place."""
        value = self.value
        edit(value)
        return Document(value, self.media_type, self.parts)

    def replaced(self, old, new):
        """The same with other text in it, JSON or not any more."""
        old, new = (s if isinstance(s, bytes) else s.encode()
                    for s in (old, new))
        if old not in self.body:
            raise ValueError(f"{old!r} is not in {self.body!r}")
        return Document(self.body.replace(old, new, 1), self.media_type,
                        self.parts)

    def descriptor(self, algorithm="sha256", **more):
        return {"mediaType": self.media_type, "size": len(self.body),
                "digest": digest(self.body, algorithm), **more}

    def all(self):
        """It, and everything below it."""
        yield self
        for part in self.parts:
            yield from part.all()


def platform(text):
    """{"os": "linux", ...} of "linux/arm/v7"."""
    keys = ("os", "architecture", "variant")
    return dict(zip(keys, text.split("/")))


def config(on="linux/amd64", layers=2, user="1000", docker=False, **more):
    """`more` goes into "config": Env=["A=b"]."""
    return Document({
        **platform(on), "created": CREATED, "config": {"User": user, **more},
        "rootfs": {"type": "layers", "diff_ids": [
            digest(b"layer %d" % i) for i in range(layers)]},
        "history": [{"created": CREATED, "created_by": f"COPY {i} /"}
                    for i in range(layers)],
    }, DOCKER_CONFIG if docker else OCI_CONFIG)


def image(on="linux/amd64", layers=2, user="1000", docker=False, of=None,
          algorithm="sha256", **more):
    """An image of a config: `of`, or one that the arguments describe."""
    of = of or config(on, layers, user, docker, **more)
    kind = DOCKER_MANIFEST if docker else OCI_MANIFEST
    return Document({
        "schemaVersion": 2, "mediaType": kind,
        "config": of.descriptor(algorithm),
        "layers": [{
            "mediaType": DOCKER_LAYER if docker else OCI_LAYER,
            "digest": digest(b"layer %d.gz" % i), "size": 1000 + i}
            for i in range(layers)]}, kind, [of])


def entry(document, on=None, algorithm="sha256", **more):
    """An index's entry; `on` is a platform as text or mapping."""
    if isinstance(on, str):
        on = platform(on)
    return document.descriptor(algorithm, **({"platform": on} if on else {}),
                               **more)


def index(entries, parts=(), docker=False):
    kind = DOCKER_LIST if docker else OCI_INDEX
    return Document({"schemaVersion": 2, "mediaType": kind,
                     "manifests": list(entries)}, kind, parts)


def multi(*platforms, docker=False, **args):
    """An index with an image for each platform."""
    images = [image(on, docker=docker, **args) for on in platforms]
    return index([entry(i, on) for i, on in zip(images, platforms)], images,
                 docker)


def attestation(of):
    """What buildkit puts beside an image: its index entry, and itself."""
    statement = Document({"_type": "https://in-toto.io/Statement/v0.1"},
                         IN_TOTO)
    document = image(of=config(layers=1)).edited(
        lambda m: m.update(layers=[statement.descriptor()]))
    document.parts.append(statement)
    return entry(document, UNKNOWN, annotations={
        "vnd.docker.reference.digest": of.digest,
        "vnd.docker.reference.type": "attestation-manifest"}), document


def artifact(config_type="application/vnd.cncf.helm.config.v1+json"):
    blob = Document({}, config_type)
    return Document({"schemaVersion": 2, "mediaType": OCI_MANIFEST,
                     "config": blob.descriptor(), "layers": []},
                    OCI_MANIFEST, [blob])


def schema1():
    """A signed one, as old registries still hold them."""
    return Document({
        "schemaVersion": 1, "name": "app", "tag": "1", "architecture": "amd64",
        "fsLayers": [{"blobSum": digest(b"layer 0.gz")}],
        "history": [{"v1Compatibility": "{\"id\":\"a\"}"}],
        "signatures": [{"header": {"alg": "ES256"}, "signature": "c2ln",
                        "protected": "e30"}]}, SCHEMA1_SIGNED)
