# SPDX-License-Identifier: Apache-2.0
"""
The images that tests judge, made by real tools: layer by layer with umoci,
from Dockerfiles with buildah. Built once into a registry's storage folder
below build/, and again whenever this file changes; the same bytes each time.
"""

import fcntl
import hashlib
import io
import json
import os
import pathlib
import random
import shlex
import shutil
import tarfile

from lib import paths, process, registry

CREATED = "2026-01-02T03:04:05Z"
EPOCH = 1767323045
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
UMOCI_OPTIONS = {
    "USER": "--config.user", "ENTRYPOINT": "--config.entrypoint",
    "CMD": "--config.cmd", "EXPOSE": "--config.exposedports",
    "ENV": "--config.env", "LABEL": "--config.label",
    "VOLUME": "--config.volume"}
# Instructions of several words, each of them a value.
LISTS = ("ENV", "LABEL", "EXPOSE", "VOLUME")
KIB = 1024
MIB = 1024 * KIB

# Dockerfiles, built by buildah (by umoci where buildah has not the rights that
# it needs, as in an ordinary container); "app" is a file of 300 KiB.
DOCKERFILES = {
    "shop/lean:1": "FROM scratch\nCOPY app /app\nUSER 65532\n"
                   "ENTRYPOINT [\"/app\"]\n",
    "shop/root:1": "FROM scratch\nCOPY app /app\nENTRYPOINT [\"/app\"]\n",
    "shop/named:1": "FROM scratch\nCOPY app /app\nUSER app\n"
                    "ENTRYPOINT [\"/app\"]\n",
    "shop/labelled:1":
        "FROM scratch\nCOPY app /app\nUSER 1000:1000\nEXPOSE 8080/tcp\n"
        "ENV MODE=fast API_TOKEN=hunter2-hunter2\nVOLUME /data\n"
        "LABEL org.opencontainers.image.source=https://git.example/shop\n"
        "ENTRYPOINT [\"/app\"]\nCMD [\"--serve\"]\n",
}

# umoci, layer by layer: what made it, and how many bytes it holds. Random
# bytes do not compress, so a layer is pulled in the size given.
LAYERS = {
    "base/debian:12": ("", [("ADD rootfs.tar.xz / # debian 12", 2 * MIB)]),
    "shop/bloated:1": ("1000", [
        ("ADD rootfs.tar.xz / # debian 12", 2 * MIB),
        ("RUN apt-get update && apt-get install -y g++ make", 24 * MIB),
        ("COPY . /src", 6 * MIB)]),
    "shop/faulty:1": ("", [
        ("ADD rootfs.tar.xz / # debian 12", 2 * MIB),
        ("RUN apt-get update && apt-get install -y g++ make", 24 * MIB),
        ("COPY . /src", 6 * MIB)]),
    "shop/layered:1": ("1000", [
        (f"RUN echo {i} >/etc/step", 2 * KIB) for i in range(30)]),
}

# Children of base/debian:12: its layers, then their own.
CHILDREN = {
    "shop/on-base:1": ("1000", [("COPY app /app", 100 * KIB)]),
}

# An index; its parts are images from above.
INDEX = "shop/multi:1"
INDEX_PARTS = {"linux/amd64": "shop/lean:1", "linux/arm64": "shop/root:1"}

# The same image under a second name.
COPIES = {"shop/lean:latest": "shop/lean:1", "shop/moving:1": "shop/lean:1",
          "other/lean:1": "shop/lean:1"}
# ... and with Docker's own media types instead of OCI's.
DOCKER_COPIES = {"shop/docker:1": "shop/lean:1"}


