"""Metrics against independent libraries, known answers, and sample sets made to fool them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from evaluators import digits_like, evaluator_of
from torch import Tensor

from ganbench import View
from ganbench.evaluation.evaluator import Evaluator
from ganbench.registry.registry import Registry
from ganbench_datasets.digits import Digits
from ganbench_datasets.mixtures import Mixture, Ring8
from ganbench_metrics.mode_shapes import ModeShapes
from ganbench_metrics.modes import Modes
from ganbench_metrics.neighbours import CoverageDensity, Memorisation
from ganbench_metrics.spread import Spread
from ganbench_metrics.transport import SlicedWasserstein

CPU = torch.device("cpu")


def test_fidelity_scores_are_torch_fidelitys_own(registry: Registry) -> None:
    """FID, IS, KID, precision and recall equal `calculate_metrics` on the same fixed images, in float64."""
    import torch_fidelity

    from benchmarks.evaluation import NAMES, Exact, Fixed

    torch_fidelity.register_feature_extractor("digits16-exact", Exact)
    fake = digits_like(1500)
    evaluator = evaluator_of(registry, "digits", 1500, ["fid", "inception-score", "kid", "precision-recall"])
    real = ((evaluator.real.samples + 1) * 127.5).round() / 127.5 - 1
    features = evaluator.features(real)
    evaluator.real = evaluator.real._replace(stored=real, features=features.features, logits=features.logits)
    ours = evaluator.scores(fake).values
    theirs = torch_fidelity.calculate_metrics(
        input1=Fixed(fake), input2=Fixed(real), isc=True, fid=True, kid=True, prc=True,
        feature_extractor="digits16-exact", batch_size=100, cuda=False, cache=False, verbose=False, save_cpu_ram=True,
    )  # fmt: skip
    for name, key in NAMES.items():
        assert ours[f"{name}[digits16]"] == pytest.approx(theirs[key], rel=1e-6), name


def test_precision_and_recall_know_which_side_is_which(registry: Registry) -> None:
    """Collapsed onto one real class: everything made is real, little that is real is made."""
    evaluator = evaluator_of(registry, "digits", 1000, ["precision-recall"])
    data = Digits().load("train")
    assert data.labels is not None
    ones = data.samples[data.labels == 1].repeat(8, 1, 1, 1)[:1000]
    scores = evaluator.scores(ones).values
    assert scores["precision[digits16]"] == 1.0
    assert scores["recall[digits16]"] < 0.2


def test_fid_of_the_training_set_against_itself_is_zero(registry: Registry) -> None:
    evaluator = evaluator_of(registry, "digits", 1347, ["fid"])
    assert evaluator.scores(Digits().load("train").samples).values["FID[digits16]"] == pytest.approx(0, abs=1e-3)


def _view(
    samples: Tensor,
    dataset: Any,
    modes: Tensor | None = None,
    logits: Tensor | None = None,
    labels: Tensor | None = None,
) -> View:
    return View(samples, samples, logits, modes, labels, dataset)


def test_coverage_and_density_are_what_scikit_learn_counts() -> None:
    from sklearn.neighbors import NearestNeighbors

    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(300, 8, generator=generator), 0.7 * torch.randn(300, 8, generator=generator)
    scores = CoverageDensity(k=5)(_view(real, None), _view(fake, None))
    radii = NearestNeighbors(n_neighbors=6).fit(real.numpy()).kneighbors(real.numpy())[0][:, 5]
    distances = np.linalg.norm(real.numpy()[:, None] - fake.numpy()[None], axis=2)
    inside = distances <= radii[:, None]
    assert scores["coverage"] == pytest.approx(inside.any(axis=1).mean())
    assert scores["density"] == pytest.approx(inside.sum() / (5 * 300))


def test_sliced_wasserstein_is_scipys_mean_over_directions() -> None:
    from scipy.stats import wasserstein_distance

    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2000, 2, generator=generator), torch.randn(2000, 2, generator=generator) * 0.5 + 0.3
    ours = SlicedWasserstein()(_view(real, None), _view(fake, None))["SW1"]
    angles = np.linspace(0, np.pi, 400, endpoint=False)
    theirs = np.mean(
        [
            wasserstein_distance(real.numpy() @ [np.cos(a), np.sin(a)], fake.numpy() @ [np.cos(a), np.sin(a)])
            for a in angles
        ]
    )
    assert ours == pytest.approx(theirs, rel=0.03)  # of other directions


def _mixture(evaluator: Evaluator) -> Mixture:
    assert isinstance(evaluator.dataset, Mixture)
    return evaluator.dataset


@pytest.mark.parametrize("name", ["ring8", "grid25"])
def test_a_perfect_sampler_captures_every_mode(registry: Registry, name: str) -> None:
    evaluator = evaluator_of(registry, name, 10_000, real_samples=10_000)
    scores = evaluator.scores(_mixture(evaluator).sample(10_000, torch.Generator().manual_seed(7))).values
    count = evaluator.dataset.modes
    assert scores["modes"] == scores["modes>=1"] == count
    assert scores["HQ"] == pytest.approx(1 - math.exp(-4.5), abs=0.004)
    assert scores["reverse KL"] == pytest.approx((count - 1) / 20_000, rel=0.9)
    assert scores["SW1"] < 0.05


@pytest.mark.parametrize("kept", [1, 3, 4])
def test_k_of_eight_modes_have_reverse_kl_log_8_over_k(registry: Registry, kept: int) -> None:
    evaluator = evaluator_of(registry, "ring8", 8000, ["modes"])
    ring = Ring8()
    modes = torch.arange(8000) % kept
    points = ring.centres[modes] + 0.5 * ring.std * torch.randn(8000, 2, generator=torch.Generator().manual_seed(0))
    scores = evaluator.scores(points).values
    assert scores["modes"] == kept
    assert scores["reverse KL"] == pytest.approx(math.log(8 / kept), abs=1e-3)


def test_a_blob_and_a_circle_capture_nothing(registry: Registry) -> None:
    """Sets that pass laxer counts: a blob hits modes once, a circle twenty times."""
    evaluator = evaluator_of(registry, "ring8", 10_000, ["modes"])
    generator = torch.Generator().manual_seed(0)
    blob = 1.4 * torch.randn(10_000, 2, generator=generator)
    angle = 2 * math.pi * torch.rand(10_000, generator=generator)
    circle = 2 * torch.stack([angle.cos(), angle.sin()], dim=1)
    assert evaluator.scores(blob).values["modes"] == 0
    scores = evaluator.scores(circle).values
    assert scores["modes>=1"] == 8
    assert scores["HQ"] < 0.12
    assert evaluator.scores(torch.full((10_000, 2), 50.0)).values["reverse KL"] == pytest.approx(math.log(8))


def test_labelled_data_are_counted_by_class() -> None:
    class Labelled:
        modes = 4
        shape = (1, 2, 2)

    labels = torch.arange(400) % 4
    logits = torch.zeros(300, 4)
    guessed = torch.tensor([0] * 150 + [1] * 149 + [2])
    logits[torch.arange(300), guessed] = 50.0
    real = _view(torch.zeros(400, 1), Labelled(), labels=labels)
    scores = Modes()(real, _view(torch.zeros(300, 1), Labelled(), modes=guessed, logits=logits))
    p = np.array([150, 149, 1]) / 300
    assert scores["modes"] == 2
    assert scores["class KL"] == pytest.approx(float((p * np.log(p / 0.25)).sum()), rel=1e-6)
    assert scores["confidence"] == pytest.approx(1.0)


class Labeled:
    modes = 3
    shape = (1, 2, 2)


def _class_kl(fakes: tuple[int, int, int], reals: tuple[int, int, int]) -> float:
    """`class KL` of samples with these numbers in each of three classes."""
    found, labels = (torch.repeat_interleave(torch.arange(3), torch.tensor(counts)) for counts in (fakes, reals))
    real = _view(torch.zeros(len(labels), 1), Labeled(), labels=labels)
    fake = _view(torch.zeros(len(found), 1), Labeled(), modes=found, logits=torch.zeros(len(found), 3))
    return float(Modes()(real, fake)["class KL"])


@pytest.mark.parametrize(
    ("fakes", "reals", "wanted"),
    [
        ((5, 5, 0), (5, 5, 0), 0.0),  # a class that neither side has adds nothing
        ((6, 2, 2), (4, 4, 2), 0.6 * math.log(1.5) + 0.2 * math.log(0.5)),
        ((10, 0, 0), (5, 5, 0), math.log(2)),
        ((5, 4, 1), (5, 5, 0), 0.5 * math.log(10.5 / 10) + 0.4 * math.log(0.4 * 10.5 / 5) + 0.1 * math.log(0.1 * 21)),
    ],
)
def test_class_kl_is_defined_where_a_class_is_missing(
    fakes: tuple[int, int, int], reals: tuple[int, int, int], wanted: float
) -> None:
    """A class that only the fakes have counts as half a real sample; full classes give the plain divergence."""
    assert _class_kl(fakes, reals) == pytest.approx(wanted, abs=1e-12)


def test_class_kl_grows_with_the_share_of_a_class_that_real_data_lack() -> None:
    values = [_class_kl((100 - share, 100 - share, 2 * share), (500, 500, 0)) for share in (0, 1, 10, 50, 100)]
    assert values[0] == 0
    assert values == sorted(values)
    assert values[-1] == pytest.approx(math.log(1000.5 / 0.5))


def test_inside_the_modes_only_what_chance_does_not_explain_counts() -> None:
    """Two modes of 1,000 samples: as they should be; one half as wide, off by a deviation, and with a fifth of the
    samples."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]])
    modes = torch.arange(2000) % 2

    def sampled(which: Tensor, scale: float = 1.0, off: float = 0.0) -> View:
        z = torch.randn(len(which), 3, generator=generator)
        there = (which == 0)[:, None]
        points = centres[which] + torch.where(there, scale * z, z)
        points[:, 0] += off * (which == 0)
        return _view(points, Ring8(), modes=which)

    real = sampled(modes)
    honest = ModeShapes()(real, sampled(modes))
    assert honest["rarest mode"] == honest["narrowest mode"] == honest["widest mode"] == 1.0
    assert honest["mode W1"] == 0.0
    assert ModeShapes()(real, sampled(modes, 0.5))["narrowest mode"] == pytest.approx(0.5, rel=0.1)
    assert ModeShapes()(real, sampled(modes, 2.0))["widest mode"] == pytest.approx(2.0, rel=0.1)
    off = ModeShapes()(real, sampled(modes, off=1.0))
    assert off["mode W1"] == pytest.approx(0.5, abs=0.15)  # a shift of 1 along one of three axes
    assert off["narrowest mode"] == off["widest mode"] == 1.0
    starved = ModeShapes()(real, sampled((torch.arange(2000) % 10 > 0).long()))
    assert starved["rarest mode"] == pytest.approx(0.2, rel=0.25)
    assert starved["narrowest mode"] == starved["widest mode"] == 1.0
    assert ModeShapes()(real, sampled(torch.full((2000,), -1))) == {"rarest mode": 0.0}


