"""The data behind figures and charts: what they show is what the records say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fabricate import Made, fabricate
from factories import make_card, make_evaluation, make_record
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.ticker import MaxNLocator

from ganbench.analysis import tables
from ganbench.analysis.figure_data.axes import AxisRange, axis_range, cost_range
from ganbench.analysis.figure_data.cost import cost_info
from ganbench.analysis.figure_data.modes import capture_threshold, captured_modes, mode_capture_info, modes_info
from ganbench.analysis.figure_data.ranks import ranks_info
from ganbench.analysis.figure_data.selection import dataset_variants
from ganbench.analysis.figure_data.series import Series, signal_series
from ganbench.errors import ResultsError
from ganbench.formatting import shortened, tick
from ganbench.registry.choice import Choice
from ganbench.results.records import Histogram
from ganbench.results.run_files import read_history, write_history
from ganbench.results.store import Store
from ganbench.signals import BY_NAME, PANELS, SIGNALS, TABLE
from ganbench.suite.plan_file import SavedPlan

MADE = Made(losses=("minimax", "nonsaturating", "rpgan"), architectures=("mlp",), seeds=5, snapshots=4)
NUMBERS = st.floats(-1e7, 1e7).map(lambda value: float(f"{value:.6g}"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[SavedPlan, Store]:
    folder = tmp_path_factory.mktemp("results")
    return fabricate(folder, MADE), Store(folder)


def test_ranks_are_the_tables_rows_best_first(made: tuple[SavedPlan, Store]) -> None:
    for table in tables.build(*made):
        for score, better in table.columns.items():
            info = ranks_info(table, score)
            rows = {row.loss: row for row in table.variants}
            assert {one.name for one in info.variants} == set(rows)
            for one in info.variants:
                assert one.score == rows[one.name].scores[score]
                assert one.row == rows[one.name]
                assert one.ranked == info.ranked == (score == table.primary)
                assert all(info.axis.holds(value) for value in one.shown)
            means = [(rows[one.name].failed > 0, one.score.mean) for one in info.variants]
            whole = [mean for failed, mean in means if mean is not None and not failed]
            others = [mean for failed, mean in means if mean is not None and failed]
            ordered = [*sorted(whole, reverse=better == "higher"), *sorted(others, reverse=better == "higher")]
            assert [mean for _, mean in means if mean is not None] == ordered


def test_the_front_of_cost_is_what_no_other_variant_dominates(made: tuple[SavedPlan, Store]) -> None:
    plan, store = made
    for table in tables.build(plan, store):
        info = cost_info(table, plan, store)
        sign = 1 if info.better == "higher" else -1
        assert info.front
        for one in info.points:
            dominated = any(
                other is not one and other.mean[0] <= one.mean[0] and sign * other.mean[1] >= sign * one.mean[1]
                for other in info.points
            )
            assert one.front is not dominated
        for point in info.points:
            runs = next(r.runs for r in plan.rows if r.dataset.text == table.dataset and r.variant.title == point.title)
            records = [record for run_id in runs.values() if (record := store.run(run_id)) and record.ok]
            assert [pair.cost for pair in point.pairs] == [record.cost.train_seconds for record in records]
            assert [pair.value for pair in point.pairs] == [r.evaluation.metrics[info.score] for r in records]
            assert [pair.seed for pair in point.pairs] == [record.spec.seed for record in records]


def test_curves_are_the_histories_and_a_seed_that_ended_is_marked(made: tuple[SavedPlan, Store]) -> None:
    plan, store = made
    found, _ = dataset_variants(plan, store, "ring8")
    ended = 0
    for variant in found:
        series = signal_series(store, variant, ["diversity"]).get("diversity")
        if series is None:
            continue
        own = []
        for run_id in variant.runs.values():
            path = store.runs / run_id / "history.csv"
            if path.is_file():
                head, *rows = [line.split(",") for line in path.read_text().splitlines()]
                own.append([float(row[head.index("diversity")] or "nan") for row in rows])
        for values, expected in zip(series.values, own, strict=True):
            np.testing.assert_array_equal(values[: len(expected)], expected)
            assert np.isnan(values[len(expected) :]).all()
        low, high = series.band("range")
        assert (low <= series.mean).all()
        assert (series.mean <= high).all()
        ended += len(series.ends)
        statuses = [record.status for record in variant.records.values() if record]
        assert len(series.ends) == statuses.count("diverged")
    assert ended > 0


def test_an_interval_of_curves_is_students() -> None:
    from scipy import stats

    values = np.random.default_rng(0).normal(size=(6, 3))
    values[5, 1] = np.nan
    low, high = Series(np.arange(3.0), values).band("interval")
    for step, column in enumerate(values.T):
        own = column[np.isfinite(column)]
        expected = stats.t.interval(0.95, len(own) - 1, own.mean(), stats.sem(own))
        assert (low[step], high[step]) == pytest.approx(expected)
    raised = Series(np.arange(3.0), np.exp(values), log=True)
    for end, own in zip(raised.band("interval"), (low, high), strict=True):
        np.testing.assert_allclose(end, np.exp(own))
    np.testing.assert_allclose(raised.mean, np.exp(np.nanmean(values, axis=0)))


def test_there_is_no_interval_of_curves_below_five_seeds() -> None:
    values = np.random.default_rng(0).normal(size=(5, 2))
    values[4, 1] = np.nan
    for end in Series(np.arange(2.0), values).band("interval"):
        assert np.isfinite(end).tolist() == [True, False]


def test_captured_modes_are_those_of_the_histograms(made: tuple[SavedPlan, Store]) -> None:
    plan, store = made
    info = mode_capture_info(plan, store)
    assert [one.modes for one in info.datasets] == [8, 10]  # fewest modes first
    for one in info.datasets:
        shares = modes_info(plan, store, one.dataset)
        assert shares.real.sum() == pytest.approx(1)
        for variant, seeds in zip(dataset_variants(plan, store, one.dataset)[0], one.captured, strict=True):
            counts = [record.evaluation.histogram for record in variant.finished.values()]
            assert list(seeds) == [sum(n >= 0.1 * c.n / one.modes for n in c.fake) for c in counts if c]


def test_the_capture_threshold_is_that_of_the_score_that_counts_modes() -> None:
    """A suite that sets `share` gets a table and a figure that agree."""
    counts = Histogram("modes", (60, 30, 9, 1), 100)
    for share, captured in ((0.1, 3), (0.4, 2), (0.04, 4)):
        card = make_card(metric=Choice("modes", {"share": share, "few": 10}))
        record = make_record(evaluation=make_evaluation({"modes": captured}, card, histogram=counts))
        assert capture_threshold(record) == share
        assert captured_modes(record) == captured
    unknown = make_record(evaluation=make_evaluation({"score": 1.0}, histogram=counts))
    assert capture_threshold(unknown) is None
    assert captured_modes(unknown) is None
    assert captured_modes(replace(record, evaluation=make_evaluation({"modes": 4}, card))) is None


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_history(tmp_path) is None
    rows = [[step + i / 7 for i in range(len(SIGNALS))] for step in range(3)]
    rows[1][0] = float("nan")
    write_history(tmp_path, [0, 10, 20], rows)
    history = read_history(tmp_path)
    assert history is not None
    assert history.names == ("step", *SIGNALS)
    assert history.column("step") == [0, 10, 20]
    assert history.column("nothing") == []
    for i, name in enumerate(SIGNALS):
        assert history.column(name) == pytest.approx([row[i] for row in rows], rel=1e-6, nan_ok=True)
    (tmp_path / "history.csv").write_text("step,d_loss\n0,1\n1\n")
    with pytest.raises(ResultsError, match=r"history.csv is damaged \(line 3 has 1 field, not 2\)"):
        read_history(tmp_path)


def test_every_signal_has_one_row_and_a_known_panel() -> None:
    assert len(BY_NAME) == len(SIGNALS) == len(TABLE) == 12
    assert {signal.panel for signal in TABLE} - {""} == set(PANELS)
    for panel in PANELS:
        assert len({signal.scale for signal in TABLE if signal.panel == panel}) == 1


@given(NUMBERS, st.floats(1e-3, 1e7), st.booleans())
def test_linear_ticks_are_those_of_matplotlib(low: float, span: float, whole: bool) -> None:
    """matplotlib is the oracle; its rounding at the ends of an axis is not ours."""
    high = low + span
    steps = [1, 2, 5, 10] if whole else [1, 2, 2.5, 5, 10]
    found = AxisRange(low, high, whole=whole).ticks
    assert len(found) >= 2
    if abs(low) > 50 * span:
        return  # matplotlib takes an offset
    oracle = [float(x) for x in MaxNLocator(5, steps=steps, integer=whole).tick_values(low, high) if low <= x <= high]
    edge = 1e-6 * span
    if min(abs(low - found[0]), abs(high - found[-1])) > edge:
        assert found == pytest.approx(oracle, abs=edge)


@given(st.floats(1e-8, 1e8), st.floats(1.01, 1e9))
def test_logarithmic_ticks_are_few_and_within(low: float, factor: float) -> None:
    shown = AxisRange(low, low * factor, log=True)
    assert 2 <= len(shown.ticks) <= 7
    assert shown.ticks == sorted(shown.ticks)
    assert all(shown.low * (1 - 1e-9) <= value <= shown.high * (1 + 1e-9) for value in shown.ticks)


@given(NUMBERS.filter(lambda value: abs(value) > 1e-6))
def test_a_tick_says_its_value(value: float) -> None:
    text = tick(value).replace("\N{MINUS SIGN}", "-")
    factor = 1000 if text.endswith("k") else 1
    assert float(text.removesuffix("k")) * factor == pytest.approx(value, rel=1e-9)


def test_ticks_are_short() -> None:
    texts = {0: "0", 0.05: "0.05", 0.1 + 0.2: "0.3", 300: "300", 2500: "2500", 20_000: "20k", 2e6: "2e6", 2e-5: "2e-5"}
    for value, text in texts.items():
        assert tick(value) == text.replace("-", "\N{MINUS SIGN}")
    assert tick(-0.5) == "\N{MINUS SIGN}0.5"
    assert tick(1.5e6) == "1.5e6"


@pytest.mark.parametrize("costs", [[1.0, 9.0], [1.0, 1.01], [1.0, 50.0], [2.5], [0.0, 0.0], []])
def test_no_cost_axis_begins_below_zero(costs: list[float]) -> None:
    shown = cost_range(costs)
    assert 0 <= shown.low <= min(costs, default=0.0)
    assert shown.log == (costs == [1.0, 50.0])
    assert all(shown.holds(cost) for cost in costs)


def test_an_axis_of_one_value_or_none_is_not_empty() -> None:
    assert axis_range([]) == AxisRange(-0.05, 1.05)
    for log in (False, True):
        shown = axis_range([5.0], log)
        assert shown.low < 5 < shown.high
        assert shown.log is log
    assert not axis_range([0.0, 5.0], log=True).log


@given(st.text(max_size=30), st.integers(1, 40))
def test_a_shortened_name_has_both_ends(text: str, count: int) -> None:
    found = shortened(text, count)
    if len(text) <= count:
        assert found == text
    else:
        begin, end = found[: count - count // 2], found[len(found) - count // 2 :]
        assert len(found) == count + 1
        assert text.startswith(begin)
        assert text.endswith(end)
