"""Samples that are wrong in known ways and doses, and honest ones, with their verdicts: `python -m benchmarks.fooling`.

From a stated dose on the verdict must name the fault, and no honest set may have one. `--honest` prints instead how far
other honest sets stay away from each limit.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import click
import torch

from benchmarks import report
from benchmarks.wrong_sets import IMAGES, POINTS, Images, Points, Way
from ganbench import Data, Dataset
from ganbench.evaluation.evaluator import Evaluator, Source
from ganbench.registry.registry import Registry
from ganbench.results.records import Evaluation
from ganbench.runner.scoring import build_evaluator
from ganbench.suite.specs import EvaluationSpec
from ganbench_datasets.digits import Digits
from ganbench_datasets.mixtures import Mixture

DATASETS = ("ring8", "grid25", "digits")
COUNT = 10_000
"""Points in a set."""
HONEST = 60
"""Honest sets for each dataset."""
FIRST_UNTESTED = 1_000
"""The first seed of the honest sets by which the limits were chosen; the tested ones have smaller seeds."""
SOURCE = Source("planted", None)
Row = dict[str, Any]


@dataclass(frozen=True)
class HalvedDigits(Digits):
    """The digits of a random half: three quarters are the training split, one quarter is held out.

    With `wide`, the half is the training split, and half of the other half is held out.
    """

    seed: int = 0
    wide: bool = False
    parts: Mapping[str, Data] = field(default_factory=dict, compare=False)

    def load(self, split: Literal["train", "test", "fresh"]) -> Data:
        """`fresh`: the images that are in no split."""
        if not self.parts:
            object.__setattr__(self, "parts", self._parts())
        return self.parts[split]

    def _parts(self) -> dict[str, Data]:
        whole = [Digits().load("train"), Digits().load("test")]
        samples = torch.cat([one.samples for one in whole])
        labels = torch.cat([one.labels for one in whole if one.labels is not None])
        half = len(samples) // 2
        first, second = (half, half + half // 2) if self.wide else (3 * half // 4, half)
        order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(self.seed))
        rows = {"train": order[:first], "test": order[first:second], "fresh": order[second:]}
        return {name: Data(samples[some], labels[some]) for name, some in rows.items()}


def evaluator_of(registry: Registry, name: str, dataset: Dataset) -> Evaluator:
    """The default protocol of a dataset."""
    metrics = tuple(registry.choose("metric", metric, {}) for metric in dataset.metrics)
    extractor = registry.choose("extractor", dataset.extractor, {})
    reals = 0 if len(dataset.shape) == 3 else COUNT
    spec = EvaluationSpec(samples=COUNT, real_samples=reals, extractor=extractor, metrics=metrics)
    return build_evaluator(registry, dataset, spec, torch.device("cpu"))


def mixture(registry: Registry, name: str) -> Mixture:
    """A dataset of points by name."""
    found = registry.create("dataset", registry.choose("dataset", name, {}))
    assert isinstance(found, Mixture)
    return found


def honest(registry: Registry, name: str, seeds: range) -> Iterator[tuple[int, Evaluator, Evaluation]]:
    """Honest sets: new points, or the half of the digits that the dataset does not have."""
    points = None if name == "digits" else evaluator_of(registry, name, mixture(registry, name))
    for seed in seeds:
        if points is None:
            half = HalvedDigits(seed=seed)
            evaluator = evaluator_of(registry, name, half)
            samples = half.load("fresh").samples
        else:
            evaluator = points
            assert isinstance(points.dataset, Mixture)
            samples = points.dataset.sample(COUNT, torch.Generator().manual_seed(seed + 10))
        yield seed, evaluator, evaluator.scores(samples, SOURCE).evaluation


def wrong(registry: Registry, name: str, only: Callable[[Way[Any], float], bool] = lambda way, dose: True
          ) -> Iterator[Row]:  # fmt: skip
    """The verdict on every dose of every way to be wrong, or on some of them."""
    base: Points | Images
    ways: tuple[Way[Any], ...]
    if name == "digits":
        half = HalvedDigits(wide=True)
        fresh = half.load("fresh")
        assert fresh.labels is not None
        evaluator, ways = evaluator_of(registry, name, half), IMAGES
        base = Images(fresh.samples, fresh.labels, half.load("train").samples)
    else:
        data = mixture(registry, name)
        evaluator, ways, base = evaluator_of(registry, name, data), POINTS, Points(data, COUNT)
    for i in range(len(ways)):
        way: Way[Any] = ways[i]
        for dose in way.doses:
            if only(way, dose):
                samples = way.make(base, dose, torch.Generator().manual_seed(i))
                yield _row(name, way, dose, evaluator.scores(samples, SOURCE).evaluation)


def _row(name: str, way: Way[Any], dose: float, found: Evaluation) -> Row:
    assert found.verdict is not None, (way.title, dose, found.missing)
    return {
        "dataset": name,
        "set": way.title,
        "dose": dose,
        "wrong": way.wrong(dose),
        "due": list(way.due),
        "verdict": found.verdict.fault,
        "text": found.verdict.text,
        "evidence": [fault.evidence for own in found.verdict.by.values() for fault in own],
    }


def right(row: Row) -> bool:
    """Whether the verdict is due: one of the right faults from the stated dose on.

    Before it that, none, or that something is distorted.
    """
    return row["verdict"] in row["due"] or (not row["wrong"] and row["verdict"] in ("ok", "distorted"))


def honest_rows(registry: Registry, name: str, seeds: range) -> list[Row]:
    """The verdicts on honest sets."""
    rows = []
    for seed, _, found in honest(registry, name, seeds):
        assert found.verdict is not None, found.missing
        told = [fault.evidence for own in found.verdict.by.values() for fault in own]
        rows.append({"dataset": name, "honest": seed, "verdict": found.verdict.fault, "evidence": told})
    return rows


def slack(registry: Registry, name: str, seeds: range) -> list[str]:
    """For every limit: how far honest sets stay from it, in their standard deviations, and the nearest."""
    gaps: dict[str, list[float]] = {}
    for _, evaluator, found in honest(registry, name, seeds):
        at = found.at_reference_counts
        assert at is not None
        for metric, limits in evaluator.limits.items():
            for score, own in limits.items():
                better = evaluator.metrics[metric].better
                label = str(evaluator.label(evaluator.metrics[metric], score))
                if label in at.scores and label in at.honest:
                    sign = 1 if better[score] == "lower" else -1
                    near = min(sign * (one.bound(at.honest[label], better[score]) - at.scores[label]) for one in own)
                    gaps.setdefault(label, []).append(near)
    lines = []
    for label, found_gaps in gaps.items():
        values = torch.tensor(found_gaps, dtype=torch.float64)
        spread = values.std()
        away = f"{values.mean() / spread:.1f} standard deviations" if spread > 1e-9 else "always as far"
        lines.append(f"{name} {label}: {away}, nearest {values.min():.3g}")
    return lines


@click.command()
@click.option("--honest", "only_honest", is_flag=True, help="How far honest sets stay from each limit, on other draws.")
def main(only_honest: bool) -> None:
    """Evaluate every set and print the table."""
    torch.set_num_threads(1)
    registry = Registry.load()
    if only_honest:
        for name in DATASETS:
            for line in slack(registry, name, range(FIRST_UNTESTED, FIRST_UNTESTED + HONEST)):
                click.echo(line)
        return
    rows: list[Row] = []
    for name in DATASETS:
        rows += wrong(registry, name)
        rows += honest_rows(registry, name, range(HONEST))
    report.write("fooling", report.machine(), rows, whole=True)
    missed = [row for row in rows if "set" in row and not right(row)]
    alarms = [row for row in rows if "honest" in row and row["verdict"] != "ok"]
    for row in [*missed, *alarms]:
        click.echo(row, err=True)
    if missed or alarms:
        raise SystemExit(f"{len(missed)} sets do not get the due verdict, {len(alarms)} honest sets have a fault")


if __name__ == "__main__":
    main()
