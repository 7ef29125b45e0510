#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`policy-gate serve`: reviews in, answers out, bad input, bad registries."""

import contextlib
import json
import pathlib
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import faults, gate, images, paths, process, tap  # noqa: E402

registry = faulty = config = server = None
MIB = 1024 * 1024

ON_ERROR = """\
version: 1
name: %(on_error)s
onError: %(on_error)s
rules:
  - name: small
    check: {size: {max: 20Mi}}
"""


def setUpModule():
    global registry, faulty, config, server
    registry = images.serve()
    faulty = faults.FaultyRegistry()
    config = gate.config_file(registry, faulty)
    server = gate.Gate(gate.POLICY, config)


def tearDownModule():
    server.stop()
    registry.close()
    faulty.close()


def ask(image, on=None, timeout="10s", **spec):
    return (on or server).post(
        gate.review(gate.pod(registry.ref(image), **spec)), timeout)


class Answers(unittest.TestCase):
    def test_lean_image_is_admitted(self):
        answer = ask("shop/lean:1")
        self.assertTrue(answer["allowed"])
        self.assertEqual(answer["auditAnnotations"]["verdict"], "allow")
        self.assertFalse(answer.get("warnings"))

    def test_denial_names_everything(self):
        answer = ask("shop/bloated:1")
        self.assertFalse(answer["allowed"])
        status = answer["status"]
        self.assertEqual((status["code"], status["reason"]),
                         (403, "Forbidden"))
        for word in ("spec.containers[0].image", "app",
                     registry.ref("shop/bloated:1"), "lean-images", "32 MiB",
                     "20 MiB", "apt-get install -y g++ make", "platform-team"):
            self.assertIn(word, status["message"])
        self.assertLessEqual(len(status["message"]), 4096)

    def test_root_is_a_warning_and_latest_an_annotation(self):
        answer = ask("shop/root:1")
        self.assertTrue(answer["allowed"])
        self.assertEqual(len(answer["warnings"]), 1)
        self.assertIn("no-root", answer["warnings"][0])
        answer = ask("shop/lean:latest")
        self.assertTrue(answer["allowed"])
        self.assertFalse(answer.get("warnings"))
        self.assertIn("fixed-tags", answer["auditAnnotations"])

    def test_run_as_user_of_the_pod_counts(self):
        answer = ask("shop/root:1", securityContext={"runAsUser": 1000})
        self.assertFalse(answer.get("warnings"))
        answer = ask("shop/lean:1", securityContext={"runAsUser": 0})
        self.assertEqual(len(answer["warnings"]), 1)

    def test_v1beta1_is_answered_in_kind(self):
        review = gate.review(gate.pod(registry.ref("shop/lean:1")))
        review["apiVersion"] = "admission.k8s.io/v1beta1"
        _, _, body = server.request("POST", "/validate", json.dumps(review),
                                    {"Content-Type": "application/json"})
        answer = json.loads(body)
        self.assertEqual(answer["apiVersion"], "admission.k8s.io/v1beta1")
        self.assertEqual(answer["response"]["uid"], review["request"]["uid"])

    def test_update_judges_only_what_changed(self):
        old = gate.pod(registry.ref("shop/bloated:1"))
        new = json.loads(json.dumps(old))
        new["metadata"]["labels"] = {"touched": "yes"}
        self.assertTrue(server.post(gate.review(new, old))["allowed"])
        new["spec"]["containers"][0]["image"] = registry.ref("shop/faulty:1")
        self.assertFalse(server.post(gate.review(new, old))["allowed"])

    def test_delete_is_allowed(self):
        review = gate.review(gate.pod(registry.ref("shop/bloated:1")),
                             operation="DELETE")
        review["request"]["oldObject"] = review["request"]["object"]
        review["request"]["object"] = None
        self.assertTrue(server.post(review)["allowed"])

    def test_unparsable_reference_is_rejected_with_the_reason(self):
        answer = server.post(gate.review(gate.pod("Shop/Web:1")))
        self.assertFalse(answer["allowed"])
        self.assertEqual(answer["status"]["code"], 403)
        self.assertIn("INVALID_REFERENCE", answer["status"]["message"])


