"""What a metric computes is the number that its definition gives: float64 references, shifts, orders, one feature."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist
from torch import Tensor

from ganbench import View
from ganbench_metrics.distances import SIDE
from ganbench_metrics.fidelity import Fid, InceptionScore, Kid, PrecisionRecall
from ganbench_metrics.mode_shapes import BEYOND, CHANCE, GAP, ModeShapes
from ganbench_metrics.neighbours import CoverageDensity, Memorisation
from ganbench_metrics.spread import Spread
from ganbench_metrics.transport import SlicedWasserstein

DIMS = 6
METRICS = {
    "fid": Fid(), "kid": Kid(subsets=10, subset_size=100), "precision-recall": PrecisionRecall(),
    "coverage-density": CoverageDensity(), "memorisation": Memorisation(), "spread": Spread(),
    "sliced-wasserstein": SlicedWasserstein(projections=16),
}  # fmt: skip
SHIFT_INVARIANT = [name for name in METRICS if name != "kid"]  # its cubic kernel has a zero
SCALED = {"FID": 2, "SW1": 1}
"""By which power of the unit a score grows; the others, KID left out, are ratios and shares."""


def _grid(count: int, seed: int, dims: int = DIMS, spread: float = 1.0, middle: float = 0.0) -> Tensor:
    """Normal points on multiples of 1/512, which float32 holds exactly also after 10,000 is added."""
    drawn = torch.randn(count, dims, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (((middle + spread * drawn) * 512).round() / 512).float()


def _view(points: Tensor, split: str = "train", other: Tensor | None = None) -> View:
    found = View(points, points, None, None, None, None, split=split)  # type: ignore[arg-type]
    return found if other is None else found._replace(other=lambda: _view(other, "test"))


def _sides(reals: int = 700, fakes: int = 900, dims: int = DIMS) -> tuple[Tensor, Tensor, Tensor]:
    """Training points, held-out points and fakes, which are narrower, off the middle, and copies in part."""
    train, held_out = _grid(reals, 0, dims), _grid(reals // 2, 1, dims)
    return train, held_out, torch.cat([_grid(fakes - 90, 2, dims, 0.8, 0.2), train[:90]])


def _scores(metric: Any, train: Tensor, held_out: Tensor, fake: Tensor) -> dict[str, float]:
    """As the evaluator computes them: with the real side's statistics prepared."""
    real = _view(train, other=held_out)
    if hasattr(metric, "statistics"):
        real = real._replace(statistics=metric.statistics(real, len(fake)))
    return dict(metric(real, _view(fake)))


@pytest.mark.parametrize("name", SHIFT_INVARIANT)
def test_a_shift_of_all_features_moves_no_score(name: str) -> None:
    sides = _sides()
    plain = _scores(METRICS[name], *sides)
    shifted = _scores(METRICS[name], *(side + 10_000 for side in sides))
    assert shifted == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("name", SHIFT_INVARIANT)
def test_another_unit_scales_a_score_or_leaves_it(name: str) -> None:
    sides = _sides()
    plain = _scores(METRICS[name], *sides)
    scaled = _scores(METRICS[name], *(side * 1024 for side in sides))
    assert scaled == pytest.approx({key: value * 1024 ** SCALED.get(key, 0) for key, value in plain.items()}, rel=1e-6)


@pytest.mark.parametrize("name", [name for name in METRICS if name != "kid"])
def test_the_order_of_the_fakes_moves_no_score(name: str) -> None:
    train, held_out, fake = _sides()
    order = torch.randperm(len(fake), generator=torch.Generator().manual_seed(5))
    plain = _scores(METRICS[name], train, held_out, fake)
    assert _scores(METRICS[name], train, held_out, fake[order]) == pytest.approx(plain, rel=1e-12)


def test_kid_and_is_depend_on_the_order_as_torch_fidelitys_do() -> None:
    """Their random subsets and splits are rows by number; equality with torch-fidelity needs the same ones."""
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    train, held_out, fake = _sides()
    logits = 3 * fake.double()
    order = torch.randperm(len(fake), generator=torch.Generator().manual_seed(5))
    kids, scores = [], []
    for rows in (torch.arange(len(fake)), order):
        theirs = kid_features_to_metric(
            fake[rows].double(), train.double(), kid_subsets=10, kid_subset_size=100, kid_kernel="poly", rng_seed=2020,
            verbose=False,
        )  # fmt: skip
        kids.append(_scores(METRICS["kid"], train, held_out, fake[rows])["KID"])
        assert kids[-1] == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
        wanted = isc_features_to_metric(logits[rows], splits=10, shuffle=True, rng_seed=2020)
        view = _view(fake[rows])._replace(logits=logits[rows])
        scores.append(InceptionScore()(_view(train), view)["IS"])
        assert scores[-1] == pytest.approx(wanted["inception_score_mean"], rel=1e-9)
    assert kids[0] != kids[1]
    assert scores[0] != scores[1]


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_takes_one_feature(name: str) -> None:
    found = _scores(METRICS[name], *_sides(dims=1))
    assert found
    assert all(math.isfinite(value) for value in found.values())


