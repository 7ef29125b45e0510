#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What is around the gate breaks: packets, names, clock, disk, descriptors, a
replica. What is known is judged without delay, what is not is answered in
time, health and metrics answer, no verdict is wrong, and all is well soon
after. Takes about 35 s.
"""

import contextlib
import itertools
import json
import pathlib
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, dns, fault_registry, gate, load, namespace, \
    netfilter, paths, process, relay, replicas, tap  # noqa: E402

TTL_S = 1
ALLOWED_S = 2       # to each review of what is not known
SOON_S = 1          # on a machine that does much else
BREAKER_S = 10      # while a registry that failed is not asked
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"

why_not = None


class Traffic:
    """What goes on in a `with` block: reviews, health checks and metrics."""

    def __init__(self, group, known, unknown):
        self.group = group
        self.over = threading.Event()
        self.known = replicas.Client(group, self.asks(
            itertools.cycle([known]), self.judge_known), self.over, "10s", .005)
        self.unknown = replicas.Client(group, self.asks(
            unknown, self.judge_unknown), self.over, f"{ALLOWED_S}s", .005)
        self.judged = 0
        self.health = []
        self.sick = []
        self.watcher = threading.Thread(target=self.watch)

    @staticmethod
    def asks(images, judge):
        return (("/validate", gate.review(gate.pod(i)), judge) for i in images)

    @staticmethod
    def judge_known(_, answer):
        return None if answer["allowed"] and answer["auditAnnotations"][
            "verdict"] == "allow" else f"known, and yet {answer}"

    def judge_unknown(self, _, answer):
        self.judged += answer["allowed"]
        return None if answer["allowed"] or "retryAfterSeconds" in answer[
            "status"].get("details", {}) else f"unknown, and yet {answer}"

    def watch(self):
        while not self.over.wait(0.2):
            started = time.monotonic()
            server = self.group.ready[0]
            try:
                if server.request("GET", "/livez")[0] != 200 or \
                        not server.metrics():
                    self.sick.append("not well")
            except OSError as e:
                self.sick.append(repr(e))
            self.health.append(time.monotonic() - started)

    def __enter__(self):
        for t in (self.known, self.unknown, self.watcher):
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in (self.known, self.unknown, self.watcher):
            t.join()


class Case(unittest.TestCase):
    def setUp(self):
        self.reg = fault_registry.Registry()
        self.addCleanup(self.reg.close)
        self.names = itertools.count()

    def start(self, *registries, count=1, cache=(), network=None, **how):
        """Replicas that know an image of the first of the registries."""
        self.reg.push("known:1", content.image())
        self.known = registries[0].ref("known:1")
        config = gate.config_file(
            *registries, name=f"{self._testMethodName}.json", cache={
                "tagTtl": f"{TTL_S}s", "negativeTtl": "1s", **dict(cache)},
            **({"network": network} if network else {}))
        self.group = replicas.Replicas(count, lambda _: gate.Gate(
            gate.POLICY, config, **{"args": load.ARGS, **how}))
        self.addCleanup(self.group.stop)
        self.own = self.group.gates[0]
        for server in self.group.gates:
            self.assertTrue(server.post(gate.review(gate.pod(self.known)))[
                "allowed"])

    def fresh(self, registry):
        for n in self.names:
            yield registry.ref(self.reg.push(
                f"fresh-{n}:1", content.image(Env=[f"N={n}"])).split("/", 1)[1])

    def hold(self, traffic):
        """What must hold, whatever has happened."""
        self.assertEqual(traffic.known.wrong, [])
        self.assertEqual(traffic.unknown.wrong, [])
        self.assertEqual(traffic.sick, [])
        self.assertLess(max(traffic.known.seconds), SOON_S)
        self.assertLess(max(traffic.unknown.seconds), ALLOWED_S)
        self.assertLess(max(traffic.health), SOON_S)

    def recover(self, images, seconds):
        """How long until one is admitted again."""
        started = time.monotonic()
        self.own.process.wait_until(
            lambda: self.own.post(gate.review(gate.pod(next(images))),
                                  f"{ALLOWED_S}s")["allowed"],
            "admitting what it did not know", seconds)
        return time.monotonic() - started

    def tell(self, traffic, recovered=None, note=""):
        print(f"# {len(traffic.known.seconds)} known, at most "
              f"{max(traffic.known.seconds):.3f} s; "
              f"{len(traffic.unknown.seconds)} others, {traffic.judged} judged,"
              f" at most {max(traffic.unknown.seconds):.3f} s; health at most "
              f"{max(traffic.health):.3f} s" + (
                  "" if recovered is None else
                  f"; well again after {recovered:.1f} s") + note)


class Network(Case):
    def setUp(self):
        if why_not:
            self.skipTest(why_not)
        super().setUp()
        self.addCleanup(netfilter.mend)

    def test_loss_and_jitter_cost_time_alone(self):
        far = relay.Relay(self.reg.port, jitter=0.3)
        self.addCleanup(far.close)
        self.start(far)
        netfilter.lose(far.port, 0.01)
        with Traffic(self.group, self.known, self.fresh(far)) as traffic:
            time.sleep(5)
        self.hold(traffic)
        self.assertGreater(traffic.judged, 0.9 * len(traffic.unknown.seconds))
        self.tell(traffic)

    def test_half_open_connections_are_given_up(self):
        self.start(self.reg)
        images = self.fresh(self.reg)
        with Traffic(self.group, self.known, images) as traffic:
            netfilter.half_open(self.reg.port)
            time.sleep(4 * TTL_S)
        self.hold(traffic)
        netfilter.mend()
        self.tell(traffic, self.recover(images, 2 * BREAKER_S))


class Names(Case):
    """Names of registries, each looked up for the first time."""

    SLOW_S = 0.5
    SILENT_PODS, SILENT_IMAGES = 40, 20
    THREADS_MAX = 300

    def setUp(self):
        if why_not:
            self.skipTest(why_not)
        super().setUp()
        namespace.bring_up([dns.ADDRESS])
        server = dns.Server(self.look_up)
        self.addCleanup(server.close)
        self.slow = fault_registry.Registry(name="a.slow.example")
        self.addCleanup(self.slow.close)
        self.start(self.reg, self.slow,
                   network={"allow": ["127.0.0.0/8"]})

    def look_up(self, name):
        return {"slow": ("127.0.0.1", self.SLOW_S), "silent": None,
                "wrong": ("127.0.0.99", 0), "none": (None, 0)}[
                    name.split(".")[-2]]

    def images(self):
        for n in self.names:
            yield f"n{n}.{('wrong', 'none')[n % 2]}.example:5000/a:1"

    def flood(self):
        """Pods of many images, none of whose names is ever answered."""
        for n in range(self.SILENT_PODS):
            pod = gate.pod("a")
            pod["spec"]["containers"] = [
                {"name": f"c{i}", "image": f"n{n}-{i}.silent.example/a:1"}
                for i in range(self.SILENT_IMAGES)]
            yield "/validate", gate.review(pod), lambda *_: None

    def test_silent_and_wrong_names_hold_up_nobody(self):
        most = 0
        with Traffic(self.group, self.known, self.images()) as traffic:
            floods = [replicas.Client(self.group, list(self.flood())[i::8],
                                      traffic.over, "1s") for i in range(8)]
            for f in floods:
                f.start()
            end = time.monotonic() + 3
            while time.monotonic() < end:
                most = max(most, self.own.process.threads())
                time.sleep(0.02)
            took = self.recover(iter([self.slow.push(
                "app:1", content.image())]), ALLOWED_S)
        for f in floods:
            f.join()
            self.assertEqual(f.wrong, [])
            self.assertLess(max(f.seconds), 1)
        self.hold(traffic)
        self.assertLess(most, self.THREADS_MAX)
        self.assertGreater(took, self.SLOW_S)
        self.tell(traffic, note=f"; {most} threads at the most; a slow "
                  f"name {took:.1f} s")


class Clock(Case):
    def setUp(self):
        if gate.sanitized() or not pathlib.Path(FAKETIME).exists():
            self.skipTest("needs libfaketime, and no sanitizer")
        super().setUp()
        self.file = paths.work() / "faketime"
        self.step("+0")
        # Nor may the file of the time be out of reach.
        self.how = {"args": ["--no-sandbox"], "env": {
            "LD_PRELOAD": FAKETIME, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_TIMESTAMP_FILE": str(self.file)}}

    def step(self, by):
        self.file.write_text(by)

    def test_steps_change_no_verdict_and_cost_no_time(self):
        self.start(self.reg, **self.how)
        images = self.fresh(self.reg)
        with Traffic(self.group, self.known, images) as traffic:
            for by in ("+400d", "-400d", "+1h", "-1h"):
                self.step(by)
                time.sleep(TTL_S / 2)
        self.hold(traffic)
        self.assertEqual(traffic.judged, len(traffic.unknown.seconds))
        self.tell(traffic)

    def test_clock_set_back_makes_nothing_on_disk_younger(self):
        self.start(self.reg, cache={"dir": str(paths.work() / "clock"),
                                    "staleFor": "30m"}, **self.how)
        self.reg.on("*", "*").fail(503)
        for by, allowed in (("-20m", True), ("-50m", False), ("+50m", False),
                            ("+20m", True)):
            with self.subTest(by):
                self.step(by)
                self.group.restart(0)
                answer = self.group.gates[0].post(gate.review(gate.pod(
                    self.known)), f"{ALLOWED_S}s")
                self.assertEqual(answer["allowed"], allowed, answer)


class Disk(Case):
    SIZE = "8m"  # more than the log that SQLite keeps beside it

    def setUp(self):
        if why_not:
            self.skipTest(why_not)
        super().setUp()
        self.dir = paths.work() / "small"
        self.dir.mkdir()
        process.run(["mount", "-t", "tmpfs", "-o", f"size={self.SIZE}",
                     "tmpfs", self.dir])
        self.addCleanup(process.run, ["umount", self.dir])
        self.addCleanup(lambda: self.group.stop())

    def fill(self):
        with contextlib.suppress(OSError), open(self.dir / "else", "wb") as f:
            while True:
                f.write(b"\0" * 4096)
                f.flush()

    def kept(self, images):
        """Whether what is asked for now is there after a restart."""
        ref = next(images)
        self.assertTrue(self.own.post(gate.review(gate.pod(ref)))["allowed"])
        time.sleep(0.5)
        self.group.restart(0)
        self.own = self.group.gates[0]
        self.reg.log.clear()
        self.assertTrue(self.own.post(gate.review(gate.pod(ref)))["allowed"])
        return [r.method for r in self.reg.log] == ["HEAD"]

    def test_full_disk_costs_what_is_on_it_alone(self):
        self.start(self.reg, cache={"dir": str(self.dir / "cache")})
        images = self.fresh(self.reg)
        with Traffic(self.group, self.known, images) as traffic:
            time.sleep(0.5)
            self.fill()
            time.sleep(2)
        self.hold(traffic)
        self.assertEqual(traffic.judged, len(traffic.unknown.seconds))
        self.assertFalse(self.kept(images))
        (self.dir / "else").unlink()
        self.assertTrue(self.kept(images) or self.kept(images))
        self.tell(traffic)


class Descriptors(Case):
    LIMIT, HELD = 96, 200

    def test_running_out_of_them_ends_with_those_who_held_them(self):
        self.start(self.reg, wrapper=["prlimit",
                                      f"--nofile={self.LIMIT}:{self.LIMIT}"])
        images = self.fresh(self.reg)
        held = []
        with Traffic(self.group, self.known, images) as traffic:
            time.sleep(0.5)
            for _ in range(self.HELD):
                with contextlib.suppress(OSError):
                    held.append(process.socket.create_connection(
                        ("127.0.0.1", self.own.port), timeout=1))
            most = self.own.process.files()
            time.sleep(2)
            for s in held:
                s.close()
        self.hold(traffic)
        self.tell(traffic, self.recover(images, BREAKER_S),
                  f"; {most} of {self.LIMIT} descriptors")


class Replica(Case):
    NOTICED_S = 0.5

    def test_killed_one_takes_no_more_than_it_had_in_hand(self):
        self.start(self.reg, count=2)
        gone = self.group.gates[1]
        with Traffic(self.group, self.known, self.fresh(self.reg)) as traffic:
            time.sleep(1)
            gone.process.stop(signal.SIGKILL)
            time.sleep(self.NOTICED_S)
            self.group.leave(1)
            time.sleep(0.2)
            failed = traffic.known.wrongs + traffic.unknown.wrongs
            time.sleep(1)
        self.group.gates.remove(gone)
        self.assertEqual(traffic.known.wrongs + traffic.unknown.wrongs, failed)
        for problem in (*traffic.known.wrong, *traffic.unknown.wrong):
            self.assertRegex(problem, rf"^{gone.name}: \w+\(")
        traffic.known.wrong = traffic.unknown.wrong = []
        self.hold(traffic)
        self.tell(traffic, note=f"; {failed} calls failed until it was "
                                "noticed")


if __name__ == "__main__":
    why_not = namespace.enter()
    if not why_not:
        namespace.bring_up([])
    tap.main()
