# SPDX-License-Identifier: Apache-2.0
"""Load on a gate, each answer of which is looked at, and what is left of it."""

import collections
import contextlib
import http.client
import itertools
import json
import os
import threading
import time

from lib import content, gate, mount, paths, process, wrk

MIB = 1024 * 1024
WRK_CONNECTIONS, WRK_RATE = 16, 1000
FOREVER_S = 600
TOLD_MAX = 5  # of what is wrong
KEPT_MAX = 8  # connections to registries, which come and go

# Without its sandbox only root may see what it holds.
ARGS = [] if os.geteuid() == 0 else ["--no-sandbox"]

# `allowed`, and a text that the answer must have in it.
Ask = collections.namedtuple("Ask", "image allowed word")

POLICY = """\
version: 1
name: load-%(n)s
onError: deny
rules:
  - name: small-%(n)s
    check: {size: {max: 3000}}
  - name: no-root-%(n)s
    mode: warn
    check: {user: {root: deny}}
"""


def push_known(registry):
    """Pushes images; returns what to ask of them by POLICY."""
    return [Ask(registry.push(f"known/{name}:1", content.image(**options)),
                allowed, word) for name, options, allowed, word in (
        ("good", {}, True, '"verdict": "allow"'),
        ("root", {"user": ""}, True, "no-root-"),
        ("large", {"layers": 5}, False, "small-"),
        ("both", {"layers": 5, "user": ""}, False, "no-root-"))]


def reloads(server):
    return server.metrics()['policy_gate_policy_reloads_total{result="ok"}']


def changing(*registries):
    """Inputs of a gate by POLICY, another each time they change."""
    return mount.Inputs(
        lambda n: POLICY % {"n": f"g{n}"},
        lambda n: json.dumps({
            "version": 1, "registries": {
                k: v for r in registries for k, v in r.settings().items()},
            "cache": {"maxBytes": "256Ki", "tagTtl": f"{n % 2 + 1}s",
                      "negativeTtl": "1s"}}))


class Caller(threading.Thread):
    """
    Asks, one after the other, on one connection, until `over` is set.

    asks:  any number of them
    judge: function(review, answer) for more to look at; says what is wrong
    """

    def __init__(self, server, asks, over, timeout="10s", judge=None):
        super().__init__(daemon=True)
        self.server, self.asks, self.over = server, asks, over
        self.timeout, self.judge = timeout, judge
        self.count = 0
        self.wrong = []
        self.seconds = []

    def run(self):
        on = self.server.connect()
        with contextlib.closing(on):
            for ask in self.asks:
                if self.over.is_set():
                    break
                try:
                    self.one(ask, on)
                except (OSError, http.client.HTTPException,
                        process.Failed) as e:
                    self.wrong.append((ask, repr(e)))
                    on.close()  # the next request opens it again

    def one(self, ask, on):
        review = gate.review(gate.pod(ask.image))
        started = time.monotonic()
        answer = self.server.post(review, self.timeout, on)
        self.seconds.append(time.monotonic() - started)
        self.count += 1
        problem = self.judge and self.judge(review, answer)
        if problem or answer["uid"] != review["request"]["uid"] or \
                answer["allowed"] != ask.allowed or \
                ask.word not in json.dumps(answer):
            self.wrong.append((ask, problem, answer))


class Load:
    """
    What goes on in a `with` block: wrk and a caller ask for what is known,
    others, with a timeout of their own, for what they are given.
    """

    def __init__(self, server, known, *others, timeout="10s", judge=None,
                 connections=WRK_CONNECTIONS):
        self.server = server
        self.connections = connections
        self.over = threading.Event()
        self.callers = [
            Caller(server, itertools.cycle(known), self.over, judge=judge),
            *(Caller(server, asks, self.over, timeout, judge)
              for asks in others)]
        self.files = [self.file(n, ask) for n, ask in enumerate(known)]

    def file(self, number, ask):
        verdict = "true" if ask.allowed else "false"
        return paths.write(f"{self.server.name}-known-{number}.json",
                           json.dumps(gate.review(
                               gate.pod(ask.image), uid=f"{verdict}-00000000")))

    def __enter__(self):
        self.wrk = wrk.Wrk(self.server, self.files, FOREVER_S,
                           self.connections, WRK_RATE, check=True)
        for c in self.callers:
            c.start()
        return self

    def __exit__(self, error, *_):
        self.over.set()
        for c in self.callers:
            c.join()
        if error is None:
            self.wrk.stop()

    @property
    def count(self):
        return self.wrk.count + sum(c.count for c in self.callers)

    @property
    def wrong(self):
        """The first of what was wrong; nothing is what is wanted."""
        found = [w for c in self.callers for w in c.wrong]
        if self.wrk.errors:
            found.append((f"{self.wrk.errors} of wrk's", self.wrk.text))
        return found[:TOLD_MAX]


class Footprint:
    """What a gate holds, to be compared with later."""

    def __init__(self, server):
        self.server = server
        self.settle()
        self.memory = server.process.rss()
        self.files = server.process.files() + KEPT_MAX
        self.threads = server.process.threads()

    def settle(self):
        self.server.process.wait_until(
            lambda: self.server.metrics()["policy_gate_inflight_reviews"] == 0,
            "done with its reviews")

    def grown(self, memory=4 * MIB):
        """Says what is more than before, and has not gone in a while."""
        self.settle()
        p = self.server.process
        with contextlib.suppress(process.Failed):
            p.wait_until(lambda: p.files() <= self.files and
                         p.threads() <= self.threads, "down to size")
        told = [f"{was} {name}, now {now}" for name, was, now in (
            ("descriptors", self.files, p.files()),
            ("threads", self.threads, p.threads())) if now > was]
        # What a sanitizer keeps of freed memory is no leak.
        if not gate.sanitized() and p.rss() - self.memory > memory:
            told.append(f"{self.memory} bytes, now {p.rss()}")
        return told
