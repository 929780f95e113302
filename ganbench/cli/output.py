"""Tables on stdout: drawn on a terminal, Markdown elsewhere."""

from __future__ import annotations

import click
from rich.console import Console

from ganbench.analysis.score_table import Table
from ganbench.report.text.markdown import markdown
from ganbench.report.text.terminal import show
from ganbench.suite.plan_file import SavedPlan


def print_tables(content: SavedPlan, tables: list[Table]) -> None:
    console = Console()
    if console.is_terminal:
        show(console, content, tables)
    else:
        click.echo(markdown(content, tables), nl=False)
