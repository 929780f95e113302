"""Any x is treated like one side of a move: its labels and draws, in logits, extras and gradients, by closed forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import Critic, Data, normal
from ganbench.engine.backend import Backend
from ganbench.engine.compile import traced
from ganbench.engine.draws import Draws
from ganbench.engine.objective import Objective
from ganbench.engine.path import ExecutionPath
from ganbench.engine.setting import Setting, build_example, build_setting
from ganbench.engine.state import TrainedSeed
from ganbench.engine.step import step
from ganbench.engine.strategy import build_engine
from ganbench.engine.trainer import Trainer
from ganbench.errors import ContractError
from ganbench.suite.train_spec import TrainSpec
from ganbench_architectures.mlp import Mlp
from ganbench_losses.consistency import Consistency
from ganbench_losses.gradient_penalty import Dragan, GradientPenalty
from ganbench_losses.minimax import Minimax

CPU = torch.device("cpu")
CLASSES, SIGMA = 4, 0.5
SPEC = TrainSpec(steps=20, batch=32)
POINTS = Data(
    torch.randn(1000, 2, generator=torch.Generator().manual_seed(0)),
    torch.randint(CLASSES, (1000,), generator=torch.Generator().manual_seed(1)),
)


class Bowl(nn.Module):
    """D(x, y) = v[y] . x + |x|^2 / 2, whose gradient is v[y] + x; it returns what it was given as extras."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(CLASSES, 2))

    def forward(self, x: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return (self.vectors[labels] * x).sum(1) + x.square().sum(1) / 2, {"x": x, "y": labels.float()}


class Linear(nn.Module):
    """G(z, y) = W z + v[y]."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.vectors = nn.Linear(2, 2), nn.Parameter(torch.randn(CLASSES, 2))

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        moved: Tensor = self.layer(z) + self.vectors[labels]
        return moved


class Bowls(Mlp):
    """The pair of these networks."""

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Linear()

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Bowl()


class Shake:
    """Moves what D sees by a draw of the side."""

    noise = {"eps": normal("sample")}

    def __call__(self, discriminator: Any, x: Tensor, noise: Mapping[str, Tensor], memory: Mapping[str, Tensor]) -> Any:
        return discriminator(x + SIGMA * noise["eps"])


@dataclass(frozen=True)
class Asks:
    """A part that reads whatever a test asks for, in D's move."""

    read: Callable[[Critic], Any]
    found: list[Any]

    game = False
    needs = ("labels", "x", "y")

    def d_loss(self, critic: Critic) -> Tensor:
        self.found.append(self.read(critic))
        return critic.real.mean() * 0


def _stepped(*parts: Any, transforms: tuple[Any, ...] = ()) -> tuple[Setting, Draws, Tensor, Tensor]:
    """The setting and draws of one step that was taken, D's vectors in D's move, and its first loss."""
    setting = build_setting(Objective.of(*parts, transforms=transforms), Bowls(), POINTS, SPEC, classes=CLASSES)
    state, keys, numbers = build_example(setting, SPEC, 0, CPU)
    draws = setting.recipe.drawn(keys, numbers.step)
    _, trace = step(setting.game, setting.data, state, draws, numbers)
    return setting, draws, setting.game.discriminator.named(state.discriminator.params)["vectors"], trace.d_loss


def _asked(read: Callable[[Critic], Any], *transforms: Any) -> tuple[Any, Draws, Tensor]:
    found: list[Any] = []
    _, draws, vectors, _ = _stepped(Minimax(), Asks(read, found), transforms=transforms)
    return found[0], draws, vectors


def _altered(critic: Critic) -> Tensor:
    return 0.9 * critic.real_samples


@pytest.mark.parametrize(
    ("like", "side"), [("real", 0), ("fake", 1), (None, 1)], ids=["real", "fake", "not said, which is fake"]
)
def test_altered_samples_have_labels_and_draws_of_the_side_they_are_like(like: Any, side: int) -> None:
    def read(critic: Critic) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        extras = critic.extras(_altered(critic), like=like)
        logits, slopes = critic(_altered(critic), like=like), critic.gradient(_altered(critic), like=like)
        return logits, slopes, extras["x"], extras["y"]

    (logits, slopes, seen, labels), draws, vectors = _asked(read, Shake())
    assert POINTS.labels is not None
    rows = (draws.rows, draws.fake_rows)[side][0]
    moved = 0.9 * POINTS.samples[draws.rows[0]] + SIGMA * draws.noise["Shake"]["eps"][0, side]
    own = vectors[POINTS.labels[rows]]
    torch.testing.assert_close(seen, moved)
    assert torch.equal(labels, POINTS.labels[rows].float())
    torch.testing.assert_close(logits, (own * moved).sum(1) + moved.square().sum(1) / 2)
    torch.testing.assert_close(slopes, own + moved)


def test_labels_that_are_given_replace_those_of_the_side_and_leave_its_draws() -> None:
    def read(critic: Critic) -> tuple[Tensor, Tensor, Tensor]:
        labels, x = 3 - critic.real_labels, _altered(critic)
        slopes = critic.gradient(x, labels, like="real")
        return slopes, critic.extras(x, labels, like="real")["y"], critic(x, labels, like="real")

    (slopes, labels, logits), draws, vectors = _asked(read, Shake())
    assert POINTS.labels is not None
    other = 3 - POINTS.labels[draws.rows[0]]
    moved = 0.9 * POINTS.samples[draws.rows[0]] + SIGMA * draws.noise["Shake"]["eps"][0, 0]
    assert torch.equal(labels, other.float())
    torch.testing.assert_close(slopes, vectors[other] + moved)
    torch.testing.assert_close(logits, (vectors[other] * moved).sum(1) + moved.square().sum(1) / 2)


def test_the_batches_themselves_are_their_own_side_and_points_between_have_the_labels_of_the_fakes() -> None:
    def read(critic: Critic) -> list[Tensor]:
        three = critic.real_samples, critic.fake_samples, critic.between()
        return [critic.extras(x)["y"] for x in three]

    labels, draws, _ = _asked(read)
    assert POINTS.labels is not None
    real, fake = (POINTS.labels[rows[0]].float() for rows in (draws.rows, draws.fake_rows))
    assert not torch.equal(real, fake)
    for seen, expected in zip(labels, (real, fake, fake), strict=True):
        assert torch.equal(seen, expected)


def test_shipped_penalties_at_altered_real_samples_use_their_labels() -> None:
    """The losses by hand, from D's closed form and the labels of the rows."""
    parts = (Minimax(), Consistency(balanced=False), Dragan())
    _, draws, vectors, loss = _stepped(*parts)
    _, _, _, game = _stepped(Minimax())
    assert POINTS.labels is not None
    real, own = POINTS.samples[draws.rows[0]], vectors[POINTS.labels[draws.rows[0]]]
    near = real + 0.05 * draws.noise["Consistency"]["real_eps"][0]
    by_hand = [(own * x).sum(1) + x.square().sum(1) / 2 for x in (real, near)]
    expected = 10 * (by_hand[0] - by_hand[1]).square().mean()
    direction, length = (draws.noise["Dragan"][name][0] for name in ("direction", "length"))
    around = real + length[:, None] * 0.5 * real.std(correction=0) * direction
    expected = expected + 10 * ((own + around).norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(loss - game, expected)


def test_the_gradient_penalty_of_a_conditional_d_uses_the_labels_of_the_fakes() -> None:
    found: list[Any] = []
    _, draws, vectors, loss = _stepped(Minimax(), GradientPenalty(), Asks(lambda critic: critic.between(), found))
    _, _, _, game = _stepped(Minimax())
    assert POINTS.labels is not None
    slopes = vectors[POINTS.labels[draws.fake_rows[0]]] + found[0]
    torch.testing.assert_close(loss - game, 10 * (slopes.norm(dim=1) - 1).square().mean())


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda critic: critic(critic.real_samples, like="reel"), "samples like 'reel'; `like` is 'real' or 'fake'"),
        (
            lambda critic: critic(torch.cat([critic.real_samples, critic.fake_samples])),
            "asks a conditional D about 64 samples with 32 labels; give a label for each",
        ),
        (lambda critic: critic.extras(critic.fake_samples)["features"], "reads 'features' of D, and it returns x, y"),
    ],
    ids=["no side", "too few labels", "extras"],
)
def test_what_cannot_be_asked_is_named(read: Callable[[Critic], Any], said: str) -> None:
    with pytest.raises(ContractError, match=said):
        _asked(read)


