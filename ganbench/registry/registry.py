"""All plugins by kind and name, as one registry."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from ganbench.errors import PLUGIN_ERRORS, ContractError, GanbenchError, UsageError, describe_error, raised_at
from ganbench.files import extractors_folder
from ganbench.formatting import joined, suggestion
from ganbench.registry import effects
from ganbench.registry.choice import SUBSET, Choice, Kind
from ganbench.registry.discovery import DISABLE, HOOKS, Offer, Source, entry_points, from_file, offered
from ganbench.registry.schedules import Schedule, is_schedule, read_schedule

if TYPE_CHECKING:
    from ganbench.registry.contracts import Dataset, FeatureExtractor, Metric, Tracker
    from ganbench.registry.training_contracts import Architecture, Loss, Transform

SCHEDULED: tuple[Kind, ...] = ("loss", "transform")
"""The kinds whose numbers may change during training."""


class WrongHyperparameter(UsageError):
    """A hyperparameter that a plugin does not have, or that has the wrong type."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


@dataclasses.dataclass(frozen=True)
class Needed:
    """The sources of some plugins, as another process loads them: entry points by name, files with their hashes."""

    points: tuple[str, ...]
    distributions: frozenset[str]
    files: Mapping[Path, str]


class Registry:
    """All plugins by kind and name. The hooks of a kind are called when that kind is first used.

    A broken entry point is recorded with its error and affects only what uses it; a broken file raises `UsageError`.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self.sources = list(sources)
        self._offers: dict[Kind, dict[str, list[Offer]]] = {}
        self._broken: dict[str, str] = {source.name: source.error for source in self.sources if source.error}

    @classmethod
    def load(cls, files: Iterable[Path] = ()) -> Registry:
        return cls(
            [*entry_points(), *(from_file(path) for path in dict.fromkeys(Path(file).resolve() for file in files))]
        )

    def extended(self, files: Iterable[Path]) -> Registry:
        """This registry with further plugin files; what is loaded already is not loaded again."""
        new = [path for path in dict.fromkeys(Path(file).resolve() for file in files) if path not in self.files]
        return Registry([*self.sources, *(from_file(path) for path in new)]) if new else self

    @classmethod
    def of(cls, needed: Needed) -> Registry:
        """Only the sources that some plugins need, so that no other plugin's code is run."""
        return cls([*entry_points(needed.points), *map(from_file, needed.files)])

    def needed(self, choices: Iterable[tuple[Kind, Choice]]) -> Needed:
        """The sources of the plugins named. Raises `UsageError` for unknown names."""
        sources = {source.name: source for source in (self.find(kind, one.name).source for kind, one in choices)}
        points = sorted(name for name, source in sources.items() if not source.file)
        distributions = frozenset(sources[name].distribution for name in points)
        files = {source.file: source.version for source in sources.values() if source.file}
        return Needed(tuple(points), distributions, files)

    @property
    def files(self) -> dict[Path, str]:
        """The plugin files with their hashes, which cover their local modules."""
        return {source.file: source.version for source in self.sources if source.file}

    def broken(self) -> dict[str, str]:
        """Sources that could not be loaded or whose hooks failed, with the reason."""
        for kind in HOOKS:
            self.offers(kind)
        return dict(self._broken)

    def offers(self, kind: Kind) -> dict[str, list[Offer]]:
        """All plugins of a kind by name; more than one under a name is a clash."""
        if kind not in self._offers:
            found: dict[str, list[Offer]] = {}
            for source in self.sources:
                for offer in self._ask(source, kind):
                    found.setdefault(offer.name, []).append(offer)
            self._offers[kind] = found
        return self._offers[kind]

    def _ask(self, source: Source, kind: Kind) -> list[Offer]:
        if source.name in self._broken:
            return []
        try:
            with effects.noted():
                return offered(source, kind)
        except PLUGIN_ERRORS as error:
            text = str(error) if isinstance(error, ContractError) else describe_error(error)
            if source.file:
                raise UsageError(f"plugin {source.file}: {text}") from error
            self._broken[source.name] = text
            return []

    def names(self, kind: Kind) -> list[str]:
        return sorted(self.offers(kind))

    def problem_with(self, kind: Kind, name: str) -> str | None:
        """Why a name cannot be used, or None."""
        offers = self.offers(kind).get(name, [])
        if not offers:
            hint = "".join(
                f" Plugin {who!r} is broken ({why}); see 'ganbench doctor'." for who, why in self._broken.items()
            )
            if kind == "extractor":
                hint = (
                    f" What `ganbench train-extractor` makes is a file in {extractors_folder()}, on each machine.{hint}"
                )
            parts = joined(name, self.names(kind)) if kind == "loss" else []
            known = f". Did you mean the sum {' + '.join(parts)!r}?" if parts else suggestion(name, self.names(kind))
            return f"unknown {kind} {name!r}{known}{hint}"
        if len(offers) > 1:
            who = " and ".join(str(offer.source) for offer in offers)
            ways = [f"{DISABLE}={one.source.distribution}:{kind}:{name}" for one in offers if not one.source.file]
            how = f", or disable one of them: {' or '.join(ways)}" if ways else ""
            return f"{kind} {name!r} is registered by both {who}; rename yours{how}"
        return None

    def find(self, kind: Kind, name: str) -> Offer:
        """The plugin of that name. Raises `UsageError` for unknown names and clashes."""
        trouble = self.problem_with(kind, name)
        if trouble:
            raise UsageError(trouble)
        return self.offers(kind)[name][0]

    def places(self, kind: Kind, name: str) -> frozenset[str]:
        """The hyperparameters of a plugin that say where data are; none for a name that cannot be used."""
        return frozenset() if self.problem_with(kind, name) else self.find(kind, name).locations()

    def choose(self, kind: Kind, name: str, params: Mapping[str, object]) -> Choice:
        """The plugin with all hyperparameters resolved. Raises `UsageError` or `WrongHyperparameter`.

        A number of a loss or a transform may be given a schedule, as plain data or as a `Schedule`; the plugin is then
        created with its first and with its last value.
        """
        offer = self.find(kind, name)
        fields = offer.fields()
        values = offer.defaults()
        for key, value in params.items():
            if key == SUBSET and self._has_subset(kind, name):
                values |= _subset(name, value)
                continue
            if key not in fields:
                known = suggestion(key, list(fields)) if fields else "; it has none."
                raise WrongHyperparameter(key, f"{kind} {name!r} has no hyperparameter {key!r}{known}")
            values[key] = _given(offer, key, value)
        unset = [key for key, value in values.items() if value is dataclasses.MISSING]
        if unset:
            raise WrongHyperparameter(unset[0], f"{kind} {name!r} requires hyperparameter {unset[0]!r}")
        places = {key: values.pop(key) for key in fields if key in offer.locations()}
        choice = Choice(name, values, places, offer.code)
        if kind == "extractor":
            return dataclasses.replace(choice, code=f"{choice.code}/{self._weights(choice)}")
        self.create(kind, choice)
        if choice.schedules():
            ends = {key: one.end for key, one in choice.schedules().items()}
            self.create(kind, dataclasses.replace(choice, params={**choice.params, **ends}))
        return choice

    def _weights(self, choice: Choice) -> str:
        """The fingerprint of an extractor. Raises `ContractError` if that fails."""
        made = self.create("extractor", choice)
        try:
            return made.fingerprint()
        except GanbenchError:
            raise
        except PLUGIN_ERRORS as error:  # a third-party plugin may raise anything
            what = f"extractor {choice.name!r}.fingerprint raised {describe_error(error)}{raised_at(error)}"
            raise ContractError(what) from error

    def accepts(self, kind: Kind, name: str, key: str) -> bool:
        return key in self.find(kind, name).fields() or (key == SUBSET and self._has_subset(kind, name))

    def _has_subset(self, kind: Kind, name: str) -> bool:
        """Whether `subset` is ganbench's own: of a dataset that has no hyperparameter of this name."""
        return kind == "dataset" and SUBSET not in self.find(kind, name).fields()

    def subset(self, choice: Choice) -> int:
        """How many of its samples a dataset's training takes; 0 for all."""
        return int(choice.params.get(SUBSET, 0)) if self._has_subset("dataset", choice.name) else 0

    @overload
    def create(self, kind: Literal["loss"], choice: Choice) -> Loss: ...
    @overload
    def create(self, kind: Literal["transform"], choice: Choice) -> Transform: ...
    @overload
    def create(self, kind: Literal["architecture"], choice: Choice) -> Architecture: ...
    @overload
    def create(self, kind: Literal["dataset"], choice: Choice) -> Dataset: ...
    @overload
    def create(self, kind: Literal["extractor"], choice: Choice) -> FeatureExtractor: ...
    @overload
    def create(self, kind: Literal["metric"], choice: Choice) -> Metric: ...
    @overload
    def create(self, kind: Literal["tracker"], choice: Choice) -> Tracker: ...
    @overload
    def create(self, kind: Kind, choice: Choice) -> Any: ...

    def create(self, kind: Kind, choice: Choice) -> Any:
        """An instance, with the first values of schedules.

        Raises `WrongHyperparameter` if the plugin refuses its values, `ContractError` if it fails.
        """
        offer = self.find(kind, choice.name)
        if places := offer.locations() & choice.params.keys():  # of a record that ganbench did not write
            raise WrongHyperparameter(min(places), f"{kind} {choice.name!r}: {min(places)!r} is a place on a machine")
        arguments = choice.arguments()
        if self._has_subset(kind, choice.name):
            arguments.pop(SUBSET, None)
        try:
            with effects.noted():
                return offer.thing(**arguments)
        except (ValueError, TypeError) as error:
            raise WrongHyperparameter("", f"{kind} {choice.name!r}: {error}") from error
        except PLUGIN_ERRORS as error:  # a third-party plugin may raise anything
            raise ContractError(
                f"{kind} {choice.name!r} cannot be created: {describe_error(error)}{raised_at(error)}"
            ) from error


