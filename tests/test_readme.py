"""What the README says is what the repository does."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from ganbench.analysis import tables
from ganbench.cli import COMMANDS
from ganbench.formatting import number
from ganbench.report.text import files
from ganbench.results.store import Store
from ganbench.results.verify import check
from ganbench.suite.plan_file import load_plan
from ganbench.testing import check_file

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PUBLISHED = ROOT / "results" / "published" / "baseline"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_readmes_tables_are_the_published_ones() -> None:
    spec = importlib.util.spec_from_file_location("publish", ROOT / "results" / "publish.py")
    publish = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(publish)
    block = README.split("<!-- baseline: begin -->\n")[1].split("\n<!-- baseline: end -->")[0]
    assert block == publish.block(PUBLISHED)


def test_the_published_report_is_whole_and_its_tables_are_those_of_its_records() -> None:
    assert [one for one in check(PUBLISHED).findings if one.kind != "note"] == []
    layout = load_plan(PUBLISHED, "baseline")
    assert layout is not None
    assert len(layout.rows) == 8
    built = tables.build(layout, Store(PUBLISHED))
    for name, text in files.FORMATS.values():
        assert (PUBLISHED / "baseline" / name).read_text() == text(layout, built)
    for row in layout.rows:
        for id_ in row.runs.values():
            assert (PUBLISHED / "runs" / id_ / "index.html").is_file()
            assert (PUBLISHED / "runs" / id_ / "film.png").is_file()


def test_the_published_report_looks_as_reports_look_now() -> None:
    """A change of style is published too: `python results/publish.py baseline` needs no training."""
    for path in (PUBLISHED / "assets").iterdir():
        assert path.read_bytes() == (ROOT / "ganbench" / "site" / "assets" / path.name).read_bytes(), path.name


PAGES = {
    "engine": "README.md", "evaluation": "README.md", "scaling": "README.md", "comparison": "docs/comparing.md",
    "fooling": "docs/samples.md", "diagnosis": "docs/diagnosis.md",
    "report_size": "docs/reports.md",
}  # fmt: skip


@pytest.mark.parametrize("name", list(PAGES))
def test_what_readme_and_docs_quote_is_what_was_measured(name: str) -> None:
    from benchmarks import report

    content = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())
    page = (ROOT / PAGES[name]).read_text()
    block = page.split(f"<!-- {name}: begin -->\n")[1].split(f"<!-- {name}: end -->")[0]
    assert block.strip() == report.markdown(name, content).strip()


def test_the_published_tables_are_their_own_numbers() -> None:
    text = (PUBLISHED / "baseline" / "table.md").read_text()
    rows = json.loads((PUBLISHED / "baseline" / "table.json").read_text())
    variants = [row for row in rows if row["kind"] == "variant" and row["n"]]
    assert len(variants) == 8
    for row in variants:
        (line, *_) = [
            line
            for section in text.split("## ")
            if section.startswith(row["dataset"])
            for line in section.splitlines()
            if line.startswith(f"| {row['loss']} x {row['architecture']} ")
        ]
        for score in row["scores"].values():
            assert score["mean"] == pytest.approx(sum(score["values"]) / len(score["values"]))
            assert number(score["mean"]) in line


def test_the_published_baseline_is_within_what_is_known() -> None:
    rows = json.loads((PUBLISHED / "baseline" / "table.json").read_text())
    scores = {(row["loss"], row["architecture"], row["dataset"]): row["scores"] for row in rows if row["n_ok"]}
    assert scores["minimax", "mlp", "ring8"]["modes"]["mean"] >= 7.5
    assert scores["minimax", "mlp", "digits"]["FID[digits16]"]["mean"] < 80
    assert scores["minimax", "mlp", "digits"]["IS[digits16]"]["mean"] > 7.5


def test_the_readmes_loss_passes_the_kit_and_its_variant_too(tmp_path: Path) -> None:
    first, second, _ = _blocks("python")
    assert len([line for line in first.splitlines() if line.strip()]) <= 15
    path = tmp_path / "my_loss.py"
    path.write_text(first)
    assert check_file(path) == ["loss hinge"]
    both = first.replace('{"hinge": Hinge}', '{"hinge": Hinge, "hinge-gp": HingeGP}')
    head, hook = both.split("@hookimpl\n")
    path.write_text("from dataclasses import dataclass\n" + head + second + "\n\n@hookimpl\n" + hook)
    assert check_file(path) == ["loss hinge", "loss hinge-gp"]


def test_the_readmes_suite_can_be_run(inside, hinge: Path, tmp_path: Path) -> None:
    (text,) = _blocks("yaml")
    (tmp_path / "my_suite.yaml").write_text(text)
    done = inside("run", "--suite", "my_suite.yaml", "--dry-run")
    assert done.code == 0, done.err
    assert "rpgan-r1r2(gamma=1.0) x mlp x grid25" in done.out


def test_every_command_is_in_the_readme() -> None:
    for name in COMMANDS:
        assert f"ganbench {name}" in README


PLOTS = ["plot curves", "plot samples", "plot ranks", "plot cost", "plot modes"]


@pytest.mark.parametrize(
    "name", ["run", "table", "compare", "publish", "serve", "show", "verify", "replay", "diff", *PLOTS]
)
def test_every_option_is_in_the_readme(inside, name: str) -> None:
    line = next(line for line in README.splitlines() if line.startswith(f"| `ganbench {name.split()[0]}"))
    for option in re.findall(r"--[a-z-]+", inside(*name.split(), "--help").out):
        assert option in (line if name in PLOTS else README) or option in ("--help", "--checkpoint"), option


def test_the_readmes_figure_of_the_diagnosis_is_the_measured_one() -> None:
    table = (ROOT / "benchmarks" / "results" / "diagnosis.md").read_text()
    found, planted, renamed, false, healthy = re.search(
        r"found: (\d+) of (\d+)\. Of the \d+ others, told as another fault: (\d+) .*? false alarm: (\d+) of (\d+)",
        table,
    ).groups()
    text = " ".join(README.split())
    alarm = "no false alarm" if false == "0" else f"{false} false alarms"
    assert f"{found} of {planted} planted faults under their name and {renamed} more under another" in text
    assert f"with {alarm} in {healthy} healthy runs" in text


def test_links_between_pages_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), (page.name, link)
