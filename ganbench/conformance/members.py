"""Checks what a plugin declares before it runs: its class, its hyperparameters and the names of its members."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Iterator

from torch import nn

from ganbench.conformance.findings import Finding
from ganbench.registry.choice import Kind
from ganbench.registry.discovery import FILES, REQUIRED, Offer, wrong_form

ANY = ("version", "reference", "prepare")
OPTIONAL: dict[Kind, tuple[str, ...]] = {
    "loss": (
        "d_loss",
        "g_loss",
        "project",
        "game",
        "log_odds",
        "needs",
        "noise",
        "every",
        "memory",
        "remember",
        "pretrained",
    ),
    "transform": ("noise", "memory", "remember", "shape", "supports", "pretrained"),
    "architecture": ("extras", "conditional", "pretrained"),
    "dataset": ("log_density", "fingerprint", "classes", "subset"),
    "extractor": ("backbone", "batch", "device_batch", "resize", "supports"),
    "metric": ("needs", "supports", "minimum", "statistics", "kind", "limits", "faults", "scale", "on_device"),
    "suite": (),
    "published": (),
    "tracker": (),
}
"""The members that a plugin of a kind may have, beside those that it must have."""
HOW = {
    "name": "rename it in the hook",
    "members": "see 'Plugins' in the documentation for what a plugin of this kind has",
}
CLOSE = 0.8
"""How alike two names are, from 0 to 1, if one is taken for a misspelling of the other."""


def form_findings(kind: Kind, name: object, thing: object) -> list[Finding]:
    """What a plugin breaks before it can be used at all; if it breaks anything, nothing of it is run."""
    if inspect.isclass(thing) and issubclass(thing, nn.Module):
        fix = "make it a plain class; what is trained belongs to the networks of an architecture"
        return [Finding("class", f"{thing.__name__} is a torch nn.Module", fix)]
    found = [Finding(rule, text, HOW.get(rule, "")) for rule, text in wrong_form(kind, name, thing)]
    if found and inspect.isclass(thing):
        found += _misspelled(kind, thing)
    return found


def member_findings(offer: Offer) -> Iterator[Finding]:
    """What is wrong about the declarations of a plugin that can be used."""
    if offer.kind in FILES:
        return
    if not offer.about:
        seen = f"{offer.kind} {offer.name!r} has no docstring that describes it"
        yield Finding("docstring", seen, "write one sentence, which `ganbench list` shows")
    for key, default in offer.defaults().items():
        if isinstance(default, list | dict | set):
            fix = "a hyperparameter is a number, a string, a boolean or a tuple of these"
            yield Finding("hyperparameter", f"the default of {key} is {default!r}, which can be changed", fix)
    parameters = getattr(offer.thing, "__dataclass_params__", None)
    if parameters is not None and not parameters.frozen and offer.kind != "tracker":
        fix = "write @dataclass(frozen=True), so that nothing is kept in attributes"
        yield Finding("frozen", f"{offer.thing.__name__} can be changed after it is made", fix)
    yield from _not_annotated(offer)
    yield from _misspelled(offer.kind, offer.thing)


def network_findings(kind: Kind, made: object) -> Iterator[Finding]:
    """Whether the pretrained networks that a plugin declares are named by texts."""
    for member in ("pretrained", "backbone"):
        given = getattr(made, member, ()) if member in OPTIONAL[kind] else ()
        if not isinstance(given, str | tuple | list) or not all(isinstance(name, str) and name for name in given):
            yield Finding("pretrained", f"{member} is {given!r}", f'write names of networks: {member} = ("vgg16",)')


def _not_annotated(offer: Offer) -> Iterator[Finding]:
    """Attributes that look like hyperparameters, but are none: a dataclass's attributes without a type."""
    if not dataclasses.is_dataclass(offer.thing):
        return
    known = {*ANY, *OPTIONAL[offer.kind], *REQUIRED[offer.kind]}
    for name, value in vars(offer.thing).items():
        plain = isinstance(value, int | float) and not isinstance(value, bool) and name.islower()
        if plain and not name.startswith("_") and name not in {*known, *offer.fields()}:
            seen = f"{name} = {value!r} has no type, so that it is no hyperparameter and no suite can set it"
            fix = f"write {name}: {type(value).__name__} = {value!r}, or begin its name with '_'"
            yield Finding("hyperparameter", seen, fix)


def _misspelled(kind: Kind, thing: object) -> Iterator[Finding]:
    """Members whose names are nearly those of the contract, and are never called therefore."""
    known = [*REQUIRED[kind], *OPTIONAL[kind], *ANY]
    fields = getattr(thing, "__dataclass_fields__", {})
    for name in vars(thing):
        if name.startswith("_") or name in known or name in fields:
            continue
        for close in difflib.get_close_matches(name.lower(), known, n=1, cutoff=CLOSE):
            if not hasattr(thing, close):
                yield Finding("misspelled", f"{name} is no member of a {kind}", f"did you mean {close!r}?")
