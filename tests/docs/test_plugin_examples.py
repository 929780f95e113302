"""Every plugin that the documentation shows passes the conformance kit, and every kind is shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ganbench.registry.discovery import HOOKS, REQUIRED
from ganbench.registry.registry import Registry
from ganbench.registry.training_contracts import Critic
from ganbench.testing import check_file

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "plugins.md").read_text()
SECTIONS = {
    "loss": "Loss",
    "transform": "Transform",
    "architecture": "Architecture",
    "dataset": "Dataset",
    "extractor": "Feature extractor",
    "metric": "Metric",
    "suite": "Suite",
    "published": "Published values",
    "tracker": "Tracker",
}
TITLED = r'```(?:python|yaml) title="([\w.]+)"\n(.*?)```'


def _section(kind: str) -> str:
    (text,) = re.findall(rf"^## {SECTIONS[kind]}\n(.*?)(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
    return str(text)


def test_every_kind_has_a_section() -> None:
    assert list(SECTIONS) == list(HOOKS)


@pytest.mark.parametrize("kind", list(SECTIONS))
def test_the_example_of_a_kind_passes_the_kit(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = re.findall(TITLED, _section(kind), flags=re.DOTALL)
    for name, text in files:
        (tmp_path / name).write_text(text)
    for name in (name for name, _ in files if name.endswith(".py")):
        assert [one.partition(" ")[0] for one in check_file(tmp_path / name)] == [kind]


@pytest.mark.parametrize("kind", list(SECTIONS))
def test_every_hook_and_every_required_member_is_described(kind: str) -> None:
    assert HOOKS[kind] in PAGE  # type: ignore[index]
    described = re.findall(r"^\| `(\w+)", _section(kind), flags=re.MULTILINE)
    for member in REQUIRED[kind]:  # type: ignore[index]
        assert member in described, member


def test_every_member_of_the_critic_is_described() -> None:
    public = {name for name in (*vars(Critic), *Critic.__annotations__) if not name.startswith("_")}
    assert len(public) > 5
    for name in public:
        assert re.search(rf"^\| .*`{name}\b", _section("loss"), flags=re.MULTILINE), name


def test_every_plugin_that_ships_is_listed(registry: Registry) -> None:
    (listed,) = re.findall(r"^## Plugins that ship.*", PAGE, flags=re.DOTALL | re.MULTILINE)
    for kind in HOOKS:
        for name in registry.names(kind):
            assert f"`{name}`" in listed, (kind, name)


def test_the_losses_of_the_tutorial_pass_the_kit(tmp_path: Path) -> None:
    first, second = re.findall(TITLED, (DOCS / "your-own-loss.md").read_text(), flags=re.DOTALL)
    for (name, text), expected in ((first, ["loss my-hinge"]), (second, ["loss my-hinge", "loss my-hinge-gp"])):
        (tmp_path / name).write_text(text)
        assert check_file(tmp_path / name) == expected
