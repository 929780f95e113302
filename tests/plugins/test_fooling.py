"""Sample sets that are wrong in known ways are called what they are, by the default metrics alone."""

from __future__ import annotations

import pytest

from benchmarks.fooling import COUNTS, battery, right
from ganbench.registry.registry import Registry


@pytest.mark.parametrize("dataset", list(COUNTS))
def test_every_wrong_set_falls_below_the_honest_floor_and_is_named(registry: Registry, dataset: str) -> None:
    rows = battery(registry, dataset)
    assert len(rows) >= 9
    for row in rows:
        assert right(row), row
