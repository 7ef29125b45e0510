#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What the webhook remembers of registries: for how long, through which outages,
and what it takes care not to remember. Tags that move are seen to move once.
"""

import base64
import json
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, gate, registry_case, tap  # noqa: E402
from lib.registry_case import LOGIN  # noqa: E402

TTL_S = 1
MANIFESTS = "/v2/app/manifests/*"
# Refuses an image whose user is root.
ROOTLESS = """\
version: 1
name: rootless
onError: deny
rules:
  - name: no-root
    check: {user: {root: deny}}
"""


class Cache(registry_case.Case):
    def setUp(self):
        super().setUp()
        self.reg = self.registry()
        self.good, self.root = content.image(), content.image(user="0")
        self.other = content.image(user="7")
        self.ref = self.reg.push("app:1", self.good)

    def start(self, credentials=None, **cache):
        cache = {"tagTtl": f"{TTL_S}s", "negativeTtl": "1s", **cache}
        self.server = self.serve(
            self.config(credentials=credentials, cache=cache),
            policy=ROOTLESS)

    def expire(self):
        """What is known by tag has to be asked for again."""
        time.sleep(2 * TTL_S + 0.1)

    def allowed(self, ref=None, timeout="3s"):
        return self.post(self.server, ref or self.ref, timeout)["allowed"]

    def result(self, name):
        return self.server.metrics().get(
            f'policy_gate_cache_requests_total{{result="{name}"}}', 0)


class Moving(Cache):
    """A tag that means something else a moment later."""

    def test_between_manifest_and_config_changes_nothing(self):
        self.start()
        self.reg.on("GET", "*/manifests/1").serve().then.serve(
            body=self.root.body)
        self.reg.push("app", self.root)
        self.assertTrue(self.allowed())
        self.assertEqual(self.reg.count(path="*/manifests/1"), 1)

    def test_is_judged_as_it_was_for_its_ttl(self):
        self.start()
        self.assertTrue(self.allowed())
        self.reg.push("app:1", self.root)
        self.assertTrue(self.allowed())
        self.expire()
        self.assertFalse(self.allowed())

    def test_two_containers_see_the_same(self):
        self.start()
        self.reg.on("GET", "*/manifests/1").serve().then.serve(
            body=self.root.body, headers={"Docker-Content-Digest": None})
        self.reg.push("app", self.root)
        pod = gate.pod(self.ref)
        pod["spec"]["containers"] *= 3
        self.assertTrue(self.server.post(gate.review(pod))["allowed"])

    def test_digest_that_is_pinned_is_the_one_that_was_judged(self):
        self.start()
        self.reg.on("GET", "*/manifests/1").serve().then.serve(
            body=self.root.body, headers={"Docker-Content-Digest": None})
        self.reg.push("app", self.root)
        self.assertTrue(self.allowed())
        _, _, body = self.server.request(
            "POST", "/mutate?timeout=3s",
            json.dumps(gate.review(gate.pod(self.ref))),
            {"Content-Type": "application/json"})
        patch = json.loads(base64.b64decode(
            json.loads(body)["response"]["patch"]))
        self.assertEqual(patch[-1]["value"],
                         f"{self.ref}@{self.good.digest}")

    def test_tag_that_goes_away_is_gone(self):
        self.start()
        self.assertTrue(self.allowed())
        del self.reg.tags["app", "1"]
        self.expire()
        answer = self.post(self.server, self.ref)
        self.assertIn("NOT_FOUND", answer["status"]["message"])
        # And an outage does not bring it back.
        self.reg.on("*", "*").fail(503)
        time.sleep(1.1)
        self.assertFalse(self.allowed())


class Kept(Cache):
    def test_digest_is_asked_for_once(self):
        self.start()
        ref = f"{self.reg.host}/app@{self.good.digest}"
        self.assertTrue(self.allowed(ref))
        self.expire()
        self.reg.log.clear()
        self.assertTrue(self.allowed(ref))
        self.assertEqual(self.reg.count(), 0)

    def test_absence_is_believed_for_a_moment(self):
        self.start()
        ref = self.reg.ref("app:2")
        self.assertFalse(self.allowed(ref))
        self.reg.push("app:2", self.good)
        self.assertFalse(self.allowed(ref))
        self.assertEqual(self.result("negative"), 1)
        time.sleep(1.1)
        self.assertTrue(self.allowed(ref))

    def test_lack_of_rights_is_not_kept(self):
        for status in (401, 403):
            with self.subTest(status):
                self.start(negativeTtl="1h")
                self.reg.on("GET", MANIFESTS).fail(status, headers={
                    "WWW-Authenticate": 'Basic realm="x"'})
                self.assertFalse(self.allowed())
                self.reg.rules.clear()
                self.assertTrue(self.allowed())

    def test_failures_are_not_kept(self):
        self.start(negativeTtl="1h")
        for fault in (lambda r: r.fail(500), lambda r: r.reset(),
                      lambda r: r.serve(body=b"{}"), lambda r: r.truncate(),
                      lambda r: r.fail(429)):
            ref = self.reg.push(f"app:{time.monotonic_ns()}", self.good)
            fault(self.reg.on("GET", MANIFESTS))
            self.assertFalse(self.allowed(ref))
            self.reg.rules.clear()
            self.assertTrue(self.allowed(ref))

    def test_other_platforms_are_another_question(self):
        self.start()
        ref = self.reg.push("app:2", content.multi("linux/amd64",
                                                   "linux/arm64"))
        pods = [gate.pod(ref, nodeSelector={"kubernetes.io/arch": a})
                for a in ("amd64", "arm64")]
        for pod in pods:
            self.assertTrue(self.server.post(gate.review(pod))["allowed"])
        for document in self.reg.tags["app", "2"].parts:
            self.assertEqual(self.reg.count(path=f"*{document.digest}"), 1)

    def test_new_settings_forget_what_old_credentials_showed(self):
        self.reg.basic(*LOGIN)
        self.start(credentials={self.reg: LOGIN}, tagTtl="1h")
        self.assertTrue(self.allowed())
        config = json.loads(self.server.config.read_text())
        del config["registries"][self.reg.host]["credentials"]
        self.server.config.write_text(json.dumps(config))
        self.server.process.wait_until(
            lambda: self.server.log("reloaded"), "reloaded")
        answer = self.post(self.server, self.ref)
        self.assertIn("NOT_FOUND_OR_DENIED", answer["status"]["message"])

    def test_reload_that_changes_no_registry_asks_none(self):
        self.start(tagTtl="1h")
        self.assertTrue(self.allowed())
        self.reg.log.clear()
        self.server.process.popen.send_signal(signal.SIGHUP)
        self.server.process.wait_until(
            lambda: self.server.log("reloaded"), "reloaded")
        self.assertTrue(self.allowed())
        self.assertEqual(self.reg.log, [])


class Revalidated(Cache):
    """Known, but not for certain any more."""

    def asked(self):
        """The methods of what it takes to answer now."""
        self.reg.log.clear()
        self.assertTrue(self.allowed())
        return [r.method for r in self.reg.log]

    def test_tag_costs_one_head(self):
        self.start()
        self.assertEqual(self.asked(), ["GET", "GET"])
        self.expire()
        self.assertEqual(self.asked(), ["HEAD"])
        self.assertEqual(self.asked(), [])

    def test_tag_of_several_platforms_costs_one_head(self):
        self.reg.push("app:1", content.multi("linux/amd64", "linux/arm64"))
        self.start()
        self.assertEqual(len(self.asked()), 5)
        self.expire()
        self.assertEqual(self.asked(), ["HEAD"])

    def test_tag_that_moved_costs_the_new_image_too(self):
        self.start()
        self.asked()
        self.expire()
        self.reg.push("app:1", self.other)
        self.assertEqual(self.asked(), ["HEAD", "GET", "GET"])
        self.expire()
        # Back to what is remembered still.
        self.reg.push("app:1", self.good)
        self.assertEqual(self.asked(), ["HEAD"])

    def test_registry_without_head_is_asked_by_get(self):
        for status in (404, 405, 501):
            with self.subTest(status):
                self.reg.on("HEAD", "*").fail(status)
                self.start()
                self.asked()
                self.expire()
                self.assertEqual(self.asked(), ["HEAD", "GET"])

    def test_second_tag_of_known_content_costs_one_request(self):
        self.start()
        self.asked()
        self.ref = self.reg.push("app:2", self.good)
        self.assertEqual(self.asked(), ["GET"])

    def test_digest_that_a_tag_led_to_costs_nothing(self):
        self.start()
        self.asked()
        self.ref = f"{self.reg.host}/app@{self.good.digest}"
        self.assertEqual(self.asked(), [])

    def test_image_of_another_repository_has_to_be_shown_there(self):
        self.start()
        self.asked()
        self.reg.on("*", "/v2/other/*").fail(404)
        ref = f"{self.reg.host}/other@{self.good.digest}"
        self.assertIn("NOT_FOUND", self.post(
            self.server, ref)["status"]["message"])

    def test_known_tag_is_answered_while_it_is_asked_for(self):
        self.start()
        self.asked()
        time.sleep(TTL_S + 0.1)
        self.reg.latency = 0.5
        started = time.monotonic()
        self.assertTrue(self.allowed())
        self.assertTrue(self.allowed())
        self.assertLess(time.monotonic() - started, 0.4)
        self.assertEqual(self.result("stale"), 2)
        time.sleep(0.8)
        self.assertEqual([r.method for r in self.reg.log][2:], ["HEAD"])
        self.assertEqual(self.asked(), [])
        self.assertEqual(self.result("hit"), 1)

    def test_tag_that_moved_is_judged_anew_right_after(self):
        self.start()
        self.asked()
        self.reg.push("app:1", self.root)
        time.sleep(TTL_S + 0.1)
        self.assertTrue(self.allowed())  # and asks
        time.sleep(0.3)
        self.assertFalse(self.allowed())

    def test_settings_that_changed_leave_the_facts(self):
        self.start(tagTtl="1h")
        self.asked()
        config = json.loads(self.server.config.read_text())
        config["cache"]["negativeTtl"] = "2s"
        self.server.config.write_text(json.dumps(config))
        self.server.process.wait_until(
            lambda: self.server.log("reloaded"), "reloaded")
        self.assertEqual(self.asked(), ["HEAD"])

    def test_log_says_where_an_answer_came_from(self):
        self.start()
        self.allowed()
        self.allowed()
        self.expire()
        self.reg.on("*", "*").fail(503)
        self.allowed()
        self.assertEqual(
            [e["images"][0]["cache"] for e in self.server.log("review")],
            ["miss", "hit", "stale"])


class Outages(Cache):
    FAULTS = {
        "500": lambda r: r.fail(500), "503": lambda r: r.fail(503),
        "429": lambda r: r.fail(429, headers={"Retry-After": "3600"}),
        "reset": lambda r: r.reset(), "closed": lambda r: r.close(),
        "truncated": lambda r: r.truncate(), "silence": lambda r: r.hang(),
        "no http": lambda r: r.garbage(b"\0"),
    }
    # What a registry that works says of an image: believed.
    VERDICTS = {
        "404": (lambda r: r.fail(404), "NOT_FOUND"),
        "403": (lambda r: r.fail(403), "NOT_FOUND_OR_DENIED"),
        "no json": (lambda r: r.serve(body=b"{", headers={
            "Docker-Content-Digest": None}), "MALFORMED"),
        "other digest": (lambda r: r.serve(headers={
            "Docker-Content-Digest": content.digest(b"")}),
            "DIGEST_MISMATCH"),
    }

    def test_reject_nothing_known(self):
        for name, fault in self.FAULTS.items():
            with self.subTest(name):
                self.reg.rules.clear()
                self.start()
                self.reg.push("app:1", self.good)
                self.assertTrue(self.allowed())
                self.expire()
                self.reg.push("app:1", self.other)
                fault(self.reg.on("*", "*"))
                self.assertTrue(self.allowed(timeout="2s"))
                self.assertEqual(self.result("stale"), 1)

    def test_registry_that_is_gone_rejects_nothing_known(self):
        self.start()
        refs = [self.reg.push(f"app:{i}", content.image(user=str(i + 1)))
                for i in range(50)]
        for ref in refs:
            self.assertTrue(self.allowed(ref))
        self.expire()
        self.reg.close()
        for ref in refs:
            self.assertTrue(self.allowed(ref))
        self.assertEqual(self.result("stale"), 50)
        unknown = self.post(self.server, self.reg.ref("app:unknown"))
        self.assertIn("UNAVAILABLE", unknown["status"]["message"])
        self.assertEqual(unknown["status"]["code"], 503)

    def test_what_the_registry_says_is_believed_though_something_is_known(
            self):
        for name, (fault, code) in self.VERDICTS.items():
            with self.subTest(name):
                self.reg.rules.clear()
                self.start()
                self.reg.push("app:1", self.good)
                self.assertTrue(self.allowed())
                self.expire()
                self.reg.push("app:1", self.other)
                fault(self.reg.on("*", MANIFESTS))
                answer = self.post(self.server, self.ref)
                self.assertFalse(answer["allowed"])
                self.assertIn(code, answer["status"]["message"])

    def test_end_when_stale_for_is_over(self):
        self.start(staleFor="2s")
        self.assertTrue(self.allowed())
        self.reg.on("*", "*").fail(503)
        self.expire()
        self.assertTrue(self.allowed())
        time.sleep(1)
        answer = self.post(self.server, self.ref)
        self.assertIn("UNAVAILABLE", answer["status"]["message"])

    def test_bad_image_stays_bad(self):
        self.start()
        ref = self.reg.push("app:2", self.root)
        self.assertFalse(self.allowed(ref))
        self.expire()
        self.reg.on("*", "*").fail(503)
        answer = self.post(self.server, ref)
        self.assertFalse(answer["allowed"])
        self.assertNotIn("UNAVAILABLE", answer["status"]["message"])

    def test_end_is_seen_behind_the_next_answer(self):
        self.start()
        self.assertTrue(self.allowed())
        self.expire()
        self.reg.on("*", "*").fail(503)
        self.assertTrue(self.allowed())
        self.reg.rules.clear()
        self.reg.push("app:1", self.root)
        self.server.process.wait_until(lambda: not self.allowed(), "the end")


if __name__ == "__main__":
    tap.main()
