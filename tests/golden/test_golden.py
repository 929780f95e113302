"""The golden suite gives the committed numbers: within 1e-4 anywhere, and the same bits in the same environment."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from make_golden import GOLDEN, collect

from ganbench.engine.devices import missing_compiler

RELATIVE = 1e-4
SMALL = 1e-5
"""Absolute tolerance of numbers near zero, such as sums of weights."""
COUNTED = 3
"""Samples that may lie on the other side of a threshold: a score that is a share of `n` samples moves by 1 / n each."""

pytestmark = pytest.mark.skipif(missing_compiler() is not None, reason=f"compiles: {missing_compiler()}")


def _close(name: str, found: Any, golden: Any, slack: float) -> None:
    """Compare two JSON values, numbers to `RELATIVE` or to the absolute `slack`, everything else exactly."""
    assert type(found) is type(golden), name
    if isinstance(golden, dict):
        assert found.keys() == golden.keys(), name
        for key in golden:
            _close(f"{name}.{key}", found[key], golden[key], slack)
    elif isinstance(golden, list):
        assert len(found) == len(golden), name
        for index, (ours, wanted) in enumerate(zip(found, golden, strict=True)):
            _close(f"{name}[{index}]", ours, wanted, slack)
    elif isinstance(golden, float):
        assert math.isclose(found, golden, rel_tol=RELATIVE, abs_tol=slack), f"{name}: {found}, golden {golden}"
    else:
        assert found == golden, f"{name}: {found}, golden {golden}"


def _numbers(weights: dict[str, Any]) -> dict[str, Any]:
    return {name: tensor["numbers"] for name, tensor in weights.items()}


def _rows(run: dict[str, Any]) -> list[list[float | None]]:
    return [[float(text) if text else None for text in row] for row in run["rows"]]


def _portable(one: dict[str, Any]) -> dict[str, Any]:
    """What must agree on every machine, bar digests: scores, signals, the history, numbers of every tensor."""
    kept = {name: value for name, value in one.items() if name not in ("history", "rows", "pictures", "weights")}
    histogram = kept.pop("histogram")
    kept["bins"] = histogram and len(histogram["fake"])
    if "weights" in one:
        kept |= {"rows": _rows(one), "weights": _numbers(one["weights"])}
    return {**kept, "pictures": list(one["pictures"])}


@pytest.mark.slow
def test_the_golden_suite_gives_the_golden_records(tmp_path: Path) -> None:
    golden = json.loads(GOLDEN.read_text())
    found = collect(tmp_path)
    for part in ("runs", "references"):
        assert found[part].keys() == golden[part].keys(), "the ids of the runs have changed"
        for id_, one in golden[part].items():
            slack = {"metrics": COUNTED / one["samples"], "snapshots": COUNTED / one["samples"]}
            ours, wanted = _portable(found[part][id_]), _portable(one)
            assert ours.keys() == wanted.keys()
            for key in wanted:
                _close(f"{part} {id_}: {key}", ours[key], wanted[key], slack.get(key, SMALL))
    paths = {tuple(run["path"]) for run in found["runs"].values()}
    assert paths == {("stacked", 16), ("looped", 1), ("compiled", 4)}
    for run in found["runs"].values():
        assert (run["path"][0] == "compiled") == (run["engine"] == "compiled")
        assert run["compiling_took_time"] is (True if run["path"][0] == "compiled" else None)
    if found["environment"] == golden["environment"]:
        assert found == golden
