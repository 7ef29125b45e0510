#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a registry warns of reaches people, and changes nothing."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, registry_case, tap  # noqa: E402


class Warnings(registry_case.Case):
    def setUp(self):
        super().setUp()
        self.reg = self.registry()
        self.ref = self.reg.push("app:1", content.image())

    def warn(self, *values):
        self.reg.on("GET", "/v2/*").serve(headers={"Warning": list(values)})

    def told(self, *values):
        """The warnings on stderr."""
        self.warn(*values)
        return self.facts(self.ref).stderr.splitlines()

    def test_command_tells_each_once(self):
        self.assertEqual(
            self.told('299 - "app moves to \\"apps\\""', '299 - "two"'),
            [f'warning: {self.reg.host}: app moves to "apps"',
             f"warning: {self.reg.host}: two"])

    def test_what_reaches_a_terminal_is_harmless(self):
        override = "\u202e".encode().decode("latin-1")
        self.assertEqual(
            self.told(f'299 - "a\x1b[31m\tb{override}c"'),
            [f"warning: {self.reg.host}: a?[31m b?c"])

    def test_other_warnings_are_none(self):
        self.assertEqual(self.told(
            '199 - "a"', '299 proxy "a"', '299 - a', '299 - "a', ""), [])

    def test_at_most_4096_bytes_of_an_answer_are_told(self):
        lines = self.told(*(f'299 - "{c * 1000}"' for c in "abcdef"))
        self.assertEqual([line[-1] for line in lines], list("abcd"))
        self.assertEqual(self.told(f'299 - "{"a" * 5000}"'), [])

    def test_at_most_sixteen_of_an_answer_are_told(self):
        self.assertEqual(len(self.told(
            *(f'299 - "{i}"' for i in range(40)))), 16)

    def test_failure_tells_them_too(self):
        self.reg.on("GET", "/v2/*").fail(404, headers={
            "Warning": '299 - "was deleted"'})
        self.assertIn("was deleted",
                      self.refused("NOT_FOUND", self.ref).stderr)

    def test_storage_has_no_say(self):
        storage = self.registry()
        storage.push("app:1", content.image())
        storage.on("GET", "*").serve(headers={"Warning": '299 - "x"'})
        self.reg.on("GET", "/v2/*/blobs/*").redirect(
            lambda r: storage.url + r.path)
        self.assertEqual(self.facts(self.ref).stderr, "")

    def test_log_of_serve_tells_each_once_and_a_review_does_not(self):
        self.warn('299 - "app moves"')
        server = self.serve(self.config())
        for number in range(3):
            answer = self.post(server, self.reg.push(
                f"app:{number}", content.image(user=str(number))))
            self.assertTrue(answer["allowed"])
            self.assertNotIn("moves", str(answer))
        entries = server.log("registry_warning")
        self.assertEqual([(e["registry"], e["detail"], e["level"])
                          for e in entries],
                         [(self.reg.host, "app moves", "warn")])


if __name__ == "__main__":
    tap.main()
