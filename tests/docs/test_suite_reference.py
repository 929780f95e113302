"""The reference of suites has every key, with its default and an example that is accepted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import Cli

from ganbench.registry.registry import Registry
from ganbench.suite.expand import expand
from ganbench.suite.fields import EVALUATION, TRAIN
from ganbench.suite.load import SETTINGS, TOP, load
from ganbench.suite.specs import EvaluationSpec, PlayerSpec, TrainSpec

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "suites.md").read_text()
KEYS = {
    "Top level": TOP,
    "train": list(TRAIN),
    "evaluation": [*EVALUATION, "extractor", "metrics"],
    "overrides": ["when", *SETTINGS],
    "search": ["seeds", "train", "loss", "architecture"],
}
PLUGIN = "from ganbench import hookimpl\n\n@hookimpl\ndef register_suites():\n    return {}\n"


class Row(NamedTuple):
    key: str
    type: str
    default: str
    example: str


def _rows(section: str) -> dict[str, Row]:
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    rows = [Row(*(cell.strip() for cell in line.strip("|").split(" | ")[:4])) for line in lines]
    return {row.key.strip("` "): row for row in rows}


@pytest.mark.parametrize("section", list(KEYS))
def test_every_key_is_there_and_no_other(section: str) -> None:
    assert sorted(_rows(section)) == sorted(KEYS[section])


@pytest.mark.parametrize(
    ("section", "spec"),
    [("train", {**vars(PlayerSpec()), **vars(TrainSpec())}), ("evaluation", vars(EvaluationSpec()))],
    ids=str,
)
def test_the_defaults_are_the_real_ones(section: str, spec: dict[str, object]) -> None:
    for key, row in _rows(section).items():
        if key in ("schedule", "extractor", "metrics"):
            continue
        value = spec[key]
        assert row.default == (str(list(value)) if isinstance(value, tuple) else str(value)), key


def _suite(section: str, key: str, example: str) -> str:
    """A small suite that contains the example."""
    lines = {
        "about": "about: an example", "losses": "losses: [minimax, rpgan + r1]",
        "architectures": "architectures: [mlp, dcgan]", "datasets": "datasets: [ring8, digits]",
    }  # fmt: skip
    if section == "Top level":
        lines[key] = example
    elif section in ("train", "evaluation"):
        lines["datasets"] = "datasets: [digits]"
        lines[section] = f"{section}: {{{example}}}"
    elif section == "overrides":
        when = {"loss": "{loss: rpgan + r1}", "dataset": "{dataset: ring8}"}.get(key, "{architecture: mlp}")
        if key == "evaluation":
            when = "{dataset: digits}"
        body = example if key == "when" else f"when: {when}, {example}"
        lines["overrides"] = f"overrides: [{{{body}}}]"
    else:
        rest = "" if key == "train" else ", train: {lr: {low: 1e-4, high: 1e-2}}"
        lines["search"] = f"search: {{{example}{rest}}}"
    return "\n".join(lines.values()) + "\n"


@pytest.mark.parametrize(("section", "key"), [(section, key) for section, keys in KEYS.items() for key in keys])
def test_every_example_is_accepted(registry: Registry, tmp_path: Path, section: str, key: str) -> None:
    row = _rows(section)[key]
    example = row.example.removeprefix("`").removesuffix("`")
    assert example.startswith(f"{key}: ")
    path = tmp_path / "example.yaml"
    path.write_text(_suite(section, key, example))
    assert expand(load(path), registry).cells


def test_the_suite_on_the_page_can_be_run(inside: Cli, hinge: Path, tmp_path: Path) -> None:
    (text,) = re.findall(r'```yaml title="my_suite.yaml"\n(.*?)```', PAGE, flags=re.DOTALL)
    (tmp_path / "my_suite.yaml").write_text(text)
    done = inside("run", "--suite", "my_suite.yaml", "--dry-run")
    assert done.code == 0, done.err
    assert "R3GAN loss (1) x mlp x grid25" in done.out


def test_the_ranges_of_the_guide_are_accepted(registry: Registry, tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(search:.*?)```", (DOCS / "search.md").read_text(), flags=re.DOTALL)
    path = tmp_path / "example.yaml"
    path.write_text(f"losses: [rpgan + r1]\narchitectures: [mlp]\ndatasets: [ring8]\n{text}")
    assert expand(load(path), registry).cells
