// Two variants of a dataset compared: the sentence, samples beside real data, every seed, and the scores that are shown.
// All numbers and sentences come from the page; nothing is computed but where a dot is drawn.
"use strict";
(() => {
  const { all, make, node, chosen, choose } = ganbench;
  const WIDTH = 560, LEFT = 10, RIGHT = 550, ROWS = [48, 104], BOTTOM = 134;
  const NAMES = { "\ue000": 0, "\ue001": 1 };  // what a template has for a name; \ue002 is a number

  function sentence(data, i, j) {
    const [a, b, template, coded] = data.pairs.find(([x, y]) => (x === i && y === j) || (x === j && y === i));
    const numbers = coded.split(" "), titles = [data.variants[a][0], data.variants[b][0]];
    return data.templates[template].replace(/[\ue000-\ue002]/g, (mark) => (mark in NAMES ? titles[NAMES[mark]] : numbers.shift()));
  }

  // --- every seed ----------------------------------------------------------------------------------------------
  function ticks({ ends: [low, high], logs }) {
    const size = 10 ** Math.floor(Math.log10((high - low) / 4 || 1)), step = [1, 2, 5, 10].find((one) => (high - low) / (one * size) <= 5) * size;
    const even = [];
    for (let i = Math.ceil(low / step); i * step <= high; i += 1) even.push(Number((i * step).toPrecision(10)));
    if (!logs || low <= 0) return even;
    const powers = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
      for (const digit of [1, 2, 5]) powers.push(Number((digit * 10 ** power).toPrecision(3)));
    }
    const inside = powers.filter((one) => one >= low && one <= high);
    return inside.length > 1 ? inside : even;
  }
  function wider([low, high], logs) {
    if (logs && low > 0) { const by = (high / low) ** 0.05; return [low / by, high * by]; }
    const by = 0.05 * (high - low) || 1;
    return [low - by, high + by];
  }
  function beside(seeds, x) {  // pixels up or down, so that seeds of one value do not hide each other
    const at = seeds.map((one) => Math.round(x(one.value) / 6));
    return at.map((place, i) => {
      const same = at.filter((one) => one === place).length, before = at.slice(0, i).filter((one) => one === place).length;
      return (before - (same - 1) / 2) * Math.min(4, 20 / same);
    });
  }
  function chart(table, data, rows) {
    const at = ganbench.heads(table).findIndex((head) => "first" in head.dataset);
    const cells = rows.map(({ row }) => row.cells[at]), groups = cells.map(ganbench.seeds);
    const values = groups.flat().map((one) => one.value).filter((value) => value !== null);
    if (!values.length) return null;
    const known = [...values, ...rows.flatMap(({ low, high }) => [low, high])].filter((one) => one !== null);
    const axis = ganbench.axis(table, cells[0], [Math.min(...known), Math.max(...known)]);
    axis.ends = wider(axis.ends, axis.logs);
    const x = (value) => LEFT + (RIGHT - LEFT) * ganbench.place(axis, value);
    const picture = node("svg", { viewBox: `0 0 ${WIDTH} ${BOTTOM + 34}`, "aria-hidden": "true", focusable: "false" });
    const put = (name, attributes, text) => {
      const made = node(name, attributes);
      if (text !== undefined) made.textContent = text;
      picture.append(made);
    };
    for (const tick of ticks(axis)) {
      put("line", { x1: x(tick), x2: x(tick), y1: 14, y2: BOTTOM, class: "grid" });
      put("text", { x: x(tick), y: BOTTOM + 14, class: "tick middle" }, String(tick));
    }
    put("text", { x: WIDTH / 2, y: BOTTOM + 30, class: "name middle" }, `${axis.label} ${axis.rises ? "↓" : "↑"}${axis.logs ? ", log scale" : ""}`);
    for (const [text, value] of data.marks) {
      const inside = value >= axis.ends[0] && value <= axis.ends[1];
      if (inside) put("line", { x1: x(value), x2: x(value), y1: 14, y2: BOTTOM, class: "mark" });
      const end = inside ? x(value) > WIDTH / 2 : value > axis.ends[1];
      const where = inside ? x(value) : end ? RIGHT : LEFT;
      put("text", { x: where, y: 10, class: `tick ${end ? "end" : "start"}` }, inside ? text : `${text} ${Number(value.toPrecision(3))} (off the axis)`);
    }
    const dots = groups.map((seeds, i) => {
      const done = seeds.filter((one) => one.value !== null), aside = beside(done, x);
      return new Map(done.map((one, k) => [one.seed, [x(one.value), ROWS[i] + aside[k], one]]));
    });
    if (data.paired) {
      for (const [seed, [x1, y1]] of dots[0]) {
        const other = dots[1].get(seed);
        if (other) put("line", { x1, y1, x2: other[0], y2: other[1], class: "pair" });
      }
    }
    rows.forEach(({ title, low, high }, i) => {
      const { text, beside: spread } = ganbench.cell(cells[i]);
      put("text", { x: LEFT, y: ROWS[i] - 17, class: "label" }, title.length > 48 ? `${title.slice(0, 47)}…` : title);
      put("text", { x: RIGHT, y: ROWS[i] - 17, class: "beside end" }, `${text} ${spread}`.trim());
      const failed = groups[i].filter((one) => one.value === null);
      failed.forEach((one, k) => picture.append(ganbench.linked(ganbench.cross(axis.rises ? RIGHT - 9 * k : LEFT + 9 * k, ROWS[i]), one, axis.label)));
      for (const [cx, cy, one] of dots[i].values()) picture.append(ganbench.linked(node("circle", { cx, cy, r: 4, class: "seed" }), one, axis.label));
      if (low !== null && high !== null) put("line", { x1: x(low), x2: x(high), y1: ROWS[i], y2: ROWS[i], class: "interval" });
      const mean = Number(cells[i].dataset.sort);
      if (cells[i].dataset.sort) put("circle", { cx: x(mean), cy: ROWS[i], r: 5, class: "mean" });
    });
    const crosses = groups.flat().some((one) => one.value === null) ? ", × failed seeds" : "";
    const what = `Every seed by ${axis.label}, means with 95 % intervals${data.paired ? ", lines join a seed of both" : ", unpaired"}${crosses}`;
    return make("figure", { class: "chart" }, make("figcaption", {}, what), picture);
  }

  // --- samples and scores --------------------------------------------------------------------------------------
  function samples(data, rows) {
    const pictures = rows.filter(({ picture }) => picture.length)
      .map(({ title, picture: [src, seed] }) => [src, `Samples of ${title}, seed ${seed}`]);
    if (!pictures.length) return null;
    if (data.real) pictures.push([data.real, "Real data"]);
    return make("div", { class: "samples" }, ...pictures.map(([src, text]) => make("figure", {},
      make("img", { src, alt: text, width: "280", height: "280" }), make("figcaption", {}, text))));
  }
  function scores(table, rows) {
    const heads = ganbench.heads(table).map((head, i) => [head, i]).filter(([head, i]) => i && !head.hidden);
    const body = heads.map(([head, i]) => make("tr", {}, make("th", { scope: "row" }, head.dataset.name),
      ...rows.map(({ row }) => { const one = ganbench.cell(row.cells[i]); return make("td", {}, `${one.text} ${one.beside}`.trim()); })));
    const top = make("tr", {}, make("td"), ...rows.map(({ row, title }) => {
      const link = row.cells[0].querySelector("a");
      return make("th", { scope: "col" }, link ? make("a", { href: link.getAttribute("href") }, title) : title);
    }));
    const caption = make("caption", { class: "unseen" }, "Both variants by the columns that are shown");
    return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Scores of both variants" },
      make("table", { class: "both" }, caption, make("thead", {}, top), make("tbody", {}, ...body)));
  }

  // --- choosing ------------------------------------------------------------------------------------------------
  function comparing(section) {
    const table = document.getElementById(section.dataset.for), data = JSON.parse(section.dataset.pairs);
    const titles = data.variants.map(([title]) => title), rows = new Map();
    for (const row of ganbench.rows(table)) rows.set(row.cells[0].dataset.sort, row);
    const pair = () => chosen(table, "pair").filter((title) => titles.includes(title)).slice(0, 2);
    const box = (title) => rows.get(title).querySelector("[name=pair]");
    const selects = ["Compare", "with"].map((text) => {
      const select = make("select", {}, make("option", { value: "" }, "a variant…"), ...titles.map((title, i) => make("option", { value: String(i) }, title)));
      return [select, make("label", {}, `${text} `, select)];
    });
    const status = make("p", { class: "said", role: "status" }), clear = make("button", { type: "button" }, "Clear");
    const inside = make("div", { class: "inside" });
    section.append(make("h2", { id: "h-compare" }, "Two variants side by side"),
      make("div", { class: "choice" }, ...selects.map(([, label]) => label), clear), status, inside);
    section.hidden = false;

    function show() {
      const now = pair(), both = now.map((title) => {
        const [, low, high, picture] = data.variants[titles.indexOf(title)];
        return { title, low, high, picture, row: rows.get(title) };
      });
      for (const title of titles) box(title).checked = now.includes(title);
      selects.forEach(([select], i) => {
        select.value = now[i] === undefined ? "" : String(titles.indexOf(now[i]));
        all(select, "option").forEach((option) => { option.disabled = option.value !== "" && titles[Number(option.value)] === now[1 - i]; });
      });
      clear.hidden = !now.length;
      section.classList.toggle("full", now.length === 2);
      if (now.length === 2) {
        status.textContent = sentence(data, titles.indexOf(now[0]), titles.indexOf(now[1]));
        inside.replaceChildren(...[samples(data, both), chart(table, data, both), scores(table, both)].filter(Boolean));
      } else {
        status.textContent = now.length ? `${now[0]}: choose a second variant.` : "Tick two variants in the table above, or choose them here.";
        inside.replaceChildren();
      }
    }
    function set(now) { choose(table, "pair", now); show(); }
    for (const title of titles) {
      const tick = make("input", { type: "checkbox", name: "pair", "aria-label": `Compare ${title}` });
      tick.addEventListener("change", () => set(tick.checked ? [...pair(), title].slice(-2) : pair().filter((one) => one !== title)));
      rows.get(title).cells[0].prepend(tick);
    }
    selects.forEach(([select], i) => select.addEventListener("change", () => {
      const now = pair(), title = titles[Number(select.value)];
      if (select.value === "") now.splice(i, 1);
      else now[Math.min(i, now.length)] = title;
      set(now);
    }));
    clear.addEventListener("click", () => { set([]); selects[0][0].focus(); });
    section.addEventListener("ganbench:show", show);
    document.querySelector(`.tools[data-for="${table.id}"]`).addEventListener("change", show);
    const map = document.getElementById("map");
    if (map) mapped(map, data, (i, j) => { set([titles[i], titles[j]]); section.scrollIntoView(); });
    show();
  }
  function mapped(map, data, pick) {  // a cell of the map has its sentence, and a click on it compares
    map.classList.add("picks");
    const cell = (event) => {
      const own = event.target.closest("td[class]");
      return own && [own, own.parentElement.sectionRowIndex, own.cellIndex - 1];
    };
    map.addEventListener("pointerover", (event) => {
      const found = cell(event);
      if (found) found[0].title = sentence(data, found[1], found[2]);
    });
    map.addEventListener("click", (event) => {
      const found = cell(event);
      if (found) pick(found[1], found[2]);
    });
  }
  document.addEventListener("ganbench:content", ({ detail: where }) => all(where, ".compare").forEach(comparing));
  document.addEventListener("ganbench:address", () => {
    for (const one of all(document, ".compare")) one.dispatchEvent(new CustomEvent("ganbench:show"));
  });
})();
