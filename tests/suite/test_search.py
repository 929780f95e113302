"""Random search: what is drawn, what the best of k is, and the command from end to end."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plans import plan_reference, search_row
from scipy import stats as scipy_stats

from ganbench.errors import ResultsError, UsageError
from ganbench.registry.registry import Registry
from ganbench.suite import search, search_space
from ganbench.suite.expand import expand
from ganbench.suite.load import Suite, adjusted, load
from ganbench.suite.search import RowDraw, SavedSearch
from ganbench.suite.yaml import Problems

TEXT = """losses: [minimax, lsgan]
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
  loss: {lsgan: {c: {low: 0.01, high: 10, scale: log}}}
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
    alone = _draws(tmp_path, registry, TEXT.replace("[minimax, lsgan]", "[minimax]"))
    joined = _draws(tmp_path, registry, TEXT.replace("[minimax, lsgan]", "[minimax]"), adds=("loss=lsgan",))
    for one, single, added in zip(both, alone, joined, strict=True):
        plain, penalised = one.plan.cells
        assert plain.spec.train == penalised.spec.train
        assert plain.spec.architecture == penalised.spec.architecture
        assert [plain.spec.id] == [cell.spec.id for cell in single.plan.cells]
        assert [plain.spec.id, penalised.spec.id] == [cell.spec.id for cell in added.plan.cells]
    assert "loss.c" in both[1].settings(both[1].plan.cells[1])
    assert "loss.c" not in both[1].settings(both[1].plan.cells[0])


def test_a_range_more_or_less_changes_no_other_draw(tmp_path: Path, registry: Registry) -> None:
    fewer = TEXT.replace("    batch: {low: 32, high: 128, scale: log}\n", "")
    for one, other in zip(_draws(tmp_path, registry), _draws(tmp_path, registry, fewer), strict=True):
        assert {key: value for key, value in one.settings().items() if key != "train.batch"} == other.settings()


def test_drawn_values_lie_over_overrides_and_set(tmp_path: Path, registry: Registry) -> None:
    text = TEXT + "overrides: [{when: {dataset: ring8}, train: {lr: 1e-3, g: {lr: 5e-4}, steps: 7}}]\n"
    drawn = _draws(tmp_path, registry, text, sets=("train.batch=64",))
    assert {one.plan.suite for one in drawn} == {"tuned+train.batch=64+search"}
    first, *others = (one.plan.cells[0].spec.train for one in drawn)
    assert (first.d.lr, first.g.lr, first.batch, first.steps) == (1e-3, 5e-4, 64, 7)
    for train, one in zip(others, drawn[1:], strict=True):
        assert train.d.lr == train.g.lr == one.settings()["train.lr"]
        assert train.batch == one.settings()["train.batch"]
        assert train.steps == 7


def test_one_players_rate_beside_both(tmp_path: Path, registry: Registry) -> None:
    """`g: {lr: ...}` says otherwise than `lr`, whichever of them is written first."""
    rate = "{low: 1e-4, high: 1e-2, scale: log}"
    for pair in (f"lr: {rate}, g: {{lr: {rate}}}", f"g: {{lr: {rate}}}, lr: {rate}"):
        text = TEXT.split("search:")[0] + f"search: {{train: {{{pair}}}}}\n"
        drawn = _draws(tmp_path, registry, text, count=1)[1]
        train = drawn.plan.cells[0].spec.train
        assert (train.d.lr, train.g.lr) == (drawn.settings()["train.lr"], drawn.settings()["train.g.lr"])
        assert train.d.lr != train.g.lr


