"""D, and in G's move G, as the parts of a loss see them in one move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor

from ganbench.engine.draws import Draws
from ganbench.engine.networks import Buffers, Named, Network
from ganbench.engine.objective import Player, Setup
from ganbench.errors import ContractError
from ganbench.registry.contracts import floats
from ganbench.registry.training_contracts import Side

Memory = dict[str, dict[str, Tensor]]
"""The memories of parts and transforms, by their names."""
SIDES: tuple[Side, ...] = get_args(Side)
"""The sides of a move, in the order in which the transforms' draws hold them."""


class Extras(dict[str, Tensor]):
    """What D returns beside its logits, by name."""

    def __missing__(self, name: str) -> Tensor:
        known = f"it returns {', '.join(self)}" if self else "it returns logits alone"
        raise ContractError(f"the loss reads {name!r} of D, and {known}; the loss must declare needs = ({name!r},)")


class Samples(NamedTuple):
    """The training data on the device: samples (N, *shape), float32 or uint8, and labels (N,), or (0,) without."""

    samples: Tensor
    labels: Tensor

    def batch(self, rows: Tensor) -> Tensor:
        """The samples of these rows, (B, *shape) float32; bytes are mapped to [-1, 1]."""
        return floats(self.samples[rows])


@dataclass(frozen=True)
class Applied:
    """A network with the parameters (P,) and buffers that it has in this move."""

    network: Network
    params: Tensor
    buffers: Buffers

    @cached_property
    def named(self) -> Named:
        """The parameters by name."""
        return self.network.named(self.params)

    def __call__(self, *inputs: Tensor) -> tuple[Any, Buffers]:
        return self.network(self.named, self.buffers, *inputs)


