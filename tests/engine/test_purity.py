"""A step is taken twice at the start of every cell: impure plugins are named, with the rule and what to do."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from impure import (
    AddsItsOwn,
    AddsNoise,
    Clips,
    Counts,
    Detached,
    Drops,
    Extras,
    First,
    Fourth,
    Generator,
    InPlace,
    Memory,
    Negates,
    Networks,
    Numpy,
    Pure,
    Random,
    Remembers,
    Shifts,
    Slices,
    Sometimes,
    Undeclared,
    Varies,
)
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganbench import Critic, Data, normal
from ganbench.engine.objective import Objective
from ganbench.engine.purity import check_purity
from ganbench.engine.setting import build_example
from ganbench.engine.trainer import Trainer
from ganbench.engine.watch import ImpureError
from ganbench.errors import ContractError
from ganbench.runner.run_record import failure
from ganbench.suite.specs import TrainSpec
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp

CPU = torch.device("cpu")
SMALL = Mlp(width=32, depth=2)
POINTS = torch.randn(500, 2, generator=torch.Generator().manual_seed(0)).tanh()


LOSSES: dict[str, tuple[type[Pure], str, str]] = {
    "an attribute": (
        Remembers,
        "d_loss returns other values for the same inputs after one other step .its attribute 'average' changed",
        "hidden-state",
    ),
    "numpy": (Numpy, "d_loss returns .*the stream of numpy.random moved on", "hidden-state"),
    "random": (Random, "g_loss returns .*the stream of random moved on", "hidden-state"),
    "the first batch": (First, "d_loss does something else .*its attribute 'center' changed", "hidden-state"),
    "another way": (Sometimes, "d_loss does something else", "hidden-state"),
    "undeclared": (Undeclared, r"d_loss draws random numbers \(randn_like\).*declare the draw", "undeclared-noise"),
    "dropout": (Drops, "g_loss draws random numbers", "undeclared-noise"),
    "a generator": (Generator, r"d_loss draws random numbers \(rand\)", "undeclared-noise"),
    "in place": (Negates, r"d_loss changes what it was given, in place \(mul_\); compute a new tensor", "in-place"),
    "a view": (Slices, r"d_loss changes what it was given, in place \(add_\)", "in-place"),
    "detached": (Detached, r"g_loss changes what it was given, in place \(mul_\)", "in-place"),
    "project": (Clips, r"project changes what it was given, in place \(clamp_\)", "in-place"),
    "memory": (Memory, r"memory draws random numbers \(rand\)", "undeclared-noise"),
}


def _trainer(*parts: Any, transforms: tuple[Any, ...] = (), architecture: Any = SMALL, **spec: Any) -> Trainer:
    train = TrainSpec(**{"steps": 10, "engine": "eager", **spec})
    data = Data(POINTS if architecture.supports((2,)) is None else torch.rand(80, 1, 16, 16))
    return Trainer(Objective.of(*parts, transforms=transforms), architecture, data, train, (0,), CPU)


@pytest.mark.parametrize("case", LOSSES)
def test_a_loss_that_is_not_pure_trains_nothing(case: str) -> None:
    loss, seen, rule = LOSSES[case]
    with pytest.raises(ImpureError, match=f"^loss '{loss.__name__}': {seen}") as caught:
        _trainer(loss())
    assert caught.value.rule == rule
    assert str(caught.value).endswith(f"[{rule}]")
    assert isinstance(caught.value, ContractError)


def test_work_in_place_on_extras_is_named() -> None:
    with pytest.raises(ImpureError, match=r"^loss 'Extras': d_loss changes what it was given, in place \(mul_\)"):
        _trainer(Extras(), architecture=Mlp(width=32, depth=2, features=True))


RULES = [(AddsItsOwn, "undeclared-noise"), (Shifts, "in-place"), (Varies, "hidden-state")]


@pytest.mark.parametrize(("transform", "rule"), RULES)
def test_a_transform_that_is_not_pure_trains_nothing(transform: type, rule: str) -> None:
    with pytest.raises(ImpureError, match=f"^transform '{transform.__name__}': ") as caught:
        _trainer(Pure(), transforms=(AddsNoise(), transform()))
    assert caught.value.rule == rule


def _with_layer(layer: type[nn.Module]) -> Mlp:
    made = Networks(width=32, depth=2)
    object.__setattr__(made, "layer", layer)
    return made


def test_a_network_with_hidden_state_is_named() -> None:
    with pytest.raises(
        ImpureError, match=r"^the discriminator: returns other values for the same inputs after .*registered buffers"
    ):
        _trainer(Pure(), architecture=_with_layer(Counts))


def test_a_network_that_changes_its_input_is_named() -> None:
    with pytest.raises(ImpureError, match=r"^the discriminator: changes what it was given, in place \(relu_\)"):
        _trainer(Pure(), architecture=_with_layer(InPlace))


@pytest.mark.parametrize("layer", [nn.Dropout, nn.BatchNorm1d])
def test_the_layers_own_stream_and_buffers_are_allowed(layer: type[nn.Module]) -> None:
    made = (lambda: nn.BatchNorm1d(2)) if layer is nn.BatchNorm1d else layer
    trainer = _trainer(Pure(), architecture=_with_layer(made))  # type: ignore[arg-type]
    assert trainer.run()[0].failure is None


class Declared(Pure):
    """Everything that is allowed: declared noise, a memory, a projection, gradients, work in place on its own."""

    noise = {"eps": normal("sample")}

    def d_loss(self, critic: Critic) -> Tensor:
        own = critic.real_samples + critic.noise["eps"]
        own.mul_(0.5)
        level = critic.memory["level"]
        penalty = critic.gradient(critic.between()).square().mean() + critic(own).square().mean()
        return super().d_loss(critic) + penalty + (critic.fake - level).square().mean()

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"level": torch.zeros(())}

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        return {"level": 0.9 * critic.memory["level"] + 0.1 * critic.real.mean()}

    def project(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value.clamp(-1, 1) for name, value in params.items()}


@pytest.mark.parametrize("play", ["alternating", "simultaneous", "unrolled(2)"])
def test_what_is_declared_is_pure(play: str) -> None:
    trainer = _trainer(Declared(), transforms=(AddsNoise(),), play=play, n_dis=2)
    assert trainer.run()[0].failure is None


def _checked(trainer: Trainer, times: int) -> None:
    check_purity(trainer.setting, build_example(trainer.setting, trainer.spec, 0, CPU), times)


def test_a_counter_that_acts_at_every_fourth_call_needs_more_than_two() -> None:
    loss = Fourth()
    trainer = _trainer(loss)
    loss.calls[0] = 0
    _checked(trainer, 3)
    with pytest.raises(ImpureError, match=r"^loss 'Fourth': d_loss returns .* for the same inputs after 3 other steps"):
        _checked(trainer, 16)


def test_the_check_leaves_no_trace_in_a_plugin() -> None:
    loss = Fourth()
    trainer = _trainer(loss)
    loss.calls[0] = 0
    _checked(trainer, 3)
    assert loss.calls == [0]


class WholeBatch(Pure):
    """It needs the batch of the suite."""

    def d_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.real.topk(32).values).mean() + softplus(critic.fake).mean()


def test_convolutions_are_checked_on_a_small_batch_unless_a_plugin_needs_the_whole() -> None:
    seen: list[int] = []

    class Looks(Pure):
        def d_loss(self, critic: Critic) -> Tensor:
            seen.append(len(critic.real))
            return super().d_loss(critic)

    trainer = _trainer(WholeBatch(), architecture=Dcgan(width=4, latent=8))
    assert trainer.run()[0].failure is None
    looked = _trainer(Looks(), architecture=Dcgan(width=4, latent=8))
    seen.clear()
    _checked(looked, 2)
    assert seen == [4, 4, 4]


def test_what_a_plugin_raises_is_not_hidden() -> None:
    class Raises(Pure):
        def d_loss(self, critic: Critic) -> Tensor:
            raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        _trainer(Raises())


def test_the_global_stream_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    trainer = _trainer(Pure())
    torch.manual_seed(5)
    _checked(trainer, 2)
    assert torch.equal(torch.rand(3), expected)


def test_the_error_survives_the_way_out_of_a_worker() -> None:
    error = pickle.loads(pickle.dumps(ImpureError("loss 'x': d_loss", "in-place", "changes it", "do not")))
    assert failure(error)[0].message == str(error)
    assert (str(error), error.rule) == ("loss 'x': d_loss changes it; do not [in-place]", "in-place")
