"""Evaluating a table's samples, compared with `torch_fidelity.calculate_metrics`: `python -m benchmarks.evaluation`."""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

import tempfile
import time
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
EXACT = 2
"""Seeds whose scores are compared with torch-fidelity's in float64."""


class Wrapped(FeatureExtractorBase):  # type: ignore[misc]
    """The digits16 extractor in the form that torch-fidelity requires: uint8 images of three channels."""

    dtype = torch.float32

    def __init__(self, name: str, features_list: list[str], **_: Any) -> None:
        super().__init__(name, features_list)
        self.net = Digits16().open(cast(Dataset, Digits()), CPU)

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


def ours(tables: list[Tensor]) -> list[dict[str, float]]:
    """Evaluate all seeds of a table as a worker does; the real side is prepared once."""
    registry = Registry.load()
    metrics = tuple(registry.choose("metric", name, {}) for name in METRICS)
    evaluation = EvaluationSpec(extractor=registry.choose("extractor", "digits16", {}), metrics=metrics)
    protocol = build_evaluator(registry, Rounded(), evaluation, CPU)
    return [dict(protocol.scores(fake).values) for fake in tables]


def theirs(tables: list[Tensor], extractor: str = "digits16-wrapped") -> list[dict[str, float]]:
    """The same with torch-fidelity, one call per seed."""
    real = Fixed(Rounded().load("train").samples)
    options = {"isc": True, "fid": True, "kid": True, "prc": True, "feature_extractor": extractor}
    plumbing = {"batch_size": 500, "cuda": False, "cache": False, "verbose": False, "save_cpu_ram": True}
    return [torch_fidelity.calculate_metrics(input1=Fixed(fake), input2=real, **options, **plumbing) for fake in tables]


def timed(evaluated: Any, tables: list[Tensor]) -> tuple[float, list[dict[str, float]]]:
    began = time.perf_counter()
    scores = evaluated(tables)
    return time.perf_counter() - began, scores


def compare(rounds: int, seeds: int, count: int) -> dict[str, Any]:
    tables = [samples(seed, count) for seed in range(seeds)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(rounds):
            os.environ["GANBENCH_CACHE"] = f"{folder}/{index}"
            (slow, _), (first, found) = timed(theirs, tables), timed(ours, tables)
            (again, _) = timed(ours, tables)
            rows.append({"theirs": slow, "first": first, "again": again})
    wanted = theirs(tables[:EXACT], "digits16-exact")
    gaps = {
        name: max(abs(a[f"{name}[digits16]"] / b[key] - 1) for a, b in zip(found, wanted, strict=False))
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
def main(rounds: int, seeds: int, counts: tuple[int, ...]) -> None:
    """Time both ways of evaluating a table of several seeds, in turn, and compare their numbers."""
    torch.set_num_threads(1)
    torch_fidelity.register_feature_extractor("digits16-wrapped", Wrapped)
    torch_fidelity.register_feature_extractor("digits16-exact", Exact)
    rows = [compare(rounds, seeds, count) for count in counts]
    report.write("evaluation", report.machine(), rows, whole=True)
    worst = max(max(row["largest_relative_difference"].values()) for row in rows)
    if worst > TOLERANCE:
        raise SystemExit(f"a score differs from torch-fidelity's by {worst:.1e} (relative), the limit is {TOLERANCE}")


if __name__ == "__main__":
    main()
