#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Each alert fires when it should and not when it should not, and names a section
of the operations note; each query of the dashboard gives data where a real
Prometheus scrapes a gate that works. About 15 seconds.
"""

import http.server
import json
import pathlib
import re
import sys
import threading
import time
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, process, tap  # noqa: E402

MONITORING = paths.ROOT / "deploy" / "overlays" / "monitoring"
ALERTS = (MONITORING / "alerts.yaml").read_text()
DAY = 86400
HOOK = 'name="pods.policy-gate.dev",type="validating"'
FAILED = (f'apiserver_admission_webhook_rejection_count{{{HOOK},'
          'operation="CREATE",error_type="%s",rejection_code="500"}')
OPEN = f"apiserver_admission_webhook_fail_open_count{{{HOOK}}}"
REVIEWS = 'policy_gate_reviews_total{endpoint="validate",verdict="%s"}'
UNJUDGED = 'policy_gate_unjudged_images_total{code="TIMEOUT",verdict="%s"}'
REGISTRY = ('policy_gate_registry_requests_total{registry="r.example",'
            'kind="manifest",code="%s"}')
LOOKUPS = 'policy_gate_cache_requests_total{result="%s"}'
RELOADS = 'policy_gate_policy_reloads_total{result="%s",instance="a:9090"}'
LEAF = "policy_gate_certificate_not_after_timestamp_seconds"
WAIVER = 'policy_gate_waiver_expiry_timestamp_seconds{rule="lean",owner="b"}'


def bucket(le):
    return f'policy_gate_review_duration_seconds_bucket{{le="{le}"}}'


# These have to be seen for an hour themselves.
PATIENT = ("PolicyGateCacheMisses",)
# alert: (series with which it fires, series with which it does not), as
# promtool writes values, one a minute; it is asked after an hour.
CASES = {
    "PolicyGateDown": ({"up": "1x60"},
                       {'policy_gate_build_info{version="1"}': "1x60"}),
    "PolicyGateFailOpen": ({OPEN: "0x55 1x5"}, {OPEN: "7x60"}),
    "PolicyGateCallsFail": ({FAILED % "calling_webhook_error": "0x55 1x5"},
                            {FAILED % "no_error": "0+5x60",
                             FAILED % "calling_webhook_error": "3x60"}),
    "PolicyGateSlow": (
        {bucket(5): "0+90x60", bucket(10): "0+100x60",
         bucket("+Inf"): "0+100x60"},
        {bucket(2.5): "0+100x60", bucket(5): "0+100x60",
         bucket("+Inf"): "0+100x60"}),
    "PolicyGateSheds": ({"policy_gate_shed_total": "0x58 1x2"},
                        {"policy_gate_shed_total": "9x60"}),
    "PolicyGateCannotJudge": (
        {UNJUDGED % "error": "0+10x60", REVIEWS % "allow": "0+100x60"},
        {UNJUDGED % "error": "0+1x60", REVIEWS % "allow": "0+100x60"}),
    "PolicyGateAdmitsUnjudged": ({UNJUDGED % "allow": "0+1x60"},
                                 {UNJUDGED % "error": "0+9x60"}),
    "PolicyGateRegistryFails": (
        {REGISTRY % 503: "0+2x60", REGISTRY % 200: "0+8x60"},
        {REGISTRY % 404: "0+8x60", REGISTRY % 401: "0+2x60",
         REGISTRY % 200: "0+8x60", REGISTRY % 0: "3x60"}),
    "PolicyGateCacheMisses": (
        {LOOKUPS % "hit": "0+60x120", LOOKUPS % "miss": "0+120x120"},
        {LOOKUPS % "hit": "0+120x120", LOOKUPS % "miss": "0+60x120"}),
    "PolicyGateDeniesMost": (
        {REVIEWS % "deny": "0+6x60", REVIEWS % "allow": "0+4x60"},
        {REVIEWS % "deny": "0+4x60", REVIEWS % "allow": "0+6x60"}),
    "PolicyGateReloadRefused": ({RELOADS % "refused": "0x30 1x30"},
                                {RELOADS % "refused": "1x60",
                                 RELOADS % "ok": "0+1x60"}),
    "PolicyGateCertificateExpires": ({LEAF: f"{13 * DAY}x60"},
                                     {LEAF: f"{15 * DAY}x60"}),
    "PolicyGateWaiverExpires": ({WAIVER: f"{13 * DAY}x60"},
                                {WAIVER: f"{15 * DAY}x60"}),
}


def rules_file():
    """As a Prometheus without the operator is given them."""
    return paths.write("alerts.yaml", ALERTS.split("\nspec:\n")[1])


class Alerts(unittest.TestCase):
    def test_promtool_takes_them(self):
        done = process.run(["promtool", "check", "rules", rules_file()])
        self.assertIn(f"{len(CASES)} rules found", done.stdout)

    def test_each_has_a_case(self):
        self.assertEqual(re.findall(r"- alert: (\w+)", ALERTS), list(CASES))

    def promtool(self, *cases):
        """What promtool says where each (alert, series, firing) holds."""
        rules = rules_file()
        tests = [{
            "name": alert, "interval": "1m",
            "input_series": [{"series": s, "values": v}
                             for s, v in series.items()],
            "promql_expr_test": [{
                "expr": "count(ALERTS{alertstate=\"firing\","
                        f"alertname=\"{alert}\"}})",
                "eval_time": "2h" if alert in PATIENT else "1h",
                "exp_samples": [{"labels": "{}", "value": 1}] if firing
                else []}]} for alert, series, firing in cases]
        return process.run(["promtool", "test", "rules", paths.write(
            "cases.yaml", json.dumps({
                "rule_files": [rules.name], "evaluation_interval": "1m",
                "tests": tests}))], check=False)

    def test_each_fires_and_does_not(self):
        cases = [(alert, series, firing) for alert, pair in CASES.items()
                 for series, firing in zip(pair, (True, False))]
        done = self.promtool(*cases)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # That the opposite were true promtool would not have.
        done = self.promtool(*((a, s, not f) for a, s, f in cases))
        self.assertEqual((done.stdout + done.stderr).count("expr:"),
                         len(cases))

    def test_a_first_failure_of_a_fresh_api_server_counts(self):
        """Its counter begins at 1, in which nothing has grown."""
        done = self.promtool(
            ("PolicyGateFailOpen", {OPEN: "_x55 1x5"}, True),
            ("PolicyGateCallsFail",
             {FAILED % "calling_webhook_error": "_x55 1x5"}, True))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_names_a_section_that_exists(self):
        note = (paths.ROOT / "deploy" / "README.md").read_text()
        sections = {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-")
                    for h in re.findall(r"(?m)^#+ (.+)$", note)}
        named = re.findall(r"runbook: deploy/README\.md#(\S+)", ALERTS)
        self.assertEqual(named, [a.lower() for a in CASES])
        self.assertLessEqual(set(named), sections)


PROMETHEUS = """\
global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 1s}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: policy-gate
    static_configs:
      - {targets: ["127.0.0.1:%d"], labels: {namespace: policy-gate}}
  - job_name: apiserver
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""

