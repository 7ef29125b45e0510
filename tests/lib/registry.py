# SPDX-License-Identifier: Apache-2.0
"""A real registry (Debian's docker-registry), in the ways people run one."""

import base64
import contextlib
import json
import urllib.parse
import urllib.request

from lib import content, paths, process, tokens
from lib.tokens import PASSWORD, USER

CONFIG = """\
version: 0.1
log:
  level: error
  accesslog: {disabled: false}
storage:
  filesystem: {rootdirectory: "%(storage)s"}
  cache: {blobdescriptor: inmemory}
  maintenance:
    uploadpurging: {enabled: false}
    readonly: {enabled: %(readonly)s}
compatibility:
  schema1: {enabled: true}
http:
  addr: 127.0.0.1:%(port)d
  secret: tests
"""
TLS = "  tls:\n    certificate: \"%s\"\n    key: \"%s\"\n"
HTTP1 = "  http2: {disabled: true}\n"
CLIENTS = "    clientcas: [\"%s\"]\n"
BASIC = "auth:\n  htpasswd: {realm: tests, path: \"%s\"}\n"
BEARER = """\
auth:
  token:
    realm: %s
    service: %s
    issuer: %s
    rootcertbundle: "%s"
"""


class Registry:
    """
    docker-registry on a port of its own.

    storage:  a folder; by default an empty one of its own
    readonly: refuse pushes, so that several can share one folder
    tls:      a pki.Authority: HTTPS with a certificate of it
    clients:  with tls, a pki.Authority: who comes needs a certificate of it
    http2:    False: HTTP/1.1 alone, with tls too
    auth:     None, "basic" or "bearer": USER with PASSWORD may pull and push
    users, public: of its token service, see tokens.TokenServer
    """

    def __init__(self, name="registry", storage=None, readonly=False, tls=None,
                 clients=None, http2=True, auth=None, users=None, public=None):
        self.tls = tls
        self.auth = auth
        self.port = process.free_port()
        self.name = f"{name}-{self.port}"
        self.host = f"127.0.0.1:{self.port}"
        self.tokens = None
        self.process = None
        folder = paths.work() / self.name
        config = CONFIG % {"storage": storage or folder / "storage",
                           "port": self.port,
                           "readonly": str(readonly).lower()}
        if tls:
            config += TLS % tls.issue(self.name)
        if clients:
            config += CLIENTS % clients.crt
        if not http2:
            config += HTTP1
        if auth == "basic":
            htpasswd = paths.write(f"{self.name}/htpasswd", "")
            process.run(["htpasswd", "-Bb", htpasswd, USER, PASSWORD])
            config += BASIC % htpasswd
        elif auth == "bearer":
            self.tokens = tokens.TokenServer(tls, users, public)
            config += BEARER % (self.tokens.realm, tokens.SERVICE,
                                tokens.ISSUER, self.tokens.crt)
        self.config = paths.write(f"{self.name}/config.yml", config)
        self.start()

    def start(self):
        self.process = process.Process(
            self.name, ["docker-registry", "serve", self.config])
        self.process.wait_port(self.port)

    def stop(self):
        """The port then refuses connections; start() brings it back."""
        if self.process is not None:
            with contextlib.suppress(process.Failed):
                self.process.stop()
            self.process = None

    def close(self):
        self.stop()
        if self.tokens:
            self.tokens.close()

    def ref(self, image):
        return f"{self.host}/{image}"

    def requests(self):
        """Every request answered so far: ("GET", "/v2/...", 200)."""
        found = []
        for line in self.process.text().splitlines():
            # 127.0.0.1 - - [date] "GET /v2/ HTTP/1.1" 200 2 "" "agent"
            parts = line.split('"')
            if len(parts) > 4 and parts[1].count(" ") == 2:
                method, path, _ = parts[1].split()
                found.append((method, path, int(parts[2].split()[0])))
        return found

    def settings(self):
        """This registry's entry below `registries` of a config file, and its
        token service's."""
        entries = {self.host: {"caFile": str(self.tls.crt)} if self.tls else {
            "plainHttp": True}}
        if self.tokens:
            entries[self.host]["tokenRealms"] = [self.tokens.host]
            if self.tls:
                entries[self.tokens.host] = {"caFile": str(self.tls.crt)}
        return entries

    def docker_config(self, user=USER, password=PASSWORD):
        """A docker config.json that knows this registry; its path."""
        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
        return paths.write(
            f"{self.name}/docker-{user}.json",
            json.dumps({"auths": {self.host: {"auth": auth}}}))

    def push(self, source, image, *options):
        """skopeo copy SOURCE into this registry as NAME:TAG."""
        args = ["--dest-tls-verify=false"]
        if self.auth:
            args += ["--dest-creds", f"{USER}:{PASSWORD}"]
        process.run(["skopeo", "--insecure-policy", "copy", "-q", *args,
                     *options, source, f"docker://{self.ref(image)}"])

    def raw_bytes(self, image):
        """The manifest's bytes, as skopeo reads them."""
        args = ["--tls-verify=false"]
        if self.auth:
            args += ["--creds", f"{USER}:{PASSWORD}"]
        return process.run(["skopeo", "inspect", "--raw", *args,
                            f"docker://{self.ref(image)}"]).stdout.encode()

    def raw(self, image):
        return json.loads(self.raw_bytes(image))

    # By its API, which holds what no tool here makes; plain registries only.

    def _send(self, method, url, body, content_type):
        request = urllib.request.Request(
            urllib.parse.urljoin(f"http://{self.host}", url), body,
            {"Content-Type": content_type}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.headers

    def put_manifest(self, image, media_type, body):
        """`image` is NAME:TAG or NAME@DIGEST."""
        name, reference = image.split("@") if "@" in image else \
            image.rsplit(":", 1)
        self._send("PUT", f"/v2/{name}/manifests/{reference}", body,
                   media_type)

    def put_blob(self, name, body, digest):
        to = self._send("POST", f"/v2/{name}/blobs/uploads/", b"",
                        "application/octet-stream")["Location"]
        self._send("PUT", f"{to}{'&' if '?' in to else '?'}digest={digest}",
                   body, "application/octet-stream")

    def put(self, image, document, algorithm="sha256"):
        """A content.Document and all below it; blobs by that algorithm."""
        name = image.rsplit(":", 1)[0]
        for part in reversed(list(document.all())):
            if part.media_type in content.MANIFESTS:
                self.put_manifest(f"{name}@{part.digest}", part.media_type,
                                  part.body)
            else:
                self.put_blob(name, part.body,
                              content.digest(part.body, algorithm))
        self.put_manifest(image, document.media_type, document.body)
