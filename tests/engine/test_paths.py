"""Networks that are easily denied a path: attention, spectral norm, dropout that drops nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from ganbench import Data
from ganbench.engine import strategy
from ganbench.engine.compile import Program
from ganbench.engine.objective import Objective
from ganbench.engine.trainer import Trainer
from ganbench.errors import ContractError
from ganbench.suite.specs import TrainSpec
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax
from ganbench_losses.zero_centered import R1

CPU = torch.device("cpu")
POINTS = torch.randn(256, 2, generator=torch.Generator().manual_seed(0))
IMAGES = torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0)).tanh()


class Attention(Mlp):
    """A transformer over the rows of an image as D."""

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        layer = nn.TransformerEncoderLayer(shape[2], 4, 32, 0.0, batch_first=True)
        return nn.Sequential(nn.Flatten(1, 2), layer, nn.Flatten(), nn.Linear(shape[1] * shape[2], 1))


class Spectral(Mlp):
    """A small D with spectral norm of torch."""

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return nn.Sequential(spectral_norm(nn.Linear(2, 32)), nn.Tanh(), spectral_norm(nn.Linear(32, 1)))


class Dropping(Mlp):
    """A D with dropout that drops nothing."""

    share = 0.0

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return nn.Sequential(nn.Linear(2, 32), nn.Dropout(self.share), nn.Tanh(), nn.Linear(32, 1))


class DroppingHalf(Dropping):
    """A D with dropout."""

    share = 0.5


class Counting(Mlp):
    """A D whose layer keeps a number that is no buffer."""

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        class Counts(nn.Module):
            calls = 0

            def forward(self, x: Tensor) -> Tensor:
                self.calls += 1
                return x * self.calls

        return nn.Sequential(Counts(), nn.Linear(2, 1))


def _trainer(architecture: Mlp, *parts: Any, data: Tensor = POINTS, engine: str = "eager") -> Trainer:
    spec = TrainSpec(steps=4, batch=32, engine=engine)
    return Trainer(Objective.of(*parts), architecture, Data(data), spec, (0,), CPU)


def test_attention_trains_with_a_gradient_penalty() -> None:
    trained = _trainer(Attention(width=16, depth=1), Minimax(), R1(), data=IMAGES).run()[0]
    assert trained.failure is None
    assert all(torch.tensor(row[:2]).isfinite().all() for row in trained.history)


def test_dropout_that_drops_nothing_is_no_random_layer() -> None:
    assert _trainer(Dropping(width=16, depth=1), Minimax()).path.kind == "stacked"
    random = _trainer(DroppingHalf(width=16, depth=1), Minimax()).path
    assert random.kind == "looped"
    assert "Dropout uses its own random stream" in random.reason


def _uncompiled(function: Callable[..., object], example: tuple[object, ...], **settings: Any) -> Program:
    """A program that only calls the function, which must work for the example as when it is traced."""
    function(*example)
    form = tree_flatten(example)[1]

    def run(leaves: Sequence[Tensor]) -> list[Tensor]:
        return tree_leaves(function(*tree_unflatten(list(leaves), form)))

    return run


def test_a_small_network_that_vmap_cannot_map_is_compiled_for_one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy, "compiled", _uncompiled)
    trainer = _trainer(Spectral(width=16, depth=1), Minimax(), engine="compiled")
    assert (trainer.path.kind, trainer.path.lanes) == ("compiled", 1)
    assert trainer.path.reason.startswith("4 lanes are not compiled: ")
    assert trainer.run()[0].failure is None
    assert _trainer(Mlp(width=16, depth=1), Minimax(), engine="compiled").path.lanes == 4


@pytest.mark.slow
def test_a_small_network_with_spectral_norm_is_compiled() -> None:
    compiled = _trainer(Spectral(width=16, depth=1), Minimax(), engine="compiled")
    assert (compiled.path.kind, compiled.path.lanes) == ("compiled", 1)
    theirs = _trainer(Spectral(width=16, depth=1), Minimax()).run()[0]
    torch.testing.assert_close(compiled.run()[0].params, theirs.params, rtol=1e-4, atol=1e-5)


def test_a_layer_that_counts_its_calls_is_refused_in_words() -> None:
    with pytest.raises(ContractError, match="the discriminator gives other values when it is called again"):
        _trainer(Counting(width=16, depth=1), Minimax())


class Looking(Mlp):
    """A D that adds the row of a label in a table of torch's own."""

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        class Network(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.body, self.table = nn.Linear(2, 32), nn.Embedding(classes or 1, 32)

            def forward(self, x: Tensor, labels: Tensor) -> Tensor:
                logits: Tensor = (torch.tanh(self.body(x)) * self.table(labels)).sum(1)
                return logits

        return Network()


@pytest.mark.parametrize("network", [Mlp, Looking])
def test_a_table_of_ten_classes_is_stacked_with_the_bits_that_a_seed_has_alone(network: type[Mlp]) -> None:
    spec = TrainSpec(steps=12, batch=32, engine="eager")
    labels = torch.arange(256) * 7 % 10

    def trained(*seeds: int) -> dict[int, Any]:
        architecture = network(width=32, depth=1, latent=4, conditional=True)
        objective = Objective.of(Minimax(), R1())
        trainer = Trainer(objective, architecture, Data(POINTS, labels), spec, seeds, CPU, classes=10)
        assert trainer.path.kind == "stacked", trainer.path.reason
        return {result.seed: result for result in trainer.run()}

    together, alone = trained(0, 1, 2)[1], trained(1)[1]
    assert torch.equal(together.params, alone.params)
    assert torch.equal(together.discriminator, alone.discriminator)
    assert together.history == alone.history


def test_a_table_that_is_multiplied_is_not_stacked() -> None:
    """The head of ten class logits, and a table with spectral normalization."""
    spec = TrainSpec(steps=4, batch=32, engine="eager")
    for more in ({"class_head": True}, {"spectral_norm": "d"}):
        networks = Mlp(width=32, depth=1, latent=4, conditional=True, **more)
        data = Data(POINTS, torch.arange(256) % 10)
        path = Trainer(Objective.of(Minimax()), networks, data, spec, (0,), CPU, classes=10).path
        assert path.kind == "looped"
        assert "a dimension that is not a multiple of 4" in path.reason
