"""Checks what a dataset loads against its contract: type, shape, range, labels, repeatability, separate splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import torch
from torch import Tensor

from ganbench.errors import PLUGIN_ERRORS, GanbenchError, describe_error, raised_at
from ganbench.formatting import counted
from ganbench.registry.contracts import Data, Dataset, Metric
from ganbench.registry.fingerprints import SPLITS
from ganbench.registry.preparing import plugin_error
from ganbench.suite.specs import EvaluationSpec

MAX_OVERLAP = 0.05
"""The largest share of test samples that may be training samples, byte for byte. With more, the lowest 5 % of the
distances of held-out samples to the training data are zero, so that copies cannot be told from new samples."""
PART = 1000
"""Samples that are looked at together, so that no copy of all is made."""
ROUNDING = 1e-5
"""How far outside of [-1, 1] a pixel may be."""


@dataclass
class CheckedData:
    """What a dataset loads: the samples in each split, problems, and what is worth a line only."""

    name: str
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class _Split:
    """One split: its problems and, if there are none, a digest of every sample."""

    problems: list[str]
    digests: list[bytes] = field(default_factory=list)


def check_data(name: str, dataset: Dataset) -> CheckedData:
    """Load both splits twice and check them. Each problem is one sentence that says what was found and wanted.

    Only one split is in memory at a time. Raises `MissingError` if the data are not there.
    """
    result = CheckedData(name)
    splits = {split: _checked_split(name, dataset, split) for split in SPLITS}
    for text in dict.fromkeys(text for found in splits.values() for text in found.problems):
        where = [split for split, found in splits.items() if text in found.problems]
        result.problems.append(f"dataset {name!r}, split{'s' * (len(where) > 1)} {' and '.join(where)}: {text}")
    if not result.problems:
        result.counts = {split: len(found.digests) for split, found in splits.items()}
        _compare_splits(result, splits["train"].digests, splits["test"].digests)
    return result


def _checked_split(name: str, dataset: Dataset, split: str) -> _Split:
    try:
        data = dataset.load(split)  # type: ignore[arg-type]
        problems = list(_wrong_form(data, dataset)) or list(_wrong_values(data, dataset))
        if problems:
            return _Split(problems)
        first = _digests(data)
        data = None  # type: ignore[assignment]  # before the second load, so that one is in memory
        data = dataset.load(split)  # type: ignore[arg-type]
        problems = list(_wrong_form(data, dataset))
        if problems:
            return _Split([f"at the second load, {text}" for text in problems])
        again = _digests(data)
    except GanbenchError:
        raise
    except FileNotFoundError as error:
        raise plugin_error(f"dataset {name!r}.load", error) from error
    except PLUGIN_ERRORS as error:  # a third-party plugin may raise anything
        return _Split([f"load raised {describe_error(error)}{raised_at(error)}"])
    samples = first[0]
    if first != again:
        return _Split([_unlike(first, again)])
    if len(set(samples)) == 1 < len(samples):
        return _Split([f"all {len(samples)} samples are equal; wanted samples that differ"])
    return _Split([], samples)


def _wrong_form(data: object, dataset: Dataset) -> Iterator[str]:
    """What is wrong about types and shapes."""
    if not isinstance(data, Data):
        yield f"load returned {_kind(data)}, wanted ganbench.Data(samples, labels)"
        return
    samples, labels = data
    if not isinstance(samples, Tensor):
        yield f"samples are {_kind(samples)}, wanted a float32 torch tensor; convert with torch.as_tensor"
        return
    if samples.dtype == torch.uint8:
        if len(dataset.shape) != 3:
            yield "samples are uint8, wanted float32: only images (C, H, W) may be bytes; convert with .float()"
    elif samples.dtype != torch.float32:
        yield f"samples are {_name(samples.dtype)}, wanted float32, or uint8 for images; convert with .float()"
    found, wanted = tuple(samples.shape[1:]), tuple(dataset.shape)
    if samples.device.type != "cpu":
        yield f"samples are on {samples.device}, wanted on the CPU"
    if not samples.dim() or found != wanted:
        last = len(wanted) == 3 and found == (*wanted[1:], wanted[0])
        hint = "; move the channels to the front with .permute(0, 3, 1, 2)" if last else ""
        yield f"samples have shape {found if samples.dim() else ()}, wanted {wanted} as `shape` says{hint}"
    elif not len(samples):
        yield "there are no samples, wanted at least one"
    if labels is not None:
        yield from _wrong_labels(labels, len(samples) if samples.dim() else 0, dataset.modes)


def _wrong_labels(labels: object, count: int, modes: int | None) -> Iterator[str]:
    if not isinstance(labels, Tensor):
        yield f"labels are {_kind(labels)}, wanted an int64 torch tensor or None"
    elif labels.dtype != torch.int64:
        yield f"labels are {_name(labels.dtype)}, wanted int64; convert with .long()"
    elif tuple(labels.shape) != (count,):
        yield f"labels have shape {tuple(labels.shape)}, wanted ({count},): one label per sample"
    elif modes is None:
        yield "there are labels, but `modes` is None; wanted the number of classes in `modes`, or no labels"
    elif count and not 0 <= int(labels.min()) <= int(labels.max()) < modes:
        yield f"labels are {int(labels.min())} to {int(labels.max())}, wanted 0 to {modes - 1} as `modes` says"


def _wrong_values(data: Data, dataset: Dataset) -> Iterator[str]:
    """What is wrong about the values of samples of the right form."""
    samples = data.samples
    if samples.dtype == torch.uint8:
        return
    bad = sum(int((~part.flatten(1).isfinite().all(dim=1)).sum()) for part in torch.split(samples, PART))
    if bad:
        yield f"{bad} of {len(samples)} samples hold NaN or infinity, wanted finite values"
        return
    low, high = (float(value) for value in torch.aminmax(samples))
    if len(dataset.shape) != 3:
        return
    outside = low < -1 - ROUNDING or high > 1 + ROUNDING
    found = f"values are {round(low, 2):g} to {round(high, 2):g}, wanted -1 to 1 for images"
    if outside and low >= 0 and high <= 255:
        yield f"{found}; if they are bytes, scale with x / 127.5 - 1"
    elif outside:
        yield f"{found}; scale or clamp them"
    elif 0 <= low < high:
        yield f"{found}; no value is negative: if they are 0 to 1, scale with 2 * x - 1"


def _digests(data: Data) -> tuple[list[bytes], list[bytes]]:
    """A digest of every sample, and of the labels."""
    labels = [] if data.labels is None else [data.labels.numpy().tobytes()]
    parts = (part.flatten(1).contiguous().numpy() for part in torch.split(data.samples.detach(), PART))
    return [blake2b(row.data, digest_size=16).digest() for part in parts for row in part], labels


def _unlike(first: tuple[list[bytes], list[bytes]], again: tuple[list[bytes], list[bytes]]) -> str:
    """How two loads of a split differ."""
    wanted = "wanted the same at every load; fix the seed or the order of the files"
    if len(first[0]) != len(again[0]):
        return f"loading twice gave {len(first[0])} and then {len(again[0])} samples, {wanted}"
    other = sum(one != two for one, two in zip(first[0], again[0], strict=True))
    what = f"{other} of {len(first[0])} samples" if other else "the labels"
    return f"loading twice gave other values for {what}, {wanted}"


def _compare_splits(result: CheckedData, train: list[bytes], test: list[bytes]) -> None:
    """Name the test samples that are training samples; more than `MAX_OVERLAP` of them are a problem."""
    known = set(train)
    shared = sum(digest in known for digest in test)
    share = shared / len(test)
    found = f"{shared} of {len(test)} test samples ({share:.1%}) are training samples, byte for byte"
    if share > MAX_OVERLAP:
        result.problems.append(
            f"dataset {result.name!r}, splits train and test: {found}, wanted at most {MAX_OVERLAP:.0%}; "
            "hold samples out for the test split"
        )
    elif shared:
        result.notes.append(f"dataset {result.name!r}: {found}")


def too_few(checked: CheckedData, evaluation: EvaluationSpec, dims: int, metrics: Mapping[str, Metric]) -> str | None:
    """Which metrics need more real samples of `dims` features than the evaluation compares with, or None."""
    whole = checked.counts[evaluation.split]
    have = min(whole, evaluation.real_samples or whole)
    least = {name: getattr(metric, "minimum", lambda _: 1)(dims) for name, metric in metrics.items()}
    lacking = {name: count for name, count in least.items() if count > have}
    if not lacking:
        return None
    needs = ", ".join(f"{count} for metric {name!r}" for name, count in lacking.items())
    other = next(split for split in SPLITS if split != evaluation.split)
    hint = "leave such metrics out in 'evaluation.metrics', or change what they need"
    if checked.counts[other] >= max(lacking.values()):
        hint = f"compare with 'evaluation.split: {other}' ({checked.counts[other]} samples), or {hint}"
    found = f"{counted(have, 'sample')} to compare with"
    return f"dataset {checked.name!r}, split {evaluation.split}: {found}, wanted {needs}; {hint}"


def _kind(value: object) -> str:
    """The type of a value for use in a sentence."""
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
