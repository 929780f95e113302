"""The compiled step: the same game as uncompiled, the same bits whatever the neighbours, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Cli
from factories import make_train
from test_seeds import NoisyMlp
from torch import Tensor

from ganbench import Architecture, Critic, Data, Loss
from ganbench.engine import strategy
from ganbench.engine.compile import CannotCompileError, Program, compiled
from ganbench.engine.devices import missing_compiler
from ganbench.engine.objective import Objective
from ganbench.engine.state import TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.errors import ContractError
from ganbench.results.records import Failure
from ganbench.suite.specs import COMPILE_FROM, TrainSpec
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax
from ganbench_losses.rpgan import RpGAN
from ganbench_losses.zero_centered import R1, R2

pytestmark = pytest.mark.skipif(missing_compiler() is not None, reason=f"compiles: {missing_compiler()}")

CPU = torch.device("cpu")
SPEC = make_train(steps=60, batch=32, lr=2e-3, betas=(0.5, 0.99), schedule="cosine", ema=0.99, engine="compiled")
POINTS = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0))
IMAGES = torch.rand(200, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
SMALL = Mlp(width=20, depth=1)


PENALIZED: tuple[Loss, ...] = (RpGAN(), R1(), R2())


def _parts(loss: Loss | tuple[Loss, ...] | None) -> tuple[Loss, ...]:
    return loss if isinstance(loss, tuple) else (loss or Minimax(),)


def _train(
    seeds: Iterable[int],
    spec: TrainSpec = SPEC,
    loss: Loss | tuple[Loss, ...] | None = None,
    architecture: Architecture = SMALL,
    data: Tensor = POINTS,
) -> tuple[dict[int, TrainedSeed], Trainer]:
    trainer = Trainer(Objective.of(*_parts(loss)), architecture, Data(data), spec, tuple(seeds), CPU)
    return {result.seed: result for result in trainer.run()}, trainer


def _same(a: TrainedSeed, b: TrainedSeed) -> bool:
    return torch.equal(a.params, b.params) and torch.equal(a.average, b.average) and repr(a.history) == repr(b.history)


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param(Minimax(), id="minimax"),
        pytest.param(PENALIZED, id="penalized", marks=pytest.mark.slow),
    ],
)
def test_a_seed_has_the_same_bits_in_every_lane(loss: Loss | tuple[Loss, ...]) -> None:
    together, trainer = _train(range(6), SPEC, loss)
    assert (trainer.path.kind, trainer.path.lanes) == ("compiled", 4)
    assert [len(group.seeds) for group in trainer.groups] == [4, 4]  # the second is filled up
    for seeds in ([3], [5, 3, 0, 1, 2]):  # alone; in another order, the last one in a second stack
        some, _ = _train(seeds, SPEC, loss)
        assert all(_same(some[seed], together[seed]) for seed in seeds)


@pytest.mark.parametrize(
    ("loss", "architecture", "data", "lanes", "tolerance"),
    [
        (Minimax(), SMALL, POINTS, 4, 1e-5),
        (PENALIZED[:2], SMALL, POINTS, 4, 1e-5),  # a gradient of a gradient; R2 is R1 of the fakes
        (Minimax(), Mlp(width=50, depth=1), POINTS, 1, 1e-5),
        (Minimax(), Dcgan(width=4, latent=8), IMAGES, 1, 1e-4),
    ],
    ids=["lanes", "penalties", "alone", "convolutions"],
)
def test_a_program_plays_the_game_of_the_uncompiled_step(
    loss: Loss | tuple[Loss, ...], architecture: Architecture, data: Tensor, lanes: int, tolerance: float
) -> None:
    spec = replace(SPEC, steps=10)
    fast, trainer = _train([0, 1], spec, loss, architecture, data)
    slow, other = _train([0, 1], replace(spec, engine="eager"), loss, architecture, data)
    assert (trainer.path.kind, trainer.path.lanes) == ("compiled", lanes)
    assert other.path.kind in ("stacked", "looped")
    for seed in (0, 1):
        ours, expected = torch.tensor(fast[seed].history), torch.tensor(slow[seed].history)
        torch.testing.assert_close(ours[:, :2], expected[:, :2], atol=tolerance, rtol=tolerance)
        for name, buffer in slow[seed].buffers.items():  # running statistics, which the evaluation uses
            torch.testing.assert_close(fast[seed].buffers[name], buffer, atol=1e-3, rtol=1e-3)


class Branching(Minimax):
    """Reads a number on the host, which a program cannot."""

    def d_loss(self, critic: Critic) -> Tensor:
        value = super().d_loss(critic)
        return value if value.item() < 1e9 else 2 * value


@pytest.mark.parametrize(
    ("loss", "architecture", "why"),
    [
        (Branching(), SMALL, "not compiled"),
        (Minimax(), NoisyMlp(width=20), "random"),
    ],
)
def test_what_cannot_be_compiled_runs_uncompiled_and_says_why(loss: Loss, architecture: Architecture, why: str) -> None:
    long = replace(SPEC, steps=COMPILE_FROM, engine="auto")
    path = Trainer(Objective.of(loss), architecture, Data(POINTS), long, (0,), CPU).path
    assert path.kind in ("stacked", "looped")
    assert why in path.reason
    with pytest.raises(ContractError, match=why):
        Trainer(Objective.of(loss), architecture, Data(POINTS), SPEC, (0,), CPU)


def test_without_a_compiler_long_cells_run_uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    path = Trainer(
        Objective.of(Minimax()), SMALL, Data(POINTS), replace(SPEC, steps=COMPILE_FROM, engine="auto"), (0,), CPU
    ).path
    assert path.kind == "stacked"
    assert "no C++ compiler found (no-such-compiler)" in path.reason
    with pytest.raises(ContractError, match="no C\\+\\+ compiler found"):
        Trainer(Objective.of(Minimax()), SMALL, Data(POINTS), SPEC, (0,), CPU)


def test_short_cells_are_not_compiled_whatever_the_number_of_seeds() -> None:
    short = replace(SPEC, steps=COMPILE_FROM - 1, engine="auto")
    for seeds in ((0,), tuple(range(40))):
        path = Trainer(Objective.of(Minimax()), SMALL, Data(POINTS), short, seeds, CPU).path
        assert path.kind == "stacked"
        assert "too few for compiling to pay off" in path.reason


class HugeGradient(Minimax):
    """A gradient above 1.8e19 as soon as a batch holds the far point; losses and parameters stay finite."""

    def d_loss(self, critic: Critic) -> Tensor:
        scale = torch.where(critic.real_samples.amax() > 90, 1e22, 0.0)
        return super().d_loss(critic) + scale * (critic.real - critic.real.detach()).mean()


def test_a_moment_that_is_not_finite_in_a_program_is_divergence() -> None:
    far = torch.cat([POINTS, torch.full((1, 2), 100.0)])
    results, trainer = _train(range(5), replace(SPEC, steps=100), HugeGradient(), data=far)
    assert trainer.path.kind == "compiled"
    failures = [result.failure for result in results.values() if result.failure]
    assert failures
    for failure in failures:
        assert failure == Failure("diverged", "a moment of the optimizer was not finite", step=failure.step, after=True)
        assert failure.step in (49, 99)
    assert all(result.discriminator.isfinite().all() for result in results.values())


def test_a_program_that_computes_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the compiler that only the second step shows: the first is right, but its state is wrong."""

    def wrong(function: Callable[..., Any], example: tuple[Any, ...], fixed: int = 0, **rest: Any) -> Program:
        program = compiled(function, example, fixed, **rest)
        if not fixed:  # the draws
            return program
        return lambda leaves: [out * 2 if out.shape == leaves[fixed].shape else out for out in program(leaves)]

    monkeypatch.setattr("ganbench.engine.trainer.build_engine", partial(strategy.build_engine, compiler=wrong))
    path = Trainer(
        Objective.of(Minimax()), SMALL, Data(POINTS), replace(SPEC, steps=COMPILE_FROM, engine="auto"), (0,), CPU
    ).path
    assert path.kind == "stacked"
    assert "the program's" in path.reason


