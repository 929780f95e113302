"""Evaluating samples on a device, compared with `torch_fidelity.calculate_metrics` there, and with the CPU."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
import torch_fidelity
from torch import Tensor

from benchmarks.evaluation import NAMES, Fixed, Rounded, Wrapped, samples
from benchmarks.gpu.budget import Budget, Row
from benchmarks.gpu.inception import made_weights
from benchmarks.gpu.textbook import synchronize
from ganbench import Data, Dataset
from ganbench.registry.registry import Registry
from ganbench.runner.scoring import build_evaluator
from ganbench.suite.specs import EvaluationSpec

METRICS = ("fid", "inception-score", "kid", "precision-recall", "coverage-density")
NEEDS = {"inception": 60.0, "digits": 30.0}
SMALL = "digits16-wrapped"
CPU = torch.device("cpu")


class MadeImages:
    """Soft colors with noise as 3x32x32 images of 8 bits, as many as asked for."""

    shape = (3, 32, 32)
    modes = None
    extractor = "inception"
    metrics = METRICS
    count = 10_000

    def load(self, split: Literal["train", "test"]) -> Data:
        return Data(made_images(self.count, int(split == "test")))


def made_images(count: int, seed: int) -> Tensor:
    """Images (N, 3, 32, 32) in [-1, 1] on the grid of 8-bit files."""
    generator = torch.Generator().manual_seed(seed)
    soft = torch.nn.functional.interpolate(torch.randn(count, 3, 4, 4, generator=generator), 32, mode="bilinear")
    noisy = (soft + 0.1 * torch.randn(count, 3, 32, 32, generator=generator)).tanh()
    return ((noisy + 1) * 127.5).round() / 127.5 - 1


@dataclass(frozen=True)
class Comparison:
    """The same real and fake samples for both sides; `options` are torch-fidelity's, `settings` the extractor's."""

    title: str
    dataset: Dataset
    fake: Tensor
    extractor: str
    settings: Mapping[str, Any]
    options: Mapping[str, Any]

    def ours(self, device: torch.device) -> dict[str, float]:
        """All scores by ganbench, as a worker makes them."""
        registry = Registry.load()
        metrics = tuple(registry.choose("metric", name, {}) for name in METRICS)
        extractor = registry.choose("extractor", self.extractor, dict(self.settings))
        evaluation = EvaluationSpec(samples=len(self.fake), extractor=extractor, metrics=metrics)
        found = build_evaluator(registry, self.dataset, evaluation, device).scores(self.fake)
        synchronize(device)
        return dict(found.values)

    def theirs(self, device: torch.device) -> dict[str, float]:
        """FID, IS, KID, precision and recall by torch-fidelity."""
        real = Fixed(self.dataset.load("train").samples)
        metrics = {"isc": True, "fid": True, "kid": True, "prc": True}
        plumbing = {"batch_size": 500, "cuda": device.type == "cuda", "cache": False, "verbose": False}
        plumbing["save_cpu_ram"] = device.type == "cpu"
        found: dict[str, float] = torch_fidelity.calculate_metrics(
            input1=Fixed(self.fake), input2=real, **metrics, **self.options, **plumbing
        )
        return found


def measure(device: torch.device, budget: Budget, folder: Path, tiny: bool) -> Row:
    """Both sides in turn, with an empty and with a filled cache of ganbench's."""
    Wrapped.device = device
    with suppress(ValueError):  # it is registered
        torch_fidelity.register_feature_extractor(SMALL, Wrapped)
    rows = []
    for name, one in _comparisons(folder, tiny):
        needs = NEEDS[name] if device.type == "cuda" else 0.0
        found = budget.measure(one.title, needs, partial(compare, one, device, folder / f"cache-{name}"))
        if found is not None:
            if name == "digits":
                found["difference_from_cpu"] = budget.measure(
                    f"{one.title}, on the CPU", needs, partial(_from_cpu, one, found, folder / "cache-cpu")
                )
            rows.append(found)
    return {"rows": rows}


def _comparisons(folder: Path, tiny: bool) -> Iterator[tuple[str, Comparison]]:
    count = 1000 if tiny else 10_000
    if not tiny:
        weights = str(made_weights(folder))
        options = {"feature_extractor": "inception-v3-compat", "feature_extractor_weights_path": weights}
        title = "10,000 synthetic images 3x32x32, Inception with random weights"
        yield (
            "inception",
            Comparison(title, MadeImages(), made_images(count, 2), "inception", {"weights": weights}, options),
        )
    title = f"{count:,} digits, digits16"
    yield "digits", Comparison(title, Rounded(), samples(0, count), "digits16", {}, {"feature_extractor": SMALL})


def compare(one: Comparison, device: torch.device, cache: Path) -> Row:
    """Seconds of both sides, and how far their scores are apart."""
    theirs_s, theirs = _timed(partial(one.theirs, device))
    with _cache(cache):
        first_s, ours = _timed(partial(one.ours, device))
        again_s, _ = _timed(partial(one.ours, device))
    gaps = {name: abs(ours[f"{name}[{one.extractor}]"] / theirs[key] - 1) for name, key in NAMES.items() if theirs[key]}
    return {
        "title": one.title, "seconds": {"theirs": theirs_s, "first": first_s, "again": again_s},
        "relative_difference": gaps, "scores": ours,
    }  # fmt: skip


def _from_cpu(one: Comparison, found: Row, cache: Path) -> dict[str, float]:
    """How far the device's scores are from those of the same program on the CPU, relative."""
    with _cache(cache):
        exact = one.ours(CPU)
    return {name: abs(found["scores"][name] / value - 1) for name, value in exact.items() if value}


def _timed(work: Any) -> tuple[float, dict[str, float]]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


@contextmanager
def _cache(folder: Path) -> Iterator[None]:
    before = os.environ.get("GANBENCH_CACHE")
    os.environ["GANBENCH_CACHE"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("GANBENCH_CACHE")
        if before is not None:
            os.environ["GANBENCH_CACHE"] = before
