"""What parts of a loss and transforms may use: memory, noise, schedules, lazy terms, labels, extras, G, projections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import Architecture, Critic, Data, normal, uniform
from ganbench.engine import threefry
from ganbench.engine.checkpoints import packed, unpacked
from ganbench.engine.objective import Objective, Setup
from ganbench.engine.setting import build_example, build_setting
from ganbench.engine.state import SeedState, TrainedSeed
from ganbench.engine.step import step
from ganbench.engine.trainer import Trainer
from ganbench.errors import ContractError
from ganbench.registry.schedules import Schedule
from ganbench.suite.train_spec import PlayerSpec, TrainSpec
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax

CPU = torch.device("cpu")
PLAYER = PlayerSpec(lr=2e-3, betas=(0.0, 0.99))
SPEC = TrainSpec(steps=60, batch=32, d=PLAYER, g=PLAYER)
POINTS = Data(
    torch.randn(1000, 2, generator=torch.Generator().manual_seed(0)),
    torch.randint(3, (1000,), generator=torch.Generator().manual_seed(1)),
)
SMALL = Mlp(width=32, depth=1)


class Averaging:
    """Holds moving averages of both sides' logits, and pulls D to them."""

    game = False
    noise = {"eps": normal("sample"), "share": uniform()}

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"real": torch.zeros(()), "start": next(iter(params.values())).mean()}

    def d_loss(self, critic: Critic) -> Tensor:
        near = critic(critic.real_samples + 0.1 * critic.noise["eps"])
        weight = critic.noise["share"]
        return (weight * (near - critic.real).square()).mean() + (critic.real.mean() - critic.memory["real"]).square()

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        return {"real": 0.9 * critic.memory["real"] + 0.1 * critic.real.mean(), "start": critic.memory["start"]}


@dataclass(frozen=True)
class Shake:
    """Moves what D sees."""

    sigma: float = 0.2

    noise = {"eps": normal("sample")}

    def __call__(self, discriminator: Any, x: Tensor, noise: Mapping[str, Tensor], memory: Mapping[str, Tensor]) -> Any:
        return discriminator(x + self.sigma * noise["eps"])


class Spread:
    """Keeps G's samples apart, and its parameters small."""

    def g_loss(self, critic: Critic) -> Tensor:
        other = critic.generate(critic.latent.flip(0))
        small = sum((p.square().sum() for p in critic.params.values()), torch.zeros(()))
        return -0.01 * (other - critic.fake_samples).abs().mean() + 1e-4 * small


class Clipping:
    """Clips D's parameters."""

    def project(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: p.clamp(-0.05, 0.05) for name, p in params.items()}


WHOLE = Objective(
    (Setup("minimax", Minimax()), Setup("averaging", Averaging()), Setup("spread", Spread())),
    (Setup("shake", Shake(), {"sigma": Schedule(0.5, 0.0, 0.5, "cosine")}),),
)


def _train(objective: Objective, seeds: tuple[int, ...], spec: TrainSpec = SPEC, **rest: Any) -> dict[int, TrainedSeed]:
    trainer = Trainer(objective, SMALL, POINTS, spec, seeds, CPU, **rest)
    return {result.seed: result for result in trainer.run()}


def _same(a: TrainedSeed, b: TrainedSeed) -> bool:
    return torch.equal(a.params, b.params) and torch.equal(a.discriminator, b.discriminator) and a.history == b.history


def test_a_seed_has_its_bits_alone_and_among_others_with_all_of_it() -> None:
    together = _train(WHOLE, (0, 1, 2, 3, 4))
    assert _same(together[3], _train(WHOLE, (3,))[3])
    assert not torch.equal(together[3].params, _train(Objective.of(Minimax()), (3,))[3].params)


def test_a_seed_resumes_to_the_bit_with_its_memory() -> None:
    trainer = Trainer(WHOLE, SMALL, POINTS, SPEC, (0, 1), CPU)
    saved: list[SeedState] = []

    class Timer:
        def block_ended(self, states: Any) -> None:
            if not saved:
                saved.extend(unpacked(one.result.seed, one.step, *packed(one)) for one in states())

    whole = {result.seed: result for result in trainer.run(timer=Timer())}  # type: ignore[arg-type]
    assert saved[0].step == 50
    assert set(saved[0].state.memory) == {"averaging"}
    assert float(saved[0].state.memory["averaging"]["real"]) != 0
    again = _train(WHOLE, (0, 1), resumed={one.result.seed: one for one in saved})
    assert _same(whole[1], again[1])


def test_memory_is_the_one_before_the_move_and_starts_from_ds_parameters() -> None:
    setting = build_setting(WHOLE, SMALL, POINTS, SPEC)
    state, keys, numbers = build_example(setting, SPEC, 0, CPU)
    first = setting.game.discriminator.named(state.discriminator.params)
    assert state.memory["averaging"]["start"] == next(iter(first.values())).mean()
    after, trace = step(setting.game, setting.data, state, setting.recipe.drawn(keys, numbers.step), numbers)
    torch.testing.assert_close(after.memory["averaging"]["real"], 0.1 * trace.real_logits.mean())


