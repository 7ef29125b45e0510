# SPDX-License-Identifier: Apache-2.0
"""A Debian of a test's own, in a folder; made once and kept, for the next."""

import hashlib
import os
import pathlib
import shlex

from lib import paths, process

CACHE = pathlib.Path(os.environ.get(
    "XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "policy-gate"
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
       "DEBIAN_FRONTEND": "noninteractive"}
# systemd-nspawn keeps these from what it runs, as too new.
LANDLOCK = ("landlock_create_ruleset landlock_add_rule "
            "landlock_restrict_self")


def unpack(name, packages):
    """A small Debian that has these packages: its folder, below work()."""
    key = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    kept = CACHE / f"debian-{key}.tar"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(".new.tar")
        process.run(["mmdebstrap", "--variant=minbase", "--include",
                     ",".join(packages), "--dpkgopt=force-unsafe-io",
                     "bookworm", new], seconds=500)
        for old in CACHE.glob("debian-*[0-9a-f].tar"):
            old.unlink()
        new.rename(kept)
    root = paths.work() / name
    root.mkdir()
    process.run(["tar", "-C", root, "-xf", kept])
    return root


# In groups of its own: two systemd would take each other's services for theirs.
CONFINE = """
for top in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    [ -e $top/cgroup.procs ] || continue
    mkdir $top/$0 && echo $$ >$top/$0/cgroup.procs
done
exec "$@"
"""


def why_no_machine():
    """None, or why there can be none here."""
    # Not in a chroot, where services have no users of their own.
    done = process.run(["unshare", "--mount", "--pid", "--user", "--fork",
                        "true"], check=False)
    return None if done.returncode == 0 else done.stderr.strip()


class Machine:
    """Such a folder, run by its own systemd; with this machine's network."""

    def __init__(self, root):
        self.name = f"policy-gate-{os.getpid()}"
        self.process = process.Process("machine", [
            "sh", "-c", CONFINE, self.name, "systemd-nspawn", "--quiet",
            "--boot", "--directory", root, "--machine", self.name,
            "--register=no", "--keep-unit", "--console=pipe",
            f"--system-call-filter={LANDLOCK}"],
            env={"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        self.process.wait_until(self._init, "started")
        self.process.wait_until(lambda: self.run(
            "systemctl", "is-system-running", check=False).stdout.strip() in (
                "running", "degraded"), "up")

    def _init(self):
        """The process that is number 1 inside, or None."""
        children = pathlib.Path("/proc", str(self.process.pid), "task", str(
            self.process.pid), "children").read_text().split()
        return children[0] if children else None

    def run(self, *args, **kwargs):
        """As process.run(), inside."""
        return process.run(["nsenter", "-a", "-r", "-w", "-t", self._init(),
                            *args], env=ENV, **kwargs)

    def shell(self, line, **kwargs):
        return self.run(*shlex.split(line), **kwargs).stdout.strip()

    def off(self):
        # What ends the processes of a machine whose power is cut.
        self.run("systemctl", "poweroff", "--force", "--force", check=False)
        self.process.stop()
        for top in pathlib.Path("/sys/fs/cgroup").glob(f"**/{self.name}"):
            for group, _, _ in os.walk(top, topdown=False):
                os.rmdir(group)
