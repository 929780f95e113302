"""`ganbench list`: every plugin with its hyperparameters and where it comes from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import click

from ganbench.cli.options import plugin_option
from ganbench.errors import GanbenchError, UsageError
from ganbench.registry import Registry
from ganbench.sources import HOOKS, Offer
from ganbench.specs import Kind
from ganbench.strict_yaml import suggestion

PLURALS: dict[str, Kind] = {hook.removeprefix("register_"): kind for kind, hook in HOOKS.items()}


@click.command("list")
@click.argument("kind", required=False)
@click.option("--json", "as_json", is_flag=True, help="JSON for scripts.")
@plugin_option
def command(kind: str | None, as_json: bool, plugins: tuple[Path, ...]) -> int:
    """List losses, architectures, datasets, extractors, metrics and suites.

    KIND is one of these words; without it, everything is listed.
    """
    kinds = list(HOOKS) if kind is None else [_kind(kind)]
    registry = Registry.load(plugins)
    offers = [offer for k in kinds for same in registry.offers(k).values() for offer in same]
    if as_json:
        click.echo(json.dumps([_plain(offer) for offer in offers], indent=1))
    else:
        for k in kinds:
            click.echo(_text(k, [offer for offer in offers if offer.kind == k]))
    for name, why in registry._broken.items():
        click.echo(f"broken plugin {name}: {why}", err=True)
    return 0


def _kind(word: str) -> Kind:
    found = PLURALS.get(word) or next((k for k in HOOKS if k == word), None)
    if found is None:
        raise UsageError(f"there is no kind {word!r}{suggestion(word, list(PLURALS))}")
    return found


def _about(offer: Offer) -> str:
    if offer.kind != "suite":
        return offer.about
    from ganbench.suite import load

    try:
        return load(offer.thing).about
    except GanbenchError as error:
        return f"(broken: {error})"


def _plain(offer: Offer) -> dict[str, Any]:
    defaults = {key: None if value is dataclasses.MISSING else value for key, value in offer.defaults().items()}
    return {
        "kind": offer.kind,
        "name": offer.name,
        "about": _about(offer),
        "hyperparameters": defaults,
        "distribution": offer.source.distribution,
        "version": offer.source.version,
    }


def _text(kind: Kind, offers: list[Offer]) -> str:
    title = next(word for word, k in PLURALS.items() if k == kind)
    lines = [title]
    width = max((len(offer.name) for offer in offers), default=0)
    for offer in sorted(offers, key=lambda offer: offer.name):
        about = _about(offer)
        lines.append(f"  {offer.name:<{width}}  {about}")
        shown = ", ".join(f"{k}={'(needed)' if v is dataclasses.MISSING else v}" for k, v in offer.defaults().items())
        lines.append(f"  {'':<{width}}  {f'{shown}; ' if shown else ''}{offer.source}")
    return "\n".join([*lines, ""])
