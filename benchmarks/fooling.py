"""Sample sets that are wrong in known ways, scored like a generator's samples: `python -m benchmarks.fooling`.

A set must score worse than honest samples in some printed column, and the verdict must say what is wrong.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks import report
from ganbench.evaluation.evaluator import Evaluator, Scores, Source
from ganbench.registry.registry import Registry
from ganbench.runner.worker import build_evaluator
from ganbench.suite.specs import EvaluationSpec

COUNTS = {"ring8": 10_000, "grid25": 10_000, "digits": 5_000}
HONEST = 10
"""Honest sets per dataset, from different random samples. A score is below them if it is worse than the worst
of them by more than their range."""
SOURCE = Source("planted", None)
Sets = dict[str, tuple[str, Tensor]]


def protocol_of(registry: Registry, name: str) -> tuple[Any, Evaluator]:
    """A dataset and its default protocol."""
    choice = registry.choose("dataset", name, {})
    dataset = registry.create("dataset", choice)
    metrics = tuple(registry.choose("metric", metric, {}) for metric in dataset.metrics)
    extractor = registry.choose("extractor", dataset.extractor, {})
    reals = 0 if len(dataset.shape) == 3 else COUNTS[name]
    spec = EvaluationSpec(samples=COUNTS[name], real_samples=reals, extractor=extractor, metrics=metrics)
    return dataset, build_evaluator(registry, dataset, spec, torch.device("cpu"))


def points(dataset: Any, count: int, generator: torch.Generator) -> Sets:
    """Wrong sets of points: {name: (expected verdict, samples (count, 2))}."""
    modes, centres = dataset.modes, dataset.centres
    real = dataset.sample(count, generator)
    reach = centres.norm(dim=1).max()
    angles = 2 * torch.pi * torch.rand(count, generator=generator)
    circle = reach * torch.stack([angles.cos(), angles.sin()], dim=1)
    blob = real.mean(dim=0) + real.std(dim=0) * torch.randn(count, 2, generator=generator)
    one = centres[:1] + dataset.std * torch.randn(count, 2, generator=generator)

    def some(kept: int) -> Tensor:
        mode = torch.randint(kept, (count,), generator=generator)
        found: Tensor = centres[mode] + dataset.std * torch.randn(count, 2, generator=generator)
        return found

    return {
        "Gaussian blob": ("low quality", blob),
        "full circle": ("low quality", circle),
        "uniform noise": ("low quality", reach * (2 * torch.rand(count, 2, generator=generator) - 1)),
        "half of the modes": (f"partial ({modes // 2} of {modes})", some(modes // 2)),
        "one mode dropped": (f"partial ({modes - 1} of {modes})", some(modes - 1)),
        "one mode only": ("collapsed", one),
        "one point": ("collapsed", centres[:1].expand(count, 2)),
        "samples three times too wide": (
            "low quality",
            real + 3 * dataset.std * torch.randn(count, 2, generator=generator),
        ),
    }


def images(dataset: Any, count: int, generator: torch.Generator) -> Sets:
    """Wrong sets of images: {name: (expected verdict, samples (count, *shape))}.

    Good samples are represented by held-out images, which are not copies of training images. The expected
    number of classes is left open, because the classifier misreads some images.
    """
    train, test = dataset.load("train"), dataset.load("test")
    fresh = drawn(test.samples, count, generator)
    of_class = [(train.labels == label).nonzero()[:, 0] for label in range(dataset.modes)]
    flat = train.samples.flatten(1).double()
    values, vectors = torch.linalg.eigh(torch.cov(flat.T))
    noise = torch.randn(count, flat.shape[1], generator=generator, dtype=torch.float64)
    gaussian = (flat.mean(dim=0) + noise * values.clamp(min=0).sqrt() @ vectors.T).float().reshape(fresh.shape)
    black = torch.full_like(fresh, -1.0)
    half = count // 2

    def classes(kept: int) -> Tensor:
        return drawn(test.samples[test.labels < kept], count, generator)

    ten = train.samples[torch.stack([rows[0] for rows in of_class])]
    fifty = train.samples[torch.cat([rows[:5] for rows in of_class])]
    copies = drawn(train.samples, count, generator)
    return {
        "ten training images": ("memorising", ten.repeat(count // 10, 1, 1, 1)),
        "five training images a class": ("memorising", fifty.repeat(count // 50, 1, 1, 1)),
        "training images, noise of std 0.05": (
            "memorising",
            copies + 0.05 * torch.randn(fresh.shape, generator=generator),
        ),
        "half of the classes": ("partial", classes(5)),
        "one class dropped": ("partial", classes(9)),
        "one class only": ("collapsed", classes(1)),
        "one image": ("collapsed", test.samples[:1].expand(fresh.shape)),
        "black images": ("collapsed", black),
        "half black": ("low quality", torch.cat([fresh[:half], black[half:]])),
        "pixel Gaussian": ("low quality", gaussian),
        "uniform noise": ("low quality", 2 * torch.rand(fresh.shape, generator=generator) - 1),
    }


def drawn(samples: Tensor, count: int, generator: torch.Generator) -> Tensor:
    return samples[torch.randint(len(samples), (count,), generator=generator)]


def honest(dataset: Any, count: int, generator: torch.Generator) -> Tensor:
    """What a perfect generator would give: new samples, or held-out images sampled with replacement."""
    if hasattr(dataset, "sample"):
        return dataset.sample(count, generator)  # type: ignore[no-any-return]
    return drawn(dataset.load("test").samples, count, generator)


def battery(registry: Registry, name: str, on_row: Callable[[str], None] = lambda text: None) -> list[dict[str, Any]]:
    """Every wrong set of one dataset: expected and given verdict, and the scores below those of honest sets."""
    dataset, protocol = protocol_of(registry, name)
    count = COUNTS[name]
    floors = [protocol.scores(honest(dataset, count, torch.Generator().manual_seed(i)), SOURCE) for i in range(HONEST)]
    make = images if len(dataset.shape) == 3 else points
    fresh = protocol.scores(honest(dataset, count, torch.Generator().manual_seed(HONEST + 1)), SOURCE)
    rows = [_row(name, "honest samples", "ok", fresh, floors)]
    for title, (due, samples) in make(dataset, count, torch.Generator().manual_seed(HONEST)).items():
        on_row(f"{name}: {title}")
        rows.append(_row(name, title, due, protocol.scores(samples, SOURCE), floors))
    return rows


def _row(dataset: str, title: str, due: str, found: Scores, floors: list[Scores]) -> dict[str, Any]:
    below = [
        found.evaluation.cards[name].score
        for name, value in found.values.items()
        if _below(value, found.evaluation.cards[name].better, [f.values[name] for f in floors])
    ]
    assert found.evaluation.verdict is not None
    return {
        "dataset": dataset,
        "set": title,
        "due": due,
        "verdict": found.evaluation.verdict.text,
        "below": below,
        "scores": dict(found.values),
    }


def _below(value: float, better: str, floor: list[float]) -> bool:
    margin = max(floor) - min(floor)
    return value < min(floor) - margin if better == "higher" else value > max(floor) + margin


def main() -> None:
    """Evaluate every set and print the table."""
    torch.set_num_threads(1)
    registry = Registry.load()
    rows = [row for name in COUNTS for row in battery(registry, name)]
    report.write("fooling", report.machine(), rows, whole=True)
    wrong = [row for row in rows if not right(row)]
    raise SystemExit(f"{len(wrong)} sets do not get the expected verdict and scores" if wrong else 0)


def right(row: dict[str, Any]) -> bool:
    """Whether a set has the expected verdict, and scores below honest samples if and only if something is wrong."""
    named = str(row["verdict"]).startswith(row["due"])
    return named and bool(row["below"]) == (row["due"] != "ok")


if __name__ == "__main__":
    main()
