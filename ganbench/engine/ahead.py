"""Compiles the programs of a cell before its turn, so that the process that trains it finds them in the store."""

from __future__ import annotations

from dataclasses import replace

import torch

from ganbench.engine.backend import backend_of
from ganbench.engine.determinism import arithmetic
from ganbench.engine.objective import Objective
from ganbench.engine.path import choose_path
from ganbench.engine.setting import build_example, build_setting
from ganbench.engine.strategy import build_engine
from ganbench.engine.trainer import differentiable_attention
from ganbench.registry.contracts import Data
from ganbench.registry.training_contracts import Architecture
from ganbench.suite.train_spec import TrainSpec


def compile_ahead(
    objective: Objective, architecture: Architecture, data: Data, spec: TrainSpec, seed: int, device: torch.device,
    classes: int | None = None,
) -> bool:  # fmt: skip
    """Compile what `Trainer` would compile for these arguments, and store it; False if it would compile nothing.

    Nothing is trained, and no step is recorded on a GPU. Raises what the compiler and the plugins raise.
    """
    setting = build_setting(objective, architecture, data, spec, seed, device, classes)
    backend = replace(backend_of(device), recorder=None)
    path = choose_path(setting.game, spec, backend)
    if path.kind != "compiled":
        return False
    example = build_example(setting, spec, seed, device)
    with differentiable_attention(), arithmetic(spec, device):
        return build_engine(path, setting, spec, example, backend).path.kind == "compiled"
