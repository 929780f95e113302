"""What a killed run left in its results folder, removed by the next one: its live state, states of ended runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ganbench.errors import ResultsError
from ganbench.results import live
from ganbench.results.records import FINISHED
from ganbench.results.run_files import WEIGHTS
from ganbench.results.store import Store
from ganbench.runner.jobs import CellJob, Job


def sweep(store: Store, jobs: Iterable[Job]) -> None:
    """Remove the live state, the checkpoints of runs whose training has ended, and files that were half written.

    The runs of `jobs` keep theirs: one whose weights were lost is trained again, and goes on from them. Called within
    `store.writing()`, where nobody else writes. What cannot be removed stays: it costs room alone.
    """
    for path in live.files(store.root):
        with suppress(OSError):
            path.unlink(missing_ok=True)
    wanted = {id_ for job in jobs if isinstance(job, CellJob) for id_ in job.cell.ids.values()}
    for folder in sorted(store.checkpoints.glob("*")):
        if folder.is_symlink() or (folder.name not in wanted and _has_ended(store, folder.name)):
            _remove(folder)
            continue
        for path in folder.glob(".*"):
            with suppress(OSError):
                path.unlink()
    with suppress(OSError):
        store.checkpoints.rmdir()  # if it is empty


def _has_ended(store: Store, run_id: str) -> bool:
    """Whether the training of a run has ended well or has diverged, so that nothing goes on from its states."""
    with suppress(ResultsError):
        record = store.run(run_id)
        if record is not None and record.training_status in FINISHED:
            return WEIGHTS not in record.files or store.weights_problem(record) is None
    return False


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            shutil.rmtree(path, ignore_errors=True)
