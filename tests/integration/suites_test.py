#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Policies are tried without a registry, and the presets keep their word."""

import pathlib
import re
import sys
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from lib import gate, paths, process, tap  # noqa: E402

PRESETS = ("audit-first", "baseline", "lean", "restricted")

SUITE = """\
version: 1
policy: preset:baseline
now: 2026-11-24
images:
  a.corp/web:1:
    platforms: [{user: "1", layers: [{size: 400Mi}]}]
  a.corp/recorded:1:
    facts: recorded.json
cases:
  - name: as it is
    image: a.corp/web:1
    expect: {verdict: warn, findings: [lean-images/size.max,
                                       lean-images/size.maxLayer]}
  - name: another <verdict>
    image: a.corp/web:1
    expect: {verdict: allow}
  - name: other findings
    image: a.corp/web:1
    expect: {verdict: warn, findings: []}
  - name: in a pod
    workload:
      apiVersion: v1
      kind: Pod
      metadata: {name: web}
      spec:
        containers:
          - {name: web, image: "a.corp/recorded:1",
             securityContext: {runAsUser: 0}}
    expect: {verdict: warn, findings: [not-root/user.root]}
"""

RECORDED = """\
{"version": 1, "reference": "a.corp/recorded:1", "resolved": null,
 "platforms": [{"platform": "linux/amd64", "digest": "sha256:0", "size": 5,
  "created": null, "user": "1000", "layers": [{"digest": "sha256:1",
  "size": 5, "mediaType": "x", "createdBy": null, "base": false}],
  "history": "absent", "env": [], "labels": {}, "ports": [], "volumes": [],
  "entrypoint": [], "cmd": [], "base": {"name": "", "digest": "",
  "how": "none", "layers": 0}}], "error": null}
"""


TURKISH = """\
version: 1
policy: secrets.yaml
images:
  a.corp/web:1:
    platforms: [{user: "1", env: [DB_CREDENTIALS=hunter2xyz], layers: [{size: 1Mi}]}]
cases:
  - {name: a secret, image: "a.corp/web:1", expect: {verdict: deny}}
"""


