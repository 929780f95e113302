"""All seeding: every draw is a function of (seed, purpose, block) and of nothing else."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

BLOCK = 50
"""Steps whose draws come from one generator call. Part of the protocol version, because
`randn(2 * n)` is not `randn(n)` twice: another block length is another stream."""


def number(seed: int, purpose: str, block: int = 0) -> int:
    """A 63-bit number that depends on the seed, the purpose and the block alone."""
    digest = hashlib.sha256(f"ganbench/{seed}/{purpose}/{block}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
