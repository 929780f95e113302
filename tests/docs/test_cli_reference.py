"""The reference of the command line is generated, current and complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Cli

from ganbench.cli import COMMANDS
from tools import cli_reference

PAGE = (Path(__file__).parent.parent.parent / "docs" / "cli.md").read_text()
PLOTS = [f"plot {kind}" for kind in ("curves", "samples", "ranks", "cost", "modes", "tiers", "profile", "improvement",
                                     "lottery", "all")]  # fmt: skip


def test_the_page_is_what_the_commands_say_now() -> None:
    """`python -m tools.cli_reference` writes it anew."""
    assert cli_reference.page() == PAGE


@pytest.mark.parametrize("name", [*COMMANDS, *PLOTS])
def test_every_option_of_a_command_is_in_its_section(inside: Cli, name: str) -> None:
    (section,) = re.findall(rf"^##+ ganbench {name}\n(.*?)(?=^##|\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
    text = inside(*name.split(), "--help").out
    for option in re.findall(r"--[a-z-]+", text):
        assert option in section or option == "--help", option
    assert f"[`ganbench {name.split()[0]}`]" in PAGE
