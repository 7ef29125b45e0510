#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Two hundred documents, as helm and kustomize emit them: judged in one run,
each of them counted or said to be skipped. Three seconds.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import fleet, gate, paths, tap  # noqa: E402

PODS = {*gate.KINDS}
# Objects in Lists, by the file.
LISTED = {"monitoring.yaml": ("Namespace", "Prometheus", "DaemonSet",
                              "Deployment", "Deployment", "ConfigMap",
                              "ConfigMap"),
          "keycloak.json": ("Service", "Deployment")}
LISTS = ("List", "ConfigMapList")
DOCUMENTS = 200
SKIPPED = re.compile(r"(\d+) objects? without a pod's image skipped: (.*)")

registry = config = folder = kinds = None


def setUpModule():
    global registry, config, folder, kinds
    registry = fleet.Fleet()
    config = registry.config()
    folder = paths.work() / "k8s"
    shutil.copytree(paths.ROOT / "tests/data/manifests", folder)
    paths.write("k8s/boutique.yaml", fleet.microservices())
    kinds = collections.Counter()
    for file in folder.iterdir():
        kinds.update(re.findall(r'^(?:    )?"?kind"?: "?(\w+)"?,?\r?$',
                                file.read_text(), re.M)
                     if file.suffix == ".json" else
                     re.findall(r"^kind: (\w+)\r?$", read(file), re.M))


def tearDownModule():
    registry.close()


def read(file):
    return file.read_bytes().decode()


def objects():
    """How many there are of each kind, Lists opened."""
    found = kinds.copy()
    for items in LISTED.values():
        found.update(items)
    for name in LISTS:
        del found[name]
    return found


def check(*args, **kwargs):
    done = gate.command("check", "--config", config, "-o", "json", *args,
                        **kwargs)
    return done, json.loads(done.stdout)


def skipped(stderr):
    """{kind: count} of what it says."""
    found = SKIPPED.search(stderr)
    counts = {}
    for word in found[2].split(", "):
        number, _, kind = word.rpartition(" ")
        counts[kind.split("/")[0]] = int(number or 1)
    assert sum(counts.values()) == int(found[1]), stderr
    return counts


