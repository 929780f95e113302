"""Random search: what is drawn, what the best of k is, and the command from end to end."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Cli
from factories import commit, make_card, make_record, make_reference, make_spec
from plans import plan_reference, search_row
from rich.console import Console
from scipy import stats as scipy_stats

from ganbench.analysis import sensitivity
from ganbench.cli import cli as commands
from ganbench.errors import ResultsError, UsageError
from ganbench.registry.registry import Registry
from ganbench.report.text import search as search_table
from ganbench.results.records import Cost, Failure
from ganbench.results.store import Store
from ganbench.statistics import best_of_k
from ganbench.suite import search, search_space
from ganbench.suite.expand import expand
from ganbench.suite.load import Suite, adjusted, load
from ganbench.suite.search import RowDraw, SavedSearch
from ganbench.suite.yaml import Problems

Here = Callable[..., tuple[int, str, str]]
TEXT = """losses: [minimax, rpgan-r1r2]
architectures: [mlp]
datasets: [ring8]
seeds: 2
train: {steps: 40, batch: 32, lr: 2e-3}
evaluation: {samples: 500, real_samples: 500}
search:
  seeds: 3
  train:
    lr: {low: 1e-4, high: 1e-2, scale: log}
    batch: {low: 32, high: 128, scale: log}
    ema: {low: 0.1, high: 0.9}
    betas: {choices: [[0, 0.99], [0.5, 0.999]]}
    n_dis: {choices: [1, 2, 5]}
  loss: {rpgan-r1r2: {gamma: {low: 0.01, high: 10, scale: log}}}
  architecture: {mlp: {width: {low: 8, high: 10}}}
