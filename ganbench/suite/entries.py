"""The entries of a suite's axes: plugins with hyperparameters, and losses that are sums with settings of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.registry.choice import SUBSET
from ganbench.registry.schedules import is_schedule, read_schedule
from ganbench.suite.fields import known_keys
from ganbench.suite.labels import LABEL_FORM, Label, may_be_label, sum_text, with_transforms
from ganbench.suite.yaml import Node, Problems, items

VARIANT = ("loss", "label", "transforms", "train")
"""The keys of a loss that is written as a mapping."""


@dataclass(frozen=True)
class Part:
    """One plugin, with the hyperparameters that the suite gives it."""

    name: str
    params: dict[str, Node]
    node: Node

    def text(self, with_params: bool) -> str:
        """The name, and the hyperparameters beside it if they are wanted and there are any."""
        params = ", ".join(f"{key}={_shown(node.plain())}" for key, node in self.params.items())
        return f"{self.name}({params})" if with_params and params else self.name


@dataclass(frozen=True)
class Entry:
    """One item of an axis: a plugin, or a loss that is a sum of parts, with its label, transforms and settings."""

    parts: tuple[Part, ...]
    node: Node
    label: str = ""
    transforms: tuple[Part, ...] = ()
    train: Node | None = None
    added: bool = False
    """Whether `--add` added it to the suite."""

    @property
    def name(self) -> str:
        """The plugin's name, of a sum `rpgan + r1 + r2`, with the transforms: `hinge with flip`."""
        return self.text(with_params=False)

    @property
    def is_subset(self) -> bool:
        """Whether only some of the training samples of a dataset are trained on."""
        return any(part.params[SUBSET].value != 0 for part in self.parts if SUBSET in part.params)

    def text(self, with_params: bool) -> str:
        """The name, with the hyperparameters of each plugin beside it."""
        parts = sum_text(part.text(with_params) for part in self.parts)
        return with_transforms(parts, (one.text(with_params) for one in self.transforms))


def _shown(value: object) -> object:
    """A hyperparameter as a label shows it; a schedule in words, if it is one."""
    if isinstance(value, dict) and is_schedule(value):
        try:
            return read_schedule(value)
        except ValueError:
            return value
    return value


def labels_of(entries: Sequence[Entry]) -> list[Label]:
    """What tables call each entry: its label, else its name.

    Its hyperparameters stand beside the name if that occurs more than once, or if it is a subset of a dataset.
    """
    names = [entry.name for entry in entries if not entry.label]
    return [
        Label(entry.label, sum_text(part.name for part in entry.parts), given=True)
        if entry.label
        else Label(entry.text(names.count(entry.name) > 1 or entry.is_subset), entry.name)
        for entry in entries
    ]


def plugins_of(node: Node, problems: Problems) -> list[Part]:
    """A list of names, each bare or as `name: {hyperparameters}`."""
    found = [part for item in items(node, problems) if (part := _plugin(item, problems)) is not None]
    _not_empty(node, problems)
    return found


def entries_of(node: Node, problems: Problems) -> list[Entry]:
    """The entries of an axis whose items are plugins."""
    return [Entry((part,), part.node) for part in plugins_of(node, problems)]


def losses_of(node: Node, problems: Problems) -> list[Entry]:
    """The entries of the axis of losses: plugins, sums in one text, and mappings with the keys `VARIANT`."""
    found = [entry for item in items(node, problems) if (entry := _loss(item, problems)) is not None]
    _not_empty(node, problems)
    return found


def _not_empty(node: Node, problems: Problems) -> None:
    if node.line and node.value == []:
        problems.add(node, "the list is empty")


def _plugin(item: Node, problems: Problems) -> Part | None:
    if isinstance(item.value, str):
        return Part(item.value, {}, item)
    if not isinstance(item.value, dict) or len(item.value) != 1:
        problems.add(item, "expected a name or a single 'name: {hyperparameters}'")
        return None
    ((name, params),) = item.value.items()
    if params.value is None or isinstance(params.value, dict):
        return Part(name, params.value or {}, item)
    problems.add(params, f"hyperparameters of {name!r} must be a mapping, such as {name}: {{key: value}}")
    return None


def _loss(item: Node, problems: Problems) -> Entry | None:
    written = item.value
    if not isinstance(written, dict) or not set(VARIANT) & written.keys():
        parts = _parts(item, problems)
        return Entry(parts, item) if parts else None
    known_keys(item, list(VARIANT), problems)
    if "loss" not in written:
        problems.add(item, "a loss with settings of its own needs 'loss', such as loss: [rpgan, r1, r2]")
        return None
    parts = _sum(written["loss"], problems)
    transforms = tuple(plugins_of(written["transforms"], problems)) if "transforms" in written else ()
    label = _label(written["label"], problems) if "label" in written else ""
    return Entry(parts, item, label, transforms, written.get("train")) if parts else None


def _sum(node: Node, problems: Problems) -> tuple[Part, ...]:
    """The parts under `loss`: a list of them, or one item."""
    if not isinstance(node.value, list):
        return _parts(node, problems)
    _not_empty(node, problems)
    return tuple(part for item in node.value for part in _parts(item, problems))


def _parts(item: Node, problems: Problems) -> tuple[Part, ...]:
    """The parts of one item: `rpgan + r1` are two; none if it is wrong."""
    if isinstance(item.value, str) and "+" in item.value:
        names = [name.strip() for name in item.value.split("+")]
        if all(names):
            return tuple(Part(name, {}, item) for name in names)
        problems.add(item, f"{item.value!r} is no sum of losses, such as rpgan + r1 + r2")
        return ()
    part = _plugin(item, problems)
    return () if part is None else (part,)


def _label(node: Node, problems: Problems) -> str:
    text = node.value.strip() if isinstance(node.value, str) else ""
    if may_be_label(text):
        return text
    problems.add(node, f"label must be {LABEL_FORM}, got {node.plain()!r}")
    return ""