def _subset(name: str, value: object) -> dict[str, int]:
    """The hyperparameter `subset` of any dataset, none for 0. Raises `WrongHyperparameter`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise WrongHyperparameter(
            SUBSET, f"dataset {name!r}: subset must be a number of training samples, or 0 for all; got {value!r}"
        )
    return {SUBSET: value} if value else {}


def _given(offer: Offer, key: str, value: Any) -> object:
    """The value of a hyperparameter, a schedule among them. Raises `WrongHyperparameter` if it does not fit."""
    kind, name, default = offer.kind, offer.name, offer.defaults()[key]
    scheduled = isinstance(value, Schedule) or (is_schedule(value) and not isinstance(default, dict))
    if not scheduled:
        return _fitted(kind, name, key, value, default)
    if kind not in SCHEDULED:
        raise WrongHyperparameter(
            key, f"{kind} {name!r}: {key} cannot change during training; only numbers of losses and transforms can"
        )
    able = [one for one, of in offer.fields().items() if _is_float(of, offer.defaults()[one])]
    if key not in able:
        rest = f"{', '.join(able)} can" if able else f"no hyperparameter of {name} can"
        raise WrongHyperparameter(
            key, f"{kind} {name!r}: {key} cannot have a schedule, because it is not a float; {rest}"
        )
    try:
        return value if isinstance(value, Schedule) else read_schedule(value)
    except ValueError as error:
        raise WrongHyperparameter(key, f"{kind} {name!r}: {key}: {error}") from error


def _is_float(field: dataclasses.Field[object], default: object) -> bool:
    """Whether a hyperparameter is one float, by its default or, without one, by its type."""
    return field.type in (float, "float") if default is dataclasses.MISSING else isinstance(default, float)


def _fitted(kind: Kind, name: str, key: str, value: Any, default: object) -> object:
    """The value converted to the type of the default. Raises `WrongHyperparameter` if it does not fit.

    `key` may name an element of a hyperparameter, `bandwidths[0]`.
    """
    own = key.partition("[")[0]
    if isinstance(default, bool) or default is None or default is dataclasses.MISSING:
        fits = default is None or default is dataclasses.MISSING or isinstance(value, bool)
    elif isinstance(default, int):
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif isinstance(default, float):
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        value = float(value) if fits else value
    elif isinstance(default, tuple):
        fits = isinstance(value, list | tuple)
        value = tuple(value) if fits else value
        if fits and len({type(one) for one in default}) == 1:
            value = tuple(_fitted(kind, name, f"{key}[{place}]", one, default[0]) for place, one in enumerate(value))
    else:
        fits = isinstance(value, type(default))
    if isinstance(value, float) and not isfinite(value):
        raise WrongHyperparameter(own, f"{kind} {name!r}: {key} must be finite, got {value!r}")
    if not fits:
        wanted = type(default).__name__
        raise WrongHyperparameter(
            own, f"{kind} {name!r}: {key} must be of type {wanted} like its default {default!r}, got {value!r}"
        )
    return value
