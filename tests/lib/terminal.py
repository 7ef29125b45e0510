# SPDX-License-Identifier: Apache-2.0
"""A terminal that a program believes in."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from lib import process


class Terminal:
    """Runs a program with stdout, or the streams named, on a terminal."""

    def __init__(self, argv, columns=80, streams=("stdout",), env=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [str(a) for a in argv], env=env, stdin=subprocess.DEVNULL,
            preexec_fn=process.settle_child,
            **{name: slave if name in streams else subprocess.PIPE
               for name in ("stdout", "stderr")})
        os.close(slave)

    def read_until(self, pattern):
        """What comes up to a match of this, or to the end."""
        text = ""
        while not re.search(pattern, text):
            more = self.read()
            if not more:
                break
            text += more
        return text

    def read(self):
        """What comes next; "" at the end."""
        try:
            return os.read(self.master, 65536).decode()
        except OSError:
            return ""

    def finish(self):
        """Waits; returns the exit status and the rest of what was shown."""
        text = "".join(iter(self.read, ""))
        os.close(self.master)
        self.process.communicate()
        return self.process.returncode, text.replace("\r\n", "\n")


def run(argv, columns=80, **options):
    """The exit status, and what the terminal was sent."""
    return Terminal(argv, columns, **options).finish()
