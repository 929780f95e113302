"""Performance profiles over all datasets of a suite: the share of seeds above each level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ganbench.analysis.figure_data.aggregate import over_datasets, usable_places
from ganbench.analysis.score_table import Table
from ganbench.statistics import bootstrap

MOST = 7
"""Variants that color, marker and dashes tell apart in one panel."""
LEVELS = 201


class ProfileLine(NamedTuple):
    """One variant: its name in this figure, and the share of its seeds above each level."""

    label: str
    profile: bootstrap.Profile


@dataclass(frozen=True)
class ProfileInfo:
    """The variants by their interquartile means, best first; `levels` lie between uniform noise (0) and real data."""

    heading: str
    levels: bootstrap.Array
    lines: tuple[ProfileLine, ...]
    notes: tuple[str, ...] = ()


def profile_info(tables: list[Table], names: Sequence[str] = ()) -> ProfileInfo:
    """Profiles of at most `MOST` variants. Raises `UsageError` if there is no aggregate, or for an unknown name."""
    found = usable_places(tables)
    order = found.order()
    short, heading = over_datasets(tables, order, found.scores, names)
    asked = [title for title in order if title in short]
    levels = np.linspace(0, 1, LEVELS)
    lines = tuple(ProfileLine(short[one], bootstrap.profile(found.variants[one], levels)) for one in asked[:MOST])
    more = [f"the best {MOST} of {len(asked)} variants are drawn; choose with --variant"] if len(asked) > MOST else []
    return ProfileInfo(heading, levels, lines, (*more, *found.notes))
