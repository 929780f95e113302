"""What is wrong with the files of a dataset: missing, still compressed, truncated, damaged."""

import hashlib
import struct
from math import prod
from pathlib import Path
from shlex import quote

GZIP = b"\x1f\x8b"
IDX_BYTES = 0x08
"""The type code of unsigned bytes in an idx file."""


def state_of_idx(file: Path) -> str | None:
    """What is wrong with an idx file of bytes and what to do, or None.

    The format of MNIST: two zero bytes, the type, the number of dimensions, their sizes (big-endian), the values.
    """
    if not file.is_file():
        return f"{file} is missing"
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            head = opened.read(16)
    except OSError as error:
        return f"{file} cannot be read: {error.strerror or error}"
    if head.startswith(GZIP):
        name = quote(str(file))
        return f"{file} is still compressed: unpack it with `mv {name} {name}.gz && gunzip {name}.gz`"
    rank = head[3] if len(head) > 3 else 0
    if not head.startswith(bytes((0, 0, IDX_BYTES))) or not 1 <= rank <= 3 or len(head) < 4 + 4 * rank:
        return f"{file} is no idx file of bytes ({size:,} bytes): {ANEW}"
    wanted = 4 + 4 * rank + prod(struct.unpack(f">{rank}I", head[4 : 4 + 4 * rank]))
    if size != wanted:
        what = "truncated" if size < wanted else "too long"
        return f"{file} is {what} ({size:,} bytes, its header asks for {wanted:,}): {ANEW}"
    return None


ANEW = "delete it, then put the whole file there or set 'download: true'"


def count_of_idx(file: Path) -> int:
    """The number of items of an intact idx file."""
    with file.open("rb") as opened:
        return int.from_bytes(opened.read(8)[4:], "big")


def state_of_known(file: Path, md5: str) -> str | None:
    """What is wrong with a file whose MD5 is known, or None."""
    if not file.is_file():
        return f"{file} is missing"
    try:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError as error:
        return f"{file} cannot be read: {error.strerror or error}"
    if found != md5:
        return f"{file} is damaged ({file.stat().st_size:,} bytes, MD5 {found}, expected {md5}): {ANEW}"
    return None
