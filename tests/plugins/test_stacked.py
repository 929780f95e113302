"""Stacked sets: how they are read, and what honest, collapsed and meaningless samples score on them."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from evaluators import evaluator_of
from torch import Tensor

from ganbench.classifier.network import ClassifierNet
from ganbench.classifier.weight_file import Card, write_file
from ganbench.errors import MissingError
from ganbench.evaluation.evaluator import Evaluator, Scores
from ganbench.evaluation.references import reference_samples
from ganbench.registry.registry import Registry
from ganbench_datasets.digits import Digits
from ganbench_datasets.stacked import StackedDigits, StackedMnist
from ganbench_extractors.classifier import ClassifierFile
from ganbench_extractors.digits16 import Digits16
from ganbench_extractors.stacked import StackedClassifier, StackedDigits16

CPU = torch.device("cpu")
SURE = 0.9
COUNT = 5000
PAPERS = 26_000


CARD = Card(
    dataset="digits", hyperparameters={}, content="c", shape=(1, 16, 16), classes=10, training_images=1347,
    test_images=450, accuracy=0.1, recipe={}, software={}, command="",
)  # fmt: skip


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
    reason = StackedDigits16().supports(StackedMnist())
    assert reason == "of one channel, it reads images of shape (1, 16, 16), not (1, 32, 32)"


def test_a_trained_classifier_reads_each_channel(tmp_path: Path) -> None:
    torch.manual_seed(0)
    file = tmp_path / "digits.safetensors"
    write_file(file, ClassifierNet((1, 16, 16), 10), CARD)
    extractor = StackedClassifier(weights=str(file))
    assert extractor.supports(StackedDigits()) is None
    assert extractor.fingerprint() == ClassifierFile(str(file)).fingerprint()
    samples = StackedDigits(40).load("train").samples
    features, logits, _ = extractor.open(StackedDigits(), CPU)(samples)
    assert features.shape == (40, extractor.dims)
    single = ClassifierFile(str(file)).open(Digits(), CPU)
    assert logits is not None
    channels = [single(samples[:, i : i + 1]).logits for i in range(3)]
    a, b, c = (one.argmax(dim=1) for one in channels if one is not None)
    assert torch.equal(logits.argmax(dim=1), 100 * a + 10 * b + c)


def test_without_a_trained_classifier_the_command_that_makes_one_is_named() -> None:
    with pytest.raises(MissingError, match=r"train it with 'ganbench train-extractor DATASET --to FILE.safetensors'"):
        StackedClassifier().supports(StackedDigits())
    with pytest.raises(MissingError, match="there is no weight file none"):
        StackedClassifier(weights="none").supports(StackedDigits())


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
