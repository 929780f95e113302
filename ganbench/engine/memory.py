"""How much memory a computation may take on a device at a time."""

from __future__ import annotations

import torch

MIB = 1 << 20
CACHED = 2 * MIB
"""Bytes that stay in the cache of a CPU's core."""
MOST = 512 * MIB
UNKNOWN = 2048 * MIB
"""Bytes that are taken as free on a device that does not report them."""
SHARE = 8


def free_bytes(device: torch.device) -> int:
    """Bytes that are free on a GPU, those that this process keeps for later use included."""
    if device.type != "cuda":
        return UNKNOWN
    free: int = torch.cuda.mem_get_info(device)[0]
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def chunk_bytes(device: torch.device) -> int:
    """The most bytes that one part of a large tensor should have, such as a tile of a matrix of distances.

    2 MiB on a CPU, where it then stays in the cache. On a GPU an eighth of what is free, at most 512 MiB: a power of
    two, so that small changes of what is free do not move the last digits of a result.
    """
    if device.type == "cpu":
        return CACHED
    fitting = max(CACHED, min(MOST, free_bytes(device) // SHARE))
    return 1 << (fitting.bit_length() - 1)
