"""The results store: one folder per run, committed atomically by a rename."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

from filelock import FileLock, Timeout

from ganbench.errors import MissingError, ResultsError, UsageError, reason
from ganbench.files import MOST_OF_A_RECORD, named_as_file, read_file, sync_folder, write_atomically
from ganbench.registry.file_hashes import file_sha256
from ganbench.results.entries import LOCK, check_entries
from ganbench.results.record_json import (
    Newer,
    Scores,
    belong,
    decode_reference,
    decode_run,
    decode_scores,
    encode,
    encode_scores,
    with_scores,
)
from ganbench.results.records import AnyRecord, Record, ReferenceRecord
from ganbench.results.run_files import WEIGHTS

T = TypeVar("T")
R = TypeVar("R", Record, ReferenceRecord)

RECORD = "record.json"
"""The file of a run that ended, in its folder."""


class Store:
    """A results folder. Several processes may read it; `writing()` lets one of them write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs, self.references, self.staging = root / "runs", root / "references", root / ".staging"
        self.checkpoints = root / ".checkpoints"
        self._read: dict[Path, tuple[tuple[int, int, int], object]] = {}
        self._by_content: dict[tuple[str, str], object] = {}
        self._joins: dict[tuple[int, int], Record] = {}

    @classmethod
    def existing(cls, root: Path, refuse_links: bool = True) -> Store:
        """The store of a folder. Raises `UsageError` if there is none, `ResultsError` if there are links that count."""
        if not root.is_dir():
            raise UsageError(f"no results folder {str(root)!r}; run a suite first, or name its folder with --results")
        if refuse_links:
            check_entries(root)
        return cls(root)

    @classmethod
    def to_write(cls, root: Path) -> Store:
        """The store of a folder that need not be there yet. Raises `UsageError` if it has the name of a file."""
        if named_as_file(root):
            raise UsageError(f"results folder {str(root)!r} has the name of a file; name one without {root.suffix}")
        if root.is_dir():
            check_entries(root)
        return cls(root)

    def at(self, root: Path) -> Store:
        """The store of another folder, such as a copy; a record with the same content is not decoded again."""
        store = Store(root)
        store._by_content, store._joins = self._by_content, self._joins
        return store

    def suites(self) -> list[str]:
        """The names of the suites that were run in this folder, or published to it."""
        names = (path.parent.name for path in self.root.glob("*/plan.json"))
        return sorted(name for name in names if not name.startswith("."))

    def run(self, run_id: str, evaluation: str | None = None) -> Record | None:
        """A run's record with its scores under one evaluation, or None if there is no such run.

        `evaluation` is the evaluation's id; without it, the scores are those that were measured last. A run that has
        no such scores, or only scores of other weights, has none (`evaluation_id` is None). Raises `ResultsError` if
        a file is damaged or too new.
        """
        record = self._record(self.runs, run_id, decode_run)
        if record is None or record.one_identity:
            return record
        names = self.evaluations(run_id) if evaluation is None else [evaluation]
        found = [scores for name in names if (scores := self._scores(run_id, name)) and belong(record, scores)]
        if not found:
            return record
        latest = max(found, key=lambda scores: (scores.file.provenance.time or "", scores.file.id))
        return self._joined(record, latest)

    def _record(self, place: Path, id_: str, decode: Callable[[bytes], R]) -> R | None:
        """The record with an id, or None. Raises `ResultsError` if it is damaged, too new, or of another run."""
        path = place.joinpath(id_, RECORD)
        found = self._file(path, decode)
        if found is not None and found.id != id_:
            raise _damaged(path, f"its id is {found.id!r}, that of another folder")
        return found

    def evaluations(self, run_id: str) -> list[str]:
        """The ids of the evaluations that a run has scores of, in order."""
        return sorted(path.stem for path in self.runs.joinpath(run_id, "scores").glob("*.json"))

    def _scores_path(self, run_id: str, evaluation: str) -> Path:
        return self.runs.joinpath(run_id, "scores", f"{evaluation}.json")

    def _scores(self, run_id: str, evaluation: str) -> Scores | None:
        """The scores of a run under one evaluation, or None."""
        path = self._scores_path(run_id, evaluation)
        found = self._file(path, decode_scores)
        if found is not None and found.file.id != evaluation:
            raise _damaged(path, f"$.id: is {found.file.id!r}")
        return found

    def _joined(self, record: Record, scores: Scores) -> Record:
        """The record with its scores; the same two give the same object."""
        key = id(record), id(scores)
        if key not in self._joins:
            try:
                self._joins[key] = with_scores(record, scores)
            except ValueError as error:
                raise _damaged(self._scores_path(record.id, scores.file.id), error) from error
        return self._joins[key]

    def reference(self, reference_id: str) -> ReferenceRecord | None:
        """A reference's record, or None. Raises `ResultsError` if it is damaged or too new."""
        return self._record(self.references, reference_id, decode_reference)

    def all_runs(self) -> list[Record]:
        """Every run's record with its last scores, by id. Raises `ResultsError` if one is damaged or too new."""
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

    def _file(self, path: Path, decode: Callable[[bytes], T]) -> T | None:
        """The content of a file, or None; a file that has not changed since it was last read is not read again."""
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            self._read.pop(path, None)
            return None
        except OSError as error:
            raise ResultsError(f"{path} cannot be read: {reason(error)}") from error
        seen, known = self._read.get(path, (None, None))
        state = (found.st_mtime_ns, found.st_ino, found.st_size)
        if seen != state:
            if not self.holds(path.parent):
                raise ResultsError(f"{path} is reached through a symbolic link, which is not followed; copy the folder")
            content = _content(path)
            if content is None:
                return None
            key = decode.__name__, hashlib.sha256(content).hexdigest()
            known = self._by_content.get(key) or _decoded(path, content, decode)
            self._read[path], self._by_content[key] = (state, known), known
        return cast("T", known)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder's lock. Raises `MissingError` if another run holds it or the disk refuses."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / LOCK)
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
        """Add the record, and the scores of a run, to the staged files and rename the folder into place.

        An older folder of the same id is moved aside first and removed last; its scores under other evaluations are
        kept if its weights were the same. Raises `MissingError` if the disk refuses.
        """
        place = (self.runs if isinstance(record, Record) else self.references) / record.id
        try:
            files = sorted(path for path in staged.iterdir() if path.is_file() and not path.name.startswith("."))
            sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
            made = replace(record, files=sums)
            write_atomically(staged / "record.json", encode(made))
            if isinstance(made, Record):
                self._keep_scores(made, staged)
                if made.evaluation_id is not None:
                    write_atomically(staged / "scores" / f"{made.evaluation_id}.json", encode_scores(made))
            self.place(staged, place)
        except OSError as error:
            raise MissingError(f"run {record.id} cannot be written to {place}: {error.strerror or error}") from error

    def place(self, staged: Path, place: Path) -> None:
        """Rename a staged folder to its place; an older one is moved aside first and removed last. Raises `OSError`."""
        place.parent.mkdir(parents=True, exist_ok=True)
        old = self.stage(f"{place.name}.old/{place.parent.name}")
        if place.exists():
            place.rename(old / place.name)
        staged.rename(place)
        sync_folder(place.parent)
        shutil.rmtree(old.parent, ignore_errors=True)

    def _keep_scores(self, record: Record, staged: Path) -> None:
        """Copy the scores of an earlier training of the same run that gave the same weights.

        A run without weights, such as one that failed, keeps none.
        """
        for name in self.evaluations(record.id) if WEIGHTS in record.files else ():
            try:
                scores = self._scores(record.id, name)
            except ResultsError:
                continue  # damaged scores are replaced with their run
            if scores is not None and belong(record, scores):
                content = read_file(self._scores_path(record.id, name))
                write_atomically(staged / "scores" / f"{name}.json", content)

    def weights_problem(self, record: Record, name: str = WEIGHTS) -> str | None:
        """Why a file of weights of a run cannot be used: `missing` or `damaged`; None if it can."""
        stated = record.files.get(name)
        path = self.runs / record.id / name
        if stated is None or not path.is_file():
            return "missing"
        if not self.holds(path):
            return "damaged"
        try:
            return None if file_sha256(path) == stated else "damaged"
        except OSError:
            return "damaged"

    def discard(self, path: Path) -> None:
        """Remove a file or a folder of this results folder for good, within `writing()`; no link is followed.

        A folder is moved to the stage first, so that a kill leaves no half of it. Raises `UsageError` for a path
        outside of the folder, or that is reached through a link, `MissingError` if the disk refuses.
        """
        if not self.holds(path) or not self.holds(self.staging):
            raise UsageError(f"{path} is not in {self.root}, or is a link; it is not removed")
        try:
            if path.is_dir():
                gone = self.stage(f"gone/{path.parent.name}") / path.name
                path.rename(gone)
                shutil.rmtree(gone)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise MissingError(f"{path} cannot be removed: {error.strerror or error}") from error

    def holds(self, path: Path) -> bool:
        """Whether a path is below this folder, and neither it nor a folder between the two is a link."""
        inside = path.parts[len(self.root.parts) :]
        if path.parts[: len(self.root.parts)] != self.root.parts or not inside or ".." in inside:
            return False
        return not any(one.is_symlink() for one in (path, *path.parents)[: len(inside)])

    def add_scores(self, record: Record) -> None:
        """Add the scores of a run that is in the store. Raises `MissingError` if the disk refuses."""
        assert record.evaluation_id is not None
        path = self._scores_path(record.id, record.evaluation_id)
        if not self.holds(path.parent):
            raise ResultsError(f"{path} is reached through a symbolic link, through which nothing is written")
        try:
            write_atomically(path, encode_scores(record))
        except OSError as error:
            raise MissingError(f"scores cannot be written to {path}: {error.strerror or error}") from error


def _ids(folder: Path) -> list[str]:
    """The names of the folders that hold a record."""
    return sorted(path.parent.name for path in folder.glob("*/record.json"))


def _content(path: Path) -> bytes | None:
    try:
        return read_file(path, MOST_OF_A_RECORD)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {reason(error)}") from error


def _decoded(path: Path, content: bytes, decode: Callable[[bytes], T]) -> T:
    try:
        return decode(content)
    except Newer as newer:
        raise ResultsError(f"{path} was written by a newer ganbench ({newer}); upgrade") from newer
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, why: object) -> ResultsError:
    """The error to raise for a damaged record, whose folder goes with it, or for damaged scores."""
    what = "folder" if path.name == "record.json" else "file"
    return ResultsError(f"{path} is damaged ({why}); remove that {what} and run the suite again")