"""


def _suite(tmp_path: Path, text: str = TEXT, **options: Any) -> Suite:
    path = tmp_path / "tuned.yaml"
    path.write_text(text)
    return adjusted(load(path), **options)


def _draws(
    tmp_path: Path, registry: Registry, text: str = TEXT, count: int = 5, **options: Any
) -> tuple[search.Drawn, ...]:
    return search.draws(_suite(tmp_path, text, **options), registry, count)


def _ranges(tmp_path: Path, registry: Registry, text: str = TEXT) -> dict[str, search_space.Range]:
    problems = Problems("tuned.yaml")
    found = search_space.read_ranges(_suite(tmp_path, text), registry, problems)
    problems.check()
    assert found is not None
    return {one.path[-1]: one for one in found.ranges}


def _many(one: search_space.Range, count: int = 2000) -> list[Any]:
    return [one.draw(number).plain() for number in range(1, count + 1)]


def test_draws_do_not_depend_on_how_many_are_asked_for(tmp_path: Path, registry: Registry) -> None:
    few, more = (_draws(tmp_path, registry, count=count) for count in (3, 8))
    assert [one.number for one in more] == list(range(9))
    assert [one.settings() for one in few] == [one.settings() for one in more[:4]]
    assert [one.plan.cells for one in few] == [one.plan.cells for one in more[:4]]
    assert len({str(one.settings()) for one in more}) == 9


def test_draw_0_is_the_suite(tmp_path: Path, registry: Registry) -> None:
    default = _draws(tmp_path, registry, count=1)[0]
    whole = expand(_suite(tmp_path), registry)
    assert default.settings() == {}
    assert [cell.spec.id for cell in default.plan.cells] == [cell.spec.id for cell in whole.cells]
    assert {cell.seeds for cell in default.plan.cells} == {(0, 1, 2)}
    assert {cell.seeds for cell in whole.cells} == {(0, 1)}


def test_variants_share_draws_and_do_not_depend_on_each_other(tmp_path: Path, registry: Registry) -> None:
    """Common random numbers: the same learning rate for every loss, whichever losses there are."""
    both = _draws(tmp_path, registry)
    alone = _draws(tmp_path, registry, TEXT.replace("[minimax, rpgan-r1r2]", "[minimax]"))
    joined = _draws(tmp_path, registry, TEXT.replace("[minimax, rpgan-r1r2]", "[minimax]"), adds=("loss=rpgan-r1r2",))
    for one, single, added in zip(both, alone, joined, strict=True):
        plain, penalised = one.plan.cells
        assert plain.spec.train == penalised.spec.train
        assert plain.spec.architecture == penalised.spec.architecture
        assert [plain.spec.id] == [cell.spec.id for cell in single.plan.cells]
        assert [plain.spec.id, penalised.spec.id] == [cell.spec.id for cell in added.plan.cells]
    assert "loss.gamma" in both[1].settings(both[1].plan.cells[1])
    assert "loss.gamma" not in both[1].settings(both[1].plan.cells[0])


def test_a_range_more_or_less_changes_no_other_draw(tmp_path: Path, registry: Registry) -> None:
    fewer = TEXT.replace("    batch: {low: 32, high: 128, scale: log}\n", "")
    for one, other in zip(_draws(tmp_path, registry), _draws(tmp_path, registry, fewer), strict=True):
        assert {key: value for key, value in one.settings().items() if key != "train.batch"} == other.settings()


def test_drawn_values_lie_over_overrides_and_set(tmp_path: Path, registry: Registry) -> None:
    text = TEXT + "overrides: [{when: {dataset: ring8}, train: {lr: 1e-3, lr_g: 5e-4, steps: 7}}]\n"
    drawn = _draws(tmp_path, registry, text, sets=("train.batch=64",))
    assert {one.plan.suite for one in drawn} == {"tuned+train.batch=64+search"}
    first, *others = (one.plan.cells[0].spec.train for one in drawn)
    assert (first.lr_d, first.lr_g, first.batch, first.steps) == (1e-3, 5e-4, 64, 7)
    for train, one in zip(others, drawn[1:], strict=True):
        assert train.lr_d == train.lr_g == one.settings()["train.lr"]
        assert train.batch == one.settings()["train.batch"]
        assert train.steps == 7


def test_one_players_rate_beside_both(tmp_path: Path, registry: Registry) -> None:
    """`lr_g` says otherwise than `lr`, whichever of them is written first."""
    rate = "{low: 1e-4, high: 1e-2, scale: log}"
    for pair in (f"lr: {rate}, lr_g: {rate}", f"lr_g: {rate}, lr: {rate}"):
        text = TEXT.split("search:")[0] + f"search: {{train: {{{pair}}}}}\n"
        drawn = _draws(tmp_path, registry, text, count=1)[1]
        train = drawn.plan.cells[0].spec.train
        assert (train.lr_d, train.lr_g) == (drawn.settings()["train.lr"], drawn.settings()["train.lr_g"])
        assert train.lr_d != train.lr_g


def test_numbers_are_in_their_range_and_spread_as_asked(tmp_path: Path, registry: Registry) -> None:
    found = _ranges(tmp_path, registry)
    uniform = {
        "lr": [math.log(value / 1e-4) / math.log(100) for value in _many(found["lr"])],
        "gamma": [math.log(value / 0.01) / math.log(1000) for value in _many(found["gamma"])],
        "ema": [(value - 0.1) / 0.8 for value in _many(found["ema"])],
    }
    for values in uniform.values():
        assert 0 <= min(values) <= max(values) <= 1
        assert scipy_stats.kstest(values, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(uniform["lr"], uniform["gamma"])[0, 1]) < 0.06  # independent of each other
    assert all(float(f"{value:.4g}") == value for value in _many(found["lr"]))


def test_whole_numbers_stay_whole_and_reach_both_ends(tmp_path: Path, registry: Registry) -> None:
    found = _ranges(tmp_path, registry)
    widths = _many(found["width"], 3000)
    assert all(isinstance(value, int) for value in widths)
    assert scipy_stats.chisquare([widths.count(value) for value in (8, 9, 10)]).pvalue > 0.01
    assert set(widths) == {8, 9, 10}
    batches = _many(found["batch"])
    assert all(isinstance(value, int) for value in batches)
    assert 32 <= min(batches) <= max(batches) <= 128
    edges = [math.log(k - 0.5) for k in (32, 45, 64, 90)] + [math.log(128.5)]
    shares = np.diff(edges) / (edges[-1] - edges[0])
    counts = np.histogram(batches, bins=[31.5, 44.5, 63.5, 89.5, 128.5])[0]
    assert scipy_stats.chisquare(counts, shares * len(batches)).pvalue > 0.01


def test_choices_are_equally_likely(tmp_path: Path, registry: Registry) -> None:
    found = _many(_ranges(tmp_path, registry)["n_dis"], 3000)
    assert scipy_stats.chisquare([found.count(choice) for choice in (1, 2, 5)]).pvalue > 0.01


def test_a_narrow_range_is_not_rounded_away(tmp_path: Path, registry: Registry) -> None:
    text = TEXT.replace("ema: {low: 0.1, high: 0.9}", "ema: {low: 0.9990, high: 0.9999}")
    values = _many(_ranges(tmp_path, registry, text)["ema"], 200)
    assert 0.9990 <= min(values) <= max(values) <= 0.9999
    assert len(set(values)) > 100


HEAD = "losses: [minimax]\narchitectures: [mlp]\ndatasets: [ring8]\n"


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("search: 3", "4:9: 'search' must be a mapping"),
        ("search:", "4:8: 'search' must be a mapping"),
        ("search: {}", "4:9: 'search' defines no range"),
        ("search: {seeds: 2}", "4:9: 'search' defines no range"),
        ("search: {seeds: -1, train: {lr: {choices: [1]}}}", "4:17: seeds must be a count"),
        ("search: {tran: {}}", "4:10: unknown key 'tran'. Did you mean 'train'?"),
        ("search: {evaluation: {samples: {choices: [1]}}}", "4:10: unknown key 'evaluation'"),
        ("search: {train: 3}", "4:17: 'train' in search must be a mapping"),
        ("search: {train: {lrr: {low: 1, high: 2}}}", "4:18: unknown key 'lrr'. Did you mean 'lr'?"),
        ("search: {train: {lr: 1e-3}}", "4:22: lr: expected {low: 1e-4, high: 1e-2, scale: log}"),
        ("search: {train: {lr: {}}}", "4:22: lr: expected"),
        ("search: {train: {lr: {low: 1, choices: [2]}}}", "4:22: lr: expected"),
        ("search: {train: {lr: {low: 1e-4}}}", "4:22: key 'high' is missing"),
        ("search: {train: {lr: {low: 1, high: 2, scal: log}}}", "4:40: unknown key 'scal'. Did you mean 'scale'?"),
        ("search: {train: {lr: {low: 1, high: 2, scale: ln}}}", "4:47: scale must be linear or log, got 'ln'"),
        ("search: {train: {lr: {low: 0, high: 2}}}", "4:28: lr must be a number > 0 and <"),
        ("search: {train: {lr: {low: 2, high: 1}}}", "4:37: high must be > low (2), got 1"),
        ("search: {train: {ema: {low: 0, high: 0.9, scale: log}}}", "4:29: low must be > 0 on a log scale"),
        ("search: {train: {ema: {low: 0, high: 1}}}", "4:38: ema must be a number >= 0 and < 1, got 1"),
        ("search: {train: {batch: {low: 1.5, high: 64}}}", "4:31: batch must be an integer >= 2"),
        ("search: {train: {schedule: {low: constant, high: cosine}}}", "4:28: schedule is not a number"),
        ("search: {train: {betas: {choices: [[0, 0.9], [0, 2]]}}}", "4:46: betas must be two numbers in [0, 1)"),
        ("search: {train: {n_dis: {choices: []}}}", "4:35: the list is empty"),
        ("search: {train: {n_dis: {choices: 5}}}", "4:35: expected a list"),
        ("search: {loss: {hinje: {a: {choices: [1]}}}}", "4:17: unknown loss 'hinje'"),
        ("search: {loss: {minimax: {gamma: {choices: [1]}}}}", "4:27: loss 'minimax' has no hyperparameter 'gamma'"),
        (
            "search: {loss: {rpgan-r1r2: {gamma: {low: a, high: 1}}}}",
            "4:43: loss 'rpgan-r1r2': gamma must be of type",
        ),
        ("search: {architecture: {mlp: {width: {low: 0, high: 9}}}}", "4:44: architecture 'mlp': width, depth"),
        (
            "search: {architecture: {mlp: {width: {low: 8.5, high: 9}}}}",
            "4:44: architecture 'mlp': width must be of type",
        ),
        ("search: {architecture: {mlp: 3}}", "4:30: 'mlp' in search must be a mapping"),
    ],
)
def test_a_wrong_range_is_told_with_its_place(tmp_path: Path, registry: Registry, block: str, said: str) -> None:
    """Also without --search: a suite is right or it is not."""
    with pytest.raises(UsageError) as caught:
        expand(_suite(tmp_path, f"{HEAD}{block}\n"), registry)
    assert any(line.startswith(f"tuned.yaml:{said}") for line in str(caught.value).splitlines()), caught.value


def test_all_wrong_ranges_are_told_at_once(tmp_path: Path, registry: Registry) -> None:
    text = (
        f"{HEAD}search:\n  train: {{lr: {{low: 0, high: -1}}, n_dis: {{choices: [0]}}}}\n  loss: {{x: {{}}}}\nco: 1\n"
    )
    with pytest.raises(UsageError) as caught:
        expand(_suite(tmp_path, text), registry)
    places = [line.split(": ")[0] for line in str(caught.value).splitlines()]
    assert places == [f"tuned.yaml:{place}" for place in ("5:21", "5:30", "5:53", "6:10", "7:1")]


def test_what_only_a_draw_shows_is_told_with_its_values(tmp_path: Path, registry: Registry) -> None:
    """Two losses that a drawn hyperparameter makes one; no run has begun."""
    text = TEXT.replace("[minimax, rpgan-r1r2]", "[{rpgan-r1r2: {gamma: 1}}, {rpgan-r1r2: {gamma: 2}}]")
    with pytest.raises(
        UsageError, match=r"are the same runs; list only one of them\nin draw 1 of the search: train\.lr="
    ):
        _draws(tmp_path, registry, text)


@pytest.mark.parametrize(("count", "text", "said"), [
    (0, TEXT, "--search must be between 1 and 1000, got 0"),
    (-3, TEXT, "got -3"),
    (1001, TEXT, "got 1001"),
    (3, HEAD, "suite 'tuned' defines no ranges to search"),
])  # fmt: skip
def test_a_search_that_cannot_be(tmp_path: Path, registry: Registry, count: int, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _draws(tmp_path, registry, text, count)


@pytest.mark.parametrize("name", ["baseline", "quick", "sensitivity"])
def test_shipped_suites_can_be_searched_and_keep_their_ids(registry: Registry, name: str) -> None:
    suite = load(registry.find("suite", name).thing)
    plan, without = (expand(one, registry) for one in (suite, replace(suite, search=None)))
    assert [cell.spec.id for cell in plan.cells] == [cell.spec.id for cell in without.cells]
    drawn = search.draws(suite, registry, 3)
    assert len(search.merged(drawn).cells) == 4 * len(plan.cells)


def test_draws_that_agree_are_trained_once(tmp_path: Path, registry: Registry) -> None:
    text = f"{HEAD}search: {{train: {{n_dis: {{choices: [1, 2]}}}}}}\n"
    drawn = _draws(tmp_path, registry, text, 10)
    assert len(search.merged(drawn).cells) == 2
    (variant,) = search.search_to_save(drawn).variants
    assert len(variant.draws) == 11
    assert len({id_ for draw in variant.draws for id_ in draw.runs.values()}) == 2


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_the_best_of_k_is_the_mean_over_all_subsets(better: str) -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
    best = max if better == "higher" else min
    brute = [np.mean([best(subset) for subset in combinations(values, k)]) for k in range(1, 9)]
    assert best_of_k.expected_best(values, better) == pytest.approx(brute)
    assert best_of_k.expected_best(values, better)[0] == pytest.approx(np.mean(values))
    assert best_of_k.expected_best(values, better)[-1] == best(values)


def test_what_is_chosen_by_one_half_is_reported_by_the_other() -> None:
    """Against every subset, ties broken evenly."""
    chosen, reported = [1.0, 2.0, 2.0, 5.0, 3.0], [0.1, 0.9, 0.3, 0.2, 0.7]
    brute = []
    for k in range(1, 6):
        means = []
        for subset in combinations(range(5), k):
            least = min(chosen[i] for i in subset)
            means.append(np.mean([reported[i] for i in subset if chosen[i] == least]))
        brute.append(np.mean(means))
    assert best_of_k.expected_best(chosen, "lower", reported) == pytest.approx(brute)


def test_weights_are_a_distribution_and_do_not_overflow() -> None:
    found = best_of_k.weights(1000)
    assert np.all(found >= 0)
    assert found.sum(axis=1) == pytest.approx(np.ones(1000))
    assert best_of_k.weights(6)[2] == pytest.approx([10 / 20, 6 / 20, 3 / 20, 1 / 20, 0, 0])


def test_the_interval_of_one_draw_is_that_of_a_mean() -> None:
    values = np.random.default_rng(1).normal(3, 1, 40).tolist()
    low, high = best_of_k.intervals(values, "lower")[0]
    reference = scipy_stats.bootstrap((values,), np.mean, method="percentile", random_state=0).confidence_interval
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=0.05)
    assert best_of_k.intervals(values, "lower") == best_of_k.intervals(values, "lower")
    assert best_of_k.intervals(values, "lower")[-1][0] == min(values)  # nothing better than the best one seen


def test_choosing_on_the_reported_seeds_flatters_and_the_other_half_does_not() -> None:
    """All draws are equally good, seeds are noise: the best of 10 looks better than it is, held out it does not."""
    generator = np.random.default_rng(2)
    naive, fair = [], []
    for _ in range(200):
        draws = [
            sensitivity.DrawResult(i, {}, "ok", "", dict(enumerate(generator.normal(0, 1, 4))), 0, (), None)
            for i in range(1, 11)
        ]
        draws = [replace(draw, counted=draw.score) for draw in draws]
        row = sensitivity.Variation(search_row("a", "b", "c", ()), "higher", draws[0], tuple(draws), 10)
        naive.append(row.best[-1])
        fair.append(row.held_out[-1])
    assert np.mean(naive) > 0.6
    assert abs(np.mean(fair)) < 0.1


def _store(tmp_path: Path) -> tuple[SavedSearch, Store]:
    """Four draws of one variant: fine, better, one seed diverged, not run; the default is fine."""
    store = Store(tmp_path)
    card = make_card(better="lower")
    for name, value in (("d", 3.0), ("a", 2.0), ("b", 1.0), ("c", 0.5)):
        for seed in range(2):
            failure = Failure("diverged", "boom") if name == "c" and seed == 1 else None
            scores, cost = {"score": value + seed, "other[judge]": value}, Cost(train_seconds=2.0)
            commit(store, make_record(f"{name}{seed}", scores, card, make_spec(seed), failure, cost=cost))
    commit(store, make_reference("n", {"score": 7.0}, card))
    names = enumerate("dabcx")
    draws = tuple(
        RowDraw(i, {"train.lr": i / 8} if i else {}, {s: f"{name}{s}" for s in range(2)}) for i, name in names
    )
    variant = search_row("=evil|<b>", "mlp", "ring8", draws)
    return SavedSearch("s+search", "", "", (variant,), (plan_reference("ring8", "noise", "n"),)), store


def test_a_failed_draw_counts_as_the_worst_and_a_missing_one_not_at_all(tmp_path: Path) -> None:
    layout, store = _store(tmp_path)
    (table,) = sensitivity.build(layout, store)
    (row,) = table.rows
    assert (table.score, table.worst) == ("score", 7.0)
    assert [draw.status for draw in row.draws] == ["ok", "ok", "failed"]
    assert row.counted == [2.5, 1.5, 7.0]
    assert (row.n_ok, row.asked, row.default.score, row.median) == (2, 4, 3.5, 2.5)
    assert row.best == pytest.approx([11 / 3, (1.5 + 1.5 + 2.5) / 3, 1.5])
    assert row.held_out[-1] == pytest.approx(1.5)
    assert row.winner is not None
    assert row.winner.number == 2
    assert (table.trainings, table.seconds) == (8, 16.0)
    said = search_table.notes(table)
    assert any(
        "1 of 3 draws failed and count as 7.00" in note and "draw 3: 1 of 2 seeds diverged" in note for note in said
    )
    assert any("1 of 4 draws not run yet" in note for note in said)
    assert any("best is draw 2 (1.50): lr=0.25" in note for note in said)


def test_the_worst_is_worse_than_every_reference_and_draw(tmp_path: Path) -> None:
    layout, store = _store(tmp_path)
    (table,) = sensitivity.build(replace(layout, references=()), store)
    assert table.worst == 3.5  # the default's mean


def test_every_format_escapes_and_says_the_same(tmp_path: Path) -> None:
    layout, store = _store(tmp_path)
    tables = sensitivity.build(layout, store)
    text = search_table.markdown(layout, tables)
    assert "=evil\\|&lt;b&gt; x mlp" in text
    assert "2/3" in text
    lines = list(csv.DictReader(io.StringIO(search_table.csv_text(layout, tables))))
    assert {line["loss"] for line in lines} == {"'=evil|<b>"}
    (row,) = json.loads(search_table.json_text(layout, tables))[0]["rows"]
    best = [line for line in lines if line["kind"] == "best"]
    assert [float(line["value"]) for line in best] == [one["mean"] for one in row["best"]]
    assert [line["number"] for line in best] == ["1", "2", "3"]
    assert row["draws"][2]["status"] == "failed"
    assert row["draws"][2]["mean"] == 0.5
    assert row["draws"][2]["counted"] == 7.0


def test_a_terminal_gets_intervals_below_values(tmp_path: Path) -> None:
    layout, store = _store(tmp_path)
    printed = io.StringIO()
    console = Console(file=printed, width=200)
    search_table.show(console, layout, sensitivity.build(layout, store))
    text = printed.getvalue()
    assert "s+search: ring8: score ↓" in text
    assert "=evil|<b> x mlp" in text
    low, high = sensitivity.build(layout, store)[0].rows[0].intervals[0]
    (line,) = [line for line in text.splitlines() if "[1.50, 7.00]" in line and "3.67" not in line]
    assert (low, high) == pytest.approx((1.5, 7.0))
    assert "mlp" not in line
    search_table.show(console, layout, [])
    assert "No draw has finished yet." in printed.getvalue()


def test_draws_that_are_equally_good_are_counted(tmp_path: Path) -> None:
    layout, store = _store(tmp_path)
    (variant,) = layout.variants
    twin = replace(variant.draws[2], number=5)
    tables = sensitivity.build(replace(layout, variants=(replace(variant, draws=(*variant.draws, twin)),)), store)
    assert any("best is draw 2 (1.50, tied with 1 other): lr=0.25" in note for note in search_table.notes(tables[0]))


def test_a_metric_by_its_name_with_or_without_its_judge(tmp_path: Path) -> None:
    layout, store = _store(tmp_path)
    assert [table.score for table in sensitivity.build(layout, store, ("other", "score"))] == ["other[judge]", "score"]
    with pytest.raises(UsageError, match=r"no score 'scor' in this search\. Did you mean 'score'\?"):
        sensitivity.build(layout, store, ("scor",))


def test_a_damaged_or_newer_layout_is_named(tmp_path: Path) -> None:
    layout, _ = _store(tmp_path)
    search.save_search(tmp_path, layout)
    assert search.load_search(tmp_path, "s+search") == layout
    assert search.load_search(tmp_path, "t+search") is None
    path = tmp_path / "s+search" / "draws.json"
    text = path.read_text()
    for wrong, said in ((text[:50], "is damaged"), (text.replace('"schema": 2', '"schema": 3'), "newer ganbench")):
        path.write_text(wrong)
        with pytest.raises(ResultsError, match=said):
            search.load_search(tmp_path, "s+search")


SHORT = """losses: [minimax, rpgan-r1r2]
architectures: [mlp]
datasets: [ring8]
seeds: 2
train: {steps: 10, batch: 32, lr: 2e-3}
evaluation: {samples: 300, real_samples: 300}
search: {train: {lr: {low: 1e-4, high: 1e-2, scale: log}}, loss: {rpgan-r1r2: {gamma: {choices: [0.1, 1.0]}}}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The command line in this process: quick where nothing trains."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = commands.main([str(argument) for argument in arguments], standalone_mode=False)
        done = capsys.readouterr()
        return code, done.out, done.err

    return run


@pytest.mark.slow
def test_a_search_from_end_to_end(cli: Cli, here: Here, tmp_path: Path) -> None:
    (tmp_path / "tuned.yaml").write_text(SHORT)
    _, out, _ = here("run", "--suite", "tuned.yaml", "--search", 2, "--dry-run")
    assert "12 runs in 6 cells" in out
    assert "draw 2: train.lr=" in out
    assert not (tmp_path / "results").exists()
    assert cli("run", "--suite", "tuned.yaml", "--search", 1, "--filter", "loss=minimax", "--jobs", 1).code == 0
    done = cli("run", "--suite", "tuned.yaml", "--search", 2, "--jobs", 1)
    assert done.code == 0, done.err
    assert "4 runs done, 8 new" in done.err  # draws 0 and 1 of minimax are there
    assert "best of 2, other seeds" in done.out
    assert done.out.count("2/2") == 2
    folder = tmp_path / "results" / "tuned+search"
    files = {"draws.json", "plan.json", "search.csv", "search.json", "search.md"}
    assert {path.name for path in folder.iterdir()} == files
    assert (folder / "search.md").read_text() == done.out
    code, out, err = here("run", "--suite", "tuned.yaml", "--search", 2)
    assert (code, out) == (0, done.out)
    assert "12 runs done, 0 new" in err
    assert "worker" not in err
    assert (
        here("run", "--suite", "tuned.yaml", "--dry-run")[1].count("2 done") == 2
    )  # the default's runs are the suite's
    _, out, _ = here("table", "--suite", "tuned", "--search", "--format", "json", "--metric", "SW1")
    assert [row["loss"] for row in json.loads(out)[0]["rows"]] == ["minimax", "rpgan-r1r2"]
    lines = here("table", "--suite", "tuned+search")[1].splitlines()  # every draw as a row of an ordinary table
    assert len([line for line in lines if line.startswith("|") and "draw 2: " in line]) == 2 * 2  # scores, costs


def test_other_seeds_and_settings_of_a_search(here: Here, tmp_path: Path) -> None:
    (tmp_path / "tuned.yaml").write_text(SHORT)
    asked = ("run", "--suite", "tuned.yaml", "--search", 1, "--dry-run")
    _, out, _ = here(*asked, "--seeds", "0-4", "--set", "train.steps=7", "--add", "loss=nonsaturating")
    assert "suite tuned+train.steps=7+search" in out
    assert "draw 1: nonsaturating x mlp x ring8" in out
    assert out.count("5 seeds: 5 new; 7 steps of 32") == 6


def test_a_saved_search_is_printed_without_torch(tmp_path: Path) -> None:
    layout, _ = _store(tmp_path / "results")
    search.save_search(tmp_path / "results", layout)
    code = """
import sys
sys.argv = ['ganbench', 'table', '--suite', 's', '--search']
from ganbench.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
sys.exit('torch' in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "best of 3, other seeds" in done.stdout


FRAGILE = '''
from dataclasses import dataclass

from ganbench import hookimpl


@dataclass(frozen=True)
class Fragile:
    """The non-saturating loss, which is not finite where `weight` is large."""

    weight: float = 1.0

    def d_loss(self, critic):
        from torch.nn.functional import softplus

        return (softplus(-critic.real) + softplus(critic.fake)).mean() * (self.weight * 1e30) ** 2

    def g_loss(self, critic):
        return -critic.fake.mean()


@hookimpl
def register_losses():
    return {"fragile": Fragile}
'''


def test_a_draw_that_diverges_is_counted_as_the_worst(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "fragile.py").write_text(FRAGILE)
    text = SHORT.split("search:")[0].replace("[minimax, rpgan-r1r2]", "[{fragile: {weight: 1e-30}}]")
    text += "plugins: [fragile.py]\nsearch: {loss: {fragile: {weight: {choices: [1e-30, 1.0]}}}}\n"
    (tmp_path / "tuned.yaml").write_text(text)
    done = cli("run", "--suite", "tuned.yaml", "--search", 5, "--metric", "SW1", "--jobs", 1)
    assert done.code == 1, done.err
    (table,) = json.loads((tmp_path / "results" / "tuned+search" / "search.json").read_text())
    (row,) = table["rows"]
    status = {draw["draw"]: (draw["status"], draw["settings"]["loss.weight"]) for draw in row["draws"]}
    assert set(status.values()) == {("ok", 1e-30), ("failed", 1.0)}
    bad = [draw for draw in row["draws"] if draw["status"] == "failed"]
    assert {draw["counted"] for draw in bad} == {table["failed_counts_as"]}
    assert table["failed_counts_as"] >= max(draw["mean"] for draw in (row["default"], *row["draws"]) if draw["mean"])
    assert row["best_draw"] == min(number for number, (kind, _) in status.items() if kind == "ok")
    assert f"{len(bad)} of 5 draws failed and count as" in done.out
    assert "2 of 2 seeds diverged" in done.out
    assert row["trainings"] == 4  # two weights, two seeds: draws that agree share their runs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--suite", "small.yaml", "--search", "3"), "suite 'small' defines no ranges to search"),
        (("run", "--suite", "quick", "--search", "0"), "--search must be between 1 and 1000, got 0"),
        (("run", "--suite", "quick", "--metric", "FID"), "--metric chooses the score of --search"),
        (("table", "--suite", "quick", "--metric", "FID", "--results", "."), "--metric chooses the score of --search"),
        (("table", "--suite", "quick", "--search", "--results", "."), "no search 'quick+search'"),
        (("table", "--suite", "quick", "--search", "--format", "latex", "--results", "."), "not latex"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(here: Here, suite: Path, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        here(*arguments)
    assert said in str(caught.value)


def test_a_score_that_no_metric_gives_is_told_before_anything_trains(here: Here, tmp_path: Path) -> None:
    (tmp_path / "tuned.yaml").write_text(TEXT)
    for more in ((), ("--dry-run",)):
        with pytest.raises(UsageError, match="no score 'mode' in this suite"):
            here("run", "--suite", "tuned.yaml", "--search", 2, "--metric", "mode", *more)
        assert not (tmp_path / "results" / "runs").exists()
