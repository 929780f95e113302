"""Points of known density: spiral, moons, checkerboard, anisotropic and high-dimensional mixtures; their scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import cos, pi, sin
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import sklearn.datasets
import torch
from evaluators import evaluator_of
from torch import Tensor

from ganbench import FeatureExtractor
from ganbench.errors import UsageError
from ganbench.registry.contracts import feature_count
from ganbench.registry.registry import Registry
from ganbench_datasets.curves import Curves, Spiral, TwoMoons
from ganbench_datasets.densities import AnisotropicMixture, Checkerboard, Components, HighDimensionalMixture
from ganbench_extractors.components import ComponentPosterior

PLANE = (AnisotropicMixture(), TwoMoons(), Spiral(), Checkerboard())
ALL = (*PLANE, HighDimensionalMixture())
COUNT = 4_000


def _name(dataset: object) -> str:
    return type(dataset).__name__


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("dataset", PLANE, ids=_name)
def test_a_density_in_the_plane_adds_up_to_one(dataset: Components) -> None:
    side, reach = 300, 3.0
    axis = ((torch.arange(side) + 0.5) / side * 2 - 1).double() * reach
    parts = torch.split(torch.cartesian_prod(axis, axis), 100_000)
    total = sum(float(dataset.log_density(part).exp().sum()) for part in parts) * (2 * reach / side) ** 2
    assert total == pytest.approx(1, abs=1e-6 if not isinstance(dataset, AnisotropicMixture) else 1e-3)


@pytest.mark.parametrize("dataset", ALL, ids=_name)
def test_the_components_add_up_to_the_density_and_are_equally_likely(dataset: Components) -> None:
    x = dataset.sample(100_000, _generator())
    parts = dataset.log_components(x)
    assert parts.shape == (100_000, dataset.modes)
    assert parts.dtype == torch.float32
    assert torch.equal(parts.logsumexp(dim=1), dataset.log_density(x))
    posterior = parts.double().softmax(dim=1).mean(dim=0)  # E p(k | x) = 1 / K
    assert posterior.tolist() == pytest.approx([1 / dataset.modes] * dataset.modes, rel=0.04)


@pytest.mark.parametrize("dataset", PLANE, ids=_name)
def test_points_of_a_component_have_its_density(dataset: Components) -> None:
    """The share of a component's points in a disc is the integral of its density there."""
    x = dataset.draw(torch.full((400_000,), dataset.modes - 1), _generator()).double()
    radius = 0.05
    axis = (torch.arange(100).double() + 0.5) / 50 * radius - radius
    disc = torch.cartesian_prod(axis, axis)
    disc = disc[disc.norm(dim=1) < radius]
    for place in x[:4]:
        share = ((x - place).norm(dim=1) < radius).double().mean().item()
        density = dataset.log_components(disc + place)[:, -1].exp().mean().item() * dataset.modes
        assert share == pytest.approx(density * pi * radius**2, rel=0.08, abs=2e-4)


def test_an_anisotropic_mixture_is_that_of_scipy() -> None:
    data = AnisotropicMixture(components=3, scale=1.5, long=0.4, short=0.1, turn=30)
    x = data.sample(50, _generator()).double()
    wanted = np.zeros(50)
    for k in range(3):
        angle = 2 * pi * k / 3
        along = np.array([cos(angle + pi / 6), sin(angle + pi / 6)])
        across = np.array([-along[1], along[0]])
        covariance = 0.16 * np.outer(along, along) + 0.01 * np.outer(across, across)
        wanted += scipy.stats.multivariate_normal([1.5 * cos(angle), 1.5 * sin(angle)], covariance).pdf(x.numpy()) / 3
    assert data.log_density(x).exp().numpy() == pytest.approx(wanted, rel=1e-9)


