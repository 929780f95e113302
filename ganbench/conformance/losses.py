"""Checks a part of a loss: what it declares, what it computes, and that it depends on the critic alone."""

from __future__ import annotations

import copy
import dataclasses
import random
from collections.abc import Iterator, Mapping
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ganbench.conformance.findings import BrokenRuleError, Collector, Finding, raised
from ganbench.conformance.moves import METHODS, Inputs, Method, Move, inputs_of
from ganbench.conformance.probe import Batch
from ganbench.conformance.watch import Watch
from ganbench.engine.objective import player_of
from ganbench.engine.watch import FIXES
from ganbench.errors import PLUGIN_ERRORS
from ganbench.registry.training_contracts import Loss, Noise
from ganbench.suite.applicable import is_game

SHAPE = (2,)
CALLS = 16
"""How often a method is called with the same inputs: enough for a counter that acts at every eighth call."""


def loss_findings(loss: Loss, shape: tuple[int, ...] = SHAPE) -> list[Finding]:
    """All findings of a part, on small networks for samples of a shape."""
    found = Collector()
    found.extend(_declarations(loss))
    found.extend(wrong_noise(loss))
    if found.findings:
        return found.findings
    with found.catching("memory"):
        inputs = [inputs_of(loss, shape, seed) for seed in (0, 1)]
        for name, player in METHODS.items():
            if hasattr(loss, name):
                _check_method(Method(loss, name, player, shape), inputs, found)
        if hasattr(loss, "remember"):
            check_remember(Method(loss, "remember", player_of(loss), shape), inputs[0], found)
        if hasattr(loss, "project"):
            _check_project(loss, inputs[0].both.discriminator, found)
    return found.findings


def _declarations(loss: Loss) -> Iterator[Finding]:
    """What is wrong about the attributes of a part."""
    needs = getattr(loss, "needs", ())
    if isinstance(needs, str) or not all(isinstance(name, str) for name in needs):
        yield Finding("needs", f"needs is {needs!r}", 'write a tuple of names: needs = ("features",)')
    every = getattr(loss, "every", 1)
    if not isinstance(every, int) or isinstance(every, bool) or every < 1:
        yield Finding("every", f"every is {every!r}", "write a number of steps, an integer >= 1")
    both = all(hasattr(loss, method) for method in METHODS)
    if getattr(loss, "game", False) and not both:
        yield Finding("game", "game is True, but it has only one of d_loss and g_loss", "a game has both")
    if getattr(loss, "log_odds", False) and not is_game(loss):
        yield Finding("game", "log_odds is True of a part that is no game", "leave it out: only a game has it")
    if hasattr(loss, "remember") and not hasattr(loss, "memory"):
        yield Finding("memory", "it has remember, but no memory", "give start values: memory(params) -> {name: tensor}")


def wrong_noise(plugin: object) -> Iterator[Finding]:
    """What is wrong about the draws that a part or a transform declares."""
    noise = getattr(plugin, "noise", {})
    if not isinstance(noise, Mapping):
        yield Finding("noise", f"noise is {noise!r}", 'write noise = {"eps": normal("sample")}')
        return
    for name, declared in noise.items():
        if not isinstance(declared, Noise):
            fix = "declare it with ganbench.normal(...) or ganbench.uniform(...)"
            yield Finding("noise", f"noise[{name!r}] is {declared!r}", fix)


def _check_method(method: Method, inputs: list[Inputs], found: Collector) -> None:
    before = surroundings(method.loss)
    count = len(found.findings)
    with found.catching(method.name):
        move = method.move(inputs[0], found)
        if any(finding.level == "fault" for finding in found.findings[count:]):
            return
        found.extend(_values(method, move))
        found.extend(_mean(method, inputs[0], move))
        found.extend(_without_side(method, inputs))
        found.extend(_repeated(method, inputs, before))
        found.extend(_mixed(method, inputs))
        found.extend(_scheduled(method, inputs[0], move))


