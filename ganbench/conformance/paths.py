"""Which path a plugin takes: its step is traced and tried as a training would, without the compiler's time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganbench.conformance.findings import Collector, Finding, PathTaken
from ganbench.conformance.losses import CALLS
from ganbench.conformance.smaller import smaller
from ganbench.engine.backend import backend_of
from ganbench.engine.compile import traced
from ganbench.engine.objective import Objective
from ganbench.engine.path import choose_path
from ganbench.engine.purity import check_purity
from ganbench.engine.setting import build_example, build_setting
from ganbench.engine.strategy import build_engine
from ganbench.engine.trainer import differentiable_attention
from ganbench.engine.watch import ImpureError
from ganbench.registry.choice import Kind
from ganbench.registry.contracts import Data
from ganbench.registry.training_contracts import Architecture, Critic, is_conditional
from ganbench.suite.applicable import is_game
from ganbench.suite.train_spec import TrainSpec

BATCH, CLASSES = 32, 4
TRAININGS = {"": TrainSpec(steps=1_000_000, batch=BATCH), ", few steps": TrainSpec(steps=10, batch=BATCH)}
"""A training that is worth compiling, and one that is not."""
SAMPLES: dict[str, tuple[tuple[int, ...], ...]] = {
    "points": ((2,),),
    "images": ((1, 16, 16), (1, 28, 28), (3, 32, 32), (3, 64, 64)),
}
"""Shapes of samples, of which the first that a plugin supports is taken."""


class _Game:
    """The non-saturating loss, to which parts are added."""

    def d_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.real).mean() + softplus(critic.fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.fake).mean()


class _Network(nn.Module):
    """A small network of points or images, with a label if it is made for classes."""

    def __init__(self, inputs: int, shape: tuple[int, ...], classes: int, extras: Sequence[str], first: nn.Module):
        super().__init__()
        self.first, self.hidden, self.last = first, nn.LazyLinear(32), nn.Linear(32, prod(shape))
        self.shape, self.extras = shape, tuple(extras)
        self.labels = nn.Embedding(max(1, classes), 32)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
        hidden = self.hidden(self.first(x).flatten(1))
        if labels is not None:
            hidden = hidden + self.labels(labels)
        output = self.last(torch.tanh(hidden)).reshape(-1, *self.shape)
        return (output, dict.fromkeys(self.extras, hidden)) if self.extras else output


@dataclass(frozen=True)
class _Networks:
    """An architecture for trying losses and transforms: convolutions for images, whatever extras are asked for."""

    extras: tuple[str, ...] = ()
    latent = 8

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None

    def generator(self, shape: tuple[int, ...], classes: int = 0) -> nn.Module:
        return _made(_Network(self.latent, shape, classes, (), nn.Identity()), (self.latent,), classes)

    def discriminator(self, shape: tuple[int, ...], classes: int = 0) -> nn.Module:
        first = nn.Conv2d(shape[0], 8, 4, 2, 1) if len(shape) == 3 else nn.Identity()
        return _made(_Network(prod(shape), (), classes, self.extras, first), shape, classes)


def _made(network: nn.Module, shape: tuple[int, ...], classes: int) -> nn.Module:
    """A network whose lazy layers have their sizes."""
    labels = (torch.zeros(2, dtype=torch.int64),) if classes else ()
    network(torch.zeros(2, *shape), *labels)
    return network


def paths_of(kind: Kind, plugin: Any, found: Collector) -> list[PathTaken]:
    """The paths of a loss, a transform or an architecture; what the engine refuses becomes a finding.

    A large architecture takes the path of its smaller configuration, which is above the limit for several lanes too.
    """
    paths: list[PathTaken] = []
    plugin = (
        smaller(plugin, [shape for shapes in SAMPLES.values() for shape in shapes])
        if kind == "architecture"
        else plugin
    )
    for samples, shapes in SAMPLES.items():
        supports: Callable[[tuple[int, ...]], str | None] = getattr(plugin, "supports", lambda _: None)
        shape = next((shape for shape in shapes if supports(shape) is None), None)
        if shape is not None:
            for training, spec in TRAININGS.items():
                try:
                    with found.catching(f"a step on {samples} {shape}"):
                        paths.append(_path(kind, plugin, shape, spec, f"{samples} {shape}{training}"))
                except ImpureError as error:
                    found.add(Finding(error.rule, f"{error.who} {error.seen}", error.fix))
    slow = next((finding for finding in found.findings if finding.level == "slow"), None)
    return list(_in_our_words(paths, slow))


def _path(kind: Kind, plugin: Any, shape: tuple[int, ...], spec: TrainSpec, where: str) -> PathTaken:
    needs = tuple(getattr(plugin, "needs", ())) if kind == "loss" else ()
    labeled = "labels" in needs or (kind == "architecture" and is_conditional(plugin))
    parts = (plugin,) if kind == "loss" and is_game(plugin) else (_Game(), *((plugin,) if kind == "loss" else ()))
    objective = Objective.of(*parts, transforms=(plugin,) if kind == "transform" else ())
    architecture: Architecture = plugin
    if kind != "architecture":
        architecture = _Networks(tuple(name for name in needs if name != "labels"))
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(2 * BATCH, *shape, generator=generator).tanh()
    data = Data(samples, torch.arange(2 * BATCH) % CLASSES if labeled else None)
    cpu = torch.device("cpu")
    with torch.random.fork_rng(devices=[]):
        setting = build_setting(objective, architecture, data, spec, 0, cpu, CLASSES if labeled else None)
        with differentiable_attention():
            backend = backend_of(cpu)
            path = choose_path(setting.game, spec, backend)
            example = build_example(setting, spec, 0, cpu)
            path = build_engine(path, setting, spec, example, backend, traced).path
            if kind != "architecture" and len(shape) == 1 and spec.steps < CALLS:
                check_purity(setting, example, CALLS)
    return PathTaken(where, path.kind, path.lanes, path.reason)


def _in_our_words(paths: list[PathTaken], slow: Finding | None) -> Iterator[PathTaken]:
    """Paths whose reason is a message of torch's own have that of the slow finding instead, if there is one."""
    for path in paths:
        torchs = "vmap" in path.reason or "not compiled:" in path.reason
        if slow is not None and torchs:
            yield PathTaken(path.where, path.kind, path.lanes, slow.seen.partition(": ")[0])
        else:
            yield path