def _other(view: View) -> View:
    assert view.other is not None
    return view.other()


def _split_views(count: int = 1000) -> tuple[View, Tensor]:
    """A real side of random points, its held-out split beside it, and fresh points."""
    generator = torch.Generator().manual_seed(0)
    train, held_out, fresh = (torch.randn(count, 8, generator=generator) for _ in range(3))
    other = _view(held_out, None)
    return _view(train, None)._replace(split="train", other=lambda: other), fresh


@pytest.mark.parametrize(
    ("share", "low", "high"), [(0.0, 0.9, 1.1), (0.4, 0.5, 0.95), (0.6, 0.0, 1e-6), (1.0, 0.0, 1e-6)]
)
def test_memorisation_is_one_for_fresh_samples_and_falls_with_copies(share: float, low: float, high: float) -> None:
    real, fresh = _split_views()
    copies = int(share * len(fresh))
    fake = torch.cat([real.samples[:copies], fresh[copies:]])
    found = Memorisation()(real, _view(fake, None))
    assert low <= found["memorisation"] <= high
    assert found["copies"] == pytest.approx(share + 0.05 * (1 - share), abs=0.03)
    kinds = [fault.kind for fault in Memorisation().faults(found, Ring8())]
    assert kinds == ["memorising"] * (share > 0)