class Everything:
    """Reads logits, extras and gradients of altered samples of both sides."""

    game = False
    needs = ("features",)
    noise = {"eps": normal("sample")}

    def d_loss(self, critic: Critic) -> Tensor:
        real, fake = (x + 0.1 * critic.noise["eps"] for x in (critic.real_samples, critic.fake_samples))
        near = critic.extras(real, like="real")["features"] - critic.real_extras["features"]
        slopes = critic.gradient(fake, like="fake").square().mean() + critic.gradient(real, like="real").square().mean()
        return near.square().mean() + slopes + critic(real, like="real").square().mean()

    def g_loss(self, critic: Critic) -> Tensor:
        other = critic.extras(critic.fake_samples.flip(0), like="fake")["features"]
        return (other.mean(0) - critic.fake_extras["features"].mean(0) + 1).square().mean()


WHOLE = Objective.of(Minimax(), Consistency(), Dragan(), Everything(), transforms=(Shake(),))


def _same(a: TrainedSeed, b: TrainedSeed) -> bool:
    return torch.equal(a.params, b.params) and torch.equal(a.discriminator, b.discriminator) and a.history == b.history


@pytest.mark.parametrize(("width", "kind"), [(32, "stacked"), (30, "looped")])
def test_a_seed_has_its_bits_alone_and_among_others_with_a_conditional_d(width: int, kind: str) -> None:
    networks = Mlp(width=width, depth=1, latent=4, conditional=True, features=True)

    def trained(*seeds: int) -> dict[int, TrainedSeed]:
        trainer = Trainer(WHOLE, networks, POINTS, SPEC, seeds, CPU, classes=CLASSES)
        assert trainer.path.kind == kind
        return {result.seed: result for result in trainer.run()}

    together = trained(0, 1, 2)
    assert together[1].failure is None
    assert _same(together[1], trained(1)[1])


