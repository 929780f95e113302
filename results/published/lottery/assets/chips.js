// Chips: the losses, architectures, tiers and verdicts of a table's rows. Each is a filter and says how many rows it has.
"use strict";
(() => {
  const { all, make, chosen, choose, values, matches } = ganbench;
  const MOST = 8;  // chips in a line; more of them are in a list that opens

  function facet(table, what) {  // value -> rows
    const found = new Map();
    for (const row of ganbench.rows(table)) {
      for (const value of values(row, what)) found.set(value, [...(found.get(value) || []), row]);
    }
    const order = ([, [row]]) => Number(row.querySelector(".tier").dataset.sort);
    return what === "tier" ? new Map([...found].sort((x, y) => order(x) - order(y))) : found;
  }
  function chip(table, what, value) {
    const button = make("button", { type: "button", class: "chip" }, value, " ", make("span"));
    button.dataset.value = value;
    button.addEventListener("click", () => {
      const others = chosen(table, what).filter((one) => one !== value);
      choose(table, what, button.getAttribute("aria-pressed") === "true" ? others : [...others, value]);
      ganbench.filter(table);
    });
    return button;
  }
  function group(table, what) {
    const found = facet(table, what);
    if (found.size < 2) return [];
    const chips = [...found.keys()].map((value) => chip(table, what, value));
    const own = make("div", { class: "chips", role: "group", "aria-label": `Filter by ${what}`, "data-facet": what });
    if (chips.length <= MOST) {
      own.append(make("span", { class: "facet" }, what), ...chips);
      return [own];
    }
    own.append(...chips);
    own.classList.add("list");
    return [make("details", { class: "choose" }, make("summary", {}, `${what} (${chips.length})`), own)];
  }
  function update(table, bar, clear) {
    for (const own of all(bar, "[data-facet]")) {
      const what = own.dataset.facet, asked = chosen(table, what);
      const found = facet(table, what);
      for (const button of all(own, "button")) {
        const count = found.get(button.dataset.value).filter((row) => matches(table, row, what)).length;
        button.setAttribute("aria-pressed", String(asked.includes(button.dataset.value)));
        button.querySelector("span").textContent = count;
        button.classList.toggle("none", count === 0);
      }
      const list = own.closest("details");
      if (list) list.classList.toggle("used", asked.length > 0);
    }
    clear.hidden = !["filter", ...ganbench.FACETS].some((what) => chosen(table, what).length);
  }
  function chips(bar) {
    const table = document.getElementById(bar.dataset.for);
    const groups = ganbench.FACETS.flatMap((what) => group(table, what));
    const clear = make("button", { type: "button", class: "clear" }, "Show all rows");
    clear.addEventListener("click", () => {
      for (const what of ["filter", ...ganbench.FACETS]) choose(table, what, []);
      bar.querySelector("[name=filter]").value = "";
      ganbench.filter(table);
      bar.querySelector("[name=filter]").focus();
    });
    bar.append(groups.length ? make("div", { class: "facets" }, ...groups, clear) : clear);
    table.addEventListener("ganbench:rows", () => update(table, bar, clear));
    update(table, bar, clear);
  }
  document.addEventListener("ganbench:content", ({ detail: where }) => all(where, ".tools").forEach(chips));
})();