def test_memorisation_looks_at_the_training_split_whichever_is_compared_with() -> None:
    real, fresh = _split_views()
    turned = _other(real)._replace(split="test", other=lambda: real)
    for fake in (fresh, real.samples):
        assert Memorisation()(turned, _view(fake, None)) == Memorisation()(real, _view(fake, None))


def test_memorisation_against_scipys_nearest_neighbors() -> None:
    from scipy.spatial import cKDTree

    real, fresh = _split_views(500)
    fresh = 0.6 * fresh  # nearer to the middle of the data, so that the cap at 1 is not reached
    tree = cKDTree(real.samples.numpy())
    wanted = np.median(tree.query(fresh.numpy())[0]) / np.median(tree.query(_other(real).samples.numpy())[0])
    assert wanted < 0.95
    assert Memorisation()(real, _view(fresh, None))["memorisation"] == pytest.approx(
        wanted, rel=1e-3
    )  # torch takes the lower median


def test_held_out_copies_leave_nothing_to_compare_with() -> None:
    real, fresh = _split_views()
    same = real._replace(other=lambda: _view(real.samples, None))
    with pytest.raises(ValueError, match="copies of training samples"):
        Memorisation()(same, _view(fresh, None))


def test_diversity_is_relative_to_the_data() -> None:
    real, fresh = _split_views()
    assert Spread()(real, _view(fresh, None))["diversity"] > 0.97
    assert Spread()(real, _view(0.1 * fresh, None))["diversity"] == pytest.approx(0.1, abs=0.003)
    assert Spread()(real, _view(fresh[:1].expand(500, -1), None))["diversity"] == 0
