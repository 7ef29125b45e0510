# SPDX-License-Identifier: Apache-2.0
"""
The images of tests/data/manifests, and those of a shop: made up, the same
bytes every day, in a registry in memory that answers for every host.

What made each layer reads as builders write it; sizes are like those of the
images after which they are named.
"""

import json

from lib import content, fault_registry, paths

MIB = 1024 * 1024
DEBIAN = [("# debian.sh --arch 'amd64' out/ 'bookworm' '@1726500000'", 28.2)]
UBUNTU = [("/bin/sh -c #(nop) ADD file:34dc4f3ab7a694ecde47ff7a610be18591834c4"
           "5f1d7251813267798412604e5 in / ", 28.9),
          ("/bin/sh -c #(nop)  CMD [\"/bin/bash\"]", None)]
ALPINE = [("ADD alpine-minirootfs-3.20.3-x86_64.tar.gz / # buildkit", 3.5),
          ("CMD [\"/bin/sh\"]", None)]
STATIC = [("bazel build //static:static_nonroot_amd64_debian12", 0.8)]
BITNAMI = [*DEBIAN,
           ("RUN /bin/sh -c install_packages ca-certificates curl procps # "
            "buildkit", 11.3)]
APT = "RUN /bin/sh -c apt-get update && apt-get install -y --no-install-" \
      "recommends %s && rm -rf /var/lib/apt/lists/* # buildkit"


def _binary(name, size, base=None, user="65532"):
    return (base or STATIC, user, [
        (f"COPY {name} /{name} # buildkit", size),
        (f"ENTRYPOINT [\"/{name}\"]", None)])


def _bitnami(name, size):
    return (BITNAMI, "1001", [
        (f"RUN /bin/sh -c /opt/bitnami/scripts/{name}/postunpack.sh # "
         "buildkit", size),
        ("ENTRYPOINT [\"/opt/bitnami/scripts/entrypoint.sh\"]", None)])


AIRFLOW = [*DEBIAN, (APT % "python3 libpq5", 60.5),
           ("COPY --chown=airflow:0 /home/airflow/.local /home/airflow/.local "
            "# buildkit", 290.4)]

