"""Splits a plan between machines that know nothing of each other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.runner.jobs import CellJob, ReferenceJob
from ganbench.runner.scheduler import weight
from ganbench.suite.specs import Cell, Plan, PlannedReference


@dataclass(frozen=True)
class Shard:
    """Part `number` of `count`, counted from 1."""

    number: int
    count: int


def parse_shard(text: str) -> Shard:
    """`2/3` as a shard. Raises `UsageError`."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"--shard {text}: write K/N with K from 1 to N, for example 1/3, 2/3 and 3/3")
    return Shard(int(match[1]), int(match[2]))


def shard_of(plan: Plan, shard: Shard, registry: Registry) -> Plan:
    """The cells and references of one shard.

    The whole plan is split, whatever of it is done: longest first, each to the shard that has the least so far. So
    every shard computes the same split, and the shards together are the plan. A cell is never cut.
    """
    work: list[tuple[float, tuple[str, ...], Cell | PlannedReference]] = [
        *((weight(CellJob(plan.suite, cell), registry), cell.texts, cell) for cell in plan.cells),
        *((weight(ReferenceJob(one.dataset.text, one.spec), registry), _named(one), one) for one in plan.references),
    ]
    loads, own = [0.0] * shard.count, set()
    for cost, _, one in sorted(work, key=lambda part: (-part[0], part[1])):
        least = loads.index(min(loads))
        loads[least] += cost
        if least == shard.number - 1:
            own.add(id(one))
    return replace(
        plan,
        cells=tuple(cell for cell in plan.cells if id(cell) in own),
        references=tuple(one for one in plan.references if id(one) in own),
    )


def _named(one: PlannedReference) -> tuple[str, ...]:
    return one.dataset.text, one.spec.reference, one.label, one.spec.id
