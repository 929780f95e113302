"""How many samples fall into each mode, or class, on both sides of a comparison."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.registry.contracts import View
from ganbench.results.records import Histogram

BINS = 1000
"""Most bins: a classifier's larger vocabulary is not that of the data, and no figure shows it."""


def histogram(real: View, fake: View) -> Histogram | None:
    """Counts by the extractor's modes, else by the class of the largest logit; None where it gives neither.

    `of` says "classes" where the data are labelled or logits alone decide, else "modes"; `outside`
    are the fakes that belong to no mode, None where every sample is given a class.
    """
    if fake.modes is not None:
        ours, theirs = fake.modes, real.modes
    elif fake.logits is not None:
        ours, theirs = fake.logits.argmax(dim=1), None if real.logits is None else real.logits.argmax(dim=1)
    else:
        return None
    bins = _bins(real, fake, ours, theirs)
    if bins > BINS:
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
    """As many as the data have modes or the classifier classes; more only where a sample falls beyond."""
    known = fake.dataset.modes or (0 if fake.logits is None else fake.logits.shape[1])
    highest = [int(side.max()) + 1 for side in (ours, theirs) if side is not None and len(side)]
    return max(known, *highest)


def _counts(modes: Tensor, bins: int) -> tuple[int, ...]:
    return tuple(torch.bincount(modes[modes >= 0], minlength=bins).tolist())
