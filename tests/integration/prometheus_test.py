#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Prometheus makes of the metrics."""

import http.client
import json
import pathlib
import re
import sys
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, process, tap  # noqa: E402

CONFIG = """\
global: {scrape_interval: 200ms, scrape_timeout: 200ms}
scrape_configs:
  - job_name: policy-gate
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""

registry = server = None


def setUpModule():
    """A gate that has seen something of everything."""
    global registry, server
    registry = images.serve()
    config = gate.config_file(registry)
    server = gate.Gate(gate.POLICY + """\
waivers:
  - rule: no-root
    match: {namespaces: [billing]}
    owner: the "old" team
    reason: moving
    expires: 2099-01-31
""", config)
    for name in ("lean:1", "lean:1", "bloated:1", "root:1", "nothing:1"):
        server.post(gate.review(gate.pod(registry.ref(f"shop/{name}"))))
    server.request("POST", "/validate", "no JSON",
                   {"Content-Type": "application/json"})


def tearDownModule():
    server.stop()
    registry.close()


def page():
    c = http.client.HTTPConnection("127.0.0.1", server.metrics_port)
    c.request("GET", "/metrics")
    text = c.getresponse().read().decode()
    c.close()
    return text


class Prometheus(unittest.TestCase):
    def test_promtool_finds_nothing_to_say(self):
        done = process.run(["promtool", "check", "metrics"], check=False,
                           input=page())
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_promtool_would(self):
        bad = page() + "# TYPE Bad counter\nBad 1\n"
        done = process.run(["promtool", "check", "metrics"], check=False,
                           input=bad)
        self.assertNotEqual(done.returncode, 0)

    def test_prometheus_scrapes(self):
        port = process.free_port()
        config = paths.write("prometheus.yml", CONFIG % server.metrics_port)
        prometheus = process.Process("prometheus", [
            "prometheus", f"--config.file={config}",
            f"--storage.tsdb.path={paths.work() / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}"])
        prometheus.wait_until(
            lambda: "Server is ready" in prometheus.text(), "ready")

        def ask(query):
            url = (f"http://127.0.0.1:{port}/api/v1/query?"
                   f"{urllib.parse.urlencode({'query': query})}")
            with urllib.request.urlopen(url) as answer:
                return json.load(answer)["data"]["result"]

        def value(query):
            found = ask(query)
            return float(found[0]["value"][1]) if found else None

        prometheus.wait_until(lambda: value("up") == 1, "scraping")
        prometheus.wait_until(
            lambda: value("policy_gate_review_duration_seconds_count") == 5,
            "knowing the reviews")
        self.assertEqual(value(
            'policy_gate_reviews_total{verdict="deny"}'), 1)
        self.assertIsNotNone(value(
            "histogram_quantile(0.99, policy_gate_review_duration_seconds_"
            "bucket)"))
        names = {r["metric"]["__name__"] for r in ask('{job="policy-gate"}')}
        for line in page().splitlines():
            if line and not line.startswith("#"):
                self.assertIn(re.match(r"\w+", line)[0], names)


if __name__ == "__main__":
    tap.main()
