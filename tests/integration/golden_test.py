#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What the commands write, byte for byte, beside the files in tests/data/golden.
Three seconds.

A difference that is meant: look at it, run `make golden`, and commit the files
that it wrote anew.
"""

import difflib
import os
import pathlib
import re
import shlex
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import fleet, paths, process, tap, terminal  # noqa: E402

DATA = paths.ROOT / "tests/data/golden"
CLI = paths.ROOT / "server/cli"
RENEW = os.environ.get("GOLDEN") == "write"
DIFF_MAX = 60
SHOP = "check --policy policy.yaml -f shop.yaml"
WEB = "registry.corp/shop/web"
BASE = "--base docker.io/library/debian:12-slim"

# file: the command, and on how wide a terminal, if it is one
CASES = {
    **{f"check.{name}": (f"{SHOP} -o {name}", None) for name in (
        "table", "json", "ndjson", "sarif", "junit", "github", "gitlab",
        "markdown", "html", "baseline")},
    "check-80.term": (SHOP, 80),
    "check-200.term": (SHOP, 200),
    "inspect.table": (f"inspect registry.corp/shop/orders:7 {BASE}", None),
    "inspect.json": (f"inspect {WEB}:1.5 {BASE} -o json", None),
    "inspect-80.term": (f"inspect {WEB}:1.5 {BASE}", 80),
    "inspect-200.term": (f"inspect {WEB}:1.5 {BASE}", 200),
    "diff.table": (f"diff {WEB}:1.4 {WEB}:1.5 {BASE} --max-growth 10%", None),
    "diff.json": (f"diff {WEB}:1.4 {WEB}:1.5 {BASE} -o json", None),
    "diff-80.term": (f"diff {WEB}:1.4 {WEB}:1.5", 80),
    "scan.table": ("scan --policy policy.yaml ../manifests", None),
    "scan.json": ("scan --policy policy.yaml ../manifests -o json", None),
    "scan-80.term": ("scan --policy policy.yaml ../manifests", 80),
    "explain.text": ("explain", None),
    "explain-size.text": ("explain size", None),
    "explain-build-tools.text": ("explain build-tools", None),
}

# What people get wrong, and what they are told.
MISTAKES = (
    "",
    "chekc a",
    "--policy policy.yaml check a",
    "help lint",
    "check",
    "check --polcy a.yaml a",
    "check -z a",
    "check -f",
    "check -f ''",
    "check --policy '' a",
    "check --as registry.corp/web:1 a",
    "check -o xml a",
    "check -o json= a",
    "check -o json=a -o html=a a",
    "check --fail-on often a",
    "check --timeout soon a",
    "check --policy gone.yaml a",
    "check --policy preset:basline a",
    "check --config policy.yaml a",
    "check -f gone.yaml",
    "check -f empty",
    "check -f broken.yaml",
    "check -f template.yaml",
    "check -f misspelt.yaml",
    "check -f imageless.yaml",
    "check broken.yaml",
    "check docker-archive:",
    "check -f policy.yaml",
    "check -f /dev/null",
    "check oci:empty",
    "check docker-archive:shop.yaml",
    "check --baseline shop.yaml -f shop.yaml",
    "check registry.corp/Shop/web:1.4 --policy policy.yaml",
    "inspect",
    "inspect a b",
    "inspect registry.corp/Shop/web:1.4",
    "inspect registry.corp/shop/gone:1",
    "inspect docker-archive:gone.tar",
    "inspect oci:gone:1",
    "diff a",
    "diff registry.corp/shop/web:1.4 registry.corp/shop/gone:1",
    "diff a b --max-growth lots",
    "scan",
    "scan gone",
    "explain sise",
    "explain xyzzy",
    "explain -o xml",
    "lint",
    "lint gone.yaml",
    "lint wrong.yaml",
    "lint nested.yaml",
    "lint globs.yaml",
    "lint nobody.yaml",
    "lint preset:strcit",
    "test",
    "test gone.yaml",
    "test shop.yaml",
    "baseline",
    "baseline wrte a",
    "baseline write --help",
    "certs shwo",
    "serve --listen nowhere --policy policy.yaml",
    "serve --policy policy.yaml --tls-cert gone.crt --tls-key gone.key",
)
FILES = {
    "broken.yaml": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n"
        "  containers: [{name: a, image: registry.corp/shop/web:1.4}]\n---\n"
        "apiVersion: v1\nkind: Pod\nspec:\n\tcontainers: []\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: c}\nspec:\n"
        "  containers: {image: web}\n---\nimage: web\n"),
    "template.yaml": "kind: Pod\nimage: {{ .Values.image }}\n",
    "misspelt.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
        "spec: {tempalte: {spec: {containers: [{name: a, image: a}]}}}\n"),
    "imageless.yaml": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
        "spec: {containers: [{name: a, img: a}]}\n"),
    "nobody.yaml": (
        "version: 1\nrules:\n  - name: a\n"
        "    match: {namespaces: [\"*\", \"!kube-system\"]}\n"
        "    check: {layers: {max: 9}}\n"),
    "nested.yaml": (
        "version: 1\nrules:\n  - name: a\n    check:\n    layers: {max: 9}\n"
        "  - name: b\n    check: {size: 300Mi}\n"),
    "globs.yaml": (
        "version: 1\nrules:\n  - name: a\n"
        "    check: {env: {deny: [*_PASSWORD]}}\n"),
    "wrong.yaml": (
        "version: 1\nname: wrong\nmode: enfroce\nrules:\n  - name: a\n"
        "    chekc: {}\n  - name: b\n    check:\n      size: {max: 300MB}\n"),
}

registry = config = folder = None


def setUpModule():
    global registry, config, folder
    registry = fleet.Fleet()
    config = registry.config()
    folder = paths.work() / "mistakes"
    (folder / "empty").mkdir(parents=True)
    for name in ("policy.yaml", "shop.yaml"):
        (folder / name).write_bytes((DATA / name).read_bytes())
    for name, text in FILES.items():
        (folder / name).write_text(text)


def tearDownModule():
    registry.close()


def environment():
    """No more of ours than the commands are to see."""
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
            "POLICY_GATE_CONFIG": str(config),
            **{k: v for k, v in os.environ.items() if k.endswith("_OPTIONS")}}


def stable(text):
    """Without what differs from day to day and from build to build."""
    text = re.sub(r'("name": "policy-gate",\s+"version": )"[^"]*"',
                  r'\1"VERSION"', text)
    text = re.sub(r"\d+ days ago", "N days ago", text)
    # The page's own parts stand in their files.
    for tag, name in (("style", "page.css"), ("script", "page.js")):
        text = text.replace(f"<{tag}>{(CLI / name).read_text()}</{tag}>",
                            f"<{tag}>{name}</{tag}>")
    return text


def output(command, columns):
    argv = [paths.GATE, *shlex.split(command)]
    if columns:
        os.chdir(DATA)
        return terminal.run(argv, columns, env=environment())[1]
    return process.run(argv, check=False, cwd=DATA,
                       env=environment()).stdout


def transcript():
    text = ""
    for command in MISTAKES:
        done = process.run([paths.GATE, *shlex.split(command)], check=False,
                           cwd=folder, env=environment(), seconds=30)
        text += f"$ policy-gate {command}".rstrip() + "\n"
        text += done.stdout + done.stderr
        text += f"[{done.returncode}]\n\n"
    return text


class Golden(unittest.TestCase):
    def compare(self, name, text):
        file = DATA / name
        text = stable(text)
        if RENEW:
            file.write_text(text)
        wanted = file.read_text() if file.exists() else ""
        if text == wanted:
            return
        diff = list(difflib.unified_diff(
            wanted.splitlines(), text.splitlines(), f"tests/data/golden/{name}",
            "what it is now", lineterm="", n=1))
        more = [f"... {len(diff) - DIFF_MAX} lines more"] \
            if len(diff) > DIFF_MAX else []
        self.fail("\n".join(
            [f"{name} is another; if that is meant: make golden",
             *(repr(line)[1:-1] if "\x1b" in line else line
               for line in diff[:DIFF_MAX]), *more]))

    def test_what_people_get_wrong(self):
        self.compare("mistakes.text", transcript())

    def test_help_has_examples_and_fits_80_columns(self):
        commands = re.findall(r"^  (\w+) ", output("--help", None), re.M)
        self.assertGreater(len(commands), 9)
        for command in ("", *commands):
            text = output(f"{command} --help", None)
            for line in text.splitlines():
                self.assertLess(len(line), 80, command)
            if command not in ("", "version"):
                self.assertRegex(text, r"\nExamples?:\n  \S", command)

    def test_no_file_is_left_that_nothing_writes(self):
        names = {p.name for p in DATA.iterdir()}
        self.assertEqual(names, {*CASES, "mistakes.text", "policy.yaml",
                                 "shop.yaml"})


for _name, _case in CASES.items():
    def _test(self, name=_name, case=_case):
        self.compare(name, output(*case))

    setattr(Golden, "test_" + re.sub(r"\W", "_", _name), _test)


if __name__ == "__main__":
    tap.main()