class SameVerdict(unittest.TestCase):
    """The command line and the webhook say the same of the same workload."""

    NAMES = ("shop/lean:1", "shop/bloated:1", "shop/faulty:1", "shop/root:1",
             "shop/multi:1", "shop/layered:1", "shop/lean:latest")

    def test_findings_are_byte_identical(self):
        policy = server.policy
        for name in self.NAMES:
            with self.subTest(name):
                review = gate.review(gate.pod(registry.ref(name)))
                recorded = paths.write("recorded.json", json.dumps(review))
                document, _ = gate.check(policy, config, "-f", recorded)
                image = document["workloads"][0]["images"][0]
                answer = server.post(review)
                self.assertEqual(image["verdict"],
                                 answer["auditAnnotations"]["verdict"])
                several = len(image["platforms"]) > 1
                said = {"enforce": [], "warn": [], "audit": []}
                for f in image["findings"]:
                    said[f["mode"]].append(sentence("app", f, several))
                message = answer.get("status", {}).get("message", "")
                self.assertEqual(message, denial(image, said["enforce"]))
                self.assertEqual(answer.get("warnings") or [], said["warn"])
                logged = [e for e in server.log("review")
                          if e["uid"] == review["request"]["uid"]][0]
                self.assertEqual(logged["images"][0]["resolved"],
                                 image["resolved"])
                self.assertEqual(
                    logged["images"][0]["findings"],
                    [{k: f[k] for k in ("rule", "check", "mode")}
                     for f in image["findings"]])


def sentence(container, f, several):
    """How an answer puts a finding of `check -o json`."""
    def start(s):
        return s[:1].upper() + s[1:]

    where = f"{f['platform']}: " if several and f["platform"] else ""
    how = (f"{start(f['evidence'])}: {f['fix']}" if f["evidence"]
           else start(f["fix"]))
    owner = f" Owner: {f['owner']}." if f["owner"] else ""
    return (f"{container}: {where}{f['message']} ({f['rule']}). "
            f"{how}.{owner}")


def denial(image, sentences):
    if not sentences:
        return ""
    return (f"1 of 1 image rejected\n{image['path']} {image['reference']}\n" +
            "\n".join(f"  {s}" for s in sentences))


