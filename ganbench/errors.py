"""What can go wrong, each with the exit code that a script sees."""

from __future__ import annotations

import traceback
from pathlib import Path


class GanbenchError(Exception):
    """An error that a person can act on: its text says what, where, why and what to do."""

    exit_code = 2


class UsageError(GanbenchError):
    """A wrong command line or a wrong suite."""


class ContractError(GanbenchError):
    """A plugin does not keep its contract."""


class MissingError(GanbenchError):
    """Something is missing on this machine: a device, a data set, weights, disk."""

    exit_code = 3


class ResultsError(GanbenchError):
    """Stored results are damaged, or were written by a newer ganbench."""

    exit_code = 4


def describe_error(error: BaseException) -> str:
    """An exception as a part of a sentence: its type, and the first line of its message if it has one."""
    first = str(error).strip().partition("\n")[0][:300]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def raised_at(error: BaseException) -> str:
    """Where an exception was raised, as ` (file.py:12, in name)`."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno}, in {frames[-1].name})" if frames else ""


def printable(text: str) -> str:
    """A line of text of a stranger's file without what would steer a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)
