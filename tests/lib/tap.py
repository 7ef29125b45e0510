# SPDX-License-Identifier: Apache-2.0
"""Runs unittest cases and tells of them in the Test Anything Protocol."""

import argparse
import sys
import time
import traceback
import unittest

from lib import paths, process

LOG_LINES = 20
SLOW_S = 2


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.failed = 0
        self.sub_failures = []
        self.started = time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        self.sub_failures = []
        self.started = time.monotonic()

    def addSuccess(self, test):
        self._tell("ok", test)

    def addSkip(self, test, reason):
        self._tell("ok", test, f" # SKIP {reason}")

    def addError(self, test, err):
        self._fail(test, [*self.sub_failures, _text(err)])

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.sub_failures.append(
                f"in {subtest._subDescription()}:\n{_text(err)}")

    def stopTest(self, test):
        # A test of which only subtests fail is told of in no other way.
        if self.sub_failures:
            self._fail(test, self.sub_failures)
        super().stopTest(test)

    def _fail(self, test, reasons):
        self.failed += 1
        paths.keep_work = True
        self._tell("not ok", test)
        for reason in reasons:
            for line in reason.splitlines():
                print(f"#   {line}")
        process.show_logs(LOG_LINES)
        sys.stdout.flush()
        self.sub_failures = []

    def _tell(self, word, test, note=""):
        self.count += 1
        # What fails in setUpClass() or setUpModule() is no method of a test.
        name = f"{type(test).__name__}.{test._testMethodName}" if hasattr(
            test, "_testMethodName") else str(test)
        print(f"{word} {self.count} - {name}{note}")
        took = time.monotonic() - self.started
        if took >= SLOW_S:
            print(f"# took {took:.1f} s")
        sys.stdout.flush()


def _text(err):
    return "".join(traceback.format_exception(*err))


def main():
    """Runs the cases of the calling program: prog [-k PATTERN]..."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", action="append", metavar="PATTERN",
                        help="only tests whose name contains it")
    args = parser.parse_args()
    loader = unittest.TestLoader()
    if args.k:
        loader.testNamePatterns = [f"*{k}*" for k in args.k]
    suite = loader.loadTestsFromModule(sys.modules["__main__"])
    result = Result()
    try:
        suite.run(result)
    finally:
        process.stop_all()
    print(f"1..{result.count}", flush=True)
    sys.exit(1 if result.failed else 0)
