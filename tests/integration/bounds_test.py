#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Bounds that people can run into: what is within is taken, and what is over is
told with the bound. Ten seconds.
"""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, paths, tap  # noqa: E402

KIB = 1024
MIB = 1024 * KIB
AUTHORITY = (pathlib.Path(__file__).resolve().parents[1] / "data" / "fuzz" /
             "pem" / "certificate").read_text()
RULE = {"name": "r", "check": {"layers": {"max": 9}}}
POD = "kind: Pod\napiVersion: v1\nspec: {}\n"
WAIVER = {"rule": "r", "match": {"namespaces": ["a"]}, "owner": "o",
          "reason": "r", "expires": "2999-01-31"}
# What is judged without asking anybody: a usage that is right ends in 1.
BAD = "UPPER"


def write(name, text, pad=None):
    return paths.write(name, text if pad is None else
                       text + "#" * (pad - len(text) - 1) + "\n")


def lint(**more):
    return ["lint", write("policy.json", json.dumps(
        {"version": 1, "rules": [RULE], **more}))]


def with_config(config=None, **more):
    return ["check", BAD, "--config", write("config.json", json.dumps(
        {"version": 1, **more, **(config or {})}))]


def registry(**entry):
    return with_config(registries={"a.corp": entry})


def credentials(n):
    name = str(write("secret", "s" * n))
    return registry(credentials={"usernameFile": name, "passwordFile": name})


def docker(document):
    return with_config(dockerConfig=str(write(
        "docker.json", json.dumps(document))))


def folder(n):
    made = paths.work() / "many"
    made.mkdir(exist_ok=True)
    for i in range(n):
        (made / f"{i}.json").write_text(json.dumps(
            {"version": 1, "rules": [{**RULE, "name": f"r{i}"}]}))
    return made


def baseline(n):
    return ["check", BAD, "--baseline", write("known.json", json.dumps(
        {"version": 1, "findings": [{"fingerprint": str(i)}
                                    for i in range(n)]}))]


def suite(n):
    return ["test", write("suite.json", json.dumps({
        "version": 1, "policy": "preset:lean", "images": {},
        "cases": [{"name": "a", "image": BAD, "expect": {"verdict": "deny"}}]
        * n}))]


def certs(*args):
    return ["certs", "init", "--force", "--dir", paths.work() / "certs", *args]


# the most, what is given with so many, and how it is told; within the bound
# the command ends with this status
CASES = {
    "bytes of a policy": (4 * MIB, lambda n: ["lint", write(
        "p.yaml", "version: 1\nrules: []\n", n)], "over {} bytes", 0),
    "bytes of a manifest": (16 * MIB, lambda n: ["check", "-f", write(
        "m.yaml", POD, n)], "over {} bytes", 0),
    "documents of a manifest": (10000, lambda n: ["check", "-f", write(
        "m.yaml", "---\n".join([POD] * n))], "more than {} documents", 0),
    "files of a policy": (256, lambda n: ["lint", folder(n)],
                          "over {} files of policy", 0),
    "policies": (64, lambda n: ["check", BAD] + [
        "--policy", paths.ROOT / "policy/presets/lean.yaml"] * n,
        "more than {} --policy", 2),  # rules of the same name
    "rules": (10000, lambda n: lint(rules=[
        {**RULE, "name": f"r{i}"} for i in range(n)]), "at most {} are", 0),
    "waivers": (10000, lambda n: lint(waivers=[WAIVER] * n),
                "at most {} are", 0),
    "elements of a list": (10000, lambda n: lint(rules=[
        {**RULE, "match": {"namespaces": [f"n{i}" for i in range(n)]}}]),
        "at most {} are read", 0),
    "bytes of a text": (1024, lambda n: lint(rules=[
        {**RULE, "owner": "o" * n}]), "over {} bytes", 0),
    "letters of a rule's name": (63, lambda n: lint(rules=[
        {**RULE, "name": "r" * n}]), "at most {} small letters", 0),
    "manifests": (1024, lambda n: ["check"] + ["-f", write("m.yaml", POD)] * n,
                  "more than {} -f", 0),
    "outputs": (16, lambda n: ["check", BAD] + ["-o", "json=/dev/null"] * n,
                "more than {} -o", 1),
    "bases": (16, lambda n: ["inspect", BAD] + ["--base", "a.corp/a"] * n,
              "more than {} --base", 2),  # as BAD is
    "findings of a baseline": (200000, baseline, "more than {} findings", 1),
    "cases of a suite": (1000, suite, "1 to {} cases", 0),
    "registries": (1000, lambda n: with_config(registries={
        f"r{i}.corp": {} for i in range(n)}), "more than {} registries", 1),
    "mirrors": (100, lambda n: registry(mirrors=["m.corp"] * n),
                "more than {} elements", 1),
    "token realms": (100, lambda n: registry(tokenRealms=["m.corp"] * n),
                     "more than {} elements", 1),
    "networks": (100, lambda n: with_config(
        network={"allow": ["10.0.0.0/8"] * n}), "more than {} elements", 1),
    "bytes of a secret": (64 * KIB, credentials, "over {} bytes", 1),
    "bytes of an authority": (MIB, lambda n: registry(caFile=str(write(
        "ca.pem", AUTHORITY + "a" * (n - len(AUTHORITY))))),
                              "over {} bytes", 1),
    "logins": (1000, lambda n: docker({"auths": {
        f"r{i}.corp": {} for i in range(n)}}), "more than {} entries", 1),
    "helpers": (1000, lambda n: docker({"credHelpers": {
        f"r{i}.corp": "x" for i in range(n)}}), "more than {} helpers", 1),
    "reviews at once": (100000, lambda n: with_config(
        limits={"maxInflight": n}), "from 1 to {}", 1),
    "bytes of a review": (64 * MIB, lambda n: with_config(
        limits={"maxBody": n}), "from 1 to {}", 1),
    "seconds of a timeout": (3600, lambda n: ["check", BAD, "--timeout", n],
                             "1 to {} seconds", 1),
    "names of a certificate": (64, lambda n: certs(*[
        w for i in range(n) for w in ("--dns", f"n{i}.corp")]),
        "more than {} names", 0),
    "days of a certificate": (36600, lambda n: certs(
        "--dns", "a.corp", "--days", n, "--ca-days", 36600),
        "from 1 to {}", 0),
}


class Bounds(unittest.TestCase):
    """A test for each of CASES."""

    def told(self, most, make, text, status):
        told = text.format(most)
        done = gate.command(*make(most), seconds=60)
        self.assertNotIn(told, done.stderr + done.stdout)
        self.assertEqual(done.returncode, status,
                         (done.stderr + done.stdout)[:400])
        done = gate.command(*make(most + 1), seconds=60)
        self.assertIn(told, (done.stderr + done.stdout)[:4000])
        self.assertEqual(done.returncode, 2)


for _name, _case in CASES.items():
    def _test(self, case=_case):
        self.told(*case)

    setattr(Bounds, "test_" + _name.replace(" ", "_").replace("'", "_"), _test)


if __name__ == "__main__":
    tap.main()
