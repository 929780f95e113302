"""The file of a trained classifier: weights as safetensors, with a card that says how they were made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.errors import MissingError
from ganbench.files import canonical, check_seal, from_plain, sealed, write_atomically

if TYPE_CHECKING:
    from ganbench.classifier.network import ClassifierNet

SCHEMA = 1
"""Incremented whenever files of today could not be read by an earlier ganbench, or the network changes."""
ENDING = ".safetensors"
CARD = "ganbench"
"""The key of the card among the metadata of the file."""
METADATA = "__metadata__"
"""Where safetensors has the metadata, in its header."""
LONGEST = 1 << 20
"""A longer header, in bytes, is not one that was written here."""


@dataclass(frozen=True)
class Card:
    """How a classifier was trained, and how good it is.

    `hyperparameters` and `content` (its fingerprint) are those of the dataset, `shape` is that of an image (C, H, W),
    `accuracy` the share of the `test_images` whose class it names, `weights` the SHA-256 of all tensors.
    """

    dataset: str
    hyperparameters: Mapping[str, Any]
    content: str
    shape: tuple[int, ...]
    classes: int
    training_images: int
    test_images: int
    accuracy: float
    recipe: Mapping[str, float]
    software: Mapping[str, str]
    command: str
    weights: str = ""

    @property
    def about(self) -> str:
        """One sentence for lists of extractors."""
        return (
            f"A classifier of {self.dataset}: {self.classes} classes, {self.accuracy:.1%} of {self.test_images:,} "
            "held-out images named correctly."
        )


def write_file(path: Path, net: ClassifierNet, card: Card) -> Card:
    """Write weights and card, atomically; the card with the hash of the weights. Raises `MissingError` if it cannot."""
    from safetensors.torch import save

    bare = save(net.state_dict())
    header, data = _parts(bare)
    written = {"schema": SCHEMA, **vars(card), "shape": list(card.shape), "weights": _digest(header, data)}
    text = json.dumps(sealed(written), sort_keys=True)
    try:
        write_atomically(path, save(net.state_dict(), {CARD: text}))
    except OSError as error:
        raise MissingError(f"{path} cannot be written: {error.strerror or error}") from error
    return read_card(path)


def read_card(path: Path) -> Card:
    """The card of a file, of which only the header is read. Raises `MissingError` as `read_file` does."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
            header = file.read(min(int.from_bytes(start, "little"), LONGEST))
    except OSError as error:
        raise MissingError(_unreadable(path, error)) from error
    return _card(path, start + header)


def read_file(path: Path) -> tuple[Card, bytes]:
    """The card and the whole content of a file.

    Raises `MissingError` if it is not there, is damaged, was not made by ganbench or by a newer one.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MissingError(_unreadable(path, error)) from error
    card = _card(path, content)
    found = _digest(*_parts(content))
    if found != card.weights:
        raise MissingError(
            f"{path} is damaged: the SHA-256 of its weights is {found[:12]}, not {card.weights[:12]}; {AGAIN}"
        )
    return card, content


AGAIN = "copy it again, or make it again with 'ganbench train-extractor'"


def _unreadable(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no weight file {path}; copy it there, or make it with 'ganbench train-extractor'"
    return f"{path} cannot be read: {error.strerror or error}"


def _card(path: Path, content: bytes) -> Card:
    """The checked card in a file's header. Raises `MissingError`."""
    try:
        header, _ = _parts(content)
        plain = json.loads(header[METADATA][CARD])
        schema = plain["schema"]
        if schema > SCHEMA:
            raise MissingError(f"{path} was written by a newer ganbench; upgrade")
        check_seal(plain)
        return from_plain(plain, Card)
    except KeyError as error:
        raise MissingError(f"{path} is no file that 'ganbench train-extractor' wrote: it has no card") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise MissingError(f"{path} is damaged ({error}); {AGAIN}") from error


def _parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file, and its data. Raises `ValueError`."""
    end = 8 + int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 8 < end <= len(content):
        raise ValueError("its header is cut off")
    header = json.loads(content[8:end])
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    return header, content[end:]


def _digest(header: Mapping[str, Any], data: bytes) -> str:
    """SHA-256 of all tensors: their names, types, shapes and bytes."""
    tensors = {name: entry for name, entry in header.items() if name != METADATA}
    return hashlib.sha256(canonical(tensors).encode() + data).hexdigest()
