"""`ganbench plot`: figures for papers from the records of a suite."""

from __future__ import annotations

import click

from ganbench.cli import plot_kinds as kinds
from ganbench.cli import plot_suite_kinds as suite_kinds


@click.group("plot")
def command() -> None:
    """Draw figures for papers: the same records give the same bytes.

    The file's extension chooses SVG, PDF, PNG, or PGF, which LaTeX sets in the paper's own font. By default, a figure
    is as wide as a column of a paper.
    """


for one in (
    kinds.curves_command, kinds.samples_command, kinds.ranks_command, kinds.cost_command, kinds.modes_command,
    suite_kinds.tiers_command, suite_kinds.profile_command, suite_kinds.improvement_command,
    suite_kinds.lottery_command, suite_kinds.all_command,
):  # fmt: skip
    command.add_command(one)
