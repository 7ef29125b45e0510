#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the compiler and linker put into the program against those who find a
bug in it, read from the program itself. Less than two seconds."""

import pathlib
import platform
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, process, tap  # noqa: E402


def readelf(*options):
    return process.run(["readelf", "-W", *options, paths.GATE]).stdout


class Hardened(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.imports = set(re.findall(r" UND (\w+)", readelf("--dyn-syms")))
        cls.segments = {m[1]: m[2] for m in re.finditer(
            r"^  (\S+) +(?:0x\S+ +){5}([RWE ]{3})", readelf("-l"), re.M)}

    def test_it_is_loaded_where_nobody_knows(self):
        self.assertRegex(readelf("-h"), r"Type: +DYN ")
        self.assertRegex(readelf("-d"), r"FLAGS_1\).*\bPIE\b")

    def test_what_the_loader_has_settled_is_read_only(self):
        self.assertIn("GNU_RELRO", self.segments)
        self.assertRegex(readelf("-d"), r"\(FLAGS\).*\bBIND_NOW\b")

    def test_nothing_can_be_written_and_run(self):
        self.assertEqual(self.segments["GNU_STACK"], "RW ")
        loaded = re.findall(r"^  LOAD +(?:0x\S+ +){5}([RWE ]{3})",
                            readelf("-l"), re.M)
        self.assertGreater(len(loaded), 2)
        self.assertNotIn("RWE", loaded)
        self.assertNotIn("TEXTREL", readelf("-d"))

    def test_a_stack_that_is_overrun_is_noticed(self):
        self.assertIn("__stack_chk_fail", self.imports)

    def test_calls_of_libc_know_how_large_a_buffer_is(self):
        if gate.instrumented():
            self.skipTest("FORTIFY needs an optimised build")
        fortified = {f for f in self.imports if f.endswith("_chk")}
        self.assertLessEqual({"__snprintf_chk", "__vsnprintf_chk",
                              "__fprintf_chk"}, fortified)

    def test_every_file_is_compiled_so(self):
        """One that is not would take the marks of those that are."""
        if gate.instrumented():
            self.skipTest("an ordinary build is what is shipped")
        said = process.run(["make", "-n", "-B", "-C", paths.ROOT, "NODEPS=1",
                            "V=1", "all"]).stdout
        compiled = [line for line in said.splitlines() if re.search(
            r" -c -o \S+ \S+\.c$", line)]
        self.assertGreater(len(compiled), 100)
        wanted = ["-fstack-protector-strong", "-fstack-clash-protection",
                  "-fPIE", "-D_FORTIFY_SOURCE=2"]
        if platform.machine() == "x86_64":
            wanted.append("-fcf-protection")
        for line in compiled:
            for flag in wanted:
                self.assertIn(flag, line)


if __name__ == "__main__":
    tap.main()
