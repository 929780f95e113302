"""What identifies the content of a dataset: the plugin's own fingerprint, or a hash of everything it loads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from ganbench.errors import PLUGIN_ERRORS, ContractError, GanbenchError
from ganbench.registry.preparing import plugin_error

if TYPE_CHECKING:
    import numpy as np

    from ganbench.registry.contracts import Dataset

SPLITS: tuple[Literal["train", "test"], ...] = ("train", "test")

_VALID = re.compile(r"[0-9A-Za-z._-]{1,64}")


def fingerprint(dataset: Dataset, name: str = "") -> str:
    """The identity of a dataset's content: the text of its `fingerprint()`, else a hash of what it loads.

    A `fingerprint` that a class inherits does not count if the class has a `load` of its own. The hash (16 hex digits)
    covers shape, dtype and bytes of the samples and labels of both splits. `name` is the dataset's name in error
    messages. Raises `MissingError` if the data or files are not there, `ContractError` for a text that is no
    fingerprint and for anything else that the plugin raises.
    """
    called = f"dataset {name or type(dataset).__name__!r}"
    own = None if _only_inherited(dataset) else getattr(dataset, "fingerprint", None)
    try:
        found = own() if own is not None else _hash_of_content(dataset)
    except GanbenchError:
        raise
    except PLUGIN_ERRORS as error:  # a third-party plugin may raise anything
        what = "fingerprint" if own is not None else "load"
        raise plugin_error(f"{called}.{what}", error) from error
    if not isinstance(found, str) or not _VALID.fullmatch(found):
        shown = repr(found)[:80]
        raise ContractError(
            f"{called}.fingerprint returned {shown}; it must be 1 to 64 characters of 0-9, A-Z, a-z, '.', '_', '-'"
        )
    return found


def _only_inherited(dataset: Dataset) -> bool:
    """Whether `fingerprint` is that of a base class whose `load` was replaced, so that it is about other data."""
    places = {name: depth for depth, base in reversed(list(enumerate(type(dataset).__mro__))) for name in vars(base)}
    return "fingerprint" in places and places.get("load", places["fingerprint"]) < places["fingerprint"]


def _hash_of_content(dataset: Dataset) -> str:
    hashed = hashlib.sha256()
    for split in SPLITS:
        data = dataset.load(split)
        samples, labels = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
        for part, values in (("samples", samples), ("labels", labels)):
            for piece in _pieces(values):
                hashed.update(piece if isinstance(piece, memoryview) else f"{split} {part} {piece};".encode())
    return hashed.hexdigest()[:16]


def _pieces(values: Any) -> Iterator[str | memoryview]:
    """Type, shape and bytes of a tensor or array. Raises `TypeError` for what is neither."""
    if values is None:
        yield "none"
        return
    array = _array(values)
    yield f"{array.dtype.str} {array.shape}"
    if array.size:
        yield array.reshape(-1).view("u1").data


def _array(values: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """A tensor, by its own methods, or an array in C order."""
    import numpy as np

    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    if not isinstance(values, np.ndarray) or values.dtype.hasobject:
        raise TypeError(f"load returned {type(values).__name__}; Data(samples, labels) of tensors is wanted")
    return np.ascontiguousarray(values)
