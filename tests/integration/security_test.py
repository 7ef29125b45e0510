#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/SECURITY.md promises nothing that no test shows. At once."""

import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import paths, tap  # noqa: E402

DOCUMENT = paths.ROOT / "deploy" / "SECURITY.md"
NAMED = re.compile(r"`(\w+_test)\.(\w+)`")


def exists(stem, name):
    """Some programs in unit/ and integration/ have the same name."""
    pattern = {".py": rf"def {name}\(", ".c": rf"^{name}\(void|\(\"?{name}\b"}
    return any(re.search(pattern[f.suffix], f.read_text(), re.MULTILINE)
               for f in (paths.ROOT / "tests").glob(f"*/{stem}.*")
               if f.suffix in pattern)


class Security(unittest.TestCase):
    def test_each_promise_names_a_test(self):
        rows = [line for line in DOCUMENT.read_text().splitlines()
                if line.startswith("|") and "|---|" not in line
                and not line.startswith("| could gain")]
        self.assertGreater(len(rows), 20)
        for row in rows:
            self.assertRegex(row.split("|")[3], NAMED, row)

    def test_each_test_that_is_named_exists(self):
        for stem, name in NAMED.findall(DOCUMENT.read_text()):
            with self.subTest(test=f"{stem}.{name}"):
                self.assertTrue(exists(stem, name))


if __name__ == "__main__":
    tap.main()
