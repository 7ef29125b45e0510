# SPDX-License-Identifier: Apache-2.0
"""wrk: reviews over kept connections, as many as a server answers."""

import itertools
import pathlib
import signal
import time

from lib import process

SCRIPT = pathlib.Path(__file__).with_suffix(".lua")

_names = itertools.count(1)


class Wrk:
    """
    wrk against a server, from now on for `seconds`.

    files: reviews, posted in turn
    check: each has as its uid "true-00000000" or "false-00000000", which is
           what its answer has to allow; what differs is an error
    rate:  reviews a second of all connections together; None: what is possible
    """

    def __init__(self, server, files, seconds, connections, rate=None,
                 check=False):
        pause = 1000 * connections // rate if rate else 0
        self.ends = time.monotonic() + seconds
        self.process = process.Process(f"wrk-{next(_names)}", [
            "wrk", "-t", "1", "-c", connections, "-d", f"{seconds}s",
            "--timeout", "10s", "-s", SCRIPT,
            f"https://127.0.0.1:{server.port}/validate?timeout=10s", "--",
            pause, "yes" if check else "no", *files])

    def wait(self):
        """Until its time is up; fills in what wrk tells then."""
        self.process.popen.wait(max(0, self.ends - time.monotonic()) + 60)
        self.stop()

    def stop(self):
        """The same, now."""
        self.process.stop(signal.SIGINT)
        self.text = self.process.text()
        result = [x.split()[1:] for x in self.text.splitlines()
                  if x.startswith("RESULT")]
        if not result or result[0][0] == "0":
            raise process.Failed(f"no answers:\n{self.text}")
        self.count, us, self.errors, self.p50, self.p99 = map(int, result[0])
        self.rate = self.count * 1e6 / us
