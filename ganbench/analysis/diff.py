"""Differences between two results folders of one suite, conclusions first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ganbench import formatting
from ganbench.analysis import aggregate, tables
from ganbench.analysis.score_table import Table
from ganbench.analysis.table_diff import ORDER, Change, relative, table_changes, value_text
from ganbench.results import manifest
from ganbench.results.identity import comparable_spec, leaf_text, unequal_leaves
from ganbench.results.records import Record
from ganbench.results.store import Store
from ganbench.suite.labels import variant_title
from ganbench.suite.plan_file import SavedPlan


@dataclass(frozen=True)
class Side:
    """One folder's suite: its plan, its tables, its records by run id."""

    layout: SavedPlan
    tables: list[Table]
    records: dict[str, Record]

    @classmethod
    def read(cls, folder: Path, layout: SavedPlan) -> Side:
        """The side of a folder. Raises `ResultsError` if a record is damaged."""
        store = Store(folder)
        found = (record for row in layout.rows for record in row.records(store).values() if record)
        records = {record.id: record for record in found}
        return cls(layout, tables.build(layout, store), records)

    def runs(self) -> dict[Run, str]:
        """The runs that have a record, by their names."""
        return {
            Run(*row.texts, seed): id_
            for row in self.layout.rows
            for seed, id_ in row.runs.items()
            if id_ in self.records
        }


class Run(NamedTuple):
    """A run by its names, which both folders share even if its id differs."""

    loss: str
    architecture: str
    dataset: str
    seed: int

    @property
    def variant(self) -> str:
        return f"{variant_title(self.loss, self.architecture)} on {self.dataset}"


def changes(a: Side, b: Side) -> list[Change]:
    """Everything that differs, worst first."""
    found = [*table_changes(a.tables, b.tables), *_overall(a, b), *_runs(a, b), *_environment(a, b)]
    return sorted(found, key=lambda one: (ORDER.index(one.kind), -one.size))


def _runs(a: Side, b: Side) -> Iterator[Change]:
    """Runs that only one side has, runs with another id, and runs with the same id and other content."""
    left, right = a.runs(), b.runs()
    both = [run for run in left if run in right]
    for kind, own, other in (("only in A", left, right), ("only in B", right, left)):
        for variant, seeds in _seeds(run for run in own if run not in other):
            yield Change(kind, variant, f"seeds {formatting.ranges(seeds)}", len(seeds))  # type: ignore[arg-type]
    other_ids: dict[tuple[str, str], list[Run]] = {}
    for run in both:
        one, two = a.records[left[run]], b.records[right[run]]
        if (left[run], one.evaluation_id) != (right[run], two.evaluation_id):
            other_ids.setdefault((run.variant, _settings(one, two)), []).append(run)
        else:
            yield from _content(run, one, two)
    for (variant, text), runs in other_ids.items():
        yield Change("settings", variant, f"{text} (seeds {formatting.ranges([run.seed for run in runs])})", len(runs))


def _seeds(runs: Iterable[Run]) -> Iterator[tuple[str, list[int]]]:
    found: dict[str, list[int]] = {}
    for run in runs:
        found.setdefault(run.variant, []).append(run.seed)
    yield from found.items()


def _settings(a: Record, b: Record) -> str:
    """Why two runs of the same names have different ids."""
    texts = [(comparable_spec(a), comparable_spec(b)), (a.stored_evaluation or "{}", b.stored_evaluation or "{}")]
    parts = [f"{key} {leaf_text(x)} -> {leaf_text(y)}" for pair in texts for key, x, y in unequal_leaves(*pair)]
    codes = tuple({key: plugin.code for key, plugin in one.plugins.items()} for one in (a, b))
    parts += [f"code of {key} {codes[0][key]} -> {codes[1].get(key)}" for key in codes[0]
              if codes[1] and codes[0][key] != codes[1].get(key)]  # fmt: skip
    protocols = [one.provenance.protocol for one in (a, b)]
    if None not in protocols and protocols[0] != protocols[1]:  # a failed run has none
        parts.append(f"protocol version {protocols[0]} -> {protocols[1]}")
    return "; ".join(parts) or "another id, for a reason that the records do not hold"


def _content(run: Run, a: Record, b: Record) -> Iterator[Change]:
    """Differences between two records of the same id, which gives the same bits on one machine."""
    where = f"{run.variant}, seed {run.seed}"
    if a.status != b.status:
        reason = next((one.reason for one in (b, a) if one.reason), "")
        yield Change("status", where, f"{a.status} -> {b.status}" + (f" ({reason})" if reason else ""), 1)
        return
    gaps = {
        name: relative(a.evaluation.metrics.get(name), b.evaluation.metrics.get(name))
        for name in dict.fromkeys([*a.evaluation.metrics, *b.evaluation.metrics])
        if a.evaluation.metrics.get(name) != b.evaluation.metrics.get(name)
    }
    sums = a.files, b.files
    files = [name for name in dict.fromkeys([*sums[0], *sums[1]]) if sums[0].get(name) != sums[1].get(name)]
    if gaps:
        worst = max(gaps, key=lambda name: gaps[name])
        text = f"{worst} {value_text(a.evaluation.metrics.get(worst))} -> {value_text(b.evaluation.metrics.get(worst))}"
        more = f", and {len(gaps) - 1} more by less" if len(gaps) > 1 else ""
        yield Change("content", where, text + more, gaps[worst])
    elif files or a.reason != b.reason:
        text = f"same scores, different content of {', '.join(files)}" if files else f"{a.reason} -> {b.reason}"
        yield Change("content", where, text)


def _overall(a: Side, b: Side) -> Iterator[Change]:
    """The order of the variants over all datasets."""
    orders = [
        [row.title for row in found.rows] if found else []
        for side in (a, b)
        for found in [aggregate.build(side.tables)]
    ]
    if orders[0] != orders[1]:
        text = " -> ".join(" before ".join(order) or "not built" for order in orders)
        yield Change("conclusion", "over datasets", text, 5)


def _environment(a: Side, b: Side) -> Iterator[Change]:
    """Machines, versions, plugin sources and revisions that only one side has."""
    facts = [_facts(list(side.records.values())) for side in (a, b)]
    for key in facts[0] | facts[1]:
        left, right = (found.get(key, {}) for found in facts)
        if left.keys() != right.keys():
            yield Change("environment", key, " -> ".join(", ".join(found) or "none" for found in (left, right)))


def _facts(records: list[Record]) -> dict[str, dict[str, None]]:
    """Every value that the records hold for a fact: {fact: {value as text}}."""
    found: dict[str, dict[str, None]] = {}
    for one in manifest.environments(records):
        facts = {key: getattr(one, key) for key in manifest.FACTS if key != "libraries"}
        for key, value in {**facts, **(one.libraries or {})}.items():
            if value is not None:
                found.setdefault(key, {})[str(value)] = None
    for key, versions in manifest.plugins(records).items():
        for plugin in versions:
            found.setdefault(f"source of {key}", {})[f"{plugin.version} {plugin.source}"] = None
    for record in records:
        for key in ("revision", "path"):
            if value := getattr(record.provenance, key):
                found.setdefault(key, {})[str(value)] = None
    return {key: dict.fromkeys(sorted(values)) for key, values in found.items()}
