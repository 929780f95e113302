"""Error types with their exit codes, and helpers for error messages."""

from __future__ import annotations

import traceback
from pathlib import Path


class GanbenchError(Exception):
    """An error that a user can act on: the message says what is wrong, where, and what to do."""

    exit_code = 2

    def __str__(self) -> str:
        return well_formed(super().__str__())


class UsageError(GanbenchError):
    """Invalid command line or suite file."""


class ContractError(GanbenchError):
    """A plugin violates its contract."""


class MissingError(GanbenchError):
    """Something is missing on this machine: a device, a dataset, weights, disk space."""

    exit_code = 3


class ResultsError(GanbenchError):
    """Saved results are damaged or were written by a newer ganbench."""

    exit_code = 4


PLUGIN_ERRORS = (Exception, SystemExit)
"""What a plugin's code may raise, `sys.exit` among it; only an interrupt ends more than what called it."""


def describe_error(error: BaseException) -> str:
    """An exception for use in a sentence: its type, and the first line of its message if it has one."""
    first = text_of(error).strip().partition("\n")[0][:300]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def reason(error: BaseException) -> str:
    """The message of an exception; of one of the system, what went wrong without its number and without the file."""
    return error.strerror if isinstance(error, OSError) and error.strerror else text_of(error)


def text_of(error: BaseException) -> str:
    """The message of an exception, which may be a plugin's own and unable to say it."""
    try:
        return well_formed(str(error))
    except Exception as raised:  # its __str__ is third-party code
        return f"its message cannot be read: {type(raised).__name__}"


def well_formed(text: str) -> str:
    """A text that can be written in UTF-8: half of a surrogate pair becomes its number, such as `\\ud800`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def raised_at(error: BaseException, outside: tuple[str, ...] = ()) -> str:
    """The place where an exception was raised, as ` (file.py:12, in name)`; empty if it is not known.

    It is the innermost one outside of some folders, from which a plugin's code is called.
    """
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith(outside)]
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno}, in {frames[-1].name})" if frames else ""


def in_words(error: BaseException) -> str:
    """The sentence of an error of ours; of any other its type, its message and the place where it was raised."""
    return str(error) if isinstance(error, GanbenchError) else describe_error(error) + raised_at(error)


def printable(text: str) -> str:
    """Replace control characters in a line, so that untrusted text cannot emit terminal escapes."""
    return "".join(char if char.isprintable() else "?" for char in text)
