"""Compact letters say of every pair whether it differs, and nothing else."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.statistics.letters import in_short, letters


def _parts(text: str) -> set[str]:
    """A1 is one letter."""
    found: list[str] = []
    for char in text:
        if char.isdigit():
            found[-1] += char
        else:
            found.append(char)
    return set(found)


@pytest.mark.parametrize(
    ("different", "wanted"),
    [
        ([], {"a": "A", "b": "A", "c": "A"}),
        ([("a", "c")], {"a": "A", "b": "AB", "c": "B"}),
        ([("a", "b"), ("a", "c")], {"a": "A", "b": "B", "c": "B"}),
        ([("a", "b"), ("a", "c"), ("b", "c")], {"a": "A", "b": "B", "c": "C"}),
        ([("b", "a")], {"a": "A", "b": "B", "c": "AB"}),
    ],
)
def test_letters_of_three(different: list[tuple[str, str]], wanted: dict[str, str]) -> None:
    assert letters("abc", different) == wanted


def test_nothing_has_no_letters() -> None:
    assert letters([], []) == {}


def test_more_groups_than_letters_have_numbers() -> None:
    items = range(30)
    found = letters(items, list(combinations(items, 2)))
    assert list(found.values())[:2] == ["A", "B"]
    assert list(found.values())[25:28] == ["Z", "A1", "B1"]


@given(st.integers(1, 7), st.data())
def test_two_items_share_a_letter_exactly_if_they_do_not_differ(count: int, data: st.DataObject) -> None:
    pairs = list(combinations(range(count), 2))
    different = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    found = {item: _parts(text) for item, text in letters(range(count), different).items()}
    assert all(found.values())
    for pair in pairs:
        assert bool(found[pair[0]] & found[pair[1]]) == (pair not in different)
    used = {letter for own in found.values() for letter in own}
    holders = [frozenset(item for item in found if letter in found[item]) for letter in used]
    assert not any(a < b or (a == b and i != j) for i, a in enumerate(holders) for j, b in enumerate(holders))


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("A", "A"),
        ("ABC", "ABC"),
        ("ABCD", "A-D"),
        ("ACEGI", "ACEGI"),
        ("ABCDEFH", "A-F H"),
        ("ACEFGHIK", "AC E-I K"),
        ("XYZA1B1", "X-B1"),
        ("better", "better"),
        ("", ""),
    ],
)
def test_letters_in_a_row_are_written_as_the_first_and_the_last(text: str, short: str) -> None:
    assert in_short(text) == short
