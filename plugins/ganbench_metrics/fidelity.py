"""FID, IS, KID, precision and recall on given features, numerically equal to torch-fidelity's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric

from ganbench import Dataset, Fault, View
from ganbench_metrics.papers import BINKOWSKI, HEUSEL, KYNKAANNIEMI, SALIMANS
from ganbench_metrics.verdict_limits import LEAST_PRECISION

BLOCK = 1_000_000
"""Distances computed at a time: a block of a distance matrix takes 4 MB and stays in the cache."""
SEED = 2020  # torch-fidelity's default, so that scores are comparable with published ones


def images_only(dataset: Dataset) -> str | None:
    if len(dataset.shape) == 3:
        return None
    return "on points it does not detect missing modes; use modes and sliced-wasserstein"


@dataclass(frozen=True)
class Fid:
    """Frechet distance of Gaussians fitted to the features (Heusel et al. 2017)."""

    version = "1"
    reference = HEUSEL
    better = {"FID": "lower"}
    kind = {"FID": "log"}
    uses_extractor = True

    def supports(self, dataset: Dataset) -> str | None:
        return images_only(dataset)

    def minimum(self, dims: int) -> int:
        """Twice the number of features: with fewer samples the covariance is singular or nearly so."""
        return 2 * dims

    def statistics(self, real: View, count: int) -> dict[str, Tensor]:
        """Mean (d,), trace () and a root R (d, r) of the covariance, R R^T = C.

        Features that are always zero are left out of the root: their eigenvalues are zero, and the
        square root would turn a rounding error of 1e-12 into 1e-6.
        """
        mean, covariance = _moments(real.features)
        live = covariance.diagonal() > 0
        values, vectors = torch.linalg.eigh(covariance[live][:, live])
        root = torch.zeros(len(live), len(values), dtype=torch.float64)
        root[live] = vectors * values.clamp(min=0).sqrt()
        return {"mean": mean, "trace": covariance.trace(), "root": root}

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        """|m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1 C2)^(1/2), the last from the symmetric R^T C2 R.

        R^T C2 R has the eigenvalues of C1 C2, but needs no imaginary parts discarded and no epsilon added.
        """
        known = real.statistics or self.statistics(real, len(fake.features))
        mean, covariance = _moments(fake.features)
        shared = torch.linalg.eigvalsh(known["root"].T @ covariance @ known["root"]).clamp(min=0).sqrt().sum()
        difference = (known["mean"] - mean).numpy()
        gap = float(difference.dot(difference))  # in the features' precision, as torch-fidelity has it
        return {"FID": (gap + known["trace"] + covariance.trace() - 2 * shared).clamp(min=0).item()}


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance (float64) as torch-fidelity computes them."""
    found = fid_features_to_statistics(features)
    return torch.from_numpy(found["mu"]), torch.from_numpy(found["sigma"])


@dataclass(frozen=True)
class InceptionScore:
    """exp E KL(p(y|x) || p(y)) over the classifier's labels, mean of splits (Salimans et al. 2016)."""

    splits: int = 10

    version = "1"
    reference = SALIMANS
    better = {"IS": "higher"}
    uses_extractor = True
    needs = ("logits",)

    def supports(self, dataset: Dataset) -> str | None:
        return images_only(dataset)

    def minimum(self, dims: int) -> int:
        return 10 * self.splits

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        scores = isc_features_to_metric(fake.logits, splits=self.splits, shuffle=True, rng_seed=SEED)
        return {"IS": scores[KEY_METRIC_ISC_MEAN]}


