# SPDX-License-Identifier: Apache-2.0
"""A token server for registries that authenticate with Bearer tokens."""

import base64
import fnmatch
import http.server
import json
import ssl
import subprocess
import threading
import time
import urllib.parse

from lib import paths, process

USER = "puller"
PASSWORD = "correct horse battery staple"
SERVICE = "test-registry"
ISSUER = "test-issuer"


def _b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class TokenServer:
    """
    The endpoint that a Bearer challenge points at: Basic credentials in, a
    JWT out, signed by openssl. Keeps the query and the Authorization header
    of each request.

    users:  {name: (password, globs of the repositories that it may use)}
    public: globs of what everybody may pull; None: no token without a login
    A POST is answered with the status `post`, as by those that know none.
    """

    def __init__(self, tls=None, users=None, public=None):
        self.users = users or {USER: (PASSWORD, ["*"])}
        self.public = public
        self.post = 405
        self.queries = []
        self.authorizations = []
        self.posts = 0
        port = process.free_port()
        self.host = f"127.0.0.1:{port}"
        self.realm = f"{'https' if tls else 'http'}://{self.host}/token"
        self.folder = paths.work() / f"tokens-{port}"
        self.folder.mkdir()
        self.key = self.folder / "sign.key"
        self.crt = self.folder / "sign.crt"
        self.x5c = None
        self.new_key()
        handler = type("Handler", (_Handler,), {"tokens": self})
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", port), handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls.issue(f"tokens-{port}"))
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def new_key(self):
        """Registries that start from now on take no older token."""
        process.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                     "-days", "2", "-subj", "/CN=tokens", "-keyout", self.key,
                     "-out", self.crt])
        der = subprocess.run(
            ["openssl", "x509", "-in", self.crt, "-outform", "DER"],
            check=True, stdout=subprocess.PIPE).stdout
        self.x5c = [base64.b64encode(der).decode()]

    def login(self, authorization):
        """Globs of what it may use; None where nobody is that."""
        if authorization is None:
            return self.public
        for name, (password, globs) in self.users.items():
            pair = base64.b64encode(f"{name}:{password}".encode()).decode()
            if authorization == f"Basic {pair}":
                return [*globs, *(self.public or [])]
        return None

    @staticmethod
    def access(scopes, globs):
        """Of what is asked for, as much as may be had: it may be nothing."""
        access = []
        for scope in scopes:
            kind, rest = scope.split(":", 1)
            name, actions = rest.rsplit(":", 1)
            if any(fnmatch.fnmatchcase(name, g) for g in globs):
                access.append({"type": kind, "name": name,
                               "actions": actions.split(",")})
        return access

    def sign(self, access):
        now = int(time.time())
        header = {"typ": "JWT", "alg": "RS256", "x5c": self.x5c}
        claims = {"iss": ISSUER, "sub": USER, "aud": SERVICE, "nbf": now - 60,
                  "iat": now, "exp": now + 300, "jti": str(now),
                  "access": access}
        text = b".".join(_b64url(json.dumps(part).encode())
                         for part in (header, claims))
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self.key], input=text,
            check=True, stdout=subprocess.PIPE).stdout
        return (text + b"." + _b64url(signature)).decode()


class _Handler(http.server.BaseHTTPRequestHandler):
    tokens = None

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        authorization = self.headers.get("Authorization")
        self.tokens.queries.append(query)
        self.tokens.authorizations.append(authorization)
        globs = self.tokens.login(authorization)
        if url.path != "/token" or globs is None:
            self.answer(401, {"errors": [{"code": "UNAUTHORIZED"}]})
            return
        scopes = [s for v in query.get("scope", []) for s in v.split()]
        token = self.tokens.sign(self.tokens.access(scopes, globs))
        self.answer(200, {"token": token, "expires_in": 300})

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.tokens.posts += 1
        self.answer(self.tokens.post, {"errors": [{"code": "UNSUPPORTED"}]})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass
