# SPDX-License-Identifier: Apache-2.0
"""A network of a test's own, with the names and addresses that it wants."""

import os
import sys

from lib import paths, process

INSIDE = "POLICY_GATE_TEST_NAMESPACE"


def enter():
    """
    Begins the program anew in network and mount namespaces of its own. Returns
    None inside of them, or the reason why that cannot be.
    """
    if INSIDE in os.environ:
        return None
    unshare = ["unshare", "--net", "--mount"]
    if os.geteuid() != 0:
        unshare.append("--map-root-user")
    done = process.run([*unshare, "ip", "link", "set", "lo", "up"],
                       check=False)
    if done.returncode != 0:
        return f"namespaces are not allowed here: {done.stderr.strip()}"
    os.environ[INSIDE] = "1"
    return os.execvp("unshare", [*unshare, sys.executable, *sys.argv])


def bring_up(addresses):
    """All of them are this machine's; what else there is, is out of reach."""
    process.run(["ip", "link", "set", "lo", "up"])
    for address in addresses:
        options = ["/128", "nodad"] if ":" in address else ["/32"]
        process.run(["ip", "address", "replace", address + options[0], "dev",
                     "lo", *options[1:]])


def instead_of(path, text):
    """Until the end, all programs of ours read this there."""
    process.run(["mount", "--bind", paths.write(path.strip("/").replace(
        "/", "-"), text), path])