@dataclass(frozen=True)
class Kid:
    """Squared MMD with a cubic kernel, mean over random subsets (Binkowski et al. 2018)."""

    subsets: int = 100
    subset_size: int = 1000

    version = "1"
    reference = BINKOWSKI
    better = {"KID": "lower"}
    kind = {"KID": "log"}
    uses_extractor = True

    def supports(self, dataset: Dataset) -> str | None:
        return images_only(dataset)

    def minimum(self, dims: int) -> int:
        return self.subset_size

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        """The unbiased estimate, mean over subsets; in float32 with torch-fidelity's order of sums."""
        known = real.statistics or self.statistics(real, len(fake.features))
        size, kernel = self.subset_size, _CubicKernel(self.subset_size)
        ours, theirs = fake.features.numpy(), real.features.numpy()
        estimates = []
        for (some, others), within in zip(self._rows(len(ours), len(theirs)), known["within"].numpy(), strict=True):
            between = kernel(ours[some], theirs[others]).sum(axis=0).sum()
            estimates.append((kernel.within(ours[some]) + within) / (size * (size - 1)) - 2 * between / size**2)
        return {"KID": float(np.mean(estimates))}

    def statistics(self, real: View, count: int) -> dict[str, Tensor]:
        """Each subset's kernel sum over pairs of distinct real samples, (subsets,)."""
        kernel, theirs = _CubicKernel(self.subset_size), real.features.numpy()
        sums = [kernel.within(theirs[others]) for _, others in self._rows(count, len(theirs))]
        return {"within": torch.from_numpy(np.array(sums))}

    def _rows(self, fakes: int, reals: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The row indices of torch-fidelity's subsets: fake, real, fake, real, ... from one random stream."""
        stream = np.random.RandomState(SEED)
        for _ in range(self.subsets):
            some = stream.choice(fakes, self.subset_size, replace=False)
            yield some, stream.choice(reals, self.subset_size, replace=False)


class _CubicKernel:
    """(x . y / d + 1)^3 of samples (m, d), in reused buffers: a new matrix would cost page faults."""

    def __init__(self, size: int) -> None:
        self.products, self.cubes = np.empty((2, size, size), dtype=np.float32)

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        np.matmul(x, y.T, out=self.products)
        self.products *= 1.0 / x.shape[1]
        self.products += 1
        return np.power(
            self.products, 3, out=self.cubes
        )  # two multiplications would round differently, by 1e-6 of the score

    def within(self, x: np.ndarray) -> np.float32:
        """The sum over pairs of distinct samples."""
        found = self(x, x)
        total: np.float32 = (found.sum(axis=1) - np.diagonal(found)).sum()
        return total


@dataclass(frozen=True)
class PrecisionRecall:
    """Improved precision and recall by k-nearest-neighbor balls (Kynkaanniemi et al. 2019)."""

    neighbourhood: int = 3

    version = "1"
    reference = KYNKAANNIEMI
    better = {"precision": "higher", "recall": "higher"}
    kind = {"precision": "share", "recall": "share"}
    uses_extractor = True

    def supports(self, dataset: Dataset) -> str | None:
        return images_only(dataset)

    def minimum(self, dims: int) -> int:
        return self.neighbourhood + 2

    def faults(self, scores: Mapping[str, float], dataset: Dataset) -> list[Fault]:
        """Low quality: more than half of the samples lie outside the real neighborhoods."""
        return [Fault("low quality")] if scores["precision"] < LEAST_PRECISION else []

    def statistics(self, real: View, count: int) -> dict[str, Tensor]:
        """Each real sample's distance to its k-th nearest neighbor, (N,)."""
        return {"radii": self._radii(real.features)}

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        known = real.statistics or self.statistics(real, len(fake.features))
        precision = _reached(fake.features, real.features, known["radii"])
        return {"precision": precision, "recall": _reached(real.features, fake.features, self._radii(fake.features))}

    def _radii(self, x: Tensor) -> Tensor:
        count = self.neighbourhood + 1  # the nearest is the point itself
        return torch.cat([torch.cdist(part, x).topk(count, largest=False).values[:, -1] for part in _blocks(x, x)])


def _reached(points: Tensor, centres: Tensor, radii: Tensor) -> float:
    """The share of points that are in at least one ball."""
    inside = [(torch.cdist(part, centres) <= radii).any(dim=1) for part in _blocks(points, centres)]
    return torch.cat(inside).float().mean().item()


def _blocks(points: Tensor, others: Tensor) -> tuple[Tensor, ...]:
    return torch.split(points, max(1, BLOCK // len(others)))