@dataclass
class Move:
    """What is common to all parts of a loss in one move of one player; every value is computed on first access."""

    generator: Applied
    discriminator: Applied
    data: Samples
    draws: Draws  # those of this move
    transforms: tuple[tuple[Setup, Any], ...]  # each with its values of schedules bound
    memory: Memory
    is_labeled: bool
    mover: Player = "d"
    reals: Tensor | None = None
    fakes: Tensor | None = None  # in D's move G is fixed, and the samples of both sides are known
    _after: dict[str, Buffers] = field(default_factory=dict, init=False)

    def by_discriminator(self, params: Tensor, reals: Tensor, fakes: Tensor) -> Move:
        """The same move as D's, with other parameters (P,) of D, on known samples."""
        player = replace(self.discriminator, params=params)
        return replace(self, discriminator=player, mover="d", reals=reals, fakes=fakes)

    def by_generator(self, params: Tensor) -> Move:
        """The same move as G's, with other parameters (P,) of G."""
        return replace(self, generator=replace(self.generator, params=params), mover="g")

    def against(self, params: Tensor, buffers: Buffers) -> Move:
        """G's move against another D; the fake batch stays."""
        found = replace(self, discriminator=replace(self.discriminator, params=params, buffers=buffers))
        found.fakes = self.fake_samples
        found._after["g"] = self.generator_buffers
        return found

    @cached_property
    def real_samples(self) -> Tensor:
        return self.data.batch(self.draws.rows) if self.reals is None else self.reals

    @cached_property
    def fake_samples(self) -> Tensor:
        if self.fakes is not None:
            return self.fakes
        samples: Tensor
        samples, self._after["g"] = self.generator(*self.latent_input)
        return samples

    @property
    def latent_input(self) -> tuple[Tensor, ...]:
        """What G is given."""
        return (self.draws.latent, self.fake_labels) if self.is_labeled else (self.draws.latent,)

    @cached_property
    def real_labels(self) -> Tensor:
        return self.data.labels[self.draws.rows]

    @cached_property
    def fake_labels(self) -> Tensor:
        return self.data.labels[self.draws.fake_rows]

    @property
    def generator_buffers(self) -> Buffers:
        """G's buffers after it has made the fake batch."""
        return self._after.get("g", self.generator.buffers)

    @property
    def discriminator_buffers(self) -> Buffers:
        """D's buffers after it has seen the batches."""
        return self._after.get("d", self.discriminator.buffers)

    @cached_property
    def real(self) -> tuple[Tensor, Mapping[str, Tensor]]:
        return self._seen(self.real_samples)

    @cached_property
    def fake(self) -> tuple[Tensor, Mapping[str, Tensor]]:
        return self._seen(self.fake_samples)

    def _seen(self, x: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Logits and extras of one of the batches; D's buffers change with it."""
        logits, extras, self._after["d"] = self.discriminate(x)
        return logits, extras

    def discriminate(
        self, x: Tensor, labels: Tensor | None = None, like: Side | None = None
    ) -> tuple[Tensor, Mapping[str, Tensor], Buffers]:
        """Logits and extras of x (B, *shape) through the transforms, and D's buffers after it."""
        return self._at(self._side(x, like), x, labels)

    def gradient(self, x: Tensor, labels: Tensor | None, like: Side | None) -> Tensor:
        """The gradients d logits / d x, (B, *shape)."""
        side = self._side(x, like)
        slopes: Tensor = torch.func.grad(lambda at: self._at(side, at, labels)[0].sum())(x)
        return slopes

    def _side(self, x: Tensor, like: Side | None) -> int:
        """The number of x's side; without `like`, the real batch itself is real, any other x is fake."""
        if like is None:
            like = "real" if x is self.__dict__.get("real_samples") else "fake"
        if like not in SIDES:
            raise ContractError(f"the loss asks D about samples like {like!r}; `like` is 'real' or 'fake'")
        return SIDES.index(like)

    def _at(self, side: int, x: Tensor, labels: Tensor | None) -> tuple[Tensor, Mapping[str, Tensor], Buffers]:
        extras = Extras()
        buffers, applied = self.discriminator_buffers, self.discriminator

        def network(at: Tensor) -> Tensor:
            nonlocal buffers
            own = (self._labels(side, at, labels),) if self.is_labeled else ()
            output, buffers = applied.network(applied.named, buffers, at, *own)
            logits, found = output if isinstance(output, tuple) else (output, {})
            extras.update(found)
            if logits.numel() != at.shape[0]:
                raise ContractError(
                    f"the discriminator returned {tuple(logits.shape)} for {at.shape[0]} samples; "
                    "it must return one logit per sample, (B,) or (B, 1)"
                )
            flat: Tensor = logits.reshape(at.shape[0])
            return flat

        seen = network
        for setup, plugin in reversed(self.transforms):
            noise = {name: drawn[side] for name, drawn in self.draws.noise.get(setup.name, {}).items()}
            seen = partial(plugin, seen, noise=noise, memory=self.memory.get(setup.name, {}))
        logits = seen(x)
        return logits, extras, buffers

    def _labels(self, side: int, x: Tensor, labels: Tensor | None) -> Tensor:
        """The labels of x: those given, or those of its side. Raises `ContractError` if there are not as many."""
        found = (self.fake_labels if side else self.real_labels) if labels is None else labels
        if len(found) != len(x):
            raise ContractError(
                f"the loss asks a conditional D about {len(x)} samples with {len(found)} labels; "
                "give a label for each: critic(x, labels)"
            )
        return found

    def generate(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        """G(latent), whose buffers stay as they are."""
        own = () if not self.is_labeled else (self.fake_labels if labels is None else labels,)
        samples: Tensor = self.generator(latent, *own)[0]
        return samples


class Critic:
    """The critic of one part of a loss: `ganbench.Critic`, with the part's own draws and memory."""

    def __init__(self, move: Move, name: str) -> None:
        self._move = move
        self.noise: Mapping[str, Tensor] = move.draws.noise.get(name, {})
        self.memory: Mapping[str, Tensor] = move.memory.get(name, {})

    @property
    def real_samples(self) -> Tensor:
        return self._move.real_samples

    @property
    def fake_samples(self) -> Tensor:
        return self._move.fake_samples

    @property
    def real(self) -> Tensor:
        return self._move.real[0]

    @property
    def fake(self) -> Tensor:
        return self._move.fake[0]

    @property
    def real_extras(self) -> Mapping[str, Tensor]:
        return self._move.real[1]

    @property
    def fake_extras(self) -> Mapping[str, Tensor]:
        return self._move.fake[1]

    @property
    def real_labels(self) -> Tensor:
        return self._labels("real_labels")

    @property
    def fake_labels(self) -> Tensor:
        return self._labels("fake_labels")

    def _labels(self, side: str) -> Tensor:
        if not self._move.is_labeled:
            raise ContractError('the loss reads labels; it must declare needs = ("labels",)')
        found: Tensor = getattr(self._move, side)
        return found

    @property
    def latent(self) -> Tensor:
        return self._move.draws.latent

    @property
    def params(self) -> Mapping[str, Tensor]:
        move = self._move
        return (move.discriminator if move.mover == "d" else move.generator).named

    def __call__(self, x: Tensor, labels: Tensor | None = None, *, like: Side | None = None) -> Tensor:
        return self._move.discriminate(x, labels, like)[0]

    def extras(self, x: Tensor, labels: Tensor | None = None, *, like: Side | None = None) -> Mapping[str, Tensor]:
        return self._move.discriminate(x, labels, like)[1]

    def generate(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        return self._move.generate(latent, labels)

    def between(self) -> Tensor:
        mix = self._move.draws.mix.reshape(-1, *[1] * (self.real_samples.dim() - 1))
        return self.fake_samples + mix * (self.real_samples - self.fake_samples)

    def gradient(self, x: Tensor, labels: Tensor | None = None, *, like: Side | None = None) -> Tensor:
        return self._move.gradient(x, labels, like).flatten(1)
