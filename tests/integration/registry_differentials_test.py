#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
JSON that two readers read differently. Runtimes are written in Go: its
decoder takes "Config" for "config", folds U+017F to s and U+212A to k, and
lets the last of several win. Whatever could be read as two things is refused.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, registry_case, tap  # noqa: E402

LONG_S = "\u017f"
KELVIN = "\u212a"


def folded(key):
    """Every way to write a key that Go reads as that one."""
    yield key.upper()
    yield key[0].swapcase() + key[1:]
    for letter, other in (("s", LONG_S), ("k", KELVIN)):
        for spelled in (letter, letter.upper()):
            if spelled in key:
                yield key.replace(spelled, other, 1)


def text(value):
    return json.dumps(value, ensure_ascii=False)


class Differentials(registry_case.Case):
    def setUp(self):
        super().setUp()
        self.reg = self.registry()

    def image_with(self, old, new):
        return self.reg.push("app:1", content.image().replaced(old, new))

    def config_with(self, old, new):
        config = content.config(Labels={"a": "b"}).replaced(old, new)
        return self.reg.push("app:1", content.image(of=config))

    def index_with(self, old, new):
        return self.reg.push("app:1", content.multi("linux/arm/v7").replaced(
            old, new))

    # Objects whose keys have a meaning: what stands before their first key,
    # how a document with another key there is pushed, and their keys.
    def objects(self):
        return {
            "manifest": ('{"schemaVersion"', self.image_with,
                         ("schemaVersion", "mediaType", "config", "layers",
                          "manifests", "fsLayers", "subject", "annotations")),
            "config descriptor": ('"config": {"mediaType"', self.image_with, (
                "mediaType", "digest", "size", "data", "urls")),
            "layer": ('"layers": [{"mediaType"', self.image_with, (
                "mediaType", "digest", "size", "urls", "annotations")),
            "index": ('{"schemaVersion"', self.index_with,
                      ("mediaType", "manifests", "config", "layers")),
            "index entry": ('"manifests": [{"mediaType"', self.index_with, (
                "mediaType", "digest", "size", "platform")),
            "platform": ('"platform": {"os"', self.index_with, (
                "os", "architecture", "variant", "os.version",
                "os.features")),
            "config": ('{"os"', self.config_with, (
                "os", "architecture", "variant", "config", "rootfs",
                "history", "created", "os.version")),
            "run config": ('"config": {"User"', self.config_with, (
                "User", "Env", "Entrypoint", "Cmd", "Labels", "Volumes",
                "ExposedPorts", "WorkingDir", "NetworkDisabled", "Shell")),
            "rootfs": ('"rootfs": {"type"', self.config_with, (
                "type", "diff_ids")),
            "history": ('"history": [{"created"', self.config_with, (
                "created", "created_by", "empty_layer", "comment")),
        }

    def with_key(self, anchor, push, key, value=None):
        """A reference to a document with a further key, the object's first."""
        at = anchor.rindex("{") + 1
        return push(anchor, f"{anchor[:at]}{text(key)}: {text(value)}, "
                            f"{anchor[at:]}")


class Keys(Differentials):
    def test_keys_that_go_would_take_for_others_are_malformed(self):
        for name, (anchor, push, keys) in self.objects().items():
            for key in keys:
                for other in folded(key):
                    with self.subTest(name, key=other):
                        self.refused("MALFORMED", self.with_key(
                            anchor, push, other))

    def test_duplicate_keys_are_malformed(self):
        for name, (anchor, push, _) in self.objects().items():
            with self.subTest(name):
                key = anchor.rsplit('"', 2)[1]
                self.refused("MALFORMED", self.with_key(anchor, push, key))

    def test_duplicate_keys_without_meaning_are_malformed(self):
        for name, (anchor, push, _) in self.objects().items():
            with self.subTest(name):
                at = anchor.rindex("{") + 1
                self.refused("MALFORMED", push(
                    anchor, f'{anchor[:at]}"x": 1, "x": 1, {anchor[at:]}'))

    def test_duplicates_are_seen_through_escapes(self):
        for other in ("con\\u0066ig", "\\u0063onfig", "\\u0043onfig"):
            with self.subTest(other):
                self.refused("MALFORMED", self.image_with(
                    '{"schemaVersion"',
                    f'{{"{other}": null, "schemaVersion"'))

    def test_duplicates_in_free_maps_are_malformed(self):
        self.refused("MALFORMED", self.config_with(
            '"Labels": {', '"Labels": {"a": "c", '))

    def test_good_config_first_and_evil_config_last(self):
        good, evil = content.config(), content.config(user="0")
        for first, last in (("config", "Config"), ("Config", "config"),
                            ("config", "config")):
            with self.subTest(first, last=last):
                body = content.image(of=good).replaced(
                    '"config": ', f'"{last}": {text(evil.descriptor())}, '
                                  f'"{first}": ')
                body.parts.append(evil)
                self.refused("MALFORMED", self.reg.push("app:1", body))

    def test_free_maps_may_hold_keys_of_any_case(self):
        self.facts(self.config_with('"Labels": {',
                                    '"Labels": {"A": "c", "OS": "d", '))
        self.facts(self.config_with(
            '"Labels"', '"Volumes": {"/User": {}, "/user": {}}, '
            '"ExposedPorts": {"80/tcp": {}, "80/TCP": {}}, "Labels"'))
        self.facts(self.image_with(
            '{"schemaVersion"', '{"annotations": {"Config": "a", "config": '
            f'"b", "layer{LONG_S}": "c"}}, "schemaVersion"'))

    def test_unknown_keys_are_no_hindrance(self):
        for name, (anchor, push, _) in self.objects().items():
            with self.subTest(name):
                self.facts(self.with_key(anchor, push, "x-vendor", {"a": 1}))


