"""Published values: one name with several values, and the values that ship."""

from __future__ import annotations

import pytest

from ganbench.analysis.published_values import spreads
from ganbench.registry.registry import Registry
from ganbench.results.literature import PublishedRow, all_rows


def _row(variant: str, dataset: str = "cifar10", **scores: float) -> PublishedRow:
    return PublishedRow(variant, dataset, {name: (value, "") for name, value in scores.items()}, "a", "b", "c")


def test_a_name_ends_at_the_bracket_and_needs_two_different_values() -> None:
    found = spreads({
        "cifar10": [_row("A (CNN)", FID=20), _row("A", FID=10, IS=7), _row("A (ResNet)", FID=15), _row("B", FID=3)],
        "mnist": [_row("A", "mnist", FID=1), _row("A", "mnist", FID=1)],
    })  # fmt: skip
    assert [(one.dataset, one.name, one.score, one.values) for one in found] == [("cifar10", "A", "FID", (10, 15, 20))]
    assert (found[0].lowest.variant, found[0].highest.variant) == ("A", "A (CNN)")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        # the collection (two networks), Mimicry (twice), StudioGAN (2020 and 2023), TTUR, Lucic et al.
        ("WGAN-GP", (16.95, 19.83, 22.29, 25.85, 26.08, 29.3, 53.98, 55.8)),
        ("DCGAN", (28.95, 42.72, 48.29, 49.03)),
    ],
)
def test_what_is_published_for_one_name_on_cifar10(registry: Registry, name: str, values: tuple[float, ...]) -> None:
    (found,) = (
        one for one in spreads(all_rows(registry)) if (one.dataset, one.name, one.score) == ("cifar10", name, "FID")
    )
    assert found.values == values
    assert all(row.protocol and row.source for row in found.rows)