class BadInput(unittest.TestCase):
    def send(self, body, content_type="application/json", method="POST",
             path="/validate"):
        headers = {"Content-Type": content_type} if content_type else {}
        return server.request(method, path, body, headers)

    def tearDown(self):
        self.assertTrue(server.process.running())
        self.assertTrue(ask("shop/lean:1")["allowed"])

    def test_what_is_no_review_is_a_plain_400(self):
        good = json.dumps(gate.review(gate.pod("a/b:1")))
        no_uid = gate.review(gate.pod("a/b:1"))
        del no_uid["request"]["uid"]
        bodies = {
            "empty": "", "no JSON": "hello", "truncated": good[:-20],
            "array": "[]", "null": "null", "number": "7",
            "no request": '{"kind":"AdmissionReview",'
                          '"apiVersion":"admission.k8s.io/v1"}',
            "no uid": json.dumps(no_uid),
            "wrong kind": good.replace("AdmissionReview", "ConversionReview"),
            "wrong version": good.replace("k8s.io/v1", "k8s.io/v9"),
            "nested": "[" * 100000 + "]" * 100000,
            "nested objects": '{"a":' * 50000 + "1" + "}" * 50000,
            "broken UTF-8": b'{"kind":"\xff\xfe"}',
            "NUL": '{"kind":"a\\u0000b"}',
        }
        for name, body in bodies.items():
            with self.subTest(name):
                status, headers, text = self.send(body)
                self.assertEqual(status, 400, text)
                self.assertTrue(
                    headers["Content-Type"].startswith("text/plain"))
                self.assertLessEqual(len(text), 2048)
                self.assertGreater(len(text.split()), 2, text)

    def test_pod_of_wrong_types_is_denied_not_refused(self):
        for spec in ({"containers": "none"}, {"containers": [7]}, [],
                     {"containers": [{"name": "a", "image": 7}]}):
            with self.subTest(spec):
                pod = gate.pod("a/b:1")
                pod["spec"] = spec
                answer = server.post(gate.review(pod))
                self.assertFalse(answer["allowed"])
                self.assertEqual(answer["status"]["code"], 403)
                self.assertIn("spec", answer["status"]["message"])

    def test_content_type_other_than_json_is_415(self):
        good = json.dumps(gate.review(gate.pod(registry.ref("shop/lean:1"))))
        for kind in ("text/plain", "application/x-www-form-urlencoded",
                     "multipart/form-data; boundary=a"):
            with self.subTest(kind):
                self.assertEqual(self.send(good, kind)[0], 415)
        for kind in ("application/json; charset=utf-8", None):
            with self.subTest(kind):
                self.assertEqual(self.send(good, kind)[0], 200)

    def test_over_7_mib_is_413(self):
        status, _, text = self.send(b" " * (7 * MIB + 1))
        self.assertEqual(status, 413)
        self.assertGreater(len(text.split()), 2, text)

    def test_just_under_7_mib_is_read(self):
        review = gate.review(gate.pod(registry.ref("shop/lean:1")))
        review["request"]["object"]["metadata"]["annotations"] = {
            "big": "x" * (7 * MIB - 4096)}
        self.assertTrue(server.post(review)["allowed"])

    def test_chunked_body_is_bounded_too(self):
        c = server.connect()
        try:
            c.request("POST", "/validate",
                      (b" " * 65536 for _ in range(7 * 16 + 8)),
                      {"Content-Type": "application/json"},
                      encode_chunked=True)
            self.assertEqual(c.getresponse().status, 413)
        except OSError:
            pass  # refused before all of it was sent
        finally:
            c.close()

    def test_other_paths_and_methods(self):
        self.assertEqual(self.send(None, None, "GET", "/")[0], 404)
        self.assertEqual(self.send("{}", path="/validate/")[0], 404)
        status, headers, _ = self.send(None, None, "GET")
        self.assertEqual((status, headers["Allow"]), (405, "POST"))
        self.assertEqual(self.send(None, None, "GET", "/livez")[0], 200)
        self.assertEqual(self.send(None, None, "GET", "/readyz")[0], 200)

    def test_clients_that_go_away_or_talk_no_tls(self):
        for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff"):
            with socket.create_connection(("127.0.0.1", server.port)) as s:
                s.sendall(data)
        c = server.connect()
        c.putrequest("POST", "/validate")
        c.putheader("Content-Type", "application/json")
        c.putheader("Content-Length", "1000")
        c.endheaders()
        c.send(b'{"kind":')
        c.close()

    def test_memory_does_not_grow(self):
        if gate.sanitized():
            self.skipTest("a sanitizer keeps freed memory for a while")
        good = json.dumps(gate.review(gate.pod("a/b:1")))
        bodies = ("", good[:-9], "[" * 20000, b" " * (7 * MIB + 1),
                  b'{"a":"' + b"x" * (3 * MIB))

        def once():
            for body in bodies:
                with contextlib.suppress(OSError):  # refused while sending
                    self.send(body)

        for _ in range(10):
            once()
        before = server.process.rss()
        for _ in range(40):
            once()
        grown = server.process.rss() - before
        self.assertLess(grown, 4 * MIB)


