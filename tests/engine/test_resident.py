"""Steps in place give the bits of the plain path, however they are repeated and however many advance at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
import torch
from tape import Tape
from torch import Tensor

from ganbench import Architecture, Critic, Data, normal, seeding
from ganbench.engine import strategy
from ganbench.engine.backend import Backend
from ganbench.engine.checkpoints import packed, unpacked
from ganbench.engine.devices import missing_compiler
from ganbench.engine.objective import Objective, Setup
from ganbench.engine.recorder import Loop, Recorder
from ganbench.engine.state import Callback, SeedState, TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.registry.schedules import Schedule
from ganbench.suite.train_spec import PlayerSpec, TrainSpec
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax
from ganbench_losses.zero_centered import R1

CPU = torch.device("cpu")
PLAYER = PlayerSpec(lr=2e-3, betas=(0.5, 0.99))
BLOCK = 12
"""Steps of a block here, so that two blocks are short."""
SPEC = TrainSpec(steps=16, batch=32, d=PLAYER, g=PLAYER, engine="eager")
POINTS = Data(torch.randn(500, 2, generator=torch.Generator().manual_seed(0)), torch.arange(500) % 4)
IMAGES = Data(torch.rand(100, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1)
SMALL = Mlp(width=16, depth=1)
SEEDS = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Remembering:
    """A moving average of logits, one value that stays, and D's first parameters as they were before each move."""

    pull: float = 1.0
    game = False
    noise = {"eps": normal("sample")}

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        first = next(iter(params.values()))
        return {"real": torch.zeros(()), "start": first.mean(), "before": torch.zeros_like(first)}

    def d_loss(self, critic: Critic) -> Tensor:
        near = critic(critic.real_samples + 0.1 * critic.noise["eps"])
        gap = (next(iter(critic.params.values())) - critic.memory["before"]).square().mean()
        return self.pull * (near.mean() - critic.memory["real"]).square() + 0.1 * gap

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        return {
            "real": 0.9 * critic.memory["real"] + 0.1 * critic.real.mean(),
            "start": critic.memory["start"],
            "before": next(iter(critic.params.values())),
        }


@dataclass(frozen=True)
class Lazy(R1):
    """R1 at every third step."""

    every: int = 3


MEMORY = Objective(
    (
        Setup("minimax", Minimax()),
        Setup("remembering", Remembering(), {"pull": Schedule(1.0, 0.0, 1.0, "linear")}),
    )
)
GAMES: dict[str, tuple[Objective, Architecture, Data, TrainSpec]] = {
    "minimax": (Objective.of(Minimax()), SMALL, POINTS, SPEC),
    "lazy": (Objective.of(Minimax(), Lazy()), SMALL, POINTS, SPEC),
    "memory": (MEMORY, SMALL, POINTS, replace(SPEC, ema=0.9)),
    "conditional": (Objective.of(Minimax()), SMALL, POINTS, replace(SPEC, n_dis=2)),
    "unrolled": (Objective.of(Minimax()), SMALL, POINTS, replace(SPEC, play="unrolled(2)", fresh_real=False)),
    "convolutions": (Objective.of(Minimax()), Dcgan(width=4, latent=8), IMAGES, replace(SPEC, steps=14)),
    "odd batch": (Objective.of(Minimax()), SMALL, POINTS, replace(SPEC, batch=20)),
}


@pytest.fixture(autouse=True)
def _short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "BLOCK", BLOCK)


def _seeds(name: str) -> tuple[int, ...]:
    """The seeds of a game; convolutions have one to a branch, so that two are enough."""
    return SEEDS[:2] if name == "convolutions" else SEEDS


def _backend(recorder: Callable[[], Recorder], lanes: int = 4, **changes: Any) -> Backend:
    return replace(Backend("card", None, recorder, lanes=lanes, small="small networks are stacked"), **changes)


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[dict[int, TrainedSeed], Trainer]]:
    """Trains a game on a device that records, or on the CPU as it is."""

    def trained(
        name: str, backend: Backend | None, seeds: tuple[int, ...] = SEEDS, run: Callable[[Trainer], Any] = Trainer.run,
        **rest: Any,
    ) -> tuple[dict[int, TrainedSeed], Trainer]:  # fmt: skip
        objective, architecture, data, spec = GAMES[name]
        with monkeypatch.context() as patch:
            if backend is not None:
                patch.setattr("ganbench.engine.trainer.backend_of", lambda device: backend)
            classes = 4 if name == "conditional" else None
            trainer = Trainer(objective, architecture, data, spec, seeds, CPU, classes=classes, **rest)
        return {result.seed: result for result in run(trainer)}, trainer

    return trained


Train = Callable[..., tuple[dict[int, TrainedSeed], Trainer]]


@pytest.fixture(scope="module")
def _known() -> dict[str, tuple[dict[int, TrainedSeed], Trainer]]:
    return {}


