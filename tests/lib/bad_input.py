# SPDX-License-Identifier: Apache-2.0
"""
What a webhook may be sent, right and wrong, each with the answer that it must
get; and what an API server demands of any answer.
"""

import base64
import collections
import contextlib
import copy
import http.client
import json
import re

from lib import gate, rude

MIB = 1024 * 1024
BODY_MAX = 7 * MIB
TEXT_MAX = 2048     # of a body that an API server shows
MESSAGE_MAX = 4096  # also of all warnings
BROKEN_S, ANSWER_S = 0.1, 60
JSON = {"Content-Type": "application/json"}

# Of `status`; where that is 200, `allowed` is what the answer has to say, None
# for either. `text` is what goes over the wire.
Case = collections.namedtuple("Case", "name text status allowed review")

REFUSED = (400, 405, 411, 413, 414, 431, 501, 505)
HOSTILE = {
    "escape": "\x1b[31mred", "line feed": 'a\n{"event":"forged"}',
    "right to left": "\u202egnp.exe", "delete": "\x7f", "NUL": "a\0b",
    "control": "\x01\x08\x0c\r\t", "C1": "\x85\x9b", "long": "a" * 100000,
    "path": "../../../etc/passwd", "format": "%n%s%x%1000000d",
    "markup": "<script>alert(1)</script>", "quotes": "\"'`\\",
    "template": "${jndi:ldap://a}{{7*7}}$(id)", "emoji": "\U0001f600",
    "combining": "e\u0301" * 200, "comma": "a,b=c;d", "empty": "",
}


def http_text(method, path, headers, body):
    lines = [f"{method} {path} HTTP/1.1", "Host: gate.default.svc:443",
             *(f"{k}: {v}" for k, v in headers.items())]
    if body is not None and "Transfer-Encoding" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def chunked(body, size=1000):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in [*pieces, b""])


