"""Evaluation noise: how much the scores of one generator differ between sets of latents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import stdev

SELECTION = 1_000_000
"""The set of latents on whose samples the best snapshot is chosen. 0 is the one that scores are of, and those of the
evaluation noise count from 1."""


def score_noise(
    scores: Mapping[str, float], scores_of: Callable[[int], Mapping[str, float]], sets: int
) -> dict[str, float]:
    """The standard deviation of each score over `sets` further sets of latents and the one that `scores` are of.

    `scores_of` gives the scores of a set by its number, from 1. A score that some set lacks has no noise.
    """
    found = [scores, *(scores_of(number) for number in range(1, sets + 1))]
    return {name: stdev(one[name] for one in found) for name in scores if all(name in one for one in found)}
