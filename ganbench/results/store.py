"""The results store: one folder a run, committed whole by a rename, readable by anyone."""

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
    """A results folder. Many may read it; `writing()` lets one process write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs, self.references, self.staging = root / "runs", root / "references", root / ".staging"
        self._read: dict[Path, tuple[tuple[int, int], AnyRecord]] = {}

    def run(self, run_id: str) -> Record | None:
        """A run's record, or None. Raises `ResultsError` if it is damaged or too new."""
        return self._record(self.runs / run_id / "record.json", decode_run)

    def reference(self, reference_id: str) -> ReferenceRecord | None:
        """A reference's record, or None. Raises `ResultsError` if it is damaged or too new."""
        return self._record(self.references / reference_id / "record.json", decode_reference)

    def _record(self, path: Path, decode: Callable[[bytes], T]) -> T | None:
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
            record = _decoded(path, decode)
            if record is None:
                return None
            self._read[path] = (state, record)
        return record  # type: ignore[return-value]

    def find(self, prefix: str) -> list[str]:
        """Ids of the runs that begin with a prefix."""
        folders = self.runs.glob(f"{prefix}*") if prefix.isalnum() else ()
        return sorted(path.name for path in folders if (path / "record.json").exists())

    def only(self, prefix: str) -> str:
        """The id of the one run that begins with a prefix. Raises `UsageError` where there is none, or several."""
        ids = self.find(prefix)
        if not ids:
            raise UsageError(f"no run {prefix!r} in {self.runs}; ids are the names of the folders there")
        if len(ids) > 1:
            raise UsageError(f"{prefix!r} is the beginning of {len(ids)} runs: {', '.join(ids[:5])}; write more of it")
        return ids[0]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder's lock. Raises `MissingError` where another run writes or the disk refuses."""
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


def _decoded(path: Path, decode: Callable[[bytes], T]) -> T | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error
    try:
        return decode(content)
    except Newer as newer:
        raise ResultsError(f"{path} was written by a newer ganbench ({newer}); upgrade") from newer
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{path} is damaged ({error}); remove that folder and run the suite again") from error
