"""A suite's YAML, read strictly, and its expansion into runs; trains nothing, prints nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Protocol

from ganbench.errors import UsageError
from ganbench.specs import (
    SCHEDULES,
    Cell,
    Choice,
    EvaluationSpec,
    Kind,
    Plan,
    ReferenceSpec,
    RunSpec,
    Skipped,
    TrainSpec,
)
from ganbench.strict_yaml import Node, Problems, parse, suggestion

OPTIMISERS = ("adam", "sgd")
AXES: dict[str, Kind] = {"losses": "loss", "architectures": "architecture", "datasets": "dataset"}
TOP = ["about", "plugins", *AXES, "seeds", "train", "evaluation", "overrides"]
REFERENCES = ("real", "gaussian", "noise")


class Catalogue(Protocol):
    """What expansion asks of a registry."""

    def names(self, kind: Kind) -> list[str]: ...

    def trouble(self, kind: Kind, name: str) -> str | None:
        """Why a name cannot be used, or None."""

    def choose(self, kind: Kind, name: str, params: dict[str, Any]) -> Choice:
        """The choice with defaults; raises `UsageError` naming a wrong hyperparameter."""

    def accepts(self, kind: Kind, name: str, key: str) -> bool:
        """Whether the plugin has a hyperparameter of that name."""

    def create(self, kind: Kind, choice: Choice) -> Any: ...


@dataclass(frozen=True)
class Override:
    """Settings for the combinations that match `when`."""

    when: dict[str, tuple[str, ...]]
    settings: dict[str, Node]


@dataclass(frozen=True)
class Entry:
    """One name on an axis with the hyperparameters written beside it."""

    name: str
    params: dict[str, Node]
    node: Node


@dataclass(frozen=True)
class Suite:
    """A suite as written: checked for form, not yet for the plugins it names."""

    name: str
    source: str
    about: str
    plugins: tuple[Path, ...]
    axes: dict[Kind, list[Entry]]
    base: Override
    overrides: tuple[Override, ...]
    problems: Problems
    digest: str
    weights: Path | None = None
    """A weight file for every extractor that takes one."""


def load(path: Path, source: str | None = None) -> Suite:
    """Read a suite file. Raises `UsageError` with every problem of form at once."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"suite {str(path)!r} cannot be read: {error}") from None
    problems = Problems(path.name)
    root = parse(text, problems)
    if not isinstance(root.value, dict):
        problems.add(root, "a suite is a mapping with the keys losses, architectures, datasets, ...")
        problems.check()
    _known_keys(root, TOP, problems)
    for key in AXES:
        if key not in root.value:
            problems.add(root, f"key {key!r} is missing")
    about = root.value.get("about", Node(""))
    if not isinstance(about.value, str):
        problems.add(about, "'about' is one line of text")
    settings = {key: root.value[key] for key in ("seeds", "train", "evaluation") if key in root.value}
    suite = Suite(
        name=path.stem,
        source=source or path.name,
        about=str(about.value).strip(),
        plugins=tuple(path.parent / name for name in _words(root.value.get("plugins", Node([])), problems)),
        axes={kind: _entries(root.value.get(key, Node([])), problems) for key, kind in AXES.items()},
        base=Override({}, settings),
        overrides=tuple(_override(node, problems) for node in _items(root.value.get("overrides", Node([])), problems)),
        problems=problems,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )
    problems.check()
    return suite


