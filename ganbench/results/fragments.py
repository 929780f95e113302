"""JSON objects of which many files hold the same parts: such a part is decoded, and put in canonical form, once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple, TypeVar

import msgspec

from ganbench.files import canonical

T = TypeVar("T")

NESTED = ("spec", "provenance")
"""Keys whose objects differ between the runs of a cell, but have parts that do not."""
SHARED = (
    "loss", "transforms", "architecture", "dataset", "train", "libraries", "plugins", "cards", "evaluation",
)  # fmt: skip
"""Keys whose values many files share."""
KEPT = 4096
"""Parts that are kept, so that a long process does not grow."""

_raw_values = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Parts(NamedTuple):
    """An object as plain data, the canonical JSON of its values, and that of theirs as `spec.loss`.

    Shared values are the same objects in every file and must not be changed.
    """

    plain: dict[str, Any]
    own: dict[str, str]
    inner: dict[str, str]

    @property
    def texts(self) -> dict[str, str]:
        """The canonical JSON of every part by its key."""
        return self.inner | self.own


def parts(content: bytes | msgspec.Raw) -> Parts:
    """The parts of a JSON object. Raises `ValueError` if it is no JSON, or no object."""
    plain: dict[str, Any] = {}
    own: dict[str, str] = {}
    inner: dict[str, str] = {}
    for key, raw in _raw_values.decode(content).items():
        value = bytes(raw)
        if key in SHARED:
            plain[key], own[key] = _part(value)
        elif key in NESTED and value.startswith(b"{"):
            part = parts(value)
            plain[key], own[key] = part.plain, joined(part.own)
            inner |= {f"{key}.{name}": text for name, text in part.own.items()}
        else:
            plain[key] = found = msgspec.json.decode(value)
            own[key] = _canonical(found)
    return Parts(plain, own, inner)


def joined(texts: dict[str, str]) -> str:
    """The canonical JSON of an object, from that of its values."""
    return "{" + ",".join(f"{encode_basestring_ascii(key)}:{text}" for key, text in sorted(texts.items())) + "}"


def _canonical(value: object) -> str:
    """The same as `canonical`, which takes longer for texts and numbers."""
    if type(value) is str:
        return encode_basestring_ascii(value)
    if type(value) in (int, float):
        return repr(value)
    return "null" if value is None else canonical(value)


@lru_cache(KEPT)
def _part(content: bytes) -> tuple[Any, str]:
    found = msgspec.json.decode(content)
    return found, canonical(found)


def shared(make: Callable[[], T], *texts: str) -> T:
    """What `make` returned when it was first called for these texts, which say all that it depends on."""
    held = _made(texts)
    if not held:
        held.append(make())
    found: T = held[0]
    return found


@lru_cache(KEPT)
def _made(texts: tuple[str, ...]) -> list[Any]:
    return []
