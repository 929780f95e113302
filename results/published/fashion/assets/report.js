// Interaction: theme, films, live updates. Pages are complete without it, and nothing is fetched unless the page is
// served live. The other scripts are told of new content by the event `ganbench:content`.
"use strict";
(() => {
  const all = (where, what) => [...where.querySelectorAll(what)];

  // --- theme ---------------------------------------------------------------------------------------------------
  const themes = ["auto", "light", "dark"];
  const stored = () => { try { return localStorage.getItem("ganbench-theme"); } catch { return null; } };
  function theme(choice) {
    const button = document.getElementById("theme");
    if (choice === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    button.textContent = `Theme: ${choice}`;
    button.hidden = false;
    try { localStorage.setItem("ganbench-theme", choice); } catch { /* a page opened from a disk may not store it */ }
  }

  // --- films ---------------------------------------------------------------------------------------------------
  function film(figure) {
    const steps = figure.dataset.steps.split(" "), frame = figure.querySelector(".frame"), strip = frame.querySelector("img");
    const player = document.createElement("div"), button = document.createElement("button"), range = document.createElement("input"), output = document.createElement("output");
    player.className = "player";
    button.type = "button";
    Object.assign(range, { type: "range", min: 0, max: steps.length - 1, value: steps.length - 1 });
    range.setAttribute("aria-label", "Step of the training");
    player.append(button, range, output);
    figure.append(player);
    figure.classList.add("ready");
    frame.removeAttribute("tabindex");
    strip.loading = "eager";
    strip.style.width = `${100 * steps.length}%`;  // one frame fills the frame
    let timer = null;
    const show = () => {
      strip.style.transform = `translateX(${-(100 * range.value) / steps.length}%)`;
      output.textContent = `step ${steps[range.value]}`;
      range.setAttribute("aria-valuetext", output.textContent);
    };
    const stop = () => { clearInterval(timer); timer = null; button.textContent = "Play"; };
    const play = () => {
      if (Number(range.value) === steps.length - 1) range.value = 0;
      button.textContent = "Pause";
      show();
      timer = setInterval(() => {
        range.value = Number(range.value) + 1;
        show();
        if (Number(range.value) === steps.length - 1) stop();
      }, 500);
    };
    button.addEventListener("click", () => (timer ? stop() : play()));
    range.addEventListener("input", () => { stop(); show(); });
    strip.addEventListener("load", show);
    stop();
    show();
  }

  // --- print and addresses of folded parts ------------------------------------------------------------------------
  function unfold() {  // what an address names is open: a part, or a table with a choice
    const [anchor, choices = ""] = location.hash.slice(1).split("?");
    const named = anchor && document.getElementById(decodeURIComponent(anchor));
    const chosen = all(document, "table[id]").filter((table) => choices.includes(`${table.id}.`));
    for (const part of named ? [named, ...chosen] : chosen) {
      for (let outer = part; outer; outer = outer.parentElement) if (outer.matches("details")) outer.open = true;
      for (const own of all(part, ":scope > details")) own.open = true;
    }
    if (named) named.scrollIntoView();
  }
  function print() {  // everything is on paper: folded parts, and pictures further down
    for (const one of all(document, "details:not(.choose)")) if (!one.open) { one.open = true; one.dataset.printed = ""; }
    for (const image of document.images) image.loading = "eager";
  }
  function printed() {
    for (const one of all(document, "details[data-printed]")) { one.open = false; delete one.dataset.printed; }
  }

  // --- live updates of a running suite ---------------------------------------------------------------------------
  let paused = false, tag = null;
  async function update() {
    if (paused || document.hidden) return;
    try {
      const answer = await fetch(location.pathname, { headers: tag ? { "If-None-Match": tag } : {} });
      if (!answer.ok) return;  // also for 304: nothing new
      const text = await answer.text();
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
      const main = document.getElementById("main"), open = all(main, "details").map((one) => one.open);
      const focus = document.activeElement;
      if (!fresh || (focus !== main && main.contains(focus))) return;  // not while the reader uses it
      tag = answer.headers.get("ETag");
      main.replaceChildren(...fresh.childNodes);
      all(main, "details").forEach((one, i) => { if (open[i] !== undefined) one.open = open[i]; });
      begin(main);
    } catch { /* the server is gone; the page stays as it is */ }
  }
  function live() {
    const button = document.createElement("button");
    button.type = "button";
    const say = () => { button.textContent = paused ? "Resume updates" : "Pause updates"; };
    button.addEventListener("click", () => { paused = !paused; say(); });
    say();
    document.getElementById("theme").before(button);
    setInterval(update, 3000);
  }

  function begin(where) {
    all(where, ".film").forEach(film);
    document.dispatchEvent(new CustomEvent("ganbench:content", { detail: where }));
  }
  document.addEventListener("DOMContentLoaded", () => {
    const wanted = stored();
    theme(themes.includes(wanted) ? wanted : "auto");
    document.getElementById("theme").addEventListener("click", () => {
      theme(themes[(themes.indexOf(document.documentElement.dataset.theme || "auto") + 1) % 3]);
    });
    begin(document);
    unfold();
    window.addEventListener("hashchange", unfold);
    window.addEventListener("beforeprint", print);
    window.addEventListener("afterprint", printed);
    if (document.body.hasAttribute("data-live")) live();
  });
})();
