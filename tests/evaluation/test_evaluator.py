"""The evaluator: scores with their protocol cards, refusals, references and cached features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scipy.stats
import torch
from evaluators import digits_like, evaluator_of

from ganbench import Data
from ganbench.evaluation import references
from ganbench.evaluation.evaluator import Evaluator, Source
from ganbench.evaluation.extraction import NotFinite
from ganbench.evaluation.references import reference_samples
from ganbench.evaluation.splits import Splits
from ganbench.registry.registry import Registry
from ganbench_datasets.digits import Digits
from ganbench_datasets.mixtures import Ring8
from ganbench_extractors.digits16 import SHA256

CPU = torch.device("cpu")


def test_scores_do_not_depend_on_the_batch_size(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    import ganbench.evaluation.evaluator

    evaluator = evaluator_of(registry, "digits", 1200)
    fake = digits_like(1200)
    whole = evaluator.scores(fake).values
    for size in (1, 64):
        monkeypatch.setattr(ganbench.evaluation.evaluator, "EXTRACTION_BATCH", size)
        for name, value in evaluator.scores(fake).values.items():
            assert value == pytest.approx(whole[name], rel=1e-5, abs=1e-7), (size, name)


def test_samples_or_features_that_are_not_finite_give_no_score(registry: Registry) -> None:
    evaluator = evaluator_of(registry, "digits", 1200, ["fid"])
    fake = digits_like(1200)
    fake[3, 0, 2, 2] = float("nan")
    with pytest.raises(NotFinite, match="samples"):
        evaluator.scores(fake)
    with pytest.raises(NotFinite, match="features"):
        evaluator.scores(digits_like(1200) * 3e38)


def test_a_metric_with_too_few_samples_gives_no_score_and_says_why(registry: Registry) -> None:
    scores = evaluator_of(registry, "digits", 1200, ["fid", "kid"]).scores(digits_like(300))
    assert list(scores.values) == ["FID[digits16]"]
    assert scores.missing == {"kid": "metric 'kid' needs 1000 samples per side; there are 300"}


def test_every_score_carries_its_protocol_card(registry: Registry) -> None:
    scores = evaluator_of(registry, "digits", 1200).scores(digits_like(1200), Source("raw", "last"))
    assert set(scores.evaluation.cards) == set(scores.values)
    for name, card in scores.evaluation.cards.items():
        assert name.endswith("[digits16]")
        assert card.fake_samples == 1200
        assert card.real_samples == 1347
        assert (card.split, card.generator, card.checkpoint) == ("train", "raw", "last")
        assert card.weights == SHA256[:12]
        assert card.better in ("higher", "lower")
    points = evaluator_of(registry, "ring8", 1000, real_samples=1000).scores(Ring8().load("test").samples[:1000])
    inside = {"rarest mode", "narrowest mode", "widest mode", "mode W1"}
    assert set(points.values) == {"modes", "HQ", "reverse KL", "modes>=1", *inside, "diversity", "SW1"}
    assert points.evaluation.cards["SW1"].extractor is None


class Numbers:
    """Single numbers of mean 3 and standard deviation 2."""

    shape = (1,)

    def load(self, split: str) -> Data:
        return Data(3 + 2 * torch.randn(20_000, 1, generator=torch.Generator().manual_seed(len(split))))


def test_the_references_of_single_numbers_have_their_moments() -> None:
    numbers: Any = Numbers()
    gaussian = reference_samples("gaussian", Splits(numbers), "train", 20_000).samples
    assert gaussian.shape == (20_000, 1)
    assert gaussian.mean().item() == pytest.approx(3, abs=0.05)
    assert gaussian.std().item() == pytest.approx(2, abs=0.05)


class Wide:
    """Points whose coordinates differ in mean and spread."""

    shape = (3,)

    def load(self, split: str) -> Data:
        points = torch.randn(5000, 3, generator=torch.Generator().manual_seed(len(split)))
        return Data(points * torch.tensor([1.0, 2.0, 4.0]) + torch.tensor([100.0, 0.0, -5.0]))


def test_the_gaussian_of_a_large_split_is_fitted_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    wide: Any = Wide()
    whole = reference_samples("gaussian", Splits(wide), "train", 1000).samples
    monkeypatch.setattr(references, "LARGE", 1)
    monkeypatch.setattr(references, "PART", 2000)
    parts = reference_samples("gaussian", Splits(wide), "train", 1000).samples
    torch.testing.assert_close(parts, whole, atol=1e-4, rtol=0)


class Few:
    """Correlated points, `count` of them, of `width` coordinates."""

    def __init__(self, count: int, width: int) -> None:
        self.shape = (width,)
        mixing = torch.randn(width, width, generator=torch.Generator().manual_seed(1))
        self.points = 5 + torch.randn(count, width, generator=torch.Generator().manual_seed(2)) @ mixing

    def load(self, split: str) -> Data:
        return Data(self.points)


@pytest.mark.parametrize(("count", "width"), [(30, 50), (400, 8)])
def test_the_gaussian_of_wide_samples_needs_no_eigenvectors(
    count: int, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples of more numbers than there are samples, and of very many: mean and covariance are those of the data."""
    few: Any = Few(count, width)
    monkeypatch.setattr(references, "PART", 7 * width)  # several parts, the last one smaller
    monkeypatch.setattr(references, "WIDE", min(width, references.WIDE) - (width < count))
    monkeypatch.setattr(torch.linalg, "eigh", None)
    drawn = reference_samples("gaussian", Splits(few), "train", 40_000).samples.double()
    data = few.points.double()
    scale = data.std(dim=0)
    assert ((drawn.mean(dim=0) - data.mean(dim=0)) / scale).abs().max() < 0.03
    assert ((torch.cov(drawn.T) - torch.cov(data.T)) / scale / scale[:, None]).abs().max() < 0.04
    normal = ((drawn - data.mean(dim=0)) / scale)[::10, 0]
    assert scipy.stats.kstest(normal.numpy(), "norm").pvalue > 0.001
    assert torch.equal(drawn, reference_samples("gaussian", Splits(few), "train", 40_000).samples.double())


