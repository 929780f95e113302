"""What a suite says about its comparisons: read strictly, kept in the plan, part of no run's id."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.suite.expand import expand
from ganbench.suite.family import FamilySettings
from ganbench.suite.load import adjusted, load
from ganbench.suite.plan_file import load_plan, plan_to_save, save_plan
from ganbench.suite.specs import Plan

BASE = """\
losses: [minimax, {lsgan: {c: 0.1}}, {lsgan: {c: 1}}]
architectures: [mlp]
datasets: [ring8, digits]
"""
KEYS = """\
reference: {loss: minimax, architecture: mlp}
primary: {digits: KID}
paired: true
margins: {KID: 1.1, modes: 0.5}
"""


def _plan(tmp_path: Path, registry: Registry, text: str, adds: tuple[str, ...] = ()) -> Plan:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    return expand(adjusted(load(path), adds=adds), registry)


def test_the_keys_are_kept_in_the_plan_and_change_no_id(tmp_path: Path, registry: Registry) -> None:
    plain, said = (_plan(tmp_path, registry, BASE + keys) for keys in ("", KEYS))
    assert plain.family == FamilySettings()
    assert said.family == FamilySettings(
        {"loss": "minimax", "architecture": "mlp"}, {"digits": "KID"}, True, {"KID": 1.1, "modes": 0.5}
    )
    assert [cell.run(0).id for cell in plain.cells] == [cell.run(0).id for cell in said.cells]
    save_plan(tmp_path, plan_to_save(said))
    read = load_plan(tmp_path, "suite")
    assert read is not None
    assert read.family == said.family


def test_a_reference_is_a_label_where_a_name_occurs_twice(tmp_path: Path, registry: Registry) -> None:
    written = BASE + "reference: {loss: 'lsgan(c=1)'}\n"
    assert _plan(tmp_path, registry, written).family.reference == {"loss": "lsgan(c=1)"}


def test_a_reference_may_be_added(tmp_path: Path, registry: Registry) -> None:
    written = BASE + "reference: {loss: nonsaturating}\n"
    plan = _plan(tmp_path, registry, written, ("loss=nonsaturating",))
    assert plan.family.reference == {"loss": "nonsaturating"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("reference: minimax", "4:12: 'reference' must be a mapping, such as reference: {loss: nonsaturating}"),
        ("reference: {los: minimax}", "4:13: unknown key 'los'. Did you mean 'loss'?"),
        ("reference: {dataset: digits}", "4:13: unknown key 'dataset'"),
        ("reference: {loss: minmax}", "4:19: the suite has no loss 'minmax'. Did you mean 'minimax'?"),
        ("reference: {loss: [minimax]}", "4:19: reference: loss must be a name, got ['minimax']"),
        ("reference: {loss: lsgan}", "4:19: 'lsgan' names 2 entries: write one of lsgan(c=0.1), "),
        ("primary: FID", "4:10: 'primary' must be a mapping, such as primary: {digits: FID}"),
        ("primary: {digit: FID}", "4:11: the suite has no dataset 'digit'. Did you mean 'digits'?"),
        ("primary: {digits: FDI}", "4:19: no metric of digits gives a score 'FDI'. Did you mean 'FID'?"),
        ("primary: {ring8: FID}", "4:18: no metric of ring8 gives a score 'FID'"),
        ("primary: {digits: 'FID[digits16]'}", "4:19: no metric of digits gives a score 'FID[digits16]'"),
        ("primary: {digits: 3}", "4:19: primary: digits must be the name of a score, got 3"),
        ("paired: yes", "4:9: paired must be true or false, got 'yes'"),
        ("margins: 1.1", "4:10: 'margins' must be a mapping, such as margins: {FID: 1.1, modes: 0.5}"),
        ("margins: {FDI: 1.1}", "4:11: no metric of this suite gives a score 'FDI'. Did you mean 'FID'?"),
        ("margins: {FID: 0.9}", "4:16: the margin of FID must be a factor > 1, because it varies by factors, got 0.9"),
        ("margins: {modes: 0}", "4:18: the margin of modes must be a difference > 0, got 0"),
        ("margins: {modes: true}", "4:18: the margin of modes must be a difference > 0, got True"),
    ],
)
def test_a_problem_is_named_at_its_line(tmp_path: Path, registry: Registry, line: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        _plan(tmp_path, registry, BASE + line + "\n")
    found = str(caught.value).splitlines()
    assert any(problem in one for one in found), found
    assert len(found) == 1
