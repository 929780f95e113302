"""Reads stacked sets: a classifier of one channel is applied to each of the three."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganbench import Dataset, FeatureExtractor, Features, MissingError, TrainedExtractor, location
from ganbench_extractors.classifier import ClassifierFile
from ganbench_extractors.digits16 import Digits16
from ganbench_extractors.fashion32 import Fashion32
from ganbench_extractors.mnist32 import Mnist32
from ganbench_transforms.limits import shares

CHANNELS = 3


@dataclass(frozen=True)
class StackedExtractor:
    """A classifier on each channel of stacked sets; subclasses give the `channel`.

    `channel` is an extractor of one-channel images, a classifier of K classes. Its features of the three channels
    stand side by side. The logits are those of the K^3 triples, log p(a) + log p(b) + log p(c): their softmax is the
    product of the channels', their arg-max the predicted triple. The mode is this triple, or -1 if the classifier is
    not sure of a channel: if its largest probability there is not above `confidence`.
    """

    confidence: float = 0.9

    version = "1"
    canonical = False
    gives = ("logits", "modes")

    def __post_init__(self) -> None:
        shares(confidence=self.confidence)

    @property
    def channel(self) -> FeatureExtractor:
        """The classifier of one channel."""
        raise NotImplementedError

    @property
    def dims(self) -> int | None:
        one = self.channel.dims
        return None if one is None else CHANNELS * one

    def supports(self, dataset: Dataset) -> str | None:
        base = getattr(dataset, "base", None)
        if base is None:
            return "it reads stacked sets, which have a `base`"
        reason: str | None = getattr(self.channel, "supports", lambda _: None)(base)
        return None if reason is None else f"of one channel, {reason}"

    def prepare(self) -> None:
        """Prepare the classifier. Raises `MissingError` as it does."""
        getattr(self.channel, "prepare", lambda: None)()

    def fingerprint(self) -> str:
        return self.channel.fingerprint()

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        """Raises what the classifier raises."""
        stacked: Any = dataset
        classify, confidence = self.channel.open(stacked.base, device), self.confidence

        def extract(images: Tensor) -> Features:
            count = len(images)
            features, logits, _ = classify(images.reshape(count * CHANNELS, 1, *images.shape[2:]))
            assert logits is not None
            odds = logits.reshape(count, CHANNELS, -1).log_softmax(dim=2)
            joint = odds[:, 0, :, None, None] + odds[:, 1, None, :, None] + odds[:, 2, None, None, :]
            triples = joint.flatten(1)
            sure = (odds.amax(dim=2).exp() > confidence).all(dim=1)
            return Features(features.reshape(count, -1), triples, torch.where(sure, triples.argmax(dim=1), -1))

        return extract


@dataclass(frozen=True)
class StackedDigits16(StackedExtractor):
    """digits16 on each channel of stacked digits (192 features, 1,000 triples of classes)."""

    @property
    def channel(self) -> FeatureExtractor:
        return Digits16()


@dataclass(frozen=True)
class StackedFashion32(StackedExtractor):
    """fashion32 on each channel of stacked Fashion-MNIST (192 features, 1,000 triples of classes)."""

    @property
    def channel(self) -> FeatureExtractor:
        return Fashion32()


@dataclass(frozen=True)
class StackedMnist32(StackedExtractor):
    """mnist32 on each channel of stacked MNIST (192 features, 1,000 triples of classes)."""

    @property
    def channel(self) -> FeatureExtractor:
        return Mnist32()


@dataclass(frozen=True)
class StackedClassifier(StackedExtractor):
    """A classifier of one channel that `ganbench train-extractor` wrote, on each channel of a stacked set.

    `weights` is its file, as of the extractor `classifier`.
    """

    weights: str = location("")

    dims = CHANNELS * TrainedExtractor.dims

    @property
    def channel(self) -> FeatureExtractor:
        """Raises `MissingError` if no file is named."""
        if not self.weights:
            raise MissingError(
                "extractor 'stacked-classifier' needs a classifier of the images that are stacked: train it with "
                "'ganbench train-extractor DATASET --to FILE.safetensors', and set 'weights' to this file"
            )
        return ClassifierFile(self.weights)
