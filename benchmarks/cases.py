"""The timed cases: the same networks, data and optimizer for both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor, nn

from ganbench.registry.choice import Choice
from ganbench.registry.registry import Registry
from ganbench.registry.training_contracts import Architecture

IMAGES = Path(__file__).parent / "images.py"


@dataclass(frozen=True)
class Case:
    """One comparison. `steps` and `seeds` are those of a real suite, except in the last case."""

    name: str
    architecture: str
    params: Mapping[str, Any]
    dataset: str
    batch: int
    steps: int
    seeds: int
    lr: float
    betas: tuple[float, float]
    evaluation: Mapping[str, Any]
    goal: tuple[float, float] | None

    @property
    def latent(self) -> int:
        return self.made().latent

    def made(self) -> Architecture:
        made: Architecture = _registry().create("architecture", Choice(self.architecture, self.params))
        return made

    def data(self) -> Tensor:
        registry = _registry()
        samples: Tensor = registry.create("dataset", Choice(self.dataset)).load("train").samples
        return samples

    def modules(self) -> tuple[nn.Module, nn.Module]:
        architecture, shape = self.made(), tuple(self.data().shape[1:])
        return architecture.generator(shape), architecture.discriminator(shape)

    def suite(self) -> str:
        """The case as a suite file for `ganbench run`."""
        train = {
            "steps": self.steps, "batch": self.batch, "lr": self.lr, "betas": list(self.betas),
            "schedule": "constant", "engine": "compiled",
        }  # fmt: skip
        return yaml.safe_dump(
            {
                "about": f"speed: {self.name}",
                "plugins": [str(IMAGES)],
                "losses": ["nonsaturating"],
                "architectures": [{self.architecture: dict(self.params)}],
                "datasets": [self.dataset],
                "seeds": self.seeds,
                "train": train,
                "evaluation": dict(self.evaluation),
            }
        )


def _registry() -> Registry:
    return Registry.load([IMAGES])


POINTS = {"samples": 1000, "real_samples": 1000}
DIGITS = {"samples": 1000, "metrics": ["fid"]}
BLANK = {"samples": 100, "metrics": ["mean-colour"]}
MLP = {"width": 256, "depth": 2, "latent": 64, "slope": 0.2}

CASES = (
    Case("2-D recipe, 3x64", "mlp", {}, "ring8", 128, 3000, 8, 2e-3, (0.0, 0.99), POINTS, (8.0, 4.0)),
    Case("2x128", "mlp", {"width": 128, "depth": 2}, "grid25", 256, 3000, 8, 2e-3, (0.0, 0.99), POINTS, (3.5, 2.4)),
    Case("digits MLP, 2x256", "mlp", MLP, "digits", 64, 3000, 4, 1e-3, (0.5, 0.999), DIGITS, (2.5, 1.7)),
    Case(
        "digits DCGAN, width 16", "dcgan", {"width": 16}, "digits", 64, 1000, 4, 1e-3, (0.5, 0.999), DIGITS, (2.0, 1.15)
    ),
    Case("DCGAN, width 64, 3x32x32", "dcgan", {}, "colour-noise", 64, 60, 2, 2e-4, (0.5, 0.999), BLANK, None),
)
