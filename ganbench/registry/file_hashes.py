"""One hash for the files that a dataset reads; hashes of files that did not change are taken from a cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from ganbench.errors import MissingError
from ganbench.files import cache_folder, canonical, write_atomically
from ganbench.notices import progress

RACY_SECONDS = 2.0
"""A file that changed less than this ago may change again within the resolution of its time stamps."""

Facts = tuple[int, int, int, int]
"""Size in bytes, time of modification (ns), inode, time of the last change of the inode (ns)."""


def hash_files(*paths: str | os.PathLike[str]) -> str:
    """A hash (16 hex digits) of the bytes and names of files, for `Dataset.fingerprint()`.

    Of a folder it covers every file below it that is not hidden, by its path inside the folder; of a file given by
    itself, its name. Where the data lie is not in the hash, nor is the order of the paths; the names of several
    folders are. What was read once is read again only if its size, times or inode changed.

    Raises `MissingError` if a path is missing or cannot be read or a folder has no files, and `ValueError` if two
    paths have the same name: hash each by itself then.
    """
    given = sorted({Path(path).expanduser().absolute() for path in paths}, key=lambda path: (path.name, path))
    if not given:
        raise ValueError("hash_files needs a path")
    for one, other in pairwise(given):
        if one.name == other.name:
            raise ValueError(f"hash_files: {one} and {other} have the same name; hash each by itself")
    listed = [(path.name if len(given) > 1 else "", path) for path in given]
    try:
        return hashlib.sha256(canonical([_entry(name, path) for name, path in listed]).encode()).hexdigest()[:16]
    except OSError as error:
        raise MissingError(f"{error.filename or given[0]} cannot be read: {error.strerror or error}") from error


def hash_each(folder: str | os.PathLike[str], files: Iterable[Path]) -> dict[Path, str]:
    """The SHA-256 (64 hex digits) of each file below a folder, for a dataset that needs them one by one.

    As with `hash_files`, what was read once is read again only if its size, times or inode changed. Raises
    `MissingError` if a file is missing or cannot be read, `ValueError` if it is not below the folder.
    """
    root, listed = Path(folder), list(files)
    try:
        found = _hashes(root, listed)
    except OSError as error:
        raise MissingError(f"{error.filename or root} cannot be read: {error.strerror or error}") from error
    return {file: found[file.relative_to(root).as_posix()] for file in listed}


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file as 64 hex digits, from the cache if nothing about the file changed. Raises `OSError`."""
    (found,) = _hashes(path.parent, [path]).values()
    return found


def _entry(name: str, path: Path) -> list[object]:
    """The names and hashes of one given path."""
    if not path.is_dir():
        return [path.name, _hashes(path.parent, [path])]
    files = sorted(_below(path, set()))
    if not files:
        raise MissingError(f"there are no files in folder {path}")
    return [name, _hashes(path, files)]


def _below(folder: Path, seen: set[str]) -> Iterator[Path]:
    """Every file below a folder that is not hidden; links are followed, a folder is entered once."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _below(Path(entry.path), seen)
            elif entry.is_file():
                yield Path(entry.path)


def _hashes(root: Path, files: list[Path]) -> dict[str, str]:
    """The hash of each file by its path below `root`, from the cache where nothing about the file changed."""
    cache = _Cache(root)
    listed = progress(files, f"hashing the files of {root}", len(files))
    found = {file.relative_to(root).as_posix(): _hashed(file, cache) for file in listed}
    cache.save()
    return found


def _hashed(file: Path, cache: _Cache) -> str:
    facts = _facts(file)
    if not _is_recent(facts) and (known := cache.entries.get(str(file))) and known[0] == facts:
        return known[1]
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if _facts(file) == facts and not _is_recent(facts):
        cache.add(str(file), facts, found)
    return found


def _facts(file: Path) -> Facts:
    """Raises `OSError` for what is no regular file."""
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is not a file", str(file))
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns


def _is_recent(facts: Facts) -> bool:
    """Whether a file changed so recently, or in the future, that equal size and times do not imply equal bytes."""
    return max(facts[1], facts[3]) / 1e9 > time.time() - RACY_SECONDS


class _Cache:
    """The known hashes of files below one folder: a checksum, then JSON. A damaged or missing one is empty."""

    def __init__(self, root: Path) -> None:
        self.path = cache_folder() / "hashes" / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}.json"
        self.entries = _read(self.path)
        self._changed = False

    def add(self, file: str, facts: Facts, found: str) -> None:
        self.entries[file] = (facts, found)
        self._changed = True

    def save(self) -> None:
        """Write what is new beside what another process wrote meanwhile; without a writable cache nothing is kept."""
        if not self._changed:
            return
        text = canonical({**_read(self.path), **self.entries}).encode()
        with contextlib.suppress(OSError):
            write_atomically(self.path, hashlib.sha256(text).hexdigest().encode() + b"\n" + text)


def _read(path: Path) -> dict[str, tuple[Facts, str]]:
    import msgspec

    try:
        seal, _, text = path.read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != seal:
            return {}
        return msgspec.json.decode(text, type=dict[str, tuple[Facts, str]])
    except (OSError, msgspec.DecodeError):
        return {}
