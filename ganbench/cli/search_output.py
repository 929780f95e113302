"""Tables of a search on stdout: drawn on a terminal, Markdown elsewhere."""

from __future__ import annotations

import click
from rich.console import Console

from ganbench.api.searching import SearchResults
from ganbench.report.text import search


def print_search(results: SearchResults) -> None:
    """Print the tables of a search."""
    console = Console()
    if console.is_terminal:
        search.show(console, results.saved, results.tables)
    else:
        click.echo(search.markdown(results.saved, results.tables), nl=False)