def test_declared_noise_is_a_function_of_seed_name_step_and_position() -> None:
    setting = build_setting(WHOLE, SMALL, POINTS, SPEC)
    draws = setting.recipe.drawn(setting.recipe.keys(7), torch.tensor(3, dtype=torch.int32))
    key = torch.tensor(threefry.key(7, "shake.eps"), dtype=torch.int32)
    expected = threefry.normal(key, torch.tensor(3, dtype=torch.int32), (2, 2, 32, 2))
    assert torch.equal(draws.noise["shake"]["eps"], expected)
    assert draws.noise["averaging"]["eps"].shape == (2, 32, 2)
    assert draws.noise["averaging"]["share"].shape == (2, 32)


def test_what_is_added_changes_no_draw_of_the_others() -> None:
    alone = build_setting(Objective.of(Minimax()), SMALL, POINTS, SPEC).recipe
    whole = build_setting(WHOLE, SMALL, POINTS, SPEC).recipe
    t = torch.tensor(5, dtype=torch.int32)
    one, other = alone.drawn(alone.keys(1), t), whole.drawn(whole.keys(1), t)
    assert all(torch.equal(a, b) for a, b in zip(one[:3], other[:3], strict=True))


class Weighted:
    """A penalty of a constant slope, whose weight may follow a schedule."""

    game = False

    def __init__(self, weight: float = 1.0, every: int = 1) -> None:
        self.weight, self.every = weight, every

    def d_loss(self, critic: Critic) -> Tensor:
        return self.weight * critic.real.mean()


def _d_losses(objective: Objective, spec: TrainSpec) -> list[float]:
    trainer = Trainer(objective, SMALL, POINTS, spec, (0,), CPU)
    return [row[0] for row in trainer.run()[0].history]


def test_a_schedule_reaches_the_plugin_as_its_value_at_the_step() -> None:
    still = replace(SPEC, steps=8, d=PlayerSpec(lr=1e-30, optimizer="sgd"), g=PlayerSpec(lr=1e-30, optimizer="sgd"))
    schedule = Schedule(2.0, 0.0, 0.5)
    parts = (Setup("minimax", Minimax()), Setup("weighted", Weighted(), {"weight": schedule}))
    with_it, without = _d_losses(Objective(parts), still), _d_losses(Objective.of(Minimax()), still)
    full = _d_losses(Objective((parts[0], Setup("weighted", Weighted(1.0)))), still)
    added = [(a - b) / (c - b) for a, b, c in zip(with_it, without, full, strict=True)]
    assert added == pytest.approx([schedule.at(t, 8) for t in range(8)], abs=1e-4)
    assert added[4:] == pytest.approx([0, 0, 0, 0], abs=1e-4)


def test_a_lazy_part_is_computed_at_every_kth_step_and_multiplied_by_k() -> None:
    still = replace(SPEC, steps=9, d=PlayerSpec(lr=1e-30, optimizer="sgd"), g=PlayerSpec(lr=1e-30, optimizer="sgd"))
    lazy = _d_losses(Objective.of(Minimax(), Weighted(every=4)), still)
    without, full = (_d_losses(Objective.of(Minimax(), *rest), still) for rest in ((), (Weighted(),)))
    factors = [(a - b) / (c - b) for a, b, c in zip(lazy, without, full, strict=True)]
    assert factors == pytest.approx([4, 0, 0, 0, 4, 0, 0, 0, 4], abs=1e-3)


def test_a_projection_holds_after_every_move_of_d() -> None:
    result = _train(Objective.of(Minimax(), Clipping()), (0,))[0]
    assert result.discriminator.abs().max() <= 0.05
    assert result.params.abs().max() > 0.05


def test_a_penalty_takes_its_samples_before_the_transforms_and_its_logits_through_them() -> None:
    seen: dict[str, Tensor] = {}

    class Reading(Minimax):
        def d_loss(self, critic: Critic) -> Tensor:
            seen["again"] = (critic(critic.real_samples) - critic.real).detach()
            seen["samples"] = critic.real_samples
            return super().d_loss(critic)

    objective = Objective((Setup("reading", Reading()),), (Setup("shake", Shake(0.5)),))
    setting = build_setting(objective, SMALL, POINTS, SPEC)
    state, keys, numbers = build_example(setting, SPEC, 0, CPU)
    draws = setting.recipe.drawn(keys, numbers.step)
    _, trace = step(setting.game, setting.data, state, draws, numbers)
    assert torch.equal(seen["samples"], POINTS.samples[draws.rows[0]])
    assert not seen["again"].any()  # the same draw for both calls at the real side
    network = setting.game.discriminator
    moved = POINTS.samples[draws.rows[0]] + 0.5 * draws.noise["shake"]["eps"][0, 0]
    expected = network(network.named(state.discriminator.params), {}, moved)[0].reshape(-1)
    torch.testing.assert_close(trace.real_logits, expected)


