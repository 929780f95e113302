"""What a suite says about its comparisons: reference, primary scores, pairing and margins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FamilySettings:
    """How the variants of a suite are compared. It is part of no run's id.

    `reference` is the label of the loss, the architecture or both that every other one is compared with; without it
    all pairs are compared. `primary` is the score of a dataset that is tested, without its extractor; by default the
    dataset's first. `paired` compares seed by seed. `margins` are the differences, for scores that vary by factors the
    factors, within which variants are called equal.
    """

    reference: Mapping[str, str] = field(default_factory=dict)
    """`loss`, `architecture` -> label"""
    primary: Mapping[str, str] = field(default_factory=dict)
    """dataset's label -> score"""
    paired: bool = False
    margins: Mapping[str, float] = field(default_factory=dict)
    """score -> margin"""
