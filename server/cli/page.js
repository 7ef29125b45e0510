"use strict";
(() => {
  const form = document.querySelector("form");
  const images = [...document.querySelectorAll("article")];
  const shown = document.getElementById("shown");
  const findings = (image) => [...image.querySelectorAll("li[data-rule]")];
  const fill = (name, values) => {
    for (const value of [...new Set(values)].filter(Boolean).sort())
      form[name].add(new Option(value));
  };
  const all = images.flatMap(findings);
  fill("rule", all.map((f) => f.dataset.rule));
  fill("owner", all.map((f) => f.dataset.owner));
  const places = [...document.querySelectorAll("li[data-namespace]")];
  fill("namespace", places.map((p) => p.dataset.namespace));
  fill("verdict", images.map((i) => i.dataset.verdict));
  const apply = () => {
    const want = new FormData(form);
    const fits = (name, value) => !want.get(name) || want.get(name) === value;
    let n = 0;
    for (const image of images) {
      let some = false;
      for (const f of findings(image)) {
        f.hidden = !fits("rule", f.dataset.rule) ||
            !fits("owner", f.dataset.owner);
        some = some || !f.hidden;
      }
      let there = 0;
      for (const p of image.querySelectorAll("li[data-namespace]")) {
        p.hidden = !fits("namespace", p.dataset.namespace);
        there += p.hidden ? 0 : 1;
      }
      const asked = want.get("rule") || want.get("owner");
      image.hidden = !there || !fits("verdict", image.dataset.verdict) ||
          (asked && !some) ||
          !image.dataset.name.includes(want.get("name").trim());
      n += image.hidden ? 0 : there;
    }
    shown.textContent = `${n} of ${places.length} images shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (e) => e.preventDefault());
  form.hidden = false;
  apply();
})();