def _frechet(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    root = scipy.linalg.sqrtm(np.cov(train.T) @ np.cov(fake.T))
    gap = ((train.mean(axis=0) - fake.mean(axis=0)) ** 2).sum()
    return {"FID": gap + np.trace(np.cov(train.T)) + np.trace(np.cov(fake.T)) - 2 * np.trace(root).real}


def _mmd(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    stream, estimates = np.random.RandomState(2020), []
    for _ in range(10):
        x = fake[stream.choice(len(fake), 100, replace=False)]
        y = train[stream.choice(len(train), 100, replace=False)]
        kernels = [(a @ b.T / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y))]
        within = sum(k.sum() - np.trace(k) for k in kernels[:2]) / (100 * 99)
        estimates.append(within - 2 * kernels[2].mean())
    return {"KID": float(np.mean(estimates))}


def _radii(points: np.ndarray, k: int) -> np.ndarray:
    return np.asarray(np.sort(cdist(points, points), axis=1)[:, k])


def _balls(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    apart = cdist(fake, train)
    near = 1 + 1e-9  # a fake that is a copy lies on the edges of balls
    return {
        "precision": (apart <= near * _radii(train, 3)).any(axis=1).mean(),
        "recall": (apart <= near * _radii(fake, 3)[:, None]).any(axis=0).mean(),
    }


def _covered(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    """Coverage of as many fakes as real points: the chance to draw at least one inside, by scipy."""
    inside = (cdist(train, fake) <= (1 + 1e-9) * _radii(train, 5)[:, None]).sum(axis=1)
    none = scipy.stats.hypergeom(len(fake), inside, len(train)).pmf(0)
    return {"coverage": 1 - none.mean(), "density": inside.sum() / (5 * len(fake))}


def _copies(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    nearest = [np.sort(cdist(side, train).min(axis=1))[(len(side) - 1) // 2] for side in (fake, held_out)]
    return {"memorisation": min(1.0, nearest[0] / nearest[1])}


def _diverse(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    return {"diversity": min(1.0, pdist(fake).mean() / pdist(train).mean())}


def _sliced(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(16, train.shape[1], generator=generator, dtype=torch.float64).numpy()
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return {"SW1": float(np.mean([scipy.stats.wasserstein_distance(train @ u, fake @ u) for u in directions]))}


REFERENCES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, float]]] = {
    "fid": _frechet, "kid": _mmd, "precision-recall": _balls, "coverage-density": _covered, "memorisation": _copies,
    "spread": _diverse, "sliced-wasserstein": _sliced,
}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("counts", [(700, 900), (900, 900), (520, 1100)], ids=str)
def test_every_score_is_that_of_a_float64_reference(name: str, counts: tuple[int, int]) -> None:
    sides = _sides(*counts)
    assert counts[1] > SIDE  # more than one tile
    wanted = REFERENCES[name](*(side.double().numpy() for side in sides))
    found = _scores(METRICS[name], *sides)
    assert {key: found[key] for key in wanted} == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_precision_of_points_far_from_the_origin_is_that_of_points_around_it() -> None:
    """float32 differences of squares gave 1.000 for both."""
    real, fake = _grid(1000, 3, 64), _grid(1000, 4, 64)
    near = _scores(PrecisionRecall(), real, real, fake)
    far = _scores(PrecisionRecall(), real + 10_000, real, fake + 10_000)
    assert far == near
    assert near["precision"] < 0.95


def test_fid_of_features_with_a_large_mean() -> None:
    """A mean of 1,000 and a standard deviation of 1: means in float32 cost up to 2.4 %."""
    train, held_out, fake = (side + 1000 for side in _sides())
    wanted = _frechet(*(side.double().numpy() for side in (train, held_out, fake)))["FID"]
    assert _scores(Fid(), train, held_out, fake)["FID"] == pytest.approx(wanted, rel=1e-9)


def test_repeated_points_are_in_their_own_balls_only() -> None:
    """Fakes that repeat a few real points: their balls have radius 0, which `recall` says, wherever they lie."""
    train = _grid(600, 6)
    for shift in (0, 10_000):
        fake = train[:100].repeat(6, 1) + shift
        found = _scores(PrecisionRecall(), train + shift, train, fake)
        assert found == {"precision": 1.0, "recall": pytest.approx(1 / 6)}


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=9), st.lists(st.integers(-8, 8), min_size=1, max_size=7))
def test_sliced_wasserstein_of_one_dimension_is_scipys(ours: list[int], theirs: list[int]) -> None:
    x, y = (torch.tensor(side, dtype=torch.float32)[:, None] for side in (ours, theirs))
    found = SlicedWasserstein()(_view(x), _view(y))["SW1"]
    assert found == pytest.approx(scipy.stats.wasserstein_distance(ours, theirs), abs=1e-12)


@pytest.mark.parametrize("strays", [1, 2, 3])
def test_every_stray_sample_counts_in_sliced_wasserstein(strays: int) -> None:
    """Quantiles had missed one or two strays of 10,000, and counted three as five."""
    real = _grid(10_000, 7, 1)
    fake = real.clone()
    fake[:strays] += 1000
    assert SlicedWasserstein()(_view(real), _view(fake))["SW1"] == pytest.approx(strays * 1000 / 10_000, rel=1e-6)


def test_coverage_of_perfect_samples_does_not_depend_on_their_number() -> None:
    """At equal counts it is 1 - 2^-5 on average (Naeem et al. 2020), for 300 samples and for 3,000."""
    for fakes, reals in ((3000, 500), (500, 500), (300, 500)):
        found = [
            _scores(CoverageDensity(), _grid(reals, 10 + i), _grid(2, 0), _grid(fakes, 30 + i))["coverage"]
            for i in range(8)
        ]
        assert float(np.mean(found)) == pytest.approx(1 - 2**-5, abs=0.006)


def _shapes(shift: float = 0.0, unit: float = 1.0, order: Tensor | None = None, dims: int = DIMS) -> dict[str, float]:
    """`mode-shapes` of three modes, of which the fakes have one too narrow and one of another shape."""
    real, fake = _grid(900, 0, dims), _grid(1200, 1, dims)
    modes = torch.arange(1200) % 3
    fake[modes == 1] = fake[modes == 1].sign()
    fake[modes == 2] = fake[modes == 2] / 2
    order = torch.arange(1200) if order is None else order
    ours = _view((fake[order] + shift) * unit)._replace(modes=modes[order])
    return dict(ModeShapes()(_view((real + shift) * unit)._replace(modes=torch.arange(900) % 3), ours))


def test_the_shapes_of_modes_do_not_depend_on_shift_unit_or_order() -> None:
    plain = _shapes()
    order = torch.randperm(1200, generator=torch.Generator().manual_seed(5))
    for other in (_shapes(shift=10_000), _shapes(unit=1024), _shapes(unit=2.0**-30), _shapes(order=order)):
        assert other == pytest.approx(plain, rel=1e-6)
    assert set(_shapes(dims=1)) == set(plain)


def test_the_shapes_of_modes_are_those_of_a_float64_reference() -> None:
    real, fake = (_grid(count, seed).double().numpy() for count, seed in ((900, 0), (1200, 1)))
    fake[1::3], fake[2::3] = np.sign(fake[1::3]), fake[2::3] / 2
    lines = torch.randn(DIMS, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
    chance = BEYOND * GAP * (1 / 300 + 1 / 400) ** 0.5
    distances, ratios = [], []
    for mode in range(3):
        x, y = real[mode::3], fake[mode::3]
        gaps = [scipy.stats.wasserstein_distance(x @ line, y @ line) for line in lines.T]
        distances.append(np.mean(gaps) / (x @ lines).std(axis=0, ddof=1).mean() - chance)
        squares = ((x - x.mean(axis=0)) ** 2).sum(axis=1)
        error = 0.5 * math.sqrt(squares.var(ddof=1) / squares.mean() ** 2 * (1 / 300 + 1 / 400))
        ratio = 0.5 * math.log(y.var(axis=0, ddof=1).sum() / x.var(axis=0, ddof=1).sum())
        ratios.append((min(0.0, ratio + CHANCE * error), max(0.0, ratio - CHANCE * error)))
    found = _shapes()
    assert found["mode W1"] == pytest.approx(max(distances), rel=1e-6)
    assert found["narrowest mode"] == pytest.approx(math.exp(min(low for low, _ in ratios)), rel=1e-6)
    assert found["widest mode"] == pytest.approx(math.exp(max(high for _, high in ratios)), rel=1e-6)
