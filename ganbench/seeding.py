"""All seeding: every random number is a function of (seed, purpose, block) alone."""

from __future__ import annotations

import hashlib

BLOCK = 50
"""Steps whose random numbers come from one generator call. Part of the protocol version: `randn(2 * n)` is not
`randn(n)` twice, so another block length gives another stream."""


def number(seed: int, purpose: str, block: int = 0) -> int:
    """A 63-bit number determined by the seed, the purpose and the block."""
    digest = hashlib.sha256(f"ganbench/{seed}/{purpose}/{block}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
