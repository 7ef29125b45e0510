#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Man page, completions and environment say what the program does."""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, process, tap  # noqa: E402

DEPLOY = paths.ROOT / "deploy"
FILES = ("man/policy-gate.1", "completions/policy-gate.bash",
         "completions/_policy-gate")


def commands():
    return re.findall(r"^  ([a-z]+) +\S", gate.command("--help").stdout, re.M)


class Manual(unittest.TestCase):
    def test_it_is_what_the_help_says_now(self):
        folder = paths.work() / "generated"
        process.run([DEPLOY / "man" / "generate", paths.GATE, folder])
        for name in FILES:
            self.assertEqual((DEPLOY / name).read_text(),
                             (folder / name).read_text(),
                             f"run make manual: {name}")

    def test_every_option_is_in_the_help_and_the_other_way_round(self):
        for command in commands():
            sources = (paths.ROOT / "server" / "cli").glob(f"{command}*.c")
            said = gate.command(command, "--help").stdout
            for name in set(re.findall(r"(?m)^  --([a-z][a-z-]+)", said)):
                done = gate.command(command, f"--{name}", "--help")
                self.assertNotIn("there is no option", done.stderr,
                                 (command, name))
            known = re.findall(r'\{"([a-z-]+)", \w+_argument',
                               "".join(s.read_text() for s in sources))
            for name in set(known) - {"help", "output", "filename"}:
                self.assertIn(f"--{name}", said, command)

    def test_every_option_of_the_help_is_offered(self):
        for command in commands():
            said = gate.command(command, "--help").stdout
            named = set(re.findall(r"(?m)^  (--?[a-z][a-z-]*)", said))
            self.assertLessEqual(named, set(bash("policy-gate", command, "-")),
                                 command)

    def test_man_finds_nothing_wrong(self):
        if not shutil.which("man"):
            self.skipTest("there is no man")
        done = process.run(["man", "--warnings", "-l", DEPLOY / FILES[0]])
        self.assertEqual(done.stderr, "")
        for command in commands():
            self.assertIn(f"policy-gate {command}", done.stdout)

    def test_an_unknown_option_or_command_is_told_the_nearest(self):
        for args, near in ((("chek",), '"check"'), (("diff", "--bse"), "--base"),
                           (("scan", "--polcy", "a"), "--policy"),
                           (("inspect", "--timout", "3"), "--timeout")):
            done = gate.command(*args)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"did you mean {near}", done.stderr)


def bash(*words):
    """What Tab offers behind these words."""
    quoted = " ".join(f"'{w}'" for w in words)
    return process.run(["bash", "-c", (
        f". {DEPLOY / FILES[1]}; COMP_WORDS=({quoted}); "
        f"COMP_CWORD={len(words) - 1}; _policy_gate; "
        "printf '%s\\n' \"${COMPREPLY[@]}\"")]).stdout.split()


