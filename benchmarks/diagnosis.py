"""Hits and false alarms of the diagnosis on planted faults: `python -m benchmarks.diagnosis`.

The limits of `ganbench.results.diagnosis` were set on seeds 0 to 3; the kept figures are of other seeds, from 2000.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import yaml

import ganbench as gb
from benchmarks import report
from ganbench.results.records import Record

FAULTS = Path(__file__).parent / "faults.py"
HELD_OUT = 2000
MLP = {"width": 256, "depth": 2, "latent": 64, "slope": 0.2}
FEWEST_MODES, LEAST_COVERAGE = 0.25, 0.2
"""A run without a planted fault counts as healthy with at least these shares of captured modes and coverage."""


@dataclass(frozen=True)
class Plant:
    """One fault in every domain, or none; any of the `expected` flags is a hit."""

    name: str
    expected: tuple[str, ...]
    losses: tuple[str, ...] = ("minimax", "rpgan + r1 + r2")
    prefix: str = ""
    """Prefix of the pair's name in the plugin of faults: `narrow-mlp`, `narrow-dcgan`."""
    train: dict[str, float] = field(default_factory=dict)
    """Factors on both rates, and D's moves per step."""
    steps: tuple[int, int, int, int] = (1000, 1000, 1000, 400)
    """On ring8, on grid25, of the MLPs and of the DCGANs on digits."""
    seeds: int = 2

    def suite(self, first: int) -> dict[str, Any]:
        """The baseline's recipes with the fault added."""
        mlp, dcgan = f"{self.prefix}mlp", f"{self.prefix}dcgan"
        ring8, grid25, by_mlp, by_dcgan = self.steps
        points = {"batch": 128, "betas": [0, 0.99], "schedule": "cosine", "steps": ring8, **self._moves(2e-3)}
        digits = {"batch": 64, "betas": [0.5, 0.999], "schedule": "constant", "steps": by_mlp, **self._moves(1e-3)}
        evaluation = {"samples": 2000, "real_samples": 0, "metrics": ["modes", "coverage-density"]}
        return {
            "plugins": [str(FAULTS)],
            "losses": list(self.losses),
            "architectures": [mlp, dcgan],
            "datasets": ["ring8", "grid25", "digits"],
            "seeds": list(range(first, first + self.seeds)),
            "train": points,
            "evaluation": {"samples": 5000, "real_samples": 5000, "metrics": ["modes"]},
            "overrides": [
                {"when": {"dataset": "grid25"}, "train": {"steps": grid25}},
                {"when": {"dataset": "digits"}, "train": digits, "evaluation": evaluation},
                {"when": {"dataset": "digits", "architecture": mlp}, "architecture": MLP},
                {"when": {"architecture": dcgan}, "architecture": {"width": 16}, "train": {"steps": by_dcgan}},
            ],
        }

    def _moves(self, lr: float) -> dict[str, object]:
        d, g = self.train.get("lr_d", 1), self.train.get("lr_g", 1)
        return {"d": {"lr": lr * d}, "g": {"lr": lr * g}, "n_dis": self.train.get("n_dis", 1)}


COLLAPSE, EXPLOSION, WEAK, VANISHING = "collapse", "explosion", "weak discriminator", "vanishing gradient"
PLANTS = (
    Plant("none", (), ("minimax", "nonsaturating", "rpgan + r1 + r2", "plain-hinge"), steps=(3000, 6000, 3000, 1000)),
    Plant("G ignores its latents", (COLLAPSE,), prefix="constant-"),
    Plant("G at 100 times the rate", (COLLAPSE,), ("minimax", "nonsaturating"), train={"lr_g": 100}),
    Plant("G 300 times too loud, and frozen", (EXPLOSION,), prefix="loud-", train={"lr_g": 1e-9}),
    Plant("D with 8 units (one channel)", (WEAK,), prefix="narrow-"),
    Plant("D at a hundredth of the rate", (WEAK,), train={"lr_d": 0.01}),
    Plant("D at 40 times the rate, 5 moves", (VANISHING,), ("minimax",), train={"lr_d": 40, "n_dis": 5}),
    Plant("G frozen", (VANISHING, COLLAPSE), ("minimax",), train={"lr_g": 1e-9}),
)  # fmt: skip


def trained(folder: Path, name: str, suite: dict[str, Any]) -> list[Record]:
    """The records of one trained suite, by id; a run that diverged is a record too."""
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(suite))
    return sorted(gb.run(path, results=folder / name).records, key=lambda record: record.id)


def row(plant: Plant, record: Record) -> dict[str, Any]:
    """What the table and its readers need to know about one run."""
    spec, evaluation = record.spec, record.evaluation
    dataset, architecture = spec.dataset.name, spec.architecture.name.removeprefix(plant.prefix)
    modes = {"ring8": 8, "grid25": 25, "digits": 10}[dataset]
    scores = {evaluation.cards[name].score: value for name, value in evaluation.metrics.items()}
    captured = scores["modes"] / modes if "modes" in scores else None
    coverage = scores.get("coverage")
    return {
        "plant": plant.name,
        "expected": list(plant.expected),
        "domain": f"digits {architecture}" if dataset == "digits" else "points",
        "dataset": dataset,
        "loss": spec.composition,
        "seed": spec.seed,
        "steps": spec.train.steps,
        "status": record.status,
        "captured": captured,
        "coverage": coverage,
        "healthy": captured is not None
        and captured >= FEWEST_MODES
        and (coverage is None or coverage >= LEAST_COVERAGE),
        "diagnosis": [vars(finding) for finding in record.diagnosis or ()],
    }


def short(plant: Plant) -> Plant:
    return replace(plant, losses=plant.losses[:1], steps=(500, 500, 300, 100), seeds=1)


@click.command()
@click.option("--development", is_flag=True, help="Seeds from 0, on which the limits were set; nothing is kept.")
@click.option("--quick", is_flag=True, help="Few short runs of seed 0, to try the benchmark itself; nothing is kept.")
def main(development: bool, quick: bool) -> None:
    """Train runs with and without a planted fault on points and digits, and count hits and false alarms."""
    first = 0 if development or quick else HELD_OUT
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        for index, plant in enumerate(PLANTS):
            suite = (short(plant) if quick else plant).suite(first)
            found += [row(plant, record) for record in trained(Path(name), f"plant{index}", suite)]
            click.echo(f"{plant.name}: done, {len(found)} runs so far", err=True)
    report.write("diagnosis", report.machine(), found, whole=first == HELD_OUT)


if __name__ == "__main__":
    main()
