"""All seeding: every random number is a function of a seed and a name, and of a step and a position if it is drawn."""

from __future__ import annotations

import hashlib
import struct

BLOCK = 50
"""Steps whose random numbers come from one generator call. Part of the protocol version: `randn(2 * n)` is not
`randn(n)` twice, so another block length gives another stream."""


def number(seed: int, purpose: str, block: int = 0) -> int:
    """A 63-bit number determined by the seed, the purpose and the block."""
    digest = hashlib.sha256(f"ganbench/{seed}/{purpose}/{block}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def words(seed: int, name: str) -> tuple[int, int]:
    """Two signed 32-bit integers determined by the seed and the name: the key of a counter-based generator."""
    digest = hashlib.sha256(f"ganbench/{seed}/{name}".encode()).digest()
    first, second = struct.unpack(">ii", digest[:8])
    return first, second
