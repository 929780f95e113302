// Tables: sorting, filter, choice of columns, dots of seeds. What is chosen is in the address (address.js).
"use strict";
(() => {
  const { all, chosen, choose } = ganbench;
  const SVG = "http://www.w3.org/2000/svg";
  const FACETS = ["loss", "architecture", "tier", "seeds", "verdict"];  // of rows, by which they can be chosen
  const orders = new WeakMap();  // the rows of a table as the page came
  const heads = (table) => [...table.tHead.rows[0].cells];
  const name = (head) => head.dataset.name || head.textContent;
  const rises = (head) => head.dataset.best !== "higher";  // whether the best values are the low ones

  // --- sorting -------------------------------------------------------------------------------------------------
  const key = (cell) => {
    const text = cell && cell.dataset.sort;
    if (text === undefined || text === "") return null;
    const number = Number(text);
    return Number.isNaN(number) ? text.toLowerCase() : number;
  };
  function compare(a, b, down) {
    if (a === null || b === null) return (a === null) - (b === null);  // missing values last, in both directions
    const order = typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
    return down ? -order : order;
  }
  function sort(table) {
    const [best, worst] = [chosen(table, "best")[0], chosen(table, "worst")[0]];
    const own = heads(table), asked = own.findIndex((head) => name(head) === (best ?? worst));
    const at = asked < 0 ? own.findIndex((head) => "first" in head.dataset) : asked;
    const turned = asked >= 0 && best === undefined;
    const apart = at >= 0 && "score" in own[at].dataset;  // means that leave out failed seeds come after the others
    const rows = orders.get(table).map((row, i) => [row, i, key(row.cells[at]), apart && values(row, "seeds").includes("some failed")]);
    const down = at >= 0 && rises(own[at]) === turned;
    if (asked >= 0) rows.sort((x, y) => (x[2] === null) - (y[2] === null) || x[3] - y[3] || compare(x[2], y[2], down) || x[1] - y[1]);
    table.tBodies[0].append(...rows.map(([row]) => row));
    table.classList.toggle("sorted", asked >= 0 && !("first" in own[at].dataset && !turned));
    own.forEach((head, i) => {
      if (i === at) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }
  function sortable(table) {
    orders.set(table, [...table.tBodies[0].rows]);
    for (const head of heads(table)) {
      head.dataset.name = name(head);
      const button = ganbench.make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {  // best first, then worst first
        const now = head.getAttribute("aria-sort"), best = rises(head) ? "ascending" : "descending";
        choose(table, "best", now === best || "first" in head.dataset ? [] : [name(head)]);
        choose(table, "worst", now === best ? [name(head)] : []);
        sort(table);
      });
    }
    sort(table);
  }

  // --- rows ----------------------------------------------------------------------------------------------------
  function values(row, facet) {  // what a row has of a facet
    if (facet === "verdict") return (row.dataset.verdict || "").split("|").filter(Boolean);
    if (facet === "seeds") return (row.dataset.ended || "").split("|").filter(Boolean);
    return row.dataset[facet] ? [row.dataset[facet]] : [];
  }
  function matches(table, row, without) {  // whether a row is chosen; `without` one facet
    const words = (chosen(table, "filter")[0] || "").toLowerCase().split(/\s+/).filter(Boolean);
    const own = all(row, "th, td.words").map((cell) => cell.textContent).join(" ").toLowerCase();
    return words.every((word) => own.includes(word)) && FACETS.every((facet) => {
      const asked = chosen(table, facet);
      return facet === without || !asked.length || values(row, facet).some((value) => asked.includes(value));
    });
  }
  function filter(table) {
    const rows = orders.get(table), count = document.querySelector(`.tools[data-for="${table.id}"] .count`);
    for (const row of rows) row.hidden = !matches(table, row);
    const shown = rows.filter((row) => !row.hidden).length;
    const asked = ["filter", ...FACETS].some((what) => chosen(table, what).length);
    if (count) count.textContent = asked ? `${shown} of ${rows.length} shown` : "";
    table.dispatchEvent(new CustomEvent("ganbench:rows"));
  }

  // --- columns and seeds ---------------------------------------------------------------------------------------
  function columns(table, boxes) {
    const [more, less] = [chosen(table, "show"), chosen(table, "hide")];
    const labels = new Map(all(table, "thead [data-column]").map((head) => [head.dataset.column, name(head)]));
    for (const box of boxes) {
      const label = labels.get(box.value);
      box.checked = box.defaultChecked ? !less.includes(label) : more.includes(label);
    }
    const shown = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    for (const cell of all(table, "[data-column]")) cell.hidden = !shown.has(cell.dataset.column);
    dots(table);
  }
  function pick(table, box) {  // a column, by the difference from those of the page
    const label = name(table.querySelector(`thead [data-column="${box.value}"]`)), what = box.defaultChecked ? "hide" : "show";
    const others = chosen(table, what).filter((one) => one !== label);
    choose(table, what, box.checked === box.defaultChecked ? others : [...others, label]);
  }
  const split = (text) => (text || "").trim().split(" ").filter(Boolean);
  const numbers = (cell) => split(cell.dataset.values).map((v) => (v === "-" ? null : Number(v)));
  function dots(table) {
    all(table, "svg.dots").forEach((old) => old.remove());
    if (!chosen(table, "dots").length) return;
    const cells = all(table, "td[data-values]").filter((cell) => !cell.hidden);
    const ends = {};
    for (const cell of cells) {
      const end = (ends[cell.dataset.column] ||= [Infinity, -Infinity]);
      for (const v of numbers(cell)) if (v !== null) { end[0] = Math.min(end[0], v); end[1] = Math.max(end[1], v); }
    }
    for (const cell of cells) {
      cell.append(strip(seeds(cell), axis(table, cell, ends[cell.dataset.column])));
    }
  }
  function seeds(cell) {  // of a cell of scores; those that have not run yet are left out
    const row = cell.parentElement.dataset, values = numbers(cell), runs = split(row.runs), states = split(row.states);
    return split(row.seeds).map((seed, i) => ({ seed, value: values[i], run: runs[i], state: states[i] || "ok" }))
      .filter((one) => one.run !== "-");
  }
  function axis(table, cell, ends) {
    const head = table.querySelector(`thead [data-column="${cell.dataset.column}"]`);
    return { ends, logs: "logs" in head.dataset, rises: rises(head), label: name(head) };
  }
  const said = ({ seed, value, state }, label) => `seed ${seed}: ${value ?? (state === "ok" ? `no ${label}` : state)}`;
  function place({ ends: [low, high], logs }, value) {  // 0 to 1
    const scale = logs && low > 0 ? Math.log : (one) => one;
    return high > low ? (scale(value) - scale(low)) / (scale(high) - scale(low)) : 0.5;
  }
  function strip(seeds, axis) {
    const picture = node("svg", { class: "dots", viewBox: "0 0 120 14", "aria-hidden": "true", focusable: "false" });
    picture.append(node("line", { x1: 4, x2: 116, y1: 7, y2: 7 }));
    let crosses = 0;
    for (const one of seeds) {
      let shape = null;
      if (one.value === null) shape = cross(axis.rises ? 116 - 8 * crosses++ : 4 + 8 * crosses++, 7);  // at the worse end
      else shape = node("circle", { cx: 4 + 112 * place(axis, one.value), cy: 7, r: 3.5 });
      picture.append(linked(shape, one, axis.label));
    }
    return picture;
  }
  const cross = (x, y) => node("path", { class: "failed", d: `M${x - 3} ${y - 3}l6 6M${x - 3} ${y + 3}l6 -6` });
  function linked(shape, one, label) {  // to its run
    const title = node("title"), link = node("a", { href: one.run, tabindex: "-1" });
    title.textContent = said(one, label);
    shape.append(title);
    link.append(shape);
    return link;
  }
  function node(element, attributes = {}) {
    const made = document.createElementNS(SVG, element);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
    return made;
  }

  // --- the tools above a table ---------------------------------------------------------------------------------
  function tools(bar) {
    const table = document.getElementById(bar.dataset.for);
    const [search, box] = [bar.querySelector("[name=filter]"), bar.querySelector("[name=dots]")];
    const boxes = all(bar, "[name=metric]");
    bar.hidden = false;
    search.addEventListener("input", () => { choose(table, "filter", search.value ? [search.value] : []); filter(table); });
    if (box) box.addEventListener("change", () => { choose(table, "dots", box.checked ? ["on"] : []); dots(table); });
    for (const one of boxes) one.addEventListener("change", () => { pick(table, one); columns(table, boxes); });
    show(bar);
  }
  function show(bar) {  // what the address says
    const table = document.getElementById(bar.dataset.for), box = bar.querySelector("[name=dots]");
    bar.querySelector("[name=filter]").value = chosen(table, "filter")[0] || "";
    if (box) { box.checked = chosen(table, "dots").length > 0; columns(table, all(bar, "[name=metric]")); }
    filter(table);
  }
  document.addEventListener("click", (event) => {  // close a list of columns on a click elsewhere
    for (const open of all(document, "details.choose[open]")) if (!open.contains(event.target)) open.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of all(document, "details.choose[open]")) { open.open = false; open.querySelector("summary").focus(); }
  });

  Object.assign(ganbench, { FACETS, values, matches, filter, heads, node, place, seeds, axis, cross, linked, rows: (table) => orders.get(table) });
  document.addEventListener("ganbench:content", ({ detail: where }) => {
    all(where, "table[data-sortable]").forEach(sortable);
    all(where, ".tools").forEach(tools);
  });
  document.addEventListener("ganbench:address", () => {
    all(document, "table[data-sortable]").forEach(sort);
    all(document, ".tools").forEach(show);
  });
})();
