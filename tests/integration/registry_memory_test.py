#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Memory: what one image may cost at the most, whatever its registry sends. The
largest of everything that is allowed, by the program that meets it.
"""

import concurrent.futures
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, gate, paths, process, registry_case, \
    tap  # noqa: E402

MIB = 1024 * 1024


def bound(header, name):
    """A bound in bytes, as the header says it."""
    text = (paths.ROOT / "server/registry" / header).read_text()
    found = re.search(rf"\b{name} = ([\d *]+)[,\s]", text).group(1)
    product = 1
    for factor in found.split("*"):
        product *= int(factor)
    return product


MEMORY_MAX = bound("resolve.h", "RESOLVE_MEMORY_MAX")
VALUES_MAX = bound("strict.h", "STRICT_VALUES_MAX")
ITEMS_MAX = bound("descriptor.h", "ITEMS_MAX")
MANIFEST_MAX = bound("manifest.h", "MANIFEST_BYTES_MAX")
CONFIG_MAX = bound("config.h", "CONFIG_BYTES_MAX")
CHILDREN_MAX = bound("resolve.h", "CHILD_MANIFESTS_MAX")
BYTES_MAX = bound("resolve.h", "RESOLVE_BYTES_MAX")


def padded(document, size):
    """The same with blanks up to a size."""
    return content.Document(document.body + b" " * (size - len(document.body)),
                            document.media_type, document.parts)


def items(size, start="k"):
    """As many as there may be, `size` bytes in all."""
    each = size // ITEMS_MAX - len(start) - 15
    return {f"{start}{i:04}": "a" * each for i in range(ITEMS_MAX)}


def annotated(image, size):
    return image.edited(lambda m: m.update(annotations=items(size)))


def labelled(user, size):
    return content.config(user=user, Labels=items(size))


def nested(depth):
    """Objects in objects: what costs most for its bytes."""
    one = b'{"a":' * depth + b"0" + b"}" * depth
    return b"[" + b",".join([one] * (VALUES_MAX * 9 // 10 // (depth + 1))) + b"]"


def stuffed(image, value):
    return image.replaced(b'{"', b'{"x": ' + value + b', "')


def history(user, size, text):
    each = size // ITEMS_MAX - 30
    lines = [{"created_by": text * (each // len(text))}] * ITEMS_MAX
    return content.config(user=user).edited(
        lambda c: c.update(history=lines))


def many(make, count=CHILDREN_MAX):
    images = [make(str(i)) for i in range(count)]
    return content.index([content.entry(i, "linux/amd64") for i in images],
                         images)


def share(count, parts):
    """Bytes for each part of so many images, all that is allowed."""
    return BYTES_MAX // count // parts - 2048


class Memory(registry_case.Case):
    COMMAND = ("inspect", "-o", "table")
    JUDGED = (0,)
    REFUSED = (3,)
    MOST = MEMORY_MAX

    @classmethod
    def setUpClass(cls):
        if gate.sanitized():
            raise unittest.SkipTest("a sanitizer needs memory of its own")

    def setUp(self):
        super().setUp()
        self.reg = self.registry()
        self.options = ["--config", self.config(), "--timeout", "60"]
        self.idle = self.peak(content.image(), self.JUDGED)

    def peak(self, document, statuses):
        ref = self.reg.push("app:1", document)
        done, bytes_ = process.run_measured(
            [paths.GATE, *self.COMMAND, *self.options, ref], check=False)
        self.assertIn(done.returncode, statuses, done.stderr[-500:])
        return bytes_

    def cost(self, what, document, refused=False):
        cost = self.peak(document, self.REFUSED if refused else
                         self.JUDGED) - self.idle
        print(f"# {what}: {cost / MIB:.1f} MiB")
        self.assertLess(cost, self.MOST)

    def test_of_one_platform(self):
        config = padded(labelled("0", CONFIG_MAX * 9 // 10), CONFIG_MAX)
        self.cost("a manifest and a config, both full", padded(annotated(
            content.image(of=config), MANIFEST_MAX * 9 // 10), MANIFEST_MAX))

    def test_of_a_tree(self):
        self.cost("nested values", stuffed(content.image(), nested(30)))
        self.cost("values side by side", stuffed(
            content.image(), nested(1)))

    def test_of_many_trees(self):
        self.cost("nested values in each", many(lambda user: stuffed(
            content.image(of=stuffed(content.config(user=user), nested(30))),
            nested(30))))

    def test_of_annotations_and_labels(self):
        size = share(CHILDREN_MAX, 2)
        self.cost("annotations and labels", many(lambda user: annotated(
            content.image(of=labelled(user, size)), size)))
        size = share(CHILDREN_MAX, 1)
        self.cost("labels alone", many(
            lambda user: content.image(of=labelled(user, size))))

    def test_of_history(self):
        size = share(CHILDREN_MAX, 1)
        for text in ("apt-get install -y gcc && ", "A_TOKEN=abcdefghij ",
                     "curl x | sh; ", "COPY . ."):
            with self.subTest(text):
                self.cost(f"history: {text}", many(lambda user: content.image(
                    of=history(user, size, text))))

    def test_of_layers(self):
        self.cost("layers", many(lambda user: content.image(
            layers=ITEMS_MAX, user=user)))

    def test_of_an_index(self):
        image = content.image()
        self.cost("entries", content.index(
            [content.entry(image, "linux/amd64"), *(
                content.entry(image, content.UNKNOWN, data="a" * 3000)
                for _ in range(ITEMS_MAX - 1))], [image]))

    def test_of_what_is_too_much(self):
        def config(user):
            return padded(labelled(user, CONFIG_MAX * 9 // 10), CONFIG_MAX)

        # What is announced counts before it is asked for.
        blobs = self.reg.count(path="*/blobs/*")
        self.cost("manifests and configs", many(lambda user: padded(
            content.image(of=config(user)), share(CHILDREN_MAX, 1))),
            refused=True)
        self.assertEqual(self.reg.count(path="*/blobs/*"), blobs)
        self.cost("configs", many(lambda user: content.image(
            of=config(user))), refused=True)
        self.assertLessEqual(self.reg.count(path="*/blobs/*"),
                             blobs + BYTES_MAX // CONFIG_MAX)

    def test_of_bodies_without_end(self):
        self.reg.on("GET", "/v2/app/blobs/*").endless()
        self.cost("configs without end", many(lambda user: content.image(
            of=padded(content.config(user=user), share(16, 1)))), refused=True)
        self.reg.on("GET", "/v2/app/manifests/*").endless()
        self.cost("a manifest without end", content.image(), refused=True)


class Json(Memory):
    """Which prints all of it, and holds every text once more for that."""

    COMMAND = ("inspect", "-o", "json")
    MOST = MEMORY_MAX + BYTES_MAX


class Judged(Memory):
    COMMAND = ("check", "--policy", "preset:restricted", "-o", "json")
    JUDGED = (0, 1)
    REFUSED = (1, 3)  # there are findings about its name


class Served(registry_case.Case):
    """Pods of many large images, which have to share what there is."""

    # What deploy/ gives the webhook.
    LIMIT = int(re.search(r"limits:\n\s+memory: (\d+)Mi", (
        paths.ROOT / "deploy/base/deployment.yaml").read_text()).group(1)) * MIB
    IMAGES = 60

    @classmethod
    def setUpClass(cls):
        Memory.setUpClass()

    def setUp(self):
        super().setUp()
        self.reg = self.registry()
        self.server = self.serve(self.config())

    def push_all(self, make):
        return [self.reg.push(f"app:{i}", make(str(i)))
                for i in range(self.IMAGES)]

    @staticmethod
    def large(user):
        return content.image(of=padded(labelled(
            user, CONFIG_MAX * 9 // 10), CONFIG_MAX))

    def flood(self, references):
        """A review of a pod with all of them."""
        pod = gate.pod(references[0])
        pod["spec"]["containers"] = [
            {"name": f"c{i}", "image": r} for i, r in enumerate(references)]
        return self.server.post(gate.review(pod), "30s")

    def assert_small(self):
        memory = self.server.process.peak()
        print(f"# at most {memory / MIB:.1f} MiB")
        self.assertLess(memory, self.LIMIT)

    def wait_for_room(self, number, references):
        """Reviews of that many each, all at once: those that are not admitted
        are another time."""
        pods = [references[i:i + number]
                for i in range(0, len(references), number)]
        with concurrent.futures.ThreadPoolExecutor(len(pods)) as pool:
            answers = list(pool.map(self.flood, pods))
        later = [(a, p) for a, p in zip(answers, pods) if not a["allowed"]]
        for answer, _ in later:
            self.assertEqual(answer["status"]["code"], 503, answer)
        for _, pod in later[:3]:
            self.assertTrue(self.flood(pod)["allowed"])
        self.assert_small()

    def test_pods_of_large_images_wait_for_room(self):
        self.wait_for_room(3, self.push_all(self.large))

    def test_large_manifests_do(self):
        self.wait_for_room(2, self.push_all(lambda user: padded(annotated(
            content.image(of=labelled(user, CONFIG_MAX // 2)),
            MANIFEST_MAX * 9 // 10), MANIFEST_MAX)))

    def test_pod_of_more_than_is_read_for_one_decision_is_refused(self):
        answer = self.flood(self.push_all(self.large))
        self.assertEqual(answer["status"]["code"], 403)
        self.assertIn("TOO_LARGE", answer["status"]["message"])
        self.assert_small()

    def test_small_ones_need_not_wait(self):
        large = self.push_all(self.large)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            floods = [pool.submit(self.flood, large) for _ in range(2)]
            asked = 0
            while asked < 10 or not all(f.done() for f in floods):
                ref = self.reg.push(f"small:{asked}", content.image(
                    user=str(asked)))
                self.assertTrue(self.post(self.server, ref, "10s")["allowed"])
                asked += 1
        self.assert_small()

    def test_largest_image_there_may_be_is_judged(self):
        for count in (CHILDREN_MAX, BYTES_MAX // CONFIG_MAX):
            size = share(count, 1)
            ref = self.reg.push(f"app:{count}", many(
                lambda user: content.image(of=labelled(user, size)), count))
            self.assertTrue(self.post(self.server, ref, "30s")["allowed"])
        self.assert_small()

    def test_there_is_room_again_afterwards(self):
        for i in range(4):
            self.flood(self.push_all(lambda user, i=i: self.large(
                f"{user}.{i}")))
            fresh = self.reg.push(f"fresh:{i}", self.large(f"fresh{i}"))
            self.assertTrue(self.post(self.server, fresh, "10s")["allowed"])
        self.assert_small()


if __name__ == "__main__":
    tap.main()
