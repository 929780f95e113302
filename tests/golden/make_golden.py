"""Golden records: what a tiny suite gives on every path of the engine, committed, so that no change goes unseen.

`python tests/golden/make_golden.py` runs the suite through the command line and writes `golden.json` beside this file.
Run it again only if results are meant to change, and say why in the commit.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

FOLDER = Path(__file__).parent
SUITE = FOLDER / "golden.yaml"
GOLDEN = FOLDER / "golden.json"
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "torch-fidelity", "pillow")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
REFERENCES = ("real", "noise")
"""The `gaussian` reference is left out: the signs of its eigenvectors differ between machines."""


def collect(folder: Path) -> dict[str, Any]:
    """Run the golden suite with its results in `folder`, and return what its records and weights hold."""
    command = [sys.executable, "-m", "ganbench", "run", "--suite", str(SUITE), "--results", str(folder), "--jobs", "1"]
    one_thread = dict.fromkeys(THREADS, "1")
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env={**os.environ, **one_thread}, cwd=folder)
    if done.returncode:
        raise RuntimeError(f"ganbench run ended with {done.returncode}\n{done.stderr}")
    runs = [_run(path.parent) for path in sorted((folder / "runs").glob("*/record.json"))]
    references = [_reference(path.parent) for path in sorted((folder / "references").glob("*/record.json"))]
    return {
        "environment": environment(),
        "runs": {run["id"]: run for run in runs},
        "references": {one["id"]: one for one in references if one["reference"] in REFERENCES},
    }


def environment() -> dict[str, str]:
    """What decides the bits: libraries, processor, compiler."""
    from importlib.metadata import version

    import torch

    compiler = os.environ.get("CXX") or "g++"
    return {
        **{name: version(name) for name in LIBRARIES},
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "compiler": subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout.splitlines()[0],
    }


def _processor() -> str:
    """Name, family, model and instruction sets of the processor, as a short hash with the name before it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    kept = ("model name", "cpu family", "model", "stepping", "flags", "Features")
    facts = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in reversed(lines)}
    text = "\n".join(f"{name}: {facts.get(name, '')}" for name in kept)
    return f"{facts.get('model name', '')} {hashlib.sha256(text.encode()).hexdigest()[:12]}".strip()


def _run(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / "record.json").read_text())
    (path,) = folder.glob("scores/*.json")
    scores = json.loads(path.read_text())
    spec, provenance = record["spec"], record["provenance"]
    return {
        "variant": [spec["loss"][0]["name"], spec["architecture"]["name"], spec["dataset"]["name"], spec["seed"]],
        "path": [provenance["path"], provenance["lanes"]],
        "engine": spec["train"]["engine"],
        "compiling_took_time": provenance["prepare_seconds"] > 0 if provenance["path"] == "compiled" else None,
        **{name: record[name] for name in ("id", "status", "reason", "signals", "diagnosis")},
        "evaluation": scores["id"],
        **{name: scores[name] for name in ("metrics", "verdict", "histogram")},
        "snapshots": [[one["step"], one["metrics"]] for one in scores["snapshots"]],
        "history": _digest((folder / "history.csv").read_bytes()),
        "rows": [line.split(",") for line in (folder / "history.csv").read_text().splitlines()[1:]],
        "samples": scores["evaluation"]["samples"],
        "pictures": {path.name: _digest(path.read_bytes()) for path in sorted(folder.glob("*.png"))},
        "weights": _weights(folder / "weights.safetensors"),
    }


def _reference(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / "record.json").read_text())
    names = ("id", "metrics", "verdict", "histogram", "samples")
    spec = record["spec"]
    return {
        "reference": spec["reference"],
        "dataset": spec["dataset"]["name"],
        **{name: record[name] for name in names},
        "pictures": {path.name: _digest(path.read_bytes()) for path in sorted(folder.glob("*.png"))},
    }


def _weights(path: Path) -> dict[str, Any]:
    """By tensor: a digest of its bytes, and its norm, sum and first value."""
    tensors = load_file(path)
    return {
        name: {
            "digest": _digest(tensor.tobytes()),
            "numbers": [
                float((tensor.astype("float64") ** 2).sum() ** 0.5),
                float(tensor.astype("float64").sum()),
                float(tensor.reshape(-1)[0]),
            ],
        }
        for name, tensor in sorted(tensors.items())
    }


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def main() -> None:
    """Write the golden file, or print what a folder's run gives if one is named."""
    with tempfile.TemporaryDirectory() as folder:
        found = collect(Path(folder))
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN
    target.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    print(f"{target}: {len(found['runs'])} runs, {len(found['references'])} references")


if __name__ == "__main__":
    main()
