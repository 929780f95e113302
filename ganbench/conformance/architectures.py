"""Checks an architecture: the shapes and ranges of its networks, and that they depend on the seed alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from ganbench.conformance.findings import BrokenRuleError, Collector, Finding
from ganbench.conformance.smaller import smaller
from ganbench.conformance.watch import Watch
from ganbench.engine.watch import FIXES
from ganbench.registry.training_contracts import Architecture

SHAPES: tuple[tuple[int, ...], ...] = ((2,), (1, 16, 16), (1, 28, 28), (3, 32, 32), (3, 64, 64))
BATCH, CLASSES = 4, 3
Build = Callable[[], nn.Module]


def architecture_findings(architecture: Architecture, shapes: tuple[tuple[int, ...], ...] = SHAPES) -> list[Finding]:
    """All findings of an architecture with its hyperparameters, and conditional if it has that hyperparameter.

    A large one makes samples and logits of its smallest shape; all else is tried in a smaller configuration.
    """
    found = Collector()
    found.extend(_declarations(architecture))
    if found.findings:
        return found.findings
    with found.catching("supports"):
        supported = [shape for shape in shapes if _supports(architecture, shape)]
        if not supported:
            shown = ", ".join(map(str, shapes))
            found.add(Finding("supports", f"it supports none of {shown}", "return None for a shape that it can make"))
        small = smaller(architecture, shapes)
        if small is not architecture:
            with found.catching(f"samples {supported[0]}"):
                _check_outputs(architecture, supported[0], (), found)
        for shape in supported:
            with found.catching(f"samples {shape}"):
                _check_networks(small, shape, (), found)
        conditional = _conditional(small)
        if conditional is not None and supported:
            with found.catching(f"conditional, samples {supported[0]}"):
                _check_networks(conditional, supported[0], (CLASSES,), found)
    return found.findings


def _declarations(architecture: Architecture) -> Iterator[Finding]:
    latent, extras = architecture.latent, getattr(architecture, "extras", ())
    if not isinstance(latent, int) or isinstance(latent, bool) or latent < 1:
        yield Finding("latent", f"latent is {latent!r}", "give the dimension of the latent space, an integer >= 1")
    if isinstance(extras, str) or not all(isinstance(name, str) for name in extras):
        yield Finding("extras", f"extras is {extras!r}", 'write a tuple of names: extras = ("features",)')


def _supports(architecture: Architecture, shape: tuple[int, ...]) -> bool:
    reason: object = architecture.supports(shape)
    if reason is not None and (not isinstance(reason, str) or not reason):
        fix = "return None if it can make such samples, else the reason in words"
        raise BrokenRuleError(Finding("supports", f"supports({shape}) returns {reason!r}", fix))
    return reason is None


def _conditional(architecture: Architecture) -> Architecture | None:
    """The architecture made conditional by class, if it has that hyperparameter and is not yet."""
    if not is_dataclass(architecture) or "conditional" not in {field.name for field in fields(architecture)}:
        return None
    if getattr(architecture, "conditional"):  # noqa: B009
        return None
    return replace(architecture, conditional=True)


def _check_networks(
    architecture: Architecture, shape: tuple[int, ...], classes: tuple[int, ...], found: Collector
) -> None:
    latent, labels, generator, discriminator = _tried(architecture, shape, classes)
    if classes:
        _check_arguments(architecture)
    for who, build, x in (("G", generator, latent), ("D", discriminator, torch.ones(BATCH, *shape) / 2)):
        found.extend(_wrong_module(who, build, (x, *labels), shape))
    _check_outputs(architecture, shape, classes, found)


def _tried(
    architecture: Architecture, shape: tuple[int, ...], classes: tuple[int, ...]
) -> tuple[Tensor, tuple[Tensor, ...], Build, Build]:
    """Latents, labels if there are classes, and how both networks are built."""
    latent = torch.randn(BATCH, architecture.latent, generator=torch.Generator().manual_seed(0))
    labels = (torch.arange(BATCH) % CLASSES,) if classes else ()
    build = [partial(getattr(architecture, name), shape, *classes) for name in ("generator", "discriminator")]
    return latent, labels, build[0], build[1]


def _check_outputs(
    architecture: Architecture, shape: tuple[int, ...], classes: tuple[int, ...], found: Collector
) -> None:
    latent, labels, generator, discriminator = _tried(architecture, shape, classes)
    fake = _call("G", built(generator), (latent, *labels), found)
    if not isinstance(fake, Tensor) or fake.shape != (BATCH, *shape):
        form = tuple(fake.shape) if isinstance(fake, Tensor) else type(fake).__name__
        seen = f"G returns {form} for {BATCH} latents, wanted {(BATCH, *shape)}"
        raise BrokenRuleError(Finding("sample-shape", seen, "end it with nn.Unflatten or reshape"))
    if len(shape) == 3 and not float(fake.abs().max()) <= 1:
        seen = f"G makes images {shape} with values up to {float(fake.abs().max()):.3g}, wanted -1 to 1"
        found.add(Finding("image-range", seen, "end G with tanh"))
    found.extend(_wrong_output(architecture, _call("D", built(discriminator), (fake, *labels), found)))


def _check_arguments(architecture: Architecture) -> None:
    """Raise `BrokenRuleError` if the methods of a conditional architecture take no number of classes."""
    for name in ("generator", "discriminator"):
        if len(inspect.signature(getattr(architecture, name)).parameters) < 2:
            fix = f"write def {name}(self, shape, classes=None); with classes, the network takes labels too"
            raise BrokenRuleError(Finding("conditional", f"{name} takes no number of classes", fix))


def built(build: Build, seed: int = 0) -> nn.Module:
    """The module that is built under the random stream of a seed. Raises `BrokenRuleError`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module: object = build()
    if not isinstance(module, nn.Module):
        raise BrokenRuleError(Finding("module", f"it builds {type(module).__name__}", "return a torch nn.Module"))
    return module


