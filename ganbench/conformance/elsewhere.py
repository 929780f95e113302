"""Checks that a metric which computes where its inputs are gives the same scores on another device than the CPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isclose

import torch

from ganbench.conformance.findings import Finding
from ganbench.conformance.pretended import Elsewhere
from ganbench.conformance.watch import OURS, TORCH
from ganbench.errors import PLUGIN_ERRORS, describe_error, raised_at
from ganbench.evaluation.placement import moved
from ganbench.registry.contracts import Metric, View

TOLERANCE = 1e-6
NEAR_ZERO = 1e-9
FIX = (
    "make new tensors with device=real.features.device, draw on the CPU and move the draw, and call .cpu() before "
    ".numpy(); without `on_device` it gets tensors on the CPU"
)


def device_findings(metric: Metric, name: str, real: View, fake: View) -> Iterator[Finding]:
    """What is wrong about the scores of two sides if they lie on a pretended device."""
    wanted = _scores(metric, real, fake)
    try:
        with torch.no_grad(), Elsewhere() as there:
            found = _scores(metric, moved(real, there.device), moved(fake, there.device))
    except PLUGIN_ERRORS as error:  # a third-party metric may raise anything
        where = f"metric {name!r} says `on_device`, and on another device than the CPU it"
        yield Finding("device", f"{where} raised {describe_error(error)}{raised_at(error, (TORCH, OURS))}", FIX)
        return
    for score, value in wanted.items():
        other = found.get(score)
        if other is None or not isclose(value, other, rel_tol=TOLERANCE, abs_tol=NEAR_ZERO):
            seen = f"metric {name!r} gives {score!r} {value!r} on the CPU and {other!r} on another device"
            yield Finding("device", seen, FIX)


def _scores(metric: Metric, real: View, fake: View) -> Mapping[str, float]:
    """As a run computes them, with the statistics of the real side where that side is."""
    compute = getattr(metric, "statistics", None)
    if compute is not None:
        device = real.features.device
        known = {label: one.to(device) for label, one in compute(real, fake.size).items()}
        real = real._replace(statistics=known)
    return metric(real, fake)
