#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Bounds: on bytes, entries, depth, values. What is over one is refused before
it costs anything, and the memory of a gate that meets it all stays small.
"""

import concurrent.futures
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, gate, registry_case, tap  # noqa: E402

MIB = 1024 * 1024
MANIFEST_MAX = 4 * MIB
CONFIG_MAX = 4 * MIB
# What the kernel's buffers and ours may hold beyond what was read.
BUFFERED = 6 * MIB
MANIFESTS = "/v2/app/manifests/*"
BLOBS = "/v2/app/blobs/*"


def padded(document, size):
    """The same with blanks up to a size."""
    return content.Document(document.body + b" " * (size - len(document.body)),
                            document.media_type, document.parts)


class Limits(registry_case.Case):
    def setUp(self):
        super().setUp()
        self.reg = self.registry()

    def push(self, document):
        return self.reg.push("app:1", document)


class Bytes(Limits):
    def test_manifest_of_four_mib_is_read_and_no_byte_more(self):
        image = content.image()
        self.facts(self.push(padded(image, MANIFEST_MAX)))
        self.refused("TOO_LARGE", self.push(padded(image, MANIFEST_MAX + 1)))

    def test_manifest_in_chunks_is_bounded_too(self):
        image = padded(content.image(), MANIFEST_MAX + 1)
        ref = self.push(image)
        self.reg.on("GET", MANIFESTS).serve(
            body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(image.body), image.body),
            headers={"Transfer-Encoding": "chunked"})
        self.refused("TOO_LARGE", ref)

    def test_endless_manifest_is_not_read_to_its_end(self):
        ref = self.push(content.image())
        self.reg.on("GET", MANIFESTS).endless()
        outcome = self.refused("TOO_LARGE", ref)
        self.assertLess(outcome.seconds, 5)
        self.assertLess(self.reg.sent, MANIFEST_MAX + BUFFERED)
        self.assertEqual(self.reg.count(), 1)

    def test_announced_config_that_is_too_large_is_not_asked_for(self):
        ref = self.push(content.image().edited(
            lambda m: m["config"].update(size=CONFIG_MAX + 1)))
        self.refused("TOO_LARGE", ref)
        self.assertEqual(self.reg.count(path=BLOBS), 0)

    def test_config_of_four_mib_is_read(self):
        self.facts(self.push(content.image(of=padded(content.config(),
                                                     CONFIG_MAX))))

    def test_config_that_goes_on_is_a_size_mismatch(self):
        ref = self.push(content.image())
        self.reg.on("GET", BLOBS).endless()
        self.refused("SIZE_MISMATCH", ref)
        self.assertLess(self.reg.sent, BUFFERED)

    def test_part_that_goes_on_is_a_size_mismatch(self):
        ref = self.push(content.multi("linux/amd64"))
        self.reg.on("GET", "/v2/app/manifests/sha256:*").endless()
        self.refused("SIZE_MISMATCH", ref)
        self.assertLess(self.reg.sent, BUFFERED)

    def test_announced_part_that_is_too_large_is_not_asked_for(self):
        image = content.image()
        entry = content.entry(image, "linux/amd64")
        entry["size"] = MANIFEST_MAX + 1
        self.refused("TOO_LARGE", self.push(content.index([entry], [image])))
        self.assertEqual(self.reg.count(), 1)

    def test_parts_of_more_than_32_mib_together_are_too_large(self):
        images = [padded(content.image(user=str(i)), MANIFEST_MAX)
                  for i in range(9)]
        ref = self.push(content.index(
            [content.entry(i, "linux/amd64") for i in images], images))
        self.refused("TOO_LARGE", ref)

    def test_headers_are_bounded(self):
        ref = self.push(content.image())
        for headers in ({"X-Long": "a" * 70000},
                        {f"X-{i}": "a" * 1000 for i in range(90)},
                        {"Warning": ["299 - \"a\"" * 100] * 90}):
            with self.subTest(len(headers)):
                self.reg.on("GET", MANIFESTS).serve(headers=headers)
                self.assertIn(self.inspect(ref).code,
                              ("TOO_LARGE", "UNAVAILABLE"))

    def test_headers_without_end_are_bounded(self):
        ref = self.push(content.image())
        self.reg.on("GET", MANIFESTS).garbage(
            b"HTTP/1.1 200 OK\r\n" + b"X-A: %s\r\n" % (b"a" * 1000) * 5000)
        outcome = self.inspect(ref)
        self.assertIn(outcome.code, ("TOO_LARGE", "UNAVAILABLE"))
        self.assertLess(outcome.seconds, 5)

    def test_endless_body_of_an_error_is_not_waited_for(self):
        ref = self.push(content.image())
        for status, code, tries in ((401, "AUTH_UNSUPPORTED", 2),
                                    (403, "NOT_FOUND_OR_DENIED", 1),
                                    (404, "NOT_FOUND", 1),
                                    (500, "UNAVAILABLE", 4)):
            for path in (MANIFESTS, BLOBS):
                with self.subTest(status, path=path):
                    self.reg.rules.clear()
                    self.reg.sent = 0
                    self.reg.on("GET", path).endless(status=status)
                    outcome = self.refused(code, ref)
                    self.assertLess(outcome.seconds, 5)
                    self.assertLess(self.reg.sent, tries * BUFFERED)

    def test_error_longer_than_the_content_asked_for_is_that_error(self):
        # A config is short, the error page of a proxy before it may be long.
        ref = self.push(content.image())
        for size in (2000, 50000, MIB):
            for status, code in ((404, "NOT_FOUND"), (503, None), (429, None)):
                with self.subTest(status, size=size):
                    self.reg.on("GET", BLOBS).reply(
                        status, b"x" * size).then.serve()
                    self.assertEqual(self.inspect(ref).code, code)

    def test_redirect_longer_than_the_content_asked_for_is_followed(self):
        image = content.image()
        ref = self.push(image)
        self.reg.on("GET", "/elsewhere").reply(200, image.parts[0].body)
        for size in (2000, 50000, MIB):
            with self.subTest(size):
                self.reg.on("GET", BLOBS).reply(
                    307, b"x" * size, {"Location": "/elsewhere"})
                self.facts(ref)

    def test_gzip_bomb_is_never_unpacked(self):
        ref = self.push(content.image())
        for path in (MANIFESTS, BLOBS):
            with self.subTest(path):
                self.reg.rules.clear()
                self.reg.on("GET", path).gzip_bomb(512 * MIB)
                outcome = self.inspect(ref)
                self.assertIn(outcome.code, ("MALFORMED", "DIGEST_MISMATCH",
                                             "SIZE_MISMATCH"))
                self.assertLess(outcome.seconds, 5)

    def test_no_encoding_is_asked_for(self):
        self.facts(self.push(content.image()))
        for request in self.reg.log:
            self.assertNotIn("gzip",
                             request.headers.get("Accept-Encoding", ""))


class Numbers(Limits):
    def test_index_of_a_thousand_entries_is_read_and_not_one_more(self):
        image = content.image("linux/amd64")
        foreign = content.entry(image, "plan9/mips")
        for count, code in ((1000, None), (1001, "TOO_LARGE")):
            with self.subTest(count):
                entries = [content.entry(image, "linux/amd64"),
                           *[foreign] * (count - 1)]
                ref = self.push(content.index(entries, [image]))
                found, _ = self.check(
                    ref, policy=registry_case.POLICY
                    + "platforms: [linux/amd64]\n")
                error = found[ref]["error"]
                self.assertEqual(error and error["code"], code)

    def test_image_that_is_too_large_takes_no_other_with_it(self):
        # They have a part in common, and wait for it together.
        parts = [content.image(of=padded(content.config(user=str(i)),
                                         CONFIG_MAX)) for i in range(9)]
        large, small = (self.reg.push(f"app:{len(images)}", content.index(
            [content.entry(i, "linux/amd64") for i in images], images))
            for images in (parts, parts[-1:]))
        for _ in range(3):
            found, _ = self.check(large, small)
            self.assertEqual(found[large]["error"]["code"], "TOO_LARGE")
            self.assertIsNone(found[small]["error"])

    def test_sixteen_manifests_are_read_and_not_one_more(self):
        for count, code in ((16, None), (17, "TOO_LARGE")):
            with self.subTest(count):
                images = [content.image(user=str(i)) for i in range(count)]
                ref = self.push(content.index(
                    [content.entry(i, "linux/amd64") for i in images],
                    images))
                self.assertEqual(self.inspect(ref).code, code)

    def test_manifests_of_nested_indexes_count_together(self):
        inner = [content.index(
            [content.entry(i, "linux/amd64") for i in images], images)
            for images in ([content.image(user=f"{a}{b}") for b in range(6)]
                           for a in range(3))]
        self.refused("TOO_LARGE", self.push(content.index(
            [content.entry(i) for i in inner], inner)))

    def test_index_within_an_index_within_an_index_is_too_deep(self):
        document = content.multi("linux/amd64")
        for depth, code in ((1, None), (2, None), (3, "TOO_LARGE")):
            with self.subTest(depth):
                self.assertEqual(self.inspect(self.push(document)).code, code)
            document = content.index([content.entry(document)], [document])

    def test_index_that_claims_to_hold_itself_is_a_mismatch(self):
        image = content.image()
        inner = content.index([content.entry(image, "linux/amd64")], [image])
        entry = content.entry(inner)
        outer = content.index([entry], [inner])
        entry["size"] = len(outer.body)
        outer = content.index([entry], [inner])
        ref = self.push(outer)
        self.reg.on("GET", MANIFESTS).serve(body=outer.body, headers={
            "Docker-Content-Digest": None})
        self.refused("DIGEST_MISMATCH", ref)
        self.assertLessEqual(self.reg.count(), 2)

    def test_layers_are_bounded(self):
        self.facts(self.push(content.image(layers=1000)))
        self.refused("TOO_LARGE", self.push(content.image(layers=1001)))

    def test_history_is_bounded(self):
        for count, code in ((1000, None), (1001, "TOO_LARGE")):
            with self.subTest(count):
                config = content.config().edited(lambda c, n=count: c.update(
                    history=[{"empty_layer": True}] * n))
                self.assertEqual(self.inspect(self.push(
                    content.image(of=config))).code, code)

    def test_values_are_bounded(self):
        # A tree takes a hundred times the bytes of its text.
        for flood in ([], [{}], {}, 0, ""):
            with self.subTest(flood):
                body = b"[" + b",".join(
                    [content.encode(flood)] * 200000) + b"]"
                self.refused("TOO_LARGE", self.push(content.image().replaced(
                    b'{"schema', b'{"x": ' + body + b', "schema')))

    def test_lists_are_bounded(self):
        def of(count):
            names = [f"{i}/tcp" for i in range(count)]
            for key in ("Env", "Entrypoint", "Cmd"):
                yield content.image(**{key: names})
            for key, value in (("Labels", ""), ("ExposedPorts", {}),
                               ("Volumes", {})):
                yield content.image(**{key: {n: value for n in names}})
            yield content.image().edited(lambda m: m.update(
                annotations={n: "" for n in names}))

        for document in of(1000):
            self.facts(self.push(document))
        for document in of(1001):
            self.refused("TOO_LARGE", self.push(document))

    def test_keys_are_bounded(self):
        flood = ", ".join(f'"k{i}": 0' for i in range(100000))
        self.refused("TOO_LARGE", self.push(content.image().replaced(
            '{"schema', f'{{"annotations": {{{flood}}}, "schema')))

    def test_media_type_is_bounded(self):
        self.refused("MALFORMED", self.push(content.image().edited(
            lambda m: m["layers"][0].update(mediaType="a/" + "b" * 300))))


class Memory(Limits):
    """All of the above against one gate, several at a time."""

    GROWN_MAX = 48 * MIB

    def floods(self):
        image = content.image()
        yield padded(image, MANIFEST_MAX)
        yield padded(image, MANIFEST_MAX + 1)
        yield content.image(of=padded(content.config(), CONFIG_MAX))
        yield image.replaced(b'{"schema', b'{"x": [' + b"{},".join(
            [b""] * 60000) + b'{}], "schema')
        yield image.replaced(b'{"schema', b'{"x": "' + b"a" * 3 * MIB
                             + b'", "schema')
        yield content.image(layers=1000)
        yield content.index([content.entry(image, "linux/amd64")] * 1000,
                            [image])

    def references(self):
        for i, document in enumerate(self.floods()):
            yield self.reg.push(f"flood-{i}:1", document)
        for word, args in (("endless", ()), ("gzip_bomb", (256 * MIB,)),
                           ("truncate", ())):
            yield self.reg.push(f"{word}:1", content.image())
            getattr(self.reg.on("GET", f"/v2/{word}/*"), word)(*args)

    def test_of_a_gate_that_meets_it_all_stays_small(self):
        if gate.sanitized():
            self.skipTest("a sanitizer keeps freed memory for a while")
        server = self.serve(self.config())
        before = server.process.peak()
        references = list(self.references()) * 3
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for answer in pool.map(lambda r: self.post(server, r, "10s"),
                                   references):
                self.assertIn("allowed", answer)
        grown = server.process.peak() - before
        print(f"# grew by {grown / MIB:.1f} MiB")
        self.assertLess(grown, self.GROWN_MAX)

    def test_of_the_cache_is_bounded(self):
        if gate.sanitized():
            self.skipTest("a sanitizer keeps freed memory for a while")
        server = self.serve(self.config(cache={"maxBytes": "1Mi"}))
        before = server.process.peak()
        labels = {f"label-{i}": "x" * 1000 for i in range(100)}
        for i in range(100):
            ref = self.reg.push(f"app:{i}", content.image(
                user=str(i), Labels=labels))
            self.assertTrue(self.post(server, ref)["allowed"])
        self.assertLessEqual(server.metrics()["policy_gate_cache_bytes"], MIB)
        self.assertLess(server.process.peak() - before, 8 * MIB)


class Strangers(Limits):
    """Hosts that only a pod's author knows, as many as fit. Five seconds."""

    HOSTS = 250

    def hanging_pod(self, port, number):
        pod = gate.pod("x")
        pod["spec"]["containers"] = [
            {"name": f"c{i}", "image": f"127.1.{number}.{i}:{port}/x:1"}
            for i in range(self.HOSTS)]
        return pod

    def test_thousands_that_hang_take_no_descriptors_from_others(self):
        server = self.serve(self.config(network={"allow": ["127.0.0.0/8"]}))
        known = self.push(content.image())
        with socket.create_server(("0.0.0.0", 0), backlog=4096) as deaf, \
                concurrent.futures.ThreadPoolExecutor(12) as pool:
            port = deaf.getsockname()[1]
            hung = [pool.submit(server.post, gate.review(
                self.hanging_pod(port, n)), "2s") for n in range(12)]
            most = 0
            for i in range(8):
                time.sleep(0.2)
                most = max(most, server.process.files())
                ref = self.reg.push(f"app:{i}", content.image(user=str(i + 1)))
                self.assertTrue(self.post(server, ref)["allowed"])
            answers = [h.result() for h in hung]
        self.assertLess(most, 1024 + 200)
        self.assertTrue(self.post(server, known)["allowed"])
        for answer in answers:
            self.assertEqual(answer["status"]["code"], 503)


if __name__ == "__main__":
    tap.main()
