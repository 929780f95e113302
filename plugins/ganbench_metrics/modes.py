"""Mode counts: how many modes are captured and how evenly, and how many samples belong to none."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from ganbench import Dataset, Fault, View
from ganbench_metrics.verdict_limits import LEAST_IN_MODES, MODES
from ganbench_transforms.limits import at_least, shares


@dataclass(frozen=True)
class Modes:
    """Captured modes and their evenness; for labeled data, classes and the classifier's confidence.

    A mode is captured if it holds at least N share / K of the N samples: a `share` of its fair part.
    `HQ` is the share of samples that belong to a mode, `reverse KL` the divergence (nats) of
    their histogram from the uniform one. `modes>=1` counts modes hit at least once by the first
    `few` samples: a single blob can hit them all, so it serves only for comparison with papers
    (VEEGAN, PacGAN). For labeled data `class KL` compares with the histogram of the real labels; a class that
    only the fakes have counts there as half a real sample, the estimator of Krichevsky and Trofimov (1981).
    """

    share: float = 0.1
    few: int = 2500

    version = "2"
    better = {
        "modes": "higher",
        "HQ": "higher",
        "reverse KL": "lower",
        "modes>=1": "higher",
        "class KL": "lower",
        "confidence": "higher",
    }
    kind = {
        "modes": "count",
        "HQ": "share",
        "reverse KL": "log",
        "modes>=1": "count",
        "class KL": "log",
        "confidence": "share",
    }
    uses_extractor = True
    on_device = True
    needs = ("logits", "modes")
    limits = MODES

    def __post_init__(self) -> None:
        shares(share=self.share)
        at_least(1, few=self.few)

    def supports(self, dataset: Dataset) -> str | None:
        return None if dataset.modes else "the dataset does not state its number of modes"

    def faults(self, scores: Mapping[str, float], dataset: Dataset) -> list[Fault]:
        """Collapsed: one of several modes is captured. Partial: some modes, or none."""
        captured, count = int(scores["modes"]), dataset.modes or 0
        if captured == 1 < count and scores.get("HQ", 1.0) >= LEAST_IN_MODES:
            return [Fault("collapsed", captured, count)]
        return [Fault("partial", captured, count)] if captured < count else []

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        assert fake.modes is not None
        assert fake.logits is not None
        assert fake.dataset.modes is not None
        count = fake.dataset.modes
        histogram = counts_of(fake.modes, count)
        captured = (histogram >= self.share * len(fake.modes) / count).sum().item()
        if real.labels is not None:
            confidence = fake.logits.double().softmax(dim=1).amax(dim=1).mean().item()
            divergence = kl_divergence(histogram, counts_of(real.labels, count))
            return {"modes": captured, "class KL": divergence, "confidence": confidence}
        return {
            "modes": captured,
            "HQ": (fake.modes >= 0).double().mean().item(),
            "reverse KL": kl_divergence(histogram, torch.ones_like(histogram)),
            "modes>=1": (counts_of(fake.modes[: self.few], count) > 0).sum().item(),
        }


def counts_of(modes: Tensor, count: int) -> Tensor:
    """How many samples are in each of `count` modes, (count,) float64; those in none (-1) are left out."""
    return torch.bincount(modes[modes >= 0], minlength=count).double()


def kl_divergence(histogram: Tensor, other: Tensor) -> float:
    """KL(histogram || other) in nats, both normalized; log K if the histogram is empty.

    0 log 0 is 0: a class without a fake adds nothing. A class that `other` lacks and the histogram has would make the
    divergence infinite; it counts as half a sample there (Krichevsky and Trofimov, The performance of universal
    encoding, 1981, add as much to every class), so that the value stays finite and grows with the share of such
    samples. All other classes keep their counts: without such a class this is the plain divergence.
    """
    if histogram.sum() == 0:
        return log(len(histogram))
    counts = torch.where((other == 0) & (histogram > 0), 0.5, other.double())
    p, q = histogram / histogram.sum(), counts / counts.sum()
    return torch.xlogy(p, torch.where(p > 0, p / q, 1.0)).sum().clamp(min=0).item()
