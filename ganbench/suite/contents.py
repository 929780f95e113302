"""Fills the fingerprints of the datasets into an expanded suite, so that its runs have their ids."""

from __future__ import annotations

from dataclasses import replace

from ganbench.errors import ContractError, MissingError, UsageError
from ganbench.files import canonical
from ganbench.registry.choice import Choice
from ganbench.registry.fingerprints import fingerprint
from ganbench.registry.preparing import prepare_plugin
from ganbench.registry.registry import Registry
from ganbench.suite.external import missing_samples, samples_hash
from ganbench.suite.labels import Label
from ganbench.suite.specs import Cell, Plan, PlannedReference, ReferenceSpec, RunSpec, Skipped


class Contents:
    """The fingerprints of datasets, each computed once."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._known: dict[str, str] = {}

    def of(self, dataset: Choice) -> str:
        """A dataset's fingerprint.

        Raises `MissingError` if its data are not there, `ContractError` for what a plugin may raise.
        """
        key = _key(dataset)
        if key not in self._known:
            self._known[key] = fingerprint(self.registry.create("dataset", dataset), dataset.name)
        return self._known[key]

    def fetch(self, plan: Plan) -> None:
        """Let every dataset whose files are not there fetch them.

        Raises `MissingError` with all that are still missing, samples made elsewhere among them, and `ContractError`
        for what a plugin may raise.
        """
        missing: dict[str, None] = {}
        for dataset in _datasets(plan):
            try:
                self.of(dataset)
            except MissingError:
                try:
                    prepare_plugin("dataset", dataset.name, self.registry.create("dataset", dataset))
                    self.of(dataset)
                except MissingError as error:
                    missing[str(error)] = None
        missing |= dict.fromkeys(missing_samples(plan))
        if missing:
            raise MissingError("\n".join(missing))

    def where_there(self, plan: Plan) -> Plan:
        """The plan with the fingerprint of every dataset; those whose data cannot be had are skipped."""
        reasons: dict[Label, str] = {}
        for label, dataset in [(cell.dataset, cell.spec.dataset) for cell in plan.cells]:
            try:
                self.of(dataset)
            except MissingError:
                reasons[label] = "its data are not on this machine"
            except ContractError:
                reasons[label] = "its data cannot be loaded"
        skipped = (
            Skipped(cell.variant, cell.dataset, reasons[cell.dataset])
            for cell in plan.cells if cell.dataset in reasons
        )  # fmt: skip
        return self.filled(
            replace(
                plan,
                cells=tuple(cell for cell in plan.cells if cell.dataset not in reasons),
                references=tuple(one for one in plan.references if one.dataset not in reasons),
                skipped=(*plan.skipped, *skipped),
            )
        )

    def known(self, plan: Plan) -> tuple[Plan, list[str]]:
        """The plan with the fingerprint of every dataset whose data are there, and a sentence for each other dataset.

        References stay as they are. Raises `ContractError` if a plugin fails, and `UsageError` as `filled` does.
        """
        missing: dict[str, str] = {}
        for dataset in _datasets(plan):
            try:
                self.of(dataset)
            except MissingError as error:
                missing[_key(dataset)] = str(error)
        there = [_key(cell.spec.dataset) not in missing for cell in plan.cells]
        with_data = tuple(cell for cell, is_there in zip(plan.cells, there, strict=True) if is_there)
        filled = iter(self.filled(replace(plan, cells=with_data, references=())).cells)
        cells = (next(filled) if is_there else cell for cell, is_there in zip(plan.cells, there, strict=True))
        return replace(plan, cells=tuple(cells)), list(dict.fromkeys(missing.values()))

    def filled(self, plan: Plan) -> Plan:
        """The plan with the fingerprint of every dataset.

        Raises as `of` does, `MissingError` with all samples made elsewhere that are not there, and `UsageError` if two
        places hold the same data, which would be the same runs.
        """
        gone = missing_samples(plan)
        if gone:
            raise MissingError("\n".join(gone))
        cells = tuple(replace(cell, spec=self.run(cell.spec)) for cell in plan.cells)
        seen: dict[str, Cell] = {}
        for cell in cells:
            twin = seen.setdefault(cell.spec.id, cell)
            if twin.spec.dataset.places != cell.spec.dataset.places:
                raise UsageError(
                    f"{cell.title} and {twin.title} have the same data, so they are the same runs; list one"
                )
        references = tuple(replace(one, spec=self._reference(one)) for one in plan.references)
        return replace(plan, cells=cells, references=references)

    def run(self, spec: RunSpec) -> RunSpec:
        """The spec of a run with its dataset's fingerprint. Raises as `of` does."""
        return replace(spec, dataset=replace(spec.dataset, content=self.of(spec.dataset)))

    def _reference(self, one: PlannedReference) -> ReferenceSpec:
        """The spec of a planned reference, with the hash of samples that were made elsewhere."""
        spec = self.reference(one.spec)
        return spec if one.path is None else replace(spec, samples=samples_hash(one.path))

    def reference(self, spec: ReferenceSpec) -> ReferenceSpec:
        """The spec of a reference with its dataset's fingerprint. Raises as `of` does."""
        return replace(spec, dataset=replace(spec.dataset, content=self.of(spec.dataset)))


def _datasets(plan: Plan) -> list[Choice]:
    """Every dataset of a plan, with its arguments, once."""
    return list({_key(cell.spec.dataset): cell.spec.dataset for cell in plan.cells}.values())


def _key(dataset: Choice) -> str:
    """What tells datasets apart: the plugin and all of its arguments, places included."""
    return canonical([dataset.name, dataset.arguments()])
