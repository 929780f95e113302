"""Expands a suite to a plan: every combination of loss, architecture and dataset, with all defaults resolved."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError, UsageError, describe_error, raised_at
from ganbench.files import canonical
from ganbench.formatting import suggestion
from ganbench.registry.choice import Choice, Kind
from ganbench.registry.contracts import Dataset, ScoreKind, score_kind
from ganbench.registry.registry import Registry
from ganbench.suite import family_keys, search_space, train_block
from ganbench.suite.family import FamilySettings
from ganbench.suite.fields import EVALUATION, block_values, chosen_by, seed_values
from ganbench.suite.labels import Combination, Label, Variant
from ganbench.suite.load import Entry, Suite, entries_of
from ganbench.suite.specs import (
    NOISE_FROM,
    Cell,
    EvaluationSpec,
    Plan,
    PlannedReference,
    ReferenceSpec,
    RunSpec,
    Skipped,
)
from ganbench.suite.yaml import Node, Problems

PLUGIN_KEYS = ("extractor", "metrics")
"""The keys of an evaluation that name plugins."""
REFERENCES = ("real", "gaussian", "noise")


def expand(suite: Suite, registry: Registry, seeds: tuple[int, ...] | None = None) -> Plan:
    """Every combination of loss, architecture and dataset, with all defaults resolved.

    `seeds` replace those of the suite. Raises `UsageError` with all problems together: unknown names and
    hyperparameters, settings out of range, metrics that are not compatible with a dataset.
    """
    return _Expansion(suite, registry).plan(seeds)


@dataclass
class Merged:
    """The settings of one combination, before they become its spec."""

    params: dict[Kind, dict[str, Node]]
    train: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)
    evaluators: dict[str, Node] = field(default_factory=dict)
    """The extractor and the metrics, if the suite names them."""
    seeds: tuple[int, ...] = (0,)


class _Expansion:
    """One expansion, which collects all problems before it fails."""

    def __init__(self, suite: Suite, registry: Registry) -> None:
        self.suite, self.registry = suite, registry
        self.problems = Problems(suite.problems.file)
        self.problems.found += suite.problems.found
        self.unusable: set[tuple[Kind, str]] = set()
        self.overrides = (suite.base, *suite.overrides)

    def plan(self, seeds: tuple[int, ...] | None) -> Plan:
        self._check_names()
        self._check_settings()
        search_space.read_ranges(self.suite, self.registry, self.problems)
        cells: list[Cell] = []
        skipped: list[Skipped] = []
        axes = [_labelled(self.suite.axes[kind]) for kind in ("dataset", "architecture", "loss")]
        for (dataset, on), (architecture, second), (loss, first) in product(*axes):
            labels = Combination(Variant(first, second), on)
            outcome = self._cell({"loss": loss, "architecture": architecture, "dataset": dataset}, labels, seeds)
            if isinstance(outcome, Cell):
                cells.append(outcome)
            elif outcome is not None:
                skipped.append(outcome)
        self._check_duplicates(cells)
        self._check_comparable(cells)
        compared = self._family(cells)
        self.problems.check()
        return Plan(self.suite.name, self.suite.about, tuple(cells), tuple(skipped), _references(cells), compared)

    def _family(self, cells: list[Cell]) -> FamilySettings:
        """How the variants are compared; the scores are known of the datasets that have cells."""
        labels: dict[str, list[Label]] = {
            kind: [label for _, label in _labelled(entries)] for kind, entries in self.suite.axes.items()
        }
        scores: dict[str, dict[str, ScoreKind]] = {}
        for cell in cells:
            for choice in cell.spec.evaluation.metrics:
                metric = self.registry.create("metric", choice)
                kinds = {score: score_kind(metric, score) for score in metric.better}
                scores.setdefault(cell.dataset.text, {}).update(kinds)
        return family_keys.read(self.suite.comparing, labels, scores, self.problems)

    def _check_names(self) -> None:
        """Report unknown names on the axes and in overrides."""
        for kind, entries in self.suite.axes.items():
            names = [entry.name for entry in entries]
            for entry in entries:
                trouble = self.registry.problem_with(kind, entry.name)
                if trouble:
                    self.problems.add(entry.node, trouble)
                    self.unusable.add((kind, entry.name))
                else:
                    self._check_written(kind, entry)
            for override in self.suite.overrides:
                for name in override.when.get(kind, ()):
                    if name not in names:
                        self.problems.add(override.node, f"the suite has no {kind} {name!r}{suggestion(name, names)}")

    def _check_written(self, kind: Kind, entry: Entry) -> None:
        """Report wrong hyperparameters at the position where they are written."""
        try:
            self.registry.choose(kind, entry.name, self._values(kind, entry.name, entry.params))
        except UsageError as error:
            node = entry.params.get(getattr(error, "key", ""))
            if node is not None:
                self.problems.add(node if node.line else entry.node, str(error))

    def _check_settings(self) -> None:
        """Report settings that are invalid in every combination."""
        nothing = Merged(params={kind: {} for kind in self.suite.axes})
        for override in self.overrides:
            for key, node in override.settings.items():
                self._merge(nothing, key, node)

    def _check_duplicates(self, cells: list[Cell]) -> None:
        """Report combinations that would train the same runs; data in other places may be other data."""
        seen: dict[tuple[str, str], Cell] = {}
        for cell in cells:
            twin = seen.setdefault((cell.spec.id, canonical(cell.spec.dataset.places)), cell)
            if twin is not cell:
                self.problems.add(None, f"{cell.title} and {twin.title} are the same runs; list only one of them")

    def _check_comparable(self, cells: list[Cell]) -> None:
        """Report cells of one dataset whose scores would not be comparable."""
        first: dict[Label, Cell] = {}
        for cell in cells:
            other = first.setdefault(cell.dataset, cell)
            ours, theirs = (replace(c.spec.evaluation, snapshots=0, noise_sets=0) for c in (cell, other))
            if ours != theirs:
                differ = [key for key, value in vars(ours).items() if value != vars(theirs)[key]]
                self.problems.add(
                    None,
                    f"{cell.title} and {other.title} appear in the same table but use different evaluation settings "
                    f"({', '.join(differ)}), so their scores are not comparable; "
                    "let overrides of 'evaluation' depend only on the dataset",
                )
            if cell.spec.train.averaged != other.spec.train.averaged:
                self.problems.add(
                    None,
                    f"{cell.title} and {other.title} appear in the same table, but one is evaluated with its averaged "
                    "generator (ema) and the other with its raw one; let overrides of 'ema' depend only on the dataset",
                )

    def _cell(
        self, entries: dict[Kind, Entry], labels: Combination, seeds: tuple[int, ...] | None
    ) -> Cell | Skipped | None:
        if any((kind, entry.name) in self.unusable for kind, entry in entries.items()):
            return None
        try:
            return self._built(entries, labels, seeds)
        except GanbenchError:
            raise
        except Exception as error:  # a third-party plugin may raise anything
            self.problems.add(None, f"{labels.title}: a plugin raised {describe_error(error)}{raised_at(error)}")
            return None

    def _built(
        self, entries: dict[Kind, Entry], labels: Combination, seeds: tuple[int, ...] | None
    ) -> Cell | Skipped | None:
        """The cell of one combination, the reason why it does not apply, or None if there are problems."""
        merged = self._merged(entries)
        picks = {
            kind: self._choose(kind, entry.name, merged.params[kind], entry.node) for kind, entry in entries.items()
        }
        if None in picks.values():
            return None
        loss, architecture, dataset = (picks[k] for k in ("loss", "architecture", "dataset"))
        assert loss is not None
        assert architecture is not None
        assert dataset is not None
        data = self.registry.create("dataset", dataset)
        reason = self.registry.create("architecture", architecture).supports(tuple(data.shape))
        if reason:
            return Skipped(labels.variant, labels.dataset, reason)
        evaluation = self._with_evaluators(
            EvaluationSpec(**merged.evaluation), merged.evaluators, data, entries["dataset"]
        )
        if evaluation is None:
            return None
        train = train_block.spec_of(merged.train)
        contradiction = train_block.contradiction(train)
        if contradiction:
            self.problems.add(None, f"{labels.title}: {contradiction}")
            return None
        spec = RunSpec((loss,), architecture, dataset, 0, train, evaluation=evaluation)
        added = any(entry.added for entry in entries.values())
        chosen = seeds or merged.seeds
        first = chosen[0] if len(chosen) >= NOISE_FROM and evaluation.noise_sets else None
        return Cell(labels.variant, labels.dataset, spec, chosen, added, first)

    def _merged(self, entries: dict[Kind, Entry]) -> Merged:
        """The suite's settings for one combination, with all matching overrides applied in order."""
        names: dict[str, str] = {kind: entry.name for kind, entry in entries.items()}
        merged = Merged(params={kind: dict(entry.params) for kind, entry in entries.items()})
        for override in self.overrides:
            if not all(names.get(key) in wanted for key, wanted in override.when.items()):
                continue
            for key, node in override.settings.items():
                self._merge(merged, key, node)
        return merged

    def _merge(self, merged: Merged, key: str, node: Node) -> None:
        if key == "seeds":
            merged.seeds = seed_values(node, self.problems)
        elif key == "train":
            merged.train = train_block.laid_over(merged.train, train_block.read(node, self.problems))
        elif key == "evaluation":
            merged.evaluation |= block_values(node, EVALUATION, key, self.problems, PLUGIN_KEYS)
            merged.evaluators |= {
                k: node.value[k] for k in PLUGIN_KEYS if isinstance(node.value, dict) and k in node.value
            }
        elif isinstance(node.value, dict):
            kind: Kind = next(k for k in merged.params if k == key)
            merged.params[kind] |= node.value
        else:
            self.problems.add(node, f"'{key}' must be a mapping of hyperparameters here")

    def _choose(self, kind: Kind, name: str, params: dict[str, Node], node: Node) -> Choice | None:
        try:
            return self.registry.choose(kind, name, self._values(kind, name, params))
        except UsageError as error:
            wrong = getattr(error, "key", "")
            value = params.get(wrong)
            self.problems.add(value if value is not None and value.line else node, str(error))
            return None

    def _values(self, kind: Kind, name: str, params: dict[str, Node]) -> dict[str, object]:
        """Hyperparameters without positions; paths that stand in the suite's file are relative to its folder."""
        locations = self.registry.find(kind, name).locations()
        return {
            key: _placed(node.plain(), self.suite.folder) if key in locations and node.from_file else node.plain()
            for key, node in params.items()
        }

    def _with_evaluators(
        self, evaluation: EvaluationSpec, chosen: dict[str, Node], data: Dataset, entry: Entry
    ) -> EvaluationSpec | None:
        """The evaluation with its extractor and metrics; None if they are not compatible with the dataset."""
        nodes = {"extractor": Node([chosen["extractor"]]) if "extractor" in chosen else Node([Node(data.extractor)])}
        nodes["metrics"] = chosen.get("metrics", Node([Node(name) for name in data.metrics]))
        picked: dict[str, list[Choice]] = {}
        kinds: dict[str, Kind] = {"extractor": "extractor", "metrics": "metric"}
        for key, kind in kinds.items():
            picked[key] = []
            for item in entries_of(nodes[key], self.problems):
                place = item.node if item.node.line else entry.node
                trouble = self.registry.problem_with(kind, item.name)
                params = dict(item.params)
                if self.suite.weights and not trouble and self.registry.accepts(kind, item.name, "weights"):
                    params["weights"] = Node(str(self.suite.weights))
                choice = None if trouble else self._choose(kind, item.name, params, place)
                if trouble:
                    self.problems.add(place, trouble)
                if choice is None:
                    continue
                reason = getattr(self.registry.create(kind, choice), "supports", lambda _: None)(data)
                if reason:
                    self.problems.add(place, f"{kind} {item.name!r} is not compatible with {entry.name!r}: {reason}")
                if any(choice.name == other.name for other in picked[key]):
                    self.problems.add(place, f"{kind} {item.name!r} is listed twice")
                picked[key].append(choice)
        if not picked["extractor"] or not picked["metrics"]:
            return None
        self._check_metrics(evaluation, picked["extractor"][0], picked["metrics"], entry)
        return replace(evaluation, extractor=picked["extractor"][0], metrics=tuple(picked["metrics"]))

    def _check_metrics(
        self, evaluation: EvaluationSpec, extractor: Choice, metrics: list[Choice], entry: Entry
    ) -> None:
        """Report metrics that need more samples, or more than the extractor provides."""
        features = self.registry.create("extractor", extractor)
        made = [(choice, self.registry.create("metric", choice)) for choice in metrics]
        for problem in chosen_by(evaluation, [score for _, metric in made for score in metric.better]):
            self.problems.add(entry.node, problem)
        for choice, metric in made:
            lacking = [need for need in getattr(metric, "needs", ()) if need not in (*features.gives, "labels")]
            if lacking:
                self.problems.add(
                    entry.node,
                    f"metric {choice.name!r} needs {', '.join(lacking)}, "
                    f"which extractor {extractor.name!r} does not provide",
                )
            least = getattr(metric, "minimum", lambda _: 1)(features.dims)
            given = [n for n in (evaluation.samples, evaluation.real_samples) if n]
            if min(given) < least:
                self.problems.add(
                    entry.node, f"metric {choice.name!r} needs at least {least} samples, got {min(given)}"
                )


