"""A name picks the entry whose whole label it is; otherwise all entries whose plugin has this name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from factories import commit, make_record, make_spec

from ganbench.analysis.figure_data.selection import find_dataset, select
from ganbench.api.results import Results
from ganbench.api.suites import parse_filters
from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.results.store import Store
from ganbench.suite.expand import expand
from ganbench.suite.labels import Label, Variant
from ganbench.suite.load import adjusted, load
from ganbench.suite.plan_file import PlanRow, SavedPlan
from ganbench.suite.plan_union import dropped
from ganbench.suite.specs import Plan

AXES = """
losses: [rpgan + r1, {loss: [rpgan, {r1: {gamma: 2}}]}, {lsgan: {c: 0.1}}, {lsgan: {c: 0.2}}]
architectures: [mlp, {mlp: {width: 16}}]
datasets: [{ring8: {subset: 100}}, ring8]
"""
SUM, OTHER = "rpgan + r1", "rpgan + r1(gamma=2)"
SMALL, WHOLE = "ring8(subset=100)", "ring8"


def _plan(folder: Path, registry: Registry, more: str = "", **options: Any) -> Plan:
    path = folder / "suite.yaml"
    path.write_text(AXES + more)
    return expand(adjusted(load(path), **options), registry)


@pytest.mark.parametrize(
    ("asked", "side", "texts"),
    [
        ("dataset=ring8", 2, {WHOLE}),
        (f"dataset={SMALL}", 2, {SMALL}),
        (f"dataset={SMALL},dataset=ring8", 2, {SMALL, WHOLE}),
        ("loss=rpgan + r1", 0, {SUM}),
        ("loss=rpgan+r1", 0, {SUM}),
        ("loss=rpgan+r1(gamma=2)", 0, {OTHER}),
        ("loss=lsgan", 0, {"lsgan(c=0.1)", "lsgan(c=0.2)"}),
        ("architecture=mlp", 1, {"mlp"}),
        ("architecture=mlp(width=16)", 1, {"mlp(width=16)"}),
    ],
)
def test_a_filter(tmp_path: Path, registry: Registry, asked: str, side: int, texts: set[str]) -> None:
    plan = _plan(tmp_path, registry)
    filtered = plan.filtered(parse_filters([asked], plan))
    assert {cell.texts[side] for cell in filtered.cells} == texts
    assert {one.dataset.text for one in filtered.references} == {cell.texts[2] for cell in filtered.cells}


def test_overrides(tmp_path: Path, registry: Registry) -> None:
    rest = "overrides:\n- {when: {dataset: ring8}, train: {steps: 5}}\n- {when: {loss: lsgan}, train: {n_dis: 2}}\n"
    for cell in _plan(tmp_path, registry, rest).cells:
        assert (cell.spec.train.steps == 5) == (cell.dataset.text == WHOLE), cell.title
        assert (cell.spec.train.n_dis == 2) == cell.variant.loss.text.startswith("lsgan"), cell.title


def test_hyperparameters_of_a_plugin_are_set_wherever_it_stands(tmp_path: Path, registry: Registry) -> None:
    plan = _plan(tmp_path, registry, sets=("architecture.mlp.depth=2", "dataset.ring8.std=0.5"))
    assert {cell.spec.architecture.params["depth"] for cell in plan.cells} == {2}
    assert {cell.spec.dataset.params["std"] for cell in plan.cells} == {0.5}
    with pytest.raises(UsageError, match="'mlp' is an architecture: write mlp: "):
        _plan(tmp_path, registry, sets=("architecture.mlp=2",))


def test_keys_of_the_comparisons(tmp_path: Path, registry: Registry) -> None:
    rest = "reference: {loss: rpgan+r1, architecture: mlp}\nprimary: {ring8: HQ}\n"
    family = _plan(tmp_path, registry, rest).family
    assert (family.reference, family.primary) == ({"loss": SUM, "architecture": "mlp"}, {WHOLE: "HQ"})
    with pytest.raises(UsageError, match=r"'lsgan' names 2 entries: write one of lsgan\(c=0.1\), lsgan\(c=0.2\)"):
        _plan(tmp_path, registry, "reference: {loss: lsgan}\n")


def test_samples_made_elsewhere(tmp_path: Path, registry: Registry) -> None:
    plan = _plan(tmp_path, registry, "external: [{label: mine, samples: a.npz, dataset: ring8}]\n")
    assert [one.dataset.text for one in plan.references if one.label] == [WHOLE]
    path = tmp_path / "suite.yaml"
    path.write_text(
        "losses: [minimax]\narchitectures: [mlp]\ndatasets: [{ring8: {std: 0.1}}, {ring8: {std: 0.2}}]\n"
        "external: [{label: mine, samples: a.npz, dataset: ring8}]\n"
    )
    with pytest.raises(UsageError, match=r":4:51: 'ring8' names 2 entries: write one of ring8\(std=0.1\), "):
        expand(load(path), registry)


LABELS = {text: Label(text, text.partition("(")[0]) for text in (SUM, OTHER, "mlp", "mlp(width=16)", SMALL, WHOLE)}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Five seeds of the sum and of the one with hyperparameters on both datasets; the sum is the better one."""
    rows: list[PlanRow] = []
    store = Store(tmp_path)
    for dataset in (SMALL, WHOLE):
        for loss, score in ((SUM, 2.0), (OTHER, 1.0)):
            runs = {seed: f"{len(rows)}x{seed}" for seed in range(5)}
            variant = Variant(LABELS[loss], LABELS["mlp"])
            rows.append(PlanRow(variant, LABELS[dataset], runs, "e0", "c", loss, ()))
            for seed, id_ in runs.items():
                spec = make_spec(seed, loss.partition("(")[0], "mlp", "ring8")
                commit(store, make_record(id_, {"score": score + seed / 100}, spec=spec))
    return Results(SavedPlan("s", "", "", tuple(rows)), store)


