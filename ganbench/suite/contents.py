"""Fills the fingerprints of the datasets into an expanded suite, so that its runs have their ids."""

from __future__ import annotations

from dataclasses import replace

from ganbench.files import canonical
from ganbench.registry.choice import Choice
from ganbench.registry.fingerprints import fingerprint
from ganbench.registry.registry import Registry
from ganbench.suite.specs import Plan, ReferenceSpec, RunSpec


class Contents:
    """The fingerprints of datasets, each computed once."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._known: dict[str, str] = {}

    def of(self, dataset: Choice) -> str:
        """A dataset's fingerprint.

        Raises `MissingError` if its data are not there, `ContractError` for what a plugin may raise.
        """
        key = canonical([dataset.name, dataset.arguments()])
        if key not in self._known:
            self._known[key] = fingerprint(self.registry.create("dataset", dataset), repr(dataset.name))
        return self._known[key]

    def filled(self, plan: Plan) -> Plan:
        """The plan with the fingerprint of every dataset. Raises as `of` does."""
        cells = tuple(replace(cell, spec=self.run(cell.spec)) for cell in plan.cells)
        references = tuple(replace(one, spec=self.reference(one.spec)) for one in plan.references)
        return replace(plan, cells=cells, references=references)

    def run(self, spec: RunSpec) -> RunSpec:
        """The spec of a run with its dataset's fingerprint. Raises as `of` does."""
        return replace(spec, dataset=replace(spec.dataset, content=self.of(spec.dataset)))

    def reference(self, spec: ReferenceSpec) -> ReferenceSpec:
        """The spec of a reference with its dataset's fingerprint. Raises as `of` does."""
        return replace(spec, dataset=replace(spec.dataset, content=self.of(spec.dataset)))
