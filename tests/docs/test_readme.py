"""The README is short, and what it shows is true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from ganbench.cli import COMMANDS
from ganbench.testing import check_file

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 140
    assert len(README.encode()) <= 9_500


def test_the_loss_in_the_readme_passes_the_kit_and_is_short(tmp_path: Path) -> None:
    loss, _ = _blocks("python")
    assert len([line for line in loss.splitlines() if line.strip()]) <= 12
    path = tmp_path / "my_loss.py"
    path.write_text(loss)
    assert check_file(path) == ["loss my-hinge"]


def test_the_python_in_the_readme_is_at_most_six_statements() -> None:
    _, api = _blocks("python")
    assert len(ast.parse(api).body) <= 6


def test_commands_in_the_readme_exist() -> None:
    named = set(re.findall(r"^(?:\$ )?ganbench ([a-z]+)", README, flags=re.MULTILINE))
    named |= set(re.findall(r"`ganbench ([a-z]+)", README))
    assert {"run", "compare", "plot", "publish", "replay", "verify"} <= named <= set(COMMANDS)


def test_the_two_commands_of_the_setup_are_in_the_readme_and_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("baseline", "test"):
        assert f"make {target} " in README
        assert re.search(rf"^{target}: env", makefile, flags=re.MULTILINE)


def test_links_of_pages_outside_the_documentation_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), (page.name, link)