def test_a_tensor_passed_twice_is_two_arguments() -> None:
    x = torch.arange(6.0).reshape(2, 3)
    program = compiled(lambda a, b: a - 2 * b, (x, x))
    torch.testing.assert_close(program([x, x + 1])[0], x - 2 * (x + 1))


@pytest.mark.parametrize(
    "shape",
    [
        (5, 64, 32, 2),
        pytest.param((5, 2, 32, 64), marks=pytest.mark.slow),
        pytest.param((3, 16, 8, 1), marks=pytest.mark.slow),
        (2, 1, 8, 1),
    ],
)
def test_products_with_a_narrow_side_are_right(shape: tuple[int, ...]) -> None:
    lanes, rows, inner, columns = shape
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(lanes, rows, inner, generator=generator)
    b = torch.randn(lanes, inner, columns, generator=generator)
    for left, right in ((a, b), (a[0], b[0])):
        program = compiled(lambda x, y: (x @ y).reshape(-1), (left, right))
        torch.testing.assert_close(program([left, right])[0], (left @ right).reshape(-1), atol=1e-5, rtol=1e-5)


def test_random_numbers_cannot_be_compiled() -> None:
    with pytest.raises(CannotCompileError, match="random numbers"):
        compiled(lambda x: x + torch.randn_like(x), (torch.ones(3),))


def test_bfloat16_trains_float32_parameters_and_another_path() -> None:
    spec = replace(SPEC, steps=20, engine="eager")
    half, trainer = _train([0, 1], replace(spec, precision="bf16"))
    full, _ = _train([0, 1], spec)
    assert trainer.path.kind == "looped"
    assert half[0].failure is None
    assert half[0].params.dtype == torch.float32
    assert not torch.equal(half[0].params, full[0].params)
    torch.testing.assert_close(half[0].history[0][0], full[0].history[0][0], atol=2e-2, rtol=2e-2)


SUITE = """
losses: [minimax]
architectures: [{mlp: {width: 20, depth: 1}}]
datasets: [ring8]
seeds: 3
train: {steps: 60, batch: 32, engine: %s, precision: %s}
evaluation: {samples: 1000, real_samples: 1000}
"""


@pytest.mark.parametrize(
    ("engine", "precision", "compiler", "words"),
    [
        ("auto", "tf32", "g++", "precision tf32 needs a CUDA GPU"),
        ("compiled", "fp32", "no-such-compiler", "engine compiled: no C++ compiler found"),
    ],
)
def test_what_a_machine_cannot_do_is_reported_before_anything_trains(
    inside: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, precision: str, compiler: str, words: str
) -> None:
    monkeypatch.setenv("CXX", compiler)
    suite = tmp_path / "fast.yaml"
    suite.write_text(SUITE % (engine, precision))
    done = inside("run", "--suite", suite, "--device", "cpu")
    assert done.code == 3
    assert words in done.err
    assert "Traceback" not in done.err
    assert not list((tmp_path / "results").glob("runs/*"))
