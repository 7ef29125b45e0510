#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Round trips: never more than it takes, those that can go side by side do, and
who wants the same at the same time waits for one of them.
"""

import concurrent.futures
import itertools
import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, gate, paths, registry_case, tap  # noqa: E402
from lib.registry_case import LOGIN  # noqa: E402

LATENCY = 0.3
CONNECTIONS = 16


class Counts(registry_case.Case):
    secure = False

    def setUp(self):
        super().setUp()
        self.numbers = itertools.count()
        self.tls = registry_case.authority() if self.secure else None
        self.reg = self.registry(tls=self.tls)

    def push(self, name, kind):
        """A reference to an image that no other has a part of."""
        tag = f"{kind}-{next(self.numbers)}"
        if kind == "multi":
            return self.reg.push(f"{name}:{tag}", content.multi(
                "linux/amd64", user=f"{name}-{tag}"))
        document = content.image(user=f"{name}-{tag}")
        ref = self.reg.push(f"{name}:{tag}", document)
        return ref if kind == "single" else \
            f"{self.reg.host}/{name}@{document.digest}"

    def with_login(self):
        return self.config(credentials={self.reg: LOGIN})


class Cold(Counts):
    """The first contact with a registry, by a program just started."""

    def test_without_tokens(self):
        for kind, requests in (("single", 2), ("multi", 3), ("digest", 2)):
            with self.subTest(kind):
                self.reg.log.clear()
                self.facts(self.push("app", kind))
                self.assertEqual(self.reg.count(), requests)

    def test_with_tokens(self):
        self.reg.bearer(login=LOGIN)
        for kind, requests in (("single", 4), ("multi", 5), ("digest", 4)):
            with self.subTest(kind):
                self.reg.log.clear()
                self.facts(self.push("app", kind), self.with_login())
                self.assertEqual(self.reg.count(), requests)

    def test_with_basic_authentication(self):
        self.reg.basic(*LOGIN)
        for kind, requests in (("single", 3), ("multi", 4), ("digest", 3)):
            with self.subTest(kind):
                self.reg.log.clear()
                self.facts(self.push("app", kind), self.with_login())
                self.assertEqual(self.reg.count(), requests)

    def test_no_ping(self):
        self.reg.bearer(login=LOGIN)
        self.facts(self.push("app", "single"), self.with_login())
        self.assertEqual(self.reg.count(path="/v2/"), 0)

    def test_redirected_config_costs_one_more(self):
        cdn = self.registry(tls=self.tls)
        ref = self.reg.push("app:1", content.image())
        cdn.push("app", self.reg.tags["app", "1"])
        self.reg.on("GET", "*/blobs/*").redirect(
            lambda request: cdn.url + request.path)
        self.facts(ref)
        self.assertEqual(self.reg.count() + cdn.count(), 3)


class Warm(Counts):
    """A webhook that has met the registry before."""

    def setUp(self):
        super().setUp()
        self.reg.bearer(login=LOGIN)
        self.server = self.serve(self.with_login())
        self.ask(self.push("first", "single"))

    def ask(self, ref):
        self.reg.log.clear()
        self.assertTrue(self.post(self.server, ref)["allowed"])
        return self.reg.count()

    def test_remembered_realm(self):
        for kind, requests in (("single", 3), ("multi", 4), ("digest", 3)):
            with self.subTest(kind):
                self.assertEqual(self.ask(self.push(f"to-{kind}", kind)),
                                 requests)
                self.assertNotIn(None, self.reg.authorizations())

    def test_held_token(self):
        for kind, requests in (("single", 2), ("multi", 3), ("digest", 2)):
            with self.subTest(kind):
                self.assertEqual(self.ask(self.push("first", kind)), requests)

    def test_known_image_costs_nothing(self):
        for kind in ("single", "multi", "digest"):
            with self.subTest(kind):
                ref = self.push("known", kind)
                self.ask(ref)
                self.assertEqual(self.ask(ref), 0)


class SecureCold(Cold):
    secure = True

    def test_connection_is_used_again(self):
        self.reg.bearer(login=LOGIN)
        self.facts(self.push("app", "multi"), self.with_login())
        self.assertEqual(len({r.connection for r in self.reg.log}), 1)


class Together(Counts):
    """Those who want the same share one fetch."""

    def test_a_hundred_reviews_of_a_tag(self):
        self.reg.latency = LATENCY
        ref = self.push("app", "multi")
        server = self.serve(self.config())
        gate_opens = threading.Barrier(100)

        def review(_):
            gate_opens.wait(30)
            return self.post(server, ref, "10s")

        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(review, range(100)))
        self.assertTrue(all(a["allowed"] for a in answers))
        self.assertEqual(self.reg.count(), 3)

    def test_a_hundred_reviews_of_a_tag_that_is_not_there(self):
        self.reg.latency = LATENCY
        server = self.serve(self.config())
        ref = self.reg.ref("nothing:1")
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(
                lambda _: self.post(server, ref, "10s"), range(100)))
        self.assertFalse(any(a["allowed"] for a in answers))
        self.assertEqual(self.reg.count(), 1)

    def test_a_hundred_manifests_with_a_tag(self):
        ref = self.push("app", "single")
        pods = "---\n".join(json.dumps(gate.pod(ref, f"pod-{i}")) + "\n"
                            for i in range(100))
        path = paths.write("hundred.yaml", pods)
        images, status = self.check("-f", path)
        self.assertEqual((status, list(images)), (0, [ref]))
        self.assertEqual(self.reg.count(), 2)

    def test_containers_of_a_pod(self):
        ref = self.push("app", "single")
        server = self.serve(self.config())
        pod = gate.pod(ref)
        pod["spec"]["containers"] *= 20
        pod["spec"]["initContainers"] = pod["spec"]["containers"]
        self.assertTrue(server.post(gate.review(pod))["allowed"])
        self.assertEqual(self.reg.count(), 2)

    def test_config_that_two_images_share_while_it_is_fetched(self):
        config = content.config()
        images = [content.image(of=config),
                  content.image(of=config, docker=True).edited(
                      lambda m: m["config"].update(
                          mediaType=content.DOCKER_CONFIG))]
        refs = [self.reg.push(f"app:{i}", image)
                for i, image in enumerate(images)]
        _, status = self.check(*refs)
        self.assertEqual(status, 0)
        self.assertLessEqual(self.reg.count(), 4)

    def test_entry_that_stands_in_an_index_twice(self):
        image = content.image()
        ref = self.reg.push("app:1", content.index(
            [content.entry(image, "linux/amd64"), content.entry(image)],
            [image]))
        self.facts(ref)
        self.assertEqual(self.reg.count(), 3)

    def test_one_who_gives_up_does_not_take_it_from_the_others(self):
        self.reg.latency = 1.2
        ref = self.push("app", "single")
        server = self.serve(self.config())
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            hasty = pool.submit(self.post, server, ref, "1s")
            time.sleep(0.1)
            patient = pool.submit(self.post, server, ref, "10s")
            self.assertFalse(hasty.result()["allowed"])
            self.assertTrue(patient.result()["allowed"])
        self.assertEqual(self.reg.count(), 2)

    def test_what_came_too_late_is_there_the_next_time(self):
        self.reg.on("GET", "*/manifests/*").hang(1.5).then.serve()
        ref = self.push("app", "single")
        server = self.serve(self.config())
        self.assertFalse(self.post(server, ref, "1s")["allowed"])
        time.sleep(2)
        asked = self.reg.count()
        self.assertTrue(self.post(server, ref, "1s")["allowed"])
        self.assertEqual(self.reg.count(), asked)


class Abreast(Counts):
    """What does not wait for anything else goes side by side."""

    def setUp(self):
        super().setUp()
        self.reg.latency = LATENCY
        self.lock = threading.Lock()
        self.now = self.most = 0

    def watch(self):
        """Counts how many requests are under way at once."""
        answer = self.reg.answer

        def watched(request):
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            time.sleep(LATENCY)
            with self.lock:
                self.now -= 1
            return answer(request)

        self.reg.latency = 0
        self.reg.answer = watched

    def test_platforms_take_three_waves(self):
        ref = self.reg.push("app:1", content.multi(
            *(f"linux/{a}" for a in ("amd64", "arm64", "s390x", "ppc64le",
                                     "riscv64", "386"))))
        outcome = self.facts(ref)
        self.assertEqual(self.reg.count(), 13)
        self.assertLess(outcome.seconds, 4 * LATENCY)

    def test_images_of_a_pod_take_two_waves(self):
        server = self.serve(self.config())
        pod = gate.pod(self.push("app-0", "single"))
        pod["spec"]["containers"] = [
            {"name": f"c{i}", "image": self.push(f"app-{i}", "single")}
            for i in range(8)]
        started = time.monotonic()
        self.assertTrue(server.post(gate.review(pod))["allowed"])
        self.assertLess(time.monotonic() - started, 3 * LATENCY)
        self.assertEqual(self.reg.count(), 16)

    def test_tokens_for_all_images_are_fetched_side_by_side(self):
        self.reg.bearer(login=LOGIN)
        refs = [self.push(f"app-{i}", "single") for i in range(8)]
        started = time.monotonic()
        _, status = self.check(*refs, config=self.with_login())
        self.assertEqual(status, 0)
        self.assertLess(time.monotonic() - started, 6 * LATENCY)
        self.assertEqual(self.reg.count(path="/token"), 8)

    def test_no_more_than_sixteen_at_a_time(self):
        self.watch()
        refs = [self.push(f"app-{i}", "single") for i in range(64)]
        started = time.monotonic()
        _, status = self.check(*refs)
        self.assertEqual(status, 0)
        self.assertEqual(self.most, CONNECTIONS)
        # 128 requests, 16 abreast: eight rounds.
        self.assertLess(time.monotonic() - started, 12 * LATENCY)
        self.assertLessEqual(len({r.connection for r in self.reg.log}),
                             CONNECTIONS)

    def test_who_waits_for_a_place_does_not_lose_connect_time(self):
        # Two seconds to connect, far more than that in the queue.
        self.reg.latency = 0.5
        refs = [self.push(f"app-{i}", "single") for i in range(80)]
        images, status = self.check(*refs, timeout=30)
        self.assertEqual(status, 0, [i["error"] for i in images.values()])


if __name__ == "__main__":
    tap.main()
