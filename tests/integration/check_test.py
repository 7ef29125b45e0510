#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`policy-gate check`: real images from a real registry, judged."""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, paths, pki, process, tap  # noqa: E402

registry = config = policy = None

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  template:
    spec:
      initContainers:
        - name: prepare
          image: %(host)s/shop/lean:1
      containers:
        - name: app
          image: %(host)s/shop/faulty:1
"""

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"

IMAGE_KEYS = ["path", "reference", "resolved", "verdict", "platforms",
              "findings", "error"]
PLATFORM_KEYS = ["platform", "digest", "size", "layers", "user", "base"]
FINDING_KEYS = ["rule", "check", "mode", "platform", "actual", "limit",
                "message", "evidence", "fix", "owner", "waived"]


def setUpModule():
    global registry, config, policy
    registry = images.serve()
    config = gate.config_file(registry)
    policy = paths.write("policy.yaml", gate.POLICY)


def tearDownModule():
    registry.close()


def check(*args, **kwargs):
    kwargs.setdefault("policy", policy)
    kwargs.setdefault("config", config)
    return gate.check(kwargs.pop("policy"), kwargs.pop("config"), *args,
                      **kwargs)


def check_image(name, **kwargs):
    """The image's part of the document, and the exit status."""
    document, status = check(registry.ref(name), **kwargs)
    return document["workloads"][0]["images"][0], status


def checks(image):
    return [f["check"] for f in image["findings"]]


def rules(text, on_error="deny"):
    return paths.write("other-policy.yaml", (
        f"version: 1\nname: other\nonError: {on_error}\nrules:\n{text}"))


