"""Training on a device: the textbook loop, a graph captured by hand, ganbench; bits, losses, memory, share of peak."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu.budget import Budget, Row
from benchmarks.gpu.cases import GpuCase, Side, rounding
from benchmarks.gpu.peak import measured_peak, step_flops
from benchmarks.gpu.textbook import captured_rate, repeated, synchronize, textbook_rate
from ganbench import seeding
from ganbench.engine.state import TrainedSeed
from ganbench.engine.trainer import Trainer

CPU = torch.device("cpu")
COMPARED = 10
"""Steps whose losses are compared with the CPU's."""
REPEATED = 20
"""Steps after which bits are compared."""
NEEDS = {"loop": 5.0, "side": 40.0, "bits": 20.0, "losses": 25.0, "peak": 5.0}
"""Seconds that a measurement needs at most on a large GPU, compiling included."""


def measure(cases: Sequence[GpuCase], device: torch.device, budget: Budget, seconds: float, side: int) -> Row:
    """All cases, what matters most first; `side` is that of the matrices of which the peak is measured."""
    needs = NEEDS if device.type == "cuda" else dict.fromkeys(NEEDS, 0.0)
    peak = budget.measure("peak", needs["peak"], lambda: measured_peak(device, side, 4 * side * side)) or {}
    rows: dict[str, Row] = {}
    for one in cases:
        rows[one.title] = {"case": one.title, "batch": one.case.batch, "precision": one.precision, "loss": one.loss}
        rows[one.title]["sides"] = []
        rows[one.title] |= _loops(one, device, budget, seconds, needs["loop"])
        _sides(one, one.sides[:1], rows[one.title], device, budget, needs)
    for one in cases:
        _sides(one, one.sides[1:], rows[one.title], device, budget, needs)
        found = budget.measure(f"{one.title}, losses", needs["losses"], partial(loss_difference, one, device))
        rows[one.title]["loss_difference"] = found
        rows[one.title]["share_of_peak"] = _share(one, rows[one.title], peak)
    return {"peak": peak, "cases": list(rows.values())}


def _loops(one: GpuCase, device: torch.device, budget: Budget, seconds: float, needs: float) -> Row:
    found: Row = {}
    for name, rate in (("textbook", textbook_rate), ("captured", captured_rate)):
        with rounding(one.precision):
            found[name] = budget.measure(f"{one.title}, {name}", needs, partial(rate, one, device, seconds))
    return found


def _sides(
    one: GpuCase, sides: Sequence[Side], row: Row, device: torch.device, budget: Budget, needs: dict[str, float]
) -> None:
    for side in sides:
        what = f"{one.title}, {side.title}"
        found = budget.measure(what, needs["side"], partial(trained, one, side, device))
        if found is not None:
            found["bits"] = budget.measure(f"{what}, bits", needs["bits"], partial(same_bits, one, side, device))
            row["sides"].append(found)


def _share(one: GpuCase, row: Row, peak: dict[str, float]) -> float | None:
    """The share of the device's peak that the fastest side reaches; None with penalties, which are not counted."""
    rates = [side["run"] for side in row["sides"]]
    if not rates or one.precision not in peak or one.loss != "nonsaturating":
        return None
    return float(step_flops(one.case) * max(rates) / peak[one.precision])


def trained(one: GpuCase, side: Side, device: torch.device) -> Row:
    """Seed-steps per second of `Trainer.run()`, and of the step repeated alone; peak memory; how it was run."""
    _reset_memory(device)
    seeds = tuple(range(side.seeds))
    with rounding(one.precision):
        trainer = one.trainer(one.spec(side), seeds, device)
        synchronize(device)
        began = time.perf_counter()
        results = trainer.run()
        synchronize(device)
        run = side.seeds * one.steps / (time.perf_counter() - began)
        _all_well(one.title, results)
        pure = pure_rate(trainer, device)
    path = trainer.path
    return {
        "seeds": side.seeds, "steps": one.steps, "deterministic": side.deterministic, "compiled": side.compiled,
        "path": path.kind, "lanes": path.lanes, "reason": path.reason, "branches": trainer.engine.branches,
        "run": run, "pure": pure, "ratio": run / pure, "prepare_seconds": trainer.prepare_seconds,
        "peak_memory_bytes": _peak_memory(device),
    }  # fmt: skip


