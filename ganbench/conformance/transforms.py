"""Checks a transform of D: what D sees, the logits that come back, and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ganbench.conformance.findings import BrokenRuleError, Collector, Finding, raised
from ganbench.conformance.losses import CALLS, check_remember, surroundings, wrong_noise, wrong_surroundings
from ganbench.conformance.moves import Inputs, Method, start_memory
from ganbench.conformance.probe import BATCH, batch_of, players
from ganbench.conformance.watch import Watch
from ganbench.engine.watch import FIXES
from ganbench.errors import PLUGIN_ERRORS
from ganbench.registry.training_contracts import Transform

SHAPES: tuple[tuple[int, ...], ...] = ((2,), (1, 28, 28), (3, 16, 16))


@dataclass
class _Discriminator:
    """D: a fixed function of samples of one shape, which records the shapes that it is given."""

    shape: tuple[int, ...]
    given: list[tuple[int, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        size = int(torch.Size(self.shape).numel())
        self._weight = torch.randn(size, generator=generator) / size**0.5

    def __call__(self, x: Tensor) -> Tensor:
        self.given.append(tuple(x.shape))
        if tuple(x.shape[1:]) != self.shape:
            seen = f"D is given samples {tuple(x.shape[1:])}, wanted {self.shape}"
            fix = "keep the shape of samples, or declare shape(shape)"
            raise BrokenRuleError(Finding("shape", seen, fix))
        return torch.tanh(x.flatten(1) @ self._weight)


Arguments = tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]
"""Samples, noise and memory of one call."""


def transform_findings(transform: Transform) -> list[Finding]:
    """All findings of a transform, on samples of every shape that it supports."""
    found = Collector()
    found.extend(wrong_noise(transform))
    if hasattr(transform, "remember") and not hasattr(transform, "memory"):
        fix = "give start values: memory(params) -> {name: tensor}"
        found.add(Finding("memory", "it has remember, but no memory", fix))
    if found.findings:
        return found.findings
    with found.catching("supports"):
        supports = getattr(transform, "supports", lambda _: None)
        shapes = [shape for shape in SHAPES if supports(shape) is None]
        if not shapes:
            shown = ", ".join(map(str, SHAPES))
            found.add(Finding("supports", f"it supports none of {shown}", "return None for what it can change"))
        for shape in shapes:
            with found.catching(f"samples {shape}"):
                _check_shape(transform, shape, found)
        if shapes and hasattr(transform, "remember") and not found.findings:
            inputs = _inputs(transform, shapes[0], 0)
            check_remember(Method(transform, "remember", "d", shapes[0]), inputs, found)
    return found.findings


def _inputs(transform: Transform, shape: tuple[int, ...], seed: int) -> Inputs:
    both = players(shape, seed)
    kept = start_memory(transform, both.discriminator)
    return Inputs(both, batch_of(shape, getattr(transform, "noise", {}), seed), kept)


def _check_shape(transform: Transform, shape: tuple[int, ...], found: Collector) -> None:
    seen_shape: object = getattr(transform, "shape", lambda same: same)(shape)
    if not isinstance(seen_shape, tuple) or not all(isinstance(side, int) for side in seen_shape):
        fix = "return the shape of a sample as D sees it, a tuple of integers"
        raise BrokenRuleError(Finding("shape", f"shape({shape}) returns {seen_shape!r}", fix))
    discriminator = _Discriminator(seen_shape)
    arguments = []
    for seed in (0, 1):
        inputs = _inputs(transform, shape, seed)
        arguments.append((inputs.batch.real, inputs.batch.noise, inputs.kept))

    def call(one: Arguments) -> Tensor:
        return transform(discriminator, *one)

    before = surroundings(transform)
    x, noise, memory = arguments[0]
    watch = Watch([x, *noise.values(), *memory.values()])
    try:
        with watch:
            logits = call((x, _named("noise", noise), _named("memory", memory)))
    except BrokenRuleError:
        raise
    except PLUGIN_ERRORS as error:  # a third-party plugin may raise anything
        first = next((one for one in watch.findings if one.rule in watch.BLOCKING), None)
        raise BrokenRuleError(first or raised(f"for samples {shape}, it", error)) from error
    finally:
        found.extend(watch.findings)
    if found.findings:
        return
    found.extend(_wrong_logits(logits, discriminator.given))
    if not found.findings:
        found.extend(_slopes(call, arguments[0], shape))
        found.extend(_repeated(call, arguments, transform, before))
        found.extend(_mixed(call, arguments))


class _Given(dict[str, Tensor]):
    """Draws or memory by name; another name is a broken rule."""

    rule = ""

    def __missing__(self, name: str) -> Tensor:
        seen = f"it reads {self.rule}[{name!r}], which is not declared"
        raise BrokenRuleError(Finding(self.rule, seen, "declare it, as a part of a loss does"))


def _named(rule: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    given = _Given(tensors)
    given.rule = rule
    return given


def _wrong_logits(logits: object, given: list[tuple[int, ...]]) -> Iterator[Finding]:
    if not given:
        yield Finding("logits", "it does not call the discriminator", "return discriminator(changed x)")
    elif not isinstance(logits, Tensor) or tuple(logits.shape) != given[-1][:1]:
        form = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        yield Finding("logits", f"it returns {form} for {BATCH} samples", f"return D's logits, {given[-1][:1]}")
    elif not bool(logits.isfinite().all()):
        yield Finding("finite", "its logits are not finite for ordinary samples")


def _slopes(call: Callable[[Arguments], Tensor], arguments: Arguments, shape: tuple[int, ...]) -> Iterator[Finding]:
    x, noise, memory = arguments
    slopes = torch.func.grad(lambda at: call((at, noise, memory)).sum())(x)
    if not bool(slopes.isfinite().all()):
        yield Finding("finite", f"for samples {shape}, the gradient of its logits is not finite")
    elif not bool(slopes.abs().sum() > 0):
        fix = "change x by differentiable operations, without detach(), round() or comparisons alone"
        yield Finding("gradient", f"for samples {shape}, its logits have no gradient, so G cannot learn", fix)


def _repeated(
    call: Callable[[Arguments], Tensor], arguments: list[Arguments], transform: Transform, before: tuple[str, str, str]
) -> Iterator[Finding]:
    """Whether calls with the same inputs, in turn with others, give the same bits."""
    results = [call(arguments[number % 2]) for number in range(CALLS)]
    changed = wrong_surroundings("it", before, surroundings(transform))
    if changed is not None:
        yield changed
    elif not all(torch.equal(results[number % 2], result) for number, result in enumerate(results)):
        yield Finding("same-inputs", "it returns other logits for the same inputs", FIXES["hidden-state"])


def _mixed(call: Callable[[Arguments], Tensor], arguments: list[Arguments]) -> Iterator[Finding]:
    """Whether a seed in a stack of two gets other logits than alone."""
    stacked: Arguments = tree_map(lambda *leaves: torch.stack(leaves), *arguments)
    try:
        both = torch.vmap(call)(stacked)
    except PLUGIN_ERRORS:  # allowed: it runs seed by seed, and the report of its path says so
        return
    for logits, one in zip(both, arguments, strict=True):
        if not torch.allclose(logits, call(one), atol=1e-5, rtol=1e-4):
            seen = "it mixes seeds: in a stack of two, a seed gets other logits than alone"
            yield Finding("mixes-seeds", seen, "count dimensions from the batch of one seed")
            return
