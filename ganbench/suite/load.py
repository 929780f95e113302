"""Reads a suite's YAML strictly, and applies the `--set` and `--add` of a command line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ganbench.registry.choice import Kind
from ganbench.suite import family_keys
from ganbench.suite.entries import Entry, entries_of, losses_of
from ganbench.suite.fields import known_keys
from ganbench.suite.yaml import Node, Problems, items, parse, read_mapping

AXES: dict[str, Kind] = {"losses": "loss", "architectures": "architecture", "datasets": "dataset"}

TOP = ["about", "plugins", *AXES, "seeds", "train", "evaluation", *family_keys.KEYS, "overrides", "exclude",
       "search", "external"]  # fmt: skip


@dataclass(frozen=True)
class Override:
    """Settings for the combinations that match `when`."""

    when: dict[str, tuple[str, ...]]
    settings: dict[str, Node]
    node: Node | None = None
    last: bool = False
    """Whether they go over a variant's own settings, as those of the command line and of a search do."""


@dataclass(frozen=True)
class Suite:
    """A suite as written: its structure is checked, the plugins that it names are not yet."""

    name: str
    source: str
    about: str
    plugins: tuple[Path, ...]
    axes: dict[Kind, list[Entry]]
    base: Override
    overrides: tuple[Override, ...]
    problems: Problems
    digest: str = ""
    weights: Path | None = None
    """A weight file for every extractor that accepts one."""
    comparing: Mapping[str, Node] = field(default_factory=dict)
    """How the variants are compared, by the keys of `ganbench.suite.family_keys`, which reads them."""
    folder: Path = Path()
    """The folder of the suite's file, to which the paths in it are relative."""
    search: Node | None = None
    """The ranges for `--search`; `ganbench.suite.search_space` reads them."""
    external: Node | None = None
    """Samples made elsewhere; `ganbench.suite.external` reads them."""
    excluded: tuple[Override, ...] = ()
    """Combinations that are not trained: those that one of these matches."""


def load(path: Path, source: str | None = None) -> Suite:
    """Read a suite file; errors in its structure are collected in `problems`, to which expansion adds.

    Raises `UsageError` if the file cannot be read or is not a mapping.
    """
    form = "a suite must be a mapping with the keys losses, architectures, datasets, ..."
    text, root, problems = read_mapping(path, "suite", form)
    return replace(
        suite_of(root, problems, path), source=source or path.name, digest=hashlib.sha256(text.encode()).hexdigest()
    )


def suite_of(root: Node, problems: Problems, path: Path) -> Suite:
    """The suite that a mapping describes; `path` gives its name, and the paths in it are relative to its folder."""
    known_keys(root, TOP, problems)
    for key in AXES:
        if key not in root.value:
            problems.add(root, f"key {key!r} is missing")
    about = root.value.get("about", Node(""))
    if not isinstance(about.value, str):
        problems.add(about, "'about' must be one line of text")
    settings = {key: root.value[key] for key in ("seeds", "train", "evaluation") if key in root.value}
    return Suite(
        name=path.stem,
        source=path.name,
        about=str(about.value).strip(),
        plugins=tuple(path.parent / name for name in _words(root.value.get("plugins", Node([])), problems)),
        axes={kind: _axis(kind, root.value.get(key, Node([])), problems) for key, kind in AXES.items()},
        base=Override({}, settings),
        overrides=tuple(_override(node, problems) for node in items(root.value.get("overrides", Node([])), problems)),
        problems=problems,
        folder=path.parent,
        comparing={key: root.value[key] for key in family_keys.KEYS if key in root.value},
        search=root.value.get("search"),
        external=root.value.get("external"),
        excluded=tuple(_exclusion(node, problems) for node in items(root.value.get("exclude", Node([])), problems)),
    )


def _axis(kind: Kind, node: Node, problems: Problems) -> list[Entry]:
    return losses_of(node, problems) if kind == "loss" else entries_of(node, problems)