POLICY = gate.POLICY.replace("onError: deny", "onError: warn") + """\
waivers:
  - rule: no-root
    match: {namespaces: [billing]}
    owner: billing-team
    reason: moving
    expires: 2099-01-31
"""


class ApiServer(http.server.BaseHTTPRequestHandler):
    """Two counters as API servers write them, growing."""

    def do_GET(self):
        n = int(time.monotonic())
        body = (f"{OPEN} {n}\n{FAILED % 'calling_webhook_error'} {n}\n"
                ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = images.serve()
        cls.addClassCleanup(cls.registry.close)
        cls.server = gate.Gate(POLICY, gate.config_file(cls.registry))
        cls.addClassCleanup(cls.server.stop)
        api = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ApiServer)
        cls.addClassCleanup(api.server_close)
        cls.addClassCleanup(api.shutdown)
        threading.Thread(target=api.serve_forever, daemon=True).start()
        rules_file()
        port = process.free_port()
        cls.url = f"http://127.0.0.1:{port}/api/v1"
        cls.prometheus = process.Process("prometheus", [
            "prometheus", "--config.file", paths.write(
                "prometheus.yml", PROMETHEUS % (
                    cls.server.metrics_port, api.server_port)),
            f"--storage.tsdb.path={paths.work() / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}"])
        cls.prometheus.wait_port(port)
        cls.prometheus.wait_until(
            lambda: "Server is ready" in cls.prometheus.text(), "ready")

    def ask(self, path, **query):
        with urllib.request.urlopen(
                f"{self.url}/{path}?{urllib.parse.urlencode(query)}") as a:
            return json.load(a)["data"]

    def work(self):
        """Something of everything."""
        for name in ("lean:1", "bloated:1", "root:1", "lean:latest",
                     "nothing:1"):
            self.server.post(gate.review(gate.pod(
                self.registry.ref(f"shop/{name}"))))

    def test_every_query_gives_data(self):
        dashboard = json.loads((MONITORING / "dashboard.json").read_text())
        queries = [t["expr"].replace("$__rate_interval", "5s")
                   .replace("$namespace", ".*")
                   for p in dashboard["panels"] for t in p["targets"]]
        self.assertGreater(len(queries), 20)
        empty = set(queries)

        def filled():
            self.work()
            for query in list(empty):
                found = self.ask("query", query=query)["result"]
                if found and all(r["value"][1] != "NaN" for r in found):
                    empty.discard(query)
            return not empty

        try:
            self.prometheus.wait_until(filled, "full of data", 20)
        except process.Failed:
            self.fail("no data from: " + "\n".join(sorted(empty)))

    def test_every_name_in_a_query_is_one_that_is_scraped(self):
        self.work()
        text = (MONITORING / "dashboard.json").read_text() + ALERTS
        named = set(re.findall(r"policy_gate_\w+", text))
        self.prometheus.wait_until(
            lambda: named <= set(self.ask("label/__name__/values")),
            f"scraping all of {named}")

    def test_rules_are_evaluated_without_an_error(self):
        def healthy():
            rules = self.ask("rules")["groups"][0]["rules"]
            return len(rules) == len(CASES) and all(
                r["health"] == "ok" and not r.get("lastError") for r in rules)

        self.prometheus.wait_until(healthy, "evaluating its rules")


if __name__ == "__main__":
    tap.main()
