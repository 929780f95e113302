"""False claims and power of the comparison, measured on trained runs: `python -m benchmarks.comparison`.

A/A: one variant's 16 seeds are split at random into two halves of 8, 1,000 times, and compared like two
variants. A/B: two losses that are known to differ. Also measured: the effect of pairing by seed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import report, scaling
from ganbench.analysis import comparison, tables
from ganbench.analysis.score_table import Table, TableRow
from ganbench.report.text import sentences
from ganbench.results.store import Store
from ganbench.statistics.differences import Measure, Sample, compare
from ganbench.statistics.significance import ALPHA, paired, rank_permutation, welch
from ganbench.suite import plan_file

DRAWS, SEEDS, HALF = 1000, 16, 8
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
SUITES = {
    "aa": BASE.format(losses="minimax, nonsaturating", datasets="ring8, digits", seeds=SEEDS) + DIGITS,
    "ab": BASE.format(losses="nonsaturating, rpgan-r1r2", datasets="grid25", seeds=HALF)
    + "  - when: {dataset: grid25}\n    train: {steps: 6000}\n",
}
"""The baseline's recipes; `aa` with twice its seeds."""
TESTS: dict[str, Callable[[Any, Any], float]] = {
    "paired t": lambda a, b: paired(a, b)[2],
    "Welch t": lambda a, b: welch(a, b)[2],
    "rank permutation": rank_permutation,
}
SHIFTS = {"paired t": 0, "Welch t": HALF}
"""Seeds of the second half, relabeled as those of the first (paired comparison) or kept (unpaired)."""


def trained(name: str, folder: Path) -> list[Table]:
    """The tables of one of the suites, which is trained if it has not been."""
    path = folder / f"{name}.yaml"
    path.write_text(SUITES[name])
    scaling.ganbench(folder, "run", "--suite", path, "--results", folder)
    found = plan_file.load_plan(folder, name)
    assert found is not None
    return tables.build(found, Store(folder))


def claims(row: TableRow, stream: np.random.Generator) -> dict[str, Any]:
    """How often each test claims a difference between halves of one variant's seeds."""
    values = {name: np.array(score.values) for name, score in row.scores.items()}
    logs = {name: score.logs for name, score in row.scores.items()}
    scaled = {name: np.log(found) if logs[name] else found for name, found in values.items()}
    first, count, anywhere = next(iter(values)), dict.fromkeys(TESTS, 0), dict.fromkeys(SHIFTS, 0)
    for _ in range(DRAWS):
        order = stream.permutation(SEEDS)
        halves = {name: (found[order[:HALF]], found[order[HALF : 2 * HALF]]) for name, found in scaled.items()}
        for test, p in TESTS.items():
            count[test] += p(*halves[first]) < ALPHA
        for test, shift in SHIFTS.items():
            anywhere[test] += len(halves) * min(_as_shipped(x, y, shift) for x, y in halves.values()) < ALPHA
    named = {"dataset": row.dataset, "variant": row.title, "score": first}
    one, any_ = ({test: float(found) / DRAWS for test, found in counted.items()} for counted in (count, anywhere))
    return {**named, "one score": one, "any score": any_}


def _as_shipped(a: np.ndarray, b: np.ndarray, shift: int) -> float:
    """The p value of `ganbench compare`, for the same seeds on both sides or for different ones."""
    left, right = (
        Sample({seed + offset: float(v) for seed, v in enumerate(side)}) for side, offset in ((a, 0), (b, shift))
    )
    found = compare(left, right, Measure("higher", paired=not shift))
    assert found is not None
    return found.p


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
    """Train both suites, split the seeds into halves, print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = (results or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        rows = [row for table in trained("aa", folder) for row in table.variants]
        if any(row.n_ok < row.n for row in rows):
            raise SystemExit("a seed failed: halves of unequal size are not an A/A comparison")
        stream = np.random.default_rng(0)
        found = {
            "aa": [claims(row, stream) for row in rows],
            "pairing": pairing(rows),
            "ab": [sentences.sentence(one) for one in _ab(trained("ab", folder))],
        }
    report.write("comparison", report.machine(), found, whole=True)


def _ab(built: list[Table]) -> list[comparison.Comparison]:
    left, right = (comparison.named(name, built, "ab") for name in ("rpgan-r1r2", "nonsaturating"))
    return comparison.compare(left, right, ["modes"])


if __name__ == "__main__":
    main()