def _placed(value: object, folder: Path) -> object:
    """A location as written in a file of `folder`: a relative path is joined to it; an address, `~` or `""` is not."""
    if isinstance(value, list):
        return [_placed(one, folder) for one in value]
    if not isinstance(value, str) or not value or value.startswith("~") or "://" in value:
        return value
    return str(folder / value)


def _labelled(entries: list[Entry]) -> list[tuple[Entry, Label]]:
    """Each entry with its label: its name, and if that occurs more than once, the hyperparameters beside it."""
    names = [entry.name for entry in entries]

    def text(entry: Entry) -> str:
        params = ", ".join(f"{key}={node.plain()}" for key, node in entry.params.items())
        return f"{entry.name}({params})" if names.count(entry.name) > 1 and params else entry.name

    return [(entry, Label(text(entry), entry.name)) for entry in entries]


def places_of(suite: Suite, kind: Kind) -> dict[str, Node]:
    """Where the suite names each plugin of an axis, by its label."""
    return {label.text: entry.node for entry, label in _labelled(suite.axes[kind])}


def _references(cells: list[Cell]) -> tuple[PlannedReference, ...]:
    """Every reference of every dataset, once per evaluation."""
    found: dict[tuple[Label, str], PlannedReference] = {}
    for cell in cells:
        for name in REFERENCES:
            spec = ReferenceSpec(name, cell.spec.dataset, cell.spec.evaluation.of_samples)
            found.setdefault((cell.dataset, spec.id), PlannedReference(cell.dataset, spec))
    return tuple(found.values())
