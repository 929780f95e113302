"""Every published ingredient of the table is expressible: its suite expands, trains, and is evaluated where asked."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import Cli
from PIL import Image

from ganbench.engine.objective import objective_of
from ganbench.engine.trainer import Trainer
from ganbench.evaluation.splits import Splits
from ganbench.registry.registry import Registry
from ganbench.registry.training_contracts import is_conditional
from ganbench.suite.expand import expand
from ganbench.suite.load import load
from ganbench.suite.specs import Cell
from tools import ingredients
from tools.ingredients import Row

DEFAULTS, ROWS = ingredients.read()
SUITES = [row for row in ROWS if row.suite]


def _name(row: Row) -> str:
    return f"{row.number} {row.what[:40]}"


def test_the_page_is_what_the_rows_say_now() -> None:
    """`python -m tools.ingredients` writes it anew."""
    assert ingredients.page() == ingredients.PAGE.read_text()


def test_every_ingredient_has_a_suite_or_a_reason() -> None:
    assert {row.number for row in ROWS} == set(range(1, ingredients.LAST + 1))
    assert [row.number for row in ROWS] == sorted(row.number for row in ROWS)
    assert all(row.suite or len(row.reason) > 40 for row in ROWS)


def test_every_example_is_in_some_row() -> None:
    files = {path.name for path in ingredients.EXAMPLES.glob("*.py")}
    assert files == {name for row in ROWS for name in row.files}


def _written(row: Row, folder: Path) -> Path:
    """The suite as a file, beside the pictures that one of them reads."""
    (folder / "images").mkdir()
    noise = np.random.default_rng(0)
    for i in range(20):
        Image.fromarray(noise.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(folder / "images" / f"{i:02}.png")
    path = folder / "suite.yaml"
    path.write_text(yaml.safe_dump(row.whole(DEFAULTS), sort_keys=False))
    return path


def _train(registry: Registry, cell: Cell) -> None:
    """Train a cell, without its evaluation."""
    spec = cell.spec
    dataset = registry.create("dataset", spec.dataset)
    architecture = registry.create("architecture", spec.architecture)
    classes = getattr(dataset, "classes", None) if is_conditional(architecture) else None
    data, objective = Splits(dataset, registry.subset(spec.dataset)).training, objective_of(registry, spec)
    trainer = Trainer(objective, architecture, data, spec.train, cell.seeds, torch.device("cpu"), classes=classes)
    for result in trainer.run():
        assert result.failure is None
        assert result.params.isfinite().all()


@pytest.mark.parametrize("row", SUITES, ids=_name)
def test_its_suite_expands_and_trains(row: Row, tmp_path: Path) -> None:
    suite = _written(row, tmp_path)
    registry = Registry.load(ingredients.EXAMPLES / name for name in row.files)
    plan = expand(load(suite), registry)
    assert not plan.skipped
    whole = row.whole(DEFAULTS)
    assert len(plan.cells) == len(whole["losses"]) * len(whole["architectures"]) * len(whole["datasets"])
    for cell in plan.cells if not row.expanded else ():
        _train(registry, cell)


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in SUITES if row.evaluated], ids=_name)
def test_its_samples_are_evaluated(row: Row, tmp_path: Path, cli: Cli) -> None:
    suite = _written(row, tmp_path)
    ran = cli("run", "--suite", suite, "--jobs", "1", timeout=900)
    assert ran.code == 0, ran.err
    rows = json.loads(cli("table", "--suite", suite, "--format", "json").out)
    variants = [one for one in rows if one["kind"] == "variant"]
    assert variants
    for one in variants:
        assert one["n_ok"] == one["n"] == 1
        assert one["scores"]
        assert all(isfinite(score["mean"]) for score in one["scores"].values())
