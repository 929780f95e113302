"""A suite's plan over time: what was added stays until it is dropped, what was replaced is kept apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ganbench.errors import UsageError
from ganbench.formatting import counted, suggestion
from ganbench.suite import load as suites
from ganbench.suite.labels import Combination, Label, picked
from ganbench.suite.plan_file import PlanReference, PlanRow, RunId, SavedPlan
from ganbench.suite.specs import EXTERNAL, Skipped

Texts = tuple[str, str, str]
AXES = tuple(suites.AXES.values())


def united(new: SavedPlan, old: SavedPlan | None) -> SavedPlan:
    """The new plan with the rows, seeds and references that only the old one has.

    An old row with other settings, data or evaluation than the new plan's cannot stand in the same table; it goes to
    `earlier`. An old row that has runs of another row is that row under the label that it had before.
    """
    if old is None:
        return new
    rows = {row.texts: row for row in new.rows}
    tables = {row.dataset.text: (row.content, row.evaluation) for row in new.rows}
    held = {id_: row.texts for row in new.rows for id_ in row.runs.values()}
    earlier: list[PlanRow] = []
    for row in (*old.rows, *old.earlier):
        same = _relabelled(row, rows, held) or rows.get(row.texts)
        if same is not None and _state(same) == _state(row):
            rows[same.texts] = with_seeds(same, row)
        elif same is None and tables.get(row.dataset.text) in (None, (row.content, row.evaluation)):
            same = rows[row.texts] = replace(row, own=())
            tables[row.dataset.text] = row.content, row.evaluation
        else:
            earlier.append(row)
            continue
        held |= dict.fromkeys(row.runs.values(), same.texts)
    return replace(
        new, rows=tuple(rows.values()), skipped=(*new.skipped, *_only_old(new, old, rows)),
        references=_references(new, old), earlier=_distinct(earlier),
    )  # fmt: skip


def _relabelled(row: PlanRow, rows: Mapping[Texts, PlanRow], held: Mapping[RunId, Texts]) -> PlanRow | None:
    """The row that has runs of this one in the same state; None if there is none."""
    found = (rows[held[id_]] for id_ in row.runs.values() if id_ in held)
    return next((one for one in found if _state(one) == _state(row)), None)


def _state(row: PlanRow) -> tuple[str, str, str | None]:
    return row.content, row.settings, row.evaluation


def with_seeds(row: PlanRow, other: PlanRow) -> PlanRow:
    """A row with the seeds of another one beside its own."""
    runs = {**other.runs, **row.runs}
    return replace(row, runs={seed: runs[seed] for seed in sorted(runs)})


def _distinct(rows: Iterable[PlanRow]) -> tuple[PlanRow, ...]:
    """Rows of the same names and the same state as one."""
    found: dict[object, PlanRow] = {}
    for row in rows:
        key = row.texts, _state(row)
        found[key] = with_seeds(found[key], row) if key in found else row
    return tuple(found.values())


def _only_old(new: SavedPlan, old: SavedPlan, rows: Iterable[Texts]) -> list[Skipped]:
    known = {*rows, *(one.texts for one in new.skipped)}
    return [one for one in old.skipped if one.texts not in known]


def _references(new: SavedPlan, old: SavedPlan) -> tuple[PlanReference, ...]:
    """The new plan's references, the old ones of datasets that only the old plan has, and samples made elsewhere."""
    datasets = {one.dataset.text for one in new.references}
    listed = {_place(one) for one in new.references}
    added = (one for one in old.references if one.external and _place(one) not in listed)
    return (*new.references, *(one for one in old.references if one.dataset.text not in datasets and not one.external),
            *added)  # fmt: skip


def with_samples(plan: SavedPlan, more: tuple[PlanReference, ...]) -> SavedPlan:
    """The plan with samples made elsewhere, in place of those of the same label."""
    taken = {_place(one) for one in more}
    return replace(plan, references=(*(one for one in plan.references if _place(one) not in taken), *more))


def _place(one: PlanReference) -> tuple[str, str, bool]:
    """The row of a reference: several files of samples made elsewhere share one."""
    return one.dataset.text, one.reference, one.external