@pytest.fixture
def plain(
    train: Train, _known: dict[str, tuple[dict[int, TrainedSeed], Trainer]]
) -> Callable[[str], tuple[dict[int, TrainedSeed], Trainer]]:
    """Trains a game of `GAMES` on the plain path, once for all tests."""

    def once(name: str) -> tuple[dict[int, TrainedSeed], Trainer]:
        if name not in _known:
            _known[name] = train(name, None, _seeds(name))
        return _known[name]

    return once


Plain = Callable[[str], tuple[dict[int, TrainedSeed], Trainer]]


def _same(a: TrainedSeed, b: TrainedSeed) -> bool:
    buffers = all(torch.equal(a.buffers[name], b.buffers[name]) for name in a.buffers)
    vectors = all(torch.equal(getattr(a, name), getattr(b, name)) for name in ("params", "average", "discriminator"))
    return buffers and vectors and a.steps == b.steps and repr(a.history) == repr(b.history)


@pytest.mark.parametrize(("name", "recorder"), [("lazy", Loop), *((name, Tape) for name in GAMES)])
def test_recorded_steps_have_the_bits_of_the_plain_path(
    train: Train, plain: Plain, name: str, recorder: Callable[[], Recorder]
) -> None:
    unrecorded, of_cpu = plain(name)
    seeds = _seeds(name)
    recorded, trainer = train(name, _backend(recorder), seeds)
    assert of_cpu.path.kind == ("looped" if name in ("convolutions", "odd batch") else "stacked")
    lanes = 1 if of_cpu.path.kind == "looped" else 4
    assert (trainer.path.kind, trainer.path.lanes) == ("captured", lanes), trainer.path.reason
    assert [len(batch) for batch in trainer.batches] == [len(seeds) if lanes == 1 else 2]
    assert all(_same(recorded[seed], unrecorded[seed]) for seed in seeds)


