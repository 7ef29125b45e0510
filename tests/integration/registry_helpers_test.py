#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Docker's credential helpers, on the command line and in serve."""

import base64
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, paths, registry_case, tap  # noqa: E402
from lib.registry_case import LOGIN, PASSWORD, USER  # noqa: E402

SCRIPT = """\
#!/bin/sh
echo "$0 $*" >>"$TRACE"
read host
echo "$host" >>"$TRACE"
echo hunter2-aside >&2
%s
"""
GOOD = "printf '{\"ServerURL\":\"x\",\"Username\":\"%s\"," \
       "\"Secret\":\"%s\"}'" % (USER, PASSWORD)
WRONG = "echo '{\"Username\":\"u\",\"Secret\":\"wrong\"}'"


def auth(user, password):
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


class Helpers(registry_case.Case):
    def setUp(self):
        super().setUp()
        self.hidden += ["hunter2-aside"]
        self.reg = self.registry()
        self.ref = self.reg.push("app:1", content.image())
        self.reg.basic(*LOGIN)
        self.folder = paths.work() / f"bin-{time.monotonic_ns()}"
        self.folder.mkdir()
        self.trace = self.folder / "trace"
        self.env = dict(os.environ, TRACE=str(self.trace),
                        PATH=f"{self.folder}:{os.environ['PATH']}")

    def helper(self, script, name="own"):
        helper = self.folder / f"docker-credential-{name}"
        helper.write_text(SCRIPT % script)
        helper.chmod(0o755)

    def own(self):
        return {"credHelpers": {self.reg.host: "own"}}

    def by_helper(self, script, value=None, timeout=10):
        self.helper(script)
        return self.by_config(value or self.own(), timeout)

    def by_config(self, value, timeout=10):
        return self.inspect(
            self.ref, self.config(dockerConfig=self.docker_config(value)),
            timeout=timeout, env=self.env)

    def test_helper_of_the_registry_is_asked(self):
        outcome = self.by_helper(GOOD)
        self.assertIsNone(outcome.code)
        self.assertEqual(outcome.stderr, "")
        call, host = self.trace.read_text().splitlines()
        self.assertTrue(call.endswith("docker-credential-own get"))
        self.assertEqual(host, self.reg.host)

    def test_helper_is_asked_once_for_a_host(self):
        self.helper(GOOD)
        other = self.reg.push("app:2", content.image(user="7"))
        config = self.config(dockerConfig=self.docker_config(self.own()))
        policy = paths.write("helpers.yaml", registry_case.POLICY)
        done, _ = self.run_gate("check", "--policy", policy, "--config",
                                config, self.ref, other, env=self.env)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(self.trace.read_text().splitlines()), 2)

    def test_helpers_of_several_hosts_run_side_by_side(self):
        self.helper(f"sleep 1; {GOOD}")
        refs = [self.ref]
        for _ in range(3):
            reg = self.registry()
            reg.basic(*LOGIN)
            refs.append(reg.push("app:1", content.image()))
        config = self.config(
            dockerConfig=self.docker_config({"credsStore": "own"}))
        policy = paths.write("helpers.yaml", registry_case.POLICY)
        done, seconds = self.run_gate("check", "--policy", policy, "--config",
                                      config, *refs, env=self.env)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertLess(seconds, 3)

    def test_store_is_asked(self):
        self.assertIsNone(self.by_helper(
            GOOD, {"credsStore": "own"}).code)

    def test_helper_of_the_registry_goes_before_the_store(self):
        self.helper(WRONG, "store")
        self.assertIsNone(self.by_helper(
            GOOD, {**self.own(), "credsStore": "store"}).code)
        self.assertNotIn("store", self.trace.read_text())

    def test_helper_goes_before_auths_which_are_tried_too(self):
        self.helper(WRONG)
        self.assertIsNone(self.by_config(
            {**self.own(), "auths": {self.reg.host: auth(*LOGIN)}}).code)
        sent = [a for a in self.reg.authorizations("*/manifests/*") if a]
        self.assertEqual(len(sent), 2)
        self.assertEqual(sent[0], "Basic dTp3cm9uZw==")

    def test_user_token_is_an_identity_token(self):
        self.reg.bearer()
        self.reg.refresh_tokens = ["hunter2-refresh"]
        self.hidden.append("hunter2-refresh")
        self.assertIsNone(self.by_helper(
            "echo '{\"Username\":\"<token>\",\"Secret\":"
            "\"hunter2-refresh\"}'").code)
        self.assertEqual(self.reg.count("POST", "/token"), 1)

    def test_helper_that_says_nothing_does_not_hold_up(self):
        outcome = self.by_helper("sleep 60", timeout=3)
        self.assertEqual(outcome.code, "NOT_FOUND_OR_DENIED")
        self.assertLess(outcome.seconds, 3)
        self.assertIn("docker-credential-own did not answer in time",
                      outcome.stderr)

    def test_helper_that_is_given_up_ends_with_what_it_started(self):
        self.by_helper('(sleep 3; echo late >>"$TRACE") & wait', timeout=2)
        time.sleep(3)
        self.assertNotIn("late", self.trace.read_text())

    def test_what_a_helper_leaves_running_is_not_waited_for(self):
        outcome = self.by_helper(f"sleep 5 & {GOOD}")
        self.assertIsNone(outcome.code)
        self.assertLess(outcome.seconds, 3)

    def test_helper_that_fails_is_no_credential(self):
        for script, words in (
                ("exit 1", "failed"),
                ("kill -9 $$", "failed"),
                ("echo 'credentials not found in native keychain'; exit 1",
                 None),
                ("echo hunter2-nonsense; exit 0", "answered nonsense"),
                ("head -c 9999999 /dev/zero", "answered too much")):
            with self.subTest(script):
                outcome = self.by_helper(script)
                self.assertEqual(outcome.code, "NOT_FOUND_OR_DENIED")
                self.assertTrue(self.trace.exists())
                self.assertNotIn("hunter2", outcome.stderr)
                if words:
                    self.assertIn(f"warning: {self.reg.host}: "
                                  f"docker-credential-own {words}",
                                  outcome.stderr)
                else:
                    self.assertEqual(outcome.stderr, "")

    def test_helper_that_is_missing_is_named_once(self):
        outcome = self.by_config({"credsStore": "absent"})
        self.assertEqual(outcome.code, "NOT_FOUND_OR_DENIED")
        self.assertEqual(outcome.stderr.count(
            "docker-credential-absent is not installed"), 1)

    def test_name_goes_to_no_shell(self):
        target = paths.work() / "shell"
        for name in (f"own;touch {target}", f"own $(touch {target})",
                     "../../bin/own", "/bin/own"):
            with self.subTest(name):
                outcome = self.by_helper(GOOD, {"credsStore": name})
                self.assertEqual(outcome.code, "NOT_FOUND_OR_DENIED")
                self.assertIn("is not the name of a credential helper",
                              outcome.stderr)
                self.assertFalse(target.exists())
                self.assertFalse(self.trace.exists())

    def test_serve_runs_none_and_says_so_once(self):
        self.helper(GOOD)
        server = self.serve(self.config(
            dockerConfig=self.docker_config({"credsStore": "own"})),
            env=self.env)
        for _ in range(2):
            self.assertFalse(self.post(server, self.ref)["allowed"])
        self.assertFalse(self.trace.exists())
        self.assertEqual(len(server.log("credential_helpers_ignored")), 1)


if __name__ == "__main__":
    tap.main()