def _call(who: str, module: nn.Module, inputs: tuple[Tensor, ...], found: Collector) -> object:
    """The output for inputs, which the module must not change; random layers have a stream of their own."""
    copies = tuple(x.clone() for x in inputs)
    watch = Watch(copies)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        try:
            with watch:
                output: object = module(*copies)
        finally:
            found.extend(finding for finding in watch.findings if finding.rule != "undeclared-noise")
    if not all(torch.equal(x, copy) for x, copy in zip(inputs, copies, strict=True)):
        found.add(Finding("in-place", f"{who} changes the samples that it is given", FIXES["in-place"]))
    return output


def _wrong_module(who: str, build: Build, inputs: tuple[Tensor, ...], shape: tuple[int, ...]) -> Iterator[Finding]:
    """What is wrong about a module's parameters, and about its dependence on anything but seed and input."""
    module, again = built(build), built(build)
    params, other = dict(module.named_parameters()), dict(again.named_parameters())
    if not params:
        yield Finding("parameters", f"{who} for samples {shape} has no parameters", "there is nothing to train")
    for name, param in params.items():
        if param.dtype != torch.float32:
            yield Finding(
                "float32", f"{who}'s parameter {name} is {param.dtype}", "use float32; `precision` sets the rest"
            )
            return
    if not all(torch.equal(param, other[name]) for name, param in params.items()):
        fix = "draw initial weights with torch alone, without a generator of your own or numpy"
        yield Finding("same-weights", f"{who} starts with other weights for the same seed", fix)
        return
    yield from _hidden_state(who, module, built(build, 1), inputs)


def _hidden_state(who: str, module: nn.Module, other: nn.Module, inputs: tuple[Tensor, ...]) -> Iterator[Finding]:
    """Whether a module holds a random tensor that is no buffer, or keeps something between calls."""
    theirs = {**dict(other.named_parameters()), **dict(other.named_buffers())}
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        theirs[name].data.copy_(value.data)
    outputs = []
    for one in (module.eval(), other.eval(), module):
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            outputs.append(_logits(one(*(x.clone() for x in inputs))))
    first, second, third = outputs
    if not torch.equal(first, third):
        fix = "keep what a network must keep in a buffer: self.register_buffer(name, tensor)"
        yield Finding("network-state", f"{who} answers the same input with other values when it is called again", fix)
    elif not torch.equal(first, second):
        fix = "register it with self.register_buffer(name, tensor), so that each seed has its own"
        yield Finding("hidden-tensor", f"{who} holds a random tensor that is neither a parameter nor a buffer", fix)


def _logits(output: object) -> Tensor:
    first = output[0] if isinstance(output, tuple) and output else output
    return first if isinstance(first, Tensor) else torch.zeros(0)


def _wrong_output(architecture: Architecture, output: object) -> Iterator[Finding]:
    """What is wrong about D's logits and extras."""
    declared = set(getattr(architecture, "extras", ()))
    extras: object = output[1] if isinstance(output, tuple) and len(output) == 2 else {}
    logits = _logits(output)
    if tuple(logits.shape) not in ((BATCH,), (BATCH, 1)):
        seen = f"D returns {tuple(logits.shape)} for {BATCH} samples"
        yield Finding("logits", seen, "return one logit a sample, (B,) or (B, 1); more heads are extras")
    elif not bool(logits.isfinite().all()):
        yield Finding("finite", "D's logits are not finite at the start", "check how the weights are initialized")
    if not isinstance(extras, Mapping) or not all(isinstance(value, Tensor) for value in extras.values()):
        yield Finding("extras", "what D returns beside its logits is no mapping", "return (logits, {name: tensor})")
    elif set(extras) != declared:
        seen = f"D returns the extras {sorted(extras)}, but `extras` says {sorted(declared)}"
        yield Finding("extras", seen, "declare every name that D returns: extras = (...)")
    elif any(not value.dim() or len(value) != BATCH for value in extras.values()):
        yield Finding("extras", "an extra has no dimension for the batch", "return (B, ...) for each")