# reference: (base, user, steps, and what else it is made of)
IMAGES = {
    "docker.io/apache/airflow:2.10.2": (AIRFLOW, "50000", [
        ("COPY entrypoint_prod.sh /entrypoint # buildkit", 0.02)]),
    "docker.io/bitnami/apache-exporter:1.0.9-debian-12-r2":
        _bitnami("apache-exporter", 6.2),
    "docker.io/bitnami/mariadb:11.4.3-debian-12-r4": _bitnami("mariadb", 92),
    "docker.io/bitnami/postgresql:16.4.0-debian-12-r14":
        _bitnami("postgresql", 61),
    "docker.io/bitnami/wordpress:6.6.2-debian-12-r8":
        _bitnami("wordpress", 196),
    "docker.io/grafana/grafana:11.2.2": (ALPINE, "472", [
        ("RUN /bin/sh -c apk add --no-cache ca-certificates bash curl tzdata "
         "# buildkit", 6.4),
        ("COPY /tmp/grafana/public ./public # buildkit", 74.9),
        ("COPY /tmp/grafana/bin/grafana* ./bin/ # buildkit", 39.6)]),
    "docker.io/hashicorp/vault-k8s:1.4.2": _binary("vault-k8s", 24, ALPINE,
                                                   "100"),
    "docker.io/hashicorp/vault:1.17.2": (ALPINE, "", [
        ("RUN /bin/sh -c addgroup vault && adduser -S -G vault vault # "
         "buildkit", 0.01),
        ("COPY dist/linux/amd64/vault /bin/ # buildkit", 170.2),
        ("ENTRYPOINT [\"docker-entrypoint.sh\"]", None)]),
    "docker.io/library/busybox:1.36": ([("BusyBox 1.36.1 (glibc), Debian 12",
                                         2.1)], "", []),
    "docker.io/library/busybox:latest": ([
        ("BusyBox 1.37.0 (glibc), Debian 12", 2.1)], "", []),
    "docker.io/library/debian:12-slim": (DEBIAN, "", []),
    "docker.io/library/mariadb:11.4": (UBUNTU, "", [
        ("RUN /bin/sh -c groupadd -r mysql && useradd -r -g mysql mysql # "
         "buildkit", 0.002),
        (APT % "mariadb-server mariadb-backup socat", 94.1)]),
    "docker.io/library/postgres:16.4-bookworm": (DEBIAN, "", [
        (APT % "postgresql-16", 108.6),
        ("COPY docker-entrypoint.sh /usr/local/bin/ # buildkit", 0.005)]),
    "docker.io/library/redis:7.0.15-alpine": (ALPINE, "", [
        ("RUN /bin/sh -c apk add --no-cache 'su-exec>=0.2' tzdata # buildkit",
         1.1), ("RUN /bin/sh -c set -eux; make -C /usr/src/redis install # "
                "buildkit", 11.2)]),
    "docker.io/library/redis:7.2-bookworm": (DEBIAN, "", [
        ("RUN /bin/sh -c set -eux; make -C /usr/src/redis install # buildkit",
         16.2)]),
    "docker.io/library/ubuntu:24.04": (UBUNTU, "", []),
    "docker.io/opensearchproject/opensearch:2.17.1": (
        [("/bin/sh -c #(nop) ADD file:aa1b in / ", 64.1)], "1000", [
            ("COPY --chown=1000:1000 /usr/share/opensearch "
             "/usr/share/opensearch # buildkit", 840.7)]),
    "docker.io/restic/restic:0.17.1": _binary("restic", 10.4, ALPINE, ""),
    "docker.io/restic/restic:latest": _binary("restic", 10.5, ALPINE, ""),
    "cr.fluentbit.io/fluent/fluent-bit:3.1.9": _binary("fluent-bit", 30.3,
                                                       user=""),
    "docker.gitea.com/gitea:1.22.3-rootless": (ALPINE, "1000:1000", [
        ("RUN /bin/sh -c apk add bash ca-certificates curl git # buildkit",
         22.9),
        ("COPY /go/src/code.gitea.io/gitea/gitea /app/gitea/gitea # buildkit",
         41.5)]),
    "ghcr.io/dexidp/dex:v2.41.1": _binary("dex", 33.8, ALPINE, "1001:1001"),
    "ghcr.io/resmoio/kubernetes-event-exporter:v1.7": _binary(
        "kubernetes-event-exporter", 15.5),
    "quay.io/argoproj/argocd:v2.13.0": (UBUNTU, "999", [
        (APT % "git git-lfs tini gpg tzdata connect-proxy", 51.2),
        ("COPY /go/src/github.com/argoproj/argo-cd/dist/argocd* "
         "/usr/local/bin/ # buildkit", 68.9)]),
    "quay.io/brancz/kube-rbac-proxy:v0.18.1": _binary("kube-rbac-proxy",
                                                      18.3),
    **{f"quay.io/jetstack/cert-manager-{part}:v1.16.1": _binary(part, size,
                                                                user="1000")
       for part, size in (("cainjector", 12.2), ("controller", 20.6),
                          ("webhook", 16.9), ("startupapicheck", 13.4))},
    "quay.io/keycloak/keycloak:26.0.2": (
        [("/bin/sh -c #(nop) ADD file:9e1c in / ", 10.3)], "1000", [
            ("RUN /bin/sh -c microdnf install -y java-21-openjdk-headless # "
             "buildkit", 118.9),
            ("RUN /bin/sh -c chown -R keycloak:0 /opt/keycloak # buildkit",
             91.2),
            ("COPY --chown=1000:0 /opt/keycloak /opt/keycloak # buildkit",
             91.4)]),
    "quay.io/minio/mc:RELEASE.2024-10-08T09-37-26Z": _binary("mc", 27.1,
                                                             user=""),
    "quay.io/minio/minio:RELEASE.2024-10-13T13-34-11Z": _binary(
        "minio", 58.9, user=""),
    "quay.io/prometheus/node-exporter:v1.8.2": _binary("node_exporter", 11.1,
                                                       user="nobody"),
    "registry.k8s.io/git-sync/git-sync:v4.3.0": (DEBIAN, "65533", [
        (APT % "git openssh-client", 31.4)]),
    "registry.k8s.io/ingress-nginx/controller:v1.11.3": (ALPINE, "www-data", [
        ("RUN /bin/sh -c apk update && apk upgrade && apk add bash openssl "
         "# buildkit", 60.5),
        ("COPY bin/amd64/nginx-ingress-controller / # buildkit", 47.8)]),
    "registry.k8s.io/ingress-nginx/kube-webhook-certgen:v1.4.4": _binary(
        "kube-webhook-certgen", 22.4),
    "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.13.0": _binary(
        "kube-state-metrics", 14.2),
    "registry.corp/etl/airflow-worker:2024.44": (AIRFLOW, "", [
        ("RUN /bin/sh -c apt-get update && apt-get install -y g++ gcc make "
         "libpq-dev # buildkit", 236.4),
        ("COPY . /opt/etl # buildkit", 61.5),
        ("RUN |1 PIP_TOKEN=deadbeefdeadbeef /bin/sh -c pip install -r "
         "/opt/etl/requirements.txt # buildkit", 190.2)]),
    "registry.corp/identity/theme:7": ([], "", [
        ("COPY theme /theme # buildkit", 3.3)]),
    # The shop's own: small and good, then grown, then bad.
    "registry.corp/shop/web:1.4": (DEBIAN, "1000", [
        (APT % "ca-certificates nodejs", 41.7),
        ("COPY node_modules ./node_modules # buildkit", 18.3),
        ("COPY dist ./dist # buildkit", 2.2),
        ("USER 1000", None), ("CMD [\"node\" \"dist/server.js\"]", None)]),
    "registry.corp/shop/web:1.5": (DEBIAN, "1000", [
        (APT % "ca-certificates nodejs", 41.7),
        ("COPY node_modules ./node_modules # buildkit", 87.9),
        ("COPY dist ./dist # buildkit", 2.4),
        ("COPY assets ./assets # buildkit", 11.6),
        ("USER 1000", None), ("CMD [\"node\" \"dist/server.js\"]", None)]),
    "registry.corp/shop/orders:7": (DEBIAN, "", [
        ("RUN /bin/sh -c apt-get update && apt-get install -y g++ make "
         "python3-dev # buildkit", 236.4),
        ("COPY . /src # buildkit", 96.2),
        ("RUN /bin/sh -c chown -R app:app /src # buildkit", 95.8),
        ("ENV API_TOKEN=3f9a77c0d1e24b6b", None)]),
    "registry.corp/shop/tools:latest": (ALPINE, "app", [
        ("RUN /bin/sh -c apk add bash curl jq # buildkit", 7.6)]),
}
ENV = {"registry.corp/shop/orders:7": ["API_TOKEN=3f9a77c0d1e24b6b",
                                       "MODE=fast"]}