def adjusted(suite: Suite, sets: Iterable[str] = (), adds: Iterable[str] = (), weights: Path | None = None) -> Suite:
    """The suite with `--set key=value` applied to every combination and `--add kind=name` added.

    A suite with settings has another name, so that its tables never replace the original's.
    """
    problems, sets = Problems("--set"), tuple(sets)
    overrides = [_setting(text, problems) for text in sets]
    problems.check()
    adding = Problems("--add")
    axes = {kind: list(entries) for kind, entries in suite.axes.items()}
    for text in adds:
        key, _, value = text.partition("=")
        kind = next((k for k in axes if k == key.strip()), None)
        if kind is None or not value:
            adding.add(None, f"{text!r} is not of the form loss=NAME (or architecture=NAME, dataset=NAME)")
            continue
        written = parse(value, Problems(f"--add {text}"))
        found = _axis(kind, Node([written.given_by(f"--add {text}")]), adding)
        axes[kind] += [replace(entry, added=True) for entry in found]
    adding.check()
    return replace(
        suite, name=named(suite.name, sets), axes=axes, overrides=(*suite.overrides, *overrides), weights=weights
    )


def named(name: str, sets: Iterable[str]) -> str:
    """The name of a suite with `--set` settings."""
    return "+".join([name, *(text.replace(" ", "").replace("/", "_") for text in sets)])


def _setting(text: str, problems: Problems) -> Override:
    """`train.steps=500` or `train.d.lr=1e-3` as an override of every combination; problems name the option."""
    path, equals, value = text.partition("=")
    block, *keys = path.strip().split(".")
    if not (equals and keys and all(keys)) or block not in SETTINGS or block == "seeds":
        problems.add(None, f"{text!r} is not of the form train.steps=500 (blocks: {', '.join(SETTINGS[1:])})")
        return Override({}, {})
    origin = f"--set {text}"
    node = parse(value, Problems(origin)).given_by(origin)
    for key in reversed(keys):
        node = Node({key: node}, origin=origin)
    return Override({}, {block: node}, last=True)


SETTINGS = ["seeds", "train", "evaluation", "loss", "architecture", "dataset"]


def _words(node: Node, problems: Problems) -> list[str]:
    words = []
    for item in items(node, problems):
        if isinstance(item.value, str):
            words.append(item.value)
        else:
            problems.add(item, "expected a name")
    return words


def _override(node: Node, problems: Problems) -> Override:
    if not isinstance(node.value, dict):
        problems.add(node, "an override must be a mapping with 'when' and settings")
        return Override({}, {})
    known_keys(node, ["when", *SETTINGS], problems)
    when = node.value.get("when", Node({}))
    if "when" not in node.value:
        problems.add(node, "an override needs 'when', such as when: {dataset: digits}")
    if not isinstance(when.value, dict):
        problems.add(when, "'when' must be a mapping, such as {dataset: digits}")
        when = Node({})
    settings = {key: value for key, value in node.value.items() if key in SETTINGS}
    return Override(_wanted(when, "'when'", "the override would apply to", problems), settings, when)


def _exclusion(node: Node, problems: Problems) -> Override:
    """The combinations of one item of `exclude`."""
    nothing: dict[str, tuple[str, ...]] = {"loss": ()}
    if not isinstance(node.value, dict) or not node.value:
        problems.add(node, "an item of 'exclude' must be a mapping, such as {loss: hinge, dataset: ring8}")
        return Override(nothing, {}, node)
    return Override(_wanted(node, "'exclude'", "it would exclude", problems) or nothing, {}, node)


def _wanted(when: Node, where: str, what: str, problems: Problems) -> dict[str, tuple[str, ...]]:
    """The names by axis of the combinations that are meant."""
    known_keys(when, list(AXES.values()), problems)
    wanted = {}
    for key, value in when.value.items():
        if key not in AXES.values():
            continue
        if value.value == []:
            problems.add(value, f"{where} names no {key}, so that {what} nothing")
        wanted[key] = tuple(_words(value if isinstance(value.value, list) else Node([value]), problems))
    return wanted
