#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The Debian package of `make deb`: in order, installed in a Debian of its own,
run there as its units say, and gone without a trace.

About 15 s; that Debian is made once, in a minute, and kept in
${XDG_CACHE_HOME:-~/.cache}/policy-gate.
"""

import hashlib
import os
import pathlib
import re
import shlex
import signal
import ssl
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, process, readme, tap  # noqa: E402

CACHE = pathlib.Path(os.environ.get(
    "XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "policy-gate"
UNITS = ("policy-gate.service", "policy-gate-certs.service",
         "policy-gate-certs.timer")
EXPOSURE_MAX = 15  # tenths; systemd calls up to 20 "safe"

deb = None


def setUpModule():
    global deb
    if os.geteuid() != 0:
        raise unittest.SkipTest("it takes root to install a package")
    done = process.run(["make", "-s", "deb", "NODEPS=1",
                        f"B={os.path.relpath(paths.BUILD, paths.ROOT)}"],
                       cwd=paths.ROOT)
    deb = paths.ROOT / done.stdout.splitlines()[-1]


def field(name):
    return process.run(["dpkg-deb", "-f", deb, name]).stdout.strip()


def debian():
    """A folder with a small Debian that has what the package depends on."""
    needed = re.findall(r"(?:^|, )([\w.+-]+)", field("Depends"))
    key = hashlib.sha256(" ".join(needed).encode()).hexdigest()[:12]
    kept = CACHE / f"debian-{key}.tar"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(".new.tar")
        process.run(["mmdebstrap", "--variant=minbase", "--include",
                     ",".join(needed), "--dpkgopt=force-unsafe-io",
                     "bookworm", new], seconds=500)
        for old in CACHE.glob("debian-*[0-9a-f].tar"):
            old.unlink()
        new.rename(kept)
    root = paths.work() / "root"
    root.mkdir()
    process.run(["tar", "-C", root, "-xf", kept])
    return root


class Package(unittest.TestCase):
    def test_versions_sort_as_they_were_released(self):
        script = paths.ROOT / "deploy" / "debian" / "version"
        versions = [process.run([script, v, epoch]).stdout.strip()
                    for v, epoch in (
                        ("4c3e7fe", "1790000000"), ("0123456", "1790000001"),
                        ("0123456-dirty", "1790000001"), ("v0.9", "0"),
                        ("v1.0.0-rc1", "0"), ("v1.0.0-rc1-2-g12ab34c", "0"),
                        ("v1.0.0", "0"), ("v1.0.0-3-gabcdef0", "0"),
                        ("v1.0.0-3-gabcdef0-dirty", "0"), ("v1.0.1", "0"))]
        for one, next_one in zip(versions, versions[1:]):
            process.run(["dpkg", "--validate-version", one])
            process.run(["dpkg", "--compare-versions", one, "lt", next_one])
        self.assertEqual(versions[5], "1.0.0~rc1+2.g12ab34c")

    def test_lintian_has_nothing_to_say(self):
        done = process.run(["lintian", "--fail-on", "error,warning", deb],
                           check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_it_depends_on_the_libraries_that_it_is_linked_with(self):
        self.assertRegex(field("Depends"), r"libcurl4 \(>= [\d.]+\)")


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = debian()
        cls.before = cls.files()
        here = cls.root / "build" / "deb"
        here.mkdir(parents=True)
        (here / deb.name).write_bytes(deb.read_bytes())
        make, install = readme.block("sh", "make deb").splitlines()
        assert make == "make deb"
        cls.run_inside("bash", "-c", install, env=dict(
            os.environ, DEBIAN_FRONTEND="noninteractive"))

    @classmethod
    def run_inside(cls, *args, **kwargs):
        return process.run(["chroot", cls.root, *args], **kwargs)

    @classmethod
    def files(cls):
        """What there is, but for what dpkg, apt and their friends note down."""
        return {str(p.relative_to(cls.root)) for p in cls.root.rglob("*")
                if not re.match(r"(build|var/(lib/(dpkg|apt)|cache|log))(/|$)",
                                str(p.relative_to(cls.root)))}

    def unit(self, name):
        return (self.root / "lib/systemd/system" / name).read_text()

    def environment(self):
        text = (self.root / "etc/default/policy-gate").read_text()
        return dict(re.findall(r'(?m)^(\w+)="(.*)"$', text))

    def command(self, unit):
        """What systemd would run, as a list."""
        line, = re.findall(r"(?m)^ExecStart=(.*)$", self.unit(unit))
        words = []
        for word in shlex.split(line.replace("%S", "/var/lib")):
            name = re.fullmatch(r"\$([A-Z_]+)", word)
            words += shlex.split(self.environment()[name[1]]) if name else [
                word]
        return words

    def test_it_runs(self):
        done = self.run_inside("policy-gate", "version")
        self.assertEqual(done.stdout, gate.command("version").stdout)
        done = self.run_inside("policy-gate", "lint", *(
            f"/usr/share/policy-gate/presets/{p.name}"
            for p in (paths.ROOT / "policy" / "presets").glob("*.yaml")))
        self.assertNotIn("error", done.stdout)

    def test_all_of_it_is_there(self):
        there = self.run_inside("dpkg", "-L", "policy-gate").stdout.split()
        self.assertLessEqual({
            "/usr/bin/policy-gate", "/usr/share/man/man1/policy-gate.1.gz",
            "/usr/share/bash-completion/completions/policy-gate",
            "/usr/share/zsh/vendor-completions/_policy-gate",
            "/usr/share/policy-gate/schema.json",
            "/usr/share/policy-gate/presets/restricted.yaml",
            "/etc/default/policy-gate",
            *(f"/lib/systemd/system/{u}" for u in UNITS)}, set(there))

    def test_man_page_has_no_warnings(self):
        done = process.run(["man", "--warnings", "-l", (
            self.root / "usr/share/man/man1/policy-gate.1.gz")])
        self.assertEqual(done.stderr, "")

    def test_nothing_is_enabled_unasked(self):
        self.assertEqual(list((self.root / "etc/systemd").rglob(
            "policy-gate*")), [])

    def test_units_are_sound_and_tight(self):
        folder = paths.work() / "units"
        folder.mkdir()
        for name in UNITS:
            (folder / name).write_text(self.unit(name).replace(
                "/usr/bin/policy-gate", str(paths.GATE)))
        for name in UNITS:
            done = process.run(["systemd-analyze", "verify", "--man=no",
                                folder / name])
            self.assertNotIn("policy-gate", done.stderr)
        for name in UNITS[:2]:
            process.run(["systemd-analyze", "security", "--offline=yes",
                         f"--threshold={EXPOSURE_MAX}", "--no-pager",
                         folder / name])

    def test_it_serves_as_its_units_say(self):
        port, metrics = process.free_port(), process.free_port()
        default = self.root / "etc/default/policy-gate"
        default.write_text(default.read_text().replace(
            'audit-first"', f'audit-first --listen 127.0.0.1:{port} '
            f'--metrics-listen 127.0.0.1:{metrics} --shutdown-delay 0"', 1))
        certs = self.command("policy-gate-certs.service")
        (self.root / "var/lib/policy-gate").mkdir()
        made = self.run_inside(*certs)
        self.assertIn("valid 90 days", made.stdout + made.stderr)
        again = self.run_inside(*certs)
        self.assertIn("nothing to do", again.stdout + again.stderr)
        server = process.Process("serve", [
            "chroot", self.root, *self.command("policy-gate.service")])
        server.wait_port(port)
        tls = ssl.create_default_context(
            cafile=self.root / "var/lib/policy-gate/certs/ca.crt")
        with urllib.request.urlopen(f"https://localhost:{port}/readyz",
                                    timeout=10, context=tls) as answer:
            self.assertEqual(answer.read(), b"ok\n")
        # What ExecReload says.
        self.assertIn("\nExecReload=/bin/kill -HUP $MAINPID\n",
                      self.unit("policy-gate.service"))
        server.popen.send_signal(signal.SIGHUP)
        server.wait_until(lambda: '"reload' in server.text(), "reloaded", 10)
        self.assertEqual(server.stop(), 0)

    # The last one, by its name.
    def test_when_purged_it_leaves_nothing(self):
        for name in ("lib", "lib/private", "cache/private"):
            (self.root / "var" / name / "policy-gate" / "x").mkdir(
                parents=True, exist_ok=True)
        self.run_inside("dpkg", "--purge", "policy-gate")
        self.assertEqual(self.files() - self.before - {"var/lib/private"},
                         set())
        self.assertEqual(list((self.root / "var/cache").rglob(
            "*policy-gate*")), [])


if __name__ == "__main__":
    tap.main()
