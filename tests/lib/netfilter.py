# SPDX-License-Identifier: Apache-2.0
"""
Packets that get lost on their way to a port: in a network of a test's own (see
lib.namespace), never elsewhere. The kernels that tests meet lack netem; what
delays is lib.relay.
"""

import os

from lib import namespace, paths, process


def _rule(*match):
    if namespace.INSIDE not in os.environ:
        raise process.Failed("only in a network of its own")
    process.run(["iptables", "-w", *match], env=dict(
        os.environ, XTABLES_LOCKFILE=str(paths.work() / "xtables.lock")))


def lose(port, share):
    """So many of 1 of what goes to the port, and of what comes from it."""
    for way in ("--dport", "--sport"):
        _rule("-A", "INPUT", "-p", "tcp", way, port, "-m", "statistic",
              "--mode", "random", "--probability", share, "-j", "DROP")


def half_open(port):
    """Connections are accepted, and nothing more is heard of any, be it
    old or new."""
    _rule("-A", "INPUT", "-p", "tcp", "--dport", port, "!", "--syn", "-j",
          "DROP")


def mend():
    _rule("-F", "INPUT")
