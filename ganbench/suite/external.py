"""The key `external` of a suite: samples that were made elsewhere, each a row under the suite's protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ganbench.errors import MissingError, UsageError
from ganbench.registry.file_hashes import file_sha256, hash_files
from ganbench.suite.fields import known_keys
from ganbench.suite.labels import LABEL_FORM, Label, may_be_label, only
from ganbench.suite.specs import EXTERNAL, Cell, Plan, PlannedReference, ReferenceSpec
from ganbench.suite.yaml import Node, Problems

KEYS = ["label", "samples", "dataset"]
FORM = "{label: TEXT, samples: FILE, dataset: NAME}"


def planned(node: Node | None, cells: Sequence[Cell], folder: Path, problems: Problems) -> Iterator[PlannedReference]:
    """The rows that a suite asks for; paths are relative to its `folder`. Their ids lack the content of the samples."""
    if node is None:
        return
    if not isinstance(node.value, list):
        problems.add(node, f"'external' must be a list of {FORM}")
        return
    seen: set[tuple[str, str]] = set()
    for item in node.value:
        if not isinstance(item.value, dict):
            problems.add(item, f"an entry of 'external' must be {FORM}")
            continue
        known_keys(item, KEYS, problems)
        label, paths = _label(item, problems), _paths(item, folder, problems)
        cell = _cell(item, cells, problems)
        if label is None or cell is None:
            continue
        if (label, cell.dataset.text) in seen:
            problems.add(item, f"external {label!r} is listed twice for {cell.dataset.text}; list its files together")
        seen.add((label, cell.dataset.text))
        yield from rows(label, paths, cell)


def rows(label: str, paths: Sequence[Path], cell: Cell) -> Iterator[PlannedReference]:
    """The samples of some files as rows under the evaluation of a cell, whose dataset they are samples of."""
    for path in paths:
        spec = ReferenceSpec(EXTERNAL, cell.spec.dataset, cell.spec.evaluation.of_samples)
        yield PlannedReference(cell.dataset, spec, label, path)


def missing_samples(plan: Plan) -> list[str]:
    """Why samples of a plan are not there or cannot be opened, in a sentence for each file or folder."""
    found = []
    for path in dict.fromkeys(one.path for one in plan.references if one.path is not None):
        try:
            next(path.iterdir(), None) if path.is_dir() else path.open("rb").close()
        except OSError as error:
            found.append(str(_unreadable(path, error)))
    return found


def _unreadable(path: Path, error: OSError) -> MissingError:
    return MissingError(f"samples {str(path)!r} cannot be read: {error.strerror or error}")


def samples_hash(path: Path) -> str:
    """What identifies samples: a hash of the file's bytes, or of all files of a folder with their names.

    Raises `MissingError` if they are not there.
    """
    try:
        return hash_files(path) if path.is_dir() else file_sha256(path)[:16]
    except OSError as error:
        raise _unreadable(path, error) from error


def _label(item: Node, problems: Problems) -> str | None:
    node = item.value.get("label")
    if node is None or not isinstance(node.value, str) or not node.value.strip():
        problems.add(node or item, f"an entry of 'external' needs a label: {FORM}")
        return None
    text = str(node.value).strip()
    if may_be_label(text):
        return text
    problems.add(node, f"label must be {LABEL_FORM}, got {text!r}")
    return None


def _paths(item: Node, folder: Path, problems: Problems) -> list[Path]:
    node = item.value.get("samples")
    written = [] if node is None else node.value if isinstance(node.value, list) else [node]
    texts = [one.value for one in written if isinstance(one.value, str) and one.value]
    if not texts or len(texts) < len(written):
        problems.add(node or item, "'samples' must be an .npz or .npy file, a folder of images, or a list of these")
    return [folder / Path(text).expanduser() for text in texts]


def _cell(item: Node, cells: Sequence[Cell], problems: Problems) -> Cell | None:
    """A cell of the dataset that an entry names, which may be left out if there is only one."""
    node = item.value.get("dataset")
    labels = list(dict.fromkeys(cell.dataset for cell in cells))
    if not labels:
        return None
    try:
        found = named(
            labels, None if node is None else str(node.plain()), "name the dataset of these samples", "the suite"
        )
    except UsageError as error:
        problems.add(item if node is None else node, str(error))
        return None
    return next(cell for cell in cells if cell.dataset == found)


def named(labels: Sequence[Label], name: str | None, how: str, of: str) -> Label:
    """The dataset of a name; without one, the only dataset.

    Raises `UsageError`: `how` says how one of several is named, `of` is what has the datasets.
    """
    if name is not None:
        return only(labels, name, f"{of} has no dataset")
    if len(labels) == 1:
        return labels[0]
    raise UsageError(f"{how}: {', '.join(label.text for label in labels)}")