def test_a_seed_has_its_bits_alone_and_in_any_number_of_branches(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    together, _ = train("odd batch", _backend(Tape))
    alone, _ = train("odd batch", _backend(Tape), (3,))
    assert _same(together[3], alone[3])
    monkeypatch.setattr(strategy, "MAX_BRANCHES", 2)
    pairs, trainer = train("odd batch", _backend(Tape))
    assert [len(batch) for batch in trainer.batches] == [2, 2, 1]
    assert all(_same(pairs[seed], together[seed]) for seed in SEEDS)


def test_draws_for_a_part_of_a_block_at_a_time_are_the_same(
    train: Train, plain: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = plain("memory")
    monkeypatch.setattr("ganbench.engine.resident.DRAWN_AT_ONCE", 1)
    each, _ = train("memory", _backend(Tape))
    _, architecture, _, spec = GAMES["memory"]
    numbers = 2 * spec.batch * (architecture.latent + 3 + 2)  # of a step: rows, latents, mix, labels, noise
    monkeypatch.setattr("ganbench.engine.resident.DRAWN_AT_ONCE", 7 * 8 * numbers)
    seven, _ = train("memory", _backend(Tape))
    assert all(_same(each[seed], whole[seed]) and _same(seven[seed], whole[seed]) for seed in SEEDS)


def test_a_step_is_one_launch(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = Tape()
    _, trainer = train("lazy", _backend(lambda: tape), run=lambda trainer: [])
    before = (tape.recorded, tape.played)
    assert before[0] == 5  # the draws, the steps with and without the lazy part, the signals of both
    trainer.run()
    draws, signals = 2, SPEC.steps  # one for each block; at so few steps signals are recorded at every one
    assert (tape.recorded, tape.played - before[1]) == (before[0], draws + signals + SPEC.steps)


def test_a_run_resumes_to_the_bit_and_from_different_steps(train: Train) -> None:
    saved: list[SeedState] = []

    class Timer:
        def block_ended(self, states: Any) -> None:
            if not saved:
                saved.extend(unpacked(one.result.seed, one.step, *deepcopy(packed(one))) for one in states())

    whole, _ = train("memory", _backend(Tape), run=lambda trainer: trainer.run(timer=Timer()))
    assert {one.step for one in saved} == {BLOCK}
    again, _ = train("memory", _backend(Tape), resumed={one.result.seed: one for one in deepcopy(saved)})
    assert all(_same(again[seed], whole[seed]) for seed in SEEDS)
    some = {one.result.seed: one for one in saved if one.result.seed in (1, 4)}
    mixed, trainer = train("memory", _backend(Tape), resumed=some)
    assert [[group.seeds for group in batch] for batch in trainer.batches] == [[(0, 2, 3, 0)], [(1, 4, 1, 4)]]
    assert all(_same(mixed[seed], whole[seed]) for seed in SEEDS)


class Failing(Minimax):
    """NaN at the second step of the seeds whose first fake is on the right, which stays NaN."""

    def g_loss(self, critic: Critic) -> Tensor:
        value = super().g_loss(critic)
        bad = (critic.memory["moves"] == 2) & (critic.fake_samples[0, 0] > 0)
        return value + torch.where(bad, float("nan"), 0.0)

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"moves": torch.zeros(())}

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        return {"moves": critic.memory["moves"] + 1}


def test_a_branch_that_diverges_leaves_the_others(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GAMES, "failing", (Objective.of(Failing()), SMALL, POINTS, replace(SPEC, batch=20)))
    plain, _ = train("failing", None)
    recorded, trainer = train("failing", _backend(Tape))
    failed = [seed for seed in SEEDS if plain[seed].failure]
    assert 0 < len(failed) < len(SEEDS)
    for seed in SEEDS:
        assert recorded[seed].failure == plain[seed].failure
        assert _same(recorded[seed], plain[seed]) or seed in failed  # NaN is not equal to itself
    assert [group.step for group in trainer.groups] == [BLOCK if seed in failed else SPEC.steps for seed in SEEDS]


def test_snapshots_and_the_record_see_all_branches(train: Train) -> None:
    seen: list[tuple[int, list[int]]] = []
    callback = Callback(2, lambda step, results: seen.append((step, [one.seed for one in results])))
    _, trainer = train("minimax", _backend(Tape), run=lambda trainer: trainer.run(callbacks=[callback]))
    assert seen == [(BLOCK, list(SEEDS)), (SPEC.steps, list(SEEDS))]
    from ganbench.results.records import Provenance

    found = trainer.with_path(Provenance())
    assert (found.path, found.lanes, found.stack) == ("captured", 4, len(SEEDS))
    assert found.prepare_seconds is not None
    assert found.prepare_seconds > 0


class Unrecordable(Tape):
    """A device whose driver refuses to record."""

    def record(self, body: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing")


class Small(Tape):
    """A device with memory for two branches."""

    def fork(self, bodies: Any) -> Callable[[], None]:
        if len(bodies) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().fork(bodies)


class Wrong(Tape):
    """A device that does nothing of what was recorded."""

    def record(self, body: Callable[[], None]) -> Callable[[], None]:
        super().record(body)
        return lambda: None


@pytest.mark.parametrize(("recorder", "why"), [(Unrecordable, "CUDA error"), (Wrong, "the recorded losses are")])
def test_what_cannot_be_recorded_is_looped_and_says_why(
    train: Train, plain: Plain, recorder: Callable[[], Recorder], why: str
) -> None:
    wanted, _ = plain("odd batch")
    looped, trainer = train("odd batch", _backend(recorder))
    assert (trainer.path.kind, trainer.path.lanes) == ("looped", 1)
    assert trainer.path.reason.startswith("not captured: ")
    assert why in trainer.path.reason
    assert all(_same(looped[seed], wanted[seed]) for seed in SEEDS)


def test_branches_that_do_not_fit_into_the_memory_are_fewer(train: Train, plain: Plain) -> None:
    wanted, _ = plain("odd batch")
    recorded, trainer = train("odd batch", _backend(Small))
    assert trainer.path.kind == "captured"
    assert [len(batch) for batch in trainer.batches] == [2, 2, 1]
    assert all(_same(recorded[seed], wanted[seed]) for seed in SEEDS)


class Reading(Minimax):
    """Reads a number on the host."""

    def d_loss(self, critic: Critic) -> Tensor:
        value = super().d_loss(critic)
        return value if value.item() < 1e9 else 2 * value


def test_a_loss_that_reads_values_on_the_host_is_looped(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GAMES, "reading", (Objective.of(Reading()), SMALL, POINTS, replace(SPEC, steps=10)))
    plain, _ = train("reading", None)
    found, trainer = train("reading", _backend(Tape))
    assert trainer.path.kind == "looped"
    assert "not captured: " in trainer.path.reason
    assert all(_same(found[seed], plain[seed]) for seed in SEEDS)


@pytest.mark.skipif(missing_compiler() is not None, reason=f"compiles: {missing_compiler()}")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["lazy", "convolutions"])
def test_recorded_programs_have_the_bits_of_programs_that_are_called(
    train: Train, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    objective, architecture, data, spec = GAMES[name]
    monkeypatch.setitem(GAMES, "long", (objective, architecture, data, replace(spec, engine="compiled")))
    plain, of_cpu = train("long", None)
    recorded, trainer = train("long", _backend(Loop))
    assert (trainer.path.kind, trainer.path.lanes) == ("compiled", of_cpu.path.lanes)
    assert trainer.engine.branches > 1
    assert all(_same(recorded[seed], plain[seed]) for seed in SEEDS)


def test_a_program_that_cannot_be_recorded_is_called(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_paths import _uncompiled

    objective, architecture, data, spec = GAMES["odd batch"]
    monkeypatch.setitem(GAMES, "long", (objective, architecture, data, replace(spec, engine="compiled", steps=4)))
    monkeypatch.setattr("ganbench.engine.trainer.build_engine", partial(strategy.build_engine, compiler=_uncompiled))
    found, trainer = train("long", _backend(Unrecordable))
    assert trainer.path.kind == "compiled"
    assert "its launches are not recorded: " in trainer.path.reason
    assert trainer.engine.branches == 1
    assert found[0].failure is None
