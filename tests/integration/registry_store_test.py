#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a webhook that starts again still knows from its disk, and what it does
not take from there."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import content, paths, registry_case, tap  # noqa: E402
from lib.registry_case import LOGIN  # noqa: E402

FILE = "documents.sqlite"


class Restarted(registry_case.Case):
    def setUp(self):
        super().setUp()
        self.reg = self.registry()
        self.image = content.image()
        self.ref = self.reg.push("app:1", self.image)
        self.dir = paths.work() / f"store-{self.id().split('.')[-1]}"

    def settings(self, **more):
        return self.config(cache={"dir": str(self.dir)}, **more)

    def start(self, **more):
        self.server = self.serve(self.settings(**more))

    def restart(self, **more):
        self.server.stop()
        self.start(**more)

    def asked(self, ref=None):
        """The methods of what it takes to allow it."""
        self.reg.log.clear()
        answer = self.post(self.server, ref or self.ref)
        self.assertTrue(answer["allowed"], answer)
        return [r.method for r in self.reg.log]

    def sources(self):
        return [e["images"][0]["cache"] for e in self.server.log("review")]

    def test_asks_only_whether_a_tag_has_moved(self):
        self.start()
        self.assertEqual(self.asked(), ["GET", "GET"])
        self.restart()
        self.assertEqual(self.asked(), ["HEAD"])
        self.assertEqual(self.asked(), [])

    def test_asks_only_whether_a_digest_is_there(self):
        ref = f"{self.reg.host}/app@{self.image.digest}"
        self.start()
        self.assertEqual(self.asked(ref), ["GET", "GET"])
        self.restart()
        self.assertEqual(self.asked(ref), ["HEAD"])

    def test_has_the_parts_of_an_index(self):
        ref = self.reg.push("app:2", content.multi("linux/amd64",
                                                   "linux/arm64"))
        self.start()
        self.assertEqual(len(self.asked(ref)), 5)
        self.restart()
        self.assertEqual(self.asked(ref), ["HEAD"])

    def test_fetches_what_a_tag_has_moved_to(self):
        self.start()
        self.asked()
        self.reg.push("app:1", content.image(user="7"))
        self.restart()
        self.assertEqual(self.asked(), ["HEAD", "GET", "GET"])

    def test_outage_rejects_nothing_known(self):
        self.start()
        self.asked()
        self.reg.on("*", "*").fail(503)
        self.restart()
        for _ in range(3):
            self.assertTrue(self.post(self.server, self.ref)["allowed"])
        self.assertEqual(self.sources(), ["stale"] * 3)
        answer = self.post(self.server, self.reg.ref("app:unknown"))
        self.assertFalse(answer["allowed"])

    def test_silent_registry_holds_up_nothing_known_until_the_last_moment(self):
        self.start()
        self.asked()
        self.reg.on("*", "*").hang(30)
        self.restart()
        for seconds in ("2s", "10s"):
            started = time.monotonic()
            answer = self.post(self.server, self.ref, seconds)
            self.assertTrue(answer["allowed"], answer)
            self.assertLess(time.monotonic() - started, 5)
            self.restart()

    def test_outage_longer_than_allowed_rejects(self):
        self.start()
        self.asked()
        self.reg.on("*", "*").fail(503)
        self.server.stop()
        self.server = self.serve(self.config(cache={
            "dir": str(self.dir), "tagTtl": "0s", "staleFor": "0s"}))
        answer = self.post(self.server, self.ref)
        self.assertIn("UNAVAILABLE", answer["status"]["message"])

    def test_private_image_is_not_shown_without_its_credential(self):
        self.reg.basic(*LOGIN)
        self.start(credentials={self.reg: LOGIN})
        self.asked()
        self.restart()
        answer = self.post(self.server, self.ref)
        self.assertIn("NOT_FOUND_OR_DENIED", answer["status"]["message"])

    def test_image_is_not_shown_by_another_repository(self):
        self.start()
        self.asked()
        self.reg.on("*", "/v2/other/*").fail(404)
        self.restart()
        answer = self.post(
            self.server, f"{self.reg.host}/other@{self.image.digest}")
        self.assertIn("NOT_FOUND", answer["status"]["message"])

    def test_file_that_is_none_of_ours_is_discarded(self):
        for text in (b"", b"rubbish" * 1000, b"SQLite format 3\0" + b"x" * 90):
            with self.subTest(text[:20]):
                self.dir.mkdir(exist_ok=True)
                (self.dir / FILE).write_bytes(text)
                self.start()
                self.asked()
                self.assertEqual(
                    len(self.server.log("store_discarded")), bool(text))
                self.restart()
                self.assertEqual(self.asked(), ["HEAD"])
                self.server.stop()

    def test_folder_that_cannot_be_used_is_no_hindrance(self):
        self.dir.write_text("a file")
        self.start()
        self.asked()
        events = self.server.log("store_not_used")
        self.assertEqual(len(events), 1)
        self.assertIn(str(self.dir), events[0]["detail"])


if __name__ == "__main__":
    tap.main()
