"""Every rule has one name, a description, and a line in the documentation."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from planted import ALL

import ganbench.conformance
from ganbench.conformance.rules import RULES
from ganbench.conformance.watch import HOW
from ganbench.conformance.wording import RULES as WORDING

PAGE = (Path(__file__).parent.parent.parent / "docs" / "add-plugins.md").read_text()


def _named() -> set[str]:
    """The rules that the code of the kit names as the first argument of a finding."""
    names = set()
    for path in Path(ganbench.conformance.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
            if called and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant):
                names.add(str(node.args[0].value))
    return names


def test_every_rule_is_described_and_every_description_is_of_a_rule() -> None:
    forms = {"name", "class", "hyperparameter", "members"}  # of the registry's own check
    forms |= {"hidden-state"}  # of the engine
    assert _named() | set(HOW) | {rule for _, rule in WORDING} | forms | {"contract", "project"} == set(RULES)
    assert {planted.rule for planted in ALL.values()} <= set(RULES)


def test_the_documentation_lists_the_rules_as_they_are() -> None:
    listed = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", PAGE, flags=re.MULTILINE))
    assert listed == RULES