class BadRegistries(unittest.TestCase):
    # repository: code, and whether waiting may help
    FAULTS = {
        "slow": ("TIMEOUT", True), "drip": ("TIMEOUT", True),
        "liar": ("DIGEST_MISMATCH", False),
        "resized": ("SIZE_MISMATCH", False), "huge": ("TOO_LARGE", False),
        "cut": ("TRUNCATED", True), "garbage": ("MALFORMED", False),
        "broken": ("UNAVAILABLE", True), "busy": ("RATE_LIMITED", True),
        "missing": ("NOT_FOUND", False),
    }

    def each_fault(self, on_error, judge):
        """Calls judge(answer, code, heals) for each, one registry each: what
        fails often is asked less, and that is not what is tested here."""
        hosts = {name: faults.FaultyRegistry() for name in self.FAULTS}
        for host in hosts.values():
            self.addCleanup(host.close)
        own = gate.Gate(ON_ERROR % {"on_error": on_error}, gate.config_file(
            *hosts.values(), name="faulty.json"))
        self.addCleanup(own.stop)
        for name, (code, heals) in self.FAULTS.items():
            with self.subTest(name):
                review = gate.review(gate.pod(hosts[name].ref(name)))
                started = time.monotonic()
                answer = own.post(review, "3s")
                self.assertLess(time.monotonic() - started, 3)
                judge(answer, code, heals)
        self.assertTrue(own.process.running())

    def test_deny_says_the_code_and_whether_to_come_back(self):
        def judge(answer, code, heals):
            self.assertFalse(answer["allowed"])
            self.assertIn(code, answer["status"]["message"])
            self.assertEqual(answer["status"]["code"], 503 if heals else 403)
            self.assertEqual(answer["auditAnnotations"]["verdict"], "error")
            if heals:
                wait = answer["status"]["details"]["retryAfterSeconds"]
                self.assertIn(wait, range(1, 31))

        self.each_fault("deny", judge)

    def test_warn_admits_with_a_warning(self):
        def judge(answer, code, _):
            self.assertTrue(answer["allowed"])
            self.assertEqual(len(answer["warnings"]), 1)
            self.assertIn(code, answer["warnings"][0])

        self.each_fault("warn", judge)

    def test_allow_admits_in_silence(self):
        def judge(answer, *_):
            self.assertTrue(answer["allowed"])
            self.assertFalse(answer.get("warnings"))

        self.each_fault("allow", judge)

    def test_warn_rules_warn_at_most_and_audit_rules_let_it_be(self):
        ref = faulty.ref("missing")
        for mode, verdict, warnings in (("warn", "warn", 1),
                                        ("audit", "allow", 0)):
            own = gate.Gate(
                ON_ERROR % {"on_error": "deny"} + f"    mode: {mode}\n", config)
            self.addCleanup(own.stop)
            answer = own.post(gate.review(gate.pod(ref)))
            said = answer["auditAnnotations"]
            self.assertEqual((answer["allowed"], said["verdict"]),
                             (True, verdict))
            self.assertEqual(len(answer.get("warnings") or []), warnings)
            self.assertIn("NOT_FOUND", said["error"])
            image = own.log("review")[-1]["images"][0]
            self.assertEqual((image["verdict"], image["error"]),
                             (verdict, "NOT_FOUND"))
            document, status = gate.check(own.policy, config, ref)
            self.assertEqual((document["verdict"], status), (verdict, 0))

    def test_a_good_one_is_judged(self):
        answer = server.post(gate.review(gate.pod(faulty.ref("good"))))
        self.assertTrue(answer["allowed"])

    def test_registry_down_then_up(self):
        reg = images.serve("restarted")
        own_config = gate.config_file(reg, name="restarted.json",
                                      cache={"negativeTtl": "1s"})
        own = gate.Gate(gate.POLICY, own_config)
        self.addCleanup(own.stop)
        self.addCleanup(reg.close)
        reg.stop()
        review = gate.review(gate.pod(reg.ref("shop/lean:1")))
        answer = own.post(review, "3s")
        self.assertEqual(answer["status"]["code"], 503)
        self.assertIn("UNAVAILABLE", answer["status"]["message"])
        reg.start()
        end = time.monotonic() + 30
        while not own.post(review, "3s")["allowed"]:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.5)

    def test_a_huge_manifest_is_not_read_to_its_end(self):
        before = faulty.sent
        server.post(gate.review(gate.pod(faulty.ref("huge"))))
        self.assertLess(faulty.sent - before, 64 * MIB)
        if not gate.sanitized():
            self.assertLess(server.process.rss(), 64 * MIB)