@pytest.mark.parametrize("lanes", [1, 4])
def test_the_step_can_be_traced_and_is_the_uncompiled_one(lanes: int) -> None:
    spec = replace(SPEC, engine="compiled")
    networks = Mlp(width=32, depth=1, latent=4, conditional=True, features=True)
    setting = build_setting(WHOLE, networks, POINTS, spec, classes=CLASSES)
    path, example = ExecutionPath("compiled", lanes, ""), build_example(setting, spec, 0, CPU)
    engine = build_engine(path, setting, spec, example, Backend("cpu"), traced)
    assert (engine.path.kind, engine.path.lanes) == ("compiled", lanes)


class _NoSides:
    """A critic that is never told whose samples it is asked about."""

    def __init__(self, critic: Critic) -> None:
        self._critic = critic

    def __getattr__(self, name: str) -> Any:
        return getattr(self._critic, name)

    def __call__(self, x: Tensor, *, like: str = "fake") -> Tensor:
        return self._critic(x)

    def gradient(self, x: Tensor, *, like: str) -> Tensor:
        return self._critic.gradient(x)


@pytest.mark.parametrize("part", [Consistency, Dragan, GradientPenalty])
def test_for_unconditional_networks_the_side_changes_no_bit(part: type) -> None:
    class Before(part):  # type: ignore[misc]
        def d_loss(self, critic: Critic) -> Tensor:
            loss: Tensor = super().d_loss(_NoSides(critic))
            return loss

    Before.__name__ = part.__name__  # the draws are named after it
    networks, results = Mlp(width=32, depth=1), []
    for one in (part, Before):
        trainer = Trainer(Objective.of(Minimax(), one()), networks, Data(POINTS.samples), SPEC, (0,), CPU)
        results.append(trainer.run()[0])
    assert _same(*results)
