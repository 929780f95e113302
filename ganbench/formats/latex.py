"""Tables as LaTeX with booktabs."""

from __future__ import annotations

from ganbench.formats.text import LEAD, lead, shown
from ganbench.layout import Layout
from ganbench.rows import Table, TableRow


def latex(layout: Layout, tables: list[Table]) -> str:
    """booktabs tables (needs \\usepackage{booktabs,graphicx}), one a data set."""
    parts = [f"% suite {tex(layout.suite)}; needs \\usepackage{{booktabs,graphicx}}"]
    for table in tables:
        head = [*LEAD, *(f"{tex(n)} {_arrow(b)}" for n, b in table.columns.items())]
        body = []
        for row in table.rows:
            values = [_tex_cell(row, name) for name in table.columns]
            title, *rest = (tex(text) for text in lead(row, table))
            title = title.replace(" x ", r" $\times$ ")
            body.append(" & ".join([title, *rest, *values]) + r" \\")
        variants = sum(row.kind == "variant" for row in table.rows)
        body.insert(variants, r"\midrule")
        notes = [f"\\\\ {tex(note)}" for note in table.notes]
        parts += [
            r"\begin{table}", r"\centering\small",
            f"\\caption{{{tex(table.dataset)}: mean over seeds with the 95\\,\\% interval (Student $t$; "
            r"[low, high] of the geometric mean where it is taken on logarithms). Bold: better than some variant "
            r"beyond noise, and none is better; rank by the first score, shared likewise.}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{llll{'r' * len(table.columns)}}}", r"\toprule",
            " & ".join(head) + r" \\", r"\midrule", *body, r"\bottomrule", r"\end{tabular}}",
            *([r"\par\footnotesize " + "\n".join(notes).removeprefix(r"\\ ")] if notes else []),
            r"\end{table}", "",
        ]  # fmt: skip
    return "\n".join(parts)


def _arrow(better: str) -> str:
    return r"$\uparrow$" if better == "higher" else r"$\downarrow$"


def _tex_cell(row: TableRow, name: str) -> str:
    mean, beside = shown(row.scores[name])
    if not mean:
        return "n/a" if row.kind == "variant" and row.n == 0 else "--"
    mean = f"\\mathbf{{{mean}}}" if name in row.led else mean
    if beside.startswith(" ± ") and not row.scores[name].beside:
        return f"${mean} {beside.replace(' ± ', chr(92) + 'pm ')}$"
    return f"${mean}$" + (f"~{tex(beside)}".replace("±", r"$\pm$") if beside else "")


_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def tex(text: str) -> str:
    return "".join(_TEX.get(char, char) for char in " ".join(text.split()))
