// Tables: sorting, filter, choice of columns, dots of seeds.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const state = { sort: {}, filter: {}, dots: {}, columns: {} };  // by table; survives a live update
  const all = (where, what) => [...where.querySelectorAll(what)];

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
  function sort(table, column, down) {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, i) => [key(row.cells[column]), i, row]);
    rows.sort((x, y) => compare(x[0], y[0], down) || x[1] - y[1]);
    body.append(...rows.map((row) => row[2]));
    all(table, "thead th").forEach((head, i) => {
      if (i === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    state.sort[table.id] = [column, down];
  }
  function sortable(table) {
    all(table, "thead th").forEach((head, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, i, head.getAttribute("aria-sort") === "ascending"));
    });
    const sorted = state.sort[table.id];
    if (sorted) sort(table, ...sorted);
  }
  function filter(table, text, count) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...table.tBodies[0].rows];
    for (const row of rows) {
      const own = `${row.cells[0].textContent} ${row.cells[row.cells.length - 1].textContent}`.toLowerCase();
      row.hidden = !words.every((word) => own.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = words.length ? `${shown} of ${rows.length} shown` : "";
    state.filter[table.id] = text;
  }
  function columns(table, boxes) {
    const shown = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    for (const cell of all(table, "[data-column]")) cell.hidden = !shown.has(cell.dataset.column);
    state.columns[table.id] = shown;
    dots(table, state.dots[table.id]);
  }
  const values = (cell) => (cell.dataset.values || "").trim().split(" ").filter(Boolean).map((v) => (v === "-" ? null : Number(v)));
  function dots(table, on) {
    state.dots[table.id] = on;
    all(table, "svg.dots").forEach((old) => old.remove());
    if (!on) return;
    const cells = all(table, "td[data-values]").filter((cell) => !cell.hidden);
    const ends = {};
    for (const cell of cells) {
      const end = (ends[cell.dataset.column] ||= [Infinity, -Infinity]);
      for (const v of values(cell)) if (v !== null) { end[0] = Math.min(end[0], v); end[1] = Math.max(end[1], v); }
    }
    for (const cell of cells) cell.append(strip(cell, ends[cell.dataset.column]));
  }
  function strip(cell, [low, high]) {
    const row = cell.parentElement;
    const seeds = row.dataset.seeds.trim().split(" "), runs = row.dataset.runs.trim().split(" ");
    const picture = node("svg", { class: "dots", viewBox: "0 0 120 14", "aria-hidden": "true", focusable: "false" });
    picture.append(node("line", { x1: 4, x2: 116, y1: 7, y2: 7 }));
    values(cell).forEach((v, i) => {
      if (v === null) return;
      const dot = node("circle", { cx: high > low ? 4 + (112 * (v - low)) / (high - low) : 60, cy: 7, r: 3.5 });
      const title = node("title", {});
      title.textContent = `seed ${seeds[i]}: ${v}`;
      dot.append(title);
      if (runs[i] === "-") { picture.append(dot); return; }
      const link = node("a", { href: runs[i], tabindex: "-1" });
      link.append(dot);
      picture.append(link);
    });
    return picture;
  }
  function node(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
    return made;
  }
  function tools(bar) {
    const table = document.getElementById(bar.dataset.for);
    const [search, box, count] = [bar.querySelector("[name=filter]"), bar.querySelector("[name=dots]"), bar.querySelector(".count")];
    const boxes = all(bar, "[name=metric]");
    bar.hidden = false;
    const chosen = state.columns[table.id];
    if (chosen) boxes.forEach((one) => { one.checked = chosen.has(one.value); });
    search.value = state.filter[table.id] || "";
    box.checked = Boolean(state.dots[table.id]);
    search.addEventListener("input", () => filter(table, search.value, count));
    box.addEventListener("change", () => dots(table, box.checked));
    boxes.forEach((one) => one.addEventListener("change", () => columns(table, boxes)));
    columns(table, boxes);
    filter(table, search.value, count);
  }
  document.addEventListener("click", (event) => {  // close a list of columns on a click elsewhere
    for (const open of all(document, "details.choose[open]")) if (!open.contains(event.target)) open.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of all(document, "details.choose[open]")) { open.open = false; open.querySelector("summary").focus(); }
  });

  document.addEventListener("ganbench:content", ({ detail: where }) => {
    all(where, "table[data-sortable]").forEach(sortable);
    all(where, ".tools").forEach(tools);
  });
})();
