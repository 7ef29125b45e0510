# SPDX-License-Identifier: Apache-2.0
"""Several gates beside each other, and clients of them as API servers are."""

import contextlib
import http.client
import json
import threading
import time

from lib import gate, process


class Replicas:
    """
    make: function(index) -> gate.Gate, called for each, and again for one
          that is restarted
    """

    def __init__(self, count, make):
        self.make = make
        self.gates = [make(i) for i in range(count)]
        self.ready = list(self.gates)

    def stop(self):
        for g in self.gates:
            g.stop()

    def pick(self, turn):
        """One of those that are ready."""
        ready = self.ready
        return ready[turn % len(ready)]

    def leave(self, index):
        """Nobody is led to it any more, as when an endpoint is taken away."""
        self.ready = [g for g in self.ready if g is not self.gates[index]]
        return self.gates[index]

    def join(self, index):
        self.gates[index] = self.make(index)
        self.ready = [*self.ready, self.gates[index]]

    def restart(self, index):
        """Gracefully."""
        self.leave(index).stop()
        self.join(index)


class Client(threading.Thread):
    """
    Asks in turn those that are ready, one thing after the other, until `over`
    is set; connections are kept.

    asks:  (path, review, judge): judge(answer) says what is wrong with it
    pause: seconds between two
    """

    WRONG_MAX = 20

    def __init__(self, replicas, asks, over, timeout="10s", pause=0):
        super().__init__(daemon=True)
        self.replicas, self.asks, self.over = replicas, asks, over
        self.timeout, self.pause = timeout, pause
        self.connections = {}
        self.wrong = []
        self.wrongs = 0
        self.seconds = []

    def run(self):
        for path, review, judge in self.asks:
            if self.over.wait(self.pause):
                break
            server = self.replicas.pick(len(self.seconds))
            started = time.monotonic()
            try:
                problem = judge(server, self.ask(server, path, review))
            except (OSError, http.client.HTTPException, process.Failed) as e:
                problem = f"{server.name}: {e!r}"
                self.connections.pop(server).close()
            self.seconds.append(time.monotonic() - started)
            if problem:
                self.wrongs += 1
                self.wrong = [*self.wrong, problem][:self.WRONG_MAX]
        for c in self.connections.values():
            c.close()

    def ask(self, server, path, review):
        for gone in [g for g in self.connections
                     if g not in self.replicas.gates]:
            self.connections.pop(gone).close()
        on = self.connections.setdefault(server, server.connect())
        status, _, body = server.request(
            "POST", f"{path}?timeout={self.timeout}", json.dumps(review),
            {"Content-Type": "application/json"}, on)
        if status != 200:
            raise process.Failed(f"HTTP {status}: {body[:200]}")
        answer = json.loads(body)["response"]
        if answer["uid"] != review["request"]["uid"]:
            raise process.Failed("an answer to another review")
        return answer
