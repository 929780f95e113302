"""What `ganbench run --dry-run` prints: the plan, and what of it is in the results already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ganbench.formatting import counted, duration
from ganbench.results.store import Store
from ganbench.runner.cost_estimate import CostEstimate
from ganbench.runner.scheduler import NOT_EVALUATED, states
from ganbench.statistics.means import mean
from ganbench.suite.specs import Cell, Plan


def plan_text(
    plan: Plan, store: Store, force: bool, where: str, estimate: CostEstimate, missing: Sequence[str] = ()
) -> str:
    """One line per cell (seeds new, done, failed), the combinations that are not applicable, the cost, and `where`.

    Runs of a dataset without a fingerprint are unknown; `missing` says why. The cost is that of the same cells in the
    results; other cells are added to `estimate`.
    """
    lines = [f"suite {plan.suite}: {plan.about}".rstrip(": "), ""]
    seconds, unmeasured = 0.0, 0
    width = max(len(cell.title) for cell in plan.cells)
    for cell in plan.cells:
        has_data = bool(cell.spec.dataset.content)
        counts = Counter(states(store, cell, force).values() if has_data else ["unknown"] * len(cell.seeds))
        shown = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        train = cell.spec.train
        seeds = counted(len(cell.seeds), "seed")
        lines.append(f"  {cell.title:<{width}}  {seeds}: {shown}; {train.steps} steps of {train.batch}")
        cost = _cost(cell, store) if has_data else None
        todo = len(cell.seeds) - counts["done"] - counts[NOT_EVALUATED]
        if cost is None and todo:
            estimate.add(cell, todo)
            unmeasured += todo
        seconds += todo * (cost or 0)
    reasons: dict[str, list[str]] = {}
    for skip in plan.skipped:
        reasons.setdefault(skip.reason, []).append(skip.title)
    lines += [f"  not applicable: {', '.join(names)} ({reason})" for reason, names in reasons.items()]
    total = sum(len(cell.seeds) for cell in plan.cells)
    if missing:
        lines += ["", *(f"Data are missing, so their runs have no ids and no state yet: {one}" for one in missing)]
    sizes = f"{counted(total, 'run')} in {counted(len(plan.cells), 'cell')}"
    known = f"; about {duration(seconds)} of training on one core" if unmeasured < total else ""
    if unmeasured and known:
        known += " for cells that are in the results"
    lines += ["", f"{sizes}, {counted(len(plan.references), 'reference row')}{known}"]
    lines += [estimate.text()] if unmeasured else []
    return "\n".join([*lines, where]) + "\n"


def _cost(cell: Cell, store: Store) -> float | None:
    """Seconds per seed, from the cell's runs in the results."""
    evaluation = cell.spec.evaluation.id
    records = [store.run(id_, evaluation) for id_ in cell.ids.values()]
    known = [record.cost.train_seconds for record in records if record and record.cost.train_seconds]
    return mean(known) if known else None
