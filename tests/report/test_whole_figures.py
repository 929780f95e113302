"""Every kind of figure, of the published and of nasty made-up results: nothing is cut, no axis beyond what can be."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.style
import pytest
from clipping import cut_off
from fabricate import NASTY, Made, fabricate, many
from factories import commit, make_card, make_record, make_spec
from matplotlib.figure import Figure
from plans import plan_row

from ganbench.analysis.figure_data.cost import cost_info
from ganbench.analysis.figure_data.ranks import ranks_info
from ganbench.analysis.figure_data.tiers import tiers_info
from ganbench.api.results import Results, open_results
from ganbench.errors import UsageError
from ganbench.report.plots import figure as figures
from ganbench.report.plots.appearance import PANEL, PLAIN, Appearance, appearance, applied
from ganbench.report.plots.every_plot import every_plot
from ganbench.report.plots.lottery import plot_lottery
from ganbench.report.plots.ranks import plot_ranks
from ganbench.report.plots.style import SMALLEST, WIDTHS, PaperFigure, settings
from ganbench.report.plots.tiers import plot_tiers
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, save_plan

MAY_BE_EMPTY = ("film", "samples", "profile", "improvement", "tiers")
"""Kinds that some suites have no records for; for the others a figure is listed only if there are."""
PUBLISHED = Path(__file__).parents[2] / "results" / "published"
NAMES = tuple(path.name for path in sorted(PUBLISHED.iterdir()) if path.is_dir())
LONG = "a_loss_with-a.name/of%60&characters#that{is}never^broken~anywhere"
MADE = {
    "markup": Made(losses=("minimax", NASTY[0]), seeds=5, nasty=True),
    "long": Made(losses=("minimax", LONG, "Größe_λ 中文"), architectures=("mlp", f"net {LONG}"), points=(LONG,)),
    "single": Made(seeds=1),
    "many": many(100),
    "rows": Made(losses=tuple(f"loss {i}" for i in range(60)), architectures=("mlp",), images=(), seeds=2),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Results]:
    folder = tmp_path_factory.mktemp("made")
    return {name: open_results(folder / name, fabricate(folder / name, one).suite) for name, one in MADE.items()}


@pytest.fixture(scope="module")
def published() -> dict[str, Results]:
    return {name: open_results(PUBLISHED / name, name) for name in NAMES}


def drawn(paper: PaperFigure, width: float, look: Appearance = PLAIN) -> Figure:
    """A figure as `rendered` makes it, without a file."""
    chosen: dict[Any, Any] = {**settings(look), **figures.FIXED}
    with applied(look), matplotlib.style.context("default"), matplotlib.rc_context(chosen):
        figure = Figure(figsize=(width, paper.height(width)), layout="constrained")
        paper.fill(figure)
        assert cut_off(figure) == []
    return figure


def every(results: Results, width: float) -> dict[str, PaperFigure]:
    """The figures of a suite that have something to show, by name, without the lottery, which takes long."""
    slugs = {table.dataset: str(i) for i, table in enumerate(results.score_tables)}
    found = {}
    plots = every_plot(results.plan, results.score_tables, results.store, slugs, results.lottery, width)
    for one in plots:
        if one.name.split("-")[0] in MAY_BE_EMPTY:
            with suppress(UsageError):
                found[one.name] = one.make()
        elif one.name != "lottery":
            found[one.name] = one.make()
    return found


def check(results: Results) -> None:
    """Every figure of a suite, as wide as a column; the first one also as wide as a page."""
    plots = every(results, WIDTHS["column"])
    assert plots
    for i, paper in enumerate(plots.values()):
        drawn(paper, WIDTHS["column"])
        if i == 0:
            drawn(paper, WIDTHS["page"])


@pytest.mark.parametrize("name", NAMES)
def test_figures_of_published_results_are_whole(published: dict[str, Results], name: str) -> None:
    check(published[name])


@pytest.mark.parametrize("name", MADE)
def test_figures_of_nasty_results_are_whole(made: dict[str, Results], name: str) -> None:
    check(made[name])


@pytest.fixture
def lettered(tmp_path: Path) -> Results:
    """Forty variants between which few differences are shown, so that their tiers have many letters."""
    store, rows = Store(tmp_path), []
    for index in range(60):
        ids = {seed: f"{index:02d}{seed}" for seed in range(5)}
        for seed, id_ in ids.items():
            spec = make_spec(seed, f"loss {index}", "net", "points")
            commit(store, make_record(id_, {"score": index + 2.0 * ((3 * seed + index) % 5)}, make_card(), spec))
        rows.append(plan_row(f"loss {index}", "net", "points", ids))
    save_plan(tmp_path, SavedPlan("s", "", "", tuple(rows), (), ()))
    return open_results(tmp_path, "s")


@pytest.mark.parametrize("width", [SMALLEST, WIDTHS["column"], WIDTHS["page"]])
def test_tiers_of_many_letters_leave_the_panel_its_room(lettered: Results, width: float) -> None:
    (table,) = lettered.score_tables
    assert max(len(row.tier or "") for row in table.variants) > 12
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for paper in (plot_ranks(ranks_info(table)), plot_tiers(tiers_info([table]))):
            figure = drawn(paper, width)
            assert figure.axes[0].get_position().width > 0.15


def test_no_axis_goes_beyond_what_a_score_can_be(made: dict[str, Results], published: dict[str, Results]) -> None:
    suites = [*made.values(), *published.values()]
    seen = set()
    for results in suites:
        for table in results.score_tables:
            for score in table.columns:
                cells = [row.scores[score] for row in table.variants if row.scores[score].values]
                if not cells:
                    continue
                axes = (
                    ranks_info(table, score).axis,
                    cost_info(table, results.plan, results.store, score).score_axis,
                )
                if cells[0].kind == "share":
                    assert all(0 <= axis.low < axis.high <= 1 for axis in axes), (results, table.dataset, score)
                if cells[0].kind == "count":
                    most = cells[0].most or float("inf")
                    assert all(0 <= axis.low < axis.high <= most for axis in axes), (results, table.dataset, score)
                seen.add(cells[0].kind)
    assert seen == {"share", "count", "log", "linear"}


def test_fonts_styles_and_bare_figures_are_whole(published: dict[str, Results], tmp_path: Path) -> None:
    results = published["baseline"]
    style = tmp_path / "a.mplstyle"
    style.write_text('axes.prop_cycle: cycler("color", ["112233", "cc5544"])\naxes.grid: True\nfont.family: serif\n')
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"
    for look in (appearance("serif", bare=True), appearance(style=style), appearance(str(font))):
        with applied(look):
            plots = every(results, WIDTHS["column"])
        for name in ("overall", "captured", "ranks-2", "cost-2", "curves-2", "modes-2", "samples-2", "tiers"):
            figure = drawn(plots[name], WIDTHS["column"], look)
            if look.bare:
                assert not figure.get_suptitle()
                assert all(not axes.get_title("left") for axes in figure.axes if axes.get_label() != PANEL)
    lottery = plot_lottery(results.lottery("digits"))
    drawn(lottery, WIDTHS["column"], appearance("serif", bare=True))
