"""The exact posterior of the components of a known density: an extractor without error, in any dimension."""

from collections.abc import Callable

import torch
from torch import Tensor

from ganbench import Dataset, Features


class ComponentPosterior:
    """Exact component posterior of a dataset that gives `log_components` and `least`; improbable points have no mode.

    Features are the points themselves, logits the components' log densities, `dataset.log_components(x)` (N, K). The
    mode is the most probable component if the density at the point is at least that component's entry of
    `dataset.least` (K,); the datasets that ship put it three standard deviations from a component.
    """

    version = "1"
    dims = None
    canonical = True
    gives = ("logits", "modes")

    def supports(self, dataset: Dataset) -> str | None:
        known = hasattr(dataset, "log_components") and hasattr(dataset, "least")
        return (
            None if known else "the dataset does not give the densities of its components (`log_components`, `least`)"
        )

    def fingerprint(self) -> str:
        return "exact"

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        log_components, least = dataset.log_components, dataset.least.to(device)  # type: ignore[attr-defined]

        def extract(points: Tensor) -> Features:
            parts: Tensor = log_components(points)
            mode = parts.argmax(dim=1)
            return Features(points, parts, torch.where(parts.logsumexp(dim=1) >= least[mode], mode, -1))

        return extract
