"""Counts of samples by mode or class, for the real and the fake side."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.registry.contracts import View
from ganbench.results.records import Histogram

MAX_BINS = 1000
"""With more bins there is no histogram."""


def histogram(real: View, fake: View) -> Histogram | None:
    """Counts by the extractor's modes, or by the class of the largest logit; None if it gives neither.

    None too if the classifier's classes are not those of the data. `of` is "classes" if the data are labelled or only
    logits are known, otherwise "modes"; `outside` counts the fakes that belong to no mode, and is None if every sample
    is assigned a class.
    """
    if fake.modes is not None:
        ours, theirs = fake.modes, real.modes
    elif fake.logits is not None and fake.logits.shape[1] == fake.dataset.modes:
        ours, theirs = fake.logits.argmax(dim=1), None if real.logits is None else real.logits.argmax(dim=1)
    else:
        return None
    bins = _bins(real, fake, ours, theirs)
    if bins > MAX_BINS:
        return None
    return Histogram(
        of="modes" if fake.modes is not None and real.labels is None else "classes",
        fake=_counts(ours, bins),
        real=None if theirs is None else _counts(theirs, bins),
        outside=int((ours < 0).sum()) if fake.modes is not None else None,
        n=len(ours),
        n_real=None if theirs is None else len(theirs),
    )


def _bins(real: View, fake: View, ours: Tensor, theirs: Tensor | None) -> int:
    """The number of modes of the data or of classes of the classifier; more only if a sample lies beyond."""
    known = fake.dataset.modes or (0 if fake.logits is None else fake.logits.shape[1])
    highest = [int(side.max()) + 1 for side in (ours, theirs) if side is not None and len(side)]
    return max(known, *highest)


def _counts(modes: Tensor, bins: int) -> tuple[int, ...]:
    return tuple(torch.bincount(modes[modes >= 0], minlength=bins).tolist())