def adjusted(
    suite: Suite, sets: Iterable[str] = (), adds: Iterable[str] = (), weights: Path | None = None
) -> Suite:
    """The suite with `--set key=value` laid over everything and `--add kind=name` added.

    Settings make another suite, with another name: its tables never replace the original's.
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
            adding.add(None, f"{text!r} is not of the form loss=NAME (or architecture=, dataset=)")
            continue
        axes[kind] += _entries(Node([parse(value, adding)]), adding)
    adding.check()
    name = "+".join([suite.name, *(text.replace(" ", "").replace("/", "_") for text in sets)])
    return replace(suite, name=name, axes=axes, overrides=(*suite.overrides, *overrides), weights=weights)


def _setting(text: str, problems: Problems) -> Override:
    path, equals, value = text.partition("=")
    block, dot, key = path.strip().partition(".")
    if not (equals and dot and key) or block not in SETTINGS or block == "seeds":
        problems.add(None, f"{text!r} is not of the form train.steps=500 (blocks: {', '.join(SETTINGS[1:])})")
        return Override({}, {})
    return Override({}, {block: Node({key: parse(value, problems)})})


SETTINGS = ["seeds", "train", "evaluation", "loss", "architecture", "dataset"]


def _known_keys(node: Node, known: list[str], problems: Problems) -> None:
    for name in node.value:
        if name not in known:
            problems.add(node.key(name), f"unknown key {name!r}{suggestion(name, known)}")


def _items(node: Node, problems: Problems) -> list[Node]:
    if node.value is None:
        return []
    if not isinstance(node.value, list):
        problems.add(node, "this must be a list")
        return []
    return node.value


def _words(node: Node, problems: Problems) -> list[str]:
    words = []
    for item in _items(node, problems):
        if isinstance(item.value, str):
            words.append(item.value)
        else:
            problems.add(item, "this must be a name")
    return words


def _entries(node: Node, problems: Problems) -> list[Entry]:
    """A list of names, each bare or as `name: {hyperparameters}`."""
    entries = []
    for item in _items(node, problems):
        if isinstance(item.value, str):
            entries.append(Entry(item.value, {}, item))
        elif isinstance(item.value, dict) and len(item.value) == 1:
            ((name, params),) = item.value.items()
            if params.value is None or isinstance(params.value, dict):
                entries.append(Entry(name, params.value or {}, item))
            else:
                problems.add(params, f"hyperparameters of {name!r} must be a mapping, as in {name}: {{key: value}}")
        else:
            problems.add(item, "this must be a name or one 'name: {hyperparameters}'")
    if node.line and not entries:
        problems.add(node, "this list is empty")
    return entries


def _override(node: Node, problems: Problems) -> Override:
    if not isinstance(node.value, dict):
        problems.add(node, "an override is a mapping with 'when' and settings")
        return Override({}, {})
    _known_keys(node, ["when", *SETTINGS], problems)
    when = node.value.get("when", Node({}))
    if "when" not in node.value:
        problems.add(node, "an override needs 'when', as in when: {dataset: digits}")
    if not isinstance(when.value, dict):
        problems.add(when, "'when' is a mapping, as in {dataset: digits}")
        when = Node({})
    _known_keys(when, list(AXES.values()), problems)
    wanted = {}
    for key, value in when.value.items():
        wanted[key] = tuple(_words(value if isinstance(value.value, list) else Node([value]), problems))
    return Override(wanted, {key: value for key, value in node.value.items() if key in SETTINGS})


def _number(low: float, high: float = float("inf"), whole: bool = False, above: bool = False) -> Any:
    """A reader of numbers in [low, high], or above `low`."""
    kind = "a whole number" if whole else "a number"
    limit = f"{'above' if above else 'of at least'} {low:g}" + (f" and below {high:g}" if high < float("inf") else "")

    def read(node: Node, key: str, problems: Problems) -> Any:
        value = node.value
        if isinstance(value, float) and whole and value.is_integer():
            value = int(value)
        good = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not good or not (value > low if above else value >= low) or not value < high:
            problems.add(node, f"{key} must be {kind} {limit}, not {node.plain()!r}")
            return None
        return value if whole else float(value)

    return read


def _word(*known: str) -> Any:
    def read(node: Node, key: str, problems: Problems) -> Any:
        if node.value not in known:
            problems.add(node, f"{key} must be one of {', '.join(known)}, not {node.plain()!r}")
            return None
        return node.value

    return read


def _betas(node: Node, key: str, problems: Problems) -> Any:
    values = node.plain()
    if (
        not isinstance(values, list)
        or len(values) != 2
        or not all(isinstance(b, int | float) and not isinstance(b, bool) and 0 <= b < 1 for b in values)
    ):
        problems.add(node, f"{key} must be two numbers in [0, 1), as in [0.5, 0.999], not {values!r}")
        return None
    return tuple(float(b) for b in values)


_RATE = _number(0, 1e6, above=True)
TRAIN = {
    "steps": _number(1, whole=True), "batch": _number(2, whole=True), "n_dis": _number(1, whole=True),
    "optimiser": _word(*OPTIMISERS), "lr": _RATE, "lr_d": _RATE, "lr_g": _RATE, "betas": _betas,
    "schedule": _word(*SCHEDULES), "ema": _number(0, 1),
}  # fmt: skip
EVALUATION = {
    "samples": _number(1, whole=True), "real_samples": _number(0, whole=True),
    "split": _word("train", "test"), "snapshots": _number(0, whole=True),
}  # fmt: skip


def _block(node: Node, readers: dict[str, Any], block: str, problems: Problems, extra: tuple[str, ...] = ()) -> Any:
    """The settings of one block that are right; the others become problems."""
    if not isinstance(node.value, dict):
        problems.add(node, f"'{block}' must be a mapping")
        return {}
    _known_keys(node, [*readers, *extra], problems)
    read = {key: readers[key](value, key, problems) for key, value in node.value.items() if key in readers}
    return {key: value for key, value in read.items() if value is not None}


def _seeds(node: Node, problems: Problems) -> tuple[int, ...]:
    value = node.plain()
    values = list(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value
    if (
        not isinstance(values, list)
        or not values
        or any(not isinstance(s, int) or isinstance(s, bool) or s < 0 for s in values)
        or len(set(values)) < len(values)
    ):
        problems.add(node, f"seeds must be a count or a list of distinct whole numbers, not {value!r}")
        return (0,)
    return tuple(values)


def expand(suite: Suite, catalogue: Catalogue, seeds: tuple[int, ...] | None = None) -> Plan:
    """The product loss x architecture x data set, every default written in.

    Raises `UsageError` with all problems at once: unknown names and hyperparameters, settings
    out of range, metrics that do not suit a data set.
    """
    return _Expansion(suite, catalogue).plan(seeds)


class _Expansion:
    """One expansion; collects problems on the way."""

    def __init__(self, suite: Suite, catalogue: Catalogue) -> None:
        self.suite, self.catalogue = suite, catalogue
        self.problems = Problems(suite.problems.file)
        self.overrides = (suite.base, *suite.overrides)

    def plan(self, seeds: tuple[int, ...] | None) -> Plan:
        self._check_names()
        labels = {kind: _labels(entries) for kind, entries in self.suite.axes.items()}
        cells: list[Cell] = []
        skipped: list[Skipped] = []
        axes = [list(zip(self.suite.axes[k], labels[k], strict=True)) for k in ("dataset", "architecture", "loss")]
        for (dataset, c), (architecture, b), (loss, a) in product(*axes):
            outcome = self._cell({"loss": loss, "architecture": architecture, "dataset": dataset}, (a, b, c), seeds)
            if isinstance(outcome, Cell):
                cells.append(outcome)
            elif outcome is not None:
                skipped.append(outcome)
        self._check_twice(cells)
        self.problems.check()
        return Plan(self.suite.name, self.suite.about, tuple(cells), tuple(skipped), _references(cells))

    def _check_names(self) -> None:
        for kind, entries in self.suite.axes.items():
            for entry in entries:
                trouble = self.catalogue.trouble(kind, entry.name)
                if trouble:
                    self.problems.add(entry.node, trouble)
            for override in self.suite.overrides:
                names = [entry.name for entry in entries]
                for name in override.when.get(kind, ()):
                    if name not in names:
                        self.problems.add(None, f"an override names {kind} {name!r}{suggestion(name, names)}")
        self.problems.check()

    def _check_twice(self, cells: list[Cell]) -> None:
        seen: dict[str, Cell] = {}
        for cell in cells:
            twin = seen.setdefault(cell.spec.id, cell)
            if twin is not cell:
                self.problems.add(None, f"{cell.name} and {twin.name} are the same runs; list them once")

    def _cell(
        self, entries: dict[Kind, Entry], labels: tuple[str, str, str], seeds: tuple[int, ...] | None
    ) -> Cell | Skipped | None:
        names: dict[str, str] = {kind: entry.name for kind, entry in entries.items()}
        matching = [o for o in self.overrides if all(names[key] in names_ for key, names_ in o.when.items())]
        train: dict[str, Any] = {}
        evaluation: dict[str, Any] = {}
        params = {kind: dict(entry.params) for kind, entry in entries.items()}
        chosen: dict[str, Node] = {}
        own = (0,)
        for override in matching:
            for key, node in override.settings.items():
                if key == "seeds":
                    own = _seeds(node, self.problems)
                elif key == "train":
                    train |= _rates(_block(node, TRAIN, key, self.problems))
                elif key == "evaluation":
                    evaluation |= _block(node, EVALUATION, key, self.problems, ("extractor", "metrics"))
                    if isinstance(node.value, dict):
                        chosen |= {k: v for k, v in node.value.items() if k in ("extractor", "metrics")}
                elif isinstance(node.value, dict):
                    kind: Kind = next(k for k in entries if k == key)
                    params[kind] |= node.value
                else:
                    self.problems.add(node, f"'{key}' here is a mapping of hyperparameters")
        picks = {kind: self._choose(kind, entry.name, params[kind], entry.node) for kind, entry in entries.items()}
        if None in picks.values():
            return None
        loss, architecture, dataset = (picks[k] for k in ("loss", "architecture", "dataset"))
        assert loss and architecture and dataset
        data = self.catalogue.create("dataset", dataset)
        reason = self.catalogue.create("architecture", architecture).supports(tuple(data.shape))
        if reason:
            return Skipped(labels, reason)
        judged = self._judge(EvaluationSpec(**evaluation), chosen, data, entries["dataset"])
        if judged is None:
            return None
        spec = RunSpec(loss, architecture, dataset, 0, TrainSpec(**train), judged)
        return Cell(spec, seeds or own, labels)

    def _choose(self, kind: Kind, name: str, params: dict[str, Node], node: Node) -> Choice | None:
        try:
            return self.catalogue.choose(kind, name, {key: value.plain() for key, value in params.items()})
        except UsageError as error:
            wrong = getattr(error, "key", "")
            value = params.get(wrong)
            self.problems.add(value if value is not None and value.line else node, str(error))
            return None

    def _judge(
        self, evaluation: EvaluationSpec, chosen: dict[str, Node], data: Any, entry: Entry
    ) -> EvaluationSpec | None:
        """The evaluation with its extractor and metrics, where they suit the data set."""
        nodes = {"extractor": Node([chosen["extractor"]]) if "extractor" in chosen else Node([Node(data.extractor)])}
        nodes["metrics"] = chosen.get("metrics", Node([Node(name) for name in data.metrics]))
        picked: dict[str, list[Choice]] = {}
        kinds: dict[str, Kind] = {"extractor": "extractor", "metrics": "metric"}
        for key, kind in kinds.items():
            picked[key] = []
            for item in _entries(nodes[key], self.problems):
                place = item.node if item.node.line else entry.node
                trouble = self.catalogue.trouble(kind, item.name)
                params = dict(item.params)
                if self.suite.weights and not trouble and self.catalogue.accepts(kind, item.name, "weights"):
                    params["weights"] = Node(str(self.suite.weights))
                choice = None if trouble else self._choose(kind, item.name, params, place)
                if trouble:
                    self.problems.add(place, trouble)
                if choice is None:
                    continue
                reason = getattr(self.catalogue.create(kind, choice), "supports", lambda _: None)(data)
                if reason:
                    self.problems.add(place, f"{kind} {item.name!r} does not suit {entry.name!r}: {reason}")
                picked[key].append(choice)
        if not picked["extractor"] or not picked["metrics"]:
            return None
        self._check_metrics(evaluation, picked["extractor"][0], picked["metrics"], entry)
        return replace(evaluation, extractor=picked["extractor"][0], metrics=tuple(picked["metrics"]))

    def _check_metrics(
        self, evaluation: EvaluationSpec, extractor: Choice, metrics: list[Choice], entry: Entry
    ) -> None:
        """Every metric has samples enough, and an extractor that gives what it needs."""
        judge = self.catalogue.create("extractor", extractor)
        for choice in metrics:
            metric = self.catalogue.create("metric", choice)
            lacking = [need for need in getattr(metric, "needs", ()) if need not in judge.gives]
            if lacking:
                self.problems.add(
                    entry.node, f"metric {choice.name!r} needs {', '.join(lacking)}; extractor {extractor.name!r} gives none"
                )
            least = getattr(metric, "minimum", lambda _: 1)(judge.dims)
            given = [n for n in (evaluation.samples, evaluation.real_samples) if n]
            if min(given) < least:
                self.problems.add(
                    entry.node, f"{min(given)} samples are too few for metric {choice.name!r}: it needs {least}"
                )


def _rates(block: dict[str, Any]) -> dict[str, Any]:
    """`lr` is both players' rate, unless `lr_d` or `lr_g` beside it say otherwise."""
    both = block.pop("lr", None)
    return ({} if both is None else {"lr_d": both, "lr_g": both}) | block


def _labels(entries: list[Entry]) -> list[str]:
    """Names; where one occurs more than once, with the hyperparameters written beside it."""
    names = [entry.name for entry in entries]

    def label(entry: Entry) -> str:
        params = ", ".join(f"{key}={node.plain()}" for key, node in entry.params.items())
        return f"{entry.name}({params})" if names.count(entry.name) > 1 and params else entry.name

    return [label(entry) for entry in entries]


def _references(cells: list[Cell]) -> tuple[tuple[str, ReferenceSpec], ...]:
    """Every reference of every data set, once a data set and evaluation."""
    found: dict[tuple[str, str], ReferenceSpec] = {}
    for cell in cells:
        for name in REFERENCES:
            spec = ReferenceSpec(name, cell.spec.dataset, replace(cell.spec.evaluation, snapshots=0))
            found.setdefault((cell.labels[2], spec.id), spec)
    return tuple((label, spec) for (label, _), spec in found.items())
