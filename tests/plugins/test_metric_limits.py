"""Nonsense numbers of metrics and extractors are refused when they are made, in one sentence that names the setting."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from conftest import Cli

from ganbench_extractors.mixture import MixturePosterior
from ganbench_metrics.by_class import ClassCoverage
from ganbench_metrics.fidelity import InceptionScore, Kid, PrecisionRecall
from ganbench_metrics.mode_shapes import ModeShapes
from ganbench_metrics.modes import Modes
from ganbench_metrics.neighbours import CoverageDensity, Memorisation
from ganbench_metrics.spread import Spread
from ganbench_metrics.transport import SlicedWasserstein

NONSENSE: tuple[tuple[Callable[[], object], str], ...] = (
    (lambda: MixturePosterior(radius=0.0), "radius must be > 0, got 0.0"),
    (lambda: ClassCoverage(k=0), "k must be >= 1, got 0"),
    (lambda: InceptionScore(splits=0), "splits must be >= 1, got 0"),
    (lambda: Kid(subsets=0), "subsets must be >= 1, got 0"),
    (lambda: Kid(subset_size=1), "subset_size must be >= 2, got 1"),
    (lambda: PrecisionRecall(neighbourhood=0), "neighbourhood must be >= 1, got 0"),
    (lambda: ModeShapes(share=1.5), "share must be >= 0 and <= 1, got 1.5"),
    (lambda: ModeShapes(projections=0), "projections must be >= 1, got 0"),
    (lambda: Modes(share=-0.1), "share must be >= 0 and <= 1, got -0.1"),
    (lambda: Modes(few=-1), "few must be >= 1, got -1"),
    (lambda: CoverageDensity(k=0), "k must be >= 1, got 0"),
    (lambda: CoverageDensity(count=-1), "count must be >= 0, got -1"),
    (lambda: Memorisation(near=0.0), "near must be > 0, got 0.0"),
    (lambda: Memorisation(count=-1), "count must be >= 0, got -1"),
    (lambda: Spread(count=-1), "count must be >= 0, got -1"),
    (lambda: SlicedWasserstein(projections=0), "projections must be >= 1, got 0"),
    (lambda: Modes(share=float("nan")), "share must be >= 0 and <= 1, got nan"),
)


@pytest.mark.parametrize(("make", "words"), NONSENSE)
def test_a_setting_that_makes_no_sense_is_refused_by_name(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        make()


def test_a_suite_with_one_is_refused_before_anything_is_trained(inside: Cli) -> None:
    done = inside("run", "--suite", "quick", "--set", "evaluation.metrics=[{modes: {few: -1}}]")
    assert done.code == 2, done.out
    assert "few must be >= 1, got -1" in done.err