def own_rows(plan: SavedPlan) -> SavedPlan:
    """The plan without what was added: the suite's own rows and seeds."""
    rows = []
    for row in plan.rows:
        own = tuple(row.runs) if row.own is None else row.own
        runs = {seed: id_ for seed, id_ in row.runs.items() if seed in own}
        if runs:
            rows.append(replace(row, runs=runs))
    datasets = {row.dataset.text for row in rows}
    references = tuple(one for one in plan.references if one.dataset.text in datasets)
    return replace(plan, rows=tuple(rows), references=references, earlier=())


def earlier_rows(plan: SavedPlan) -> SavedPlan:
    """The rows that were replaced, as a plan of their own; the names say in what they differ.

    One table has one content of its data and one evaluation. Raises `UsageError` if there are no such rows.
    """
    if not plan.earlier:
        raise UsageError(f"suite {plan.suite!r} has no earlier rows: its settings, data and evaluation did not change")
    rows = []
    for row in plan.earlier:
        parts = [f"data {row.content[:6]}" if row.content else "", f"evaluation {(row.evaluation or '')[:6]}"]
        dataset = _named(row.dataset, ", ".join(part for part in parts if part))
        loss = _named(row.variant.loss, f"settings {row.settings[:6]}")
        rows.append(replace(row, dataset=dataset, variant=replace(row.variant, loss=loss)))
    return replace(plan, rows=tuple(rows), references=(), skipped=(), earlier=())


def _named(label: Label, what: str) -> Label:
    return replace(label, text=f"{label.text} ({what})")


def dropped(plan: SavedPlan, kind: str, name: str) -> SavedPlan:
    """The plan without the rows of a loss, an architecture or a dataset that was added, or of `external` samples.

    Raises `UsageError` if nothing of that name is there, or if the suite itself asks for it.
    """
    if kind == EXTERNAL:
        return _without_samples(plan, name)
    if kind not in AXES:
        raise UsageError(f"unknown kind {kind!r}: write {'=NAME, '.join((*AXES, EXTERNAL))}=NAME")

    axis = AXES.index(kind)
    chosen = picked((row.labels[axis] for row in (*plan.rows, *plan.earlier)), name)
    if not chosen:
        known = sorted({row.texts[axis] for row in (*plan.rows, *plan.earlier)})
        raise UsageError(f"the table of suite {plan.suite!r} has no {kind} {name!r}{suggestion(name, known)}")

    def meant(one: Combination) -> bool:
        return one.labels[axis] in chosen

    rows, earlier = _split(plan.rows, meant), _split(plan.earlier, meant)
    if any(row.own is None or row.own for row in rows[0]):
        raise UsageError(
            f"{kind} {name!r} is in suite {plan.suite!r} itself; take it out of the suite's file and run the suite, "
            "then drop it"
        )
    datasets = {row.dataset.text for row in rows[1]}
    return replace(
        plan, rows=tuple(rows[1]), earlier=tuple(earlier[1]),
        references=tuple(one for one in plan.references if one.dataset.text in datasets),
        skipped=tuple(one for one in plan.skipped if not meant(one)),
    )  # fmt: skip


def _without_samples(plan: SavedPlan, label: str) -> SavedPlan:
    left = tuple(one for one in plan.references if not one.external or one.reference != label)
    if len(left) == len(plan.references):
        known = sorted({one.reference for one in plan.references if one.external})
        raise UsageError(f"the table of suite {plan.suite!r} has no samples {label!r}{suggestion(label, known)}")
    return replace(plan, references=left)


def _split(rows: Iterable[PlanRow], meant: Callable[[PlanRow], bool]) -> tuple[list[PlanRow], list[PlanRow]]:
    found: tuple[list[PlanRow], list[PlanRow]] = ([], [])
    for row in rows:
        found[0 if meant(row) else 1].append(row)
    return found


def not_shown(plan: SavedPlan, results: Path | None = None) -> str:
    """What a suite's table leaves out, and the command that shows it, in one sentence; empty if it is whole.

    `results` is the results folder as the command needs it.
    """
    if not plan.earlier:
        return ""
    contents = {(row.dataset.text, row.content) for row in plan.rows}
    other = sum((row.dataset.text, row.content) not in contents for row in plan.earlier)
    runs = sum(len(row.runs) for row in plan.earlier)
    what = "of other data" if other == len(plan.earlier) else "of other settings, data or evaluations"
    where = "" if results is None or results == Path("results") else f" --results {results}"
    command = f"ganbench table --suite {plan.suite}{where} --earlier"
    return f"not shown: {counted(runs, 'earlier run')} {what}; `{command}` shows them"
