"""Scores of conditional generators: each class on its own, and whether samples show the class that was asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import fsum

import torch
from torch import Tensor

from ganbench import Dataset, View
from ganbench_architectures.papers import PROJECTION
from ganbench_metrics.fidelity import Fid
from ganbench_metrics.neighbours import CoverageDensity
from ganbench_metrics.papers import NAEEM
from ganbench_transforms.limits import at_least

LEAST_ACCURACY = 0.5
"""A classifier that gives fewer of the real samples their labels does not know the classes of the data."""


def _classes(dataset: Dataset) -> int:
    return int(getattr(dataset, "classes", None) or 0)


def _by_class(real: View, fake: View, least: int, metric: str) -> Iterator[tuple[View, View]]:
    """Both sides of every class that the real samples have.

    Raises `ValueError` if a class has fewer than `least` samples on one of the sides.
    """
    assert real.labels is not None
    assert fake.labels is not None
    for label in range(_classes(fake.dataset)):
        rows = [torch.eq(labels, label).nonzero().flatten() for labels in (real.labels, fake.labels)]
        if not len(rows[0]):
            continue
        if min(map(len, rows)) < least:
            raise ValueError(
                f"class {label} has {len(rows[1])} generated and {len(rows[0])} real samples; {metric} needs {least} "
                "of each"
            )
        yield _rows(real, rows[0]), _rows(fake, rows[1])


def _rows(view: View, rows: Tensor) -> View:
    """Some samples of a view, as far as scores of features need them."""
    return View(view.stored[:0], view.features[rows], None, None, None, view.dataset)


def _mean_and_worst(
    real: View, fake: View, least: int, metric: str, score: Callable[[View, View], float], worst: Callable[..., float]
) -> tuple[float, float]:
    values = [score(*both) for both in _by_class(real, fake, least, metric)]
    return fsum(values) / len(values), worst(values)


@dataclass(frozen=True)
class ClassFid:
    """FID of every class by itself: the mean over the classes (Miyato and Koyama 2018, intra FID), and the worst.

    The samples of a class are those that were generated with its label, the real ones those that have it. Every class
    counts alike. FID of few samples is too large: compare only at equal numbers of samples.
    """

    version = "1"
    reference = PROJECTION
    better = {"class FID": "lower", "worst class FID": "lower"}
    kind = {"class FID": "log", "worst class FID": "log"}
    uses_extractor = True
    on_device = True
    needs = ("labels",)

    def supports(self, dataset: Dataset) -> str | None:
        return Fid().supports(dataset)

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        """Raises `ValueError` if a class has fewer than two samples on one of the sides."""
        mean, worst = _mean_and_worst(real, fake, 2, "class FID", lambda a, b: Fid()(a, b)["FID"], max)
        return {"class FID": mean, "worst class FID": worst}


@dataclass(frozen=True)
class ClassCoverage:
    """Coverage (Naeem et al. 2020) of every class by itself: the mean over the classes, and the worst.

    It falls if a label gives few different samples, which the coverage of all classes together need not show.
    """

    k: int = 5

    version = "1"
    reference = NAEEM
    better = {"class coverage": "higher", "worst class coverage": "higher"}
    kind = {"class coverage": "share", "worst class coverage": "share"}
    uses_extractor = True
    on_device = True
    needs = ("labels",)

    def __post_init__(self) -> None:
        at_least(1, k=self.k)

    def supports(self, dataset: Dataset) -> str | None:
        return None

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        """Raises `ValueError` if a class has fewer than k + 2 samples on one of the sides."""
        coverage = CoverageDensity(self.k)
        found = _mean_and_worst(real, fake, self.k + 2, "class coverage", lambda a, b: coverage(a, b)["coverage"], min)
        return {"class coverage": found[0], "worst class coverage": found[1]}


@dataclass(frozen=True)
class LabelAccuracy:
    """The share of samples to which the extractor's classifier gives the label that G was given.

    The classifier must have the classes of the data, in their order: as many logits, and the labels of at least half of
    the real samples. Real samples show what a perfect generator reaches.
    """

    version = "1"
    better = {"label accuracy": "higher"}
    kind = {"label accuracy": "share"}
    uses_extractor = True
    on_device = True
    needs = ("labels", "logits")

    def supports(self, dataset: Dataset) -> str | None:
        return None

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        """Raises `ValueError` if the classifier has other classes than the data."""
        count, classes = _width(fake), _classes(fake.dataset)
        if count != classes:
            raise ValueError(f"the extractor's classifier has {count} classes, the data have {classes}")
        known = _accuracy(real)
        if known < LEAST_ACCURACY:
            raise ValueError(
                f"the extractor's classifier gives {100 * known:.0f} % of the real samples their labels: its classes "
                "are not those of the data"
            )
        return {"label accuracy": _accuracy(fake)}


def _width(view: View) -> int:
    assert view.logits is not None
    return view.logits.shape[1]


def _accuracy(view: View) -> float:
    assert view.logits is not None
    assert view.labels is not None
    return torch.eq(view.logits.argmax(dim=1), view.labels).double().mean().item()