class All(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.done, cls.document = check("-f", folder)
        cls.asked = [r.path for r in registry.requests(
            path="/v2/*/manifests/*")]

    def test_there_are_two_hundred_of_a_dozen_applications(self):
        self.assertEqual(sum(kinds.values()), DOCUMENTS)
        self.assertGreaterEqual(len(list(folder.iterdir())), 12)

    def test_each_is_counted_or_said_to_be_skipped(self):
        counts = collections.Counter(
            w["kind"] for w in self.document["workloads"])
        wanted = objects()
        self.assertEqual(counts, {k: n for k, n in wanted.items()
                                  if k in PODS})
        self.assertEqual(skipped(self.done.stderr), {
            k: n for k, n in wanted.items() if k not in PODS})

    def test_each_image_is_judged(self):
        images = [i for w in self.document["workloads"] for i in w["images"]]
        errors = [(i["reference"].split("@")[0], i["error"]["code"])
                  for i in images if i["error"]]
        self.assertEqual(sorted(errors), [
            ("registry.corp/legacy/syslog:3", "NOT_FOUND"),
            ("registry.k8s.io/ingress-nginx/kube-webhook-certgen:v1.4.4",
             "NOT_FOUND")])
        # The preset only warns, of that too.
        self.assertEqual(self.done.returncode, 0)
        self.assertEqual(len(images), 73)

    def test_seven_places_of_one_image_are_one_request(self):
        self.assertEqual(
            self.asked.count("/v2/apache/airflow/manifests/2.10.2"), 1)
        self.assertEqual(len(self.asked), len(set(self.asked)))

    def test_the_summary_tells_of_what_a_policy_lets_pass(self):
        done = gate.command("check", "--config", config, "-f", folder)
        self.assertRegex(done.stdout.splitlines()[-1], (
            r"73 images: 0 denied, 0 not judged, \d+ warned, \d+ allowed; 2 "
            r"of them could not be judged, which the policy lets pass\. "))

    def test_who_sits_before_it_is_told_that_it_reads(self):
        master, terminal = os.openpty()
        os.write(master, b"\x04")
        done = gate.command("check", "-f", "-", stdin=terminal)
        os.close(master)
        os.close(terminal)
        self.assertIn("reading manifests from the terminal", done.stderr)

    def test_nothing_at_all_is_no_pass(self):
        for text in ("", "---\n# Source: a/templates/b.yaml\n---\n"):
            done = gate.command("check", "-f", "-", input=text)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("stdin: no Kubernetes object in it", done.stderr)

    def test_from_standard_input_it_is_the_same(self):
        text = "\n---\n".join(read(f) for f in sorted(folder.iterdir()))
        done, document = check("-f", "-", input=text)
        self.assertEqual(skipped(done.stderr), skipped(self.done.stderr))

        def images(of):
            return sorted(json.dumps(w["images"]) for w in of["workloads"])

        self.assertEqual(images(document), images(self.document))

    def test_lines_are_right_whatever_ends_them(self):
        done = gate.command("check", "--config", config, "-o", "gitlab", "-f",
                            folder)
        rows = json.loads(done.stdout)
        ends = set()
        for row in rows:
            place = row["location"]
            text = pathlib.Path(place["path"]).read_bytes()
            line = text.split(b"\n")[place["lines"]["begin"] - 1].decode()
            reference = row["description"].split(": ")[0].split(" could")[0]
            self.assertIn(reference, line)
            ends.add(line.endswith("\r"))
        self.assertEqual(ends, {True, False})


class Namespaces(unittest.TestCase):
    POLICY = ("version: 1\nname: a\nrules:\n  - name: shop-only\n"
              "    match: {namespaces: [shop]}\n"
              "    check: {layers: {max: 1}}\n")
    POD = ("apiVersion: v1\nkind: Pod\nmetadata: {name: a%s}\nspec:\n"
           "  containers: [{name: a, image: redis:7.2-bookworm}]\n")

    def test_pods_that_name_none_are_where_the_caller_says(self):
        policy = paths.write("namespace.yaml", self.POLICY)
        for own, said, variable, status in (
                ("", None, None, 0), ("", "shop", None, 1),
                ("", None, "shop", 1), ("", "other", "shop", 0),
                (", namespace: other", "shop", None, 0),
                (", namespace: shop", "other", None, 1)):
            with self.subTest((own, said, variable)):
                env = {**os.environ, **({"POLICY_GATE_NAMESPACE": variable}
                                        if variable else {})}
                done = gate.command(
                    "check", "--config", config, "--policy", policy, "-f", "-",
                    *(["--namespace", said] if said else []),
                    input=self.POD % own, env=env)
                self.assertEqual(done.returncode, status, done.stdout)


class Broken(unittest.TestCase):
    def test_a_document_in_the_middle_leaves_the_rest_judged(self):
        whole = folder / "argo-cd.yaml"
        parts = read(whole).split("---\n")
        middle = len(parts) // 2
        for bad, at, words in (
                ("kind: Pod\nspec: {containers: [\n", (3, 1), "expected"),
                ("kind: Pod\n\tspec: {}\n", (2, 1), "tab"),
                ("kind: Pod\nkind: Pod\n", (2, 1), "twice"),
                ("a: *nothing\n", (1, 4), "alias")):
            with self.subTest(bad):
                before = "---\n".join(parts[:middle])
                file = paths.write("broken.yaml", "---\n".join(
                    [before, bad, *parts[middle:]]))
                done, document = check("-f", file)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(len(document["workloads"]), 5)
                start = before.count("\n") + 1
                first = done.stderr.splitlines()[0]
                found = re.match(rf"{file}:(\d+):(\d+): .*{words}", first)
                self.assertTrue(found, first)
                self.assertEqual((int(found[1]) - start, int(found[2])), at)

    def test_parts_of_the_wrong_type_are_named(self):
        file = paths.write("types.yaml", (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
            "spec: {containers: {image: a}}\n---\n"
            "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\n"
            "spec: {containers: [{name: c, image: busybox}]}\n"))
        done, document = check("-f", file)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{file}:1: Pod/a: ", done.stderr)
        self.assertIn("spec.containers", done.stderr)
        self.assertEqual([w["name"] for w in document["workloads"]], ["b"])


if __name__ == "__main__":
    tap.main()
