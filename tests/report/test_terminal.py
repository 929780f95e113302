"""Tables on a terminal: no number is cut at any width; the default view is one block and says what it leaves out."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Cli
from fabricate import Made, fabricate
from rich.console import Console

from ganbench.analysis import tables
from ganbench.analysis.score_table import Table
from ganbench.analysis.tiers import rules
from ganbench.report.text.spread import shown
from ganbench.report.text.terminal import View, show
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, load_plan

PUBLISHED = Path(__file__).parents[2] / "results" / "published"
LONG = "a-loss-with-a-name-of-sixty-characters-without-any-break-in-it"
BLOCK = View()
WIDTHS = (40, 60, 80, 100, 140)
Content = tuple[SavedPlan, list[Table]]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Content]:
    """The tables of published results by their suite, of long names, of nasty ones."""
    made = {
        "long": Made(losses=("minimax", LONG), architectures=("mlp", f"net-{LONG}"), failures=True),
        "nasty": Made(nasty=True, architectures=("mlp",), seeds=5),
        "quick": Made(losses=("minimax", "nonsaturating"), architectures=("mlp",), seeds=2, failures=False),
    }
    built: dict[str, Content] = {}

    def get(name: str) -> Content:
        if name not in built:
            folder = PUBLISHED / name
            if name in made:
                folder = tmp_path_factory.mktemp(name)
                plan: SavedPlan | None = fabricate(folder, made[name])
            else:
                plan = load_plan(folder, name)
            assert plan is not None
            built[name] = plan, tables.build(plan, Store(folder))
        return built[name]

    return get


def _drawn(content: Content, width: int, view: View = BLOCK) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    show(console, *content, view=view)
    return console.export_text()


def _numbers(table: Table, names: list[str]) -> list[str]:
    """Every text of a score that must be on one line."""
    found = [
        shown(row.scores[name], row.n) for row in table.rows for name in names if row.n_ok or row.kind != "variant"
    ]
    return [text for one in found for text in (one.text, one.beside) if text]


@pytest.mark.parametrize("name", ["baseline", "fashion", "long", "nasty"])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_is_cut_at_any_width(name: str, width: int, content: Callable[[str], Content]) -> None:
    plan, built = content(name)
    wide = _drawn((plan, built), width, View(wide=True, notes=True))
    block = _drawn((plan, built), width)
    for text in (wide, block):
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
    for table in built:
        for number in _numbers(table, [*table.columns]):
            assert number in wide, (table.dataset, number)
        for number in _numbers(table, [table.primary]):
            assert number in block, (table.dataset, number)


def test_the_default_view_is_one_block_with_the_primary_score_first(content: Callable[[str], Content]) -> None:
    plan, built = content("baseline")
    block = _drawn((plan, built), 140).split("baseline: digits")[1].split("baseline: over")[0]
    head = [re.sub(r"\s+", " ", line).strip() for line in block.splitlines()[1:3]]
    assert head == [
        "FID ↓ IS ↑ KID ↓ precision ↑",
        "variant ok tier [digits16] [digits16] [digits16] [digits16] verdict",
    ]
    assert sum(line.startswith("──") for line in block.splitlines()) == 1
    assert "13 more scores: recall, coverage, density, diversity, memorisation, copies, modes" in " ".join(
        block.split()
    )
    assert "Protocol of" not in block
    assert "Protocol of" in _drawn((plan, built), 140, View(notes=True))
    assert "--wide shows all scores, --notes the protocol" in _drawn((plan, built), 140)


def test_quick_fits_forty_lines(content: Callable[[str], Content]) -> None:
    assert _drawn(content("quick"), 80).count("\n") <= 40


def test_what_did_not_run_is_a_line_and_not_a_row(content: Callable[[str], Content]) -> None:
    text = " ".join(_drawn(content("fashion"), 100).split())
    assert (
        "nonsaturating x dcgan, minimax x dcgan, lsgan x dcgan, hinge x dcgan and 12 more: 5 of 5 seeds not run yet"
        in text
    )
    assert "0/5" not in text
    assert "2 variants cannot be built for these data" in _drawn(content("baseline"), 100)


def test_failed_runs_stay_in_the_block(content: Callable[[str], Content]) -> None:
    text = _drawn(content("long"), 100)
    assert re.search(r"\b0/6\b", text)
    assert "out-of-memory" in text


@pytest.fixture
def results(tmp_path: Path) -> Path:
    fabricate(tmp_path / "results", Made(failures=False, seeds=5))
    return tmp_path / "results"


def _rows(text: str, dataset: str) -> list[list[str]]:
    part = text.split(f"## {dataset}\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]


def test_scores_are_chosen_by_name(inside: Cli, results: Path) -> None:
    done = inside("table", "--suite", "fabricated", "--metric", "HQ", "--metric", "FID", "--metric", "modes[digits16]")
    assert (done.code, done.err) == (0, "")
    assert _rows(done.out, "ring8")[0] == ["variant", "ok", "tier", "rank", "verdict", "HQ ↑"]
    assert _rows(done.out, "digits")[0][-2:] == [r"FID\[digits16\] ↓", r"modes\[digits16\] ↑"]


def test_columns_are_chosen_by_name(inside: Cli, results: Path) -> None:
    done = inside("table", "--suite", "fabricated", "--columns", "verdict, HQ,tier")
    assert _rows(done.out, "ring8")[0] == ["variant", "tier", "verdict", "HQ ↑"]
    assert _rows(done.out, "digits")[0] == ["variant", "tier", "verdict"]
    latex = inside("table", "--suite", "fabricated", "--columns", "HQ", "--format", "latex").out
    assert re.search(r"^variant & \\multicolumn\{2\}\{c@\{\}\}\{HQ \$\\uparrow\$\} \\\\$", latex, re.MULTILINE)


def test_variants_are_sorted_best_first_or_by_name(inside: Cli, results: Path) -> None:
    by_score = _rows(inside("table", "--suite", "fabricated", "--sort", "SW1", "--metric", "SW1").out, "ring8")
    values = [float(row[-1].split()[0]) for row in by_score[2:5]]
    assert values == sorted(values)
    hidden = _rows(inside("table", "--suite", "fabricated", "--sort", "SW1", "--columns", "modes").out, "ring8")
    assert [row[0] for row in hidden[2:5]] == [row[0] for row in by_score[2:5]]  # by a score that is not shown
    by_name = _rows(inside("table", "--suite", "fabricated", "--sort", "name").out, "ring8")
    names = [row[0] for row in by_name[2:5]]
    assert names == sorted(names)
    below = [row[0] for row in by_name if row[0] in ("real data", "Gaussian fit")]
    assert below == ["real data", "Gaussian fit"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--metric", "FDI"), "--metric: no score 'FDI' in this suite. Did you mean 'FID'?"),
        (("--sort", "naem"), "--sort: no score 'naem' in this suite. Did you mean 'name'?"),
        (("--columns", "teir,HQ"), "--columns: no column 'teir' in this suite. Did you mean 'tier'?"),
        (("--columns", "HQ", "--metric", "HQ"), "--columns and --metric both choose columns"),
        (("--search", "--wide"), "--wide applies to a suite's table; with --search, only --metric does"),
    ],
)
def test_a_wrong_choice_is_one_sentence(inside: Cli, results: Path, arguments: tuple[str, ...], said: str) -> None:
    done = inside("table", "--suite", "fabricated", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_run_refuses_an_unknown_score_before_it_trains(inside: Cli, tmp_path: Path) -> None:
    done = inside("run", "--suite", "quick", "--metric", "FDI", "--results", tmp_path / "none")
    assert done.code == 2
    assert "--metric: no score 'FDI' in this suite. Did you mean 'FID'?" in done.err
    assert not (tmp_path / "none" / "runs").exists()


def test_the_saved_tables_are_whole_whatever_is_shown(inside: Cli, results: Path) -> None:
    inside("table", "--suite", "fabricated", "--metric", "HQ", "--sort", "name")
    saved = (results / "fabricated" / "table.md").read_text()
    assert r"KID\[digits16\]" in saved
    assert saved == inside("table", "--suite", "fabricated").out


@pytest.mark.parametrize("width", WIDTHS)
def test_an_arrow_stays_with_its_score(width: int, content: Callable[[str], Content]) -> None:
    for name in ("baseline", "fashion"):
        for view in (BLOCK, View(wide=True)):
            assert not re.search(r"(?m)^\s*[↑↓]", _drawn(content(name), width, view))
            assert not re.search(r"\s{3}[↑↓]", _drawn(content(name), width, view))


def test_a_table_without_reference_rows_is_drawn_with_its_rules(content: Callable[[str], Content]) -> None:
    plan, built = content("lottery")
    alone = [replace(table, rows=tuple(table.variants)) for table in built]
    for view in (BLOCK, View(wide=True)):
        text = _drawn((plan, alone), 140, view)
        drawn = sum(line.startswith("──") for line in text.split("lottery: digits")[0].splitlines())
        assert drawn >= 3  # one below the heads, two between the groups


def test_a_rule_stays_with_its_row_if_an_unfinished_variant_stands_above(content: Callable[[str], Content]) -> None:
    table = content("lottery")[1][0]
    known = [table.rows[i].title for i in sorted(rules(table))]
    moved = replace(table, rows=(replace(table.rows[0], loss="unfinished", n_ok=0, rank=None), *table.rows))
    assert [moved.rows[i].title for i in sorted(rules(moved))] == known
