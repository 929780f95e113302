"""Rows, references and cells of plans by bare names, for tests: each label is its plugin's name."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.suite.labels import Combination, Label, Variant
from ganbench.suite.plan_file import PlanReference, PlanRow
from ganbench.suite.search import RowDraw, SearchRow
from ganbench.suite.specs import Cell, RunSpec, Skipped


def label(text: str) -> Label:
    return Label(text, text.split("(")[0])


def combination(loss: str, architecture: str, dataset: str) -> Combination:
    return Combination(Variant(label(loss), label(architecture)), label(dataset))


def plan_row(loss: str, architecture: str, dataset: str, runs: Mapping[int, str]) -> PlanRow:
    one = combination(loss, architecture, dataset)
    return PlanRow(one.variant, one.dataset, runs)


def search_row(loss: str, architecture: str, dataset: str, draws: tuple[RowDraw, ...]) -> SearchRow:
    one = combination(loss, architecture, dataset)
    return SearchRow(one.variant, one.dataset, draws)


def plan_reference(dataset: str, reference: str, id_: str) -> PlanReference:
    return PlanReference(label(dataset), reference, id_)


def skipped(loss: str, architecture: str, dataset: str, reason: str) -> Skipped:
    one = combination(loss, architecture, dataset)
    return Skipped(one.variant, one.dataset, reason)


def cell(spec: RunSpec, seeds: tuple[int, ...], labels: tuple[str, str, str]) -> Cell:
    one = combination(*labels)
    return Cell(one.variant, one.dataset, spec, seeds)