class Syntax(Differentials):
    def broken(self, body, code="MALFORMED"):
        self.refused(code, self.reg.push("app:1", content.Document(
            body, content.OCI_MANIFEST)))

    def test_bytes_after_the_end_are_malformed(self):
        body = content.image().body
        for tail in (b"{}", b"x", b"\0", b",", body, b"//", b"\n]"):
            with self.subTest(tail[:5]):
                self.broken(body + tail)

    def test_bytes_after_a_config_s_end_are_malformed(self):
        config = content.config()
        config.body += b"{}"
        self.refused("MALFORMED", self.reg.push("app:1", content.image(
            of=config)))

    def test_blanks_around_are_fine(self):
        image = content.image()
        image.body = b" \r\n\t" + image.body + b"\n \n"
        self.facts(self.reg.push("app:1", image))

    def test_what_is_no_object_is_malformed(self):
        for body in (b"", b" ", b"null", b"[]", b'"a"', b"1", b"true",
                     b"<html>", b"\xef\xbb\xbf{}", b"\xff\xfe{\0}\0"):
            with self.subTest(body):
                self.broken(body)

    def test_byte_order_mark_is_malformed(self):
        self.broken(b"\xef\xbb\xbf" + content.image().body)

    def test_what_no_json_is_is_malformed(self):
        body = content.image().body
        for old, new in ((b"2,", b"2,,"), (b"}]}", b"},]}"),
                         (b'"schemaVersion"', b"'schemaVersion'"),
                         (b"2,", b"02,"), (b"2,", b"+2,"), (b"2,", b"NaN,"),
                         (b"2,", b"0x2,"), (b"2,", b"2/**/,"),
                         (b"1000", b"Infinity"), (b"1000", b"1_000")):
            with self.subTest(new):
                self.assertIn(old, body)
                self.broken(body.replace(old, new, 1))

    def test_strings_that_are_no_unicode_are_malformed(self):
        for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\\ud800",
                    b"\\udc00\\ud800", b"\\u0000", b"\0", b"\n", b"\\x41"):
            with self.subTest(bad):
                self.broken(content.image().body.replace(
                    b'{"schema', b'{"annotations": {"a": "' + bad
                    + b'"}, "schema', 1))

    def test_nul_in_a_key_is_malformed(self):
        self.broken(content.image().body.replace(
            b'{"schema', b'{"config\\u0000": 1, "schema', 1))

    def test_nesting_is_bounded(self):
        for depth in (33, 2049, 500000):
            for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
                with self.subTest(depth, opening=opening):
                    nest = opening * depth + b"1" + closing * depth
                    body = content.image().body.replace(
                        b'{"schema', b'{"x": ' + nest + b', "schema', 1)
                    self.broken(body)
                    self.broken(opening * depth)

    def test_thirty_levels_are_fine(self):
        image = content.image()
        image.body = image.body.replace(
            b'{"schema', b'{"x": ' + b"[" * 30 + b"]" * 30 + b', "schema', 1)
        self.facts(self.reg.push("app:1", image))

    def test_other_encodings_are_malformed(self):
        for encoding in ("utf-16", "utf-16-le", "utf-32"):
            with self.subTest(encoding):
                self.broken(content.image().body.decode().encode(encoding))

    def test_messages_quote_nothing_of_it(self):
        for body in (f'{{"{registry_case.fault_registry.MARK}": }}',
                     f'{{"mediaType": "{registry_case.fault_registry.MARK}",'
                     ' "schemaVersion": 2}'):
            outcome = self.inspect(self.reg.push("app:1", content.Document(
                body.encode(), content.OCI_MANIFEST)))
            self.assertEqual(outcome.code, "MALFORMED")


class Tokens(Differentials):
    """The token service's answer is read as strictly."""

    def test_answers_that_two_readers_read_differently_are_malformed(self):
        self.reg.bearer()
        ref = self.reg.push("app:1", content.image())
        self.reg.issue("good")
        for body in ('{"token": "good", "token": "evil"}',
                     '{"token": "good"}{}', '{"token": "good"} x', "[]", "",
                     '["good"]', '"good"', '{"token": {"a": "good"}}',
                     '{"token": 1}', "{}", '{"token": ""}', '{"token": null}'):
            with self.subTest(body):
                self.reg.on("GET", "/token").reply(200, body)
                self.refused("MALFORMED", ref)


if __name__ == "__main__":
    tap.main()
