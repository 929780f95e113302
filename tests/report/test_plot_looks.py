"""`ganbench plot`: fonts, styles, bare figures, PGF, and every figure of a suite at once."""

from __future__ import annotations

import subprocess
from pathlib import Path

import matplotlib
import pytest
from conftest import Cli
from papers import needs_latex

BASELINE = Path(__file__).parents[2] / "results" / "published" / "baseline"
SUITE = ("--suite", "baseline", "--results", BASELINE)
CMR = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "cmr10.ttf"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("nonsense here", "is no matplotlib style: Missing colon in file"),
        ("axes.gridd: True", "is no matplotlib style: Bad key axes.gridd in file"),
        ("axes.grid: maybe", "Cannot convert 'maybe' to bool"),
        ("font.family: No Such Font", "this machine has no font 'No Such Font'"),
        (None, "No such file or directory"),
    ],
)
def test_a_damaged_style_is_one_sentence(inside: Cli, tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "a.mplstyle").write_text(content)
    done = inside("plot", "tiers", *SUITE, "--style", "a.mplstyle", "--to", "a.svg")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
    assert not (tmp_path / "a.svg").exists()


@pytest.mark.parametrize(
    ("font", "said"),
    [
        ("Arial", "write serif, sans, or a font's file (.ttf or .otf)"),
        ("no.ttf", "there is no such file"),
        ("bad.ttf", "it is no font that can be read"),
    ],
)
def test_a_damaged_font_is_one_sentence(inside: Cli, tmp_path: Path, font: str, said: str) -> None:
    (tmp_path / "bad.ttf").write_bytes(CMR.read_bytes()[:200])
    done = inside("plot", "tiers", *SUITE, "--font", font, "--to", "a.svg")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


@pytest.mark.filterwarnings("error")  # of characters that no font has
def test_font_style_and_bare_change_the_figure(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.mplstyle").write_text('axes.prop_cycle: cycler("color", ["112233", "cc5544"])\nfont.size: 40\n')
    asked = ("plot", "ranks", *SUITE, "--dataset", "digits")
    assert inside(*asked, "--to", "plain.pdf").code == 0
    assert inside(*asked, "--to", "serif.pdf", "--font", "serif").code == 0
    assert inside(*asked, "--to", "own.pdf", "--font", CMR, "--bare").code == 0
    fonts = {name: (tmp_path / f"{name}.pdf").read_bytes() for name in ("plain", "serif", "own")}
    assert b"DejaVuSans" in fonts["plain"]
    assert b"STIXGeneral" in fonts["serif"]
    assert b"Cmr10" in fonts["own"]
    assert b"DejaVu" not in fonts["serif"]
    done = inside("plot", "cost", *SUITE, "--dataset", "digits", "--style", "a.mplstyle", "--to", "styled.svg")
    assert done.code == 0
    assert "not taken from a.mplstyle, because the layout of figures fixes it: font.size" in done.err
    assert "#cc5544" in (tmp_path / "styled.svg").read_text()
    assert inside("plot", "cost", *SUITE, "--dataset", "digits", "--to", "again.svg").code == 0
    assert "#cc5544" not in (tmp_path / "again.svg").read_text()  # a style is for one figure


@needs_latex
def test_pgf_is_set_by_latex(inside: Cli, report: Path, tmp_path: Path) -> None:
    if subprocess.run(["kpsewhich", "pgf.sty"], capture_output=True, check=False).returncode:
        pytest.skip("there is no package pgf")
    nasty = ("--suite", "fabricated", "--results", report)
    for name, arguments in {"tiers": (*SUITE,), "nasty": nasty, "lines": (*SUITE, "--dataset", "ring8")}.items():
        kind = "curves" if name == "lines" else "tiers"
        done = inside("plot", kind, *arguments, "--to", f"{name}.pgf")
        assert done.code == 0, done.err
    first = (tmp_path / "tiers.pgf").read_bytes()
    assert inside("plot", "tiers", *SUITE, "--to", "tiers.pgf").code == 0
    assert (tmp_path / "tiers.pgf").read_bytes() == first
    figures = "".join(rf"\begin{{figure}}\input{{{name}.pgf}}\end{{figure}}" for name in ("tiers", "nasty", "lines"))
    paper = rf"\documentclass[twocolumn]{{article}}\usepackage{{pgf}}\begin{{document}}{figures}\end{{document}}"
    (tmp_path / "paper.tex").write_text(paper)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="latin-1", check=False)
    assert made.returncode == 0, made.stdout[-2000:]


def test_pgf_without_tex_and_with_pictures_is_reported(
    inside: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = inside("plot", "samples", *SUITE, "--dataset", "digits", "--to", "a.pgf")
    assert (done.code, done.err) == (2, "ganbench: a .pgf file cannot hold pictures; write .pdf or .png\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    done = inside("plot", "tiers", *SUITE, "--to", "a.pgf")
    assert done.code == 3
    assert ".pgf needs pdflatex with the package pgf" in done.err


def test_all_writes_every_kind(inside: Cli, tmp_path: Path) -> None:
    done = inside("plot", "all", *SUITE, "--to", "figures", "--format", "svg", "--font", "serif")
    assert done.code == 0, done.err
    kinds = {name.split("-")[0] for name in (path.stem for path in (tmp_path / "figures").iterdir())}
    assert kinds == {"overall", "captured", "ranks", "cost", "curves", "modes", "tiers", "profile", "improvement",
                     "lottery", "samples", "film"}  # fmt: skip
    assert sorted(done.out.split()) == sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("figures/*"))
    (tmp_path / "file").write_text("")
    done = inside("plot", "all", *SUITE, "--to", "file/below")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "--to 'file/below': Not a directory" in done.err
