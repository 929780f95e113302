"""Tensors that are costly to compute and depend on content alone, kept between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from safetensors.torch import load, save
from torch import Tensor

from ganbench.files import cache_folder, short_hash, write_atomically


def key(*parts: str | Tensor) -> str:
    """One hash over texts and tensors' contents."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode())
        else:
            digest.update(str((tuple(part.shape), part.dtype)).encode())
            digest.update(part.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
        digest.update(b"\0")
    return digest.hexdigest()[:24]


def cached(name: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors stored under a key, or computed and stored.

    The file's name carries the hash of its content: a damaged file is computed anew. A cache that
    cannot be written is no cache; the result is the same.
    """
    place = cache_folder() / "features"
    for path in place.glob(f"{name}-*.safetensors"):
        content = path.read_bytes()
        if path.stem.endswith(short_hash(content)):
            return load(content)
        path.unlink(missing_ok=True)
    tensors = compute()
    content = save({label: tensor.contiguous() for label, tensor in tensors.items()})
    try:
        write_atomically(place / f"{name}-{short_hash(content)}.safetensors", content)
    except OSError:
        return tensors
    return tensors
