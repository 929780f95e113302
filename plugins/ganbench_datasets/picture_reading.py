"""Decodes pictures in threads, and divides them into splits where nothing else says which are held out."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from PIL import Image

from ganbench import MissingError, progress
from ganbench_datasets.image_files import FaultyPicture, Fitting, Pixels
from ganbench_datasets.picture_tree import Item

PART = 256
"""Pictures that are decoded together, so that few are in memory at a time."""
NAMED = 3
"""How many faulty files are named."""


class Source(Protocol):
    """Pictures by their numbers, and what is known of them without decoding."""

    @property
    def identity(self) -> object: ...

    @property
    def items(self) -> list[Item]: ...

    @property
    def classes(self) -> int | None: ...

    def read(self, place: int) -> Image.Image: ...

    def name(self, place: int) -> str: ...


def divided(items: Sequence[Item], share: float) -> tuple[list[int], list[int]]:
    """The numbers of the training and of the test pictures, in order.

    Where no folder or file says it, `share` of the pictures (rounded, at least one) are held out, from all classes
    alike: those whose content has the smallest SHA-256 in their class. Names play no role, and copies of one file
    stay together.
    """
    if any(item.split for item in items):
        return _of(items, "train"), _of(items, "test")
    members: dict[int, list[int]] = {}
    for place in sorted(range(len(items)), key=lambda place: items[place].content):
        members.setdefault(items[place].label, []).append(place)
    quantile = {
        place: (2 * rank + 1) / (2 * len(places)) for places in members.values() for rank, place in enumerate(places)
    }
    order = sorted(range(len(items)), key=lambda place: (quantile[place], items[place].content))
    held = {items[place].content for place in order[: max(1, round(share * len(items)))]}
    train = [place for place, item in enumerate(items) if item.content not in held]
    return train, [place for place, item in enumerate(items) if item.content in held]


def _of(items: Sequence[Item], split: str) -> list[int]:
    return [place for place, item in enumerate(items) if item.split == split]


def decoded(source: Source, places: Sequence[int], fitting: Fitting, what: str) -> Iterator[Pixels]:
    """The pixels of some pictures, in order, decoded by as many threads as there are cores.

    Raises `MissingError` at the end if there were faulty ones, with the names of the first and the number of all.
    """
    faults: list[str] = []
    read = _reader(source, fitting)
    with ThreadPoolExecutor(_cores()) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow about what is refused or converted on purpose
        parts = (pool.map(read, places[start : start + PART]) for start in range(0, len(places), PART))
        for found in progress((one for part in parts for one in part), what, len(places)):
            if isinstance(found, str):
                faults.append(found)
            elif not faults:
                yield found
    if faults:
        rest = len(faults) - NAMED
        more = f"; {rest:,} more {'is' if rest == 1 else 'are'} faulty" if rest > 0 else ""
        raise MissingError(f"{'; '.join(faults[:NAMED])}{more}. Replace or remove what is faulty")


def _reader(source: Source, fitting: Fitting) -> Callable[[int], Pixels | str]:
    """A function of a picture's number: its pixels, or a sentence on what is wrong with it."""

    def read(place: int) -> Pixels | str:
        try:
            return fitting(source.read(place))
        except FaultyPicture as error:
            return f"{source.name(place)} {error}"
        except OSError as error:
            return f"{source.name(place)} cannot be read: {error.strerror or error}"
        except MemoryError:
            return f"{source.name(place)} needs more memory than there is"

    return read


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
