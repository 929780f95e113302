"""Samples that are wrong in known ways and doses are called what they are, honest ones are not, by default metrics."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.fooling import DATASETS, HONEST, honest_rows, right, wrong
from benchmarks.wrong_sets import IMAGES, POINTS, Way
from ganbench.registry.registry import Registry

EVERY_THIRD = {way.title for ways in (POINTS, IMAGES) for way in ways[::3]}


def _first_and_named(way: Way[Any], dose: float) -> bool:
    return way.title in EVERY_THIRD and dose in (way.doses[0], way.named)


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name != "grid25"])
def test_wrong_sets_are_named_from_the_stated_dose_on(registry: Registry, dataset: str) -> None:
    rows = list(wrong(registry, dataset, _first_and_named))
    assert len(rows) >= 10
    assert [row for row in rows if not right(row)] == []
    assert all(row["verdict"] == "ok" for row in rows if row["dose"] in (1, 0, 10) and not row["wrong"])


@pytest.mark.parametrize("dataset", DATASETS)
def test_honest_sets_have_no_fault(registry: Registry, dataset: str) -> None:
    assert [row for row in honest_rows(registry, dataset, range(HONEST, HONEST + 3)) if row["verdict"] != "ok"] == []


@pytest.mark.slow
@pytest.mark.parametrize("dataset", DATASETS)
def test_every_dose_is_named_and_no_honest_set_is(registry: Registry, dataset: str) -> None:
    """The whole benchmark: 38 or more wrong sets and 60 honest sets of each of all datasets."""
    rows = list(wrong(registry, dataset))
    assert sum(row["wrong"] for row in rows) >= 38
    assert [row for row in rows if not right(row)] == []
    assert [row for row in honest_rows(registry, dataset, range(HONEST)) if row["verdict"] != "ok"] == []
