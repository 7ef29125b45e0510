#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A policy of several files and folders is one policy, wherever one is taken.
"""

import pathlib
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, tap  # noqa: E402

TAGS = """\
version: 1
name: tags
rules:
  - {name: tags, check: {tag: {deny: [latest]}}}
"""
SOURCES = """\
{"version": 1, "name": "sources", "rules": [
  {"name": "sources", "check": {"source": {"allow": ["a.corp/**"]}}}]}
"""
WAIVERS = """\
version: 1
waivers:
  - rule: sources
    match: {images: ["b.corp/**"]}
    owner: team-b
    reason: moving
    expires: 2999-12-31
"""


def folder(name, **files):
    """A fresh folder with these files, `_` in their names for `.`."""
    shutil.rmtree(paths.work() / name, ignore_errors=True)
    for file, text in files.items():
        paths.write(f"{name}/{file.replace('_', '.')}", text)
    return paths.work() / name


def findings(document):
    return [f["rule"] for w in document["workloads"] for i in w["images"]
            for f in i["findings"] if not f["waived"]]


class Policies(unittest.TestCase):
    def check(self, *args):
        policies = [a for p in args[:-1] for a in ("--policy", p)]
        return gate.check(None, None, *policies, args[-1])

    def test_files_and_folders_are_read_in_order(self):
        own = folder("own", z_yml=WAIVERS, b_json=SOURCES, a_yaml=TAGS,
                     notes_txt="no policy", _hidden_yaml="[")
        paths.write("own/deeper/no.yaml", "[")
        document, status = self.check(own, "preset:lean", "c.corp/x:latest")
        self.assertEqual(status, 1)
        self.assertEqual(document["policy"]["name"], "tags+sources+lean")
        self.assertEqual(findings(document)[:2], ["tags", "sources"])
        document, _ = self.check(own, "b.corp/x:latest")
        self.assertEqual(findings(document), ["tags"])

    def test_the_digest_is_what_sha256sum_says(self):
        own = folder("digest", b_json=SOURCES, a_yaml=TAGS)
        one, several = ((self.check(p, "a.corp/x:1")[0])["policy"]["sha256"]
                        for p in (own / "a.yaml", own))
        for command, said in (("sha256sum a.yaml", one),
                              ("sha256sum a.yaml b.json | cut -c-64 | "
                               "sha256sum", several)):
            done = subprocess.run(["sh", "-c", command], cwd=own, check=True,
                                  stdout=subprocess.PIPE, text=True)
            self.assertEqual(done.stdout.split()[0], said)

    def test_says_where_files_disagree(self):
        a = paths.write("a.yaml", TAGS + "mode: warn\n")
        b = paths.write("b.yaml", TAGS.replace("name: tags\n", "mode: audit\n")
                        + "onEror: deny\n")
        for command in (("lint", "--policy", a, "--policy", b),
                        ("check", "--policy", a, "--policy", b, "x")):
            done = gate.command(*command)
            said = done.stdout + done.stderr
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"{b}:2:7: error: mode: is not what {a}:5:7", said)
            self.assertRegex(said, rf'{b}:4:12: .*"tags".*at {a}:4:12')
            self.assertRegex(said, rf'{b}:5:1: .*did you mean "onError"')
        self.assertEqual(gate.command("lint", a).returncode, 0)

    def test_lint_reads_arguments_one_by_one(self):
        a, b = (paths.write(f"{n}.yaml", TAGS) for n in ("one", "two"))
        done = gate.command("lint", a, b)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout.count("ok: tags, 1 rule\n"), 2)

    def test_says_what_cannot_be_read(self):
        empty = folder("empty", notes_txt="")
        for path, complaint in ((empty, "no .yaml"),
                                ("none.yaml", "No such file"),
                                ("preset:leen", 'did you mean "preset:lean"'),
                                (paths.write("two.yaml", "a: 1\n---\nb: 2\n"),
                                 "two.yaml:3:1: error: one document")):
            done = gate.command("check", "--policy", "preset:lean",
                                "--policy", path, "x")
            self.assertEqual(done.returncode, 2)
            self.assertIn(complaint, done.stderr)

    def test_a_suite_may_name_several(self):
        folder("suite", b_json=SOURCES, a_yaml=TAGS, suite_yaml="""\
version: 1
policy: [a.yaml, b.json]
images: {}
cases:
  - name: both
    image: b.corp/x:latest
    expect: {verdict: deny, findings: [tags/tag.deny, sources/source.allow]}
""")
        done = gate.command("test", paths.work() / "suite" / "suite.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Serve(unittest.TestCase):
    """What is under --policy is watched, files that come later too."""

    @classmethod
    def setUpClass(cls):
        cls.own = folder("served", a_yaml=TAGS)
        cls.gate = gate.Gate(cls.own, args=["--policy", paths.write(
            "extra.yaml", WAIVERS)])

    @classmethod
    def tearDownClass(cls):
        cls.gate.stop()

    def test_says_in_its_log_which_waivers_have_expired(self):
        path = paths.write("expired.yaml", TAGS + WAIVERS.replace(
            "version: 1\n", "").replace("sources", "tags").replace(
                "2999-12-31", "2026-01-31"))
        own = gate.Gate(path)
        self.addCleanup(own.stop)
        said, = own.log("waiver_expired")
        self.assertEqual(
            [said[key] for key in ("level", "rule", "owner", "expires")],
            ["warn", "tags", "team-b", "2026-01-31"])
        self.assertEqual(own.metrics()[
            'policy_gate_waiver_expiry_timestamp_seconds'
            '{rule="tags",owner="team-b"}'], 1769904000)

    def allowed(self, image):
        return self.gate.post(gate.review(gate.pod(image)))["allowed"]

    def until(self, event, count):
        self.gate.process.wait_until(
            lambda: len(self.gate.log(event)) >= count, event)

    def test_reloads_when_a_folder_changes(self):
        self.assertTrue(self.allowed("c.corp/x:1"))
        (self.own / "b.json").write_text(SOURCES)
        self.until("reloaded", 1)
        self.assertFalse(self.allowed("c.corp/x:1"))
        self.assertTrue(self.allowed("b.corp/x:1"))  # waived
        (self.own / "b.json").write_text(SOURCES.replace("a.corp", "c.corp"))
        self.until("reloaded", 2)
        self.assertTrue(self.allowed("c.corp/x:1"))
        (self.own / "a.yaml").write_text(TAGS + "onEror: deny\n")
        self.until("reload_refused", 1)
        reason = self.gate.log("reload_refused")[0]["reason"]
        self.assertIn(f"{self.own}/a.yaml:5:1", reason)
        self.assertFalse(reason.endswith("\n"))
        self.assertFalse(self.allowed("c.corp/x"))
        # As a mounted ConfigMap does: all at once, by another name.
        fresh = folder("fresh", a_yaml=TAGS.replace("latest", "old"))
        self.own.rename(self.own.with_name("before"))
        fresh.rename(self.own)
        self.until("reloaded", 3)
        self.assertTrue(self.allowed("c.corp/x"))
        time.sleep(0.3)
        (self.own / "b.json").write_text(SOURCES)
        self.until("reloaded", 4)
        self.assertFalse(self.allowed("c.corp/x"))


if __name__ == "__main__":
    tap.main()
