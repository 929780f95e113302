"""What is trained: the cases of `benchmarks.engine`, a wide DCGAN in three precisions, penalties, residual networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import torch

from benchmarks.cases import BLANK, CASES, Case
from ganbench import Data, Loss
from ganbench.engine.objective import Objective
from ganbench.engine.trainer import Trainer
from ganbench.suite.train_spec import PlayerSpec, TrainSpec
from ganbench_losses.nonsaturating import NonSaturating
from ganbench_losses.rpgan import RpGAN
from ganbench_losses.zero_centered import R1, R2

LOSSES: Mapping[str, tuple[Loss, ...]] = {"nonsaturating": (NonSaturating(),), "rpgan + r1 + r2": (RpGAN(), R1(), R2())}


@dataclass(frozen=True)
class Side:
    """One way in which ganbench trains a case: how many seeds, whether compiled, whether with equal bits."""

    seeds: int
    compiled: bool = True
    deterministic: bool = True

    @property
    def title(self) -> str:
        how = "compiled" if self.compiled else "not compiled"
        return f"{self.seeds} seeds, {how}" + ("" if self.deterministic else ", not deterministic")


@dataclass(frozen=True)
class GpuCase:
    """A case of `benchmarks.cases` with its loss and precision; `steps` take a few seconds on a large GPU."""

    title: str
    case: Case
    steps: int
    sides: tuple[Side, ...]
    precision: str = "fp32"
    loss: str = "nonsaturating"

    def spec(self, side: Side, steps: int | None = None) -> TrainSpec:
        player = PlayerSpec(lr=self.case.lr, betas=self.case.betas)
        engine = "compiled" if side.compiled else "eager"
        spec = TrainSpec(
            steps=steps or self.steps, batch=self.case.batch, d=player, g=player, engine=engine,
            precision=self.precision,
        )  # fmt: skip
        if side.deterministic:
            return spec
        if "deterministic" not in {one.name for one in fields(TrainSpec)}:
            raise NotImplementedError("this ganbench has no `deterministic: false`")
        changed: dict[str, Any] = {"deterministic": False}
        return replace(spec, **changed)

    def trainer(self, spec: TrainSpec, seeds: tuple[int, ...], device: torch.device) -> Trainer:
        objective = Objective.of(*LOSSES[self.loss])
        return Trainer(objective, self.case.made(), Data(self.case.data()), spec, seeds, device)


@contextmanager
def rounding(precision: str) -> Iterator[None]:
    """Inside, products are rounded to TF32 or not, as a worker sets it."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


POINTS, WIDER, DIGITS, DIGITS_DCGAN, WIDE = CASES
RESNET = Case("ResNet, width 64, 3x32x32", "resnet", {}, "colour-noise", 64, 60, 2, 2e-4, (0.0, 0.9), BLANK, None)
PENALTIES = "rpgan + r1 + r2"
LOOSE = Side(8, deterministic=False)

GPU_CASES = (
    GpuCase("2-D recipe", POINTS, 3000, (Side(256), Side(64), Side(16), Side(64, compiled=False))),
    GpuCase("DCGAN w64, fp32", WIDE, 200, (Side(8), LOOSE, Side(8, compiled=False))),
    GpuCase("DCGAN w64, tf32", WIDE, 300, (Side(8), LOOSE), "tf32"),
    GpuCase("DCGAN w64, tf32, R1+R2", WIDE, 150, (Side(8),), "tf32", PENALTIES),
    GpuCase("digits DCGAN w16", DIGITS_DCGAN, 500, (Side(16), Side(16, deterministic=False))),
    GpuCase("2x128", WIDER, 3000, (Side(64),)),
    GpuCase("digits MLP", DIGITS, 3000, (Side(64), Side(64, compiled=False))),
    GpuCase("DCGAN w64, bf16", WIDE, 300, (Side(8),), "bf16"),
    GpuCase("DCGAN w64, fp32, R1+R2", WIDE, 100, (Side(8),), "fp32", PENALTIES),
    GpuCase("ResNet w64, tf32", RESNET, 100, (Side(4),), "tf32"),
)
"""In the order of their goals: what is last is left out first."""


def small(one: GpuCase) -> GpuCase:
    """The same case with little work, to test the benchmark itself."""
    params: dict[str, Any] = {**one.case.params, "width": 8 if one.case.architecture == "mlp" else 4}
    case = replace(one.case, params=params, batch=4 if one.case.architecture != "mlp" else 32)
    sides = tuple(replace(side, seeds=2, compiled=False, deterministic=True) for side in one.sides[:1])
    precision = "fp32" if one.precision == "tf32" else one.precision
    return replace(one, case=case, steps=6, sides=sides, precision=precision)
