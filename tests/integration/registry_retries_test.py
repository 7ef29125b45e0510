#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Registries that fail for a while: asked again, not too often, not sooner than
they want, and never beyond the time that is left.
"""

import email.utils
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, process, registry_case, tap  # noqa: E402

MANIFEST = "/v2/app/manifests/1"
BLOBS = "/v2/app/blobs/*"
TRANSIENT = (408, 429, 499, 500, 502, 503, 504, 522)
TRIES = 4
# A deadline, and what the program needs beside it.
SLACK_S = 1.5


def date(seconds):
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


class Retries(registry_case.Case):
    def setUp(self):
        super().setUp()
        self.reg = self.registry()
        self.ref = self.reg.push("app:1", content.image())

    def fresh(self):
        self.reg.rules.clear()
        self.reg.log.clear()


class Status(Retries):
    def test_what_passes_is_tried_again(self):
        for path in (MANIFEST, BLOBS):
            for status in TRANSIENT:
                with self.subTest(status, path=path):
                    self.fresh()
                    self.reg.on("GET", path).fail(status).then.serve()
                    self.facts(self.ref)
                    self.assertEqual(self.reg.count(path=path), 2)

    def test_three_repetitions_and_no_more(self):
        for status in TRANSIENT:
            with self.subTest(status):
                self.fresh()
                self.reg.on("GET", MANIFEST).fail(status)
                outcome = self.refused(
                    "RATE_LIMITED" if status == 429 else "UNAVAILABLE",
                    self.ref)
                self.assertEqual(self.reg.count(), TRIES)
                self.assertIn(str(status), outcome.message)

    def test_third_repetition_may_go_well(self):
        self.reg.on("GET", MANIFEST).fail(503).then.fail(429).then.fail(
            500).then.serve()
        self.facts(self.ref)

    def test_what_will_not_pass_is_not_tried_again(self):
        for status, code in ((404, "NOT_FOUND"), (403, "NOT_FOUND_OR_DENIED"),
                             (400, "UNAVAILABLE"), (410, "UNAVAILABLE"),
                             (418, "UNAVAILABLE"), (451, "UNAVAILABLE"),
                             (501, "UNAVAILABLE"), (505, "UNAVAILABLE")):
            with self.subTest(status):
                self.fresh()
                self.reg.on("GET", MANIFEST).fail(status)
                self.refused(code, self.ref)
                self.assertEqual(self.reg.count(), 1)

    def test_success_of_another_kind_is_none(self):
        for status in (201, 202, 203, 204, 206):
            with self.subTest(status):
                self.fresh()
                self.reg.on("GET", MANIFEST).serve(
                    status, body=b"" if status == 204 else None)
                self.refused("UNAVAILABLE", self.ref)

    def test_interim_answers_are_passed_over(self):
        image = content.image()
        self.reg.on("GET", MANIFEST).garbage(
            b"HTTP/1.1 103 Early Hints\r\nDocker-Content-Digest: sha256:"
            b"0000\r\nContent-Type: text/html\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
            b"\r\n%s" % (image.media_type.encode(), len(image.body),
                         image.body))
        self.facts(self.ref)

    def test_tries_are_spread_in_time(self):
        # Full jitter: at most 100, 200 and 400 ms; together some at least.
        self.reg.on("GET", MANIFEST).fail(503)
        waits = []
        for _ in range(3):
            self.reg.log.clear()
            self.refused("UNAVAILABLE", self.ref)
            at = [r.at for r in self.reg.log]
            waits.append(at[-1] - at[0])
        self.assertLess(max(waits), 1.5)
        self.assertGreater(max(waits), 0.05)

    def test_each_image_is_told_apart(self):
        refs = {}
        for status, code in ((503, "UNAVAILABLE"), (404, "NOT_FOUND"),
                             (429, "RATE_LIMITED"), (200, None)):
            ref = self.reg.push(f"app-{status}:1", content.image())
            refs[ref] = code
            if status != 200:
                self.reg.on("GET", f"/v2/app-{status}/*").fail(status)
        images, status = self.check(*refs)
        self.assertEqual(status, 3)
        self.assertEqual({r: (i["error"] or {}).get("code")
                          for r, i in images.items()}, refs)


class RetryAfter(Retries):
    def wait(self, header, status=503):
        self.reg.on("GET", MANIFEST).fail(
            status, headers={"Retry-After": header}).then.serve()

    def gap(self):
        at = [r.at for r in self.reg.requests(path=MANIFEST)]
        return at[1] - at[0]

    def test_seconds_are_waited(self):
        for status in (429, 503):
            with self.subTest(status):
                self.fresh()
                self.wait("1", status)
                self.facts(self.ref)
                self.assertGreaterEqual(self.gap(), 1)

    def test_date_is_waited_for(self):
        self.wait(date(2))
        self.facts(self.ref)
        self.assertGreaterEqual(self.gap(), 0.9)
        self.assertLess(self.gap(), 3)

    def test_old_forms_of_dates_are_dates(self):
        when = time.gmtime(time.time() + 3600)
        for form in ("%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"):
            with self.subTest(form):
                self.fresh()
                self.wait(time.strftime(form, when), 429)
                self.refused("RATE_LIMITED", self.ref)
                self.assertEqual(self.reg.count(), 1)

    def test_more_than_the_time_left_fails_at_once_and_says_how_long(self):
        for header, shown in (("3600", "3600"), (date(3600), "3"),
                              ("99999999999999999999", "86400")):
            for status, code in ((429, "RATE_LIMITED"), (503, "UNAVAILABLE")):
                with self.subTest(header, status=status):
                    self.fresh()
                    self.wait(header, status)
                    outcome = self.refused(code, self.ref, timeout=5)
                    self.assertLess(outcome.seconds, SLACK_S)
                    self.assertEqual(self.reg.count(), 1)
                    self.assertIn(shown, outcome.message)

    def test_past_and_nonsense_mean_now(self):
        for header in ("0", date(-3600), "-1", "soon", "", "1.5",
                       "1, 3600", "Thu, 01 Jan 1970 00:00:00 GMT",
                       "1e9", "0x10", " "):
            with self.subTest(header):
                self.fresh()
                self.wait(header)
                self.facts(self.ref)
                self.assertLess(self.gap(), 1)

    def test_review_is_told_when_to_come_back(self):
        self.reg.on("GET", MANIFEST).fail(429, headers={"Retry-After": "17"})
        server = self.serve(self.config())
        answer = self.post(server, self.ref, "3s")
        self.assertEqual(answer["status"]["code"], 503)
        self.assertEqual(answer["status"]["details"]["retryAfterSeconds"], 17)
        self.assertIn("RATE_LIMITED", answer["status"]["message"])

    def test_review_is_told_thirty_seconds_at_most(self):
        self.reg.on("GET", MANIFEST).fail(
            429, headers={"Retry-After": "9999"})
        server = self.serve(self.config())
        answer = self.post(server, self.ref, "3s")
        self.assertEqual(answer["status"]["details"]["retryAfterSeconds"], 30)


class RateLimits(Retries):
    LIMIT, LEFT = (f'policy_gate_registry_ratelimit_{w}{{registry="%s"}}'
                   for w in ("limit", "remaining"))

    def told(self, limit, left):
        self.reg.on("GET", "/v2/*").serve(headers={
            "ratelimit-limit": limit, "ratelimit-remaining": left})

    def ask(self, server, number):
        self.post(server, self.reg.push(
            f"app:{number}", content.image(user=str(number))))
        return {k: v for k, v in server.metrics().items() if "ratelimit" in k}

    def test_rate_limit_is_exported(self):
        server = self.serve(self.config())
        host = self.reg.host
        self.told("100;w=21600", "76;w=21600")
        self.assertEqual(self.ask(server, 1),
                         {self.LIMIT % host: 100, self.LEFT % host: 76})
        self.told("100;w=21600", "75;w=21600")
        self.assertEqual(self.ask(server, 2)[self.LEFT % host], 75)
        self.told("lots", None)
        self.assertEqual(self.ask(server, 3)[self.LEFT % host], 75)
        self.reg.on("GET", "/v2/*").fail(429, headers={
            "ratelimit-remaining": "0;w=21600", "Retry-After": "17"})
        self.assertEqual(self.ask(server, 4)[self.LEFT % host], 0)

    def test_rate_limit_of_a_registry_that_is_not_listed_is_no_series(self):
        self.told("100;w=21600", "76;w=21600")
        server = self.serve(self.config(
            network={"allow": ["127.0.0.0/8"]}, registries={}))
        self.assertEqual(self.ask(server, 1), {})
        self.assertGreater(self.reg.count(), 0)

    def test_rate_limit_of_a_storage_is_not_the_registry_s(self):
        storage = self.registry()
        image = content.image()
        self.reg.push("app:1", image)
        storage.push("app:1", image)
        self.reg.on("GET", BLOBS).redirect(lambda r: storage.url + r.path)
        storage.on("GET", BLOBS).serve(
            headers={"ratelimit-remaining": "7"})
        server = self.serve(self.config())
        self.assertTrue(self.post(server, self.reg.ref("app:1"))["allowed"])
        self.assertEqual(
            [k for k in server.metrics() if "ratelimit" in k], [])


class Connections(Retries):
    def test_what_breaks_is_tried_again(self):
        for act in ("reset", "close"):
            for path in (MANIFEST, BLOBS):
                with self.subTest(act, path=path):
                    self.fresh()
                    getattr(self.reg.on("GET", path), act)().then.serve()
                    self.facts(self.ref)
                    self.assertEqual(self.reg.count(path=path), 2)

    def test_what_always_breaks_is_unavailable(self):
        for act in ("reset", "close"):
            with self.subTest(act):
                self.fresh()
                getattr(self.reg.on("GET", MANIFEST), act)()
                self.refused("UNAVAILABLE", self.ref)
                self.assertGreaterEqual(self.reg.count(), TRIES)
                # libcurl repeats once where a used connection breaks.
                self.assertLessEqual(self.reg.count(), 2 * TRIES)

    def test_truncated_is_tried_again(self):
        for path in (MANIFEST, BLOBS):
            with self.subTest(path):
                self.fresh()
                self.reg.on("GET", path).truncate().then.serve()
                self.facts(self.ref)

    def test_what_always_ends_early_is_truncated(self):
        for path in (MANIFEST, BLOBS):
            for keep in (0, 10, None):
                with self.subTest(path, keep=keep):
                    self.fresh()
                    self.reg.on("GET", path).truncate(keep)
                    self.refused("TRUNCATED", self.ref)
                    self.assertEqual(self.reg.count(path=path), TRIES)

    def test_chunks_without_an_end_are_truncated(self):
        self.reg.on("GET", MANIFEST).garbage(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"5\r\nhello\r\n")
        self.refused("TRUNCATED", self.ref)

    def test_what_is_no_http_is_unavailable(self):
        for data in (b"SSH-2.0-OpenSSH_9.2\r\n", b"\0" * 100,
                     b"HTTP/9.9 200 OK\r\n\r\n", b"\x15\x03\x01\0\x02\x02F",
                     b"HTTP/1.1 abc\r\n\r\n", b"220 ftp\r\n"):
            with self.subTest(data[:10]):
                self.fresh()
                self.reg.on("GET", MANIFEST).garbage(data)
                self.refused("UNAVAILABLE", self.ref)

    def test_lengths_that_are_none_are_an_error(self):
        image = content.image()
        for header, code in (
                (b"Content-Length: 5\r\nContent-Length: 9999", "TRUNCATED"),
                (b"Transfer-Encoding: chunked\r\nContent-Length: 5",
                 "TRUNCATED"),
                (b"Content-Length: 5", "MALFORMED"),
                (b"Content-Length: -1", "UNAVAILABLE"),
                (b"Content-Length: x", "UNAVAILABLE")):
            with self.subTest(header):
                self.fresh()
                self.reg.on("GET", MANIFEST).garbage(
                    b"HTTP/1.1 200 OK\r\n%s\r\n\r\n%s" % (header, image.body))
                self.refused(code, self.ref)

    def test_nobody_there_is_unavailable(self):
        port = process.free_port()
        outcome = self.refused("UNAVAILABLE", f"127.0.0.1:{port}/app:1")
        self.assertLess(outcome.seconds, 3)

    def test_name_that_does_not_exist_is_unavailable(self):
        self.refused("UNAVAILABLE", "registry.invalid/app:1", timeout=5)


class Deadlines(Retries):
    def test_silence_ends_with_the_time(self):
        for path in (MANIFEST, BLOBS):
            with self.subTest(path):
                self.fresh()
                self.reg.on("GET", path).hang()
                outcome = self.refused("TIMEOUT", self.ref, timeout=1)
                self.assertGreaterEqual(outcome.seconds, 1)
                self.assertLess(outcome.seconds, 1 + SLACK_S)

    def test_drip_ends_with_the_time(self):
        self.reg.on("GET", BLOBS).drip(0.02)
        outcome = self.refused("TIMEOUT", self.ref, timeout=2)
        self.assertLess(outcome.seconds, 2 + SLACK_S)

    def test_drip_that_is_too_slow_is_not_waited_for(self):
        # A byte a second is given up before a long time is over.
        self.reg.on("GET", MANIFEST).drip(1).then.serve()
        outcome = self.facts(self.ref, timeout=12)
        self.assertLess(outcome.seconds, 10)

    def test_failures_do_not_outlast_the_time(self):
        self.reg.latency = 0.4
        self.reg.on("GET", MANIFEST).fail(503)
        outcome = self.inspect(self.ref, timeout=1)
        self.assertIn(outcome.code, ("UNAVAILABLE", "TIMEOUT"))
        self.assertLess(outcome.seconds, 1 + SLACK_S)

    def test_slow_part_of_an_index_ends_with_the_time(self):
        document = content.multi("linux/amd64", "linux/arm64")
        ref = self.reg.push("app:2", document)
        self.reg.on("GET", f"*{document.parts[1].digest}").hang()
        outcome = self.refused("TIMEOUT", ref, timeout=1)
        self.assertLess(outcome.seconds, 1 + SLACK_S)

    def test_one_silent_registry_holds_up_nobody_else(self):
        silent = self.registry()
        silent.push("app:1", content.image())
        silent.on("GET", "*").hang()
        refs = [silent.ref("app:1"), self.ref]
        server = self.serve(self.config())
        started = time.monotonic()
        answer = self.post(server, refs[1])
        self.assertTrue(answer["allowed"])
        self.assertLess(time.monotonic() - started, 1)
        images, status = self.check(*refs, timeout=2)
        self.assertEqual(status, 3)
        self.assertEqual(images[refs[0]]["error"]["code"], "TIMEOUT")
        self.assertIsNone(images[refs[1]]["error"])

    def test_review_is_answered_in_its_time(self):
        self.reg.on("GET", MANIFEST).hang()
        server = self.serve(self.config())
        for timeout, at_most in (("1s", 1), ("2s", 2)):
            with self.subTest(timeout):
                started = time.monotonic()
                answer = self.post(server, self.ref, timeout)
                self.assertLess(time.monotonic() - started, at_most)
                self.assertIn("TIMEOUT", answer["status"]["message"])

    def test_kept_connection_that_died_is_replaced(self):
        server = self.serve(self.config())
        self.assertTrue(self.post(server, self.ref)["allowed"])
        other = self.reg.push("app:2", content.image(user="7"))
        self.reg.on("GET", "/v2/app/manifests/2").reset().then.serve()
        self.assertTrue(self.post(server, other)["allowed"])


class Breaker(Retries):
    """Five operations that failed in a row: asked no more for ten seconds."""

    def setUp(self):
        super().setUp()
        self.server = self.serve(self.config(cache={"negativeTtl": "1s"}))

    def fail_five(self):
        self.reg.on("GET", "*").fail(503)
        for i in range(5):
            answer = self.post(self.server, self.reg.ref(f"app-{i}:1"))
            self.assertIn("UNAVAILABLE", answer["status"]["message"])
        self.assertEqual(self.reg.count(), 5 * TRIES)

    def test_opens_and_answers_at_once(self):
        self.fail_five()
        self.reg.log.clear()
        started = time.monotonic()
        answer = self.post(self.server, self.ref)
        self.assertLess(time.monotonic() - started, 0.5)
        self.assertIn("UNAVAILABLE", answer["status"]["message"])
        self.assertEqual(self.reg.count(), 0)
        self.assertGreaterEqual(
            answer["status"]["details"]["retryAfterSeconds"], 2)

    def test_lets_one_through_and_closes_when_it_goes_well(self):
        self.fail_five()
        self.reg.rules.clear()
        time.sleep(10.2)
        self.assertTrue(self.post(self.server, self.ref)["allowed"])
        other = self.reg.push("app:2", content.image(user="7"))
        self.assertTrue(self.post(self.server, other)["allowed"])

    def test_is_each_registry_s_own(self):
        good = self.registry()
        ref = good.push("app:1", content.image())
        self.server = self.serve(self.config())
        self.fail_five()
        self.assertTrue(self.post(self.server, ref)["allowed"])

    def test_answers_that_are_no_failures_do_not_count(self):
        self.reg.on("GET", "*manifests*").fail(404)
        for i in range(6):
            self.post(self.server, self.reg.ref(f"app-{i}:1"))
        self.reg.rules.clear()
        self.assertTrue(self.post(self.server, self.ref)["allowed"])


if __name__ == "__main__":
    tap.main()
