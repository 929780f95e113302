"""How many images extractors read in a second of one core: `python -m benchmarks.extractors`."""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

import time
from pathlib import Path
from statistics import median
from typing import Any

import click
import torch
from torch import Tensor

from benchmarks import report
from ganbench import Data, FeatureExtractor
from ganbench.evaluation.extraction import features_of
from ganbench.registry.registry import Registry

CPU = torch.device("cpu")
LITE0 = "efficientnet-lite0"
WEIGHTS = ("inception", "dinov2", "clip", "vgg16")
"""Extractors that are timed if a file of their weights is given."""


class Images:
    """Colored images of 32x32, as CIFAR-10 has them."""

    shape = (3, 32, 32)
    modes = None
    extractor = LITE0
    metrics = ("fid",)

    def load(self, split: str) -> Data:
        return Data(torch.randint(256, (200, *self.shape), generator=torch.Generator().manual_seed(0)).to(torch.uint8))


def measured(name: str, params: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Images a second of the processor's time, a batch of its own size at a time, for each round."""
    registry = Registry.load()
    made: FeatureExtractor = registry.create("extractor", registry.choose("extractor", name, params))
    batch = getattr(made, "batch", 100)
    data = Images()
    images = data.load("test").samples[:batch]
    extract = made.open(data, CPU)
    features_of(extract, images, batch, CPU, CPU)
    rates = [_rate(lambda: features_of(extract, images, batch, CPU, CPU), images) for _ in range(rounds)]
    own = {key: value for key, value in params.items() if key != "weights"}
    found = {"median": median(rates), "low": min(rates), "high": max(rates)}
    return {"extractor": name, "params": own, "features": made.dims, "batch": batch, "rate": found}


def _rate(call: Any, images: Tensor) -> float:
    began = time.process_time()
    call()
    return len(images) / (time.process_time() - began)


@click.command()
@click.option("--rounds", default=7, type=click.IntRange(2), show_default=True, help="How often each is timed.")
@click.option("--size", "sizes", default=(32, 64, 224), multiple=True, show_default=True, help="Of EfficientNet-lite0.")
@click.option(
    "--weights", nargs=2, type=(click.Choice(WEIGHTS), Path), multiple=True, help="An extractor and its file."
)
@click.option("--save/--no-save", default=False, help="Keep the result in `benchmarks/results`.")
def main(rounds: int, sizes: tuple[int, ...], weights: tuple[tuple[str, Path], ...], save: bool) -> None:
    """Time extractors on images of 32x32, and print images a second of one core."""
    torch.set_num_threads(1)
    rows = [measured(LITE0, {"size": size}, rounds) for size in sizes]
    rows += [measured(name, {"weights": str(path)}, rounds) for name, path in weights]
    report.write("extractors", report.machine(), rows, whole=save)


if __name__ == "__main__":
    main()
