"""Every shipped part of a loss trains: alone as in a stack to the bit, and compiled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from factories import make_train

from ganbench import Data
from ganbench.engine.objective import Objective
from ganbench.engine.path import ExecutionPath
from ganbench.engine.state import TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.suite.specs import TrainSpec
from ganbench_architectures.mlp import Mlp
from ganbench_losses import register_losses
from ganbench_losses.fgan import DIVERGENCES
from ganbench_losses.nonsaturating import NonSaturating

CLASSES = 3
SPEC = make_train(steps=16, batch=32, lr=1e-3, betas=(0.0, 0.9))
PARTS: dict[str, type] = register_losses()
CHANGED: dict[str, dict[str, Any]] = {
    **{f"fgan {name}": {"divergence": name} for name in DIVERGENCES},
    "mmd features": {"features": True},
    "r1 every": {"every": 4},
    "gradient-penalty one_sided": {"one_sided": True},
}
NAMES = [*PARTS, *CHANGED]
COMPILED = (
    "rpgan", "r1 every", "gradient-penalty", "lecam", "multi-hinge", "weight-clipping", "path-length", "began",
)  # fmt: skip
"""One part for each thing that a program may hold: pairs, two programs, second derivatives, memory, labels and extras,
a projection, G itself, an auto-encoder. All parts would take CI a quarter of an hour; `ganbench check` traces all."""


Trained = tuple[dict[int, TrainedSeed], ExecutionPath, torch.Tensor]
"""Seeds by number, how they were trained, and G's parameters (S, P) before the first step."""


def _parts(name: str) -> tuple[Any, ...]:
    """A game, or a part that is added to one, after the game that it is added to."""
    part = PARTS[name.split()[0]](**CHANGED.get(name, {}))
    is_game = getattr(part, "game", True) and hasattr(part, "d_loss") and hasattr(part, "g_loss")
    return (part,) if is_game else (NonSaturating(), part)


def _train(name: str, seeds: tuple[int, ...], spec: TrainSpec = SPEC) -> Trained:
    parts = _parts(name)
    needs = {need for part in parts for need in getattr(part, "needs", ())}
    conditional = bool(needs & {"labels", "class_logits"})
    architecture = Mlp(
        width=32, depth=2, latent=4, autoencoder="reconstruction" in needs, features="features" in needs,
        conditional=conditional, class_head="class_logits" in needs,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    samples, labels = torch.randn(256, 2, generator=generator), torch.randint(CLASSES, (256,), generator=generator)
    data = Data(samples + labels[:, None], labels)
    cpu = torch.device("cpu")
    trainer = Trainer(
        Objective.of(*parts), architecture, data, spec, seeds, cpu, classes=CLASSES if conditional else None
    )
    started = trainer.groups[0].state.generator.params.clone()
    return {result.seed: result for result in trainer.run()}, trainer.path, started


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_and_a_seed_is_the_same_alone_and_in_a_stack(name: str) -> None:
    together, path, _ = _train(name, (0, 1, 2))
    assert path.kind == "stacked", path.reason
    alone, _, started = _train(name, (1,))
    assert together[1].failure is None
    assert torch.equal(together[1].params, alone[1].params)
    assert not torch.equal(together[0].params, together[1].params)
    assert (alone[1].params - started[0]).abs().max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILED)
def test_it_is_compiled_and_computes_the_same(name: str) -> None:
    compiled, path, _ = _train(name, (0, 1), replace(SPEC, steps=5, engine="compiled"))
    assert path.kind == "compiled"
    plain, _, _ = _train(name, (0, 1), replace(SPEC, steps=5))
    torch.testing.assert_close(compiled[1].params, plain[1].params, atol=1e-3, rtol=1e-2)
