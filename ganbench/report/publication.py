"""What a person adds to a report: title, authors, date and notes, kept in `publication.json` beside its pages."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date as calendar
from pathlib import Path
from typing import Any

import msgspec

from ganbench.errors import ResultsError, UsageError, reason
from ganbench.files import MOST_OF_A_RECORD, check_seal, from_plain, read_file, sealed

NAME = "publication.json"
SCHEMA = 1
LONGEST, MOST_AUTHORS, MOST_NOTES = 300, 200, 1 << 20
"""Characters of a title or a name, authors, and bytes of notes."""
TOO_LONG = "the notes are larger than 1 MiB; shorten them, or publish them elsewhere and give a link"


@dataclass(frozen=True)
class Publication:
    """Title, authors, date (`2026-11-27`, empty for that of the last run), and notes in Markdown; all may be empty."""

    title: str = ""
    authors: tuple[str, ...] = ()
    date: str = ""
    notes: str = ""

    def __bool__(self) -> bool:
        """Whether there is anything to show."""
        return self != Publication()

    def changed(
        self, title: str | None, authors: Sequence[str] | None, date: str | None, notes: str | None
    ) -> Publication:
        """With what is given in place of its own; an empty text removes. Raises `UsageError` for a wrong one."""
        found = self
        if title is not None:
            found = replace(found, title=_line("the title", title))
        if authors is not None:
            if len(authors) > MOST_AUTHORS:
                raise UsageError(f"{len(authors)} authors are too many; name at most {MOST_AUTHORS}")
            found = replace(found, authors=tuple(_line("an author", name) for name in authors if name.strip()))
        if date is not None:
            found = replace(found, date=_date(date))
        if notes is not None:
            found = replace(found, notes=_notes(notes))
        return found


def _line(what: str, text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST or not text.isprintable():
        raise UsageError(f"{what} must be one line of at most {LONGEST} characters, got {text[:60]!r}")
    return text


def _date(text: str) -> str:
    try:
        if text and (not re.fullmatch(r"\d{4}-\d\d-\d\d", text) or not calendar.fromisoformat(text)):
            raise ValueError
    except ValueError:
        raise UsageError(f"the date must be a day such as 2026-11-27, got {text[:60]!r}") from None
    return text


def _notes(text: str) -> str:
    try:
        if len(text.encode()) > MOST_NOTES:
            raise UsageError(TOO_LONG)
    except UnicodeEncodeError as error:
        raise UsageError(f"the notes hold a character that is none ({error.reason}); write them as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def authors_of(text: str) -> tuple[str, ...]:
    """`A. Author; B. Author` as names; commas separate them if there is no semicolon."""
    names = text.split(";") if ";" in text else text.split(",")
    return tuple(name.strip() for name in names if name.strip())


def encoded(publication: Publication) -> bytes:
    """The content of `publication.json`, sealed."""
    content = sealed({"schema": SCHEMA, **msgspec.to_builtins(publication)})
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def read(folder: Path) -> Publication:
    """What a folder's `publication.json` says, nothing without one.

    Raises `ResultsError` if it is damaged or newer, `UsageError` for a path that no file system takes.
    """
    path = folder / NAME
    try:
        raw: dict[str, Any] = msgspec.json.decode(read_file(path, MOST_OF_A_RECORD), type=dict[str, Any])
        newer = raw["schema"] > SCHEMA
        if not newer:
            check_seal(raw)
            return from_plain(raw, Publication)
    except (FileNotFoundError, NotADirectoryError):
        return Publication()
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            raise UsageError(f"{folder} is too long a name for a folder; choose a shorter one") from error
        raise ResultsError(
            f"{path} is damaged ({reason(error)}); remove it, and publish with --title and --notes again"
        ) from error
    raise ResultsError(f"{path} was written by a newer ganbench (schema {raw['schema']}); upgrade")
