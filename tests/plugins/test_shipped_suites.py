"""The suites that ship: each is planned, its row in the documentation is right, and its cells train."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import Cli
from running import read_records

from ganbench.engine.objective import objective_of
from ganbench.engine.trainer import Trainer
from ganbench.registry.registry import Registry
from ganbench.registry.training_contracts import is_conditional
from ganbench.suite.contents import Contents
from ganbench.suite.expand import expand
from ganbench.suite.load import Suite, load
from ganbench.suite.specs import Cell, Plan

SUITES = {path.stem: path for path in (Path(__file__).parents[2] / "plugins" / "ganbench_suites").glob("*.yaml")}
PAGE = (Path(__file__).parents[2] / "docs" / "suites.md").read_text()
OFFLINE = ("ring8", "grid25", "digits", "stacked-digits")
"""The datasets that come with the packages that ganbench needs."""
FASHION = Path("/usr/share/datasets/fashion-mnist")
REQUIRED = os.environ.get("GANBENCH_FASHION") == "required"
"""In CI the package is installed, and its tests may not be skipped."""
FEWER_TRIPLES = ("dataset.triples=6000", "evaluation.samples=5000", "evaluation.real_samples=5000")
"""The whole stacked set takes minutes of a core."""


def _suite(name: str) -> Suite:
    return load(SUITES[name])


def _plan(name: str, registry: Registry) -> Plan:
    return expand(_suite(name), registry)


def _rows() -> Mapping[str, str]:
    """The number of runs of each suite in the documentation."""
    (section,) = re.findall(r"^## Suites that ship\n(.*?)^## ", PAGE, flags=re.DOTALL | re.MULTILINE)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "| `" in line]
    return {row[0].strip("`"): row[2] for row in cells}


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_has_a_purpose_and_a_row_in_the_documentation(name: str, registry: Registry) -> None:
    assert 20 < len(_suite(name).about) <= 120
    runs = sum(len(cell.seeds) for cell in _plan(name, registry).cells)
    assert _rows()[name] == str(runs)


@pytest.mark.parametrize("name", SUITES)
def test_every_run_is_scored_during_training_too(name: str, registry: Registry) -> None:
    assert min(cell.spec.evaluation.snapshots for cell in _plan(name, registry).cells) >= 4


def test_the_documentation_has_no_other_rows() -> None:
    assert set(_rows()) == set(SUITES)


@pytest.mark.parametrize("name", SUITES)
def test_runs_whose_data_are_here_have_an_id_each(name: str, registry: Registry) -> None:
    plan = _plan(name, registry)
    cells = tuple(cell for cell in plan.cells if cell.spec.dataset.name in OFFLINE)
    filled = Contents(registry).filled(replace(plan, cells=cells, references=()))
    ids = [cell.run(seed).id for cell in filled.cells for seed in cell.seeds]
    assert len(ids) == len(set(ids)) == sum(len(cell.seeds) for cell in cells)


def _trained(cell: Cell, registry: Registry, steps: int) -> bool:
    """Whether a cell trains some steps."""
    dataset = registry.create("dataset", cell.spec.dataset)
    architecture = registry.create("architecture", cell.spec.architecture)
    classes = getattr(dataset, "classes", None) if is_conditional(architecture) else None
    (result,) = Trainer(
        objective_of(registry, cell.spec), architecture, dataset.load("train"), replace(cell.spec.train, steps=steps),
        (0,), torch.device("cpu"), classes=classes,
    ).run()  # fmt: skip
    return result.failure is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["collapse", "stacked", "conditional", "original-gan"])
def test_every_cell_whose_data_are_here_trains(name: str, registry: Registry) -> None:
    cells = [cell for cell in _plan(name, registry).cells if cell.spec.dataset.name in OFFLINE]
    assert cells
    assert [cell.title for cell in cells if not _trained(cell, registry, 2)] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "other"),
    [("small-data", "conditional"), ("conditional-fashion", "conditional"), ("stacked-fashion", "stacked")],
)
def test_every_variant_on_fashion_trains_on_images_that_are_here(name: str, other: str, registry: Registry) -> None:
    digits = _plan(other, registry).cells[0].spec.dataset
    cells = {(cell.variant, len(cell.seeds)): cell for cell in _plan(name, registry).cells}.values()
    others = [replace(cell, spec=replace(cell.spec, dataset=digits)) for cell in cells]
    assert others
    assert [cell.title for cell in others if not _trained(cell, registry, 2)] == []


@pytest.mark.parametrize("name", ["stacked", "conditional"])
def test_a_suite_on_fashion_has_the_variants_of_the_suite_on_digits(name: str, registry: Registry) -> None:
    def parts(suite: str) -> list[object]:
        specs = [cell.spec for cell in _plan(suite, registry).cells]
        return [(spec.loss, spec.transforms, spec.architecture, replace(spec.train, steps=1)) for spec in specs]

    assert parts(f"{name}-fashion") == parts(name)
    digits, fashion = _plan(name, registry), _plan(f"{name}-fashion", registry)
    assert [cell.variant for cell in fashion.cells] == [cell.variant for cell in digits.cells]


def test_conditional_fashion_shares_the_runs_without_labels_with_fashion(registry: Registry) -> None:
    def runs(suite: str) -> set[str]:
        cells = _plan(suite, registry).cells
        return {cell.run(seed).id for cell in cells for seed in cell.seeds if cell.spec.architecture.name == "mlp"}

    assert len(runs("conditional-fashion") & runs("fashion")) == 10  # hinge and the non-saturating loss, five seeds


def test_small_data_trains_on_subsets_and_is_scored_on_held_out_images_in_every_quarter(registry: Registry) -> None:
    cells = _plan("small-data", registry).cells
    assert {cell.spec.dataset.params["subset"] for cell in cells} == {500, 1500, 5000}
    (evaluation,) = {cell.spec.evaluation.id: cell.spec.evaluation for cell in cells}.values()
    assert (evaluation.split, evaluation.real_samples, evaluation.snapshots) == ("test", 0, 4)
    assert "memorisation" in [metric.name for metric in evaluation.metrics]


@pytest.mark.slow
@pytest.mark.skipif(not (FASHION.exists() or REQUIRED), reason="needs Debian's dataset-fashion-mnist")
@pytest.mark.parametrize(
    ("name", "chosen", "scores"),
    [
        ("small-data", "loss=NS + ADA,architecture=mlp,dataset=fashion-mnist(subset=500)", {"memorisation", "copies"}),
        ("conditional-fashion", "loss=cGAN-PD,architecture=mlp", {"class FID", "label accuracy", "modes"}),
        ("stacked-fashion", "loss=NS + R1", {"modes", "HQ", "reverse KL", "hits", "hits KL"}),
    ],
)
def test_a_suite_on_fashion_that_is_cut_short_is_scored(
    name: str, chosen: str, scores: set[str], cli: Cli, tmp_path: Path
) -> None:
    fewer = FEWER_TRIPLES if name == "stacked-fashion" else ()
    settings = [part for one in ("train.steps=20", *fewer) for part in ("--set", one)]
    done = cli("run", "--suite", name, "--filter", chosen, "--seeds", "0-0", *settings, "--device", "cpu", timeout=600)
    assert done.code == 0, done.out + done.err
    (record,) = read_records(tmp_path / "results").values()
    assert scores <= {name.partition("[")[0] for name in record["metrics"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "chosen", "scores"),
    [
        ("collapse", "loss=PacGAN2,dataset=ring8", {"modes", "HQ", "reverse KL"}),
        ("collapse", "loss=unrolled GAN,dataset=stacked-digits", {"modes", "HQ", "reverse KL", "hits", "hits KL"}),
        ("stacked", "loss=RpGAN + R1,dataset=stacked-digits", {"modes", "HQ", "reverse KL", "hits", "hits KL"}),
        ("conditional", "loss=AC-GAN,dataset=digits,architecture=mlp", {"class FID", "label accuracy", "modes"}),
        ("original-gan", "loss=minimax,dataset=digits", {"FID", "precision", "modes"}),
    ],
)
def test_a_suite_that_is_cut_short_is_scored(
    name: str, chosen: str, scores: set[str], cli: Cli, tmp_path: Path
) -> None:
    options = "--filter", chosen, "--seeds", "0-0", "--set", "train.steps=20", "--device", "cpu"
    done = cli("run", "--suite", name, *options, timeout=300)
    assert done.code == 0, done.out + done.err
    (record,) = read_records(tmp_path / "results").values()
    assert scores <= {name.partition("[")[0] for name in record["metrics"]}