def test_a_high_dimensional_mixture_is_that_of_scipy() -> None:
    data = HighDimensionalMixture(dims=5, components=7, scale=1.0, std=0.5)
    x = data.sample(50, _generator()).double()
    centers = [np.eye(5)[k] if k < 5 else -np.eye(5)[k - 5] for k in range(7)]
    wanted = sum(scipy.stats.multivariate_normal(center, 0.25 * np.eye(5)).pdf(x.numpy()) / 7 for center in centers)
    assert data.log_density(x).exp().numpy() == pytest.approx(wanted, rel=1e-9)


def test_a_checkerboard_is_that_of_scipy() -> None:
    data = Checkerboard(squares=3, scale=1.5, std=0.1)
    assert data.modes == 5
    x = data.sample(50, _generator()).double().numpy()
    corners = [(i - 1.5, j - 1.5) for i in range(3) for j in range(3) if (i + j) % 2 == 0]
    cdf = scipy.stats.norm(scale=0.1).cdf
    wanted = sum(
        np.prod([cdf(x[:, d] - corner[d]) - cdf(x[:, d] - corner[d] - 1) for d in (0, 1)], axis=0) / 5
        for corner in corners
    )
    assert data.log_density(torch.from_numpy(x)).exp().numpy() == pytest.approx(wanted, rel=1e-9)


def test_a_checkerboard_has_a_finite_density_far_away() -> None:
    found = Checkerboard().log_density(torch.tensor([[50.0, -50.0], [-50.0, 50.0], [0.0, 50.0]]))
    assert bool(found.isfinite().all())
    assert found.max().item() < -1e6


@pytest.mark.parametrize("arm", [0, 1])
def test_moons_are_those_of_scikit_learn(arm: int) -> None:
    points, labels = sklearn.datasets.make_moons(2_001 * 2, shuffle=False)
    theirs = points[labels == arm] - (0.5, 0.25)
    ours = TwoMoons().along(torch.full((2_001,), arm), torch.linspace(0, 1, 2_001)).numpy()
    assert np.abs(ours - theirs).max() < 1e-6


@pytest.mark.parametrize("dataset", [TwoMoons(), Spiral(), Spiral(arms=3, turns=0.6, parts=2, std=0.1)], ids=_name)
def test_the_density_along_a_curve_is_scipys_integral(dataset: Curves) -> None:
    x = dataset.sample(3, _generator()).double()
    x = torch.cat([x, x + torch.tensor([0.3, -0.2])])
    for point, found in zip(x, dataset.log_density(x), strict=True):
        total = 0.0
        for arm in range(dataset.arms):
            at = dataset.along(torch.full((20_001,), arm), torch.linspace(0, 1, 20_001, dtype=torch.float64))
            near = torch.exp(-(point - at).square().sum(dim=1) / (2 * dataset.std**2))
            whole = float(scipy.integrate.simpson(near.numpy(), dx=1 / 20_000))
            total += whole / (2 * pi * dataset.std**2 * dataset.arms)
        assert found.exp().item() == pytest.approx(total, rel=1e-6, abs=1e-12)


def test_a_spiral_is_archimedean_and_its_points_lie_evenly() -> None:
    data = Spiral(arms=1)
    points = data.along(torch.zeros(4_001, dtype=torch.long), torch.linspace(0, 1, 4_001, dtype=torch.float64))
    radius = points.norm(dim=1)
    angle = torch.from_numpy(np.unwrap(torch.atan2(points[:, 1], points[:, 0]).numpy()))
    assert (radius - (0.4 + 1.6 * angle / (2 * pi * 1.5))).abs().max() < 1e-9
    steps = points.diff(dim=0).norm(dim=1)
    assert steps.min().item() == pytest.approx(steps.max().item(), rel=1e-4)
    assert steps.sum().item() == pytest.approx(data.length, rel=1e-6)


