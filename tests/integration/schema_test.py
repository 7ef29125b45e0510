#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The schema and the parser judge policies alike.

tests/data/policies has a list of policies for each: what both accept, what
both refuse, and what only the parser can refuse (a schema knows no calendar).
"""

import json
import pathlib
import sys
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from lib import gate, paths, tap  # noqa: E402

SCHEMA = json.loads((ROOT / "policy" / "schema.json").read_text())


def policies(name):
    path = ROOT / "tests" / "data" / "policies" / f"{name}.json"
    return json.loads(path.read_text())


class Schema(unittest.TestCase):
    def assert_judged(self, name, by_parser, by_schema):
        validator = jsonschema.Draft7Validator(SCHEMA)
        for number, policy in enumerate(policies(name)):
            text = json.dumps(policy)
            with self.subTest(f"{name} {number}: {text}"):
                path = paths.write(f"{name}-{number}.json", text)
                done = gate.command("lint", path)
                self.assertEqual(
                    done.returncode, 0 if by_parser else 2, done.stdout)
                self.assertEqual(validator.is_valid(policy), by_schema)

    def test_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(SCHEMA)

    def test_accepts_what_the_parser_accepts(self):
        self.assert_judged("valid", True, True)

    def test_refuses_what_the_parser_refuses(self):
        self.assert_judged("invalid", False, False)

    def test_leaves_to_the_parser_what_no_schema_can_say(self):
        self.assert_judged("beyond-schema", False, True)


if __name__ == "__main__":
    tap.main()
