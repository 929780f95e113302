"""Evaluating a table's samples, compared with `torch_fidelity.calculate_metrics`: `python -m benchmarks.evaluation`."""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

import json
import tempfile
import time
from dataclasses import dataclass
from statistics import median
from typing import Any, cast

import click
import torch
import torch_fidelity
from torch import Tensor
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

from benchmarks import report
from ganbench import Dataset
from ganbench.registry.registry import Registry
from ganbench.runner.run_record import device_name
from ganbench.runner.scoring import build_evaluator
from ganbench.suite.specs import EvaluationSpec
from ganbench_datasets.digits import Digits
from ganbench_extractors.digits16 import Digits16

CPU = torch.device("cpu")
NAMES = {
    "FID": "frechet_inception_distance", "IS": "inception_score_mean", "KID": "kernel_inception_distance_mean",
    "precision": "precision", "recall": "recall",
}  # fmt: skip
METRICS = ("fid", "inception-score", "kid", "precision-recall")
TOLERANCE = 1e-6
ROUNDED = 1e-4
"""The limit where torch-fidelity computes in float32 too, so that it rounds by up to 4e-6 of what are differences."""
EXACT = 2
"""Seeds whose scores are compared with torch-fidelity's in float64."""


class Wrapped(FeatureExtractorBase):  # type: ignore[misc]
    """The digits16 extractor in the form that torch-fidelity requires: uint8 images of three channels."""

    dtype = torch.float32
    device = CPU

    def __init__(self, name: str, features_list: list[str], **_: Any) -> None:
        super().__init__(name, features_list)
        self.net = Digits16().open(cast(Dataset, Digits()), self.device)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return ("features", "logits")

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return "logits" if metric == "isc" else "features"

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    @staticmethod
    def get_dummy_input_for_compile() -> Tensor:
        return torch.zeros(1, 3, 16, 16, dtype=torch.uint8)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        found = self.net(x[:, :1].float() / 127.5 - 1)
        return tuple(getattr(found, name).to(self.dtype) for name in self.features_list)


class Exact(Wrapped):
    """The same features in float64: torch-fidelity then computes in float64; with float32 it rounds by up to 4e-6."""

    dtype = torch.float64


class Fixed(torch.utils.data.Dataset[Tensor]):
    """Images in [-1, 1] as torch-fidelity reads them."""

    def __init__(self, images: Tensor) -> None:
        self.images = ((images + 1) * 127.5).round().to(torch.uint8).expand(-1, 3, -1, -1)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index]


class Rounded(Digits):
    """The digits rounded to 8 bits as in an image file, so that both sides see the same pixels."""

    def load(self, split: str) -> Any:
        data = super().load(split)  # type: ignore[arg-type]
        return data._replace(samples=_grid(data.samples))


def _grid(images: Tensor) -> Tensor:
    return ((images.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1


def samples(seed: int, count: int) -> Tensor:
    """Images similar to real ones, as a seed's generator might make them."""
    generator = torch.Generator().manual_seed(seed)
    real = Digits().load("train").samples
    rows = torch.randint(len(real), (count,), generator=generator)
    return _grid(real[rows] + 0.2 * torch.randn(count, 1, 16, 16, generator=generator))


@dataclass(frozen=True)
class Both:
    """Both ways of evaluating on one device, by the digits' extractor or by Inception with these weights."""

    device: torch.device = CPU
    weights: str = ""

    def ours(self, tables: list[Tensor]) -> list[dict[str, float]]:
        """Evaluate all seeds of a table as a worker does; the real side is prepared once."""
        registry = Registry.load()
        metrics = tuple(registry.choose("metric", name, {}) for name in METRICS)
        name, params = ("inception", {"weights": self.weights}) if self.weights else ("digits16", {})
        evaluation = EvaluationSpec(extractor=registry.choose("extractor", name, params), metrics=metrics)
        protocol = build_evaluator(registry, Rounded(), evaluation, self.device)
        return [dict(protocol.scores(fake).values) for fake in tables]

    def theirs(self, tables: list[Tensor], extractor: str = "digits16-wrapped") -> list[dict[str, float]]:
        """The same with torch-fidelity, one call per seed."""
        real = Fixed(Rounded().load("train").samples)
        options: dict[str, Any] = {"isc": True, "fid": True, "kid": True, "prc": True, "feature_extractor": extractor}
        if self.weights:
            options |= {"feature_extractor": "inception-v3-compat", "feature_extractor_weights_path": self.weights}
        cuda = self.device.type == "cuda"
        plumbing = {"batch_size": 500, "cuda": cuda, "cache": False, "verbose": False, "save_cpu_ram": True}
        return [
            torch_fidelity.calculate_metrics(input1=Fixed(fake), input2=real, **options, **plumbing) for fake in tables
        ]

    @property
    def limit(self) -> float:
        """The largest relative difference of a score that is allowed."""
        return TOLERANCE if self == Both() else ROUNDED

    def name_of(self, score: str) -> str:
        return score if self.weights else f"{score}[digits16]"


def timed(evaluated: Any, tables: list[Tensor]) -> tuple[float, list[dict[str, float]]]:
    began = time.perf_counter()
    scores = evaluated(tables)
    return time.perf_counter() - began, scores


def compare(both: Both, rounds: int, seeds: int, count: int) -> dict[str, Any]:
    tables = [samples(seed, count) for seed in range(seeds)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(rounds):
            os.environ["GANBENCH_CACHE"] = f"{folder}/{index}"
            (slow, _), (first, found) = timed(both.theirs, tables), timed(both.ours, tables)
            (again, _) = timed(both.ours, tables)
            rows.append({"theirs": slow, "first": first, "again": again})
    wanted = both.theirs(tables[:EXACT], "digits16-exact")
    gaps = {
        name: max(abs(a[both.name_of(name)] / b[key] - 1) for a, b in zip(found, wanted, strict=False))
        for name, key in NAMES.items()
    }
    return {
        "seeds": seeds,
        "samples": count,
        "seconds": {name: median(row[name] for row in rows) for name in ("theirs", "first", "again")},
        "ratio": {name: [row["theirs"] / row[name] for row in rows] for name in ("first", "again")},
        "largest_relative_difference": gaps,
    }


@click.command()
@click.option("--rounds", default=2, show_default=True)
@click.option("--seeds", default=8, show_default=True)
@click.option("--count", "counts", default=(10_000, 5000), multiple=True, show_default=True, help="Samples a seed.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--weights", default="", help="torch-fidelity's weights of Inception; by default the digits' extractor.")
def main(rounds: int, seeds: int, counts: tuple[int, ...], device: str, weights: str) -> None:
    """Time both ways of evaluating a table of several seeds, in turn, and compare their numbers.

    The result is kept, and put into the docs, if the device is the CPU and the extractor that of the digits.
    """
    torch.set_num_threads(1)
    both = Both(torch.device(device), weights)
    Wrapped.device = both.device
    torch_fidelity.register_feature_extractor("digits16-wrapped", Wrapped)
    torch_fidelity.register_feature_extractor("digits16-exact", Exact)
    rows = [compare(both, rounds, seeds, count) for count in counts]
    if both == Both():
        report.write("evaluation", report.machine(), rows, whole=True)
    else:
        click.echo(
            json.dumps({"machine": report.machine(), "device": device_name(both.device), "rows": rows}, indent=1)
        )
    worst, limit = max(max(row["largest_relative_difference"].values()) for row in rows), both.limit
    if worst > limit:
        raise SystemExit(f"a score differs from torch-fidelity's by {worst:.1e} (relative), the limit is {limit}")


if __name__ == "__main__":
    main()