def test_what_is_dropped(results: Results) -> None:
    for kind, name, side, left in (
        ("dataset", "ring8", 2, {SMALL}), ("dataset", SMALL, 2, {WHOLE}), ("loss", "rpgan+r1", 0, {OTHER}),
        ("loss", OTHER, 0, {SUM}),
    ):  # fmt: skip
        assert {row.texts[side] for row in dropped(results.plan, kind, name).rows} == left
    of_old = replace(results.plan, rows=tuple(row for row in results.plan.rows if row.dataset.text == SMALL))
    assert dropped(of_old, "dataset", "ring8").rows == ()


def test_what_is_compared(results: Results) -> None:
    for name in (SUM, "rpgan+r1", "rpgan+r1 x mlp"):
        other = OTHER + name.removeprefix("rpgan+r1").removeprefix(SUM)
        found = results.compare(name, other)
        assert {(one.dataset, one.a.startswith(SUM), one.b.startswith(OTHER)) for one in found} == {
            (dataset, True, True) for dataset in (SMALL, WHOLE)
        }
        assert all(one.rows[0].loss == SUM and one.rows[1].loss == OTHER for one in found)
    with pytest.raises(UsageError, match="'rpgan' in these results"):
        results.compare("rpgan", OTHER)


def test_a_name_of_several_is_not_compared(results: Results) -> None:
    texts = ("rpgan + r1(gamma=1)", OTHER)
    old = dict(zip((SUM, OTHER), texts, strict=True))
    rows = (
        replace(row, variant=replace(row.variant, loss=replace(row.variant.loss, text=old[row.texts[0]])))
        for row in results.plan.rows
    )
    renamed = Results(replace(results.plan, rows=tuple(rows)), results.store)
    with pytest.raises(UsageError, match=r"'rpgan\+r1' names 2 entries: write one of rpgan \+ r1\(gamma=1\), "):
        renamed.compare("rpgan+r1", OTHER)
    assert renamed.compare(*texts)


def test_what_is_drawn(results: Results) -> None:
    plan = results.plan
    assert (find_dataset(plan, "ring8"), find_dataset(plan, SMALL)) == (WHOLE, SMALL)
    assert results.table("ring8").dataset == WHOLE
    variants = [row.variant for row in plan.rows]
    assert select(variants, ["rpgan+r1"]) == [(SUM, "mlp")]
    assert select(variants, ["rpgan+r1(gamma=2) x mlp", SUM]) == [(SUM, "mlp"), (OTHER, "mlp")]
    assert select(variants, ["mlp"]) == select(variants, []) == [(SUM, "mlp"), (OTHER, "mlp")]
    with pytest.raises(UsageError, match="--variant: there is no 'lsgan' here"):
        select(variants, ["lsgan"])


def test_a_label_that_the_suite_gives_replaces_the_name() -> None:
    given = Variant(Label("R3", "rpgan + r1", given=True), LABELS["mlp"])
    plain = Variant(Label("hinge x flip", "hinge"), LABELS["mlp(width=16)"])
    assert select([given, plain], ["R3"]) == select([given, plain], ["R3 x mlp"]) == [("R3", "mlp")]
    for name in ("hinge", "hinge x flip", "hinge x flip x mlp(width=16)", "hinge x mlp(width=16)"):
        assert select([given, plain], [name]) == [plain.texts]
    with pytest.raises(UsageError, match="there is no"):
        select([given], ["rpgan + r1"])
