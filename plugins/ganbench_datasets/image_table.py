"""The pictures and labels of a table of Hugging Face `datasets`: its splits, its columns and its rows."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from ganbench import MissingError, hash_each
from ganbench_datasets.image_files import FaultyPicture, picture_in
from ganbench_datasets.local_tables import LocalTables, Rows, card_configs, contents_of, files_of
from ganbench_datasets.picture_tree import HELD_OUT, Item

MANY = 1_000
"""Classes that a set may have although it has fewer pictures."""


class Reading(NamedTuple):
    """What is read of a set; an empty text leaves the choice to what the set holds."""

    config: str
    train: str
    test: str
    image: str
    label: str
    labels: bool


class Part(NamedTuple):
    """One split: what it is to ganbench ("train", "test", or "" if it is still to be divided), its name and rows."""

    split: str
    name: str
    rows: Rows


class Labels(NamedTuple):
    """The class of every picture, -1 without labels, and the number of classes, None without."""

    values: list[int]
    classes: int | None


class ImageTable:
    """The pictures of the splits that are read, the training data first. `read` gives one by its number."""

    def __init__(self, root: Path, reading: Reading) -> None:
        self.root, self.reading = root, reading

    @cached_property
    def identity(self) -> list[object]:
        """The name and SHA-256 of every file, the configurations, and which splits and columns are read."""
        folder = self.root.parent if self.root.is_file() else self.root
        hashes = hash_each(folder, files_of(self.root, self.reading.config))
        names = {path: "" if path == self.root else path.relative_to(folder).as_posix() for path in hashes}
        files = [[names[path], found] for path, found in hashes.items()]
        return [files, json.dumps(card_configs(self.root), sort_keys=True, default=str), list(self.reading)]

    @cached_property
    def _tables(self) -> LocalTables:
        return LocalTables(self.root, self.reading.config)

    @cached_property
    def _parts(self) -> list[Part]:
        """Raises `MissingError` for splits and columns that are not there, and for damaged files."""
        names = chosen_splits(self.root, self._tables.names, self.reading.train, self.reading.test)
        return [Part(split, name, self._tables.open(name)) for split, name in names.items()]

    @cached_property
    def _image(self) -> str:
        """The column of the pictures."""
        found = self.reading.image
        for part in self._parts:
            found = image_column(f"split {part.name} of {self.root}", part.rows.features, found)
        return found

    @cached_property
    def _pictures(self) -> list[tuple[Part, int]]:
        """Where each picture is; of its row only the content of its file is read."""
        kept = [part._replace(rows=contents_of(part.rows, self._image)) for part in self._parts]
        return [(part, row) for part in kept for row in range(len(part.rows))]

    @cached_property
    def _labels(self) -> Labels:
        count = len(self._pictures)
        features = self._parts[0].rows.features
        column = label_column(self.root, features, self.reading.label) if self.reading.labels else ""
        if not column:
            return Labels([-1] * count, None)
        found = []
        for part in self._parts:
            if column not in part.rows.features:
                raise MissingError(f"split {part.name} of {self.root} has no column {column!r}: set 'labels: false'")
            found += part.rows.select_columns([column])[:][column]
        unknown = next((at for at, value in enumerate(found) if value is None or value == -1), None)
        if unknown is not None:
            raise MissingError(
                f"{self.name(unknown)} has no label in column {column!r}: set 'labels: false', or read other splits"
            )
        return numbered(self.root, column, found, getattr(features[column], "num_classes", None))

    @cached_property
    def items(self) -> list[Item]:
        """Every picture; the hash of its content only where it decides about the split."""
        labels = self._labels.values
        return [
            Item(part.split, label, "" if part.split else hashlib.sha256(self._content(place) or b"").hexdigest())
            for place, ((part, _), label) in enumerate(zip(self._pictures, labels, strict=True))
        ]

    @property
    def classes(self) -> int | None:
        """The number of classes, or None without labels."""
        return self._labels.classes

    def _content(self, place: int) -> bytes | None:
        part, row = self._pictures[place]
        found: Mapping[str, bytes | None] | None = part.rows[row][self._image]
        return None if found is None else found["bytes"]

    def read(self, place: int) -> Image.Image:
        """Decode a picture. Raises `FaultyPicture`."""
        content = self._content(place)
        if content is None:
            raise FaultyPicture(f"holds no picture in column {self._image!r} (no value, or the name of a file)")
        return picture_in(content)

    def close(self) -> None:
        """Delete what was converted for reading; it is converted again if more is read."""
        tables: LocalTables | None = vars(self).pop("_tables", None)
        if tables:
            vars(self).pop("_parts", None)
            vars(self).pop("_pictures", None)
            tables.close()

    def name(self, place: int) -> str:
        part, row = self._pictures[place]
        return f"row {row} of split {part.name} of {self.root}"


def chosen_splits(root: Path, names: Sequence[str], train: str, test: str) -> dict[str, str]:
    """The split of a set for each of ganbench's: "train" and "test", or "" for a single one that is to be divided.

    Raises `MissingError` for a split that is not there and where the training split is not clear.
    """
    for wanted in filter(None, (train, test)):
        if wanted not in names:
            raise MissingError(f"{root} has no split {wanted!r}; it has {', '.join(names)}")
    left = [name for name in names if name != test]
    first = train or ("train" if "train" in left else left[0] if len(left) == 1 else "")
    if not first:
        raise MissingError(f"{root} has the splits {', '.join(names)}: set 'train' to one of them, and 'test'")
    second = test or next((name for name in HELD_OUT if name in names and name != first), "")
    return {"train": first, "test": second} if second else {"": first}


def image_column(where: str, features: Mapping[str, Any], wanted: str) -> str:
    """The column of the pictures. Raises `MissingError` with the columns if it is not there or not clear."""
    if wanted and wanted not in features:
        raise MissingError(f"{where} has no column {wanted!r}; it has {listed(features)}")
    if wanted:
        if not (_is_image(features[wanted]) or _is_content(features[wanted])):
            raise MissingError(f"column {wanted!r} of {where} holds no pictures; the columns are {listed(features)}")
        return wanted
    images = [name for name, feature in features.items() if _is_image(feature)]
    found = images or [name for name, feature in features.items() if _is_content(feature)]
    if len(found) != 1:
        what = "several columns" if found else "no column"
        more = ": set 'image' to one of them" if found else ""
        raise MissingError(f"{where} has {what} of pictures{more}; the columns are {listed(features)}")
    return found[0]


def label_column(root: Path, features: Mapping[str, Any], wanted: str) -> str:
    """The column of the labels, or "" if there is none. Raises `MissingError` with the columns if it is not clear."""
    if wanted and wanted not in features:
        raise MissingError(f"{root} has no column {wanted!r}; it has {listed(features)}")
    found = [wanted] if wanted else [name for name, feature in features.items() if _kind(feature) == "ClassLabel"]
    if len(found) > 1:
        raise MissingError(
            f"{root} has several columns of classes: set 'label' to one of them, or 'labels: false'; the columns are "
            f"{listed(features)}"
        )
    return "".join(found)


def numbered(root: Path, column: str, values: list[Any], classes: int | None) -> Labels:
    """Labels 0 to classes - 1: whole numbers as they are, texts by their order. Raises `MissingError` for others."""
    if all(isinstance(value, str) for value in values):
        order = {name: label for label, name in enumerate(sorted(set(values)))}
        return Labels([order[value] for value in values], len(order))
    if not all(isinstance(value, int) and value >= 0 for value in values):
        raise MissingError(
            f"column {column!r} of {root} must hold whole numbers from 0 on, or texts; set 'label' to another "
            "column, or 'labels: false'"
        )
    found = classes or max(values, default=0) + 1
    if classes is None and found > max(len(values), MANY):
        raise MissingError(
            f"column {column!r} of {root} holds numbers up to {found - 1} for {len(values)} pictures, which are no "
            "classes; set 'label' to another column, or 'labels: false'"
        )
    return Labels([int(value) for value in values], found)


def listed(features: Mapping[str, Any]) -> str:
    """The columns with their types."""
    return ", ".join(f"{name} ({getattr(one, 'dtype', None) or _kind(one)})" if _kind(one) == "Value"
                     else f"{name} ({_kind(one)})" for name, one in features.items())  # fmt: skip


def _kind(feature: object) -> str:
    return type(feature).__name__


def _is_image(feature: object) -> bool:
    return _kind(feature) == "Image"


def _is_content(feature: object) -> bool:
    """Whether a column may hold the contents of picture files, which nothing says."""
    if isinstance(feature, dict):
        return getattr(feature.get("bytes"), "dtype", "") in ("binary", "large_binary")
    return getattr(feature, "dtype", "") in ("binary", "large_binary")