class Builder:
    """Makes images in `folder` and pushes them to `to`."""

    def __init__(self, folder, to):
        self.folder = folder
        self.to = to
        self.oci = folder / "oci"
        self.with_buildah = True
        self.storage = ["--root", folder / "buildah", "--runroot",
                        folder / "buildah-run", "--storage-driver", "vfs"]
        process.run(["umoci", "init", "--layout", self.oci])

    def buildah(self, *args, check=True):
        env = dict(os.environ, BUILDAH_ISOLATION="chroot",
                   BUILDAH_FORMAT="oci")
        return process.run(["buildah", *self.storage, *args], env=env,
                           check=check)

    def dockerfile(self, name, text, platform="linux/amd64"):
        """Builds and pushes an image; the tag says of which platform."""
        name = of(name, platform)
        context = self.folder / "context"
        context.mkdir(exist_ok=True)
        (context / "app").write_bytes(noise("app", 300 * KIB))
        (context / "Dockerfile").write_text(text)
        os.utime(context / "app", (EPOCH, EPOCH))
        built = self.with_buildah and self.buildah(
            "bud", "-q", "--timestamp", str(EPOCH), "--platform", platform,
            "-t", tag(name), context, check=False)
        if built and built.returncode == 0:
            self.buildah("push", "-q", "--tls-verify=false", tag(name),
                         f"docker://{self.to.ref(name)}")
            return
        if built:
            print(f"# umoci stands in for buildah: {built.stderr.strip()}")
            self.with_buildah = False
        self.as_umoci(name, text, platform)

    def as_umoci(self, name, text, platform):
        image = f"{self.oci}:{tag(name)}"
        process.run(["umoci", "new", "--image", image])
        layer = self.folder / "layer.tar"
        write_layer(layer, "app", 300 * KIB)
        process.run(["umoci", "raw", "add-layer", "--image", image,
                     "--history.created", CREATED, "--history.created_by",
                     "COPY app /app", layer])
        process.run(["umoci", "config", "--image", image, "--no-history",
                     "--os", "linux", "--architecture", platform[6:],
                     "--created", CREATED, *umoci_options(text)])
        self.to.push(f"oci:{image}", name)

    def layered(self, name, user, layers, base=None):
        image = f"{self.oci}:{tag(name)}"
        if base:
            process.run(["umoci", "tag", "--image", f"{self.oci}:{tag(base)}",
                         tag(name)])
        else:
            process.run(["umoci", "new", "--image", image])
        for i, (made_by, size) in enumerate(layers):
            layer = self.folder / "layer.tar"
            write_layer(layer, f"{made_by} {i}", size)
            process.run(["umoci", "raw", "add-layer", "--image", image,
                         "--history.created", CREATED, "--history.created_by",
                         made_by, layer])
        process.run(["umoci", "config", "--image", image, "--no-history",
                     "--architecture", "amd64", "--os", "linux", "--created",
                     CREATED, "--config.user", user, "--config.entrypoint",
                     "/app"])
        self.to.push(f"oci:{image}", name)

    def index(self, name, parts):
        for platform, part in parts.items():
            self.dockerfile(part, DOCKERFILES[part], platform)
        if self.with_buildah:
            self.buildah("manifest", "create", tag(name))
            for platform, part in parts.items():
                self.buildah("manifest", "add", tag(name),
                             f"localhost/{tag(of(part, platform))}")
            self.buildah("manifest", "push", "-q", "--all",
                         "--tls-verify=false", tag(name),
                         f"docker://{self.to.ref(name)}")
        else:
            self.as_json(name, parts)

    def as_json(self, name, parts):
        """An index by hand: no other tool makes one."""
        manifests = []
        for platform, part in parts.items():
            part = of(part, platform)
            body = self.to.raw_bytes(part)
            manifests.append({
                "mediaType": MANIFEST, "size": len(body),
                "digest": "sha256:" + hashlib.sha256(body).hexdigest(),
                "platform": {"os": "linux", "architecture": platform[6:]}})
            self.copy(part, name.split(":")[0] + ":" + platform[6:])
        self.to.put_manifest(name, INDEX_TYPE, json.dumps(
            {"schemaVersion": 2, "mediaType": INDEX_TYPE,
             "manifests": manifests}).encode())

    def build_all(self):
        for name, text in DOCKERFILES.items():
            self.dockerfile(name, text)
        for name, (user, layers) in LAYERS.items():
            self.layered(name, user, layers)
        for name, (user, layers) in CHILDREN.items():
            self.layered(name, user, layers, base="base/debian:12")
        self.index(INDEX, INDEX_PARTS)
        for name, source in COPIES.items():
            self.copy(source, name)
        for name, source in DOCKER_COPIES.items():
            self.copy(source, name, "--format", "v2s2")

    def copy(self, source, name, *options):
        self.to.push(f"docker://{self.to.ref(source)}", name,
                     "--src-tls-verify=false", *options)


def of(name, platform):
    """The name of an image for one platform; amd64 has the plain one."""
    return name if platform == "linux/amd64" else f"{name}-{platform[6:]}"


def tag(name):
    return name.replace("/", "-").replace(":", "-")


def umoci_options(dockerfile):
    """What a Dockerfile says of the config, as options of umoci config."""
    options = []
    for line in dockerfile.splitlines():
        word, rest = line.split(" ", 1)
        option = UMOCI_OPTIONS.get(word)
        values = json.loads(rest) if rest.startswith("[") else \
            shlex.split(rest) if word in LISTS else [rest]
        if option:
            options += [a for v in values for a in (option, v)]
    return options


def noise(seed, size):
    return random.Random(seed).randbytes(size)


def write_layer(path, seed, size):
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("data/" + hashlib.sha256(
            seed.encode()).hexdigest()[:12])
        info.size = size
        info.mtime = EPOCH
        tar.addfile(info, io.BytesIO(noise(seed, size)))


def storage():
    """The storage folder of a registry that holds them all; built if need be."""
    key = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]
    done = paths.IMAGES / key
    paths.IMAGES.mkdir(parents=True, exist_ok=True)
    with open(paths.IMAGES / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            for old in paths.IMAGES.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            build(done)
    return done


def build(done):
    new = done.with_suffix(".new")
    new.mkdir()
    to = registry.Registry("image-builder", storage=new)
    folder = paths.work() / "images"
    folder.mkdir()
    try:
        Builder(folder, to).build_all()
    finally:
        to.close()
        shutil.rmtree(folder, ignore_errors=True)
    new.rename(done)


def serve(name="registry", **options):
    """A registry with all of them in it; nothing can be pushed to it."""
    return registry.Registry(name, storage=storage(), readonly=True, **options)


if __name__ == "__main__":
    print(storage())