def _values(method: Method, move: Move) -> Iterator[Finding]:
    size = sum(float(grad.abs().sum()) for grad in move.grad.values())
    if not bool(move.loss.isfinite()):
        fix = "avoid log(0), 0 / 0 and overflow"
        yield Finding("finite", f"{method.name} is {float(move.loss)} for ordinary logits", fix)
    elif not size < float("inf"):
        fix = "sqrt and norm have no finite slope at 0: add a small number inside"
        yield Finding("finite", f"the gradient of {method.name} is not finite for ordinary logits", fix)
    elif size == 0 and (float(move.loss) != 0 or is_game(method.loss)):
        who = "D" if method.mover == "d" else "G"
        fix = f"compute it from what depends on {who}'s parameters, without detach() and .data"
        yield Finding("gradient", f"{method.name} has no gradient, so {who} cannot learn from it", fix)


def _mean(method: Method, inputs: Inputs, move: Move) -> Iterator[Finding]:
    """Whether the loss of a batch given twice over is twice as large."""

    def twice(one: Tensor) -> Tensor:
        return torch.cat([one, one])

    batch: Batch = tree_map(twice, inputs.batch)
    with suppress(*PLUGIN_ERRORS):  # a part may need its own batch size, for what it remembers of samples
        again = method.move(inputs._replace(batch=batch)).loss
        if bool(torch.isclose(again, 2 * move.loss, rtol=1e-4)) and float(move.loss.abs()) > 1e-6:
            fix = "take .mean(), so that the strength of a loss does not depend on the batch"
            yield Finding("mean", f"{method.name} sums over the batch: twice the batch gives twice the loss", fix)


def _without_side(method: Method, inputs: list[Inputs]) -> Iterator[Finding]:
    """Whether it asks D about samples that are made of real ones only, as if they were fakes."""
    first, second = inputs
    batch = first.batch
    other_fakes, other_reals = batch._replace(latent=second.batch.latent), batch._replace(real=second.batch.real)
    asked = [method.asked(first._replace(batch=one)) for one in (batch, other_fakes, other_reals)]
    for x, with_other_fakes, with_other_reals in zip(*asked, strict=False):
        if torch.equal(x, with_other_fakes) and not torch.equal(x, with_other_reals):
            seen = f"{method.name} asks D about samples made of real ones, as if they were fakes"
            fix = 'write critic(x, like="real"), so that they have the labels and the draws of the real side'
            yield Finding("like", seen, fix)
            return


def surroundings(plugin: object) -> tuple[str, str, str]:
    """What a call must not change: the plugin's attributes, and the random states of numpy and of Python."""
    own = {**vars(type(plugin)), **getattr(plugin, "__dict__", {})}
    plain = {name: repr(value) for name, value in own.items() if not callable(value) and not name.startswith("__")}
    numbers = np.random.get_state(legacy=False)
    return repr(sorted(plain.items())), str(numbers), str(random.getstate())


def wrong_surroundings(what: str, before: tuple[str, str, str], after: tuple[str, str, str]) -> Finding | None:
    """What a call changed around it, or None."""
    for index, who in ((1, "numpy's"), (2, "Python's")):
        if after[index] != before[index]:
            return Finding("undeclared-noise", f"{what} draws from {who} random numbers", FIXES["undeclared-noise"])
    if after[0] == before[0]:
        return None
    return Finding("state", f"{what} changes an attribute of its own", FIXES["hidden-state"])


def _repeated(method: Method, inputs: list[Inputs], before: tuple[str, str, str]) -> Iterator[Finding]:
    """Whether calls with the same inputs, in turn with others, give the same bits."""
    first: dict[int, Move] = {}
    differs = 0
    for call in range(CALLS):
        move = method.move(inputs[call % 2])
        one = first.setdefault(call % 2, move)
        same = torch.equal(one.loss, move.loss) and all(torch.equal(one.grad[key], move.grad[key]) for key in one.grad)
        differs = differs or (0 if same else call + 1)
    changed = wrong_surroundings(method.name, before, surroundings(method.loss))
    if changed is not None:
        yield changed
    elif differs:
        seen = f"call {differs} of {method.name} differs from an earlier one with the same inputs"
        yield Finding("same-inputs", seen, FIXES["hidden-state"])


