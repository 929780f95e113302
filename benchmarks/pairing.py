"""What two losses with the same seeds have in common, measured on trained runs: `python -m benchmarks.pairing`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import report, scaling
from ganbench.analysis import tables
from ganbench.analysis.score_table import Table, TableRow
from ganbench.results.store import Store
from ganbench.suite import plan_file

SEEDS = 16
BASE = """\
losses: [{losses}]
architectures: [mlp, dcgan]
datasets: [{datasets}]
seeds: {seeds}
train: {{steps: 3000, batch: 128, n_dis: 1, lr: 2e-3, betas: [0, 0.99], schedule: cosine, ema: 0}}
evaluation: {{samples: 10000, real_samples: 10000}}
overrides:
"""
DIGITS = """\
  - when: {dataset: digits}
    train: {batch: 64, lr: 1e-3, betas: [0.5, 0.999], schedule: constant}
    evaluation: {samples: 5000, real_samples: 0}
  - when: {dataset: digits, architecture: mlp}
    architecture: {width: 256, depth: 2, latent: 64, slope: 0.2}
  - when: {dataset: digits, architecture: dcgan}
    train: {steps: 1000}
    architecture: {width: 16}
"""
SUITE = BASE.format(losses="minimax, nonsaturating", datasets="ring8, digits", seeds=SEEDS) + DIGITS
"""The baseline's recipes with twice its seeds."""


def trained(folder: Path) -> list[Table]:
    """The tables of the suite, which is trained if it has not been."""
    path = folder / "pairing.yaml"
    path.write_text(SUITE)
    scaling.ganbench(folder, "run", "--suite", path, "--results", folder)
    found = plan_file.load_plan(folder, "pairing")
    assert found is not None
    return tables.build(found, Store(folder))


def pairing(rows: list[TableRow]) -> list[dict[str, Any]]:
    """The correlation of two losses over shared seeds, and its effect on the noise of their difference."""
    found = []
    for i, a in enumerate(rows):
        for b in rows[i + 1 :]:
            if (a.dataset, a.architecture) != (b.dataset, b.architecture):
                continue
            for name in a.scores:
                x, y = (np.array(row.scores[name].values) for row in (a, b))
                if x.std() and y.std():
                    ratio = np.var(x - y, ddof=1) / (np.var(x, ddof=1) + np.var(y, ddof=1))
                    correlation = float(np.corrcoef(x, y)[0, 1])
                    found.append(
                        {"dataset": a.dataset, "architecture": a.architecture, "score": name,
                         "correlation": correlation, "variance_ratio": float(ratio)}
                    )  # fmt: skip
    return found


@click.command()
@click.option("--results", type=click.Path(path_type=Path), help="Keep the runs here; a second call trains nothing.")
def main(results: Path | None) -> None:
    """Train the suite, print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = (results or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        rows = [row for table in trained(folder) for row in table.variants]
        if any(row.n_ok < row.n for row in rows):
            raise SystemExit("a seed failed: seeds of one side alone are no pairs")
        report.write("pairing", report.machine(), pairing(rows), whole=True)


if __name__ == "__main__":
    main()