class Cases(list):
    """`good` and `bad` are images that are admitted and refused."""

    def __init__(self, good, bad):
        super().__init__()
        self.good, self.bad = good, bad
        self.no_reviews()
        self.wrong_types()
        self.unusual()
        self.sizes()
        self.content_types()
        self.paths_and_methods()
        self.broken_http()
        self.hostile_names()

    def add(self, name, body, status, allowed=None, method="POST",
            path="/validate", headers=None, review=None):
        body = body.encode("utf-8", "surrogatepass") \
            if isinstance(body, str) else body
        self.append(Case(name, http_text(
            method, path, JSON if headers is None else headers, body),
            status, allowed, review))

    def add_review(self, name, review, allowed, **more):
        self.add(name, json.dumps(review), 200, allowed, review=review, **more)

    def review(self, edit=None, image=None, **request):
        """One of a good image, changed."""
        review = copy.deepcopy(gate.review(gate.pod(image or self.good),
                                           **request))
        if edit:
            edit(review)
        return review

    def no_reviews(self):
        good = json.dumps(self.review())
        for name, body in {
                "nothing": "", "spaces": "  \n", "no JSON": "hello",
                "half of one": good[:len(good) // 2], "two": good + good,
                "an array": f"[{good}]", "null": "null", "a number": "7",
                "a text": '"AdmissionReview"', "a comment": "/**/" + good,
                "UTF-16": good.encode("utf-16"), "a BOM": "\ufeff" + good,
                "no UTF-8": b'{"kind":"\xff\xfe"}', "NULs": "\0" * 100,
                "half a character": '{"a":"\ud800"}', "NaN": '{"a":NaN}',
                "half an escape": '{"a":"\\ud800"}', "1e999": '{"a":1e999}',
                "a key twice": good.replace("{", '{"kind":"B",', 1),
                "NUL in a key": '{"a\\u0000b":1}', "-": "-",
                "deep arrays": "[" * 100000 + "]" * 100000,
                "deep objects": '{"a":' * 50000 + "1" + "}" * 50000,
        }.items():
            self.add(name, body, 400)

        def change(*path, to):
            def edit(review):
                for key in path[:-1]:
                    review = review[key]
                review[path[-1]] = to
                if to is KeyError:
                    del review[path[-1]]
            return edit

        for key, values in {
                "kind": (KeyError, 7, None, "ConversionReview"),
                "apiVersion": (KeyError, 7, None, "admission.k8s.io/v9",
                               "admission.k8s.io/v1 "),
                "request": (KeyError, 7, None, [], "text", {})}.items():
            for value in values:
                self.add(f"{key} {value}", json.dumps(
                    self.review(change(key, to=value))), 400)
        for value in (KeyError, 7, None, "", "a\0b", [], {}):
            self.add(f"uid {value}", json.dumps(
                self.review(change("request", "uid", to=value))), 400)

    def wrong_types(self):
        """A pod that cannot be read is refused: a 400 may admit it."""
        for spec in (7, "spec", [], {"containers": "none"},
                     {"containers": {}}, {"containers": [7]},
                     {"containers": [[]]}, {"containers": [None]},
                     {"containers": [{"name": "a", "image": 7}]},
                     {"containers": [{"name": 7, "image": self.good}]},
                     {"initContainers": "none"}, {"ephemeralContainers": {}},
                     {"volumes": "none"}, {"volumes": [{"image": 7}]},
                     {"volumes": [{"image": {"reference": 7}}]},
                     {"securityContext": 7}, {"securityContext": {
                         "runAsUser": "root"}}):
            def edit(review, spec=spec):
                review["request"]["object"]["spec"] = spec
            self.add_review(f"spec {spec}", self.review(edit), False)
        for key, value in (
                ("object", None), ("object", "pod"), ("object", []),
                ("kind", "Pod"), ("kind", {"kind": "Deployment"}),
                ("kind", {"group": 7, "version": "v1", "kind": "Pod"}),
                ("resource", "pods"), ("operation", 7), ("namespace", []),
                ("name", {}), ("dryRun", "no"), ("userInfo", "admin"),
                ("subResource", 7)):
            self.add_review(f"{key} {value}",
                            self.review(**{key: value}), False)

    def unusual(self):
        """All that an API server may send, and hardly ever does."""
        def without_spec(review):
            review["request"]["object"]["spec"] = None

        def many_images(review):
            review["request"]["object"]["spec"]["containers"] = [
                {"name": f"c{i}", "image": f"{'UPPER/' * 30}{i}"}
                for i in range(1000)]

        def nul_in_a_key(review):
            review["request"]["object"]["spec"]["volumes"] = [
                {"name": "a", "csi": {"volumeAttributes": {"a\0b": ""}}}]

        good = self.review()
        for path in ("/validate", "/mutate"):
            for name, review in {
                    "v1beta1": {**good,
                                "apiVersion": "admission.k8s.io/v1beta1"},
                    "unknown fields": self.review(
                        future={"a": [1, {}]}, options=None),
                    "DELETE": self.review(operation="DELETE", object=None,
                                          oldObject=gate.pod(self.bad)),
                    "CONNECT": self.review(operation="CONNECT", object=None,
                                           subResource="exec"),
                    "a status": self.review(image=self.bad,
                                            subResource="status"),
                    "no name yet": self.review(name=""),
                    "no spec": self.review(without_spec),
                    "a kind of others": self.review(
                        image=self.bad, kind={"group": "a.b", "version": "v1",
                                              "kind": "Web"},
                        resource={"group": "a.b", "version": "v1",
                                  "resource": "webs"}),
                    "all null": self.review(
                        name=None, namespace=None, userInfo=None, dryRun=None,
                        subResource=None, operation=None)}.items():
                self.add_review(f"{name} at {path}", review, True, path=path)
        self.add_review("a NUL in a key of another's",
                        self.review(nul_in_a_key, self.bad), False)
        self.add_review("many images", self.review(many_images), False)
        self.add_review("an unknown operation",
                        self.review(image=self.bad, operation="PATCH"), False)
        self.add_review("an unknown subresource",
                        self.review(image=self.bad, subResource="new"), False)
        self.add_review("an update from nothing", self.review(
            image=self.bad, operation="UPDATE", oldObject=None), False)
        self.add_review("a mirror, not by a node", self.review(
            lambda r: r["request"]["object"]["metadata"].update(annotations={
                "kubernetes.io/config.mirror": "a"}), self.bad), False)
        for timeout in ("", "0s", "-5s", "soon", "1h", "10", "9" * 400 + "s",
                        "10s&timeout=1ms", "%00", "%ff", "1.5s", "\u00b5"):
            self.add_review(f"timeout {timeout}", good, True, path=(
                f"/validate?timeout={timeout}").encode().decode("latin-1"))
        self.add_review("other parameters", good, True,
                        path="/validate?a=b&&=&c&timeout")
        body = json.dumps(good).encode()
        self.append(Case("in chunks", http_text("POST", "/validate", {
            **JSON, "Transfer-Encoding": "chunked"}, chunked(body)),
            200, True, good))
        self.append(Case("one byte a chunk", http_text("POST", "/validate", {
            **JSON, "Transfer-Encoding": "chunked"}, chunked(body, 1)),
            200, True, good))
        self.append(Case("what a Go client says", http_text(
            "POST", "/validate?timeout=10s", {
                **JSON, "Accept": "application/json, */*",
                "Accept-Encoding": "gzip",
                "User-Agent": "kube-apiserver-admission"}, body),
            200, True, good))

    def sizes(self):
        def padded(total):
            review = self.review()
            notes = review["request"]["object"]["metadata"].setdefault(
                "annotations", {})
            notes["a"] = ""
            notes["a"] = "x" * (total - len(json.dumps(review)))
            return review

        self.add_review("7 MiB", padded(BODY_MAX), True)
        self.add("a byte over 7 MiB", json.dumps(padded(BODY_MAX + 1)), 413)
        self.add("8 MiB of nothing", b" " * 8 * MIB, 413)
        self.append(Case("8 MiB in chunks", http_text("POST", "/validate", {
            **JSON, "Transfer-Encoding": "chunked"},
            chunked(b" " * 8 * MIB, 65536)), 413, None, None))
        self.append(Case("8 MiB announced, and waited for", http_text(
            "POST", "/validate", {**JSON, "Content-Length": 8 * MIB,
                                  "Expect": "100-continue"}, None),
            413, None, None))
        self.append(Case("a TiB announced", http_text(
            "POST", "/validate", {**JSON, "Content-Length": 1 << 40}, None),
            413, None, None))

    def content_types(self):
        review = self.review()
        for kind in ("text/plain", "application/x-www-form-urlencoded",
                     "multipart/form-data; boundary=a", "application/yaml",
                     "application/jsonp", "application/vnd.kubernetes.protobuf",
                     "json", "*/*", ""):
            self.add(f"Content-Type {kind}", json.dumps(review), 415,
                     headers={"Content-Type": kind})
        for headers in ({}, {"Content-Type": "application/json;charset=utf-8"},
                        {"content-type": "Application/JSON"}):
            self.add_review(f"headers {headers}", review, True,
                            headers=headers)

    def paths_and_methods(self):
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS",
                       "TRACE", "BREW"):
            for path in ("/validate", "/mutate"):
                self.add(f"{method} {path}", None, 405, method=method,
                         path=path)
        self.add("POST /readyz", "{}", 405, path="/readyz")
        for path in ("/", "/validate/", "//validate", "/validate/../metrics",
                     "/metrics", "/Validate", "/validate%00", "/%76alidate",
                     "/%", "/" + "a" * 2000, "/validate;a=b"):
            self.add(f"POST {path[:20]}", json.dumps(self.review()), 404,
                     path=path)

    def broken_http(self):
        """No answer at all is right, too, and an answer that refuses."""
        good = json.dumps(self.review()).encode()
        length = b"Content-Length: %d\r\n" % len(good)
        for name, text in {
                "no request": b"\r\n\r\n\r\n\r\n", "noise": bytes(range(256)),
                "a preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "no version": b"POST /validate\r\n\r\n" + good,
                "HTTP/9.9": b"POST /validate HTTP/9.9\r\n" + length + b"\r\n",
                "no host": b"POST /validate HTTP/1.1\r\n" + length + b"\r\n" +
                           good,
                "a length below 0": b"POST /validate HTTP/1.1\r\nHost: a\r\n"
                                    b"Content-Length: -1\r\n\r\n" + good,
                "a length of letters": b"POST /validate HTTP/1.1\r\nHost: a"
                                       b"\r\nContent-Length: ten\r\n\r\n",
                "a length over all": b"POST /validate HTTP/1.1\r\nHost: a\r\n"
                                     b"Content-Length: " + b"9" * 40 +
                                     b"\r\n\r\n",
                "chunks of no size": rude.CHUNKED + b"zz\r\n" + good,
                "a chunk over all": rude.CHUNKED + b"f" * 40 + b"\r\n" + good,
                "a header without end": b"POST /validate HTTP/1.1\r\nA: " +
                                        b"a" * 100000,
                "many headers": b"POST /validate HTTP/1.1\r\nHost: a\r\n" +
                                b"A: b\r\n" * 20000 + b"\r\n",
                "a long path": b"POST /" + b"a" * 100000 + b" HTTP/1.1\r\n",
        }.items():
            self.append(Case(name, text, REFUSED, None, None))

    def hostile_names(self):
        for name, text in HOSTILE.items():
            def edit(review, text=text):
                request = review["request"]
                pod = request["object"]
                key = text.replace("\0", "")  # no_reviews() has these
                pod["metadata"].update(
                    name=text, namespace=text, generateName=text,
                    labels={key: text}, annotations={key: text})
                pod["spec"]["containers"][0]["name"] = text
                request.update(name=text, namespace=text, operation=text)
                request["userInfo"] = {"username": text, "groups": [text]}
                request["uid"] = key[:64] or "empty"

            self.add_review(f"names: {name}", self.review(edit),
                            "\0" not in text)
            self.add_review(f"names of what is refused: {name}",
                            self.review(edit, self.bad), False)
            self.add_review(f"an image: {name}", self.review(image=text or " "),
                            False)


