"""Made-up results, in a second instead of hours: records of the real shape, for tests and for looking at the report.

`python tests/fabricate.py DIR --seeds 10` writes such a folder; `ganbench table --suite fabricated --results DIR`
reads it as any other.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zlib import crc32

import fabricated_files as files
import numpy as np
import plans
import yaml
from factories import make_train

from ganbench.engine.state import TrainedSeed
from ganbench.evaluation.evaluator import Source
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import Direction, Fault, ScoreKind
from ganbench.registry.registry import Registry
from ganbench.results.protocol_card import ProtocolCard
from ganbench.results.provenance import machine
from ganbench.results.records import (
    EqualCounts,
    Evaluation,
    Failure,
    Film,
    Histogram,
    Neighbors,
    PluginOrigin,
    Provenance,
    Record,
    ReferenceRecord,
    Snapshot,
)
from ganbench.results.run_files import write_history
from ganbench.results.store import Store
from ganbench.results.verdicts import verdict
from ganbench.runner.run_record import failed_record, run_record
from ganbench.suite.plan_file import SavedPlan, plan_to_save, save_plan
from ganbench.suite.specs import Cell, EvaluationSpec, Plan, PlannedReference, ReferenceSpec, RunSpec

NASTY = (
    "<script>document.title='run'</script>",
    '"><img src=x onerror="document.title=1">',
    "javascript:alert('a & b')",
    "safe\u202egnp.exe{{7*7}}</title></style><!--" + "long" * 40,
)
"""Names that break out of text, attributes, addresses and columns where they are not escaped."""
TRACEBACK = """Traceback (most recent call last):
  File "ganbench/executors/local.py", line 101, in _serve
    train_cell(registry, job.suite, job.cell, device, staging, on_progress, on_record)
  File "my_loss.py", line 9, in d_loss
    return critic.real.mean() / self.nothing
