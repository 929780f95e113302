"""A metric that needs many samples is checked with as many."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ganbench import Dataset, View
from ganbench.errors import ContractError
from ganbench.registry.contracts import Direction
from ganbench.registry.registry import Registry
from ganbench.testing import check_metric
from ganbench_datasets.digits import Digits


class Demanding:
    """A metric of digits that needs more samples than the kit takes by default."""

    better: Mapping[str, Direction] = {"score": "higher"}
    uses_extractor = False

    def __init__(self, least: int) -> None:
        self.least = least

    def supports(self, dataset: Dataset) -> str | None:
        return None if isinstance(dataset, Digits) else "it is for digits"

    def minimum(self, dims: int) -> int:
        return self.least

    def __call__(self, real: View, fake: View) -> Mapping[str, float]:
        return {"score": fake.samples.mean().item()}


def test_as_many_samples_are_taken_as_a_metric_needs(registry: Registry) -> None:
    check_metric(Demanding(1300), "demanding", registry)


def test_more_than_a_dataset_has_is_a_fault(registry: Registry) -> None:
    with pytest.raises(ContractError, match="needs 1400 samples per side; there are 1347"):
        check_metric(Demanding(1400), "demanding", registry)