def test_references_bracket_what_a_gan_can_do(registry: Registry) -> None:
    evaluator = evaluator_of(registry, "digits", 5000)
    fid, coverage = {}, {}
    for name in ("real", "gaussian", "noise"):
        samples = reference_samples(name, Splits(Digits()), "train", 5000).samples
        assert len(samples) == (450 if name == "real" else 5000)
        values = evaluator.scores(samples).values
        fid[name], coverage[name] = values["FID[digits16]"], values["coverage[digits16]"]
    assert fid["real"] < 15 < fid["gaussian"] < 150 < 1000 < fid["noise"]
    assert coverage["real"] > 0.75 > 0.5 > coverage["gaussian"] > coverage["noise"] == 0
    gaussian = reference_samples("gaussian", Splits(Ring8()), "train", 20_000).samples
    real = Ring8().load("train").samples
    torch.testing.assert_close(torch.cov(gaussian.T), torch.cov(real.T), atol=0.06, rtol=0)


def test_real_features_are_cached_by_content(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    first = evaluator_of(registry, "digits").real.features
    (file,) = (tmp_path / "features").iterdir()
    assert torch.equal(evaluator_of(registry, "digits").real.features, first)
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")  # bit rot
    assert torch.equal(evaluator_of(registry, "digits").real.features, first)
    assert len(list((tmp_path / "features").glob("*.safetensors"))) == 1
    evaluator = evaluator_of(registry, "digits")
    evaluation = replace(evaluator.evaluation, split="test")
    other = Evaluator(evaluator.dataset, evaluation, evaluator.extractor, evaluator.metrics, CPU)
    assert len(other.real.features) == 450
    assert len(list((tmp_path / "features").glob("*.safetensors"))) == 2
    monkeypatch.setenv("GANBENCH_CACHE", "/proc/nowhere")
    assert torch.equal(evaluator_of(registry, "digits").real.features, first)
