"""The charts of a report: the same axes as the figures, every variant in them, links and marks where they belong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fabricate import Made, fabricate
from matplotlib.figure import Figure

from ganbench.analysis.figure_data.axes import AxisRange, axis_range, cost_range
from ganbench.analysis.figure_data.cost import cost_info
from ganbench.analysis.figure_data.curves import run_curves_info, run_signal_panels
from ganbench.analysis.figure_data.ranks import ranks_info
from ganbench.report.html import Content
from ganbench.report.html.axes import PixelAxis
from ganbench.report.html.charts import Chart, Group, cost_chart, ranks_chart
from ganbench.report.html.run_page import signal_charts, snapshot_charts
from ganbench.report.html.score_charts import score_charts
from ganbench.report.plots.cost import plot_cost
from ganbench.report.plots.ranks import plot_ranks
from ganbench.report.plots.style import set_axis
from ganbench.results.run_files import read_history
from ganbench.results.store import Store


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    folder = tmp_path_factory.mktemp("results")
    made = Made(losses=("minimax", "nonsaturating", "rpgan"), architectures=("mlp",), seeds=5, snapshots=2)
    return Content(fabricate(folder, made), Store(folder))


def _ticks(chart: Chart, side: str) -> list[str]:
    """The labels of the ticks below (`middle`) or left of (`end`) a chart."""
    return [shape.text for shape in chart.shapes if shape.look == f"tick {side}"]


RANGES = [
    axis_range([0.5, 3, 700]),
    axis_range([0.5, 3, 700], log=True),
    axis_range([4.0, 8.0], whole=True),
    axis_range([-0.3, 0.2]),
    axis_range([1.0, 1e6], log=True),
    axis_range([2.11, 2.14], log=True),
    cost_range([3.0, 4.0]),
    AxisRange(0, 3060),
]


@pytest.mark.parametrize("shown", RANGES)
def test_figures_and_pages_have_the_same_ticks(shown: AxisRange) -> None:
    axes = Figure().subplots()
    set_axis(axes, "x", shown)
    set_axis(axes, "y", shown)
    drawn = PixelAxis(shown, 10, 210)
    for axis in (axes.xaxis, axes.yaxis):
        assert list(axis.get_majorticklocs()) == shown.ticks
        assert [text.get_text() for text in axis.get_majorticklabels()] == [text for _, text in drawn.ticks]
        assert axis.get_minorticklocs().size == 0
    assert axes.get_xlim() == (shown.low, shown.high)
    assert axes.get_xscale() == ("log" if shown.log else "linear")


def test_a_figure_and_a_page_of_the_same_records_have_the_same_ticks(content: Content) -> None:
    for table in content.tables:
        info = cost_info(table, content.plan, content.store)
        figure = Figure()
        plot_cost(info).draw(figure)
        (axes,) = figure.axes
        _, chart = score_charts(content, table, info.score)
        assert [text.get_text() for text in axes.get_xticklabels()] == _ticks(chart, "middle")
        assert [text.get_text() for text in axes.get_yticklabels()] == _ticks(chart, "end")


def test_ranks_of_a_figure_and_of_a_page_have_the_same_ticks(content: Content) -> None:
    """With the same references; a page draws real data alone."""
    for table in content.tables:
        for score in table.columns:
            info = ranks_info(table, score)
            real = {name: value for name, value in info.references.items() if name == "real data"}
            figure = Figure()
            plot_ranks(replace(info, references=real)).draw(figure)
            (axes,) = figure.axes
            (chart, *_) = score_charts(content, table, score)
            assert [text.get_text() for text in axes.get_xticklabels()] == _ticks(chart, "middle")


def test_a_reference_off_the_axis_is_named_and_not_drawn() -> None:
    groups = [Group("one", 1.5, 1.2, 1.8, [])]
    chart = ranks_chart("score", "higher", groups, [("real data", 50.0)], AxisRange(1, 2))
    assert "real data 50.0 (off the axis)" in [shape.text for shape in chart.shapes]
    assert not [shape for shape in chart.shapes if shape.look == "mark"]
    chart = ranks_chart("score", "higher", groups, [("real data", 1.9)], AxisRange(1, 2))
    assert "real data" in [shape.text for shape in chart.shapes]
    assert [shape for shape in chart.shapes if shape.look == "mark"]


def test_a_runs_page_shows_the_columns_that_a_figure_shows(content: Content) -> None:
    run = next(run for run in content.runs.values() if run.record and run.record.ok)
    assert run.record is not None
    history = read_history(content.folder(run))
    assert history is not None
    info = run_curves_info(content.store, run.id)
    lines = {line.label: line for panel in run_signal_panels(history) for line in panel.lines}
    for panel in info.panels:
        (curve,) = panel.curves
        assert curve is not None
        assert list(curve.series.steps) == list(lines[panel.label].steps)
        assert list(curve.series.values[0]) == list(lines[panel.label].values)
    assert len(signal_charts(run.record, content.folder(run))) == len(run_signal_panels(history))
    assert len(snapshot_charts(run.record)) == len(run.record.evaluation.metrics)


@pytest.mark.parametrize("log", [False, True])
def test_an_axis_holds_its_values_in_order_and_its_ticks_within(log: bool) -> None:
    values = [0.5, 3, 700]
    made = PixelAxis(axis_range(values, log), 10, 210)
    places = [made.at(value) for value in values]
    assert places == sorted(places)
    assert places[0] >= 10
    assert places[-1] <= 210
    assert 2 <= len(made.ticks) <= 7
    assert all(10 <= place <= 210 for place, _ in made.ticks)
    assert PixelAxis(axis_range([5.0]), 0, 100).at(5.0) == pytest.approx(50)
    assert PixelAxis(axis_range([]), 0, 100).ticks


@pytest.mark.parametrize(
    ("values", "log", "ticks"),
    [
        ((7, 120), True, ["10", "20", "50", "100"]),
        ((30, 120), True, ["30", "50", "70", "100"]),
        ((1, 1e6), True, ["1", "100", "10k", "1e6"]),
        ((4, 8), False, ["4", "5", "6", "7", "8"]),
        ((1, 8), False, ["2", "4", "6", "8"]),
    ],
)
def test_ticks_are_round_and_a_log_axis_is_seen_to_be_one(
    values: tuple[float, float], log: bool, ticks: list[str]
) -> None:
    found = [text for _, text in PixelAxis(axis_range(values, log, whole=not log), 0, 100).ticks]
    assert 3 <= len(found) <= 5
    assert found == ticks


@pytest.mark.parametrize("costs", [[1.0, 9.0], [1.0, 1.01], [1.0, 50.0], [2.5]])
def test_no_number_of_a_cost_chart_is_below_zero(costs: list[float]) -> None:
    groups = [Group(str(cost), 5.0, None, None, [], cost=cost) for cost in costs]
    chart = cost_chart("score", "higher", groups, "seconds", False)
    numbers = [text for text in (*_ticks(chart, "middle"), *_ticks(chart, "end")) if text]
    assert numbers
    assert not any(text.startswith(("-", "\N{MINUS SIGN}")) for text in numbers)


def test_a_variant_that_failed_whole_stays_in_the_charts_below_the_others(tmp_path: Path) -> None:
    plan = fabricate(tmp_path, Made(losses=("minimax", "nonsaturating", "rpgan"), seeds=5))
    content = Content(plan, Store(tmp_path))
    dead = [(table, row) for table in content.tables for row in table.variants if not row.n_ok]
    assert dead
    for table, row in dead:
        for chart in score_charts(content, table, str(table.primary)):
            texts = [shape.text for shape in chart.shapes] + [label for _, label, _ in chart.legend]
            assert any("no seed finished" in text for text in texts), chart.name
        (ranked, *_) = score_charts(content, table, str(table.primary))
        named = [shape.text for shape in ranked.shapes if shape.look == "label"]
        assert named[-1].startswith(row.title[:7])
        failed = [other.failed > 0 for name in named for other in table.variants if other.title == name]
        assert failed == sorted(failed)


def test_failed_seeds_are_drawn_in_charts_and_figures(content: Content) -> None:
    drawn = 0
    for table in content.tables:
        lost = sum(row.failed for row in table.variants)
        chart = score_charts(content, table, str(table.primary))[0]
        crosses = [shape for shape in chart.shapes if shape.look == "failed"]
        assert len(crosses) == lost
        assert all(shape.href.startswith("runs/") and shape.text.startswith("seed ") for shape in crosses)
        assert ("failed seeds" in chart.name) == bool(lost)
        figure = Figure()
        plot_ranks(ranks_info(table)).draw(figure)
        (axes,) = figure.get_axes()
        assert sum(np.size(line.get_xdata()) for line in axes.get_lines() if line.get_marker() == "x") == lost
        assert ("failed seed" in axes.get_xlabel()) == bool(lost)
        drawn += lost
    assert drawn > 0
