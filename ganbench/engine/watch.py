"""Watches a step: whose code runs, what it is given, what it returns, and what it does to tensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ganbench.engine.critic import Critic
from ganbench.engine.networks import Buffers, Named, Network
from ganbench.engine.objective import Setup
from ganbench.engine.step import Game
from ganbench.errors import ContractError, text_of

MUTATED = re.compile(r"in-place operation \(aten::(\w+)[^)]*\) that would mutate a captured Tensor")
"""How `torch.func` refuses work in place before the watch sees it."""

FIXES = {
    "undeclared-noise": 'declare the draw, such as noise = {"eps": normal("sample")}, and read it from `noise`',
    "in-place": "compute a new tensor: x = x + 1 instead of x += 1, ReLU() instead of ReLU(inplace=True)",
    "hidden-state": "keep state in `memory` and `remember`, declare random numbers in `noise`, use no numpy and no "
    "clock",
    "hidden-state of layers": "keep state in registered buffers, draw random numbers with torch, use no numpy "
    "and no clock",
}


class ImpureError(ContractError):
    """A plugin breaks a rule of purity: `who` does it, the `rule`, what was `seen` and the `fix`."""

    def __init__(self, who: str, rule: str, seen: str, fix: str) -> None:
        super().__init__(f"{who} {seen}; {fix} [{rule}]")
        self.who, self.rule, self.seen, self.fix = who, rule, seen, fix

    def __reduce__(self) -> tuple[type[ImpureError], tuple[str, str, str, str]]:
        return type(self), (self.who, self.rule, self.seen, self.fix)


class Caller(NamedTuple):
    """Whose code runs: a method of a plugin, or the layers of a network, which may draw random numbers."""

    who: str
    method: str = ""
    layers: bool = False

    def __str__(self) -> str:
        return f"{self.who}: {self.method}" if self.method else f"{self.who}:"


class Call(NamedTuple):
    """One call of a plugin or a network, who asked for it, the samples that it was given, and what it returned."""

    caller: Caller
    asked: Caller | None
    samples: list[Tensor]
    results: list[Tensor]


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation on tensors, knows whose code runs, and remembers what each call returned."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.caller: Caller | None = None
        self.calls: list[Call] = []
        self.given: dict[int, Tensor] = {}  # by the address of its memory; holding it keeps the address its own

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled while it watches, and the guard costs more than the watching

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.caller is not None:
            if not self.caller.layers and torch.Tag.nondeterministic_seeded in func.tags:
                raise self._broken(self.caller, "undeclared-noise", f"draws random numbers ({_name(func)})")
            if func._schema.is_mutable and any(_address(one) in self.given for one in _changed(func, args, kwargs)):
                raise self._broken(self.caller, "in-place", f"changes what it was given, in place ({_name(func)})")
        return func(*args, **kwargs)

    @staticmethod
    def _broken(caller: Caller, rule: str, seen: str) -> ImpureError:
        return ImpureError(str(caller), rule, seen, FIXES[rule])

    def gives(self, tree: Any) -> Any:
        """Guard what is given to a plugin against work in place."""
        for leaf in tree_leaves(dict(tree) if isinstance(tree, Mapping) else tree):
            if isinstance(leaf, Tensor) and leaf.numel():
                own = plain(leaf)
                self.given[_address(own)] = own
        return tree

    def called(self, caller: Caller, function: Callable[..., Any], *given: Any, **more: Any) -> Any:
        """Call a plugin or a network and remember what it returns."""
        self.gives((given, more))
        asked = self.caller
        with self._running(caller):
            try:
                result = function(*given, **more)
            except RuntimeError as error:
                found = MUTATED.search(text_of(error))
                if found is None:
                    raise
                seen = f"changes what it was given, in place ({found[1]})"
                raise self._broken(caller, "in-place", seen) from error
        samples = [one for one in given if isinstance(one, Tensor)]
        self.calls.append(Call(caller, asked, _copies(samples), _copies(result)))
        return result

    @contextmanager
    def _running(self, caller: Caller) -> Iterator[None]:
        before, self.caller = self.caller, caller
        try:
            yield
        finally:
            self.caller = before


def _copies(tree: Any) -> list[Tensor]:
    return [plain(leaf).detach().clone() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def plain(tensor: Tensor) -> Tensor:
    """A tensor without the wrappers of `torch.func`."""
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _name(func: Any) -> str:
    return str(func.overloadpacket).removeprefix("aten.")


def _changed(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[Tensor]:
    """The tensors that an operation changes."""
    for index, argument in enumerate(func._schema.arguments):
        value = args[index] if index < len(args) else kwargs.get(argument.name)
        if argument.alias_info is not None and argument.alias_info.is_write:
            yield from (leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor))


class _WatchedCritic:
    """A critic whose tensors are guarded."""

    def __init__(self, critic: Critic, watch: Watch) -> None:
        self._critic, self._watch = critic, watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._critic, name)
        if callable(found):
            return lambda *given, **more: self._watch.gives(found(*given, **more))
        return self._watch.gives(found)

    def __call__(self, *given: Any, **more: Any) -> Tensor:
        result: Tensor = self._watch.gives(self._critic(*given, **more))
        return result


class _WatchedPlugin:
    """A part of a loss or a transform, whose calls are watched."""

    def __init__(self, who: str, plugin: Any, watch: Watch) -> None:
        self._who, self._plugin, self._watch = who, plugin, watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plugin, name)
        if name not in ("d_loss", "g_loss", "remember", "project"):
            return found

        def call(given: Any) -> Any:
            seen = _WatchedCritic(given, self._watch) if isinstance(given, Critic) else given
            return self._watch.called(Caller(self._who, name), found, seen)

        return call

    def __call__(self, discriminator: Any, x: Tensor, **more: Any) -> Any:
        return self._watch.called(Caller(self._who), self._plugin, discriminator, x, **more)


@dataclass(frozen=True)
class _WatchedSetup(Setup):
    """A part or a transform that gives its plugin to the watch."""

    who: str = ""
    watch: Watch = field(default_factory=Watch)

    def bound(self, values: Mapping[str, Tensor]) -> Any:
        return _WatchedPlugin(self.who, super().bound(values), self.watch)


class _WatchedNetwork(Network):
    """A network whose layers may draw random numbers, but not change what they are given."""

    def __init__(self, network: Network, who: str, watch: Watch) -> None:
        self.__dict__.update(vars(network))
        self._who, self._watch = who, watch

    def __call__(self, named: Named, buffers: Buffers, *inputs: Tensor) -> tuple[Any, Buffers]:
        caller = Caller(self._who, layers=True)
        result: tuple[Any, Buffers] = self._watch.called(caller, super().__call__, named, buffers, *inputs)
        return result


def title(game: Game, setup: Setup) -> str:
    """What a part or a transform is called in an error."""
    return f"{'transform' if setup in game.objective.transforms else 'loss'} {setup.name!r}"


def watched(game: Game, watch: Watch) -> Game:
    """The same game, in which every call of a plugin and of a network is watched."""

    def all_of(setups: tuple[Setup, ...]) -> tuple[Setup, ...]:
        return tuple(_WatchedSetup(one.name, one.plugin, one.schedules, title(game, one), watch) for one in setups)

    objective = game.objective
    return replace(
        game,
        objective=replace(objective, parts=all_of(objective.parts), transforms=all_of(objective.transforms)),
        generator=_WatchedNetwork(game.generator, "the generator", watch),
        discriminator=_WatchedNetwork(game.discriminator, "the discriminator", watch),
    )
