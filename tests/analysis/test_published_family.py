"""minimax against nonsaturating in the published baseline: one answer everywhere, which follows from the records."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from conftest import Cli
from scipy import stats as scipy_stats

import ganbench as gb
from ganbench.report.text import sentences
from ganbench.results.protocol_card import ProtocolCard

PUBLISHED = Path(__file__).parents[2] / "results" / "published" / "baseline"
SIDES = "minimax x mlp", "nonsaturating x mlp"


@pytest.fixture
def results(tmp_path: Path) -> gb.Results:
    """The published records in a folder of their own."""
    shutil.copytree(PUBLISHED, tmp_path / "results")
    return gb.open_results(tmp_path / "results", "baseline")


def _seeds(results: gb.Results, dataset: str, side: str) -> tuple[str, ProtocolCard, list[float]]:
    """The first score of a variant's records, with its card and the values of its seeds."""
    row = next(row for row in results.plan.rows if (row.variant.title, row.dataset.text) == (side, dataset))
    evaluations = [record.evaluation for record in row.records(results.store).values() if record]
    score = next(iter(evaluations[0].metrics))
    return score, evaluations[0].cards[score], [one.metrics[score] for one in evaluations]


def _comparisons(results: gb.Results) -> int:
    """The size of the family, counted by hand from the plan."""
    cells = [row.texts for row in results.plan.rows]
    reference = results.plan.family.reference
    if not reference:
        return sum(a[2] == b[2] for a, b in combinations(cells, 2))
    counterparts = [(reference.get("loss", a[0]), reference.get("architecture", a[1]), a[2]) for a in cells]
    return sum(other in cells and other != cell for cell, other in zip(cells, counterparts, strict=True))


def _p(card: ProtocolCard, a: Sequence[float], b: Sequence[float]) -> float:
    """The p of the documented test, by scipy."""
    if card.kind == "count":
        ranks = scipy_stats.rankdata([*a, *b])
        center = len(a) * (len(ranks) + 1) / 2
        found = scipy_stats.permutation_test(
            (ranks[: len(a)], ranks[len(a) :]), lambda x, y, axis: abs(x.sum(axis=axis) - center), vectorized=True,
            n_resamples=np.inf, alternative="greater",
        )  # fmt: skip
        return float(found.pvalue)
    x, y = (np.log(a), np.log(b)) if card.kind == "log" else (a, b)
    return float(scipy_stats.ttest_ind(x, y, equal_var=False).pvalue)


@pytest.mark.parametrize("dataset", ["digits", "ring8"])
def test_one_question_has_one_answer_that_follows_from_the_records(
    inside: Cli, results: gb.Results, dataset: str
) -> None:
    assert not results.plan.family.primary
    assert not results.plan.family.paired
    (score, card, a), (_, _, b) = (_seeds(results, dataset, side) for side in SIDES)
    m = _comparisons(results)
    p = min(1.0, m * _p(card, a, b))
    better = (np.median(a) > np.median(b)) == (card.better == "higher")
    wanted = "inconclusive" if p >= 0.05 else "a better" if better else "b better"

    (said,) = [c for c in json.loads(inside("compare", *SIDES, "--json").out) if c["dataset"] == dataset]
    (api,) = [c for c in results.compare(*SIDES) if c.dataset == dataset]
    keys = ("minimax", "mlp"), ("nonsaturating", "mlp")
    family = results.family.between(dataset, *keys)
    assert family is not None
    assert results.family.m == m
    assert said["score"] == api.score == score
    assert said["verdict"] == api.verdict == wanted
    assert family.claim == {"a better": "better", "b better": "worse"}.get(wanted, wanted)
    for found in (said["difference"]["p_bonferroni"], api.adjusted, family.p_adjusted):
        assert found == pytest.approx(p)

    table = results.table(dataset).table
    (shown,) = [c for c in sentences.comparisons(table) if {row.key for row in c.rows} == set(keys)]
    assert shown.adjusted == pytest.approx(p)
    assert (shown.verdict in ("a better", "b better")) == (wanted != "inconclusive")
    claims = [text for text in sentences.conclusions(table) if "is better than" in text]
    assert any(all(side in text for side in SIDES) for text in claims) == (wanted != "inconclusive")