BOUTIQUE = ("ad", "cart", "checkout", "currency", "email", "frontend",
            "loadgenerator", "payment", "productcatalog", "recommendation",
            "shipping", "shoppingassistant", "reviews", "wishlist")
ARM = ("docker.io/library/debian:12-slim", "registry.corp/shop/web:1.4",
       "registry.corp/shop/web:1.5",
       "docker.io/library/redis:7.2-bookworm")


def _image(base, user, steps, on="linux/amd64", env=()):
    history = [{"created": content.CREATED, "created_by": made_by,
                **({} if size else {"empty_layer": True})}
               for made_by, size in (*base, *steps)]
    made = [(made_by, round(size * MIB)) for made_by, size in (*base, *steps)
            if size]
    # A layer is the same wherever the same step stands on the same layers.
    names = [f"{on} {made[:i + 1]}".encode() for i in range(len(made))]
    config = content.Document({
        **content.platform(on), "created": content.CREATED,
        "config": {"User": user, **({"Env": list(env)} if env else {})},
        "rootfs": {"type": "layers",
                   "diff_ids": [content.digest(n + b".tar") for n in names]},
        "history": history}, content.OCI_CONFIG)
    return content.Document({
        "schemaVersion": 2, "mediaType": content.OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [{"mediaType": content.OCI_LAYER, "size": size,
                    "digest": content.digest(name)}
                   for name, (_, size) in zip(names, made)]},
        content.OCI_MANIFEST, [config])


def boutique(service):
    return f"ghcr.io/boutique/{service}service:v0.10.1"


def documents():
    """{reference: content.Document}"""
    made = {**IMAGES, **{
        boutique(s): _binary("server", 12 + 7 * i) for i, s in
        enumerate(BOUTIQUE)}}
    found = {}
    for reference, (base, user, steps) in made.items():
        one = _image(base, user, steps, env=ENV.get(reference, ()))
        if reference in ARM:
            arm = _image(base, user, steps, on="linux/arm64")
            one = content.index([content.entry(one, "linux/amd64"),
                                 content.entry(arm, "linux/arm64")],
                                [one, arm])
        found[reference] = one
    return found


class Fleet(fault_registry.Registry):
    """All of them. Every host's registry, as a proxy in front of it."""

    def __init__(self, **options):
        super().__init__(**options)
        self.hosts = set()
        for reference, document in documents().items():
            host, name = reference.split("/", 1)
            self.hosts.add(host)
            self.push(name, document)

    def settings(self):
        return {host: {"plainHttp": True, "proxy": self.url}
                for host in sorted(self.hosts)}

    def config(self):
        """A config file for it; its path."""
        return paths.write("fleet.json", json.dumps(
            {"version": 1, "registries": self.settings()}))


MICROSERVICE = """\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  namespace: shop
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: shop
spec:
  selector:
    app: {name}
  ports:
  - name: grpc
    port: {port}
    targetPort: {port}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: shop
  labels:
    app: {name}
spec:
  selector:
    matchLabels:
      app: {name}
  template:
    metadata:
      labels:
        app: {name}
    spec:
      serviceAccountName: {name}
      terminationGracePeriodSeconds: 5
      containers:
      - name: server
        image: {image}
        ports:
        - containerPort: {port}
        env:
        - name: PORT
          value: "{port}"
        resources:
          requests:
            cpu: 100m
            memory: 64Mi
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
  namespace: shop
spec:
  minReplicas: 2
  maxReplicas: 10
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {name}
"""


def microservices():
    """The boutique's manifests, of which one is like another."""
    return "---\n".join([
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n",
        *(MICROSERVICE.format(name=f"{s}service", image=boutique(s),
                              port=5000 + 10 * i)
          for i, s in enumerate(BOUTIQUE))])
