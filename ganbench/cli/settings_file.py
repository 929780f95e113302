"""`ganbench.toml` of the current folder: defaults of options that say where and how, never what is trained."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import click

from ganbench.errors import UsageError
from ganbench.formatting import suggestion

NAME = "ganbench.toml"
TRAINING = ("suite", "set", "add", "filter", "shard", "seeds", "search", "force", "dry-run", "weights")
WHY_REFUSED = {
    **dict.fromkeys(TRAINING, "changes what is trained or measured"),
    **dict.fromkeys(("status", "loss", "architecture", "dataset"), "chooses which runs are meant"),
    **dict.fromkeys(("yes", "delete"), "removes results"),
}
"""Options that no file may set, and why: a result must not depend on a file that its command does not name."""
REFUSED = frozenset(WHY_REFUSED)
SHORT = 60
Defaults = dict[str, Any]


def defaults(folder: Path, group: click.Group) -> Defaults:
    """The defaults of the options by command and parameter, as click takes them; empty without a file.

    Top-level keys are for every command that has the option, those of a section for that command.
    Raises `UsageError` for a file that is not TOML, a key that is not an option, and a value that the option refuses.
    """
    path = folder / NAME
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{NAME} cannot be read: {error.strerror or error}; move it away, or correct it") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{NAME}: it is not valid TOML: {error}") from error
    commands = dict(_commands(group))
    everywhere = {key: value for key, value in content.items() if not isinstance(value, Mapping)}
    sections = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    for name, value in everywhere.items():
        if name in commands:
            raise UsageError(f"{NAME}: {name!r} is a command; write its options below [{name}], got {_short(value)}")
    for name in sections:
        if name not in commands:
            raise UsageError(f"{NAME}: no command {name!r}{suggestion(name, [*commands])}")
    _check("", everywhere, {key for command in commands.values() for key in _all_options(command)})
    for name, own in sections.items():
        _check(f"{name}: ", own, _all_options(commands[name]))
    return {name: _of(command, everywhere | dict(sections.get(name, {}))) for name, command in commands.items()}


def _check(where: str, wanted: Iterable[str], known: set[str]) -> None:
    """Raise `UsageError` for a key that is no option, or one that a file may not set."""
    for key in wanted:
        if key in REFUSED:
            fix = "write it on the command line or in the suite"
            raise UsageError(f"{NAME}: {where}{key!r} {WHY_REFUSED[key]}; {fix}")
        if key not in known:
            raise UsageError(f"{NAME}: {where}no option {key!r}{suggestion(key, sorted(known - REFUSED))}")


def _of(command: click.Command, wanted: Mapping[str, object]) -> Defaults:
    """The defaults of a command, or of a group by its commands; keys that are not options of it are left out."""
    if isinstance(command, click.Group):
        return {name: _of(child, wanted) for name, child in _commands(command)}
    options = _options(command)
    return dict(_default(key, value, options[key]) for key, value in wanted.items() if key in options)


def _commands(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            yield name, command


def _all_options(command: click.Command) -> set[str]:
    """The options of a command and of those below it."""
    below = (_all_options(child) for _, child in _commands(command)) if isinstance(command, click.Group) else ()
    return set(_options(command)).union(*below)


def _options(command: click.Command) -> dict[str, click.Option]:
    """The options of a command by their long names, without the dashes."""
    options = (one for one in command.params if isinstance(one, click.Option))
    return {name[2:]: one for one in options for name in one.opts if name.startswith("--")}


def _default(key: str, value: object, option: click.Option) -> tuple[str, object]:
    """A parameter's name with its value, checked as if it stood on the command line."""
    if option.is_flag and not isinstance(value, bool):
        raise UsageError(f"{NAME}: {key} must be true or false, got {_short(value)}")
    if option.multiple and not isinstance(value, list):
        raise UsageError(f"{NAME}: {key} must be a list, such as [{_short(value)}]")
    if not option.multiple and isinstance(value, list | dict):
        raise UsageError(f"{NAME}: {key} must be one value, got {_short(value)}")
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, str | int | float | bool) or one == "" or "\0" in str(one):
            raise UsageError(f"{NAME}: {key} must be text or a number, got {_short(one)}")
        if isinstance(one, float) and not isfinite(one):
            raise UsageError(f"{NAME}: {key} must be a finite number, got {one}")
    given = value if isinstance(value, bool) else list(map(str, value)) if isinstance(value, list) else str(value)
    try:
        option.type_cast_value(click.Context(click.Command(key)), given)
    except click.BadParameter as error:
        raise UsageError(f"{NAME}: {key}: {error.message}") from error
    assert option.name is not None
    return option.name, given


def _short(value: object) -> str:
    """A value as text of at most 60 characters."""
    text = repr(value)
    return text if len(text) <= SHORT else f"{text[:SHORT]}..."
