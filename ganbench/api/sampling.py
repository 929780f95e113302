"""Samples of a trained run, written to files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.errors import MissingError, UsageError
from ganbench.results.records import Record
from ganbench.results.store import Store

if TYPE_CHECKING:
    import torch

    from ganbench.registry.choice import Choice
    from ganbench.registry.registry import Registry

DEFAULT_COUNT = 50_000


@dataclass(frozen=True)
class SampleSettings:
    """What is drawn from a trained generator.

    `labels` is a text such as `0,3` (equal shares of these classes) or `0:100,3:50` (so many of each); without it the
    labels of a conditional generator have the frequencies of its training data. `seed` is the set of latents: 0 is
    the one that scores are of. `truncation` T cuts the normal latents off at -T and T.
    """

    n: int | None = None
    labels: str | None = None
    truncation: float | None = None
    seed: int = 0
    plugins: tuple[Path, ...] = ()
    device: str = "auto"


@dataclass(frozen=True)
class WrittenSamples:
    """Samples that were written: where, how many, of which shape, and what is worth a line."""

    path: Path
    count: int
    shape: tuple[int, ...]
    notes: tuple[str, ...] = ()


def sample(run: str, folder: Path, to: Path, settings: SampleSettings) -> WrittenSamples:
    """Draw samples from the generator of a run, and write them to an `.npz` file or a folder of images.

    No dataset is needed. The generator is the one that the run's last evaluation chose, by default that of the end
    of training. Raises `UsageError` for an unknown run, one that was not trained to its end, or labels that do not
    suit it; `MissingError` if its weights are not there or the disk refuses, `ResultsError` if they are damaged.
    """
    import torch

    from ganbench.engine import devices
    from ganbench.evaluation.generate import Sampling, batches
    from ganbench.evaluation.sample_files import check_target, write_samples
    from ganbench.evaluation.weights import evaluated_generator, generator_network
    from ganbench.registry.registry import Registry
    from ganbench.registry.training_contracts import is_conditional

    if settings.truncation is not None and not 0 < settings.truncation < math.inf:
        raise UsageError(f"the truncation must be a number > 0, got {settings.truncation}")
    record, place = Store.existing(folder).only_run(run)
    if record.training_failure is not None:
        raise UsageError(f"run {record.id} has no trained generator: {record.training_failure.text}")
    registry = Registry.load(settings.plugins)
    choice, notes = _architecture(record, registry)
    architecture = registry.create("architecture", choice)
    shape = record.shape or _shape_of_data(record, registry)
    labels = _labels(record, settings, is_conditional(architecture))
    count = len(labels) if labels is not None else settings.n or DEFAULT_COUNT
    check_target(to, shape)
    device = torch.device(devices.resolve_one(settings.device))
    sampling = Sampling(
        count, settings.seed, record.spec.train.averaged, settings.truncation, 0, record.class_counts, labels
    )
    network = generator_network(architecture, shape, len(record.class_counts), record.spec.seed)
    trained = evaluated_generator(record, place, network)
    try:
        write_samples(to, batches(architecture, shape, trained, sampling, device), count, shape)
    except OSError as error:
        raise MissingError(f"{to} cannot be written: {error.strerror or error}") from error
    return WrittenSamples(to, count, shape, notes)


def _architecture(record: Record, registry: Registry) -> tuple[Choice, tuple[str, ...]]:
    """The architecture of a run as it is installed, and a note if its code is another one."""
    from ganbench.runner.rebuild import came_from

    own = record.spec.architecture
    try:
        choice = registry.choose("architecture", own.name, own.arguments())
    except UsageError as error:
        hint = "".join(f"\n  {text}" for text in came_from(record, registry, "architecture"))
        raise UsageError(f"the generator of run {record.id} cannot be built: {error}{hint}") from error
    if own.code in ("", choice.code):
        return choice, ()
    return choice, (
        f"architecture {own.name!r} has the code version {choice.code} here and {own.code} in the record: the samples "
        "may not be those of the run",
    )


def _shape_of_data(record: Record, registry: Registry) -> tuple[int, ...]:
    """The shape of a sample by the dataset's plugin, for a record that does not hold it."""
    own = record.spec.dataset
    return tuple(registry.create("dataset", registry.choose("dataset", own.name, own.params)).shape)


def _labels(record: Record, settings: SampleSettings, conditional: bool) -> torch.Tensor | None:
    """The labels that are asked for, None for those of the data's frequencies or of no labels at all."""
    if conditional and not record.class_counts:
        raise UsageError(f"the record of run {record.id} holds no counts of its classes, as earlier versions wrote it")
    if settings.labels is None:
        return None
    if not conditional:
        raise UsageError(f"run {record.id} has no conditional generator, so that no labels can be asked for")
    return parse_labels(settings.labels, len(record.class_counts), settings.n)


def parse_labels(text: str, classes: int, count: int | None) -> torch.Tensor:
    """The labels (count,) that `0,3` or `0:100,3:50` asks for, class by class. Raises `UsageError`."""
    import torch

    pairs = [item.partition(":") for item in text.split(",")]
    if not all(name.strip().isdecimal() and (not colon or one.strip().isdecimal()) for name, colon, one in pairs):
        raise UsageError(f"--labels {text!r}: write classes such as 0,3, or a count for each such as 0:100,3:50")
    labels = [int(name) for name, _, _ in pairs]
    if max(labels) >= classes:
        raise UsageError(f"--labels {text!r}: there is no class {max(labels)}; the classes are 0 to {classes - 1}")
    if len({bool(colon) for _, colon, _ in pairs}) > 1:
        raise UsageError(f"--labels {text!r}: give a count for every class or for none")
    if pairs[0][1]:
        counts = [int(one) for _, _, one in pairs]
        if sum(counts) == 0 or count not in (None, sum(counts)):
            raise UsageError(f"--labels {text!r} asks for {sum(counts)} samples, --n for {count or 'at least one'}")
    else:
        wanted = DEFAULT_COUNT if count is None else count
        counts = [wanted // len(labels) + (i < wanted % len(labels)) for i in range(len(labels))]
    return torch.repeat_interleave(torch.tensor(labels), torch.tensor(counts))