def test_numbers_are_in_their_range_and_spread_as_asked(tmp_path: Path, registry: Registry) -> None:
    found = _ranges(tmp_path, registry)
    uniform = {
        "lr": [math.log(value / 1e-4) / math.log(100) for value in _many(found["lr"])],
        "c": [math.log(value / 0.01) / math.log(1000) for value in _many(found["c"])],
        "ema": [(value - 0.1) / 0.8 for value in _many(found["ema"])],
    }
    for values in uniform.values():
        assert 0 <= min(values) <= max(values) <= 1
        assert scipy_stats.kstest(values, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(uniform["lr"], uniform["c"])[0, 1]) < 0.06  # independent of each other
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
        ("search: {train: {schedule: {low: constant, high: cosine}}}", "4:28: schedule can have low and high only if"),
        (
            "search: {loss: {r1: {gamma: {low: {from: 1, to: 2}, high: 3}}}}",
            "4:29: gamma can have low and high only if both are numbers",
        ),
        (
            "search: {train: {betas: {choices: [[0, 0.9], [0, 2]]}}}",
            "4:50: betas[1] must be a number >= 0 and < 1, got 2",
        ),
        ("search: {train: {n_dis: {choices: []}}}", "4:35: the list is empty"),
        ("search: {train: {n_dis: {choices: 5}}}", "4:35: expected a list"),
        ("search: {loss: {hinje: {a: {choices: [1]}}}}", "4:17: unknown loss 'hinje'"),
        ("search: {loss: {minimax: {gamma: {choices: [1]}}}}", "4:27: loss 'minimax' has no hyperparameter 'gamma'"),
        (
            "search: {loss: {lsgan: {c: {low: a, high: 1}}}}",
            "4:34: loss 'lsgan': c must be of type",
        ),
        ("search: {architecture: {mlp: {width: {low: 0, high: 9}}}}", "4:44: architecture 'mlp': width, depth"),
        (
            "search: {architecture: {mlp: {width: {low: 8.5, high: 9}}}}",
            "4:44: architecture 'mlp': width must be of type",
        ),
        ("search: {architecture: {mlp: 3}}", "4:30: 'mlp' in search must be a mapping"),
    ],
)
def test_a_wrong_range_is_reported_with_its_place(tmp_path: Path, registry: Registry, block: str, said: str) -> None:
    """Also without --search: a suite is right or it is not."""
    with pytest.raises(UsageError) as caught:
        expand(_suite(tmp_path, f"{HEAD}{block}\n"), registry)
    assert any(line.startswith(f"tuned.yaml:{said}") for line in str(caught.value).splitlines()), caught.value


def test_all_wrong_ranges_are_reported_together(tmp_path: Path, registry: Registry) -> None:
    text = (
        f"{HEAD}search:\n  train: {{lr: {{low: 0, high: -1}}, n_dis: {{choices: [0]}}}}\n  loss: {{x: {{}}}}\nco: 1\n"
    )
    with pytest.raises(UsageError) as caught:
        expand(_suite(tmp_path, text), registry)
    places = [line.split(": ")[0] for line in str(caught.value).splitlines()]
    assert places == [f"tuned.yaml:{place}" for place in ("5:21", "5:30", "5:53", "6:10", "7:1")]


def test_what_is_wrong_in_a_draw_alone_is_reported_with_its_values(tmp_path: Path, registry: Registry) -> None:
    """Two losses that a drawn hyperparameter makes one; no run has begun."""
    text = TEXT.replace("[minimax, lsgan]", "[{lsgan: {c: 1}}, {lsgan: {c: 2}}]")
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


def test_a_damaged_or_newer_layout_is_named(tmp_path: Path) -> None:
    row = search_row("a", "mlp", "ring8", (RowDraw(0, {}, {0: "d0"}), RowDraw(1, {"train.lr": 0.1}, {0: "d1"})))
    layout = SavedSearch("s+search", "", "", (row,), (plan_reference("ring8", "noise", "n"),))
    search.save_search(tmp_path, layout)
    assert search.load_search(tmp_path, "s+search") == layout
    assert search.load_search(tmp_path, "t+search") is None
    path = tmp_path / "s+search" / "draws.json"
    text = path.read_text()
    for wrong, said in ((text[:50], "is damaged"), (text.replace('"schema": 2', '"schema": 3'), "newer ganbench")):
        path.write_text(wrong)
        with pytest.raises(ResultsError, match=said):
            search.load_search(tmp_path, "s+search")


def test_ranges_of_absent_plugins_alone_are_refused(tmp_path: Path, registry: Registry) -> None:
    text = HEAD + "search: {loss: {r1: {gamma: {low: 0.01, high: 1}}}}\n"
    with pytest.raises(UsageError, match="suite 'tuned' has none of the plugins whose ranges its block 'search' gives"):
        _draws(tmp_path, registry, text)
