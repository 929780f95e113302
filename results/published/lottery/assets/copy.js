// Copying a table as it is shown (its rows, columns and order) as CSV, LaTeX or Markdown. The escapes are those of
// ganbench/report/text/escape.py, and a test compares them.
"use strict";
(() => {
  const { all, make } = ganbench;
  const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;
  const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu;
  const FORMULA = /(^|[;,])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g;
  const NUMBER = /^[+-]?\d[\d.,]*(e[+-]?\d+)?$/;
  const LINKED = /@(?=\S)|(?<=[a-z]):(?=\/\/)|(?<=mailto):|(?<=xmpp):|:(?=[\w+\\-]*[a-z+][\w+\\-]*:)|(?<=ww)w(?=\.)/gi;
  const TEX = {
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", $: "\\$", "&": "\\&", "#": "\\#", "%": "\\%", _: "\\_",
    "^": "\\textasciicircum{}", "~": "\\textasciitilde{}", "<": "\\textless{}", ">": "\\textgreater{}",
    "|": "\\textbar{}", "`": "\\textasciigrave{}", '"': "''", "±": "$\\pm$", "×": "$\\times$", "↑": "$\\uparrow$",
    "↓": "$\\downarrow$", "→": "$\\rightarrow$", "≥": "$\\geq$", "≤": "$\\leq$", "≈": "$\\approx$", "–": "--",
    "—": "---", "…": "\\ldots{}", "•": "\\textbullet{}", "†": "\\dag{}", "\ufffd": "\\textbf{?}", "\0": "{}",
  };
  const line = (text) => text.replace(SPACE, " ").replace(/^ | $/g, "").replace(HIDDEN, "\ufffd");
  const formula = (text) => line(text).replace(FORMULA, "$1$2'");
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  const field = (text) => quoted(NUMBER.test(text) ? text : formula(text));
  const md = (text) => line(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")
    .replace(/[\\|`*_[\]~$]/g, "\\$&").replace(LINKED, "$&\u2060");
  const tex = (text) => line(text).replace(/-(?=-)/g, "-\0").replace(/[^]/g, (char) => TEX[char] ?? char);
  const dashed = (text) => text.replace(/(\d)-(?=\d)/g, "$1–");
  const number = (text) => tex(dashed(text)).replace(/(^|[^-])-(?!-)/g, "$1$$-$$");

  // --- what is shown -------------------------------------------------------------------------------------------
  function plain(cell) {  // the text of a cell, without what is below it or drawn in it
    const copy = cell.cloneNode(true);
    all(copy, "small, svg, .star, input").forEach((one) => one.remove());
    return line(copy.textContent);
  }
  function cell(one) {
    const beside = one.classList.contains("words") ? null : one.querySelector("small");
    return { text: plain(one), beside: beside ? line(beside.textContent) : "", best: Boolean(one.querySelector(".best")) };
  }
  function head(one) {
    const arrow = /[↑↓]/.exec(one.textContent);
    return { text: arrow ? `${one.dataset.name} ${arrow[0]}` : one.dataset.name, words: one.classList.contains("words") };
  }
  function shown(table) {
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => !row.hidden && row.cells.length > 1);
    const rules = !table.classList.contains("sorted") && rows.some((row) => row.classList.contains("rule"));
    const other = (row) => row.parentElement !== table.tBodies[0];
    const ruled = (row, i) => i > 0 && rules && (row.classList.contains("rule") || (other(row) && !other(rows[i - 1])));
    return {
      heads: ganbench.heads(table).filter((one) => !one.hidden).map(head),
      rows: rows.map((row, i) => ({
        cells: [...row.cells].filter((one) => !one.hidden).map(cell),
        parts: [row.dataset.loss, row.dataset.architecture],
        rule: ruled(row, i),
      })),
    };
  }

  // --- formats -------------------------------------------------------------------------------------------------
  function csv({ heads, rows }) {  // an interval has a column of its own
    const wide = heads.map((_, i) => rows.some((row) => row.cells[i].beside));
    const lines = [heads.flatMap((one, i) => (wide[i] ? [one.text, `${one.text} interval or seeds`] : [one.text]))];
    for (const row of rows) lines.push(row.cells.flatMap((one, i) => (wide[i] ? [one.text, one.beside] : [one.text])));
    return lines.map((fields) => `${fields.map(field).join(",")}\n`).join("");
  }
  const joined = (one) => [one.text, one.beside].filter(Boolean).join(" ");
  function markdown({ heads, rows }) {
    const cells = [heads.map((one) => md(one.text))];
    for (const row of rows) cells.push(row.cells.map((one) => (one.best ? `**${md(joined(one))}**` : md(joined(one)))));
    const widths = heads.map((_, i) => Math.max(...cells.map((own) => [...own[i]].length)));
    const text = (own) => `| ${own.map((one, i) => one + " ".repeat(widths[i] - [...one].length)).join(" | ")} |\n`;
    const rule = `|${heads.map((one, i) => (i && !one.words ? `${"-".repeat(widths[i] + 1)}:` : `:${"-".repeat(widths[i] + 1)}`)).join("|")}|\n`;
    const empty = `|${widths.map((width) => " ".repeat(width + 2)).join("|")}|\n`;
    return text(cells[0]) + rule + rows.map((row, i) => (row.rule ? empty : "") + text(cells[i + 1])).join("");
  }
  function title(text, parts) {
    const own = parts.every((one) => one !== undefined) && text === line(parts.join(" x "))
      ? parts.map(tex).join(" $\\times$ ") : tex(text);
    return /^[[*]/.test(own) ? `{}${own}` : own;  // after \\ these would be its argument
  }
  function latex({ heads, rows }) {
    const score = (one) => {
      const text = number(one.text), beside = tex(dashed(one.beside));
      return (one.best ? `\\textbf{${text}}` : text) + (beside ? `~${beside}` : "");
    };
    const row = ({ cells, parts, rule }) => (rule ? "\\midrule\n" : "")
      + [title(cells[0].text, parts), ...cells.slice(1).map((one, i) => (heads[i + 1].words ? tex(dashed(one.text)) : score(one)))]
        .join(" & ") + " \\\\\n";
    return "% needs \\usepackage{booktabs}\n"
      + `\\begin{tabular}{${heads.map((one, i) => (i && !one.words ? "r" : "l")).join("")}}\n\\toprule\n`
      + `${heads.map((one) => tex(one.text)).join(" & ")} \\\\\n\\midrule\n${rows.map(row).join("")}`
      + "\\bottomrule\n\\end{tabular}\n";
  }

  // --- the clipboard -------------------------------------------------------------------------------------------
  function offer(text, name) {  // where the browser does not let a page copy
    const area = make("textarea", { readonly: "", rows: "14", "aria-label": `The table as ${name}` });
    area.value = text;
    const close = make("button", { type: "button" }, "Close");
    const dialog = make("dialog", { class: "copied", "aria-label": `Copy the table as ${name}` },
      make("p", {}, `This browser does not let the page copy. The ${name} is selected: press Ctrl+C, or ⌘C on a Mac.`),
      area, close);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    area.focus();
    area.select();
  }
  async function copy(table, name, format, status) {
    const found = shown(table), text = format(found);
    status.textContent = "";
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = `${found.rows.length} rows copied as ${name}`;
    } catch {
      offer(text, name);
    }
  }
  function copying(bar) {
    const table = document.getElementById(bar.dataset.for);
    const own = make("span", { class: "copying", role: "group", "aria-label": "Copy the table as" }, "Copy as ");
    const status = make("span", { class: "count", role: "status" });
    for (const [name, format] of Object.entries({ CSV: csv, LaTeX: latex, Markdown: markdown })) {
      const button = make("button", { type: "button" }, name);
      button.addEventListener("click", () => copy(table, name, format, status));
      own.append(button);
    }
    bar.querySelector(".count").before(own);
    bar.querySelector(".count").after(status);
  }
  ganbench.cell = cell;
  ganbench.escapes = { formula, markdown: md, latex: tex };
  document.addEventListener("ganbench:content", ({ detail: where }) => all(where, ".tools").forEach(copying));
})();