class Suites(unittest.TestCase):
    def test_verdicts_are_the_same_in_a_turkish_locale(self):
        # Where "I" is no capital "i".
        paths.write("secrets.yaml", "version: 1\nname: s\nrules:\n"
                    "- {name: r, check: {env: {secrets: deny}}}\n")
        suite = paths.write("turkish.yaml", TURKISH)
        locales = paths.work() / "locales"
        locales.mkdir()
        process.run(["localedef", "-i", "tr_TR", "-f", "UTF-8",
                     locales / "tr_TR.UTF-8"], check=True)
        # glibc's newlocale() never frees what it makes of LOCPATH.
        done = gate.command("test", suite, env={
            "LOCPATH": str(locales), "LC_ALL": "tr_TR.UTF-8",
            "ASAN_OPTIONS": "detect_leaks=0"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_presets_do_what_their_suites_say(self):
        for preset in PRESETS:
            with self.subTest(preset):
                suite = ROOT / "policy" / "presets" / "tests"
                done = gate.command("test", suite / f"{preset}.yaml")
                self.assertEqual(
                    done.returncode, 0, done.stdout + done.stderr)

    def test_habits_are_told_from_what_reads_like_them(self):
        suite = ROOT / "tests" / "data" / "histories" / "suite.yaml"
        done = gate.command("test", suite)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def write(self, text):
        paths.write("recorded.json", RECORDED)
        return paths.write("suite.yaml", text)

    def test_tells_what_was_wanted_and_what_came(self):
        done = gate.command("test", self.write(SUITE))
        self.assertEqual(done.returncode, 1)
        self.assertIn("ok 1 - as it is\n", done.stdout)
        self.assertIn("not ok 2 - another <verdict>\n#   wanted allow",
                      done.stdout)
        self.assertIn("not ok 3 - other findings\n"
                      "#   wanted warn: no findings\n", done.stdout)
        self.assertIn("ok 4 - in a pod\n1..4\n", done.stdout)

    def test_a_name_does_not_excuse_a_failure_as_one_to_be_done(self):
        done = gate.command("test", self.write(SUITE.replace(
            "other findings", "'a \\ # TODO'")))
        self.assertIn("not ok 3 - a \\\\ \\# TODO\n", done.stdout)

    def test_a_verdict_without_findings_says_so(self):
        done = gate.command("test", paths.write("good.yaml", (
            "version: 1\npolicy: preset:lean\n"
            "images: {a.corp/b:1: {platforms: [{user: \"1\"}]}}\ncases:\n"
            "  - {name: a, image: a.corp/b:1, expect: {verdict: deny}}\n")))
        self.assertIn("#   wanted deny\n#   got    allow: no findings\n",
                      done.stdout)

    def test_an_image_that_it_says_nothing_of_is_named(self):
        done = gate.command("test", paths.write("unknown.yaml", (
            "version: 1\npolicy: preset:lean\nimages: {}\ncases:\n"
            "  - {name: a, image: a.corp/b:1, expect: {verdict: allow}}\n")))
        self.assertIn("#   wanted allow\n#   got    error: NOT_FOUND\n#   "
                      "a.corp/b:1: the suite has no facts of it\n",
                      done.stdout)

    def test_a_verdict_that_there_is_not_is_no_failure(self):
        done = gate.command("test", self.write(
            SUITE.replace("verdict: allow", "verdict: reject")))
        self.assertEqual(done.returncode, 2)
        self.assertIn('expected allow, warn, deny or error, found "reject"',
                      done.stdout + done.stderr)

    def test_writes_junit(self):
        file = paths.work() / "tests.xml"
        broken = paths.write("broken.yaml", "version: 2\n")
        done = gate.command("test", "-o", "text", "-o", f"junit={file}",
                            self.write(SUITE), broken)
        self.assertEqual(done.returncode, 2)
        self.assertIn("1..4\n", done.stdout)
        suite, error = xml.etree.ElementTree.fromstring(
            file.read_bytes()).findall("testsuite")
        self.assertEqual(
            [suite.get(key) for key in ("tests", "failures", "errors")],
            ["4", "2", "0"])
        case = suite.findall("testcase")[1]
        self.assertEqual(case.get("name"), "another <verdict>")
        self.assertIn("wanted allow", case.find("failure").text)
        self.assertEqual(error.get("errors"), "1")
        self.assertIn("version: 1", error.find("testcase/error").text)

    def test_the_suite_in_the_documentation_passes(self):
        text = (ROOT / "policy" / "README.md").read_text()
        block = re.search(r"```yaml\n(version: 1\npolicy:.*?)```", text, re.S)
        paths.write("documented/db.json", RECORDED)
        paths.write("documented/policy.yaml", (
            "version: 1\nmode: warn\nrules: [{name: lean-images, "
            "check: {size: {max: 300Mi}}}]\n"))
        done = gate.command(
            "test", paths.write("documented/suite.yaml", block[1]))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_says_what_is_wrong_with_an_output(self):
        suite = self.write(SUITE)
        for output, complaint in (("yaml", "text, junit"),
                                  ("junit=", "names no file"),
                                  ("junit=/none/there.xml", "/none/there")):
            done = gate.command("test", "-o", output, suite)
            self.assertEqual(done.returncode, 2)
            self.assertIn(complaint, done.stderr)

    def test_says_what_is_wrong_with_a_suite(self):
        wrong = SUITE.replace("verdict: allow", "verdikt: allow").replace(
            "size: 400Mi", "size: big")
        for text, complaint in (
                (wrong, r"suite\.yaml:6:\d+: .*size such as 30Mi"),
                (SUITE.replace("verdict: allow", "verdikt: allow"),
                 r"suite\.yaml:16:\d+: .*verdikt"),
                (SUITE.replace("recorded.json", "none.json"), "none.json"),
                (SUITE.replace("baseline", "basline"), "basline"),
                ("version: 1\npolicy: preset:lean\nimages: {}\ncases: []\n",
                 "a list of 1 to 1000 cases")):
            done = gate.command("test", self.write(text))
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertRegex(done.stderr, complaint)


if __name__ == "__main__":
    tap.main()
