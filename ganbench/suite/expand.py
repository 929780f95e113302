"""Expands a suite to a plan: every combination of loss, architecture and dataset, with all defaults resolved."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product
from math import prod

from ganbench.errors import PLUGIN_ERRORS, GanbenchError, describe_error, raised_at
from ganbench.files import canonical
from ganbench.formatting import suggestion
from ganbench.registry.choice import Choice, Kind
from ganbench.registry.contracts import ScoreKind, score_kind
from ganbench.registry.registry import Registry
from ganbench.suite import applicable, external, family_keys, search_space, train_block
from ganbench.suite.entries import Entry, Part, labels_of
from ganbench.suite.evaluators import Evaluators, Plugins
from ganbench.suite.family import FamilySettings
from ganbench.suite.labels import Combination, Label, Variant, picked
from ganbench.suite.load import Suite
from ganbench.suite.merging import Merged, Merging
from ganbench.suite.picking import Picker
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

REFERENCES = ("real", "gaussian", "noise")
EXCLUDED = "the suite excludes it"
MOST_REPEATED, FEW_COMBINATIONS, MOST_COMBINATIONS = 20, 1_000, 50_000
"""How often a suite may list one thing by mistake, and how many combinations are planned: with mistakes, and at all."""


def expand(suite: Suite, registry: Registry, seeds: tuple[int, ...] | None = None) -> Plan:
    """Every combination of loss, architecture and dataset, with all defaults resolved.

    `seeds` replace those of the suite. Raises `UsageError` with all problems together: unknown names and
    hyperparameters, settings out of range, metrics that are not compatible with a dataset.
    """
    return _Expansion(suite, registry).plan(seeds)


class _Expansion:
    """One expansion, which collects all problems before it fails."""

    def __init__(self, suite: Suite, registry: Registry) -> None:
        self.suite, self.registry = suite, registry
        self.problems = Problems(suite.problems.file)
        self.problems.found += suite.problems.found
        self.merging = Merging(suite, registry, self.problems)
        self.picker = Picker(suite, registry, self.problems)
        self.evaluators = Evaluators(self.picker)
        self.axes = {kind: list(zip(entries, labels_of(entries), strict=True)) for kind, entries in suite.axes.items()}
        self.unusable: set[int] = set()

    def plan(self, seeds: tuple[int, ...] | None) -> Plan:
        self._check_names()
        self._check_size()
        self.merging.check()
        search_space.read_ranges(self.suite, self.registry, self.problems)
        cells: list[Cell] = []
        skipped: list[Skipped] = []
        for (dataset, on), (architecture, second), (loss, first) in product(
            *(self.axes[kind] for kind in ("dataset", "architecture", "loss"))
        ):
            labels = Combination(Variant(first, second), on)
            outcome = self._cell({"loss": loss, "architecture": architecture, "dataset": dataset}, labels, seeds)
            if isinstance(outcome, Cell):
                cells.append(outcome)
            elif outcome is not None:
                skipped.append(outcome)
        self._check_duplicates(cells)
        self._check_comparable(cells)
        compared = self._family(cells)
        elsewhere = external.planned(self.suite.external, cells, self.suite.folder, self.problems)
        references = (*_references(cells), *elsewhere)
        self.problems.check()
        return Plan(self.suite.name, self.suite.about, tuple(cells), tuple(skipped), references, compared)

    def _family(self, cells: list[Cell]) -> FamilySettings:
        """How the variants are compared; the scores are known of the datasets that have cells."""
        labels: dict[str, list[Label]] = {kind: [label for _, label in axis] for kind, axis in self.axes.items()}
        scores: dict[str, dict[str, ScoreKind]] = {}
        for cell in cells:
            for choice in cell.spec.evaluation.metrics:
                metric = self.registry.create("metric", choice)
                kinds = {score: score_kind(metric, score) for score in metric.better}
                scores.setdefault(cell.dataset.text, {}).update(kinds)
        return family_keys.read(self.suite.comparing, labels, scores, self.problems)

    def _check_names(self) -> None:
        """Report unknown names on the axes and in overrides, and losses that are no sum."""
        for kind, axis in self.axes.items():
            for entry, _ in axis:
                parts = [self.picker.check_written(kind, part) for part in entry.parts]
                transforms = [self.picker.check_written("transform", one) for one in entry.transforms]
                if not all((*parts, *transforms)) or self._repeats(entry):
                    self.unusable.add(id(entry))
            known = [label.text for _, label in axis]
            for override in (*self.suite.overrides, *self.suite.excluded):
                for name in override.when.get(kind, ()):
                    if not picked((label for _, label in axis), name):
                        self.problems.add(override.node, f"the suite has no {kind} {name!r}{suggestion(name, known)}")

    def _check_size(self) -> None:
        """Report what is listed again and again, and more combinations than can be planned; what is found ends it."""
        for kind, axis in self.axes.items():
            for label, count in Counter(label.text for _, label in axis).items():
                if count > MOST_REPEATED:
                    self.problems.add(None, f"{kind} {label!r} is listed {count:,} times; list it once")
        combinations = prod(map(len, self.axes.values()))
        if combinations > MOST_COMBINATIONS:
            self.problems.add(None, f"{combinations:,} combinations are too many; split the suite into several")
        if combinations > FEW_COMBINATIONS:
            self.problems.check()

    def _repeats(self, entry: Entry) -> bool:
        """Report a part or a transform that an entry names twice; whether there is one."""
        twice = [applicable.repeated([one.name for one in some]) for some in (entry.parts, entry.transforms)]
        for name in filter(None, twice):
            self.problems.add(entry.node, f"{name!r} is named twice in {entry.name}")
        return any(twice)

    def _check_duplicates(self, cells: list[Cell]) -> None:
        """Report combinations that would train the same runs, or would have the same title.

        Data in other places may be other data.
        """
        seen: dict[tuple[str, str], Cell] = {}
        titles: dict[str, Cell] = {}
        for cell in cells:
            twin = seen.setdefault((cell.spec.id, canonical(cell.spec.dataset.places)), cell)
            if twin is not cell:
                self.problems.add(None, f"{cell.title} and {twin.title} are the same runs; list only one of them")
            elif titles.setdefault(cell.title, cell) is not cell:
                self.problems.add(
                    None, f"two variants are called {cell.title}; give the loss of one of them a label of its own"
                )

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
                self._add_two_averages(cell, other)

    def _add_two_averages(self, cell: Cell, other: Cell) -> None:
        """Report that one variant of a table has an average of G and another has none, where a variant says so."""
        said = (
            f"{cell.title} and {other.title} appear in the same table, but one is evaluated with its averaged "
            "generator (ema) and the other with its raw one"
        )
        own = [(entry, place) for entry, label in self.axes["loss"] if label in (cell.variant.loss, other.variant.loss)
               for place in train_block.averages(entry.train)]  # fmt: skip
        for entry, place in own:
            where = f"the train block of {entry.label or entry.name} sets {place.value!r}"
            self.problems.add(place, f"{said}; {where}: set it in the suite's 'train', which holds for all variants")
        if not own:
            self.problems.add(None, f"{said}; let overrides of 'ema' depend only on the dataset")

    def _cell(
        self, entries: dict[Kind, Entry], labels: Combination, seeds: tuple[int, ...] | None
    ) -> Cell | Skipped | None:
        if any(id(entry) in self.unusable for entry in entries.values()):
            return None
        try:
            return self._built(entries, labels, seeds)
        except GanbenchError:
            raise
        except PLUGIN_ERRORS as error:  # a third-party plugin may raise anything
            self.problems.add(None, f"{labels.title}: a plugin raised {describe_error(error)}{raised_at(error)}")
            return None

    def _built(
        self, entries: dict[Kind, Entry], labels: Combination, seeds: tuple[int, ...] | None
    ) -> Cell | Skipped | None:
        """The cell of one combination, the reason why it does not apply, or None if there are problems."""
        kinds = dict(zip(("loss", "architecture", "dataset"), labels.labels, strict=True))
        if self.merging.excludes(kinds):
            return Skipped(labels.variant, labels.dataset, EXCLUDED)
        merged = self.merging.of(entries, kinds)
        game = entries["loss"]
        loss = self._chosen("loss", game.parts, merged)
        transforms = self._chosen("transform", game.transforms, merged)
        architecture = self._chosen("architecture", entries["architecture"].parts, merged)
        dataset = self._chosen("dataset", entries["dataset"].parts, merged)
        if loss is None or transforms is None or not architecture or not dataset:
            return None
        data = self.registry.create("dataset", dataset[0])
        parts = {part.name: self.registry.create("loss", part) for part in loss}
        wrong = applicable.wrong_sum(parts)
        if wrong:
            self.problems.add(game.node, wrong)
            return None
        made = {one.name: self.registry.create("transform", one) for one in transforms}
        networks = architecture[0].name, self.registry.create("architecture", architecture[0])
        reason = applicable.lacking(parts, made, networks, (dataset[0].name, data))
        if reason:
            return Skipped(labels.variant, labels.dataset, reason)
        evaluation = self.evaluators.chosen_for(
            EvaluationSpec(**merged.evaluation), merged.evaluators, data, entries["dataset"]
        )
        plugins: Plugins = {"loss": parts, "transform": made, "architecture": dict([networks])}
        if evaluation is None or self.evaluators.leak(evaluation, merged.evaluators, plugins, entries["dataset"]):
            return None
        train = train_block.spec_of(merged.train)
        contradiction = train_block.contradiction(train)
        uneven = applicable.uneven(made, data, train.batch)
        for node, text in ((None, contradiction), (game.node, uneven)):
            if text:
                self.problems.add(node, f"{labels.title}: {text}")
        if contradiction or uneven:
            return None
        spec = RunSpec(loss, architecture[0], dataset[0], 0, train, transforms, evaluation)
        added = any(entry.added for entry in entries.values())
        chosen = seeds or merged.seeds
        first = chosen[0] if len(chosen) >= NOISE_FROM and evaluation.noise_sets else None
        return Cell(labels.variant, labels.dataset, spec, chosen, added, first)

    def _chosen(self, kind: Kind, parts: tuple[Part, ...], merged: Merged) -> tuple[Choice, ...] | None:
        """The plugins of an entry with their hyperparameters; None if some are wrong."""
        own = merged.params.get(kind, {})
        picked = [self.picker.choose(kind, part.name, own.get(part.name, part.params), part.node) for part in parts]
        found = tuple(one for one in picked if one is not None)
        return found if len(found) == len(parts) else None


def places_of(suite: Suite, kind: Kind) -> dict[str, Node]:
    """Where the suite names each plugin of an axis, by its label."""
    entries = suite.axes[kind]
    return {label.text: entry.node for entry, label in zip(entries, labels_of(entries), strict=True)}


def _references(cells: list[Cell]) -> tuple[PlannedReference, ...]:
    """Every reference of every dataset, once per evaluation."""
    found: dict[tuple[Label, str], PlannedReference] = {}
    for cell in cells:
        for name in REFERENCES:
            spec = ReferenceSpec(name, cell.spec.dataset, cell.spec.evaluation.of_samples)
            found.setdefault((cell.dataset, spec.id), PlannedReference(cell.dataset, spec))
    return tuple(found.values())