class Verdicts(unittest.TestCase):
    def test_lean_image_is_admitted(self):
        image, status = check_image("shop/lean:1")
        self.assertEqual((status, image["verdict"]), (0, "allow"))
        self.assertEqual(image["findings"], [])
        platform = image["platforms"][0]
        self.assertEqual(platform["platform"], "linux/amd64")
        self.assertEqual(platform["user"], "65532")
        manifest = registry.raw("shop/lean:1")
        self.assertEqual(platform["size"],
                         sum(la["size"] for la in manifest["layers"]))
        self.assertEqual(platform["layers"], 1)

    def test_bloated_image_is_rejected_with_figures(self):
        image, status = check_image("shop/bloated:1")
        self.assertEqual((status, image["verdict"]), (1, "deny"))
        self.assertEqual(sorted(checks(image)), ["size.max", "size.maxLayer"])
        for f in image["findings"]:
            self.assertEqual(f["rule"], "lean-images")
            self.assertEqual(f["mode"], "enforce")
            self.assertEqual(f["owner"], "platform-team")
            self.assertIn("apt-get install -y g++ make", f["evidence"])
            self.assertTrue(f["fix"])
            limit = "20 MiB" if f["check"] == "size.max" else "16 MiB"
            self.assertEqual(f["limit"], limit)
        by_check = {f["check"]: f["actual"] for f in image["findings"]}
        self.assertEqual(by_check["size.max"], "32 MiB")
        self.assertEqual(by_check["size.maxLayer"], "24 MiB")

    def test_too_many_layers_are_counted(self):
        image, status = check_image("shop/layered:1")
        self.assertEqual((status, checks(image)), (1, ["layers.max"]))
        self.assertEqual(image["findings"][0]["actual"].split()[0], "30")

    def test_root_is_warned_about(self):
        image, status = check_image("shop/root:1")
        self.assertEqual((status, image["verdict"]), (0, "warn"))
        self.assertEqual(checks(image), ["user.root"])

    def test_latest_is_recorded_only(self):
        image, status = check_image("shop/lean:latest")
        self.assertEqual((status, image["verdict"]), (0, "allow"))
        self.assertEqual([(f["check"], f["mode"]) for f in image["findings"]],
                         [("tag.deny", "audit")])

    def test_both_faults_of_an_image_are_named(self):
        image, _ = check_image("shop/faulty:1")
        self.assertEqual(sorted(checks(image)),
                         ["size.max", "size.maxLayer", "user.root"])

    def test_every_platform_of_an_index_is_judged(self):
        image, status = check_image("shop/multi:1")
        self.assertEqual((status, image["verdict"]), (0, "warn"))
        self.assertEqual({p["platform"] for p in image["platforms"]},
                         {"linux/amd64", "linux/arm64"})
        self.assertEqual(image["findings"][0]["platform"], "linux/arm64")

    def test_docker_media_types_give_the_same_facts(self):
        docker, _ = check_image("shop/docker:1")
        oci, _ = check_image("shop/lean:1")
        same = ("platform", "size", "layers", "user")
        self.assertEqual([docker["platforms"][0][k] for k in same],
                         [oci["platforms"][0][k] for k in same])

    def test_a_named_user_is_a_finding_of_its_own(self):
        own = rules("  - name: users\n    check:\n"
                    "      user: {root: deny, named: deny}\n")
        image, status = check_image("shop/named:1", policy=own)
        self.assertEqual((status, checks(image)), (1, ["user.named"]))

    def test_base_is_told_by_layers(self):
        own = rules(f"  - name: bases\n    check:\n      base:\n"
                    f"        allow: ['{registry.ref('base/debian:12')}']\n")
        on_base, status = check_image("shop/on-base:1", policy=own)
        self.assertEqual((status, on_base["verdict"]), (0, "allow"))
        base = on_base["platforms"][0]["base"]
        self.assertEqual((base["how"], base["layers"]), ("layers", 1))
        off_base, status = check_image("shop/lean:1", policy=own)
        self.assertEqual((status, checks(off_base)), (1, ["base.allow"]))

    def test_a_forbidden_source_is_not_talked_to(self):
        own = rules("  - name: sources\n    check:\n"
                    "      source: {allow: ['registry.corp/**']}\n")
        before = len(registry.requests())
        image, status = check_image("shop/lean:1", policy=own)
        self.assertEqual((status, checks(image)), (1, ["source.allow"]))
        self.assertEqual(len(registry.requests()), before)

    def test_a_digest_is_required(self):
        own = rules("  - name: pins\n    check:\n"
                    "      tag: {digest: require}\n")
        image, status = check_image("shop/lean:1", policy=own)
        self.assertEqual((status, checks(image)), (1, ["tag.digest"]))
        resolved = check_image("shop/lean:1")[0]["resolved"]
        document, status = check(resolved, policy=own)
        self.assertEqual((status, document["verdict"]), (0, "allow"))

    def test_without_a_policy_a_preset_is_used_and_named(self):
        document, status = check(registry.ref("shop/lean:1"), policy=None)
        self.assertEqual(status, 0)
        self.assertEqual(document["policy"]["name"], "baseline")
        table = gate.command("check", "--config", config,
                             registry.ref("shop/lean:1")).stdout
        self.assertIn("preset:baseline", table)


