#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The formats of `policy-gate check`: each read by what it is made for. Three
seconds, and a download of 200 KB the first time.
"""

import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest
import urllib.parse
import xml.etree.ElementTree

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, process, tap  # noqa: E402

FORMATS = ("table", "json", "ndjson", "sarif", "junit", "github", "gitlab",
           "markdown", "html")
# Text that is poison to one format or another.
POISON = "a]]>&amp;<script>alert(1)</script>|`*%0A::error::x\u202e\x1b[31m" \
    "\x9b31m##[add-mask]a ##vso[task.setvariable]b [a](https://a.example)"

# The schema that OASIS published, as this Go module carries it.
SARIF = ("github.com/owenrumney/go-sarif/v3@v3.2.0",
         "h1:CeEyt2zFTT37rMhzWefVISV9fpyhA8AmqgK7VnKi1Bc=",
         "pkg/report/v210/sarif/schema.go")
# What reads JUnit's files for people who write Python; Debian's.
JUNIT = """
import sys, junitparser
for suite in junitparser.JUnitXml.fromfile(sys.argv[1]):
    for case in suite:
        print(suite.tests, case.name, *(type(r).__name__ for r in case.result))
"""

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: %(name)s
  namespace: %(namespace)s
spec:
  containers:
    - name: app
      image: %(image)s
"""

registry = config = policy = manifest = None


def setUpModule():
    global registry, config, policy, manifest
    registry = images.serve()
    config = gate.config_file(registry)
    policy = paths.write("policy.yaml", gate.POLICY)
    manifest = paths.write("my k8s/all.yaml", "---\n".join(
        POD % {"name": name, "namespace": namespace,
               "image": registry.ref(image)}
        for name, namespace, image in (
            ("lean", "shop", "shop/lean:1"),
            ("faulty", "shop", "shop/faulty:1"),
            ("root", "billing", "shop/root:1"),
            ("gone", "billing", "shop/nothing:1"))))


def tearDownModule():
    registry.close()


def check(*args, policy_=None, **kwargs):
    return gate.command("check", "--policy", policy_ or policy, "--config",
                        config, *args, **kwargs)


