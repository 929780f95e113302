"""Tables on stdout: drawn on a terminal, Markdown elsewhere."""

from __future__ import annotations

import click
from rich.console import Console

from ganbench.formats.markdown import markdown
from ganbench.formats.terminal import show
from ganbench.layout import Layout
from ganbench.rows import Table


def print_tables(content: Layout, tables: list[Table]) -> None:
    console = Console()
    if console.is_terminal:
        show(console, content, tables)
    else:
        click.echo(markdown(content, tables), nl=False)