def _all_well(title: str, results: list[TrainedSeed]) -> None:
    failed = [result.failure.text for result in results if result.failure is not None]
    if failed:
        raise RuntimeError(f"{title}: {len(failed)} seeds did not end well: {failed[0]}")


def pure_rate(trainer: Trainer, device: torch.device, seconds: float = 1.0) -> float:
    """Seed-steps per second of the step repeated, with nothing between: the recorded one, or else whole blocks.

    A recorded step of fewer stacks than there are is repeated in turn, as training does.
    """
    recorded = getattr(getattr(trainer.engine.run, "__self__", None), "of", None)
    if recorded:
        resident = recorded[max(recorded)]
        resident.table.index.zero_()
        return float(resident.seeds * repeated(resident.advance[0], device, seconds))
    steps = min(seeding.BLOCK, trainer.spec.steps)
    block = _block(trainer)
    return len(trainer.results) * steps * repeated(block, device, seconds / 2, at_once=1)


def _block(trainer: Trainer) -> Callable[[], object]:
    """The first block of all stacks, again and again from the same state, and nothing of it is recorded."""
    from ganbench.engine.block import Stack
    from ganbench.engine.trainer import differentiable_attention

    stacks = [[Stack(group.state, trainer._keys_of(group)) for group in batch] for batch in trainer.batches]
    table = trainer._table(0)

    def run() -> None:
        with differentiable_attention():
            for some in stacks:
                trainer.engine.run(some, table, 0)

    return run


def same_bits(one: GpuCase, side: Side, device: torch.device) -> dict[str, bool]:
    """Whether a rerun repeats a seed's bits, and whether a seed alone has those that it has among the others."""
    spec = one.spec(side, REPEATED)
    seeds = tuple(range(side.seeds))
    picked = seeds[len(seeds) // 2]
    with rounding(one.precision):
        runs = [_bits(one.trainer(spec, some, device).run(), picked) for some in (seeds, seeds, (picked,))]
    return {"rerun": _equal(runs[0], runs[1]), "alone": _equal(runs[0], runs[2])}


def _bits(results: list[TrainedSeed], seed: int) -> list[Tensor]:
    found = next(result for result in results if result.seed == seed)
    history = torch.tensor(found.history, dtype=torch.float64)
    return [found.params.clone(), found.discriminator.clone(), *found.buffers.values(), history]


def _equal(ours: list[Tensor], theirs: list[Tensor]) -> bool:
    return all(torch.equal(a.nan_to_num(7.0), b.nan_to_num(7.0)) for a, b in zip(ours, theirs, strict=True))


def loss_difference(one: GpuCase, device: torch.device) -> float:
    """The largest difference of a loss from the CPU's, uncompiled and in float32, over the first steps.

    It is relative to the loss, or to 1 if that is larger. Both are given the same random numbers.
    """
    side = Side(1, compiled=one.sides[0].compiled)
    with rounding(one.precision):
        ours = _losses(one.trainer(one.spec(side, COMPARED), (0,), device))
    exact = _losses(one.trainer(one.spec(Side(1, compiled=False), COMPARED), (0,), CPU))
    return float(((ours - exact).abs() / exact.abs().clamp(min=1)).max())


def _losses(trainer: Trainer) -> Tensor:
    return torch.tensor(trainer.run()[0].history, dtype=torch.float64)[:, :2]


def _reset_memory(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def device_facts(device: torch.device) -> dict[str, Any]:
    """The device's name, memory and software."""
    if device.type != "cuda":
        return {"name": "no GPU"}
    found = torch.cuda.get_device_properties(device)
    return {
        "name": found.name, "memory_bytes": found.total_memory, "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "capability": list(torch.cuda.get_device_capability(device)),
    }  # fmt: skip