class Inputs(unittest.TestCase):
    def setUp(self):
        self.web = paths.write("k8s/web.yaml", SERVICE + "---\n" +
                               DEPLOYMENT % {"host": registry.host})

    def test_document_has_the_promised_shape(self):
        document, status = check("-f", self.web)
        self.assertEqual(status, 1)
        self.assertEqual(list(document),
                         ["version", "policy", "verdict", "workloads"])
        self.assertEqual(list(document["policy"]), ["name", "sha256"])
        workload = document["workloads"][0]
        images_ = workload.pop("images")
        self.assertEqual(workload, {
            "source": f"{self.web}:5", "kind": "Deployment",
            "namespace": "shop", "name": "web", "verdict": "deny"})
        self.assertEqual([i["path"] for i in images_], [
            "spec.template.spec.containers[0].image",
            "spec.template.spec.initContainers[0].image"])
        for image in images_:
            self.assertEqual(list(image), IMAGE_KEYS)
            self.assertRegex(image["resolved"],
                             rf"^{registry.host}/shop/\w+@sha256:[0-9a-f]+$")
            for p in image["platforms"]:
                self.assertEqual(list(p), PLATFORM_KEYS)
            for f in image["findings"]:
                self.assertEqual(list(f), FINDING_KEYS)
        self.assertEqual(images_[0]["reference"],
                         f"{registry.host}/shop/faulty:1")

    def test_jq_pulls_each_finding(self):
        done = gate.command("check", "--policy", policy, "--config", config,
                            "-o", "json", "-f", self.web)
        rows = process.run(
            ["jq", "-r", ".workloads[].images[].findings[] | "
             "[.rule, .check, .mode, .actual, .limit] | @tsv"],
            input=done.stdout).stdout.splitlines()
        self.assertIn("lean-images\tsize.max\tenforce\t32 MiB\t20 MiB", rows)
        self.assertEqual(sum("no-root\tuser.root\twarn" in r for r in rows), 1)
        self.assertEqual(len(rows), 3)

    def test_folder_stdin_and_review_give_the_same_findings(self):
        text = DEPLOYMENT % {"host": registry.host}
        recorded = paths.write("review.json", json.dumps(
            gate.review(deployment_object())))
        found = []
        for args, kwargs in (
                (["-f", self.web], {}), (["-f", self.web.parent], {}),
                (["-f", "-"], {"input": text}), (["-f", recorded], {})):
            document, status = check(*args, **kwargs)
            self.assertEqual(status, 1)
            found.append(json.dumps(document["workloads"][0]["images"]))
        self.assertEqual(len(set(found)), 1, found)

    def test_table_tells_what_is_wrong_why_and_how_to_mend_it(self):
        done = gate.command("check", "--policy", policy, "--config", config,
                            "-f", self.web)
        image = check("-f", self.web)[0]["workloads"][0]["images"][0]
        for f in image["findings"]:
            for key in ("message", "check", "evidence", "fix", "rule", "owner"):
                self.assertIn(f[key], done.stdout, key)
        at = self.web.read_text().splitlines().index(
            f"          image: {registry.host}/shop/faulty:1") + 1
        self.assertIn(f"{self.web}:{at} Deployment shop/web, container app",
                      done.stdout)
        self.assertNotIn("\033", done.stdout)

    def test_several_outputs_at_once(self):
        report = paths.work() / "report.json"
        done = gate.command("check", "--policy", policy, "--config", config,
                            "-o", "table", "-o", f"json={report}",
                            registry.ref("shop/root:1"))
        self.assertEqual(done.returncode, 0)
        self.assertIn("WARN", done.stdout)
        self.assertEqual(json.loads(report.read_text())["verdict"], "warn")


def deployment_object():
    host = registry.host
    return {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"template": {"spec": {
                "initContainers": [{"name": "prepare",
                                    "image": f"{host}/shop/lean:1"}],
                "containers": [{"name": "app",
                                "image": f"{host}/shop/faulty:1"}]}}}}


