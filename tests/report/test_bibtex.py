"""What is cited: complete entries that BibTeX takes without a warning in every usual style."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import ganbench as gb
from ganbench.registry.choice import Kind
from ganbench.registry.registry import Registry
from ganbench.report.bibtex import HEAD, entry, is_entry, with_distinct_keys
from ganbench.report.citations import AGARWAL

ROOT = Path(__file__).parents[2]
needs_bibtex = pytest.mark.skipif(shutil.which("bibtex") is None, reason="there is no bibtex")
VENUES = {
    "article": {"journal"}, "inproceedings": {"booktitle"}, "techreport": {"institution"}, "misc": {"howpublished"},
}  # fmt: skip
NASTY = (
    "@misc{a, title = {never closed}", "@misc{b, title = {x}} @misc{c, title = {two}}", "@string{x = {y}}",
    "@misc{d, title = {x}}}", "@misc{e f, title = {key with a blank}}", "", "100 % & _ # $x$ ~ ^ \\ {", "arXiv:17_06",
    "doi:10.1000/a_b%c", "https://example.org/a_b", "@", "@article{", "Grüße, 中文", "\\input{/etc/passwd}",
)  # fmt: skip


def _shipped() -> dict[str, str]:
    """The entries of all plugins that ship, by their keys."""
    registry = Registry.load()
    kinds: tuple[Kind, ...] = ("loss", "transform", "architecture", "dataset", "extractor", "metric")
    found = {entry(AGARWAL)}
    for kind in kinds:
        found |= {entry(text) for name in registry.names(kind) for text in registry.find(kind, name).references}
    return {head[2]: text for text in sorted(found) if (head := HEAD.match(text))}


def _compile(folder: Path, text: str, style: str) -> tuple[str, str]:
    """BibTeX's log and the bibliography of a paper that cites everything, which LaTeX must accept."""
    (folder / "p.bib").write_text(text, encoding="utf-8")
    package = r"\usepackage[numbers]{natbib}" if style.endswith("nat") else ""
    (folder / "p.tex").write_text(
        rf"\documentclass{{article}}{package}\begin{{document}}\nocite{{*}}\bibliographystyle{{{style}}}\bibliography{{p}}\end{{document}}"
    )
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "p.tex"]
    for command in (latex, ["bibtex", "p"], latex):
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="latin-1", check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "p.blg").read_text(encoding="latin-1"), (folder / "p.bbl").read_text(encoding="latin-1")


def test_every_shipped_entry_is_complete() -> None:
    shipped = _shipped()
    assert len(shipped) > 50
    for key, text in shipped.items():
        head = HEAD.match(text)
        assert head is not None
        assert is_entry(text)
        fields = dict(re.findall(r"^\s*(\w+)\s*=\s*\{(.*)", text, re.MULTILINE))
        assert {"author", "title", "year"} | VENUES[head[1]] <= set(fields), key
        assert re.fullmatch(r"(18|19|20)\d\d\},", fields["year"]), key
        assert "and others" not in text, key
        if "eprint" in fields:
            assert re.fullmatch(r"\d{4}\.\d{4,5}\},", fields["eprint"]), key
            assert fields["archivePrefix"] == "arXiv},"
    numbers = [found for text in shipped.values() for found in re.findall(r"(?:eprint *= \{|arXiv:)([\d.]+)\}", text)]
    assert len(numbers) == len(set(numbers))  # no two papers with one number


@needs_bibtex
@pytest.mark.parametrize("style", ["plain", "unsrt", "abbrv", "plainnat"])
def test_bibtex_takes_every_shipped_entry_without_a_warning(tmp_path: Path, style: str) -> None:
    shipped = _shipped()
    log, made = _compile(tmp_path, "\n\n".join(shipped.values()), style)
    assert "Warning" not in log
    assert "error" not in log
    assert set(re.findall(r"\\bibitem(?:\[[^\]]*\])?\{([^}]*)\}", made.replace("%\n", ""))) == set(shipped)


@needs_bibtex
@pytest.mark.usefixtures("unpainted")
def test_a_published_bibliography_compiles(tmp_path: Path) -> None:
    results = gb.open_results(ROOT / "results" / "published" / "baseline", suite="baseline")
    gb.publish(results, tmp_path / "site")
    text = (tmp_path / "site" / "baseline" / "citation.bib").read_text()
    log, made = _compile(tmp_path, text, "plain")
    assert "Warning" not in log
    for said in (r"ganbench: A plugin-based benchmark for {GAN}", "Software, version", "2026", "Generative adversarial",
                 "statistical precipice", "Optical recognition of handwritten"):  # fmt: skip
        assert said in " ".join(made.split())


@pytest.mark.parametrize("text", NASTY)
def test_any_reference_is_one_whole_entry(text: str) -> None:
    made = entry(text)
    assert is_entry(made)
    assert not text.startswith("@") or "note" in made
    assert r"\input{" not in made


@needs_bibtex
def test_references_of_strangers_do_not_damage_the_others(tmp_path: Path) -> None:
    texts = [entry(text) for text in NASTY if "中" not in text]
    texts += [entry("@misc{own, title = {Mine}}"), entry("@misc{Own, title = {Yours}}")]
    made = with_distinct_keys(texts, ["ganbench"])
    log, bibliography = _compile(tmp_path, "\n\n".join(made), "plain")
    assert "error" not in log
    assert bibliography.count(r"\bibitem{") == len(made)


def test_keys_differ_also_by_more_than_case() -> None:
    made = with_distinct_keys(
        ["@misc{a, note = {x}}", "@misc{A, note = {y}}", "% z\n@misc{a, note = {z}}"], ["ganbench"]
    )
    assert [HEAD.search(text)[2] for text in made] == ["a", "A-2", "a-3"]  # type: ignore[index]
