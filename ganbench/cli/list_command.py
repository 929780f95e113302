"""`ganbench list`: all plugins with their hyperparameters and where they come from."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ganbench.cli import plugin_index
from ganbench.cli.options import plugin_option
from ganbench.cli.plugin_index import Row
from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.registry.choice import Kind
from ganbench.registry.discovery import HOOKS

PLURALS: dict[str, Kind] = {hook.removeprefix("register_"): kind for kind, hook in HOOKS.items()}


@click.command("list")
@click.argument("kind", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
@plugin_option
def command(kind: str | None, as_json: bool, plugins: tuple[Path, ...]) -> int:
    """List losses, architectures, datasets, extractors, metrics, suites, published values and trackers.

    KIND is one of these words, for example `losses`. Without it, everything is listed.
    """
    kinds = list(HOOKS) if kind is None else [_kind(kind)]
    rows, broken = plugin_index.rows(plugins)
    rows = [row for row in rows if row["kind"] in kinds]
    if as_json:
        hidden = ("needed", "source")
        click.echo(json.dumps([{k: v for k, v in row.items() if k not in hidden} for row in rows], indent=1))
    else:
        for k in kinds:
            click.echo(_text(k, [row for row in rows if row["kind"] == k]))
    for name, why in broken.items():
        click.echo(f"broken plugin {name}: {why}", err=True)
    return 0


def _kind(word: str) -> Kind:
    found = PLURALS.get(word) or next((k for k in HOOKS if k == word), None)
    if found is None:
        raise UsageError(f"there is no kind {word!r}{suggestion(word, list(PLURALS))}")
    return found


def _text(kind: Kind, rows: list[Row]) -> str:
    title = next(word for word, k in PLURALS.items() if k == kind)
    lines = [title]
    width = max((len(row["name"]) for row in rows), default=0)
    for row in sorted(rows, key=lambda row: str(row["name"])):
        shown = ", ".join(f"{k}={'(needed)' if k in row['needed'] else v}" for k, v in row["hyperparameters"].items())
        lines.append(f"  {row['name']:<{width}}  {row['about']}")
        lines.append(f"  {'':<{width}}  {f'{shown}; ' if shown else ''}{row['source']}")
    return "\n".join([*lines, ""])