class Sender:
    """On one connection, for as long as the server keeps it."""

    def __init__(self, server):
        self.server = server
        self.socket = None

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def send(self, case):
        """Returns (status, headers, body); status None: the connection ended,
        or, where that is right, waits for more."""
        kept = self.socket is not None
        self.socket = self.socket or rude.dial(self.server)
        broken = isinstance(case.status, tuple)
        self.socket.settimeout(BROKEN_S if broken else ANSWER_S)
        with contextlib.suppress(OSError):
            # It may have had enough; there may be an answer all the same.
            self.socket.sendall(case.text)
        method = case.text.split(b" ")[0].decode("latin-1")
        answer = http.client.HTTPResponse(self.socket, method=method)
        try:
            answer.begin()
            told = answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return self.send(case) if kept else (None, {}, b"")
        if broken or answer.will_close:
            self.close()
        return told


def problems(server, cases):
    """What is wrong, each with the case's name."""
    sender = Sender(server)
    with contextlib.closing(sender):
        return [(case.name, p) for case in cases
                if (p := problem(case, *sender.send(case)))]


def problem(case, status, headers, body):
    """What is wrong with the answer to a case, or None."""
    if isinstance(case.status, tuple):
        return None if status is None or status in case.status else \
            f"HTTP {status}: {body[:200]}"
    if status != case.status:
        return f"HTTP {status}: {body[:200]}"
    if status == 200:
        return review_problem(case, headers, body)
    if case.text.startswith(b"HEAD "):
        return None
    if not headers["Content-Type"].startswith("text/plain") or \
            len(body) > TEXT_MAX or len(body.split()) < 3:
        return f"no plain sentence: {body[:200]}"
    if status == 405 and not headers["Allow"]:
        return "no Allow"
    return None


