"""Modes of stacked sets: the ones that a classifier is sure of, and hits as VEEGAN and PacGAN count them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp

import torch

from ganbench import Dataset, Fault, View
from ganbench_extractors.mixture import PAPER as SRIVASTAVA
from ganbench_metrics.modes import counts_of, kl_divergence
from ganbench_metrics.verdict_limits import LEAST_EFFECTIVE, LEAST_IN_MODES, STACKED_MODES
from ganbench_transforms.limits import shares
from ganbench_transforms.packing import LIN

LEAST = 5000
"""Fewest samples: five for each of 1,000 modes. With fewer, an honest sample misses modes by chance."""


@dataclass(frozen=True)
class StackedModes:
    """Captured modes of a stacked set, and hits as VEEGAN and PacGAN count them.

    `modes`, `HQ` and `reverse KL` are those of the metric `modes`, over the samples that the classifier is sure of:
    a mode is captured if it holds at least N share / K of the N samples, `HQ` is the share of samples in a mode, and
    `reverse KL` the divergence (nats) of their histogram from the uniform one. `hits` and `hits KL` are for comparison
    with papers (VEEGAN, PacGAN): every sample counts for the class of its largest logit, and one sample hits a mode.
    Noise can hit most modes.
    """

    share: float = 0.1

    version = "1"
    reference = (SRIVASTAVA, LIN)
    better = {
        "modes": "higher",
        "HQ": "higher",
        "reverse KL": "lower",
        "hits": "higher",
        "hits KL": "lower",
    }
    kind = {
        "modes": "count",
        "HQ": "share",
        "reverse KL": "log",
        "hits": "count",
        "hits KL": "log",
    }
    uses_extractor = True
    on_device = True
    needs = ("logits", "modes")
    limits = STACKED_MODES

    def __post_init__(self) -> None:
        shares(share=self.share)

    def supports(self, dataset: Dataset) -> str | None:
        return None if hasattr(dataset, "base") else "it is for stacked sets, which have a `base`; use modes"

    def minimum(self, dims: int) -> int:
        return LEAST

    def faults(self, scores: Mapping[str, float], dataset: Dataset) -> list[Fault]:
        """Collapsed: the samples in modes are as good as all in one. K exp(-KL) is the effective number of modes."""
        count = dataset.modes or 0
        effective = count * exp(-scores["reverse KL"])
        if scores["HQ"] >= LEAST_IN_MODES and effective < LEAST_EFFECTIVE < count:
            told = f"reverse KL {scores['reverse KL']:.3g}: as of {effective:.2g} of {count:,} modes, equally full"
            return [Fault("collapsed", round(effective), count, evidence=told)]
        return []

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        assert fake.modes is not None
        assert fake.logits is not None
        assert fake.dataset.modes is not None
        count = fake.dataset.modes
        sure, hits = counts_of(fake.modes, count), counts_of(fake.logits.argmax(dim=1), count)
        uniform = torch.ones_like(sure)
        return {
            "modes": (sure >= self.share * len(fake.modes) / count).sum().item(),
            "HQ": (fake.modes >= 0).double().mean().item(),
            "reverse KL": kl_divergence(sure, uniform),
            "hits": (hits > 0).sum().item(),
            "hits KL": kl_divergence(hits, uniform),
        }
