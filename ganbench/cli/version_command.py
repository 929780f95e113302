"""`ganbench version`."""

from __future__ import annotations

import click

from ganbench._version import __version__


@click.command("version")
def command() -> int:
    """Print the version of ganbench."""
    click.echo(__version__)
    return 0