def review_problem(case, headers, body):
    """By the contract of admission.k8s.io, as API servers enforce it."""
    document = json.loads(body)
    answer = document.get("response", {})
    told = answer.get("status", {})
    warnings = answer.get("warnings", [])
    texts = [told.get("message", "").replace("\n", ""), *warnings]
    patch = answer.get("patch")
    held = {
        "type": headers["Content-Type"] == "application/json",
        "members": set(document) == {"apiVersion", "kind", "response"},
        "version": document["apiVersion"] == case.review["apiVersion"],
        "kind": document["kind"] == "AdmissionReview",
        "uid": answer["uid"] == case.review["request"]["uid"],
        "allowed": answer["allowed"] in (True, False) and
        case.allowed in (None, answer["allowed"]),
        "fields": set(answer) <= {"uid", "allowed", "status", "warnings",
                                  "auditAnnotations", "patch", "patchType"},
        "status": answer["allowed"] or (told["code"], told["reason"]) in (
            (403, "Forbidden"), (503, "ServiceUnavailable")),
        "message": answer["allowed"] or 0 < len(told["message"]) <=
        MESSAGE_MAX,
        "warnings": sum(map(len, warnings)) <= MESSAGE_MAX,
        "clean": not any(re.search(r"[\0-\x1f\x7f-\x9f\u202a-\u202e]", t)
                         for t in texts),
        "annotations": all(re.fullmatch(r"[A-Za-z0-9._-]{1,63}", k)
                           for k in answer.get("auditAnnotations", {})),
        "patch": (patch is None) == ("patchType" not in answer) and
        (patch is None or (b"/mutate" in case.text[:20] and isinstance(
            json.loads(base64.b64decode(patch)), list))),
    }
    wrong = [name for name, holds in held.items() if not holds]
    return f"{wrong}: {body[:400]}" if wrong else None
