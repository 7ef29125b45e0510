# SPDX-License-Identifier: Apache-2.0
"""Processes of a test's own: started, waited for, stopped, with their logs."""

import atexit
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

from lib import paths

START_S = 30
STOP_S = 20
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)
_running = []
# Called with every command that is run, where set: for people who watch.
trace = None
_given_ports = set()


class Failed(Exception):
    """Something that a test needs does not work."""


def free_port():
    """A TCP port of 127.0.0.1 that nobody listens on; never the same twice."""
    while True:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        if port not in _given_ports:
            _given_ports.add(port)
            return port


def listens(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def settle_child():
    """Dies with its parent, and hears SIGINT even where a shell's "&" has
    made all of us deaf to it."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Process:
    """A program in the background; its output goes into a file in work()."""

    def __init__(self, name, argv, env=None, cwd=None):
        argv = [str(a) for a in argv]
        if trace:
            trace(argv, True)
        self.name = name
        self.log = paths.work() / f"{name}.log"
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, **(env or {})), cwd=cwd,
                preexec_fn=settle_child)
        _running.append(self)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def text(self):
        return self.log.read_text(errors="replace")

    def tail(self, lines):
        return "\n".join(self.text().splitlines()[-lines:])

    def wait_until(self, ready, what, seconds=START_S):
        """Calls ready() until it is true, the process ends or time is up."""
        end = time.monotonic() + seconds
        while not ready():
            if not self.running():
                raise Failed(f"{self.name} ended with {self.popen.returncode}"
                             f" before {what}:\n{self.tail(30)}")
            if time.monotonic() > end:
                raise Failed(f"{self.name}: not {what} in {seconds} s:\n"
                             f"{self.tail(30)}")
            time.sleep(0.02)

    def wait_port(self, port, seconds=START_S):
        self.wait_until(lambda: listens(port), f"listening on {port}", seconds)

    def stop(self, sig=signal.SIGTERM, seconds=STOP_S):
        """Returns the exit status; a process that does not stop is killed."""
        if self in _running:
            _running.remove(self)
        if self.running():
            self.popen.send_signal(sig)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise Failed(f"{self.name} did not stop in {seconds} s") from None

    def rss(self):
        """Resident memory in bytes."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def files(self):
        """How many descriptors are open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def peak(self):
        """The most resident memory that it has had, in bytes."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise Failed(f"{self.name}: no VmHWM")


def run(argv, check=True, seconds=120, **kwargs):
    """A program in the foreground, its output captured as text."""
    if "input" not in kwargs:
        kwargs.setdefault("stdin", subprocess.DEVNULL)
    kwargs.setdefault("stdout", subprocess.PIPE)
    kwargs.setdefault("stderr", subprocess.PIPE)
    argv = [str(a) for a in argv]
    if trace:
        trace(argv, False)
    done = subprocess.run(argv, text=True, timeout=seconds, check=False,
                          **kwargs)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(argv)} ended with {done.returncode}:\n"
                     f"{done.stdout}{done.stderr}")
    return done


# A process begins with its parent's size as its peak: a small parent measures.
_MEASURE = """
import os, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
with open(sys.argv[1], "w") as report:
    report.write(str(used.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def run_measured(argv, **kwargs):
    """As run(), with the most memory that it had, in bytes."""
    report = paths.work() / f"peak-{time.monotonic_ns()}"
    done = run([sys.executable, "-I", "-S", "-c", _MEASURE, report, *argv],
               **kwargs)
    return done, int(report.read_text()) * 1024


def show_logs(lines):
    for p in _running:
        print(f"# last lines of {p.log}:")
        for line in p.text().splitlines()[-lines:]:
            print(f"#   {line[:400]}")


def stop_all():
    for p in reversed(list(_running)):
        try:
            p.stop()
        except Failed as e:
            print(f"# {e}")
    end_children()


def end_children():
    """Those whose start was interrupted: nobody else knows of them."""
    for task in pathlib.Path("/proc/self/task").iterdir():
        try:
            children = (task / "children").read_text()
        except FileNotFoundError:
            continue  # the thread has ended
        for pid in map(int, children.split()):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


atexit.register(stop_all)
