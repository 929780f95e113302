"""Stacked sets: what they are made of, and what honest, collapsed and meaningless samples score on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from evaluators import evaluator_of
from torch import Tensor

from ganbench import Data
from ganbench.evaluation.evaluator import Evaluator, Scores
from ganbench.evaluation.references import reference_samples
from ganbench.registry.fingerprints import fingerprint
from ganbench.registry.registry import Registry
from ganbench_datasets.digits import Digits
from ganbench_datasets.stacked import StackedDigits, StackedSet
from ganbench_extractors.digits16 import Digits16
from ganbench_extractors.stacked import StackedDigits16

CPU = torch.device("cpu")
SURE = 0.9
COUNT = 5000
PAPERS = 26_000


@dataclass(frozen=True)
class Read:
    """The test digits as the classifier of one channel reads them."""

    images: Tensor
    labels: Tensor
    predicted: Tensor
    sure: Tensor


@pytest.fixture(scope="module")
def read() -> Read:
    images, labels = Digits().load("test")
    logits = Digits16().open(Digits(), CPU)(images).logits
    assert labels is not None
    assert logits is not None
    most, predicted = logits.softmax(dim=1).max(dim=1)
    return Read(images, labels, predicted, most > SURE)


@pytest.fixture(scope="module")
def evaluator(registry: Registry) -> Evaluator:
    return evaluator_of(registry, "stacked-digits", COUNT, real_samples=COUNT, triples=6000)


def _plain(scores: Scores) -> dict[str, float]:
    return {label.removesuffix("[stacked-digits16]"): value for label, value in scores.values.items()}


def _verdict(scores: Scores) -> str:
    assert scores.evaluation.verdict is not None
    return scores.evaluation.verdict.text


# What they are made of


@pytest.mark.parametrize("split", ["train", "test"])
def test_each_channel_is_an_image_of_the_same_split_and_the_label_says_which_classes(
    split: Literal["train", "test"],
) -> None:
    samples, labels = StackedDigits(triples=500).load(split)
    images, classes = Digits().load(split)
    assert labels is not None
    assert classes is not None
    known = {image.numpy().tobytes(): int(label) for image, label in zip(images, classes, strict=True)}
    assert samples.shape == ((500 if split == "train" else PAPERS), 3, 16, 16)
    for sample, label in zip(samples[:500], labels[:500].tolist(), strict=True):
        hundreds, tens, ones = (known[channel[None].numpy().tobytes()] for channel in sample)
        assert label == 100 * hundreds + 10 * tens + ones


def test_triples_are_drawn_evenly_and_the_channels_by_themselves() -> None:
    labels = StackedDigits(triples=100_000).load("train").labels
    assert labels is not None
    counts = np.bincount(labels.numpy(), minlength=1000)
    frequency = np.bincount(Digits().load("train").labels.numpy(), minlength=10) / 1347  # type: ignore[union-attr]
    wanted = 100_000 * np.einsum("a,b,c->abc", frequency, frequency, frequency).reshape(-1)
    chi_squared = ((counts - wanted) ** 2 / wanted).sum()
    assert abs(chi_squared - 999) < 4 * (2 * 999) ** 0.5


def test_the_fingerprint_follows_the_parameters_and_the_base() -> None:
    found = [fingerprint(made) for made in (StackedDigits(), StackedDigits(128_000), StackedDigits(500), _OfBytes(500))]
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_bytes_stay_bytes_and_sets_of_other_classes_have_other_modes() -> None:
    made = _OfBytes(50)
    samples, labels = made.load("train")
    assert samples.dtype == torch.uint8
    assert (made.shape, made.modes, made.classes) == ((3, 4, 4), 8, 8)
    assert labels is not None
    assert torch.equal(labels, (samples[:, :, 0, 0].long() * torch.tensor([4, 2, 1])).sum(dim=1))


def test_what_cannot_be_stacked_is_named() -> None:
    with pytest.raises(ValueError, match="triples must be >= 1"):
        StackedDigits(triples=0)
    with pytest.raises(ValueError, match="Bits cannot be stacked: wanted labeled images of one channel"):
        _OfBytes(50, labeled=False).load("train")


@dataclass(frozen=True)
class Bits:
    """Black or nearly black images, one pixel value for each class."""

    labeled: bool = True

    shape = (1, 4, 4)
    modes = 2
    extractor = "none"
    metrics = ()

    def load(self, split: Literal["train", "test"]) -> Data:
        labels = torch.arange(10) % 2
        return Data(labels[:, None, None, None].expand(-1, 1, 4, 4).to(torch.uint8), labels if self.labeled else None)


@dataclass(frozen=True)
class _OfBytes(StackedSet):
    labeled: bool = True

    extractor = "none"

    @property
    def base(self) -> Bits:
        return Bits(self.labeled)


# How they are read


def test_the_extractor_reads_each_channel_by_itself(read: Read) -> None:
    rows = torch.randint(450, (200, 3), generator=torch.Generator().manual_seed(5))
    extract = StackedDigits16().open(StackedDigits(), CPU)
    features, logits, modes = extract(read.images[rows][:, :, 0])
    single, odds, _ = Digits16().open(Digits(), CPU)(read.images)
    assert logits is not None
    assert odds is not None
    torch.testing.assert_close(features, torch.cat([single[rows[:, i]] for i in range(3)], dim=1))
    p = odds.double().softmax(dim=1).numpy()
    joint = np.einsum("na,nb,nc->nabc", *(p[rows[:, i]] for i in range(3))).reshape(200, 1000)
    np.testing.assert_allclose(logits.double().softmax(dim=1).numpy(), joint, atol=1e-6)
    triple = (read.predicted[rows] * torch.tensor([100, 10, 1])).sum(dim=1)
    assert torch.equal(logits.argmax(dim=1), triple)
    assert modes is not None
    assert torch.equal(modes, torch.where(read.sure[rows].all(dim=1), triple, -1))


def test_the_extractor_refuses_what_is_not_stacked() -> None:
    assert StackedDigits16().supports(StackedDigits()) is None
    assert StackedDigits16().supports(Digits()) == "it reads stacked sets, which have a `base`"
    reason = StackedDigits16().supports(_OfBytes())
    assert reason == "of one channel, it reads images of shape (1, 16, 16), not (1, 4, 4)"


# What samples score


def _stack(read: Read, classes: Any, usable: Tensor, seed: int = 0) -> Tensor:
    """Images (N, 3, 16, 16) of the classes (N, 3), each a random one of the usable test digits of its class."""
    random = np.random.default_rng(seed)
    rows = np.zeros_like(classes)
    for label in range(10):
        have = np.flatnonzero((usable & (read.labels == label)).numpy())
        rows[classes == label] = random.choice(have, int((classes == label).sum()))
    return read.images[rows][:, :, 0]


def _digits_of(modes: Any) -> Any:
    return np.stack([modes // 100, modes // 10 % 10, modes % 10], axis=1)


PLANTED = {
    "one mode": [123],
    "a hundred modes": [377 * i % 1000 for i in range(100)],
    "one channel constant": [100 * a + 40 + c for a in range(10) for c in range(10)],
    "three equal channels": [111 * i for i in range(10)],
    "half of the digits missing in a channel": [m for m in range(1000) if m % 10 < 5],
}


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_collapses_get_the_values_that_follow_from_their_modes(
    evaluator: Evaluator, read: Read, planted: str
) -> None:
    """Equally full modes of digits that the classifier reads right and is sure of: k of 1,000 have KL log(1000 / k)."""
    k = len(PLANTED[planted])
    classes = _digits_of(np.resize(PLANTED[planted], COUNT // k * k))
    if planted == "one channel constant":
        assert len(set(classes[:, 1])) == 1
    scores = evaluator.scores(_stack(read, classes, read.sure & (read.predicted == read.labels)))
    found = _plain(scores)
    assert (found["hits"], found["modes"], found["HQ"]) == (k, k, 1)
    assert found["hits KL"] == pytest.approx(log(1000 / k), abs=1e-9)
    assert found["reverse KL"] == pytest.approx(log(1000 / k), abs=1e-9)
    assert _verdict(scores) == ("collapsed (1 of 1000)" if k == 1 else f"partial ({k} of {_honest_modes(scores)})")


def _honest_modes(scores: Scores) -> int:
    assert scores.evaluation.at_reference_counts is not None
    return int(scores.evaluation.at_reference_counts.honest["modes[stacked-digits16]"])


@pytest.mark.parametrize("planted", PLANTED)
def test_the_verdict_stands_if_the_classifier_errs(evaluator: Evaluator, read: Read, planted: str) -> None:
    """The same with all test digits: hits grow by what is misread, the verdict stays."""
    classes = _digits_of(np.resize(PLANTED[planted], COUNT))
    scores = evaluator.scores(_stack(read, classes, torch.ones(450, dtype=torch.bool)))
    assert _plain(scores)["hits"] > len(PLANTED[planted])
    assert _verdict(scores).startswith("collapsed" if len(PLANTED[planted]) == 1 else "partial")


def _expected(read: Read, count: int) -> dict[str, float]:
    """What a perfect sampler scores, by simulation from how the classifier reads single digits."""
    random = np.random.default_rng(0)
    one = np.bincount(read.predicted.numpy(), minlength=10) / 450
    sure = np.bincount(read.predicted[read.sure].numpy(), minlength=10) / 450
    p = np.einsum("a,b,c->abc", one, one, one).reshape(-1)
    q = np.append(np.einsum("a,b,c->abc", sure, sure, sure).reshape(-1), 1 - sure.sum() ** 3)
    hits, modes = random.multinomial(count, p, size=20), random.multinomial(count, q, size=20)[:, :-1]
    return {
        "hits": float((hits > 0).sum(axis=1).mean()),
        "hits KL": float(np.mean([_kl(row) for row in hits])),
        "modes": float((modes >= 0.1 * count / 1000).sum(axis=1).mean()),
        "reverse KL": float(np.mean([_kl(row) for row in modes])),
        "HQ": float(sure.sum() ** 3),
    }


def _kl(counts: Any) -> float:
    p = counts[counts > 0] / counts.sum()
    return float((p * np.log(1000 * p)).sum())


def _is_as_expected(found: dict[str, float], wanted: dict[str, float], modes: float, kl: float) -> None:
    for score in ("hits", "modes"):
        assert found[score] == pytest.approx(wanted[score], abs=modes)
    for score in ("hits KL", "reverse KL"):
        assert found[score] == pytest.approx(wanted[score], abs=kl)
    assert found["HQ"] == pytest.approx(wanted["HQ"], abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_a_perfect_sampler_has_no_fault(evaluator: Evaluator, read: Read, seed: int) -> None:
    rows = np.random.default_rng(seed).integers(450, size=(COUNT, 3))
    scores = evaluator.scores(read.images[rows][:, :, 0])
    _is_as_expected(_plain(scores), _expected(read, COUNT), modes=12, kl=0.015)
    assert _verdict(scores) == "ok"


def test_too_few_samples_are_not_counted(evaluator: Evaluator) -> None:
    scores = evaluator.scores(StackedDigits(triples=1).load("test").samples[:1000])
    assert "needs 5000 samples per side; there are 1000" in scores.missing["stacked-modes"]


@pytest.mark.slow
def test_the_protocol_of_the_papers_and_its_reference_rows(registry: Registry, read: Read) -> None:
    """26,000 samples: a perfect sampler hits all modes, noise hits most, a Gaussian of the pixels hits all of them."""
    evaluator = evaluator_of(registry, "stacked-digits", PAPERS, real_samples=PAPERS)
    rows = np.random.default_rng(9).integers(450, size=(PAPERS, 3))
    scores = evaluator.scores(read.images[rows][:, :, 0])
    wanted = _expected(read, PAPERS)
    _is_as_expected(_plain(scores), wanted, modes=0, kl=0.004)
    assert wanted["hits KL"] == pytest.approx(999 / (2 * PAPERS), abs=0.003)  # the floor and the shares of the classes
    assert _verdict(scores) == "ok"

    found = {name: evaluator.scores(_reference(evaluator, name)) for name in ("noise", "gaussian")}
    noise, gaussian = _plain(found["noise"]), _plain(found["gaussian"])
    assert noise["hits"] == pytest.approx(832, rel=0.05)
    assert noise["HQ"] < 0.05
    assert gaussian["hits"] == 1000
    assert gaussian["modes"] == pytest.approx(833, rel=0.05)
    assert {_verdict(one) for one in found.values()} == {"low quality"}


def _reference(evaluator: Evaluator, name: str) -> Tensor:
    return reference_samples(name, evaluator.splits, "train", PAPERS).samples


def test_a_set_of_ones_own_is_stacked_as_the_documentation_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "samples.md").read_text()
    (text,) = re.findall(r'```python title="stacked_glyphs.py"\n(.*?)```', page, flags=re.DOTALL)
    (tmp_path / "stacked_glyphs.py").write_text(text)
    registry = Registry.load([tmp_path / "stacked_glyphs.py"])
    dataset = registry.create("dataset", registry.choose("dataset", "stacked-glyphs", {"triples": 50}))
    extractor: Any = registry.create("extractor", registry.choose("extractor", dataset.extractor, {}))
    assert extractor.supports(dataset) is None
    found = extractor.open(dataset, CPU)(dataset.load("train").samples)
    assert found.features.shape == (50, extractor.dims)
    assert found.logits.shape == (50, 1000)
