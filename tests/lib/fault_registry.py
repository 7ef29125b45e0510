# SPDX-License-Identifier: Apache-2.0
"""
A registry that keeps its content in memory, tells of every request, and
misbehaves as it is told:

    registry = Registry()
    registry.push("app:1", content.image())
    registry.on("GET", "/v2/app/manifests/1").reply(503).then.serve()

Paths are globs, the query is not part of them; the rule made last counts. Each
word after on() is for one request, the last one for all that follow:

    reply(status, body, headers)   an answer
    redirect(url, status)          another place
    serve(...)                     as if there were no rule, or changed a bit
    ask(function)                  what function(request) says
    drip(every)                    a byte at a time
    truncate(keep)                 announces all, sends a part, hangs up
    endless(chunk)                 a body without an end
    gzip_bomb(size)                little to send, much to unpack
    garbage(data)                  no HTTP at all
    hang(seconds)                  no answer for so long
    close(), reset()               no answer, the connection ends

It hands out tokens, too (GET and POST /token): bearer() makes it want them,
of its own or of another such registry.
"""

import base64
import contextlib
import dataclasses
import fnmatch
import gzip
import http.server
import json
import os
import re
import secrets
import socket
import socketserver
import ssl
import struct
import threading
import time
import urllib.parse

from lib import content, process

# In everything that a registry writes for people: must never be quoted.
MARK = "xyzzy-said-the-registry"
ROUTE = re.compile(r"/v2/(.+)/(manifests|blobs)/([^/]+)$")
BODY_MAX = 1024 * 1024


@dataclasses.dataclass
class Request:
    method: str
    path: str
    query: dict
    host: str
    headers: object
    body: str
    at: float
    connection: int  # the client's port
    certificate: bool  # the client has shown one
    address: str  # of ours, that the client came to

    @property
    def authorization(self):
        return self.headers.get("Authorization")


@dataclasses.dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)
    send: object = None  # function(handler, body) instead of writing it


def error(status, code, headers=None):
    """An answer such as real registries give."""
    body = json.dumps({"errors": [{"code": code, "message": MARK,
                                   "detail": f"\x1b[31m{MARK}"}]})
    return Answer(status, body.encode(),
                  {"Content-Type": "application/json", **(headers or {})})


def basic(user, password):
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Basic {pair}"