class Operation(unittest.TestCase):
    def test_metrics_count_reviews_findings_and_registry(self):
        own = gate.Gate(gate.POLICY, config)
        self.addCleanup(own.stop)
        ask("shop/bloated:1", own)
        found = own.metrics()
        self.assertEqual(found['policy_gate_reviews_total{endpoint="validate"'
                               ',operation="CREATE",verdict="deny"}'], 1)
        self.assertEqual(found['policy_gate_findings_total{rule="lean-images",'
                               'check="size.max",mode="enforce"}'], 1)
        self.assertTrue(any(k.startswith("policy_gate_registry_requests_total{"
                                         f'registry="{registry.host}"')
                            for k in found), found)

    def test_log_is_one_json_object_a_line(self):
        ask("shop/bloated:1")
        for line in server.process.text().splitlines():
            self.assertIsInstance(json.loads(line), dict)
        entry = server.log("review")[-1]
        self.assertEqual(list(entry)[:3], ["time", "level", "event"])

    def test_log_says_all_of_a_decision(self):
        ref = registry.ref("shop/root:1")
        pod = gate.pod(ref)
        pod["metadata"] = {"generateName": "web-", "namespace": "shop"}
        review = gate.review(pod, name="", dryRun=True,
                             userInfo={"username": "anna"})
        server.post(review)
        entry = server.log("review")[-1]
        image, = entry.pop("images")
        self.assertRegex(entry.pop("time"), r"^\d{4}-\d\d-\d\dT[\d:]{8}Z$")
        self.assertGreater(entry.pop("ms"), 0)
        self.assertEqual(entry, {
            "level": "info", "event": "review", "endpoint": "validate",
            "uid": review["request"]["uid"], "operation": "CREATE",
            "kind": "Pod", "namespace": "shop", "name": "web-",
            "username": "anna", "dryRun": True, "verdict": "warn"})
        self.assertRegex(image.pop("resolved"), r"/root@sha256:[0-9a-f]{64}$")
        self.assertIn(image.pop("cache"), ("hit", "miss", "stale"))
        self.assertEqual(image, {
            "path": "spec.containers[0].image", "reference": ref,
            "verdict": "warn", "error": None, "findings": [
                {"rule": "no-root", "check": "user.root", "mode": "warn"}]})

    def test_log_is_silent_below_its_level(self):
        own = gate.Gate(gate.POLICY, config, args=["--log-level", "error"])
        for name in ("lean", "bloated", "root", "nothing"):
            ask(f"shop/{name}:1", own)
        own.stop()
        self.assertEqual(own.process.text(), "")

    def test_unlisted_private_address_is_not_talked_to(self):
        own = gate.Gate(gate.POLICY)
        self.addCleanup(own.stop)
        before = len(registry.requests())
        answer = ask("shop/lean:1", own)
        self.assertFalse(answer["allowed"])
        self.assertIn("UNAVAILABLE", answer["status"]["message"])
        self.assertNotIn("ADDRESS_BLOCKED", answer["status"]["message"])
        self.assertEqual(len(registry.requests()), before)

    def test_sigterm_answers_what_is_under_way(self):
        own = gate.Gate(ON_ERROR % {"on_error": "deny"}, config)
        c = own.connect()
        self.addCleanup(c.close)
        c.request("POST", "/validate?timeout=3s",
                  json.dumps(gate.review(gate.pod(faulty.ref("slow")))),
                  {"Content-Type": "application/json"})
        time.sleep(0.3)
        own.process.popen.send_signal(signal.SIGTERM)
        answer = json.loads(c.getresponse().read())["response"]
        self.assertIn("TIMEOUT", answer["status"]["message"])
        self.assertEqual(own.process.popen.wait(20), 0)

    def test_what_ends_in_an_event_fits_into_one(self):
        rules = "".join(
            f"  - {{name: no-latest-{i}, owner: team-{i}, "
            "check: {tag: {deny: [latest]}}}\n" for i in range(8))
        own = gate.Gate(f"version: 1\nrules:\n{rules}")
        self.addCleanup(own.stop)
        said = {}
        for user in ("anna", "system:serviceaccount:kube-system:job-controller"):
            answer = own.post(gate.review(
                gate.pod("a.corp/x"), userInfo={"username": user}))
            said[user] = answer["status"]["message"].splitlines()
        person, program = said.values()
        self.assertEqual(person[:2], program[:2])
        self.assertEqual(len(person), 10)
        self.assertIn("name a version", person[2].lower())
        self.assertLessEqual(len("\n".join(program)), 900)
        self.assertEqual(len(program), 10)
        for i, line in enumerate(program[2:]):
            self.assertIn(f"(no-latest-{i}).", line)

    def test_sighup_takes_a_new_policy_and_refuses_a_bad_one(self):
        own = gate.Gate(gate.POLICY, config)
        self.addCleanup(own.stop)
        self.assertFalse(ask("shop/bloated:1", own)["allowed"])
        for text, event, allowed in (
                ("version: 2\n", "reload_refused", False),
                (ON_ERROR % {"on_error": "deny"} + "    mode: audit\n",
                 "reloaded", True)):
            own.policy.write_text(text)
            own.process.popen.send_signal(signal.SIGHUP)
            own.process.wait_until(lambda e=event: own.log(e), event)
            self.assertEqual(ask("shop/bloated:1", own)["allowed"], allowed)


if __name__ == "__main__":
    tap.main()
