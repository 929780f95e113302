"""Strict YAML with the position of every value.

Aliases, tags, duplicate keys and deep nesting are refused. Scalars follow YAML 1.2, so `2e-4` is a number and `on`
a string. Problems are collected, so that all of them are reported together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ganbench.errors import UsageError, well_formed

MAX_BYTES = 1 << 20
MAX_DEPTH = 50
MAX_VALUES = 5_000
"""The most values of a file: far more than any suite has, and still read within a second."""
MOST_PROBLEMS = 50
QUICK = 30_000
"""Characters that are read within a second by the reader that tells better what is wrong."""

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A value with its position: a scalar, a `list[Node]`, or a `dict[str, Node]`."""

    value: Any
    line: int = 0
    column: int = 0
    keys: tuple[tuple[str, int, int], ...] = ()
    origin: str = ""
    """The option that the value comes from, if not from the file."""

    @classmethod
    def of(cls, plain: object) -> Node:
        """Plain data as nodes without positions."""
        if isinstance(plain, dict):
            return cls({key: cls.of(value) for key, value in plain.items()})
        if isinstance(plain, list | tuple):
            return cls([cls.of(value) for value in plain])
        return cls(plain)

    def plain(self) -> Any:
        """The value without positions."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def given_by(self, origin: str) -> Node:
        """The value as one of an option: without positions, whole and in part."""
        value = self.value
        if isinstance(value, dict):
            value = {key: node.given_by(origin) for key, node in value.items()}
        elif isinstance(value, list):
            value = [node.given_by(origin) for node in value]
        return Node(value, origin=origin)

    @property
    def from_file(self) -> bool:
        """Whether the value stands in the file, not in an option and not in the program."""
        return bool(self.line) and not self.origin

    def key(self, name: str) -> Node:
        """The position of a key of this mapping."""
        return next((Node(k, line, column, (), self.origin) for k, line, column in self.keys if k == name), self)


class Problems:
    """The problems of one file, collected. `add` raises `UsageError` with all so far when there are `MOST_PROBLEMS`."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[tuple[int, int, str]] = []

    def add(self, node: Node | None, text: str) -> None:
        """Add a problem at the position of `node`; the same problem is added once."""
        place = f":{node.line}:{node.column}" if node is not None and node.line else ""
        line = f"{(node and node.origin) or self.file}{place}: {text}"
        entry = (node.line if node else 0, node.column if node else 0, line)
        if entry not in self.found:
            self.found.append(entry)
        if len(self.found) >= MOST_PROBLEMS:
            raise UsageError(f"{self.text}\nand perhaps more: only the first {MOST_PROBLEMS} are shown")

    def check(self) -> None:
        """Raise `UsageError` with all problems so far, in the order of the file, if there are any."""
        if self.found:
            raise UsageError(self.text)

    @property
    def text(self) -> str:
        """All problems so far, one a line, in the order of the file."""
        return "\n".join(line for _, _, line in sorted(self.found))


def items(node: Node, problems: Problems) -> list[Node]:
    """The items of a list; null is an empty one."""
    if node.value is None:
        return []
    if not isinstance(node.value, list):
        problems.add(node, "expected a list")
        return []
    return node.value


def scalar(text: str) -> object:
    """A plain scalar by the YAML 1.2 core schema."""
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) <= 20 else float(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def read_mapping(path: Path, what: str, form: str) -> tuple[str, Node, Problems]:
    """A file's text, the mapping in it, and its problems.

    Raises `UsageError` if the file cannot be read or is not a mapping (the error is then `form`).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{what} {str(path)!r} cannot be read: {error}") from None
    problems = Problems(path.name)
    root = parse(text, problems)
    if not isinstance(root.value, dict):
        problems.add(root, form)
        problems.check()
    return text, root, problems


def parse(text: str, problems: Problems) -> Node:
    """The root of the document. Raises `UsageError` with the position of a syntax error."""
    try:
        if len(text.encode()) > MAX_BYTES:
            problems.add(None, "the file is larger than 1 MiB")
    except UnicodeEncodeError:  # an argument of the command line may be any bytes
        problems.add(None, "is not text in UTF-8")
    problems.check()
    try:
        root = _build(text, problems)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = Node(None, mark.line + 1, mark.column + 1) if mark else None
        problems.add(place, f"not valid YAML: {getattr(error, 'problem', None) or str(error).splitlines()[0]}")
        root = Node(None)
    problems.check()
    return root


def _build(text: str, problems: Problems) -> Node:
    """Build nodes from parser events without recursion, so that nesting cannot exhaust the stack."""
    done: list[Node] = [Node(None, 1, 1)]
    open_: list[tuple[Node, list[Node]]] = []
    documents = values = 0
    loader = yaml.SafeLoader if len(text) < QUICK else getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                problems.add(_place(event), "contains a second document ('---'); write one per file")
                break
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            problems.add(_place(event), "anchors and aliases (&, *) are not supported; repeat the value")
            break
        tag = getattr(event, "tag", None)
        if tag:
            problems.add(_place(event), f"tags ({tag}) are not supported")
            break
        if isinstance(event, yaml.CollectionStartEvent):
            if len(open_) >= MAX_DEPTH:
                problems.add(_place(event), f"nested deeper than {MAX_DEPTH} levels")
                break
            empty: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            open_.append((_place(event, empty), []))
            continue
        values += 1
        if values > MAX_VALUES:
            problems.add(_place(event), f"more than {MAX_VALUES:,} values in one file; split it into several suites")
            break
        if isinstance(event, yaml.ScalarEvent):
            value = scalar(event.value) if event.implicit[0] else event.value
            if isinstance(value, str) and value != well_formed(value):
                problems.add(_place(event), f"{value!r} contains half of a surrogate pair, which is no character")
            node = _place(event, value)
        elif isinstance(event, yaml.CollectionEndEvent):
            start, children = open_.pop()
            node = _mapping(start, children, problems) if isinstance(start.value, dict) else _sequence(start, children)
        else:
            continue
        (open_[-1][1] if open_ else done).append(node)
    return done[-1]


def _place(event: yaml.Event, value: object = None) -> Node:
    mark = event.start_mark
    assert mark is not None  # every event of a text has one
    return Node(value, mark.line + 1, mark.column + 1)


def _sequence(start: Node, children: list[Node]) -> Node:
    return Node(children, start.line, start.column)


def _mapping(start: Node, children: list[Node], problems: Problems) -> Node:
    entries: dict[str, Node] = {}
    keys: list[tuple[str, int, int]] = []
    for key, value in zip(children[::2], children[1::2], strict=True):
        if isinstance(key.value, dict | list):
            problems.add(key, "a key must be a string")
            continue
        name = str(key.value)
        if name in entries:
            problems.add(key, f"duplicate key {name!r}; it is first defined in line {entries[name].line}")
        entries[name] = value
        keys.append((name, key.line, key.column))
    return Node(entries, start.line, start.column, tuple(keys))
