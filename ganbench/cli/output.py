"""Tables on stdout: drawn on a terminal, Markdown elsewhere."""

from __future__ import annotations

import click
from rich.console import Console

from ganbench import formats
from ganbench.layout import Layout
from ganbench.tables import Table


def print_tables(content: Layout, tables: list[Table]) -> None:
    console = Console()
    if console.is_terminal:
        formats.show(console, content, tables)
    else:
        click.echo(formats.markdown(content, tables), nl=False)
