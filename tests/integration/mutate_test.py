#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""POST /mutate: what is pinned to its digest, and what is left alone. About two
seconds."""

import base64
import copy
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import gate, images, tap  # noqa: E402

registry = server = None


def setUpModule():
    global registry, server
    registry = images.serve("pinned")
    server = gate.Gate(gate.POLICY, gate.config_file(registry))


def tearDownModule():
    server.stop()
    registry.close()


def mutate(review, on=None):
    """The answer's `response`, its patch decoded."""
    status, _, body = (on or server).request(
        "POST", "/mutate?timeout=3s", json.dumps(review),
        {"Content-Type": "application/json"})
    response = json.loads(body)["response"]
    if status != 200 or not response["allowed"]:
        raise AssertionError(f"{status}: {body}")
    if "patch" in response:
        assert response["patchType"] == "JSONPatch"
        response["patch"] = json.loads(base64.b64decode(response["patch"]))
    return response


def pod(image="shop/lean:1", **spec):
    return gate.pod(registry.ref(image), **spec)


def digest(image):
    done = gate.command("inspect", "-o", "json", registry.ref(image))
    return json.loads(done.stdout)["resolved"].split("@")[1]


def applied(patch, obj):
    """The object with the patch applied, by RFC 6902, sections 4.3 and 4.6."""
    obj = copy.deepcopy(obj)
    for op in patch:
        *way, last = (int(k) if k.isdigit() else k
                      for k in op["path"].split("/")[1:])
        at = obj
        for key in way:
            at = at[key]
        if op["op"] == "test":
            assert at[last] == op["value"]
        else:
            assert op["op"] == "replace"
            at[last] = op["value"]
    return obj


class Pinned(unittest.TestCase):
    def test_the_digest_that_was_judged(self):
        reference, path = registry.ref("shop/lean:1"), "/spec/containers/0/image"
        self.assertEqual(mutate(gate.review(pod()))["patch"], [
            {"op": "test", "path": path, "value": reference},
            {"op": "replace", "path": path,
             "value": f"{reference}@{digest('shop/lean:1')}"}])

    def test_each_container_that_has_none(self):
        known = f"{registry.ref('shop/lean:1')}@{digest('shop/lean:1')}"
        obj = pod("shop/root:1", initContainers=[
            {"name": "a", "image": known},
            {"name": "b", "image": registry.ref("shop/lean:1")}])
        spec = applied(mutate(gate.review(obj))["patch"], obj)["spec"]
        self.assertEqual([c["image"] for c in spec["initContainers"]],
                         [known, known])
        self.assertIn("shop/root:1@sha256:", spec["containers"][0]["image"])

    def test_what_is_pinned_stays_as_it_is(self):
        first = mutate(gate.review(pod()))
        again = mutate(gate.review(applied(first["patch"], pod())))
        self.assertNotIn("patch", again)
        self.assertNotIn("patchType", again)

    def test_a_dry_run_likewise(self):
        self.assertEqual(mutate(gate.review(pod(), dryRun=True))["patch"],
                         mutate(gate.review(pod()))["patch"])

    def test_also_what_the_other_webhook_will_deny(self):
        self.assertTrue(mutate(gate.review(pod("shop/bloated:1")))["patch"])


class LeftAlone(unittest.TestCase):
    def test_what_is_no_new_pod(self):
        mirror = pod()
        mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "1"}
        node = {"username": "system:node:a", "groups": ["system:nodes"]}
        deleted = gate.review(pod(), operation="DELETE")
        deleted["request"].update(object=None, oldObject=pod())
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment",
                      "metadata": {"name": "web"}, "spec": {"template": pod()}}
        debugged = pod(ephemeralContainers=[
            {"name": "debug", "image": registry.ref("shop/root:1")}])
        cases = {
            "an update": gate.review(pod("shop/root:1"), pod()),
            "a debug container": gate.review(
                debugged, pod(), subresource="ephemeralcontainers"),
            "a deletion": deleted,
            "a mirror": gate.review(mirror, userInfo=node),
            "a mirror by anybody": gate.review(mirror),
            "a workload": gate.review(deployment),
        }
        for name, review in cases.items():
            with self.subTest(name):
                response = mutate(review)
                self.assertNotIn("patch", response)
                self.assertNotIn("patchType", response)

    def test_a_pod_whose_registry_is_down_with_a_warning(self):
        reg = images.serve("gone")
        own = gate.Gate(gate.POLICY, gate.config_file(reg, name="gone.json"))
        self.addCleanup(own.stop)
        reg.close()
        response = mutate(gate.review(gate.pod(reg.ref("shop/lean:1"))), own)
        self.assertNotIn("patch", response)
        self.assertIn("not pinned", response["warnings"][0])


if __name__ == "__main__":
    tap.main()
