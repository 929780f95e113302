"""Whole commands on a device, with an empty cache and again with a filled one: `ganbench run` of three suites."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml

from benchmarks.gpu.budget import Budget, Row
from benchmarks.gpu.inception import made_weights

GOALS_S = {"quick": 25.0, "baseline": 60.0, "fashion": 75.0}
NEEDS = {"quick": 90.0, "baseline": 170.0, "fashion": 200.0}
"""Seconds without which a cold run is not begun."""
LOSSES = ["nonsaturating", "hinge", "lsgan", {"loss": ["rpgan", "r1", "r2"]}]
IDX_BYTES = 0x08


def measure(device: str, budget: Budget, folder: Path, tiny: bool) -> Row:
    """Each suite cold, then each warm; the last rows are left out first."""
    suites = _suites(folder, tiny)
    runs = [(name, kind) for kind in ("cold", "warm") for name in suites]
    rows: dict[tuple[str, str], Row] = {}
    for name, kind in runs:
        needs = 0.0 if tiny else NEEDS[name]
        if kind == "warm" and (name, "cold") in rows:
            needs = min(needs, rows[name, "cold"]["seconds"])
        run = partial(command, name, suites[name], kind, device, folder, budget)
        found = budget.measure(f"{name}, {kind}", needs, run)
        if found is not None:
            rows[name, kind] = found
    return {"suites": {name: _described(path) for name, path in suites.items()}, "runs": list(rows.values())}


def command(name: str, suite: Path | str, kind: str, device: str, folder: Path, budget: Budget) -> Row:
    """One `ganbench run`, of whose results only those of this run are there. Raises `RuntimeError` if it does not end
    well in the time that is left.
    """
    results = folder / f"{name}-{kind}"
    began = time.perf_counter()
    done = subprocess.run(
        [
            sys.executable, "-m", "ganbench", "run", "--suite", str(suite), "--results", str(results),
            "--device", device,
        ],
        capture_output=True, text=True, env=_environment(folder, name), cwd=folder, check=False, timeout=budget.left,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing on stderr"]
        raise RuntimeError(f"`ganbench run` of {name} ended with {done.returncode}: {said[-1]}")
    return {"suite": name, "kind": kind, "seconds": seconds, **_costs(results)}


def _environment(folder: Path, name: str) -> Mapping[str, str]:
    """Caches in the folder, one for each suite; what a user has set for torch's compiler does not reach them."""
    own = {"GANBENCH_CACHE": str(folder / f"cache-{name}"), "GANBENCH_DATA": str(folder / "data")}
    left = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
    return {**{key: value for key, value in os.environ.items() if key not in left}, **own}


def _costs(results: Path) -> Row:
    """What the records of a run say of its cost."""
    records = [json.loads(path.read_text()) for path in sorted(results.glob("runs/*/record.json"))]
    paths = sorted({record["provenance"].get("path") or "" for record in records})
    return {
        "runs": len(records),
        "train_seconds": sum(record["cost"].get("train_seconds") or 0.0 for record in records),
        "prepare_seconds": max((record["provenance"].get("prepare_seconds") or 0.0 for record in records), default=0.0),
        "paths": paths,
    }


def _described(suite: Path | str) -> str:
    return suite if isinstance(suite, str) else yaml.safe_load(suite.read_text())["about"]


def _suites(folder: Path, tiny: bool) -> dict[str, Path | str]:
    """The suites by name: two that ganbench ships, and a campaign on synthetic images."""
    if tiny:
        small = {"steps": 5, "batch": 32}
        points = {"losses": ["minimax"], "architectures": ["mlp"], "datasets": ["ring8"], "seeds": 1, "train": small}
        few = {"samples": 500, "real_samples": 500, "metrics": ["sliced-wasserstein"]}
        return {"quick": _written(folder, "small-points", {**points, "about": "small points", "evaluation": few})}
    write_idx(folder / "data" / "FashionMNIST" / "raw", 60_000, 10_000)
    return {"quick": "quick", "baseline": "baseline", "fashion": _written(folder, "fashion-like", campaign(folder))}


def campaign(folder: Path) -> dict[str, Any]:
    """Four losses on Fashion-MNIST, with an Inception of random weights as extractor."""
    return {
        "about": "4 losses x dcgan x 3 seeds x 3,000 steps on synthetic images in the format of Fashion-MNIST",
        "losses": LOSSES,
        "architectures": ["dcgan"],
        "datasets": ["fashion-mnist"],
        "seeds": 3,
        "train": {"steps": 3000, "batch": 64, "lr": 2e-4, "betas": [0.5, 0.999]},
        "evaluation": {
            "samples": 10_000,
            "real_samples": 10_000,
            "extractor": {"inception": {"weights": str(made_weights(folder))}},
        },
    }


def _written(folder: Path, name: str, content: dict[str, Any]) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def write_idx(folder: Path, train: int, test: int) -> None:
    """Synthetic images of ten classes in the four files of MNIST's format: blobs at places that depend on the class."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    for prefix, count in (("train", train), ("t10k", test)):
        labels = torch.randint(10, (count,), generator=generator)
        images = _blobs(labels, generator)
        _write_one(folder / f"{prefix}-images-idx3-ubyte", (count, 28, 28), images)
        _write_one(folder / f"{prefix}-labels-idx1-ubyte", (count,), labels.to(torch.uint8))


def _blobs(labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Bytes (N, 28, 28)."""
    place = torch.arange(28.0)
    angle = labels * (2 * torch.pi / 10)
    noise = 2 * torch.randn(2, len(labels), generator=generator)
    x, y = 14 + 8 * angle.cos() + noise[0], 14 + 8 * angle.sin() + noise[1]
    along = [(-((place - center[:, None]) ** 2) / 18).exp() for center in (x, y)]
    return (255 * along[1][:, :, None] * along[0][:, None, :]).to(torch.uint8)


def _write_one(path: Path, shape: Sequence[int], values: torch.Tensor) -> None:
    head = bytes((0, 0, IDX_BYTES, len(shape))) + struct.pack(f">{len(shape)}I", *shape)
    path.write_bytes(head + values.contiguous().numpy().tobytes())
