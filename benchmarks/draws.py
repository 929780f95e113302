"""Counter-based random numbers compared with torch's own generator: `python -m benchmarks.draws`.

Sides are timed in turn (A B, A B, ...) in one process with one thread; medians are reported with their range.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import click
import torch
from torch import Tensor

from benchmarks import report
from ganbench.engine import threefry
from ganbench.engine.compile import MAX_INLINED_BITS, compiled

STEPS = 50


class Size(NamedTuple):
    """What one step draws: `seeds` streams of numbers of a shape."""

    name: str
    seeds: int
    shape: tuple[int, ...]

    @property
    def numbers(self) -> int:
        return self.seeds * int(torch.Size(self.shape).numel())


SIZES = (
    Size("latents of a 2-D step, 4 seeds", 4, (2, 64, 2)),
    Size("latents of a digits step", 1, (2, 64, 64)),
    Size("noise of the shape of 3x32x32 images", 1, (2, 64, 3, 32, 32)),
)
KINDS: dict[str, Callable[[Tensor, Tensor, tuple[int, ...]], Tensor]] = {
    "normal": threefry.normal,
    "uniform": threefry.uniform,
    "integers": lambda keys, steps, shape: threefry.integers(keys, steps, 50_000, shape),
}


def _torchs(kind: str, size: Size, device: torch.device) -> Callable[[], object]:
    """Torch's own numbers for one step."""
    shape = (size.seeds, *size.shape)
    if kind == "integers":
        return lambda: torch.randint(50_000, shape, device=device)
    return partial(torch.randn if kind == "normal" else torch.rand, *shape, device=device)


def _seconds(call: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Seconds of one call, all launched work included."""
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / repeats


def measured(kind: str, size: Size, device: torch.device, rounds: int, compiling: bool) -> dict[str, Any]:
    """Nanoseconds a number: torch's own, blocks of steps as they are written, and the compiled program of a step."""
    keys = threefry.keys(range(size.seeds), "latent", device)
    steps = torch.arange(STEPS, device=device)
    draw, at = KINDS[kind], steps[3].int()
    sides: dict[str, tuple[Callable[[], object], int]] = {
        "torch": (_torchs(kind, size, device), size.numbers),
        "block": (lambda: draw(keys, steps, size.shape), STEPS * size.numbers),
    }
    began = time.perf_counter()
    if compiling:
        program = compiled(lambda keys, step: draw(keys, step, size.shape), (keys, at), inlined=MAX_INLINED_BITS)
        sides["compiled"] = (lambda: program([keys, at]), size.numbers)
    prepare = time.perf_counter() - began
    repeats = {name: max(1, int(0.02 / _seconds(call, 2, device))) for name, (call, _) in sides.items()}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, (call, count) in sides.items():
            times[name].append(_seconds(call, repeats[name], device) / count * 1e9)
    found = {name: {"median": median(own), "low": min(own), "high": max(own)} for name, own in times.items()}
    return {"kind": kind, "size": size.name, "numbers": size.numbers, "nanoseconds": found, "prepare_seconds": prepare}


@click.command()
@click.option("--rounds", default=7, type=click.IntRange(2), show_default=True, help="How often every side is timed.")
@click.option("--device", default="cpu", show_default=True, help="Where numbers are drawn.")
@click.option("--compiled/--uncompiled", "compiling", default=True, help="Whether programs are compiled and timed too.")
def main(rounds: int, device: str, compiling: bool) -> None:
    """Time counter-based draws against torch's generator, and print nanoseconds a number."""
    torch.set_num_threads(1)
    place = torch.device(device)
    rows = [measured(kind, size, place, rounds, compiling) for size in SIZES for kind in KINDS]
    report.write("draws", report.machine(), rows, whole=compiling and device == "cpu")


if __name__ == "__main__":
    main()