def _mixed(method: Method, inputs: list[Inputs]) -> Iterator[Finding]:
    """Whether a seed in a stack of two gets another gradient than alone; a loss that vmap cannot map is looped."""
    stacked: Inputs = tree_map(lambda *leaves: torch.stack(leaves), *inputs)
    try:
        both = torch.vmap(method.move)(stacked)
    except PLUGIN_ERRORS:  # allowed: it runs seed by seed, and the report of its path says so
        return
    for index, one in enumerate(inputs):
        for name, grad in method.move(one).grad.items():
            if not torch.allclose(both.grad[name][index], grad, atol=1e-5, rtol=1e-4, equal_nan=True):
                seen = f"{method.name} mixes seeds: in a stack of two, a seed gets another gradient than alone"
                yield Finding("mixes-seeds", seen, "count dimensions from the batch of one seed, and keep no tensors")
                return


def _scheduled(method: Method, inputs: Inputs, move: Move) -> Iterator[Finding]:
    """Whether every field that holds a float may be a 0-d tensor, as a schedule makes it."""
    fields = dataclasses.fields(method.loss) if dataclasses.is_dataclass(method.loss) else ()
    for field in fields:
        value = getattr(method.loss, field.name)
        if not isinstance(value, float):
            continue
        other = copy.copy(method.loss)
        object.__setattr__(other, field.name, torch.tensor(value))
        fix = "use torch's functions on it, such as torch.sqrt, and no math.sqrt, range or formatting"
        try:
            again = dataclasses.replace(method, loss=other).move(inputs)
        except PLUGIN_ERRORS as error:  # a third-party plugin may raise anything
            seen = f"{method.name} does not take a schedule for {field.name!r}: {raised(method.name, error).seen}"
            yield Finding("schedule", seen, fix)
            continue
        if not torch.allclose(again.loss, move.loss, rtol=1e-4, atol=1e-6, equal_nan=True):
            seen = f"{method.name} gives another value if {field.name!r} is a tensor of the same value"
            yield Finding("schedule", seen, fix)


def check_remember(method: Method, inputs: Inputs, found: Collector) -> None:
    """Check the next values of a memory: its names and forms, the same for the same inputs."""
    count, before = len(found.findings), surroundings(method.loss)
    with found.catching("remember"):
        values = method.call(inputs, found)
        found.extend(_wrong_update("remember", values, inputs.kept))
        if len(found.findings) > count:
            return
        again = [method.call(inputs) for _ in range(CALLS)]
        changed = wrong_surroundings("remember", before, surroundings(method.loss))
        if changed is not None:
            found.add(changed)
        elif not all(torch.equal(values[key], other[key]) for other in again for key in values):
            seen = "remember returns other values for the same inputs"
            found.add(Finding("same-inputs", seen, FIXES["hidden-state"]))


def _check_project(loss: Loss, params: Mapping[str, Tensor], found: Collector) -> None:
    copies = {key: value.clone() for key, value in params.items()}
    watch = Watch(list(copies.values()))
    with found.catching("project"):
        try:
            with watch:
                values = getattr(loss, "project")(copies)  # noqa: B009
        finally:
            found.extend(watch.findings)
        found.extend(_wrong_update("project", values, params))


def _wrong_update(name: str, values: object, known: Mapping[str, Tensor]) -> Iterator[Finding]:
    rule = "memory" if name == "remember" else name
    if not isinstance(values, Mapping):
        raise BrokenRuleError(Finding(rule, f"{name} returns {type(values).__name__}", "return {name: tensor}"))
    if name == "remember" and set(values) != set(known):
        seen = f"remember returns {sorted(values)}, memory {sorted(known)}"
        raise BrokenRuleError(Finding(rule, seen, "return every name of memory(params) at every call"))
    for key, value in values.items():
        if key not in known:
            yield Finding(rule, f"{name} returns {key!r}, which is no parameter", "use the names that it is given")
        elif not isinstance(value, Tensor) or value.shape != known[key].shape or value.dtype != known[key].dtype:
            form = f"{tuple(value.shape)} {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
            wanted = f"{tuple(known[key].shape)} {known[key].dtype}"
            yield Finding(rule, f"{name} returns {key!r} as {form}", f"keep its form, {wanted}")
        elif not bool(value.isfinite().all()):
            yield Finding("finite", f"{name} returns {key!r} with values that are not finite")
