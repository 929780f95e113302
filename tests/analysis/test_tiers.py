"""Tiers and ranks say what the family of comparisons says, and mark variants whose samples are faulty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from factories import commit, make_card, make_evaluation, make_record, make_spec
from plans import plan_row

from ganbench.analysis import tables
from ganbench.analysis.figure_data.ranks import ranks_info
from ganbench.analysis.figure_data.selection import dataset_variants
from ganbench.analysis.figure_data.tiers import tiers_info
from ganbench.analysis.score_table import Table, TableRow
from ganbench.analysis.tiers import rules
from ganbench.report.text import grid
from ganbench.report.text.markdown import markdown
from ganbench.results.records import Failure, Verdict
from ganbench.results.store import Store
from ganbench.suite.family import FamilySettings
from ganbench.suite.plan_file import SavedPlan

ALL_PAIRS, NONE = FamilySettings(), MappingProxyType[str, int]({})
NOISE = (0.0, 0.1, -0.1, 0.05, -0.05, 0.02, -0.02, 0.08)


def _built(
    folder: Path, levels: Mapping[str, Sequence[float]], settings: FamilySettings = ALL_PAIRS,
    faulty: Mapping[str, int] = NONE, failed: Mapping[str, int] = NONE, waiting: Sequence[str] = (),
) -> tuple[SavedPlan, Table]:  # fmt: skip
    """A table of losses with the values given; the first seeds of some have faulty samples, the last of some failed.

    No seed of a waiting loss has run.
    """
    store, rows, records = Store(folder), [], []
    for loss, values in levels.items():
        for seed, value in enumerate(values):
            fault = "partial" if seed < faulty.get(loss, 0) else "ok"
            found = make_evaluation({"score": value}, make_card(), verdict=Verdict(fault, fault, {}))
            lost = Failure("diverged", "boom") if seed >= len(values) - failed.get(loss, 0) else None
            changes: dict[str, Any] = {"failure": lost} if lost else {"evaluation": found}
            records.append(make_record(f"{loss}{seed}", spec=make_spec(seed, loss), **changes))
        rows.append(plan_row(loss, "network", "points", {seed: f"{loss}{seed}" for seed in range(len(values))}))
    rows += [plan_row(loss, "network", "points", {seed: f"{loss}{seed}" for seed in range(8)}) for loss in waiting]
    commit(store, *records)
    plan = SavedPlan("s", "", "", tuple(rows), (), (), family=settings)
    (table,) = tables.build(plan, store)
    return plan, table


def _at(level: float, seeds: int = 8) -> list[float]:
    return [level + noise for noise in NOISE[:seeds]]


def _places(table: Table) -> dict[str, tuple[str | None, tuple[int, int] | None]]:
    return {row.loss: (row.tier, row.rank) for row in table.rows}


def test_all_pairs_have_letters_and_rank_intervals_best_first_with_a_rule_between_groups(tmp_path: Path) -> None:
    plan, table = _built(tmp_path, {"low": _at(1), "top": _at(9), "also": _at(9.01), "mid": _at(5)})
    assert list(_places(table).items()) == [
        ("top", ("A", (1, 2))), ("also", ("A", (1, 2))), ("mid", ("B", (3, 3))), ("low", ("C", (4, 4))),
    ]  # fmt: skip
    assert rules(table) == {2, 3}
    lines = [line for line in markdown(plan, [table]).splitlines() if line.startswith("|")]
    assert [set(line) <= {"|", " "} for line in lines[2:8]] == [False, False, True, False, True, False]
    assert [grid.rank(row) for row in table.rows] == ["1-2", "1-2", "3", "4"]
    assert grid.text_rules(table) == {2, 3, 4}


def test_a_variant_between_two_groups_has_both_letters_and_no_rule(tmp_path: Path) -> None:
    wide = [4.0, 6.0, 1.0, 9.0, 2.5, 7.5, 5.0, 5.0]
    _, table = _built(tmp_path, {"top": _at(7), "between": wide, "low": _at(3)})
    assert _places(table) == {"top": ("A", (1, 2)), "between": ("AB", (1, 3)), "low": ("B", (2, 3))}
    assert not rules(table)


def test_without_a_difference_nobody_is_first(tmp_path: Path) -> None:
    _, table = _built(tmp_path, {"a": _at(1), "b": _at(1.001), "c": _at(1.002)})
    assert _places(table) == dict.fromkeys("abc", ("A", (1, 3)))
    assert not any(row.led for row in table.rows)


def test_against_a_reference_the_tier_is_the_claim(tmp_path: Path) -> None:
    settings = FamilySettings(reference={"loss": "base"})
    _, table = _built(tmp_path, {"worse": _at(1), "base": _at(5), "same": _at(5.001), "better": _at(9)}, settings)
    assert _places(table) == {
        "worse": ("worse", (2, 4)), "base": ("reference", (2, 3)), "same": ("inconclusive", (1, 4)),
        "better": ("better", (1, 3)),
    }  # fmt: skip
    assert [row.loss for row in table.rows] == ["worse", "base", "same", "better"]
    assert not rules(table)


@pytest.mark.parametrize("reference", [{}, {"loss": "base"}])
def test_below_five_seeds_there_is_no_tier(tmp_path: Path, reference: dict[str, str]) -> None:
    levels = {"few": _at(1, 4), "base": _at(5), "more": _at(9)}
    _, table = _built(tmp_path, levels, FamilySettings(reference=reference))
    assert _places(table)["few"] == ("too few seeds", None)
    assert _places(table)["more"] == (("better", (1, 2)) if reference else ("A", (1, 2)))


@pytest.mark.parametrize("reference", [{}, {"loss": "base"}])
def test_a_variant_that_has_not_run_is_in_the_table_and_not_in_its_figures(
    tmp_path: Path, reference: dict[str, str]
) -> None:
    plan, table = _built(
        tmp_path, {"base": _at(5), "few": _at(1, 4), "more": _at(9)}, FamilySettings(reference=reference),
        waiting=["later"],
    )  # fmt: skip
    assert _places(table)["later"] == ("not run", None)
    assert _places(table)["few"] == ("too few seeds", None)
    assert list(_places(table))[-1] == "later"
    short = "few x network: too few seeds for a claim; at least 5 are required."
    assert {short, "later x network: 8 of 8 seeds not run yet"} <= {*table.all_notes}
    assert "later" in markdown(plan, [table])
    run = {"base", "few", "more"}
    assert {one.name for one in ranks_info(table).variants} == {*tiers_info([table]).labels} == run
    assert {one.name for one in dataset_variants(plan, Store(tmp_path), "points")[0]} == run
    assert [one.name for one in ranks_info(table, names=["later", "more"]).variants] == ["more", "later"]
    assert [one.name for one in dataset_variants(plan, Store(tmp_path), "points", ["later", "few"])[0]] == [
        "few", "later",
    ]  # fmt: skip


def test_one_variant_alone_is_compared_with_nothing(tmp_path: Path) -> None:
    _, table = _built(tmp_path, {"alone": _at(1)})
    assert _places(table) == {"alone": (None, None)}
    assert grid.tier(table.rows[0]) == grid.rank(table.rows[0]) == grid.NONE


def test_a_variant_all_of_whose_seeds_failed_is_the_last(tmp_path: Path) -> None:
    _, table = _built(tmp_path, {"gone": _at(9), "low": _at(1), "top": _at(5)}, failed={"gone": 8})
    assert _places(table) == {"top": ("A", (1, 1)), "low": ("B", (2, 2)), "gone": ("C", (3, 3))}


@pytest.mark.parametrize(("faulty", "marked"), [(0, False), (3, False), (4, True), (8, True)])
def test_the_best_variant_has_a_mark_instead_of_bold_if_its_samples_are_faulty(
    tmp_path: Path, faulty: int, marked: bool
) -> None:
    plan, table = _built(tmp_path, {"top": _at(9), "low": _at(1)}, faulty={"top": faulty})
    top: TableRow = table.rows[0]
    assert (top.loss, top.tier, top.faulty) == ("top", "A", marked)
    assert grid.tier(top) == ("A †" if marked else "A")
    assert ("**9" in markdown(plan, [table])) == (not marked)


def test_samples_that_were_not_compared_are_not_called_faulty_and_a_note_says_why(tmp_path: Path) -> None:
    found = Verdict("not compared", "not compared: 40 held-out samples, 200 are needed", {})
    evaluation = make_evaluation({"score": 1.0}, make_card(), verdict=found)
    commit(Store(tmp_path), *(make_record(f"a{seed}", evaluation=evaluation) for seed in range(2)))
    plan = SavedPlan("s", "", "", (plan_row("game", "network", "points", {0: "a0", 1: "a1"}),))
    ((row,),) = (table.rows for table in tables.build(plan, Store(tmp_path)))
    assert (row.verdict, row.faulty) == ("not compared", False)
    assert row.notes.count(found.text) == 1
    assert f"game x network: {found.text}" in markdown(plan, tables.build(plan, Store(tmp_path)))
