"""A smaller configuration of a large architecture, in which the many passes of a check take seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from math import prod

import torch

from ganbench.engine.purity import LARGE
from ganbench.errors import PLUGIN_ERRORS
from ganbench.registry.training_contracts import Architecture

Shapes = Sequence[tuple[int, ...]]


def smaller(architecture: Architecture, shapes: Shapes) -> Architecture:
    """The architecture with integer hyperparameters halved until both networks have at most `LARGE` parameters.

    The largest number is halved first. Halved numbers must be allowed and support the same shapes. What is small, or
    has nothing to halve, is returned as it is.
    """
    supported = _supported(architecture, shapes)
    if not supported:
        return architecture
    shape = min(supported, key=prod)
    count = parameters(architecture, shape)
    while count is not None and count > LARGE:
        for made in _halved(architecture):
            fewer = parameters(made, shape)
            if fewer is not None and fewer < count and _supported(made, shapes) == supported:
                architecture, count = made, fewer
                break
        else:
            break
    return architecture


def parameters(architecture: Architecture, shape: tuple[int, ...]) -> int | None:
    """The parameters of both networks, counted without memory for them; None if they cannot be built so."""
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            networks = architecture.generator(shape), architecture.discriminator(shape)
        return sum(p.numel() for network in networks for p in network.parameters())
    except PLUGIN_ERRORS:  # third-party code may raise anything; the check itself says what is wrong
        return None


def _halved(architecture: Architecture) -> Iterator[Architecture]:
    """The architecture with one of its integers halved, the largest first."""
    if not is_dataclass(architecture):
        return
    numbers = {field.name: getattr(architecture, field.name) for field in fields(architecture) if field.init}
    whole = {name: value for name, value in numbers.items() if type(value) is int and value > 1}
    for name in sorted(whole, key=lambda name: -whole[name]):
        try:
            made: Architecture = replace(architecture, **{name: whole[name] // 2})
        except PLUGIN_ERRORS:  # __post_init__ refuses it
            continue
        yield made


def _supported(architecture: Architecture, shapes: Shapes) -> list[tuple[int, ...]]:
    return [shape for shape in shapes if architecture.supports(shape) is None]