class Rule:
    """What is done instead of what would be right; see above."""

    def __init__(self, method, path):
        self.method = method
        self.path = path
        self.steps = []
        self.hits = 0

    @property
    def then(self):
        return self

    def matches(self, request):
        return self.method in ("*", request.method) and \
            fnmatch.fnmatchcase(request.path, self.path)

    def next(self):
        self.hits += 1
        return self.steps[min(self.hits, len(self.steps)) - 1]

    def ask(self, function):
        self.steps.append(lambda handler, request: function(request))
        return self

    def reply(self, status, body=b"", headers=None):
        body = body if isinstance(body, bytes) else \
            body.encode() if isinstance(body, str) else content.encode(body)
        return self.ask(lambda _: Answer(status, body, {
            "Content-Type": "application/json", **(headers or {})}))

    def fail(self, status, code="DENIED", headers=None):
        return self.ask(lambda _: error(status, code, headers))

    def redirect(self, to, status=307):
        """`to` as it is, or to(request)."""
        return self.ask(lambda request: Answer(
            status, MARK.encode(),
            {"Location": to(request) if callable(to) else to}))

    def serve(self, status=None, body=None, headers=None, edit=None):
        """The right answer, some of it changed; a header of None is left
        out."""
        def step(handler, request):
            answer = handler.registry.answer(request)
            answer.status = status or answer.status
            answer.body = answer.body if body is None else body
            if edit:
                answer.body = edit(answer.body)
            answer.headers = {k: v for k, v in {
                **answer.headers, **(headers or {})}.items() if v is not None}
            return answer

        self.steps.append(step)
        return self

    def _sent_by(self, send):
        def step(handler, request):
            answer = handler.registry.answer(request)
            answer.send = send
            return answer

        self.steps.append(step)
        return self

    def drip(self, every=1.0):
        return self._sent_by(lambda h, body: h.drip(body, every))

    def truncate(self, keep=None):
        return self._sent_by(lambda h, body: h.cut(
            body, len(body) // 2 if keep is None else keep))

    def endless(self, chunk=b" " * 65536, status=200):
        def step(handler, request):
            return Answer(status, b"", {
                **handler.registry.answer(request).headers,
                "Transfer-Encoding": "chunked"},
                lambda h, _: h.endless(chunk))

        self.steps.append(step)
        return self

    def gzip_bomb(self, size):
        bomb = gzip.compress(b" " * size)
        return self.serve(body=bomb, headers={"Content-Encoding": "gzip"})

    def garbage(self, data):
        return self._raw(lambda h: h.wfile.write(data))

    def hang(self, seconds=60):
        return self._raw(lambda h: h.registry.closing.wait(seconds))

    def close(self):
        return self._raw(lambda h: None)

    def reset(self):
        return self._raw(lambda h: h.reset())

    def _raw(self, act):
        def step(handler, _):
            act(handler)
            handler.close_connection = True

        self.steps.append(step)
        return self


class Registry:
    """
    tls:     a pki.Authority: HTTPS with a certificate of it, for `sans`
    name:    how references write its host
    latency: seconds before each answer
    address: where it listens; "::" is everywhere
    """

    def __init__(self, tls=None, name="127.0.0.1", latency=0,
                 sans="IP:127.0.0.1,DNS:localhost", address="127.0.0.1"):
        self.tls = tls
        self.latency = latency
        self.port = process.free_port()
        self.host = f"{name}:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        self.log = []
        self.sent = 0  # bytes of bodies, about
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.rules = []
        self.tags = {}
        self.content = {}
        self.challenges = []  # headers; empty: everybody may pull
        self.accepts = None  # function(Authorization) -> bool
        self.realm = f"{self.url}/token"
        self.issued = []
        self.valid = set()
        self.logins = None  # of the token service; None: everybody
        self.refresh_tokens = None  # by POST; None: it knows no POST
        handler = type("Handler", (_Handler,), {"registry": self})
        self.server = _Server((address, self.port), handler)
        if tls:
            self.server.secure(tls, self.port, sans)
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def ref(self, image):
        return f"{self.host}/{image}"

    def settings(self):
        """This registry's entry below `registries` of a config file."""
        return {self.host: {"caFile": str(self.tls.crt)} if self.tls else
                {"plainHttp": True}}

    # Content

    def push(self, image, document):
        """`image` is NAME:TAG or NAME; returns a reference to it."""
        name, _, tag = image.partition(":")
        if tag:
            self.tags[name, tag] = document
        for part in document.all():
            for algorithm in ("sha256", "sha512"):
                self.content[content.digest(part.body, algorithm)] = part
        return self.ref(image)

    # Misbehaviour

    def on(self, method, path):
        rule = Rule(method, path)
        with self.lock:
            self.rules.insert(0, rule)
        return rule

    # Authentication

    def basic(self, user, password, challenge='Basic realm="fault"'):
        self.challenges = [challenge]
        self.accepts = lambda value: value == basic(user, password)

    def bearer(self, realm=None, of=None, login=None, service="fault-service",
               challenges=None):
        """Wants tokens of `of` (its own by default), which gives them to
        (user, password)."""
        of = of or self
        if login:
            of.logins = [basic(*login)]
        self.challenges = challenges or [
            f'Bearer realm="{realm or of.realm}",service="{service}"']
        self.accepts = lambda value: value is not None and \
            value.startswith("Bearer ") and value[7:] in of.valid

    def issue(self, text=None):
        text = text or f"token-{secrets.token_hex(12)}"
        with self.lock:
            self.issued.append(text)
            self.valid.add(text)
        return text

    def revoke(self):
        self.valid.clear()

    # What was asked

    def requests(self, method="*", path="*"):
        with self.lock:
            return [r for r in self.log
                    if method in ("*", r.method)
                    and fnmatch.fnmatchcase(r.path, path)]

    def count(self, method="*", path="*"):
        return len(self.requests(method, path))

    def authorizations(self, path="*"):
        return [r.authorization for r in self.requests(path=path)]

    # Answers

    def respond(self, handler, request):
        """The next step of the rule for it, or what is right."""
        with self.lock:
            self.log.append(request)
            rule = next((r for r in self.rules if r.matches(request)), None)
            step = rule.next() if rule else None
        if self.latency:
            time.sleep(self.latency)
        return step(handler, request) if step else self.answer(request)

    def answer(self, request):
        if request.path == "/token":
            return self.token(request)
        if self.challenges and not self.accepts(request.authorization):
            return error(401, "UNAUTHORIZED",
                         {"WWW-Authenticate": list(self.challenges)})
        if request.path == "/v2/":
            return Answer(200, b"{}", {"Content-Type": "application/json"})
        route = ROUTE.match(request.path)
        document = self.find(*route.groups()) if route else None
        if document is None:
            return error(404, "MANIFEST_UNKNOWN")
        headers = {"Content-Type": "application/octet-stream"}
        if route.group(2) == "manifests":
            headers = {"Content-Type": document.media_type,
                       "Docker-Content-Digest": route.group(3)
                       if ":" in route.group(3) else document.digest}
        return Answer(200, document.body, headers)

    def find(self, name, kind, what):
        document = self.tags.get((name, what)) if kind == "manifests" else None
        return document or self.content.get(what)

    def token(self, request):
        form = urllib.parse.parse_qs(request.body)
        if request.method == "POST":
            if self.refresh_tokens is None:
                return error(405, "UNSUPPORTED")
            good = form.get("refresh_token", [""])[0] in self.refresh_tokens
        else:
            good = self.logins is None or request.authorization in self.logins
        if not good:
            return error(401, "UNAUTHORIZED")
        return Answer(200, content.encode(
            {"token": self.issue(), "expires_in": 300}),
            {"Content-Type": "application/json"})


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address, handler):
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def secure(self, tls, name, sans):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls.issue(f"fault-{name}", sans))
        context.load_verify_locations(tls.crt)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.context = context
        # The handshake is the connection's own thread's work.
        self.socket = context.wrap_socket(self.socket, server_side=True,
                                          do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        pass  # clients that hang up are what is tested


class _Handler(http.server.BaseHTTPRequestHandler):
    registry = None
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_any(self):
        if self.registry.closing.is_set():
            self.close_connection = True  # kept by a client, and closed now
            return
        request = self.read()
        with contextlib.suppress(OSError):
            answer = self.registry.respond(self, request)
            if answer is not None:
                self.send(answer)
            self.wfile.flush()
            return
        self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = handle_any

    def do_CONNECT(self):
        """A proxy that leads everywhere to itself, or to where its
        registry's `behind` says."""
        request = self.read()
        with self.registry.lock:
            self.registry.log.append(request)
        port = getattr(self.registry, "behind", self.registry).port
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        with socket.create_connection(("127.0.0.1", port)) as to:
            back = threading.Thread(target=_pump, args=(to, self.connection))
            back.start()
            _pump(self.connection, to)
            back.join()
        self.close_connection = True

    def read(self):
        url = urllib.parse.urlsplit(self.path)
        length = min(int(self.headers.get("Content-Length") or 0), BODY_MAX)
        return Request(
            self.command, url.path, urllib.parse.parse_qs(url.query),
            url.netloc or self.headers.get("Host", ""), self.headers,
            self.rfile.read(length).decode(errors="replace"), time.monotonic(),
            self.client_address[1],
            hasattr(self.connection, "getpeercert")
            and bool(self.connection.getpeercert()),
            self.connection.getsockname()[0])

    def send(self, answer):
        headers = dict(answer.headers)
        if "Transfer-Encoding" not in headers and \
                "Content-Length" not in headers:
            headers["Content-Length"] = str(len(answer.body))
        self.send_response(answer.status)
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name, one)
        self.end_headers()
        if self.command == "HEAD":
            return
        if answer.send:
            answer.send(self, answer.body)
        else:
            self.wfile.write(answer.body)
            self.registry.sent += len(answer.body)

    def drip(self, body, every):
        for i in range(len(body)):
            self.wfile.write(body[i:i + 1])
            self.wfile.flush()
            self.registry.sent += 1
            if self.registry.closing.wait(every):
                break

    def cut(self, body, keep):
        self.wfile.write(body[:keep])
        self.close_connection = True

    def endless(self, chunk):
        while not self.registry.closing.is_set():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.flush()
            self.registry.sent += len(chunk)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, *args):
        pass


def _pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