def zsh(*lines):
    """The lines as they are after Tab, typed into an interactive shell."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("zsh", ["zsh", "-f", "-i"], {
            "PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "ready> "})

    def read_until(pattern):
        text = ""
        while not re.search(pattern, text):
            ready, _, _ = select.select([terminal], [], [], 20)
            if not ready:
                raise process.Failed(f"zsh shows {text!r}")
            text += os.read(terminal, 65536).decode()
        return text

    try:
        read_until("ready> ")
        os.write(terminal, (
            f"fpath=('{DEPLOY}/completions' $fpath); autoload -U compinit; "
            "compinit -D -u; PS1='go''on> '\n").encode())
        read_until("goon> ")
        shown = []
        for line in lines:
            os.write(terminal, line.encode() + b"\t\x01: \n")
            shown.append(read_until(r"\n.*goon> "))
        return shown
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


class Completions(unittest.TestCase):
    def test_bash_offers_commands_options_and_words(self):
        self.assertEqual(bash("policy-gate", "ch"), ["check"])
        self.assertEqual(bash("policy-gate", "diff", "--max"),
                         ["--max-growth"])
        self.assertEqual(bash("policy-gate", "baseline", "write", "f",
                              "--dock"), ["--dockerfile"])
        self.assertEqual(bash("policy-gate", "check", "-o", "s"), ["sarif"])
        self.assertEqual(bash("policy-gate", "scan", "--fail-on", ""),
                         ["warn", "deny", "never"])
        self.assertEqual(bash("policy-gate", "diff", "-o", ""),
                         ["table", "json"])

    def test_zsh_offers_commands_options_and_words(self):
        if not shutil.which("zsh"):
            self.skipTest("there is no zsh")
        cases = {
            "policy-gate ins": "policy-gate inspect ",
            "policy-gate diff --max": "policy-gate diff --max-growth ",
            "policy-gate check -o mark": "policy-gate check -o markdown",
            "policy-gate scan --fail-on ne": "policy-gate scan --fail-on never"}
        for whole, shown in zip(cases.values(), zsh(*cases)):
            self.assertIn(whole, shown)

    def test_scripts_are_clean(self):
        checks = (["bash", "-n", DEPLOY / FILES[1]],
                  ["shellcheck", DEPLOY / FILES[1]],
                  ["zsh", "-n", DEPLOY / FILES[2]])
        for argv in checks:
            if shutil.which(argv[0]):
                process.run(argv)


class Environment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = images.serve()
        cls.config = gate.config_file(cls.registry)
        cls.image = cls.registry.ref("shop/bloated:1")
        cls.policy = paths.write("p.yaml", gate.POLICY)
        cls.lax = paths.write("lax.yaml", (
            "version: 1\nname: lax\nrules:\n  - name: a\n"
            "    check: {layers: {max: 99}}\n"))

    @classmethod
    def tearDownClass(cls):
        cls.registry.close()

    def run_with(self, *args, **variables):
        return gate.command(*args, env={**os.environ, **{
            f"POLICY_GATE_{k}": str(v) for k, v in variables.items()}})

    def test_it_stands_for_options_that_are_not_given(self):
        done = self.run_with("check", self.image, CONFIG=self.config,
                             POLICY=self.policy)
        self.assertEqual(done.returncode, 1, done.stderr)
        done = self.run_with("check", self.image, "--policy", self.lax,
                             CONFIG=self.config, POLICY=self.policy)
        self.assertEqual(done.returncode, 0, done.stdout)
        done = self.run_with("inspect", self.image, CONFIG=self.config)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_wrong_with_it_is_told(self):
        for command in (("check", "a"), ("inspect", "a"), ("diff", "a", "b")):
            done = self.run_with(*command, TIMEOUT="soon")
            self.assertEqual(done.returncode, 2)
            self.assertIn("POLICY_GATE_TIMEOUT takes", done.stderr)
        # Empty is unset.
        done = self.run_with("check", self.image, "--config", self.config,
                             TIMEOUT="", POLICY="")
        self.assertIn("preset:baseline", done.stdout)


class Install(unittest.TestCase):
    def test_all_of_it_is_installed(self):
        root = paths.work() / "root"
        done = subprocess.run(
            ["make", "-s", "install", f"DESTDIR={root}", "PREFIX=/usr",
             "NODEPS=1", f"B={os.path.relpath(paths.BUILD, paths.ROOT)}"],
            cwd=paths.ROOT, check=False, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
        found = {str(p.relative_to(root / "usr"))
                 for p in root.rglob("*") if p.is_file()}
        self.assertLessEqual({
            "bin/policy-gate", "share/man/man1/policy-gate.1",
            "share/bash-completion/completions/policy-gate",
            "share/zsh/site-functions/_policy-gate",
            "share/policy-gate/schema.json",
            "share/policy-gate/presets/baseline.yaml"}, found)


if __name__ == "__main__":
    tap.main()