class Labeled(nn.Module):
    """A network of a label beside its input; D gives class logits too."""

    def __init__(self, inputs: int, outputs: int, classes: int, extras: bool) -> None:
        super().__init__()
        self.classes, self.extras = classes, extras
        self.layers = nn.Sequential(nn.Linear(inputs + classes, 32), nn.Tanh())
        self.head, self.kinds = nn.Linear(32, outputs), nn.Linear(32, classes)

    def forward(self, x: Tensor, labels: Tensor) -> Any:
        hidden = self.layers(torch.cat([x, (labels[:, None] == torch.arange(self.classes)).float()], dim=1))
        return (self.head(hidden), {"class_logits": self.kinds(hidden)}) if self.extras else self.head(hidden)


class Conditional(Mlp):
    conditional = True

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Labeled(self.latent, 2, classes or 0, extras=False)

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Labeled(2, 1, classes or 0, extras=True)


class Classifying(Minimax):
    def d_loss(self, critic: Critic) -> Tensor:
        right = nn.functional.cross_entropy(critic.real_extras["class_logits"], critic.real_labels)
        return super().d_loss(critic) + right

    def g_loss(self, critic: Critic) -> Tensor:
        right = nn.functional.cross_entropy(critic.fake_extras["class_logits"], critic.fake_labels)
        return super().g_loss(critic) + right


def test_labels_reach_both_networks_and_the_loss_alone_and_among_others() -> None:
    architecture: Architecture = Conditional()
    spec = replace(SPEC, steps=20)

    def train(*seeds: int) -> dict[int, TrainedSeed]:
        trainer = Trainer(Objective.of(Classifying()), architecture, POINTS, spec, seeds, CPU, classes=3)
        assert trainer.path.kind == "stacked"
        return {result.seed: result for result in trainer.run()}

    assert _same(train(0, 1)[1], train(1)[1])
    setting = build_setting(Objective.of(Classifying()), architecture, POINTS, spec, classes=3)
    draws = setting.recipe.drawn(setting.recipe.keys(0), torch.tensor(0, dtype=torch.int32))
    assert POINTS.labels is not None
    counts = torch.bincount(
        POINTS.labels[setting.recipe.drawn(setting.recipe.keys(0), torch.arange(50)).fake_rows.flatten()]
    )
    torch.testing.assert_close(counts / counts.sum(), POINTS.labels.bincount() / 1000, atol=0.03, rtol=0)
    assert draws.fake_rows.shape == (2, 32)


class Labels(Minimax):
    def d_loss(self, critic: Critic) -> Tensor:
        return super().d_loss(critic) + critic.real_labels.float().mean()


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (Labels(), 'reads labels; it must declare needs = ."labels",.'),
        (Classifying(), "reads 'class_logits' of D, and it returns logits alone; the loss must declare needs"),
    ],
    ids=["labels", "extras"],
)
def test_a_loss_that_reads_what_is_not_there_is_told_so(loss: Minimax, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        _train(Objective.of(loss), (0,))


def test_images_of_bytes_are_mapped_batch_by_batch() -> None:
    bytes_ = torch.randint(256, (200, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    results = [
        Trainer(Objective.of(Minimax()), SMALL, Data(samples), replace(SPEC, steps=5), (0,), CPU).run()[0]
        for samples in (bytes_, bytes_.float() / 127.5 - 1)
    ]
    assert _same(*results)


def test_an_unrolled_g_looks_ahead() -> None:
    """With D's rate zero, looking ahead changes nothing; with a rate, G's gradient is another, and finite."""
    still = PlayerSpec(lr=1e-30, betas=(0.0, 0.99))
    spec = replace(SPEC, steps=10, d=still)
    plain, ahead = (
        _train(Objective.of(Minimax()), (0,), replace(spec, play=play))[0] for play in ("alternating", "unrolled(2)")
    )
    torch.testing.assert_close(plain.params, ahead.params, atol=1e-5, rtol=0)
    moving = [
        _train(Objective.of(Minimax()), (0,), replace(SPEC, steps=10, play=play))[0]
        for play in ("alternating", "unrolled(2)")
    ]
    assert not torch.equal(moving[0].params, moving[1].params)
    assert moving[1].params.isfinite().all()


def test_a_d_that_is_unrolled_is_given_its_own_parameters() -> None:
    seen: list[frozenset[tuple[int, ...]]] = []

    class Reading:
        game = False

        def d_loss(self, critic: Critic) -> Tensor:
            seen.append(frozenset(tuple(p.shape) for p in critic.params.values()))
            return critic.real.mean() * 0

    spec = replace(SPEC, play="unrolled(2)")
    setting = build_setting(Objective.of(Minimax(), Reading()), SMALL, POINTS, spec)
    state, keys, numbers = build_example(setting, spec, 0, CPU)
    step(setting.game, setting.data, state, setting.recipe.drawn(keys, numbers.step), numbers)
    assert seen == [frozenset(setting.game.discriminator.shapes.values())] * 3
