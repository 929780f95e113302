"""`ganbench new`: a plugin of your own, as a file or a package that passes `ganbench check` as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from ganbench.cli import plugin_index
from ganbench.errors import UsageError
from ganbench.registry.choice import Kind
from ganbench.scaffold.writer import KINDS, Written, write


@click.command("new")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option("--package", is_flag=True, help="Write a package with a test and an entry point, for pip install.")
@click.option("--penalty", is_flag=True, help="For a loss: write a part that is added to a game.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The folder to write into; by default this one.",
)
def command(kind: Kind, name: str, package: bool, penalty: bool, folder: Path) -> int:
    """Write a plugin of your own: a file that passes `ganbench check` as it is, and says which line to change.

    Nothing is overwritten.
    """
    if penalty and kind != "loss":
        raise UsageError(f"--penalty is for a loss, not for a {kind}")
    for row in plugin_index.rows()[0]:
        if (row["kind"], row["name"]) == (kind, name):
            raise UsageError(f"there is a {kind} {name!r} already, from {row['source']}; choose another name")
    written = write(kind, name, folder, package, penalty)
    for path in written.paths:
        click.echo(f"wrote {path}")
    click.echo("\n".join(_next(kind, name, written, package, penalty)))
    return 0


def _next(kind: Kind, name: str, written: Written, package: bool, penalty: bool) -> Iterator[str]:
    """What to do next."""
    top = written.paths[0].parent
    yield f"next: edit {written.edit}, at the line that says so" if kind != "suite" else f"next: edit {written.edit}"
    if package:
        yield f"      pip install -e {top}"
    checked = f"{kind}:{name}" if package else str(written.edit)
    yield f"      ganbench check {checked}"
    if kind == "suite":
        yield f"      ganbench run --suite {name if package else written.edit}"
        return
    plugin = "" if package else f" --plugin {written.edit}"
    yield f"      ganbench run --suite quick{plugin}{_joins(kind, name, penalty)}"


def _joins(kind: Kind, name: str, penalty: bool) -> str:
    """The option by which a plugin joins a suite."""
    match kind:
        case "loss":
            return f' --add "loss=nonsaturating + {name}"' if penalty else f" --add loss={name}"
        case "transform":
            return f" --add 'loss={{loss: nonsaturating, transforms: [{name}]}}'"
        case "extractor":
            return f" --set evaluation.extractor={name}"
        case "metric":
            return f" --set 'evaluation.metrics=[{name}]'"
        case _:
            return f" --add {kind}={name}"
