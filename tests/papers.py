"""Papers that LaTeX compiles: a one-column and a two-column template, and what the log and the PDF say."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
PLAIN = r"\pdfcompresslevel=0\pdfobjcompresslevel=0"
"""So that the fonts can be read in the file."""
TEMPLATES = {
    "column": r"\documentclass[twocolumn]{article}\setlength{\textwidth}{516pt}\setlength{\columnsep}{12pt}",
    "text": r"\documentclass{article}\setlength{\textwidth}{397pt}",
    "page": r"\documentclass[twocolumn]{article}\setlength{\textwidth}{516pt}\setlength{\columnsep}{12pt}",
}
"""The width of a table -> a paper that it must fit: columns of 252 points, or a text of 397."""


@dataclass(frozen=True)
class Paper:
    """What was compiled: errors, boxes that are too wide, floats that are too high, and the sizes of all fonts."""

    errors: list[str]
    overfull: list[str]
    too_high: list[str]
    sizes: set[int]
    text: str

    def check(self) -> None:
        """Everything fits and nothing is smaller than 7 points."""
        assert not self.errors, self.text[-3000:]
        assert not self.overfull
        assert not self.too_high
        assert self.sizes
        assert min(self.sizes) >= 7


def compiled(folder: Path, tables: Sequence[str], template: str, packages: str = "booktabs") -> Paper:
    """A paper with these tables, each from the top of a page."""
    folder.mkdir(parents=True, exist_ok=True)
    body = "\n\\clearpage\n".join(tables)
    head = f"{PLAIN}{TEMPLATES[template]}\\usepackage{{{packages}}}\\begin{{document}}"
    (folder / "paper.tex").write_text(f"{head}\nText.\n{body}\n\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="latin-1", check=False)
    log = (folder / "paper.log").read_text(encoding="latin-1")
    pdf = (folder / "paper.pdf").read_bytes() if done.returncode == 0 else b""
    return Paper(
        errors=re.findall(r"^!.*", log, re.MULTILINE),
        overfull=re.findall(r"Overfull \\hbox.*", log),
        too_high=re.findall(r"Float too large.*", log),
        sizes={int(size) for size in re.findall(rb"/FontName */[A-Z]+\+[A-Z]+?(\d+)\b", pdf)},
        text=log,
    )
