"""Checks a transform of D: what D sees, the logits that come back, and their gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from ganbench.conformance.findings import Finding
from ganbench.errors import describe_error, raised_at
from ganbench.registry.contracts import Noise, Transform

SHAPES = ((2,), (3, 16, 16))
BATCH = 32
LATENT = 8


def draw(noise: Noise, shape: tuple[int, ...], generator: torch.Generator, batch: int = BATCH) -> Tensor:
    """A declared draw for a batch of samples of a shape."""
    sides = {"sample": shape, "latent": (LATENT,)}.get(noise.shape, noise.shape)  # type: ignore[arg-type]
    sample = torch.randn if noise.kind == "normal" else torch.rand
    return sample(batch, *sides, generator=generator)


def supported_shapes(plugin: object, shapes: tuple[tuple[int, ...], ...] = SHAPES) -> list[tuple[int, ...]]:
    """The shapes for which the optional `supports(shape)` gives no reason."""
    return [shape for shape in shapes if getattr(plugin, "supports", lambda _: None)(shape) is None]


def check_calls(transform: Transform, shape: tuple[int, ...]) -> Iterator[Finding]:
    """Check one call for samples of a shape."""
    seen_shape = tuple(getattr(transform, "shape", lambda same: same)(shape))
    generator = torch.Generator().manual_seed(0)
    linear = nn.Linear(int(torch.Size(seen_shape).numel()), 1).requires_grad_(False)
    given: list[tuple[int, ...]] = []

    def discriminator(x: Tensor) -> Tensor:
        given.append(tuple(x.shape))
        return linear(x.flatten(1)).tanh().reshape(-1)  # type: ignore[no-any-return]

    declared: Mapping[str, Noise] = getattr(transform, "noise", {})
    noise = {name: draw(one, shape, generator) for name, one in declared.items()}
    memory = dict(getattr(transform, "memory", lambda params: {})(dict(linear.named_parameters())))
    x = torch.rand(BATCH, *shape, generator=generator) * 2 - 1

    def total(at: Tensor) -> Tensor:
        return transform(discriminator, at, noise, memory).sum()

    try:
        logits = transform(discriminator, x, noise, memory)
        slopes = torch.func.grad(total)(x) if isinstance(logits, Tensor) else torch.zeros(1)
    except Exception as error:  # third-party code may raise anything
        yield Finding("raises", f"for samples {shape} it raised {describe_error(error)}{raised_at(error)}")
        return
    yield from _wrong_answers(logits, slopes, given, seen_shape)


def _wrong_answers(
    logits: object, slopes: Tensor, given: list[tuple[int, ...]], seen_shape: tuple[int, ...]
) -> Iterator[Finding]:
    if not given:
        yield Finding("logits", "it does not call the discriminator", "return discriminator(changed x)")
        return
    if given[-1][1:] != seen_shape:
        yield Finding(
            "shape", f"D is given samples {given[-1][1:]}, but `shape` says {seen_shape}", "declare `shape(shape)`"
        )
    if not isinstance(logits, Tensor) or tuple(logits.shape) != given[-1][:1]:
        found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        yield Finding("logits", f"it returns {found}", f"return D's logits, {given[-1][:1]}")
    if not bool(slopes.isfinite().all()) or not bool(slopes.abs().sum() > 0):
        yield Finding(
            "gradient", "the logits have no finite gradient with respect to the samples", "G learns through it"
        )
