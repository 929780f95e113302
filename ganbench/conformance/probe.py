"""A small game in which parts of losses are tried: two small networks, and the critic of one move."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.conformance.findings import BrokenRuleError, Finding
from ganbench.engine.objective import Player
from ganbench.engine.watch import plain
from ganbench.registry.training_contracts import Critic, Noise, Side

BATCH, LATENT, WIDTH, CLASSES = 32, 8, 16, 4
Params = Mapping[str, Tensor]


class Batch(NamedTuple):
    """What one move takes: samples, latents, labels, interpolation weights and declared draws."""

    real: Tensor  # (B, *shape)
    latent: Tensor  # (B, LATENT)
    real_labels: Tensor  # (B,) int64
    fake_labels: Tensor  # (B,) int64
    mix: Tensor  # (B,)
    noise: dict[str, Tensor]


class Players(NamedTuple):
    """The parameters of both networks by name."""

    generator: dict[str, Tensor]
    discriminator: dict[str, Tensor]


def draw(noise: Noise, shape: tuple[int, ...], generator: torch.Generator, batch: int = BATCH) -> Tensor:
    """A declared draw for a batch of samples of a shape."""
    named: dict[object, tuple[int, ...]] = {"sample": shape, "latent": (LATENT,)}
    sides = named.get(noise.shape) or tuple(map(int, noise.shape))
    sample = torch.randn if noise.kind == "normal" else torch.rand
    return sample(batch, *sides, generator=generator)


def players(shape: tuple[int, ...], seed: int) -> Players:
    """Small networks for samples of a shape, with labels: one hidden layer each."""
    generator, size = torch.Generator().manual_seed(seed), int(torch.Size(shape).numel())

    def weight(inputs: int, outputs: int) -> Tensor:
        return torch.randn(inputs, outputs, generator=generator) / math.sqrt(inputs)

    def network(inputs: int, outputs: int) -> dict[str, Tensor]:
        return {
            "0.weight": weight(inputs, WIDTH), "0.bias": torch.zeros(WIDTH), "0.classes": weight(CLASSES, WIDTH),
            "2.weight": weight(WIDTH, outputs), "2.bias": torch.zeros(outputs),
        }  # fmt: skip

    return Players(network(LATENT, size), network(size, 1))


def batch_of(shape: tuple[int, ...], declared: Mapping[str, Noise], seed: int, count: int = BATCH) -> Batch:
    """A batch of made samples in [-1, 1], and the draws of a move."""
    generator = torch.Generator().manual_seed(seed + 100)
    labels = torch.randint(CLASSES, (2, count), generator=generator)
    real = torch.randn(count, *shape, generator=generator).tanh()
    latent = torch.randn(count, LATENT, generator=generator)
    noise = {name: draw(one, shape, generator, count) for name, one in declared.items()}
    return Batch(real, latent, labels[0], labels[1], torch.rand(count, generator=generator), noise)


def _hidden(params: Params, x: Tensor, labels: Tensor) -> Tensor:
    return torch.tanh(x.flatten(1) @ params["0.weight"] + params["0.bias"] + params["0.classes"][labels])


def generate(params: Params, latent: Tensor, labels: Tensor, shape: tuple[int, ...]) -> Tensor:
    """G: samples (B, *shape) in (-1, 1)."""
    return torch.tanh(_hidden(params, latent, labels) @ params["2.weight"] + params["2.bias"]).reshape(-1, *shape)


def discriminate(params: Params, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """D: logits (B,) and features (B, WIDTH)."""
    hidden = _hidden(params, x, labels)
    return (hidden @ params["2.weight"] + params["2.bias"]).reshape(-1), hidden


class Named(Mapping[str, Tensor]):
    """Tensors by the names that a part declares; another name is a broken rule."""

    def __init__(self, rule: str, declared: Mapping[str, Tensor], what: str, fix: str) -> None:
        self._rule, self._declared, self._what, self._fix = rule, declared, what, fix

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._declared:
            raise BrokenRuleError(
                Finding(self._rule, f"it reads {self._what}[{name!r}], which is not declared", self._fix)
            )
        return self._declared[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)


@dataclass
class ProbeCritic:
    """The critic of one move. `mover` moves, the other player is fixed; D's extras all have the shape (B, WIDTH).

    `asked` are the samples about which the part asks D without saying whose labels they have.
    """

    mover: Player
    both: Players
    batch: Batch
    shape: tuple[int, ...]
    needs: tuple[str, ...] = ()
    kept: Mapping[str, Tensor] = field(default_factory=dict)
    given: list[Tensor] = field(default_factory=list)
    asked: list[Tensor] = field(default_factory=list)

    def _hand(self, tensor: Tensor) -> Tensor:
        self.given.append(tensor)
        return tensor

    @cached_property
    def real_samples(self) -> Tensor:
        return self._hand(self.batch.real)

    @cached_property
    def fake_samples(self) -> Tensor:
        return self._hand(self.generate(self.batch.latent))

    @cached_property
    def latent(self) -> Tensor:
        return self._hand(self.batch.latent)

    @cached_property
    def _real_output(self) -> tuple[Tensor, Tensor]:
        return discriminate(self.both.discriminator, self.batch.real, self.batch.real_labels)

    @cached_property
    def _fake_output(self) -> tuple[Tensor, Tensor]:
        return discriminate(self.both.discriminator, self.fake_samples, self.batch.fake_labels)

    @cached_property
    def real(self) -> Tensor:
        return self._hand(self._real_output[0])

    @cached_property
    def fake(self) -> Tensor:
        return self._hand(self._fake_output[0])

    @property
    def real_extras(self) -> Mapping[str, Tensor]:
        return self._extras(self._real_output[1], "critic.real_extras")

    @property
    def fake_extras(self) -> Mapping[str, Tensor]:
        return self._extras(self._fake_output[1], "critic.fake_extras")

    def _extras(self, features: Tensor, what: str) -> Mapping[str, Tensor]:
        named = {name: features for name in self.needs if name != "labels"}
        return Named("needs", named, what, "list every name of D's extras that it reads in `needs`")

    @property
    def real_labels(self) -> Tensor:
        return self._labels(self.batch.real_labels)

    @property
    def fake_labels(self) -> Tensor:
        return self._labels(self.batch.fake_labels)

    def _labels(self, labels: Tensor) -> Tensor:
        if "labels" not in self.needs:
            fix = 'declare needs = ("labels",), so that a variant without labels does not apply'
            raise BrokenRuleError(Finding("needs", "it reads labels, which its `needs` does not list", fix))
        return self._hand(labels)

    def __call__(self, x: Tensor, labels: Tensor | None = None, *, like: Side | None = None) -> Tensor:
        return discriminate(self.both.discriminator, x, self._labels_of(x, labels, like))[0]

    def extras(self, x: Tensor, labels: Tensor | None = None, *, like: Side | None = None) -> Mapping[str, Tensor]:
        features = discriminate(self.both.discriminator, x, self._labels_of(x, labels, like))[1]
        return self._extras(features, "critic.extras(x)")

    def _labels_of(self, x: Tensor, labels: Tensor | None, like: Side | None) -> Tensor:
        """The labels of x: those given, or those of its side."""
        if like not in (None, "real", "fake"):
            fix = 'write like="real" or like="fake"'
            raise BrokenRuleError(Finding("like", f"it asks D about samples like {like!r}", fix))
        if labels is not None:
            return labels
        if like is None and x is not self.batch.real:
            self.asked.append(plain(x).detach())
        is_real = x is self.batch.real if like is None else like == "real"
        return self.batch.real_labels if is_real else self.batch.fake_labels

    def between(self) -> Tensor:
        mix = self.batch.mix.reshape(-1, *[1] * len(self.shape))
        return self.fake_samples + mix * (self.real_samples - self.fake_samples)

    def gradient(self, x: Tensor, labels: Tensor | None = None, *, like: Side | None = None) -> Tensor:
        own = self._labels_of(x, labels, like)
        slopes: Tensor = torch.func.grad(lambda at: discriminate(self.both.discriminator, at, own)[0].sum())(x)
        return slopes.flatten(1)

    def generate(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        return generate(self.both.generator, latent, self.batch.fake_labels if labels is None else labels, self.shape)

    @property
    def params(self) -> Mapping[str, Tensor]:
        return self.both.discriminator if self.mover == "d" else self.both.generator

    @property
    def noise(self) -> Mapping[str, Tensor]:
        return Named("noise", self.batch.noise, "critic.noise", 'declare it: noise = {"name": normal("sample")}')

    @property
    def memory(self) -> Mapping[str, Tensor]:
        return Named("memory", self.kept, "critic.memory", "return its start value from memory(params)")

    def __getattr__(self, name: str) -> Tensor:
        if name.startswith("_"):
            raise AttributeError(name)
        known = [member for member in vars(Critic) if not member.startswith("_")]
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}"
        if name == "step":
            hint = "give a number of the loss a schedule in the suite, or count in `memory`"
        raise BrokenRuleError(Finding("critic", f"it reads critic.{name}, which does not exist", hint))
