"""Checks what a metric returns: its scores and its faults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from ganbench.errors import ContractError
from ganbench.registry.contracts import Fault, Metric
from ganbench.results.verdicts import ORDER


def known_faults(name: str, faults: Iterable[Fault]) -> list[Fault]:
    """Check a metric's faults. Raises `ContractError` if one is invalid."""
    if not isinstance(faults, list | tuple):
        raise ContractError(f"metric {name!r}.faults must return a list of Faults, got {faults!r}")
    for fault in faults:
        if not isinstance(fault, Fault) or fault.kind not in ORDER:
            raise ContractError(f"metric {name!r} returned {fault!r}; it must be a Fault of kind {', '.join(ORDER)}")
        count, of = fault.count, fault.of
        counted = isinstance(count, int) and isinstance(of, int) and 0 <= count <= of
        if not counted and not count is of is None:
            raise ContractError(f"metric {name!r} returned {fault!r}; its count must be an integer from 0 to `of`")
    return list(faults)


def checked_scores(name: str, metric: Metric, scores: Mapping[str, float]) -> dict[str, float]:
    """Check that a metric's scores are finite numbers. Raises `ContractError`."""
    if not isinstance(scores, Mapping):
        raise ContractError(f"metric {name!r} returned {scores!r}; it must return its scores by name")
    for score, value in scores.items():
        if score not in metric.better:
            raise ContractError(f"metric {name!r} returned {score!r}, which its `better` does not list")
        if not isinstance(value, int | float) or not torch.tensor(float(value)).isfinite():
            raise ContractError(f"metric {name!r} returned {value!r} for {score!r}; a score must be a finite number")
    return {score: float(value) for score, value in scores.items()}
