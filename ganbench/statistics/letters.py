"""Compact letters: items that share a letter are not significantly different (Piepho 2004)."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Sequence
from string import ascii_uppercase
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def letters(items: Sequence[Item], different: Collection[tuple[Item, Item]]) -> dict[Item, str]:
    """The letters of items, which are in their order from the best, such as A, AB, B.

    Two items share a letter exactly if no pair of `different` holds both. By insertion and absorption (Piepho 2004,
    "An algorithm for a letter-based representation of all-pairwise comparisons", J. Comput. Graph. Stat. 13): a group
    that holds a different pair is split into one without each of the two, and groups within others are dropped.
    """
    bit = {item: 1 << i for i, item in enumerate(items)}
    groups = [sum(bit.values())] if items else []  # a group as the sum of its items' bits
    for a, b in different:
        groups = _without(groups, bit[a], bit[b])
    groups.sort(key=lambda group: [i for i in range(len(items)) if group >> i & 1])
    return {item: "".join(_letter(i) for i, group in enumerate(groups) if group & bit[item]) for item in items}


def _without(groups: Sequence[int], a: int, b: int) -> list[int]:
    """The groups, none of which is within another one, after those that hold both items are split.

    A part is within another group only if that was not split: parts without the same item are within each other only if
    their groups were, and of two parts without different items each has the item that the other lacks.
    """
    both = a | b
    kept = [group for group in groups if group & both != both]
    parts = [group ^ item for group in groups if group & both == both for item in (a, b)]
    return kept + [part for part in parts if not any(part & other == part for other in kept)]


def _letter(index: int) -> str:
    """A, B, ... Z, A1, B1, ... Z1, A2, ..."""
    turn, place = divmod(index, len(ascii_uppercase))
    return ascii_uppercase[place] + (str(turn) if turn else "")


RUN = 4
"""So many letters in a row are written as the first and the last."""


def in_short(text: str) -> str:
    """The same letters with less ink: `ABCDEFH` as `A-F H`; what is no letters stays as it is."""
    found = [(ascii_uppercase.index(one[0]), int(one[1:] or 0)) for one in re.findall(r"[A-Z]\d*", text)]
    places = [turn * len(ascii_uppercase) + place for place, turn in found]
    if "".join(map(_letter, places)) != text or len(places) < RUN:
        return text
    words: list[str] = []
    for run in _runs(places):
        if len(run) >= RUN:
            words.append(f"{_letter(run[0])}-{_letter(run[-1])}")
        elif words and "-" not in words[-1]:
            words[-1] += "".join(map(_letter, run))
        else:
            words.append("".join(map(_letter, run)))
    return " ".join(words)


def _runs(places: Sequence[int]) -> list[list[int]]:
    """Parts in which each place follows the one before."""
    parts: list[list[int]] = []
    for place in places:
        if parts and parts[-1][-1] == place - 1:
            parts[-1].append(place)
        else:
            parts.append([place])
    return parts
