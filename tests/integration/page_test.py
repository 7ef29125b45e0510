#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The HTML page and the Markdown of `check` in a real browser. About 8 seconds;
skipped where there is no Chromium.
"""

import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from lib import browser, fleet, gate, paths, tap  # noqa: E402

DATA = paths.ROOT / "tests/data/golden"
# What reaches over the right edge, if anything does.
WIDER = """[...document.querySelectorAll("*")].filter(
    (e) => e.getBoundingClientRect().right > innerWidth + 1)
    .map((e) => e.outerHTML.slice(0, 80))"""
VISIBLE = "[...document.querySelectorAll('%s')].filter(" \
    "(e) => e.offsetParent !== null)"
NAMES = VISIBLE % "article" + ".map((e) => e.dataset.name)"
# WCAG's contrast of text and what is behind it, the least on the page.
CONTRAST = """(() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = c.map((v) => v / 255).map(
        (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0)
        return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  let least = [99, ""];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) ||
        e.tagName === "SCRIPT" || e.offsetParent === null)
      continue;
    const [a, b] = [light(parse(getComputedStyle(e).color).slice(0, 3)),
                    light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least[0])
      least = [ratio, e.outerHTML.slice(0, 80)];
  }
  return least;
})()"""

registry = tab = page = everything = None


def setUpModule():
    global registry, tab, page, everything
    if not browser.PROGRAM:
        raise unittest.SkipTest("there is no chromium")
    registry = fleet.Fleet()
    config = registry.config()
    paths.write("k8s/boutique.yaml", fleet.microservices())
    page, everything = paths.work() / "page.html", paths.work() / "all.html"
    for inputs, out in (
            ([DATA / "shop.yaml"], page),
            ([paths.ROOT / "tests/data/manifests", paths.work() / "k8s"],
             everything)):
        files = [a for i in inputs for a in ("-f", i)]
        gate.command("check", "--config", config, "--policy",
                     DATA / "policy.yaml", "-o", f"html={out}", "-o",
                     f"markdown={out.with_suffix('.md')}", *files)
    tab = browser.Browser()


def tearDownModule():
    if tab:
        tab.close()
    if registry:
        registry.close()


def select(name, value):
    tab.run(f"""(() => {{
        const s = document.forms[0]["{name}"];
        s.value = {value!r};
        s.dispatchEvent(new Event("input", {{bubbles: true}}));
    }})()""")


class Look(unittest.TestCase):
    def test_it_fits_at_every_width_in_light_and_dark(self):
        for file in (page, everything):
            for width in (1280, 390, 320):
                for scheme in ("light", "dark"):
                    with self.subTest((file.name, width, scheme)):
                        tab.size(width)
                        tab.colours(scheme)
                        tab.open(file)
                        tab.run("document.querySelectorAll('details')"
                                ".forEach((d) => d.open = true)")
                        self.assertEqual(tab.run(WIDER), [])
                        self.assertLessEqual(tab.run(
                            "document.documentElement.scrollWidth"), width)
                        self.assertEqual(tab.complaints, [])
                        self.assertEqual(tab.requests, [f"file://{file}"])
                        ratio, where = tab.run(CONTRAST)
                        self.assertGreaterEqual(ratio, 4.5, where)

    def test_dark_is_dark(self):
        tab.open(page)
        back = []
        for scheme in ("light", "dark"):
            tab.colours(scheme)
            back.append(tab.run("getComputedStyle(document.body)"
                                ".backgroundColor"))
        self.assertEqual(back[0], "rgb(255, 255, 255)")
        self.assertNotEqual(*back)


class Use(unittest.TestCase):
    def setUp(self):
        tab.size(1280)
        tab.open(page)

    def shown(self):
        return tab.run("document.getElementById('shown').textContent")

    def test_images_come_by_what_they_cost(self):
        tab.open(everything)
        sizes = tab.run(VISIBLE % "article" +
                        ".map((e) => e.querySelector('.head > b').innerText)")
        units = {"": 0, "KiB": 1 / 1024, "MiB": 1, "GiB": 1024}

        def mib(text):
            number, _, unit = text.partition(" ")
            return float(number or 0) * units[unit]

        sizes = [mib(s) for s in sizes]
        self.assertGreater(len(sizes), 50)
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        widths = tab.run("[...document.querySelectorAll('.bar')].map("
                         "(e) => e.getBoundingClientRect().width)")
        self.assertEqual(widths, sorted(widths, reverse=True))

    def test_what_is_the_same_in_several_places_is_there_once(self):
        self.assertEqual(self.shown(), "8 of 8 images shown")
        names = tab.run(NAMES)
        self.assertEqual(len(names), 7)
        self.assertEqual(names.count("registry.corp/shop/orders:7"), 1)

    def test_filters(self):
        select("namespace", "etl")
        self.assertEqual(tab.run(NAMES),
                         ["registry.corp/etl/airflow-worker:2024.44"])
        self.assertEqual(self.shown(), "1 of 8 images shown")
        select("namespace", "shop")
        select("rule", "fixed-tags")
        self.assertEqual(tab.run(NAMES), ["registry.corp/shop/tools:latest"])
        self.assertEqual(tab.run(VISIBLE % "li[data-rule]" +
                                 ".map((e) => e.dataset.rule)"),
                         ["fixed-tags"])
        select("rule", "")
        select("owner", "platform-team")
        self.assertEqual(
            set(tab.run(VISIBLE % "li[data-rule]" +
                        ".map((e) => e.dataset.owner)")), {"platform-team"})
        select("owner", "")
        select("verdict", "error")
        self.assertEqual(tab.run(NAMES), ["registry.corp/shop/gone:1"])
        tab.run("document.querySelector('button').click()")
        tab.run("new Promise((done) => setTimeout(done))")
        self.assertEqual(self.shown(), "8 of 8 images shown")

    def test_without_a_mouse(self):
        def focused():
            return tab.run("document.activeElement.name || "
                           "document.activeElement.tagName")

        order = []
        for _ in range(7):
            tab.key("Tab")
            order.append(focused())
        self.assertEqual(order, ["name", "verdict", "rule", "owner",
                                 "namespace", "BUTTON", "SUMMARY"])
        self.assertNotEqual(tab.run("getComputedStyle("
                                    "document.activeElement).outlineStyle"),
                            "none")
        tab.key("Enter", "\r")
        self.assertTrue(tab.run("document.activeElement.parentNode.open"))
        tab.run("document.forms[0].name.focus()")
        tab.type("tools")
        self.assertEqual(tab.run(NAMES), ["registry.corp/shop/tools:latest"])

    def test_it_is_whole_without_its_script(self):
        tab.call("Emulation.setScriptExecutionDisabled", value=True)
        try:
            tab.open(page)
            self.assertEqual(len(tab.run(NAMES)), 7)
            self.assertEqual(tab.run(VISIBLE % "form"), [])
        finally:
            tab.call("Emulation.setScriptExecutionDisabled", value=False)


class Markdown(unittest.TestCase):
    def test_it_is_what_github_would_show(self):
        if not shutil.which("cmark-gfm"):
            self.skipTest("there is no cmark-gfm")
        for file, rows in ((page, 7), (everything, 56)):
            text = file.with_suffix(".md").read_bytes()
            self.assertLess(len(text.decode()), 65536)
            done = subprocess.run(["cmark-gfm", "-e", "table"], input=text,
                                  stdout=subprocess.PIPE, check=True)
            out = paths.work() / "markdown.html"
            out.write_bytes(b"<!DOCTYPE html><meta charset=utf-8>" +
                            done.stdout)
            tab.open(out)
            self.assertEqual(tab.run("document.querySelectorAll("
                                     "'tbody tr').length"), rows)
            # Nothing but a list below each image's heading.
            self.assertEqual(set(tab.run(
                "[...document.querySelectorAll('h4')].map("
                "(e) => e.nextElementSibling.tagName)")), {"UL"})
            self.assertEqual(tab.run("document.querySelectorAll("
                                     "'a, img, code').length"), 0)
            # "*Fix:*" begins a line of its own.
            self.assertTrue(tab.run(
                "[...document.querySelectorAll('em')].every((e) => "
                "e.previousElementSibling.tagName === 'BR')"))


if __name__ == "__main__":
    tap.main()
