"""A score in words: means with intervals, ranges, and the one value that all seeds have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest
from factories import make_card
from hypothesis import given
from hypothesis import strategies as st

from ganbench.analysis.score_table import Score
from ganbench.report.text.spread import shown
from ganbench.statistics.intervals import Kind, summary, usable_kind

kinds = st.sampled_from(get_args(Kind))


def _score(values: Sequence[float], kind: Kind = "linear", most: int | None = None) -> Score:
    card = make_card(kind=kind, seeds=tuple(range(len(values))))
    used = usable_kind(kind, values)
    return Score(*summary(values, used), tuple(values), "higher", card, logs=used == "log", most=most)


@pytest.mark.parametrize(
    ("values", "kind", "most", "wanted"),
    [
        ([8.0] * 8, "count", 8, "8 of 8 in all 8 seeds"),
        ([8.0] * 8, "count", None, "8 in all 8 seeds"),
        ([4, 7, 8, 7, 6, 8, 7, 4], "count", 8, "6.38 (4-8)"),
        ([6, 8], "count", 8, "6-8 (2 seeds)"),
        ([8, 8], "count", 8, "8 of 8 in all 2 seeds"),
        ([7], "count", 8, "7 (1 seed)"),
        ([0.712, 0.785], "share", None, "0.712-0.785 (2 seeds)"),
        ([0.7121, 0.7122], "share", None, "0.712 (2 seeds)"),
        ([-3.0, 4.0, 2.0], "linear", None, "-3.00 to 4.00 (3 seeds)"),
        ([1.0] * 5, "linear", None, "1.00 in all 5 seeds"),
        ([40.0] * 7 + [2888.0], "log", None, "68.3 [19.3, 242]"),
        ([0.99, 1.0, 1.0, 0.9, 1.0], "share", None, "0.978 [0.924, 1.00]"),
        ([1.0, 1.001, 1.0, 1.0, 1.0], "linear", None, "1.0002 ± 0.0006"),
        ([1, 2, 4, 3, 5], "linear", None, "3.00 ± 1.96"),
    ],
)  # fmt: skip
def test_a_score_in_words(values: list[float], kind: Kind, most: int | None, wanted: str) -> None:
    assert str(shown(_score(values, kind, most))) == wanted


def test_seeds_that_did_not_finish_are_not_called_all() -> None:
    assert str(shown(_score([8.0] * 6, "count", 8), asked=8)) == "8 of 8 in all 6 finished seeds"
    assert str(shown(_score([8.0] * 8, "count", 8), asked=8)) == "8 of 8 in all 8 seeds"


def test_a_value_that_belongs_to_no_seed_is_one_number() -> None:
    score = Score(8.0, None, None, (8.0,), "higher", make_card(kind="count"), most=8)
    assert str(shown(score)) == "8"
    assert str(shown(replace(score, mean=None, values=()))) == ""


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=12), kinds)
def test_what_is_printed_lies_inside_what_is_printed_beside_it(values: list[float], kind: Kind) -> None:
    found = shown(_score(values, kind))
    numbers = [float(text) for text in re.findall(r"-?\d[\d.]*(?:e[-+]\d+)?", found.beside)]
    if found.beside.startswith("["):
        low, high = numbers
        assert low <= float(found.text) <= high
    elif found.half:
        assert numbers[0] > 0
    if len(values) < 5:
        assert "±" not in found.beside
        assert "[" not in found.beside