class Failures(unittest.TestCase):
    def test_unparsable_reference_is_rejected_with_the_reason(self):
        document, status = check("Shop/Web:1")
        self.assertEqual((status, document["verdict"]), (1, "deny"))
        image = document["workloads"][0]["images"][0]
        self.assertEqual(image["error"]["code"], "INVALID_REFERENCE")
        self.assertIsNone(image["resolved"])

    def test_missing_image(self):
        image, status = check_image("shop/nothing:1")
        self.assertEqual((status, image["verdict"]), (3, "error"))
        self.assertEqual(image["error"]["code"], "NOT_FOUND")
        self.assertEqual(image["platforms"], [])

    def test_dead_registry_is_decided_by_on_error(self):
        dead = f"127.0.0.1:{process.free_port()}/a:1"
        for on_error, status, verdict in (
                ("deny", 3, "error"), ("warn", 0, "warn"),
                ("allow", 0, "allow")):
            with self.subTest(on_error):
                own = rules("  - name: layers\n    check:\n"
                            "      layers: {max: 9}\n", on_error)
                document, got = check(dead, policy=own)
                image = document["workloads"][0]["images"][0]
                self.assertEqual((got, image["verdict"]), (status, verdict))
                self.assertEqual(image["error"]["code"], "UNAVAILABLE")

    def test_rejection_outweighs_what_cannot_be_judged(self):
        document, status = check(registry.ref("shop/bloated:1"),
                                 registry.ref("shop/nothing:1"))
        self.assertEqual((status, document["verdict"]), (1, "deny"))

    def test_usage_policy_and_input_errors_are_status_2(self):
        bad_policy = paths.write("bad.yaml", "version: 1\nrulez: []\n")
        bad_input = paths.write("bad-input.yaml", "kind: [\n")
        for args in ((), ("--nonsense", "a"), ("-o", "xml", "a"),
                     ("--policy", bad_policy, "a"), ("-f", bad_input),
                     ("-f", "/nonexistent.yaml"),
                     ("--policy", "/nonexistent.yaml", "a"),
                     ("--timeout", "soon", "a")):
            with self.subTest(args):
                done = gate.command("check", *args)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertTrue(done.stderr)


    def test_a_full_disk_is_an_error_and_devices_stay_devices(self):
        for args in (("-o", "json=/dev/full"), ("-o", "table")):
            with self.subTest(args), open("/dev/full", "w") as full:
                done = subprocess.run(
                    [paths.BUILD / "policy-gate", "check", *args, "UPPER"],
                    stdout=full, stderr=subprocess.PIPE, text=True,
                    check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn("No space left", done.stderr)
        self.assertTrue(pathlib.Path("/dev/full").is_char_device())

    def test_what_is_opened_next_does_not_get_the_result_of_a_closed_stdout(
            self):
        for args in (["check", "UPPER"], ["lint", "preset:lean"], ["version"]):
            with self.subTest(args):
                done = process.run(["sh", "-c", 'exec "$0" "$@" >&-',
                                    paths.GATE, *args], check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn("Bad file descriptor", done.stderr)

    def test_what_is_no_manifest_in_a_folder_is_skipped_and_named(self):
        folder = paths.work() / "mixed"
        folder.mkdir()
        (folder / "values.yaml").write_text("image: nginx\n")
        (folder / "service.yaml").write_text(
            "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n")
        done = gate.command("check", "-f", folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("values.yaml:1", done.stderr)
        self.assertIn("Service/web", done.stderr)
        done = gate.command("check", "-f", folder / "values.yaml")
        self.assertEqual(done.returncode, 2)


class Access(unittest.TestCase):
    def judge(self, reg, **more):
        own = gate.config_file(reg, name="access.json", **more)
        document, status = check(reg.ref("shop/lean:1"), config=own)
        image = document["workloads"][0]["images"][0]
        return status, (image["error"] or {}).get("code", image["verdict"])

    def test_basic_and_bearer(self):
        for auth in ("basic", "bearer"):
            with self.subTest(auth):
                reg = images.serve(auth, auth=auth)
                self.addCleanup(reg.close)
                self.assertEqual(self.judge(reg, dockerConfig=str(
                    reg.docker_config())), (0, "allow"))
                self.assertEqual(self.judge(reg, dockerConfig=str(
                    reg.docker_config("stranger", "wrong"))),
                    (3, "UNAUTHORIZED"))
                self.assertEqual(self.judge(reg), (3, "NOT_FOUND_OR_DENIED"))

    def test_tls_needs_the_authority(self):
        authority = pki.Authority()
        reg = images.serve("tls", tls=authority)
        self.addCleanup(reg.close)
        self.assertEqual(self.judge(reg), (0, "allow"))
        stranger = pki.Authority("stranger")
        own = paths.write("stranger.json", json.dumps(
            {"version": 1,
             "registries": {reg.host: {"caFile": str(stranger.crt)}}}))
        document, status = check(reg.ref("shop/lean:1"), config=own)
        self.assertEqual(status, 3)
        self.assertEqual(document["workloads"][0]["images"][0]["error"]["code"],
                         "TLS_ERROR")

    def test_bearer_over_tls(self):
        authority = pki.Authority("bearer-ca")
        reg = images.serve("both", tls=authority, auth="bearer")
        self.addCleanup(reg.close)
        own = gate.config_file(reg, name="both.json",
                               dockerConfig=str(reg.docker_config()))
        document, status = check(reg.ref("shop/lean:1"), config=own)
        self.assertEqual((status, document["verdict"]), (0, "allow"), document)


if __name__ == "__main__":
    tap.main()
