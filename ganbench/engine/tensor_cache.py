"""A disk cache for tensors that are costly to compute, keyed by the content they depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ganbench.errors import describe_error
from ganbench.files import cache_folder, read_file, set_aside, short_hash, write_atomically


def key(*parts: str | Tensor) -> str:
    """A hash of texts and of tensors' contents."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode())
        else:
            digest.update(str((tuple(part.shape), part.dtype)).encode())
            digest.update(part.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
        digest.update(b"\0")
    return digest.hexdigest()[:24]


def _always() -> bool:
    return True


_FILLS: ContextVar[Callable[[], bool]] = ContextVar("fills", default=_always)


@contextmanager
def filled_if(fills: Callable[[], bool]) -> Iterator[None]:
    """Inside, the cache is read always, and written only while a condition holds."""
    token = _FILLS.set(fills)
    try:
        yield
    finally:
        _FILLS.reset(token)


def _read(path: Path) -> dict[str, Tensor] | None:
    """The tensors of a file; None if they cannot be read, and the file is set aside."""
    try:
        content = read_file(path)
        if path.stem.endswith(f"-{short_hash(content)}"):
            return load(content)
        why = "its content has another hash"
    except FileNotFoundError:  # another process has set it aside
        return None
    except (OSError, ValueError, LookupError, SafetensorError) as error:
        why = describe_error(error)
    set_aside(path, why)
    return None


def cached(name: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors cached under a key; computed and cached if they are not there.

    The file name contains a hash of the content, so a damaged file is detected, set aside and recomputed. If the
    cache cannot be written the result is still returned.
    """
    place = cache_folder() / "features"
    for path in place.glob(f"{name}-*.safetensors"):
        found = _read(path)
        if found is not None:
            return found
    tensors = compute()
    if not _FILLS.get()():
        return tensors
    content = save({label: tensor.cpu().contiguous() for label, tensor in tensors.items()})
    try:
        write_atomically(place / f"{name}-{short_hash(content)}.safetensors", content)
    except OSError:
        return tensors
    return tensors
