"""FID, IS, KID, precision and recall on given features: torch-fidelity's scores, computed in float64."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import fsum

import numpy as np
import torch
from torch import Tensor
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric

from ganbench import Dataset, View, chunk_bytes
from ganbench_losses.papers import SALIMANS
from ganbench_metrics.distances import PART, SLACK, centered, mean_of, rows_at_a_time, squared_radii, squared_tiles
from ganbench_metrics.papers import BINKOWSKI, HEUSEL, KYNKAANNIEMI
from ganbench_metrics.verdict_limits import FID, INCEPTION_SCORE, PRECISION_RECALL
from ganbench_transforms.limits import at_least

KERNEL_ROWS = 250
"""Rows of a block of KID's kernel on a CPU: with 1,000 columns two blocks take 4 MB."""
SEED = 2020  # torch-fidelity's default, so that scores are comparable with published ones


def not_in_the_plane(dataset: Dataset) -> str | None:
    """Why the scores do not suit a dataset: moments and neighborhoods of points of one or two dimensions say little."""
    if len(dataset.shape) > 1 or dataset.shape[0] > 2:
        return None
    return "on points in the plane it does not detect missing modes; use modes and sliced-wasserstein"


@dataclass(frozen=True)
class Fid:
    """Frechet distance of Gaussians fitted to the features (Heusel et al. 2017)."""

    version = "2"
    reference = HEUSEL
    better = {"FID": "lower"}
    kind = {"FID": "log"}
    uses_extractor = True
    on_device = True
    limits = FID

    def supports(self, dataset: Dataset) -> str | None:
        return not_in_the_plane(dataset)

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
        root = covariance.new_zeros(len(live), len(values))
        root[live] = vectors * values.clamp(min=0).sqrt()
        return {"mean": mean, "trace": covariance.trace(), "root": root}

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        """|m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1 C2)^(1/2), the last from the symmetric R^T C2 R.

        R^T C2 R has the eigenvalues of C1 C2, but needs no imaginary parts discarded and no epsilon added.
        """
        known = real.statistics or self.statistics(real, len(fake.features))
        mean, covariance = _moments(fake.features)
        shared = torch.linalg.eigvalsh(known["root"].T @ covariance @ known["root"]).clamp(min=0).sqrt().sum()
        gap = (known["mean"] - mean).square().sum()
        return {"FID": (gap + known["trace"] + covariance.trace() - 2 * shared).clamp(min=0).item()}


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and unbiased covariance (d, d) of features (N, d), in float64 around the mean."""
    mean = mean_of(features)
    covariance = mean.new_zeros(len(mean), len(mean))
    for part in torch.split(features, rows_at_a_time(features.device, len(mean), PART)):
        rows = centered(part, mean)
        covariance.addmm_(rows.T, rows)
    return mean, covariance / (len(features) - 1)


@dataclass(frozen=True)
class InceptionScore:
    """exp E KL(p(y|x) || p(y)) over the classifier's labels, mean of splits (Salimans et al. 2016)."""

    splits: int = 10

    version = "2"
    reference = SALIMANS
    better = {"IS": "higher"}
    uses_extractor = True
    on_device = True
    limits = INCEPTION_SCORE
    needs = ("logits",)

    def __post_init__(self) -> None:
        at_least(1, splits=self.splits)

    def supports(self, dataset: Dataset) -> str | None:
        return not_in_the_plane(dataset)

    def minimum(self, dims: int) -> int:
        return 10 * self.splits

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        assert fake.logits is not None
        count = len(fake.logits)
        order = torch.from_numpy(np.random.RandomState(SEED).permutation(count)).to(fake.logits.device)
        ends = [i * count // self.splits for i in range(self.splits + 1)]
        parts = (fake.logits[order[start:end]] for start, end in pairwise(ends))
        scores = [isc_features_to_metric(part, splits=1, shuffle=False)[KEY_METRIC_ISC_MEAN] for part in parts]
        return {"IS": float(np.mean(scores))}


@dataclass(frozen=True)
class Kid:
    """Squared MMD with a cubic kernel, mean over random subsets (Binkowski et al. 2018)."""

    subsets: int = 100
    subset_size: int = 1000

    version = "2"
    reference = BINKOWSKI
    better = {"KID": "lower"}
    kind = {"KID": "log"}
    uses_extractor = True
    on_device = True

    def __post_init__(self) -> None:
        at_least(1, subsets=self.subsets)
        at_least(2, subset_size=self.subset_size)

    def supports(self, dataset: Dataset) -> str | None:
        return not_in_the_plane(dataset)

    def minimum(self, dims: int) -> int:
        return self.subset_size

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        """The unbiased estimate, mean over subsets."""
        known = real.statistics or self.statistics(real, len(fake.features))
        size, kernel = self.subset_size, _CubicKernel(self.subset_size, fake.features.device)
        ours, theirs = _Picked(fake.features), _Picked(real.features)
        subsets = self._rows(len(fake.features), len(real.features))
        estimates = []
        for (some, others), within in zip(subsets, known["within"].tolist(), strict=True):
            x, y = ours[some], theirs[others]
            between = kernel.total(x, y)
            estimates.append((kernel.within(x) + within) / (size * (size - 1)) - 2 * between / size**2)
        return {"KID": fsum(estimates) / len(estimates)}

    def statistics(self, real: View, count: int) -> dict[str, Tensor]:
        """Each subset's kernel sum over pairs of distinct real samples, (subsets,)."""
        kernel, theirs = _CubicKernel(self.subset_size, real.features.device), _Picked(real.features)
        sums = [kernel.within(theirs[others]) for _, others in self._rows(count, len(real.features))]
        return {"within": torch.tensor(sums, dtype=torch.float64)}

    def _rows(self, fakes: int, reals: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The row indices of torch-fidelity's subsets: fake, real, fake, real, ... from one random stream."""
        stream = np.random.RandomState(SEED)
        for _ in range(self.subsets):
            some, others = (stream.choice(count, self.subset_size, replace=False) for count in (fakes, reals))
            yield torch.from_numpy(some), torch.from_numpy(others)


class _Picked:
    """Rows of features (N, d) in float64: all are converted once on a CPU, and elsewhere those that are picked."""

    def __init__(self, features: Tensor) -> None:
        self.features = features.double() if features.device.type == "cpu" else features

    def __getitem__(self, rows: Tensor) -> Tensor:
        return self.features[rows.to(self.features.device)].double()


class _CubicKernel:
    """Sums of (x . y / d + 1)^3 over samples (m, d), block by block in reused buffers, which stay in a CPU's cache."""

    def __init__(self, size: int, device: torch.device) -> None:
        fitting = min(size, max(1, chunk_bytes(device) // (8 * size)))
        self.rows = KERNEL_ROWS if device.type == "cpu" else fitting
        self.kernel, self.squares = torch.empty(2, self.rows * size, dtype=torch.float64, device=device)

    def total(self, x: Tensor, y: Tensor) -> float:
        """The sum over all pairs."""
        return _exact_sum(self._block(rows / x.shape[1], y) for rows in torch.split(x, self.rows))

    def within(self, x: Tensor) -> float:
        """The sum over pairs of distinct samples; blocks beside the diagonal count twice."""
        blocks = torch.split(x, self.rows)
        diagonal = _exact_sum(self._block(rows / x.shape[1], rows) for rows in blocks)
        right = (x[i * self.rows :] for i in range(1, len(blocks)))
        beside = _exact_sum(self._block(rows / x.shape[1], y) for rows, y in zip(blocks, right, strict=False))
        own = (x * x).sum(dim=1) / x.shape[1] + 1
        return diagonal + 2 * beside - (own * own * own).sum().item()

    def _block(self, rows: Tensor, y: Tensor) -> Tensor:
        """The sum () over pairs of some rows, divided by d, and y."""
        count = len(rows) * len(y)
        kernel, squares = self.kernel[:count], self.squares[:count]
        kernel.fill_(1).view(len(rows), len(y)).addmm_(rows, y.T)
        torch.mul(kernel, kernel, out=squares)
        return torch.dot(squares, kernel)


def _exact_sum(numbers: Iterable[Tensor]) -> float:
    """The sum of numbers (), which are fetched from their device together."""
    known = list(numbers)
    return fsum(torch.stack(known).tolist()) if known else 0.0


@dataclass(frozen=True)
class PrecisionRecall:
    """Improved precision and recall by k-nearest-neighbor balls (Kynkaanniemi et al. 2019).

    Samples that are repeated more than k times have balls of radius 0, which reach their own copies only: `recall` of a
    few images repeated says little.
    """

    neighbourhood: int = 3

    version = "2"
    reference = KYNKAANNIEMI
    better = {"precision": "higher", "recall": "higher"}
    kind = {"precision": "share", "recall": "share"}
    uses_extractor = True
    on_device = True
    limits = PRECISION_RECALL

    def __post_init__(self) -> None:
        at_least(1, neighbourhood=self.neighbourhood)

    def supports(self, dataset: Dataset) -> str | None:
        return not_in_the_plane(dataset)

    def minimum(self, dims: int) -> int:
        return self.neighbourhood + 2

    def statistics(self, real: View, count: int) -> dict[str, Tensor]:
        """The real samples' center (d,), and the squared distance of each to its k-th nearest neighbor, (N,)."""
        center = mean_of(real.features)
        return {"center": center, "radii": squared_radii(real.features, center, self.neighbourhood)}

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        """Precision: the share of fakes in a real sample's ball; recall: that of real samples in a fake's ball."""
        known = real.statistics or self.statistics(real, len(fake.features))
        radii = squared_radii(fake.features, known["center"], self.neighbourhood)
        plausible, reached = (
            torch.zeros(len(side.features), dtype=torch.bool, device=side.features.device) for side in (fake, real)
        )
        for rows, columns, tile in squared_tiles(fake.features, real.features, known["center"], SLACK):
            plausible[rows] |= (tile <= known["radii"][columns]).any(dim=1)
            reached[columns] |= (tile <= radii[rows, None]).any(dim=0)
        return {"precision": plausible.double().mean().item(), "recall": reached.double().mean().item()}