ZeroDivisionError: {reason}
"""
Scores = dict[str, dict[str, tuple[Direction, ScoreKind, float, float]]]
POINTS: Scores = {
    "modes": {"modes": ("higher", "count", 0, 8), "HQ": ("higher", "share", 0, 0.99),
              "reverse KL": ("lower", "log", 1.5, 0.001), "modes>=1": ("higher", "count", 2, 8)},
    "spread": {"diversity": ("higher", "share", 0.2, 1)},
    "sliced-wasserstein": {"SW1": ("lower", "log", 0.5, 0.02)},
}  # fmt: skip
IMAGES: Scores = {
    "fid": {"FID": ("lower", "log", 600, 7)},
    "inception-score": {"IS": ("higher", "linear", 2, 9)},
    "kid": {"KID": ("lower", "log", 60_000, 100)},
    "precision-recall": {"precision": ("higher", "share", 0, 0.88), "recall": ("higher", "share", 0, 0.92)},
    "coverage-density": {"coverage": ("higher", "share", 0, 0.82), "density": ("higher", "linear", 0, 0.96)},
    "spread": {"diversity": ("higher", "share", 0.3, 1)},
    "memorisation": {"memorisation": ("higher", "share", 1, 1)},
    "modes": {"modes": ("higher", "count", 3, 10), "class KL": ("lower", "log", 0.9, 0.0004),
              "confidence": ("higher", "share", 0.6, 0.99)},
}  # fmt: skip
"""metric -> score -> (better, kind, the value of noise, the value of real data)"""
REFERENCES = {"real": 1.0, "gaussian": 0.35, "noise": 0.0}


@dataclass(frozen=True)
class Made:
    """What to make up. Names that plugins have get their hyperparameters; others are made up too.

    `failures` lets some runs diverge, fail, run out of memory, and be missing; `nasty` adds a loss,
    an architecture, datasets, a score and texts that hold markup.
    """

    suite: str = "fabricated"
    about: str = "made-up records, to look at the report"
    losses: tuple[str, ...] = ("minimax", "nonsaturating", "rpgan")
    architectures: tuple[str, ...] = ("mlp", "dcgan")
    points: tuple[str, ...] = ("ring8",)
    images: tuple[str, ...] = ("digits",)
    seeds: int = 6
    snapshots: int = 8
    failures: bool = True
    nasty: bool = False
    pictures: bool = True
    notes: tuple[str, ...] = ()


def fabricate(root: Path, made: Made = Made()) -> SavedPlan:
    """Write a results folder under `root` and return its layout; the same arguments, the same scores."""
    if made.nasty:
        made = replace(
            made, losses=(*made.losses, NASTY[0]), architectures=(*made.architectures, NASTY[1]),
            points=(*made.points, NASTY[2]), images=(*made.images, NASTY[3]),
            about=f"{made.about} {NASTY[1]} {NASTY[0]}", notes=NASTY,
        )  # fmt: skip
    registry = Registry.load()
    plan = Plan(made.suite, made.about, *_cells(made, registry))
    store, content = Store(root), plan_to_save(plan)
    with patch("os.fsync"), store.writing():  # nobody mourns made-up results, and the disk takes its time
        for index, cell in enumerate(plan.cells):
            for seed in cell.seeds:
                _write_run(store, made, _Run(cell, index, seed, made))
        for one in plan.references:
            _write_reference(store, made, one.dataset.text, one.spec)
    save_plan(root, content)
    return content


def _choice(registry: Registry, kind: Any, label: str) -> Choice:
    """`mlp(width=32)` as a suite would resolve it; a name that no plugin has is taken as it is."""
    name, _, inside = label.removesuffix(")").partition("(")
    if name not in registry.names(kind):
        return Choice(label, {}, {}, "1")
    return registry.choose(kind, name, yaml.safe_load("{" + inside.replace("=", ": ") + "}"))


def _cells(made: Made, registry: Registry) -> tuple[Any, Any, Any]:
    """Cells, what is left out, and references, as an expanded suite has them."""
    cells, skipped, references = [], [], []
    for dataset in (*made.points, *made.images):
        evaluation = _evaluation(made, registry, dataset in made.images)
        chosen = _choice(registry, "dataset", dataset)
        references += [
            PlannedReference(plans.label(dataset), ReferenceSpec(name, chosen, evaluation)) for name in REFERENCES
        ]
        for architecture in made.architectures:
            for loss in made.losses:
                labels = (loss, architecture, dataset)
                if architecture.startswith("dcgan") and dataset in made.points:
                    reason = "convolutions need images, and the samples are 2-D points"
                    skipped.append(plans.skipped(*labels, " ".join([reason, *made.notes[:1]])))
                    continue
                spec = RunSpec(
                    (_choice(registry, "loss", loss),), _choice(registry, "architecture", architecture), chosen, 0,
                    make_train(steps=3000, batch=128, lr=2e-3, schedule="cosine"), evaluation=evaluation,
                )  # fmt: skip
                cells.append(plans.cell(spec, tuple(range(made.seeds)), labels))
    return tuple(cells), tuple(skipped), tuple(references)


def _evaluation(made: Made, registry: Registry, image: bool) -> EvaluationSpec:
    extractor = registry.choose("extractor", "digits16" if image else "mixture", {})
    metrics = tuple(registry.choose("metric", name, {}) for name in (IMAGES if image else POINTS))
    return EvaluationSpec(5000, 0, snapshots=made.snapshots, extractor=extractor, metrics=metrics)


class _Run:
    """One made-up run: how good it is, and how it ended."""

    def __init__(self, cell: Cell, index: int, seed: int, made: Made) -> None:
        self.cell, self.seed, self.spec, self.made = cell, seed, cell.run(seed), made
        self.image = cell.dataset.text in made.images
        self.rng = np.random.default_rng(crc32("\0".join(cell.texts).encode()) + seed)
        level = np.random.default_rng(crc32("\0".join(cell.texts).encode())).uniform(0.3, 0.95)
        self.quality = float(np.clip(level + self.rng.normal(0, 0.04), 0.02, 0.98))
        last = {(0, 1): "diverged", (1, 0): "failed", (1, 2): "timeout", (3, 1): "missing"}
        self.status = last.get((index % 7, seed), "ok") if made.failures else "ok"
        if made.failures and index % 7 == 4:
            self.status = "out-of-memory"

    @property
    def reason(self) -> str:
        said = {
            "diverged": "a loss was not finite at step 1240",
            "failed": "ZeroDivisionError: float division by zero (my_loss.py, line 9)",
            "out-of-memory": "the worker was killed, most likely for lack of memory",
            "timeout": "no result after 3600 s",
        }.get(self.status, "")
        return " ".join([said, *self.made.notes]) if said and self.status != "diverged" else said


def scores(image: bool, quality: float, source: Source, spec: Any, nasty: bool = False) -> Evaluation:
    """Scores between noise (0) and real data (1), with their cards and verdict."""
    values: dict[str, float] = {}
    cards: dict[str, ProtocolCard] = {}
    extractor = "digits16" if image else None
    by_name = {metric.name: metric for metric in spec.metrics}
    for metric, own in (IMAGES if image else POINTS).items():
        for score, (better, kind, noise, real) in own.items():
            label = f"{score}[{extractor}]" if extractor else score
            if nasty and score in ("HQ", "recall"):
                label = NASTY[1]
            values[label] = _between(noise, real, quality, kind)
            extracted = metric != "sliced-wasserstein"
            cards[label] = ProtocolCard(
                metric=Choice(metric, by_name[metric].params), code=by_name[metric].code, score=score,
                better=better, kind=kind, fake_samples=spec.samples,
                real_samples=1347 if image else 10_000, split=spec.split,
                extractor=Choice(spec.extractor.name, spec.extractor.params) if extracted else None,
                weights=("6626e93c1535" if image else "exact") if extracted else None,
                generator=source.generator, checkpoint=source.checkpoint,
            )  # fmt: skip
    modes = 10 if image else 8
    partial = [Fault("partial", round(modes * quality), modes)]
    poor = [Fault("low quality", evidence="<HQ> 0.300, of honest samples 0.987")]
    faults = [] if quality > 0.8 else partial if quality > 0.5 else poor
    equal = EqualCounts(450, values, values) if image else None
    return Evaluation(values, cards, verdict({"modes": faults, "spread": []}), at_reference_counts=equal)


def _between(noise: float, real: float, quality: float, kind: ScoreKind) -> float:
    if kind == "log":
        return math.exp(math.log(noise) + (math.log(real) - math.log(noise)) * quality)
    value = noise + (real - noise) * quality
    return float(round(value)) if kind == "count" else value


def _write_run(store: Store, made: Made, run: _Run) -> None:
    if run.status == "missing":
        return
    folder = store.stage(run.spec.id)
    if run.status not in ("ok", "diverged"):
        if run.status == "failed":
            (folder / "traceback.txt").write_text(TRACEBACK.format(reason=run.reason), encoding="utf-8")
        store.commit(failed_record(made.suite, run.spec, Failure(run.status, run.reason)), folder)  # type: ignore[arg-type]
        return
    result = _trained(run)
    write_history(folder, result.steps, result.history)
    found = Evaluation()
    if run.status == "ok":
        found = scores(run.image, run.quality, Source("raw", "last"), run.spec.evaluation, made.nasty)
    record = run_record(made.suite, run.spec, result, found, 1 << 30, _provenance(run))
    store.commit(_shown(record, run, folder) if run.status == "ok" and made.pictures else record, folder)


def _trained(run: _Run) -> TrainedSeed:
    """The signals and snapshots of a run, without having trained it."""
    steps = list(range(0, 1250 if run.status == "diverged" else run.spec.train.steps, 30))
    collapses = run.quality < 0.45
    signals = files.history(run.rng, len(steps), collapses, log_odds=not run.spec.composition.startswith("rpgan"))
    seconds = round(1 + 4 * run.image + float(run.rng.uniform(0, 0.3)) + len(run.spec.composition) / 20, 3)
    failure = Failure("diverged", "a loss was not finite", step=1240) if run.status == "diverged" else None
    result = TrainedSeed(run.seed, failure, steps=steps, history=signals, seconds=seconds)
    count = run.spec.evaluation.snapshots
    for t in range(1, count + 1):
        step = round(t / count * run.spec.train.steps)
        if step > steps[-1] + 30:
            break
        source = Source("raw", f"step {step}")
        part = scores(run.image, run.quality * (1 - math.exp(-4 * t / count)), source, run.spec.evaluation)
        result.snapshots.append(Snapshot(step, round(seconds * t / count, 3), part.metrics))
    return result


def _provenance(run: _Run) -> Provenance:
    plugins = {
        f"{kind}:{choice.name}": PluginOrigin("made-up", "0.0", choice.code, f"{crc32(choice.name.encode()):012x}")
        for kind, choice in run.spec.choices()
    }
    here = machine()
    return replace(
        here, path="compiled", path_reason="small networks fill a core four at a time", stack=4, lanes=4,
        prepare_seconds=0.7, device="cpu", threads=1, plugins=plugins,
        processor=run.made.notes[1] if run.made.notes else here.processor,
    )  # fmt: skip


def _shown(record: Record, run: _Run, folder: Path) -> Record:
    """The record of an ok run with its pictures, which are written, and its histogram."""
    quality = round(8 * run.quality)
    (folder / "samples.png").write_bytes(files.samples(run.image, quality, run.seed % 3))
    record = replace(record, evaluation=replace(record.evaluation, histogram=_histogram(run)))
    if run.spec.evaluation.snapshots:
        count = run.spec.evaluation.snapshots
        (folder / "film.png").write_bytes(files.film(run.image, quality, count))
        steps = tuple(round(t / count * 3000) for t in range(1, count + 1))
        record = replace(record, film=Film(steps, files.FRAME))
    if run.image:
        (folder / "neighbours.png").write_bytes(files.neighbours(quality))
        record = replace(record, neighbors=Neighbors("features of digits16", 1347, 8, 3))
    return record


def _histogram(run: _Run) -> Histogram:
    count, n = (10, 5000) if run.image else (8, 10_000)
    missed = 0 if run.image else round(n * (1 - run.quality) / 2)
    shares = run.rng.dirichlet(np.full(count, 30 * run.quality))
    fake = run.rng.multinomial(n - missed, shares).tolist()
    real = run.rng.multinomial(1347 if run.image else n, np.full(count, 1 / count)).tolist()
    return Histogram(
        "classes" if run.image else "modes", tuple(fake), n, tuple(real), None if run.image else missed, sum(real)
    )


def _write_reference(store: Store, made: Made, dataset: str, spec: ReferenceSpec) -> None:
    image, quality = dataset in made.images, REFERENCES[spec.reference]
    source = Source(f"reference: {spec.reference}", None)
    found = scores(image, quality, source, spec.evaluation, made.nasty)
    folder = store.stage(spec.id)
    if made.pictures:
        (folder / "samples.png").write_bytes(files.samples(image, round(8 * quality), 1))
    record = ReferenceRecord(
        id=spec.id, spec=spec, evaluation=found, samples=spec.evaluation.samples, notes=made.notes[:2],
        provenance=replace(machine(), device="cpu"),
    )  # fmt: skip
    store.commit(record, folder)


def many(runs: int) -> Made:
    """About so many runs: 5 losses x 5 MLPs x 4 datasets x seeds."""
    return Made(
        losses=("minimax", "nonsaturating", "rpgan", "hinge", "lsgan"),
        architectures=tuple(f"mlp(width={width})" for width in (16, 32, 64, 128, 256)),
        points=("ring8", "grid25"), images=("digits", "shapes"), seeds=max(1, runs // 100),
    )  # fmt: skip


def _options() -> Iterator[tuple[Path, Made]]:
    parser = argparse.ArgumentParser(description="Write made-up results, to look at the report.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--snapshots", type=int, default=8)
    parser.add_argument("--runs", type=int, help="about so many runs, of many variants")
    parser.add_argument("--nasty", action="store_true", help="with names and texts that hold markup")
    given = parser.parse_args()
    made = many(given.runs) if given.runs else Made(seeds=given.seeds)
    yield given.folder, replace(made, snapshots=given.snapshots, nasty=given.nasty)


if __name__ == "__main__":
    for folder, made in _options():
        content = fabricate(folder, made)
        print(f"{folder}: suite {content.suite}, {sum(len(row.runs) for row in content.rows)} runs")
