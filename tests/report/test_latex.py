"""Tables for papers: compiled in one and two columns, nothing wider than it may be or below 7 points."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from conftest import Cli
from fabricate import NASTY, Made, fabricate, many
from factories import commit, make_card, make_record, make_spec
from papers import compiled, needs_latex
from plans import plan_row
from test_escape import PARTS, _table

from ganbench.analysis import tables
from ganbench.api.results import Results, open_results
from ganbench.errors import UsageError
from ganbench.report.latex.ink import width, wrapped
from ganbench.report.latex.paper import PaperOptions, latex
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan

PUBLISHED = Path(__file__).parents[2] / "results" / "published"
LONG = "a_loss_with-a.name/of%60&characters#that{is}never^broken~anywhere"
UNICODE = "Größe_λ=0.5 中文 🦙"
WAYS = {
    "narrow": PaperOptions(),
    "transposed": PaperOptions(transpose=True),
    "wide": PaperOptions(wide=True),
    "one column": PaperOptions(width="text"),
    "one column, wide": PaperOptions(width="text", wide=True),
    "both columns": PaperOptions(width="page", wide=True),
}


def _paper(folder: Path, results: list[Results], how: PaperOptions) -> None:
    """The tables of all results in one paper, checked."""
    packages = "booktabs,siunitx" if how.siunitx else "booktabs"
    made = [latex(one.plan, one.score_tables, how) for one in results]
    assert not re.search(r"resizebox|scalebox|\\tiny|\\scriptsize", "".join(made))
    compiled(folder, made, how.width, packages).check()


@pytest.fixture(scope="module")
def published() -> list[Results]:
    return [open_results(path, path.name) for path in sorted(PUBLISHED.iterdir()) if path.is_dir()]


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> list[Results]:
    """Made-up suites: with markup, with names of 60 characters, of one seed, and of hundreds of rows."""
    folder = tmp_path_factory.mktemp("nasty")
    named = Made(losses=("minimax", LONG, UNICODE), architectures=("mlp", f"net {LONG}"), points=("ring8", LONG))
    suites = {
        "markup": Made(losses=("minimax", *NASTY), seeds=5, nasty=True, pictures=False),
        "long": Made(losses=named.losses, architectures=named.architectures, points=named.points, pictures=False),
        "single": Made(seeds=1, failures=False, pictures=False),
        "many": Made(**{**vars(many(100)), "pictures": False, "snapshots": 0}),
        "rows": Made(losses=tuple(f"loss {i}" for i in range(120)), architectures=("mlp",), images=(), seeds=1,
                     pictures=False, snapshots=0),
    }  # fmt: skip
    found = []
    for name, made in suites.items():
        plan = fabricate(folder / name, made)
        found.append(open_results(folder / name, plan.suite))
    return found


@needs_latex
@pytest.mark.parametrize("how", WAYS.values(), ids=list(WAYS))
def test_published_tables_fit_a_paper(published: list[Results], how: PaperOptions, tmp_path: Path) -> None:
    assert len(published) >= 5
    _paper(tmp_path, published, how)


@needs_latex
@pytest.mark.parametrize("how", WAYS.values(), ids=list(WAYS))
def test_nasty_tables_fit_a_paper(nasty: list[Results], how: PaperOptions, tmp_path: Path) -> None:
    _paper(tmp_path, nasty, how)


@needs_latex
def test_numbers_are_aligned_by_siunitx(published: list[Results], nasty: list[Results], tmp_path: Path) -> None:
    if subprocess.run(["kpsewhich", "siunitx.sty"], capture_output=True, check=False).returncode:
        pytest.skip("there is no siunitx")
    for i, how in enumerate((PaperOptions(siunitx=True), PaperOptions(siunitx=True, wide=True, width="text"))):
        _paper(tmp_path / str(i), [*published, *nasty], how)


@needs_latex
def test_every_text_compiles(tmp_path: Path) -> None:
    """Any text in every place, also of scripts that pdfLaTeX does not have."""
    for wide in (False, True):
        tables = [latex(*_table(text), PaperOptions(wide=wide)) for text in PARTS]
        compiled(tmp_path / str(wide), tables, "column").check()


@pytest.mark.parametrize("text", ["a_b%c", LONG, UNICODE, "minimax × mlp", "precision[digits16] ↑"])  # noqa: RUF001
@pytest.mark.parametrize("room", [20.0, 45.0, 90.0])
def test_wrapped_lines_fit_and_lose_nothing(text: str, room: float) -> None:
    lines = wrapped(text, room)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width(line) <= room for line in lines)


def test_the_narrow_table_is_one_row_a_variant_and_one_column_a_dataset(published: list[Results]) -> None:
    baseline = next(one for one in published if one.suite == "baseline")
    made = latex(baseline.plan, baseline.score_tables)
    assert made.count(r"\begin{tabular}{") == 1
    assert r"\label{tab:baseline}" in made
    caption = made.split(r"\caption{")[1].split(r"\label")[0]
    for said in ("8 seeds per variant", "Welch's t", "exact permutation of ranks for counts", "Bonferroni's correction",
                 "4 comparisons", "10,000 generated against 10,000 real samples", "features of digits16"):  # fmt: skip
        assert said in caption
    for dataset in ("ring8", "grid25", "digits"):
        assert f"{{{dataset}}}" in made
    assert r"17.6 & \gbsmall{(15--21)}\,\gbup{+\dag{}}" in made
    assert r"72.3 & \gbsmall{[56.3, 92.8]}" in made


def test_rows_and_columns_change_places(published: list[Results]) -> None:
    losses = next(one for one in published if one.suite == "losses")
    made = latex(losses.plan, losses.score_tables, PaperOptions(transpose=True, label="tab:all"))
    assert r"\label{tab:all}" in made
    assert r"\label{tab:all-part2}" in made
    assert re.search(r"^ring8, modes .* & ", made, re.MULTILINE)
    assert not re.search(r"^hinge & ", made, re.MULTILINE)


def test_letters_of_all_pairs_stand_beside_the_primary_score_alone(published: list[Results]) -> None:
    lottery = next(one for one in published if one.suite == "lottery")
    (table,) = lottery.score_tables[-1:]
    letters = {row.tier for row in table.variants}
    made = latex(lottery.plan, lottery.score_tables)
    assert "Variants without a common letter differ" in made
    for letter in letters:
        assert re.search(rf"\\gbup\{{{letter}(\\dag\{{\}})?\}}", made)
    other = next(name for name in table.columns if name != table.primary)
    chosen = [type(table)(**{**vars(one), "columns": {other: one.columns[other]}})
              for one in lottery.score_tables if other in one.columns]  # fmt: skip
    assert r"\gbup{A" not in latex(lottery.plan, chosen, PaperOptions(chosen=True))


def test_failures_and_notes_are_below_the_wide_table(nasty: list[Results]) -> None:
    one = next(one for one in nasty if one.folder.name == "single")
    made = latex(one.plan, one.score_tables, PaperOptions(wide=True))
    noted = next(table for table in one.score_tables if table.row_notes)
    below = made.split(r"\textbf{Notes on " + noted.dataset)[1]
    assert r"\gbup{a}~" in below
    assert r"\gbup{a}" in made.split(r"\bottomrule")[0]


def test_failed_seeds_are_in_the_narrow_table(tmp_path: Path) -> None:
    plan = fabricate(tmp_path, Made(seeds=6, pictures=False, snapshots=0))
    results = open_results(tmp_path, plan.suite)
    made = latex(plan, results.score_tables)
    lost = [row for table in results.score_tables for row in table.variants if 0 < row.n_ok < row.n]
    assert lost
    for row in lost:
        assert f" {row.n_ok}/{row.n}}}" in made
    assert "k/n: so many finished" in made


@needs_latex
def test_published_values_and_chosen_columns_are_shown_where_they_are(inside: Cli, tmp_path: Path) -> None:
    asked = ("table", "--suite", "baseline", "--results", PUBLISHED / "baseline", "--format", "latex")
    without = inside(*asked, "--published").out
    assert "PacGAN" not in without  # it has none of the primary scores
    shown = inside(*asked, "--published", "--metric", "modes>=1").out
    assert re.search(r"^PacGAN2 \(PacGAN\) & 7.90 & .* & 23.8 & ", shown, re.MULTILINE)
    assert "PacGAN2 (PacGAN), ring8: published, another protocol" in shown
    tiers = inside(*asked, "--columns", "tier,FID").out
    assert "better" in tiers
    assert r"\gbup{+" not in tiers  # the tier is a column
    assert tiers.count("real data") == 1
    compiled(tmp_path / "papers", [without, shown, tiers], "column").check()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--width", "colum", "--format", "latex"), "write column, text, page, or a number of points. Did you mean"),
        (("--width", "20", "--format", "latex"), "a table is 180 to 2000 points wide"),
        (("--label", "a}b", "--format", "latex"), "--label 'a}b': write letters, digits"),
        (("--transpose",), "--transpose needs --format latex"),
        (("--siunitx", "--format", "markdown"), "--siunitx needs --format latex"),
    ],
)
def test_a_wrong_option_is_one_sentence(inside: Cli, arguments: tuple[str, ...], said: str) -> None:
    done = inside("table", "--suite", "losses", "--results", PUBLISHED / "losses", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_the_command_prints_what_is_asked(inside: Cli) -> None:
    asked = ("table", "--suite", "losses", "--results", PUBLISHED / "losses", "--format", "latex")
    done = inside(*asked, "--metric", "FID", "--sort", "FID[digits16]", "--width", "text", "--label", "tab:fid")
    assert done.code == 0
    assert r"\label{tab:fid}" in done.out
    assert done.out.count(r"\begin{tabular}{") == 1
    rows = [line.split(" & ")[0] for line in done.out.splitlines() if line.endswith(r"\\")]
    assert rows[1] == "WGAN-GP"  # the best
    with pytest.raises(UsageError, match="a table is"):
        PaperOptions(width="12")


@pytest.mark.parametrize(("seeds", "test"), [(8, "exact permutation of ranks;"), (40, "Tests: permutation of ranks;")])
def test_a_caption_calls_a_test_of_ranks_exact_only_where_it_is(tmp_path: Path, seeds: int, test: str) -> None:
    store, rows = Store(tmp_path), []
    for shift, loss in enumerate(("a", "b")):
        ids = {seed: f"{loss}{seed}" for seed in range(seeds)}
        for seed, id_ in ids.items():
            card = make_card(kind="count")
            commit(store, make_record(id_, {"modes": float(2 * seed + shift)}, card, make_spec(seed, loss)))
        rows.append(plan_row(loss, "mlp", "ring8", ids))
    plan = SavedPlan("s", "", "", tuple(rows), (), ())
    assert test in latex(plan, tables.build(plan, store))