@pytest.mark.parametrize("dataset", PLANE, ids=_name)
def test_a_density_has_the_gradient_of_its_differences(dataset: Components) -> None:
    x = dataset.sample(20, _generator()).double().requires_grad_()
    (gradient,) = torch.autograd.grad(dataset.log_density(x).sum(), x)
    step = torch.tensor([1e-6, 0.0]).double()
    differences = (dataset.log_density(x + step) - dataset.log_density(x - step)) / 2e-6
    assert gradient[:, 0].tolist() == pytest.approx(differences.tolist(), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("dataset", ALL, ids=_name)
def test_nearly_all_real_points_have_a_mode_and_noise_has_none(dataset: Components) -> None:
    extract = ComponentPosterior().open(dataset, torch.device("cpu"))
    component = torch.arange(COUNT) % dataset.modes
    modes = extract(dataset.draw(component, _generator())).modes
    assert modes is not None
    inside = modes >= 0
    assert inside.double().mean().item() >= 0.985
    assert (modes == component)[inside].double().mean().item() >= 0.95  # neighbors on a curve share their ends
    far = extract(20 + torch.randn(100, *dataset.shape, generator=_generator())).modes
    assert far is not None
    assert far.tolist() == [-1] * 100


def test_a_point_of_a_gaussian_has_its_mode_up_to_three_standard_deviations() -> None:
    data = AnisotropicMixture(components=2, scale=3, long=0.5, short=0.1, turn=0)
    extract = ComponentPosterior().open(data, torch.device("cpu"))
    inside = torch.tensor([[3 + 2.99 * 0.5, 0.0], [3, 2.99 * 0.1], [-3, 2.99 * 0.1]])
    outside = torch.tensor([[3 + 3.01 * 0.5, 0.0], [3, 3.01 * 0.1], [-3, 3.01 * 0.1]])
    assert extract(inside).modes.tolist() == [0, 0, 1]  # type: ignore[union-attr]
    assert extract(outside).modes.tolist() == [-1, -1, -1]  # type: ignore[union-attr]


@pytest.mark.parametrize("std", [1e-4, 0.1, 40.0])
def test_very_many_dimensions_neither_overflow_nor_fill_the_memory(std: float) -> None:
    data = HighDimensionalMixture(dims=400, components=3, scale=1.0, std=std)
    x = data.sample(1_000, _generator()).double()
    nearest = torch.stack([(x - center).square().sum(dim=1) for center in data.centers], dim=1)
    wanted = torch.logsumexp(-nearest / (2 * std**2), dim=1) - np.log(3) - 200 * np.log(2 * pi * std**2)
    assert data.log_density(x).tolist() == pytest.approx(wanted.tolist(), rel=1e-9)
    modes = ComponentPosterior().open(data, torch.device("cpu"))(x).modes
    assert modes is not None
    assert (modes >= 0).double().mean().item() == pytest.approx(0.989, abs=0.015)
    assert len(data.load("test").samples) == 10_000


def test_a_long_curve_is_integrated_in_panels() -> None:
    fine = TwoMoons(std=0.002)
    x = fine.sample(200, _generator()).double()
    angle = torch.linspace(0, 1, 400_001, dtype=torch.float64)
    for point, found in zip(x[:5], fine.log_density(x[:5]), strict=True):
        total = sum(
            torch.exp(
                -(fine.along(torch.full((400_001,), arm), angle) - point).square().sum(dim=1) / (2 * 0.002**2)
            ).mean()
            for arm in (0, 1)
        )
        assert found.exp().item() == pytest.approx(float(total) / (2 * pi * 0.002**2 * 2), rel=1e-4)


def _lost(data: Components, g: torch.Generator) -> Tensor:
    return data.draw(torch.randint(data.modes - 1, (COUNT,), generator=g), g)


def _one(data: Components, g: torch.Generator) -> Tensor:
    return data.draw(torch.zeros(COUNT, dtype=torch.long), g)


def _starved(data: Components, g: torch.Generator) -> Tensor:
    component = torch.randint(data.modes, (COUNT,), generator=g)
    moved = (component == 0) & (torch.rand(COUNT, generator=g) < 0.5)
    return data.draw(torch.where(moved, 1, component), g)


def _normal(data: Components, g: torch.Generator) -> Tensor:
    x = data.sample(COUNT, g)
    return x.mean(dim=0) + x.std(dim=0) * torch.randn(x.shape, generator=g)


def _halved(data: Any, g: torch.Generator) -> Tensor:
    name = "short" if isinstance(data, AnisotropicMixture) else "std"
    narrow: Components = replace(data, **{name: getattr(data, name) / 2})
    return narrow.sample(COUNT, g)


PLANTED: list[tuple[Callable[[Any, torch.Generator], Tensor], set[str]]] = [
    (lambda data, g: data.sample(COUNT, g), {"ok"}),
    (_lost, {"partial"}),
    (_one, {"collapsed"}),
    (_starved, {"imbalanced"}),
    (_normal, {"low quality", "imbalanced", "partial"}),
    (_halved, {"distorted", "too narrow"}),
]


@pytest.mark.parametrize(
    "name", ["anisotropic-mixture", "high-dimensional-mixture", "two-moons", "spiral", "checkerboard"]
)
def test_planted_faults_get_their_verdicts(name: str, registry: Registry) -> None:
    evaluator = evaluator_of(registry, name, samples=COUNT, real_samples=COUNT)
    data: Any = evaluator.dataset
    for make, due in PLANTED:
        if make is _halved and name == "checkerboard":
            continue  # half the noise of an edge is half a percent of the points
        found = evaluator.scores(make(data, _generator(7))).evaluation
        assert found.verdict is not None
        assert found.verdict.fault in due, (make, found.verdict.text)


def test_the_distance_of_densities_is_scipys_less_chance(registry: Registry) -> None:
    evaluator = evaluator_of(registry, "spiral", metrics=["known-density"], samples=3_000, real_samples=5_000)
    data: Any = evaluator.dataset
    fakes = replace(data, std=0.03).sample(3_000, _generator())
    found = evaluator.scores(fakes).evaluation.metrics["density KS"]
    reals = evaluator.real.samples
    wanted = scipy.stats.ks_2samp(data.log_density(fakes).numpy(), data.log_density(reals).numpy()).statistic
    assert found == pytest.approx(wanted - 1.95 * (1 / 3_000 + 1 / 5_000) ** 0.5)
    assert found > 0.05


def test_the_number_of_features_of_such_data_is_that_of_their_numbers(registry: Registry) -> None:
    extractor: FeatureExtractor = registry.create("extractor", registry.choose("extractor", "components", {}))
    assert extractor.dims is None
    assert feature_count(extractor, HighDimensionalMixture(dims=7, components=3)) == 7
    assert feature_count(extractor, Spiral()) == 2


@pytest.mark.parametrize(
    ("name", "params", "problem"),
    [
        ("spiral", {"inner": 3.0}, "inner must be below scale"),
        ("spiral", {"arms": 0}, "arms must be >= 1"),
        ("two-moons", {"std": 0}, "std must be 1e-05 to 1e\\+03 here, got 0"),
        ("spiral", {"std": 0.0005}, "the curves are 45,778 std long; at most 5,000 can be integrated"),
        ("checkerboard", {"std": 1e-300}, "std must be 2e-05 to 2e\\+03 here"),
        ("checkerboard", {"squares": 1}, "squares must be >= 2"),
        ("anisotropic-mixture", {"short": -1}, "short must be 2e-05 to 2e\\+03 here, got -1"),
        ("high-dimensional-mixture", {"dims": 3}, "3 axes have room for 6 components, got 10"),
    ],
)
def test_settings_that_make_no_density_are_refused(
    name: str, params: dict[str, Any], problem: str, registry: Registry
) -> None:
    with pytest.raises(UsageError, match=problem):
        registry.create("dataset", registry.choose("dataset", name, params))
