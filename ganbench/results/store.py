"""The results store: one folder per run, committed atomically by a rename."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from ganbench.errors import MissingError, ResultsError, UsageError
from ganbench.files import sync_folder, write_atomically
from ganbench.results.record_json import Newer, decode_reference, decode_run, encode
from ganbench.results.records import AnyRecord, Record, ReferenceRecord

T = TypeVar("T", Record, ReferenceRecord)


class Store:
    """A results folder. Several processes may read it; `writing()` lets one of them write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs, self.references, self.staging = root / "runs", root / "references", root / ".staging"
        self._read: dict[Path, tuple[tuple[int, int], AnyRecord]] = {}
        self._decoded: dict[tuple[type, str], AnyRecord] = {}

    @classmethod
    def existing(cls, root: Path) -> Store:
        """The store of a folder. Raises `UsageError` if there is no such folder."""
        if not root.is_dir():
            raise UsageError(f"no results folder {str(root)!r}; run a suite first, or name its folder with --results")
        return cls(root)

    def at(self, root: Path) -> Store:
        """The store of another folder, such as a copy; a record with the same content is not decoded again."""
        store = Store(root)
        store._decoded = self._decoded
        return store

    def suites(self) -> list[str]:
        """The names of the suites that were run in this folder, or published to it."""
        names = (path.parent.name for path in self.root.glob("*/plan.json"))
        return sorted(name for name in names if not name.startswith("."))

    def run(self, run_id: str) -> Record | None:
        """A run's record, or None. Raises `ResultsError` if it is damaged or too new."""
        return self._record(self.runs / run_id / "record.json", Record, decode_run)

    def reference(self, reference_id: str) -> ReferenceRecord | None:
        """A reference's record, or None. Raises `ResultsError` if it is damaged or too new."""
        return self._record(self.references / reference_id / "record.json", ReferenceRecord, decode_reference)

    def all_runs(self) -> list[Record]:
        """Every run's record, by id. Raises `ResultsError` if one is damaged or too new."""
        return [record for id_ in _ids(self.runs) if (record := self.run(id_))]

    def all_references(self) -> list[ReferenceRecord]:
        """Every reference's record, by id. Raises `ResultsError` if one is damaged or too new."""
        return [record for id_ in _ids(self.references) if (record := self.reference(id_))]

    def find(self, prefix: str, references: bool = False) -> list[Path]:
        """The folders of the runs (and references) whose id begins with a prefix."""
        places = (self.runs, self.references) if references else (self.runs,)
        found = (path for place in places for path in place.glob(f"{prefix}*")) if prefix.isalnum() else ()
        return sorted(path for path in found if (path / "record.json").is_file())

    def only(self, prefix: str, references: bool = False) -> tuple[AnyRecord, Path]:
        """The one run (or reference) whose id begins with a prefix, and its folder.

        Raises `UsageError` if there is none, or more than one.
        """
        found = self.find(prefix, references)
        if not found:
            raise UsageError(f"no run {prefix!r} in {self.runs}; ids are the names of the folders there")
        if len(found) > 1:
            ids = ", ".join(path.name for path in found[:5])
            raise UsageError(f"{len(found)} runs begin with {prefix!r}: {ids}; write more of the id")
        (folder,) = found
        record = self.run(folder.name) if folder.parent == self.runs else self.reference(folder.name)
        assert record is not None
        return record, folder

    def only_run(self, prefix: str) -> tuple[Record, Path]:
        """The one run whose id begins with a prefix, and its folder. Raises as `only` does."""
        record, folder = self.only(prefix)
        assert isinstance(record, Record)
        return record, folder

    def _record(self, path: Path, kind: type[T], decode: Callable[[bytes], T]) -> T | None:
        """The record in a file; a file that has not changed since it was last read is not read again."""
        try:
            found = path.stat()
        except FileNotFoundError:
            self._read.pop(path, None)
            return None
        except OSError as error:
            raise ResultsError(f"{path} cannot be read: {error}") from error
        seen, record = self._read.get(path, (None, None))
        state = (found.st_mtime_ns, found.st_ino)
        if seen != state:
            content = _content(path)
            if content is None:
                return None
            key = kind, hashlib.sha256(content).hexdigest()
            record = self._decoded.get(key) or _decoded(path, content, decode)
            self._read[path], self._decoded[key] = (state, record), record
        assert isinstance(record, kind)
        return record

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder's lock. Raises `MissingError` if another run holds it or the disk refuses."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / ".lock")
            lock.acquire(timeout=0)
        except Timeout:
            raise MissingError(
                f"another ganbench run is writing to {self.root}; wait for it, or give another --results folder"
            ) from None
        except OSError as error:
            raise MissingError(f"results folder {self.root} cannot be written: {error.strerror or error}") from error
        try:
            self._restore()
            yield
        finally:
            self._restore()
            lock.release()

    def _restore(self) -> None:
        """Put back what a kill or an interrupt in the middle of a replacement left aside, then clear the stage."""
        for old in self.staging.glob("*.old/*/*"):
            place = self.root / old.parent.name / old.name
            if not place.exists():
                old.rename(place)
        shutil.rmtree(self.staging, ignore_errors=True)

    def stage(self, name: str) -> Path:
        """A folder to prepare a run's files in."""
        folder = self.staging / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def commit(self, record: AnyRecord, staged: Path) -> None:
        """Add the record to the staged files and rename the folder into place.

        An older folder of the same id is moved aside first and removed last. Raises
        `MissingError` if the disk refuses.
        """
        place = (self.runs if isinstance(record, Record) else self.references) / record.id
        try:
            files = sorted(path for path in staged.iterdir() if path.is_file() and not path.name.startswith("."))
            sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
            write_atomically(staged / "record.json", encode(replace(record, files=sums)))
            place.parent.mkdir(parents=True, exist_ok=True)
            old = self.stage(f"{record.id}.old/{place.parent.name}")
            if place.exists():
                place.rename(old / place.name)
            staged.rename(place)
            sync_folder(place.parent)
            shutil.rmtree(old.parent, ignore_errors=True)
        except OSError as error:
            raise MissingError(f"run {record.id} cannot be written to {place}: {error.strerror or error}") from error


def _ids(folder: Path) -> list[str]:
    """The names of the folders that hold a record."""
    return sorted(path.parent.name for path in folder.glob("*/record.json"))


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error


def _decoded(path: Path, content: bytes, decode: Callable[[bytes], T]) -> T:
    try:
        return decode(content)
    except Newer as newer:
        raise ResultsError(f"{path} was written by a newer ganbench ({newer}); upgrade") from newer
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{path} is damaged ({error}); remove that folder and run the suite again") from error