class Formats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        files = {f: paths.work() / f"report.{f}" for f in FORMATS}
        outputs = [a for f, file in files.items()
                   for a in ("-o", f"{f}={file}")]
        done = check("-f", manifest, *outputs)
        if done.returncode != 1 or done.stdout:
            raise AssertionError(done)
        cls.text = {f: file.read_text() for f, file in files.items()}
        cls.json = json.loads(cls.text["json"])
        cls.findings = [
            (w, i, f) for w in cls.json["workloads"] for i in w["images"]
            for f in i["findings"]]
        cls.errors = [i for w in cls.json["workloads"] for i in w["images"]
                      if i["error"]]
        assert len(cls.findings) == 4 and len(cls.errors) == 1
        # Where an image stands in the manifest.
        cls.lines = {
            line.split("image: ")[1]: n for n, line in enumerate(
                manifest.read_text().splitlines(), 1) if "image: " in line}

    def test_ndjson_is_a_line_for_each_workload(self):
        self.assertEqual(
            [json.loads(line) for line in self.text["ndjson"].splitlines()],
            self.json["workloads"])

    def test_sarif_is_valid_and_points_at_the_images_line(self):
        document = json.loads(self.text["sarif"])
        schema = json.loads((paths.ROOT / "tests/data/formats/"
                             "sarif-2.1.0-subset.json").read_text())
        jsonschema.validate(document, schema)
        run = document["runs"][0]
        self.assertEqual(len(run["results"]), 5)
        rules = [r["id"] for r in run["tool"]["driver"]["rules"]]
        self.assertEqual(len(rules), len(set(rules)))
        for r in run["results"]:
            self.assertEqual(rules[r["ruleIndex"]], r["ruleId"])
            place = r["locations"][0]
            image = place["logicalLocations"][0]["fullyQualifiedName"]
            physical = place["physicalLocation"]
            uri = physical["artifactLocation"]["uri"]
            self.assertNotIn(" ", uri)
            self.assertEqual(urllib.parse.unquote(uri), f"file://{manifest}")
            self.assertEqual(physical["region"]["startLine"],
                             self.lines[image])
        self.assertEqual(
            sorted((r["ruleId"], r["level"]) for r in run["results"]),
            [("NOT_FOUND", "error"), ("size.max", "error"),
             ("size.maxLayer", "error"), ("user.root", "warning"),
             ("user.root", "warning")])
        prints = {r["partialFingerprints"]["policyGate/v1"]
                  for r in run["results"]}
        self.assertEqual(len(prints), 5)

    def test_sarif_is_valid_by_the_whole_schema(self):
        go = shutil.which("go") or shutil.which(
            "go", path="/usr/lib/go-1.19/bin:/usr/local/go/bin")
        if not go:
            self.skipTest("there is no go to fetch the schema with")
        module, total, file = SARIF
        done = process.run([go, "mod", "download", "-json", module],
                           check=False, cwd=paths.work(),
                           env={**os.environ, "GONOSUMDB": "*",
                                "GOFLAGS": "-mod=mod"})
        found = json.loads(done.stdout or "{}")
        if "Dir" not in found:
            self.skipTest("the schema cannot be had: " + (
                found.get("Error") or done.stderr)[:200].replace("\n", " "))
        self.assertEqual(found["Sum"], total)
        text = (pathlib.Path(found["Dir"]) / file).read_text()
        schema = json.loads(text.split("`")[1])
        document = json.loads(self.text["sarif"])
        jsonschema.validate(document, schema)
        # The schema is one that refuses.
        document["runs"][0]["results"][0]["level"] = "bad"
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(document, schema)

    def test_junit_is_what_others_read(self):
        file = paths.write("junit.xml", self.text["junit"])
        # Debian's packages are for its own Python.
        if subprocess.run(["/usr/bin/python3", "-c", "import junitparser"],
                          stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("there is no python3-junitparser")
        done = process.run(["/usr/bin/python3", "-c", JUNIT, file])
        self.assertEqual(done.stdout.splitlines(), [
            f"1 {registry.ref('shop/' + name)}" for name in (
                "lean:1", "faulty:1 Failure", "root:1",
                "nothing:1 Error")])

    def test_junit_counts_and_tells(self):
        root = xml.etree.ElementTree.fromstring(self.text["junit"])
        self.assertEqual(root.tag, "testsuites")
        suites = root.findall("testsuite")
        self.assertEqual([(s.get("tests"), s.get("failures"), s.get("errors"))
                          for s in suites],
                         [("1", "0", "0"), ("1", "1", "0"), ("1", "0", "0"),
                          ("1", "0", "1")])
        failure = suites[1].find("testcase/failure")
        self.assertIn("32 MiB is over 20 MiB", failure.get("message"))
        self.assertIn("lean-images/size.maxLayer", failure.text)
        self.assertNotIn("user.root", failure.text)
        self.assertIn("user.root", suites[1].find("testcase/system-out").text)
        error = suites[3].find("testcase/error")
        self.assertEqual(error.get("type"), "NOT_FOUND")

    def test_github_annotates_the_images_line(self):
        *annotations, summary = self.text["github"].splitlines()
        self.assertIn("4 images: 1 denied", summary)
        self.assertEqual(len(annotations), 5)
        for line in annotations:
            found = re.fullmatch(r"::(error|warning) title=([\w./-]+),"
                                 r"file=([^,:]+),line=(\d+)::(\S+) .+", line)
            self.assertTrue(found, line)
            self.assertEqual(urllib.parse.unquote(found[3]), str(manifest))
            self.assertEqual(int(found[4]),
                             self.lines[found[5].rstrip(":")])

    def test_gitlab_has_what_code_quality_demands(self):
        rows = json.loads(self.text["gitlab"])
        self.assertEqual(len(rows), 5)
        self.assertEqual(len({r["fingerprint"] for r in rows}), 5)
        for r in rows:
            self.assertIn(r["severity"], (
                "info", "minor", "major", "critical", "blocker"))
            self.assertEqual(r["location"]["path"], str(manifest))
            self.assertIn(r["location"]["lines"]["begin"],
                          self.lines.values())
            self.assertTrue(r["description"] and r["check_name"])

    def test_markdown_has_a_row_for_each_image(self):
        text = self.text["markdown"]
        self.assertTrue(text.startswith("### ❌ policy-gate: denied\n"))
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        self.assertEqual(len(rows), 5)
        for r in rows:
            self.assertEqual(r.count("|"), 5, r)
        self.assertEqual(text.count("\n- "), 5)

    def test_html_is_one_page_sorted_by_cost(self):
        page = Page(self.text["html"])
        self.assertEqual(page.outside, [])
        self.assertEqual(page.names, [registry.ref(n) for n in (
            "shop/faulty:1", "shop/lean:1", "shop/root:1",
            "shop/nothing:1")])
        self.assertEqual(page.findings, 5)
        self.assertEqual(page.open, [])
        for _, _, f in self.findings:
            self.assertIn(f["fix"], page.text)

    def test_the_table_ends_with_a_summary(self):
        self.assertRegex(self.text["table"].splitlines()[-1],
                         r"^4 images: 1 denied, 1 not judged, 1 warned, 1 "
                         r"allowed\. Policy: company \(")


class Page(html.parser.HTMLParser):
    VOID = ("meta", "input")

    def __init__(self, text):
        super().__init__()
        self.outside, self.names, self.open = [], [], []
        self.findings = 0
        self.text = ""
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.outside += [v for k, v in attrs.items()
                         if k in ("src", "href", "action") or "url(" in
                         (v or "")]
        if tag == "article":
            self.names.append(attrs["data-name"])
        self.findings += tag == "li" and "data-rule" in attrs
        self.scripts += tag == "script"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open.pop() != tag:
            raise AssertionError(f"</{tag}> ends something else")

    def handle_data(self, data):
        self.text += data


class Poison(unittest.TestCase):
    """Names that try to be more than text."""

    @classmethod
    def setUpClass(cls):
        pods = []
        for image in ("Not/Valid" + POISON, registry.ref("shop/root:1")):
            pod = gate.pod(image, name="n" + POISON)
            pod["metadata"]["namespace"] = "ns" + POISON
            pod["spec"]["containers"][0]["name"] = "c" + POISON
            pods.append(pod)
        cls.file = paths.write("poison.json", json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": pods}))

    def output(self, name):
        done = check("-f", self.file, "-o", name)
        self.assertEqual(done.returncode, 1, done.stderr)
        # Build servers look for commands anywhere in a line of their log.
        for text in ("\x1b", "\x9b", "\u202e", "##[", "##vso["):
            self.assertNotIn(text, done.stdout)
        return done.stdout

    def test_nothing_leaves_its_place(self):
        for name in FORMATS:
            with self.subTest(name):
                self.output(name)
        self.assertEqual(Page(self.output("html")).scripts, 1)
        xml.etree.ElementTree.fromstring(self.output("junit"))
        for line in self.output("github").splitlines()[:-1]:
            self.assertTrue(line.startswith(("::error title=",
                                             "::warning title=")), line)
        json.loads(self.output("gitlab"))
        for run in json.loads(self.output("sarif"))["runs"]:
            for r in run["results"]:
                self.assertNotIn("[a](", r["message"]["text"])
        self.assertNotIn("<script", self.output("markdown"))


class Options(unittest.TestCase):
    def test_bare_images_are_shown_at_the_dockerfile(self):
        image = registry.ref("shop/root:1")
        done = check(image, "-o", "github", "--dockerfile", "app/Dockerfile")
        self.assertIn(",file=app/Dockerfile,line=1::", done.stdout)
        done = check(image, "-o", "github")
        self.assertNotIn("file=", done.stdout)
        rows = json.loads(check(image, "-o", "gitlab").stdout)
        self.assertEqual(rows[0]["location"]["path"], image)

    def test_lines_are_found_in_lists_and_behind_aliases(self):
        file = paths.write("list.yaml", (
            "apiVersion: v1\nkind: List\nitems:\n"
            "  - apiVersion: v1\n    kind: Pod\n    metadata: {name: a}\n"
            "    spec: &spec\n      containers:\n"
            f"        - {{name: a, image: '{registry.ref('shop/root:1')}'}}\n"
            "  - apiVersion: v1\n    kind: Pod\n    metadata: {name: b}\n"
            "    spec: *spec\n"))
        done = check("-f", file, "-o", "github")
        self.assertEqual(re.findall(r"line=(\d+)", done.stdout), ["9", "9"])

    def test_junit_tells_why_an_image_with_findings_was_not_judged(self):
        own = paths.write("tags.yaml", (
            "version: 1\nonError: deny\nrules:\n"
            "  - name: tags\n    check: {tag: {digest: require}}\n"
            "  - name: small\n    check: {size: {max: 1Gi}}\n"))
        text = check(registry.ref("shop/nothing:1"), "-o", "junit",
                     policy_=own).stdout
        case = xml.etree.ElementTree.fromstring(text).find(".//testcase")
        self.assertEqual(case.get("classname"), "Image")
        for word in ("tags/tag.digest", "NOT_FOUND"):
            self.assertIn(word, case.find("failure").text)

    def test_fail_on(self):
        for image, word, status in (
                ("shop/root:1", "deny", 0), ("shop/root:1", "warn", 1),
                ("shop/lean:1", "warn", 0), ("shop/faulty:1", "warn", 1),
                ("shop/faulty:1", "never", 0), ("shop/nothing:1", "warn", 3),
                ("shop/nothing:1", "never", 0)):
            with self.subTest((image, word)):
                done = check(registry.ref(image), "--fail-on", word)
                self.assertEqual(done.returncode, status, done.stdout)
        done = check("--fail-on", "often", "a")
        self.assertEqual(done.returncode, 2)
        self.assertIn("warn, deny or never", done.stderr)

    def test_waived_findings_are_suppressed(self):
        own = paths.write("waived.yaml", gate.POLICY + (
            "waivers:\n  - {rule: lean-images, match: {kinds: [Image]}, owner: me, "
            "reason: moving, expires: 2999-01-01}\n"))
        done = check(registry.ref("shop/bloated:1"), "-o", "sarif",
                     policy_=own)
        self.assertEqual(done.returncode, 0, done.stderr)
        for r in json.loads(done.stdout)["runs"][0]["results"]:
            self.assertEqual(r["suppressions"], [{
                "kind": "external",
                "justification": "moving, until 2999-01-01, me"}])

    def test_an_unknown_format_is_told_the_known_ones(self):
        done = check("-o", "sarf", "a")
        self.assertEqual(done.returncode, 2)
        self.assertIn('did you mean sarif', done.stderr)
        self.assertIn("markdown, html", done.stderr)

    def test_a_file_that_cannot_be_written_is_status_2(self):
        image = registry.ref("shop/lean:1")
        for name in FORMATS:
            for file, why in (("/dev/full", "No space left"),
                              ("/nonexistent/a", "No such file")):
                with self.subTest((name, file)):
                    done = check(image, "-o", f"{name}={file}")
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(f"cannot write {file}: {why}", done.stderr)
        # The second is written although the first could not be.
        good = paths.work() / "good.json"
        done = check(image, "-o", "table=/nonexistent/a", "-o", f"json={good}")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(json.loads(good.read_text())["verdict"], "allow")
        self.assertEqual([p.name for p in good.parent.glob("good*")],
                         ["good.json"])

    def test_stdout_by_name_is_written_and_not_replaced_by_a_file(self):
        link, out = paths.work() / "stdout", paths.work() / "out"
        link.symlink_to("/proc/self/fd/1")
        with open(out, "w") as f:
            process.run([paths.GATE, "check", "-o", "table", "-o",
                         f"json={link}", "UPPER"], check=False, stdout=f)
        self.assertTrue(link.is_symlink())
        text = out.read_text()
        self.assertEqual(json.loads(text[text.index("{"):])["verdict"],
                         "deny")
        self.assertIn("1 denied", text[:text.index("{")])

    def test_a_link_to_a_report_is_not_replaced_by_the_report(self):
        link, target = paths.work() / "link", paths.work() / "target"
        target.write_text("old")
        link.symlink_to(target.name)
        check("UPPER", "-o", f"json={link}")
        self.assertTrue(link.is_symlink())
        self.assertEqual(json.loads(target.read_text())["verdict"], "deny")

    def test_a_half_report_of_a_killed_run_with_the_same_pid_is_no_error(self):
        file = paths.work() / "report"
        done = process.run(
            ["sh", "-c", ': >"$1.$$.tmp"; exec "$0" check UPPER -o "json=$1"',
             paths.GATE, file], check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(json.loads(file.read_text())["verdict"], "deny")


if __name__ == "__main__":
    tap.main()
