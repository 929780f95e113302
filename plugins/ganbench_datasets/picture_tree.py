"""Finds the pictures of a folder and of its folders, with their splits and classes."""

import csv
import os
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from ganbench import MissingError, hash_each
from ganbench_datasets.image_files import read_picture

PICTURES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp")
NOT_READ = (".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".ppm", ".pgm", ".tga")
"""Endings of pictures in formats that are not read."""
SKIPPED = ("@eaDir", "__MACOSX", "$RECYCLE.BIN", "lost+found")
"""Folders in which systems keep thumbnails and remains."""
HELD_OUT = ("test", "val", "validation")
"""Names of folders that hold the test split beside `train`; the first that is there is taken."""
LABELS = "labels.csv"


class Item(NamedTuple):
    """A picture: its split ("train", "test", or "" if it has none yet), class (-1 without), and hash of its content."""

    split: str
    label: int
    content: str


class _Found(NamedTuple):
    """A file: its parts below the folder in composed Unicode (NFC), by which files are ordered, and its path."""

    parts: tuple[str, ...]
    path: Path


class PictureTree:
    """The picture files below a folder, in the order of their names. `read` decodes one by its number."""

    def __init__(self, root: Path, labeled: bool) -> None:
        self.root, self.labeled = root, labeled

    @cached_property
    def files(self) -> list[_Found]:
        """All pictures of all splits. Raises `MissingError` if there are none, or some in formats that are not read."""
        try:
            found = sorted(_below(self.root, (), set()))
        except OSError as error:
            raise MissingError(f"{error.filename or self.root} cannot be read: {error.strerror or error}") from error
        others = [one for one in found if one.path.suffix.lower() in NOT_READ]
        if others:
            more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
            raise MissingError(
                f"{others[0].path}{more}: PNG, JPEG and WebP files are read; convert pictures of other formats, or "
                "move them out of the folder"
            )
        if not found:
            raise MissingError(
                f"there are no pictures in {self.root}: PNG, JPEG and WebP files in it and in its folders are read, or "
                "files .npz, .npy, idx or batches of CIFAR that lie directly in it"
            )
        return found

    @cached_property
    def placed(self) -> list[tuple[str, tuple[str, ...], Path]]:
        """Of every picture that belongs to a split: the split, its parts below the split's folder, and its path."""
        splits = self._splits()
        if not splits:
            return [("", one.parts, one.path) for one in self.files]
        inside = [one for one in self.files if len(one.parts) > 1 and one.parts[0] in splits]
        known = {*splits, *(name for name in self._folders.values() if name.lower() in HELD_OUT)}
        unused = [one for one in self.files if len(one.parts) == 1 or one.parts[0] not in known]
        if unused:
            names = " and ".join(f"{name}/" for name in splits)
            raise MissingError(
                f"{unused[0].path} lies beside {names}, which are the splits: move it ({len(unused):,} such files) "
                "into one of them or out of the folder"
            )
        return [(splits[one.parts[0]], one.parts[1:], one.path) for one in inside]

    @cached_property
    def _folders(self) -> dict[str, str]:
        """The names of the first folders that hold pictures, by their names in lower case."""
        return {one.parts[0].lower(): one.parts[0] for one in self.files if len(one.parts) > 1}

    def _splits(self) -> dict[str, str]:
        """The folders that are splits, with the split of each; none if there is no such pair of folders."""
        folders = self._folders
        if "train" not in folders:
            return {}
        held = next((folders[name] for name in HELD_OUT if name in folders), None)
        if held is not None:
            return {folders["train"]: "train", held: "test"}
        alone = len(folders) == 1 and all(len(one.parts) > 1 for one in self.files)
        return {folders["train"]: ""} if alone else {}

    @cached_property
    def items(self) -> list[Item]:
        """Every picture. Raises `MissingError` if a file or `labels.csv` cannot be read."""
        hashes = hash_each(self.root, [path for _, _, path in self.placed])
        labels = self._labels() if self.labeled else [-1] * len(self.placed)
        return [Item(split, label, hashes[path]) for (split, _, path), label in zip(self.placed, labels, strict=True)]

    @property
    def identity(self) -> list[Item]:
        """What is loaded, up to decoding: the split, the class and the hash of every file, in order."""
        return self.items

    @property
    def classes(self) -> int | None:
        """The number of classes, or None without labels."""
        return max((item.label for item in self.items), default=-1) + 1 or None

    def _labels(self) -> list[int]:
        """The classes: of `labels.csv` if it is there, else the first folders by sorted names, if all have one."""
        tables = {path for path in map(self._table, self.placed) if path.is_file()}
        if tables:
            known = {path: _table(path) for path in sorted(tables)}
            return [self._listed(known.get(self._table(one), {}), one) for one in self.placed]
        names = [parts[0] if len(parts) > 1 else "" for _, parts, _ in self.placed]
        order = {name: label for label, name in enumerate(sorted(set(names)))}
        return [order[name] if "" not in order and len(order) > 1 else -1 for name in names]

    def _table(self, placed: tuple[str, tuple[str, ...], Path]) -> Path:
        """Where the `labels.csv` of a picture's split would be."""
        _, parts, path = placed
        return path.parents[len(parts) - 1] / LABELS

    def _listed(self, known: dict[str, int], placed: tuple[str, tuple[str, ...], Path]) -> int:
        name = "/".join(placed[1])
        if name not in known:
            raise MissingError(f"{self._table(placed)} has no line for {name}; it needs `file,label` for every picture")
        return known[name]

    def read(self, place: int) -> Image.Image:
        """Decode a picture. Raises `FaultyPicture` and `OSError`."""
        return read_picture(self.placed[place][2])

    def name(self, place: int) -> str:
        return str(self.placed[place][2])


def first_picture(root: Path) -> Path | None:
    """A picture below a folder, or None if there are none."""
    return next((one.path for one in _below(root, (), set())), None)


def _below(folder: Path, parts: tuple[str, ...], seen: set[str]) -> Iterator[_Found]:
    """Every picture below a folder that is not hidden; links are followed, a folder is entered once."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        if entry.name.startswith(".") or entry.name in SKIPPED:
            continue
        own = (*parts, unicodedata.normalize("NFC", entry.name))
        if entry.is_dir():
            yield from _below(Path(entry.path), own, seen)
        elif Path(entry.name).suffix.lower() in (*PICTURES, *NOT_READ):
            yield _Found(own, Path(entry.path))


def _table(path: Path) -> dict[str, int]:
    """Labels by the path of the file. Raises `MissingError` if the file has another form."""
    try:
        rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
        found = {unicodedata.normalize("NFC", row["file"]): int(row["label"]) for row in rows}
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise MissingError(f"{path} cannot be read as lines of file,label: {error!r}") from error
    if min(found.values(), default=0) < 0:
        raise MissingError(f"{path} holds a label below 0; labels are 0, 1, 2, ...")
    return found
