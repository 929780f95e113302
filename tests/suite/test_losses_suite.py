"""The suite of losses compares many variants by one recipe, and every one of its cells trains."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch

from ganbench.engine.backend import backend_of
from ganbench.engine.objective import objective_of
from ganbench.engine.path import choose_path
from ganbench.engine.trainer import Trainer
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
    recipes["digits"] = replace(recipes["digits"], steps=2500)
    other = {cell.variant.loss.text for cell in plan.cells if cell.spec.train != recipes[cell.dataset.text]}
    assert other == {"WGAN-GP"}  # five moves of D
    points = [cell for cell in plan.cells if cell.dataset.text != "digits"]
    ours = {cell.spec.id for cell in points if cell.variant.loss.text == "nonsaturating"}
    assert ours < {cell.spec.id for cell in baseline.cells}  # trained once for both


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["ring8", "digits"])
def test_every_variant_trains_and_its_path_is_the_compiled_one(plan: Plan, registry: Registry, dataset: str) -> None:
    cpu = torch.device("cpu")
    for cell in (one for one in plan.cells if one.dataset.text == dataset):
        spec = cell.spec
        architecture = registry.create("architecture", spec.architecture)
        data = registry.create("dataset", spec.dataset).load("train")
        short = replace(spec.train, steps=2)
        trainer = Trainer(objective_of(registry, spec), architecture, data, short, (0,), cpu)
        (trained,) = trainer.run()
        assert trained.failure is None, (cell.title, trained.failure)
        assert choose_path(trainer.game, spec.train, backend_of(torch.device("cpu"))).kind == "compiled", cell.title
