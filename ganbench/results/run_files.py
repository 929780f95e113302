"""The training history beside a record, `history.csv`: its reader and its writer."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path

from ganbench.errors import ResultsError, reason
from ganbench.files import MOST_OF_A_RECORD, read_file, write_atomically
from ganbench.formatting import counted
from ganbench.signals import SIGNALS

HISTORY = "history.csv"
WEIGHTS = "weights.safetensors"


SNAPSHOT = re.compile(r"snapshot-\d{9,}\.safetensors")
"""What `snapshot_file` gives."""


def snapshot_file(step: int) -> str:
    """The name of the file with the generator at a snapshot, which runs keep where the best snapshot is evaluated."""
    return f"snapshot-{step:09d}.safetensors"


@dataclass(frozen=True)
class History:
    """A run's training signals as text, one row per recorded step; the first column is the step."""

    path: Path
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> list[float]:
        """The values of a column by row, NaN where a field is empty; no values if there is no such column.

        Raises `ResultsError` if a field is not a number.
        """
        if name not in self.names:
            return []
        at = self.names.index(name)
        return [self._number(row[at], line, name) for line, row in enumerate(self.rows, 2)]

    def _number(self, text: str, line: int, name: str) -> float:
        try:
            return float(text) if text else nan
        except ValueError as error:
            raise damaged(self.path, f"line {line}: {name} is {text[:20]!r}, not a number") from error


def read_history(folder: Path) -> History | None:
    """The history in a run's folder, None if there is none. Raises `ResultsError` if the file is damaged."""
    path = folder / HISTORY
    try:
        lines = [tuple(row) for row in csv.reader(io.StringIO(read_file(path, MOST_OF_A_RECORD).decode()))]
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise damaged(path, "it is not UTF-8 text") from error
    except (OSError, csv.Error) as error:
        raise damaged(path, reason(error)) from error
    if not lines:
        raise damaged(path, "it is empty")
    names, *rows = lines
    if names[:1] != ("step",):
        raise damaged(path, "its first column is not 'step'")
    for line, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise damaged(path, f"line {line} has {counted(len(row), 'field')}, not {len(names)}")
    return History(path, names, tuple(rows))


def write_history(folder: Path, steps: Iterable[int], values: Iterable[Sequence[float]]) -> None:
    """Write the signals of each recorded step, in the order of `SIGNALS`; a NaN is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *SIGNALS])
    for step, row in zip(steps, values, strict=True):
        writer.writerow([step, *("" if isnan(value) else f"{value:.7g}" for value in row)])
    write_atomically(folder / HISTORY, text.getvalue().encode())


def damaged(path: Path, why: object) -> ResultsError:
    """The error to raise for a file that cannot be read."""
    return ResultsError(f"{path} is damaged ({why}); remove its folder and run the suite again")
