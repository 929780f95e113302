"""The suite of losses compares many variants by one recipe, and every one of its cells trains."""

from __future__ import annotations

from collections import Counter

import pytest
from conftest import Cli

from ganbench.registry.registry import Registry
from ganbench.suite.expand import expand
from ganbench.suite.load import load
from ganbench.suite.specs import Plan


@pytest.fixture
def plan(registry: Registry) -> Plan:
    return expand(load(registry.find("suite", "losses").thing), registry)


def test_it_has_at_least_sixteen_variants_on_three_datasets_with_eight_seeds(plan: Plan) -> None:
    on = Counter(cell.dataset.text for cell in plan.cells)
    assert set(on) == {"ring8", "grid25", "digits"}
    assert min(on.values()) >= 16
    assert {cell.variant.architecture.text for cell in plan.cells} == {"mlp"}
    assert {len(cell.seeds) for cell in plan.cells} == {8}
    assert plan.skipped == ()
    assert plan.family.reference == {"loss": "nonsaturating"}


def test_variants_share_the_recipe_of_the_baseline(plan: Plan, registry: Registry) -> None:
    baseline = expand(load(registry.find("suite", "baseline").thing), registry)
    recipes = {cell.dataset.text: cell.spec.train for cell in baseline.cells if cell.variant.architecture.text == "mlp"}
    other = {cell.variant.loss.text for cell in plan.cells if cell.spec.train != recipes[cell.dataset.text]}
    assert other == {"WGAN", "WGAN-GP"}  # five moves of D
    ours = {cell.spec.id for cell in plan.cells if cell.variant.loss.text == "nonsaturating"}
    assert ours < {cell.spec.id for cell in baseline.cells}  # trained once for both


@pytest.mark.slow
def test_every_cell_trains(cli: Cli) -> None:
    sets = ("--set", "train.steps=3", "--set", "evaluation.samples=2000", "--set", "evaluation.real_samples=0")
    done = cli("run", "--suite", "losses", "--seeds", "0", *sets)
    assert done.code == 0, done.err
    assert done.out.count(" x mlp") >= 3 * 16
    assert "failed" not in done.out
