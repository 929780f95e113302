"""Metrics against independent libraries, against known answers, and against sets made to fool."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from ganbench import View
from ganbench.errors import ContractError, MissingError
from ganbench.evaluation.evaluator import Evaluator, NotFinite, Source
from ganbench.evaluation.references import reference_samples
from ganbench.registry.registry import Registry
from ganbench.suite.specs import EvaluationSpec
from ganbench_datasets.digits import Digits
from ganbench_datasets.mixtures import Grid25, Mixture, Ring8
from ganbench_extractors.digits16 import SHA256, WEIGHTS, Digits16, DigitsNet
from ganbench_metrics.modes import Modes
from ganbench_metrics.neighbours import CoverageDensity, Memorisation
from ganbench_metrics.spread import Spread
from ganbench_metrics.transport import SlicedWasserstein

CPU = torch.device("cpu")


def _evaluator(
    registry: Registry,
    dataset: str,
    samples: int = 5000,
    metrics: Sequence[str] | None = None,
    real_samples: int = 0,
    **params: Any,
) -> Evaluator:
    made = registry.create("dataset", registry.choose("dataset", dataset, params))
    extractor = registry.choose("extractor", made.extractor, {})
    choices = tuple(registry.choose("metric", name, {}) for name in metrics or made.metrics)
    evaluation = EvaluationSpec(samples=samples, real_samples=real_samples, extractor=extractor, metrics=choices)
    created = {choice.name: registry.create("metric", choice) for choice in choices}
    return Evaluator(made, evaluation, registry.create("extractor", extractor), created, CPU)


def _digits_like(count: int, seed: int = 0) -> Tensor:
    """Images near real ones, on the 8-bit grid that an image file has."""
    generator = torch.Generator().manual_seed(seed)
    real = Digits().load("train").samples
    rows = torch.randint(len(real), (count,), generator=generator)
    noisy = (real[rows] + 0.2 * torch.randn(count, 1, 16, 16, generator=generator)).clamp(-1, 1)
    return ((noisy + 1) * 127.5).round() / 127.5 - 1


def test_fidelity_scores_are_torch_fidelitys_own(registry: Registry) -> None:
    """FID, IS, KID, precision and recall equal `calculate_metrics` on the same fixed images."""
    import torch_fidelity

    from benchmarks.evaluation import NAMES, Fixed, Wrapped

    torch_fidelity.register_feature_extractor("digits16-wrapped", Wrapped)
    fake = _digits_like(1500)
    evaluator = _evaluator(registry, "digits", 1500, ["fid", "inception-score", "kid", "precision-recall"])
    real = ((evaluator.real.samples + 1) * 127.5).round() / 127.5 - 1
    features = evaluator.features(real)
    evaluator.real = evaluator.real._replace(samples=real, features=features.features, logits=features.logits)
    ours = evaluator.scores(fake).values
    theirs = torch_fidelity.calculate_metrics(
        input1=Fixed(fake), input2=Fixed(real), isc=True, fid=True, kid=True, prc=True,
        feature_extractor="digits16-wrapped", batch_size=100, cuda=False, cache=False, verbose=False, save_cpu_ram=True,
    )  # fmt: skip
    for name, key in NAMES.items():
        assert ours[f"{name}[digits16]"] == pytest.approx(theirs[key], rel=1e-6), name


def test_scores_do_not_depend_on_the_batch_size(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    import ganbench.evaluation.evaluator

    evaluator = _evaluator(registry, "digits", 1200)
    fake = _digits_like(1200)
    whole = evaluator.scores(fake).values
    for size in (1, 7, 64):
        monkeypatch.setattr(ganbench.evaluation.evaluator, "EXTRACTION_BATCH", size)
        for name, value in evaluator.scores(fake).values.items():
            assert value == pytest.approx(whole[name], rel=1e-5, abs=1e-7), (size, name)


def test_precision_and_recall_know_which_side_is_which(registry: Registry) -> None:
    """Collapsed onto one real class: everything made is real, little that is real is made."""
    evaluator = _evaluator(registry, "digits", 1000, ["precision-recall"])
    data = Digits().load("train")
    assert data.labels is not None
    ones = data.samples[data.labels == 1].repeat(8, 1, 1, 1)[:1000]
    scores = evaluator.scores(ones).values
    assert scores["precision[digits16]"] == 1.0
    assert scores["recall[digits16]"] < 0.2


def test_fid_of_the_training_set_against_itself_is_zero(registry: Registry) -> None:
    evaluator = _evaluator(registry, "digits", 1347, ["fid"])
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
    real, fake = torch.randn(300, 8, generator=generator), 0.7 * torch.randn(250, 8, generator=generator)
    scores = CoverageDensity(k=5)(_view(real, None), _view(fake, None))
    radii = NearestNeighbors(n_neighbors=6).fit(real.numpy()).kneighbors(real.numpy())[0][:, 5]
    distances = np.linalg.norm(real.numpy()[:, None] - fake.numpy()[None], axis=2)
    inside = distances <= radii[:, None]
    assert scores["coverage"] == pytest.approx(inside.any(axis=1).mean())
    assert scores["density"] == pytest.approx(inside.sum() / (5 * 250))


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
    assert ours == pytest.approx(theirs, rel=0.03)


def test_mixtures_are_where_the_literature_puts_them() -> None:
    ring, grid = Ring8(), Grid25()
    assert ring.centres.shape == (8, 2)
    torch.testing.assert_close(ring.centres.norm(dim=1), torch.full((8,), 2.0))
    assert torch.cdist(ring.centres, ring.centres).fill_diagonal_(9).min() > 1.5  # eight, no endpoint twice
    assert sorted({round(x, 6) for x in (grid.centres * 2).flatten().tolist()}) == [-4, -2, 0, 2, 4]
    assert grid.std * 2 == 0.05
    x = ring.sample(200_000, torch.Generator().manual_seed(3))
    assert (x - ring.centres[torch.cdist(x, ring.centres).argmin(1)]).std().item() == pytest.approx(0.02, rel=0.01)


def test_the_mixtures_log_density_is_scipys() -> None:
    from scipy.stats import multivariate_normal

    grid = Grid25()
    x = grid.sample(50, torch.Generator().manual_seed(0))
    density = np.mean([multivariate_normal(c.numpy(), grid.std**2).pdf(x.numpy()) for c in grid.centres], axis=0)
    np.testing.assert_allclose(grid.log_density(x).numpy(), np.log(density), rtol=2e-4, atol=2e-4)


def _mixture(evaluator: Evaluator) -> Mixture:
    assert isinstance(evaluator.dataset, Mixture)
    return evaluator.dataset


@pytest.mark.parametrize("name", ["ring8", "grid25"])
def test_a_perfect_sampler_captures_every_mode(registry: Registry, name: str) -> None:
    evaluator = _evaluator(registry, name, 10_000, real_samples=10_000)
    scores = evaluator.scores(_mixture(evaluator).sample(10_000, torch.Generator().manual_seed(7))).values
    count = evaluator.dataset.modes
    assert scores["modes"] == scores["modes>=1"] == count
    assert scores["HQ"] == pytest.approx(1 - math.exp(-4.5), abs=0.004)
    assert scores["reverse KL"] == pytest.approx((count - 1) / 20_000, rel=0.9)
    assert scores["SW1"] < 0.05


@pytest.mark.parametrize("kept", [1, 3, 4])
def test_k_of_eight_modes_have_reverse_kl_log_8_over_k(registry: Registry, kept: int) -> None:
    evaluator = _evaluator(registry, "ring8", 8000, ["modes"])
    ring = Ring8()
    modes = torch.arange(8000) % kept
    points = ring.centres[modes] + 0.5 * ring.std * torch.randn(8000, 2, generator=torch.Generator().manual_seed(0))
    scores = evaluator.scores(points).values
    assert scores["modes"] == kept
    assert scores["reverse KL"] == pytest.approx(math.log(8 / kept), abs=1e-3)


def test_a_blob_and_a_circle_capture_nothing(registry: Registry) -> None:
    """Sets that pass laxer counts: a blob hits modes once, a circle twenty times."""
    evaluator = _evaluator(registry, "ring8", 10_000, ["modes"])
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


def test_samples_or_features_that_are_not_finite_give_no_score(registry: Registry) -> None:
    evaluator = _evaluator(registry, "digits", 1200, ["fid"])
    fake = _digits_like(1200)
    fake[3, 0, 2, 2] = float("nan")
    with pytest.raises(NotFinite, match="samples"):
        evaluator.scores(fake)
    with pytest.raises(NotFinite, match="features"):
        evaluator.scores(_digits_like(1200) * 3e38)


def test_too_few_samples_give_no_score(registry: Registry) -> None:
    evaluator = _evaluator(registry, "digits", 1200, ["fid", "kid"])
    with pytest.raises(ContractError, match="metric 'kid' needs 1000 samples per side; there are 300"):
        evaluator.scores(_digits_like(300))
    scores = evaluator.scores(_digits_like(300), lenient=True)
    assert list(scores.values) == ["FID[digits16]"]
    assert scores.missing == ("kid needs 1000 samples, there are 300",)


def test_every_score_carries_its_protocol_card(registry: Registry) -> None:
    scores = _evaluator(registry, "digits", 1200).scores(_digits_like(1200), Source("raw", "last"))
    assert set(scores.evaluation.cards) == set(scores.values)
    for name, card in scores.evaluation.cards.items():
        assert name.endswith("[digits16]")
        assert card.fake_samples == 1200
        assert card.real_samples == 1347
        assert (card.split, card.generator, card.checkpoint) == ("train", "raw", "last")
        assert card.weights == SHA256[:12]
        assert card.better in ("higher", "lower")
    points = _evaluator(registry, "ring8", 1000).scores(Ring8().load("test").samples[:1000])
    assert set(points.values) == {"modes", "HQ", "reverse KL", "modes>=1", "diversity", "SW1"}
    assert points.evaluation.cards["SW1"].extractor is None


def test_references_bracket_what_a_gan_can_do(registry: Registry) -> None:
    evaluator = _evaluator(registry, "digits", 5000)
    fid, coverage = {}, {}
    for name in ("real", "gaussian", "noise"):
        samples = reference_samples(name, Digits(), "train", 5000)
        assert len(samples) == (450 if name == "real" else 5000)
        values = evaluator.scores(samples, lenient=True).values
        fid[name], coverage[name] = values["FID[digits16]"], values["coverage[digits16]"]
    assert fid["real"] < 15 < fid["gaussian"] < 150 < 1000 < fid["noise"]
    assert coverage["real"] > 0.75 > 0.5 > coverage["gaussian"] > coverage["noise"] == 0
    gaussian = reference_samples("gaussian", Ring8(), "train", 20_000)
    real = Ring8().load("train").samples
    torch.testing.assert_close(torch.cov(gaussian.T), torch.cov(real.T), atol=0.06, rtol=0)


def test_real_features_are_cached_by_content(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    first = _evaluator(registry, "digits").real.features
    (file,) = (tmp_path / "features").iterdir()
    assert torch.equal(_evaluator(registry, "digits").real.features, first)
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")  # bit rot
    assert torch.equal(_evaluator(registry, "digits").real.features, first)
    assert len(list((tmp_path / "features").iterdir())) == 1
    evaluator = _evaluator(registry, "digits")
    evaluation = replace(evaluator.evaluation, split="test")
    other = Evaluator(evaluator.dataset, evaluation, evaluator.extractor, evaluator.metrics, CPU)
    assert len(other.real.features) == 450
    assert len(list((tmp_path / "features").iterdir())) == 2
    monkeypatch.setenv("GANBENCH_CACHE", "/proc/nowhere")
    assert torch.equal(_evaluator(registry, "digits").real.features, first)


def test_the_shipped_extractor_reads_97_percent_of_the_test_digits() -> None:
    test = Digits().load("test")
    logits = Digits16().open(Digits(), CPU)(test.samples).logits
    assert logits is not None
    assert test.labels is not None
    assert (logits.argmax(dim=1) == test.labels).float().mean().item() >= 0.97


def test_a_damaged_extractor_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import ganbench_extractors.digits16 as module

    content = bytearray(WEIGHTS.read_bytes())
    content[5000] ^= 1
    (tmp_path / "bad.safetensors").write_bytes(bytes(content))
    monkeypatch.setattr(module, "WEIGHTS", tmp_path / "bad.safetensors")
    with pytest.raises(MissingError, match="is damaged"):
        Digits16().open(Digits(), CPU)


def test_the_training_script_makes_such_an_extractor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ganbench_extractors import train_digits16

    monkeypatch.setattr(train_digits16, "EPOCHS", 8)
    train_digits16.main(tmp_path / "new.safetensors")
    assert "test accuracy 0.9" in capsys.readouterr().out
    DigitsNet().load_state_dict(load_file(tmp_path / "new.safetensors"))


def test_other_mixtures_are_made_by_parameters(registry: Registry) -> None:
    """The ring of PacGAN's configuration files: radius 1, std 0.01."""
    evaluator = _evaluator(registry, "ring8", 5000, scale=1.0, std=0.01)
    perfect = Mixture(scale=1.0, std=0.01).sample(5000, torch.Generator().manual_seed(1))
    assert evaluator.scores(perfect).values["modes"] == 8


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
    found = Memorisation()(real, _view(fake, None))["memorisation"]
    assert low <= found <= high
    assert [fault.kind for fault in Memorisation().faults({"memorisation": found}, Ring8())] == ["memorising"] * (
        found < 0.5
    )


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
    for value, kinds in ((0.1, ["collapsed"]), (0.3, [])):
        assert [fault.kind for fault in Spread().faults({"diversity": value}, Ring8())] == kinds
