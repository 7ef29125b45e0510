#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The Debian package of `make deb`: in order, installed in a Debian of its own,
run there by systemd, replaced by the next, and gone without a trace.

About 40 s; that Debian is made once, in a minute, and kept in
${XDG_CACHE_HOME:-~/.cache}/policy-gate.
"""

import json
import os
import pathlib
import re
import socket
import ssl
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import (  # noqa: E402
    debian, gate, images, paths, process, readme, tap)

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


def unpack(name):
    """A Debian that has what the package depends on, and systemd."""
    needed = re.findall(r"(?:^|, )([\w.+-]+)", field("Depends"))
    return debian.unpack(name, [*needed, "systemd-sysv"])


def install(root):
    """As README has it."""
    here = root / "build" / "deb"
    here.mkdir(parents=True)
    (here / deb.name).write_bytes(deb.read_bytes())
    make, line = readme.block("sh", "make deb").splitlines()
    assert make == "make deb"
    process.run(["chroot", root, "bash", "-c", line], env=debian.ENV)


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
        cls.root = unpack("installed")
        cls.before = cls.files()
        install(cls.root)

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


class Served(gate.Gate):
    """The gate of a machine, as far as it is asked."""

    def __init__(self, port, ca):
        self.port = port
        self.tls = ssl.create_default_context(cafile=ca)

    def certificate(self):
        with self.tls.wrap_socket(socket.create_connection(
                ("127.0.0.1", self.port)), server_hostname="localhost") as s:
            return s.getpeercert()


class Booted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = debian.why_no_machine()
        if why:
            raise unittest.SkipTest(why)
        cls.registry = images.serve()
        cls.root = unpack("booted")
        install(cls.root)
        cls.machine = debian.Machine(cls.root)
        cls.port = process.free_port()
        cls.settings = (cls.root / "etc/default/policy-gate").read_text()
        cls.policy = cls.root / "etc/policy-gate/policy.yaml"
        cls.policy.parent.mkdir()
        (cls.policy.parent / "config.yaml").write_text(json.dumps({
            "version": 1, "registries": cls.registry.settings(),
            "dockerConfig": "/run/credentials/policy-gate.service/docker",
            "cache": {"dir": "/var/cache/policy-gate"}}))
        secret = cls.root / "etc/policy-gate/secret"
        secret.write_text('{"auths": {}}')
        secret.chmod(0o600)
        drop_in = cls.root / "etc/systemd/system/policy-gate.service.d/a.conf"
        drop_in.parent.mkdir()
        drop_in.write_text(
            "[Service]\nLoadCredential=docker:/etc/policy-gate/secret\n")
        cls.configure()
        cls.machine.shell("systemctl enable --quiet --now policy-gate")
        cls.served = Served(
            cls.port, cls.root / "var/lib/policy-gate/certs/ca.crt")

    @classmethod
    def tearDownClass(cls):
        cls.machine.off()
        cls.registry.close()

    @classmethod
    def configure(cls, certs="--dns localhost --ip 127.0.0.1"):
        """What an administrator writes into /etc."""
        cls.policy.write_text(gate.POLICY)
        serve = (f"--policy /etc/policy-gate/policy.yaml --config "
                 f"/etc/policy-gate/config.yaml --listen 127.0.0.1:{cls.port} "
                 f"--metrics-listen 127.0.0.1:{process.free_port()} "
                 "--shutdown-delay 0")
        text = cls.settings
        for name, value in ("SERVE_ARGS", serve), ("CERTS_ARGS", certs):
            text, n = re.subn(rf'(?m)^{name}=".*"$', f'{name}="{value}"', text)
            assert n == 1
        (cls.root / "etc/default/policy-gate").write_text(text)

    def setUp(self):
        self.configure()

    def systemctl(self, line, status=0):
        done = self.machine.run("systemctl", *line.split(), check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout.strip()

    def property(self, name):
        return self.systemctl(f"show --value -p {name} policy-gate")

    def journal(self, unit="policy-gate"):
        """What the service has said, the newest first."""
        lines = self.machine.shell(
            f"journalctl -r -o json _SYSTEMD_UNIT={unit}.service")
        return [json.loads(line) for line in lines.splitlines()]

    def events(self, event):
        return [e for e in self.journal() if f'"event":"{event}"' in e[
            "MESSAGE"]]

    def wait(self, ready, what):
        self.machine.process.wait_until(ready, what, 15)

    def is_ready(self):
        try:
            return self.served.request("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def ask(self, image):
        return self.served.post(gate.review(gate.pod(
            self.registry.ref(image))))

    def test_it_judges_within_both_sandboxes(self):
        self.assertTrue(self.ask("shop/lean:1")["allowed"])
        self.assertIn("20 MiB",
                      self.ask("shop/bloated:1")["status"]["message"])
        said, = self.events("sandbox")[:1]
        told = json.loads(said["MESSAGE"])
        if not gate.instrumented():
            self.assertEqual((told["files"], told["systemCalls"]),
                             ("on", "on"))
        kept = self.machine.shell("ls -A /var/cache/policy-gate").split()
        self.assertIn("documents.sqlite", kept)

    def test_journal_has_the_level_of_each_line(self):
        levels = {"debug": "7", "info": "6", "warn": "4", "error": "3"}
        lines = [e for e in self.journal() if e["MESSAGE"][0] == "{"]
        self.assertTrue(lines)
        for entry in lines:
            told = json.loads(entry["MESSAGE"])
            self.assertEqual(entry["PRIORITY"], levels[told["level"]])

    def test_each_start_was_ready_when_systemctl_returned(self):
        for verb in "restart", "stop", "start":
            self.systemctl(f"{verb} policy-gate")
            self.assertEqual(self.is_ready(), verb != "stop")
        self.assertEqual(self.property("Result"), "success")

    def test_a_start_with_a_wrong_policy_fails_until_it_is_mended(self):
        self.policy.write_text(gate.POLICY.replace("enforce", "inforce"))
        self.systemctl("restart policy-gate", status=1)
        said = [e["PRIORITY"] for e in self.journal() if e[
            "MESSAGE"].startswith("/etc/policy-gate/policy.yaml:3:7")]
        self.assertEqual(set(said), {"4"})
        self.policy.write_text(gate.POLICY)
        self.wait(self.is_ready, "started by itself")

    # /bin/kill is procps', which a small Debian does not have.
    def test_a_reload_with_a_wrong_policy_is_refused(self):
        pid = self.property("MainPID")
        for text, event in (gate.POLICY.replace("enforce", "inforce"),
                            "reload_refused"), (gate.POLICY, "reloaded"):
            before = len(self.events(event))
            self.policy.write_text(text)
            self.systemctl("reload policy-gate")
            self.wait(lambda: len(self.events(event)) > before, event)
        self.assertEqual(self.property("MainPID"), pid)
        self.assertTrue(self.ask("shop/lean:1")["allowed"])

    def test_killed_it_comes_back(self):
        self.systemctl("kill -s KILL policy-gate")
        self.wait(lambda: not self.is_ready(), "gone")
        self.wait(self.is_ready, "back")
        self.assertNotEqual(self.property("NRestarts"), "0")

    # CERTS_ARGS was heard only when there were no certificates.
    def test_other_names_make_another_certificate_at_the_next_start(self):
        self.configure(certs="--dns localhost --dns gate.corp --ip 127.0.0.1")
        self.systemctl("restart policy-gate")
        self.assertIn(("DNS", "gate.corp"),
                      self.served.certificate()["subjectAltName"])

    def test_a_renewal_is_taken_up_without_a_restart(self):
        pid = self.property("MainPID")
        before = self.served.certificate()["serialNumber"]
        self.assertIn("policy-gate-certs.timer", self.systemctl(
            "list-timers --no-legend"))
        self.configure("--now leaf")
        self.systemctl("start policy-gate-certs")
        self.wait(lambda: self.served.certificate()[
            "serialNumber"] != before, "new")
        self.assertEqual(self.property("MainPID"), pid)

    # Requires= kept a gate down that had a certificate.
    def test_it_starts_where_a_renewal_fails(self):
        self.configure("--ip nonsense")
        self.addCleanup(self.systemctl, "reset-failed")
        self.systemctl("start policy-gate-certs", status=1)
        self.systemctl("restart policy-gate")
        self.assertTrue(self.is_ready())

    # The last one, by its name. Replaced it stayed down, removed it stayed up.
    def test_while_it_runs_it_is_replaced_and_purged(self):
        pid = self.property("MainPID")
        tree = self.root / "build" / "next"
        process.run(["dpkg-deb", "-R", deb, tree])
        control = tree / "DEBIAN" / "control"
        control.write_text(re.sub(r"(?m)^Version: .*$", "Version: 999",
                                  control.read_text()))
        process.run(["dpkg-deb", "-Znone", "-b", tree, tree.parent])
        self.machine.shell("sh -c 'dpkg -i --force-confold /build/*_999_*'")
        self.assertNotEqual(self.property("MainPID"), pid)
        self.assertTrue(self.is_ready())
        self.assertTrue(self.policy.exists())
        self.machine.shell("dpkg --purge policy-gate")
        self.assertFalse(self.is_ready())
        self.assertEqual(self.machine.shell(
            "systemctl list-units --all --no-legend policy-gate*"), "")
        for name in "lib", "lib/private", "cache", "cache/private":
            self.assertEqual(list((self.root / "var" / name).glob(
                "policy-gate")), [])


if __name__ == "__main__":
    tap.main()
