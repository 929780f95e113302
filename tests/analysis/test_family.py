"""The family of a suite: how many comparisons it holds, what each says, and that every reader says the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from factories import commit, make_card, make_record, make_spec
from plans import plan_row, skipped
from scipy import stats as scipy_stats

import ganbench as gb
from ganbench.analysis import tables
from ganbench.analysis.family import Family
from ganbench.analysis.score_table import Table
from ganbench.api.results import Results
from ganbench.report.text import sentences
from ganbench.results.records import Failure
from ganbench.results.store import Store
from ganbench.suite.family import FamilySettings
from ganbench.suite.plan_file import SavedPlan, save_plan

SPREAD = [0.0, 0.3, -0.2, 0.1, -0.4, 0.25, -0.1, 0.05]
Values = Mapping[tuple[str, str, str], list[float]]
"""(loss, architecture, dataset) -> the values of the seeds"""


def _suite(folder: Path, values: Values, settings: FamilySettings, suite: str = "s", **card: Any) -> SavedPlan:
    """A results folder with one score, and the suite's plan."""
    store, rows = Store(folder), []
    for at, (labels, own) in enumerate(values.items()):
        ids = {seed: f"{suite}{at}x{seed}" for seed in range(len(own))}
        for seed, id_ in ids.items():
            scores = {"score": own[seed], "other": -own[seed]}
            commit(store, make_record(id_, scores, make_card(**card), make_spec(seed, *labels)))
        rows.append(plan_row(*labels, ids))
    plan = SavedPlan(suite, "", "", tuple(rows), (), (skipped("a", "conv", "ring8", "no"),), family=settings)
    save_plan(folder, plan)
    return plan


def _family(plan: SavedPlan, folder: Path) -> tuple[Family, list[Table]]:
    built = tables.build(plan, Store(folder))
    made = built[0].family
    assert made is not None
    assert all(table.family == made for table in built)
    return made, built


def _around(level: float) -> list[float]:
    return [level + one for one in SPREAD]


def _two_by_three(**levels: float) -> Values:
    """Three losses with two architectures on two datasets; a level per loss."""
    return {
        (loss, architecture, dataset): _around(levels.get(loss, 5.0))
        for dataset in ("ring8", "digits")
        for architecture in ("mlp", "dcgan")
        for loss in ("a", "b", "c")
    }


def test_without_a_reference_all_pairs_of_every_dataset_are_one_family(tmp_path: Path) -> None:
    made, built = _family(_suite(tmp_path, _two_by_three(a=9.0), FamilySettings()), tmp_path)
    assert made.m == 2 * 15
    found = made.between("digits", ("a", "mlp"), ("b", "dcgan"))
    assert found is not None
    welch = scipy_stats.ttest_ind(_around(9.0), _around(5.0), equal_var=False)
    interval = welch.confidence_interval(1 - 0.05 / 30)
    assert found.p == pytest.approx(welch.pvalue)
    assert found.p_adjusted == pytest.approx(30 * welch.pvalue)
    assert found.difference is not None
    assert found.difference[:3] == pytest.approx((4.0, interval.low, interval.high))
    assert found.claim == "better"
    turned = made.between("digits", ("b", "dcgan"), ("a", "mlp"))
    assert turned is not None
    assert turned.claim == "worse"
    for table in built:
        assert len(table.comparisons) == 15
        assert {row.key for row in table.variants if row.led} == {("a", "mlp"), ("a", "dcgan")}
        assert all(row.rank is not None for row in table.variants)


def test_with_a_reference_each_variant_is_compared_with_its_own(tmp_path: Path) -> None:
    plan = _suite(tmp_path, _two_by_three(a=9.0), FamilySettings({"loss": "b"}))
    made, built = _family(plan, tmp_path)
    pairs = {(one.dataset, one.a, one.b) for one in made.comparisons}
    assert pairs == {
        (dataset, (loss, architecture), ("b", architecture))
        for dataset in ("ring8", "digits")
        for architecture in ("mlp", "dcgan")
        for loss in ("a", "c")
    }
    assert made.m == 8
    assert any(
        "Tested: score by Welch's t, each variant with b, 4 comparisons of the suite's 8, claimed if p x 8 < .05"
        in note
        for note in built[0].notes
    )
    assert [one.claim for one in made.comparisons if one.dataset == "ring8"] == ["better", "inconclusive"] * 2
    assert made.between("ring8", ("a", "mlp"), ("c", "mlp")) is None
    assert made.is_reference(("b", "mlp"))
    assert not made.is_reference(("a", "mlp"))
    both, _ = _family(_suite(tmp_path / "both", _two_by_three(), FamilySettings({"loss": "b", "architecture": "mlp"})),
                      tmp_path / "both")  # fmt: skip
    assert both.m == 2 * 5
    assert {one.b for one in both.comparisons} == {("b", "mlp")}


def test_the_size_of_the_family_does_not_depend_on_the_results(tmp_path: Path) -> None:
    """Variants that have not run, have failed, have too few seeds or do not vary are counted."""
    values = dict(_two_by_three())
    values["c", "mlp", "ring8"] = [5.0] * 3
    plan = _suite(tmp_path, values, FamilySettings({"loss": "b"}))
    for seed in range(8):
        commit(Store(tmp_path), make_record(f"s0x{seed}", spec=make_spec(seed), failure=Failure("failed", "x")))
    made, _ = _family(plan, tmp_path)
    assert made.m == 8
    claims = {(one.dataset, one.a): one.claim for one in made.comparisons}
    assert claims["ring8", ("c", "mlp")] == "too few seeds"
    assert claims["ring8", ("a", "mlp")] == "worse"
    empty, _ = _family(plan, tmp_path / "empty")
    assert empty.m == 8
    assert {one.claim for one in empty.comparisons} == {"too few seeds"}


def test_a_column_without_variation_is_no_test_and_is_said_to_be_none(tmp_path: Path) -> None:
    values = {(loss, "mlp", dataset): [8.0] * 8 if dataset == "ring8" else _around(2.0)
              for dataset in ("ring8", "digits") for loss in "abc"}  # fmt: skip
    made, (points, digits) = _family(_suite(tmp_path, values, FamilySettings(), kind="count"), tmp_path)
    assert {(one.claim, one.p) for one in made.on("ring8")} == {("no variation", None)}
    assert made.m == 6
    assert any("the same in all seeds of all variants" in note for note in points.notes)
    assert any("3 comparisons of the suite's 6" in note for note in digits.notes)


def test_the_kind_of_a_score_fixes_its_test(tmp_path: Path) -> None:
    values = {("a", "mlp", "ring8"): [8.0] * 8, ("b", "mlp", "ring8"): [7.0, 7, 8, 4, 6, 4, 7, 8]}
    tests = {}
    for kind in ("count", "share", "linear", "log"):
        for paired in (False, True):
            folder = tmp_path / f"{kind}{paired}"
            made, _ = _family(_suite(folder, values, FamilySettings(paired=paired), kind=kind), folder)
            difference = made.comparisons[0].difference
            assert difference is not None
            tests[kind, paired] = difference.test, difference.ratio
    assert tests == {
        ("count", False): ("rank permutation", False), ("count", True): ("rank permutation", False),
        ("share", False): ("Welch t", False), ("share", True): ("paired t", False),
        ("linear", False): ("Welch t", False), ("linear", True): ("paired t", False),
        ("log", False): ("Welch t", True), ("log", True): ("paired t", True),
    }  # fmt: skip


def test_one_value_that_is_not_above_0_takes_the_whole_column_off_logarithms(tmp_path: Path) -> None:
    """So the scale of a comparison does not depend on which two variants it is of."""
    values = {("a", "mlp", "ring8"): _around(2.0), ("b", "mlp", "ring8"): _around(3.0),
              ("c", "mlp", "ring8"): [*_around(2.0)[:7], -0.1]}  # fmt: skip
    made, (table,) = _family(_suite(tmp_path, values, FamilySettings(), kind="log", better="lower"), tmp_path)
    assert {one.difference.ratio for one in made.comparisons if one.difference} == {False}
    assert not any(row.scores["score"].logs for row in table.variants)
    assert any("Not computed on logarithms, because some values are not above 0: score" in note for note in table.notes)


def test_equal_needs_a_margin_of_the_suite(tmp_path: Path) -> None:
    values = {("a", "mlp", "ring8"): _around(5.0), ("b", "mlp", "ring8"): _around(5.01)}
    for margin, claim in ((None, "inconclusive"), (0.5, "equal"), (0.1, "inconclusive")):
        settings = FamilySettings(margins={} if margin is None else {"score": margin})
        made, (table,) = _family(_suite(tmp_path, values, settings), tmp_path)
        assert made.comparisons[0].claim == claim
        (sentence, *_) = sentences.conclusions(table)
        assert ("are equal in score" in sentence) == (claim == "equal")


def test_the_primary_score_is_the_one_the_suite_names(tmp_path: Path) -> None:
    values = {("a", "mlp", "ring8"): _around(9.0), ("b", "mlp", "ring8"): _around(5.0)}
    for name, winner in (("score", "a"), ("other", "b")):
        made, (table,) = _family(_suite(tmp_path, values, FamilySettings(primary={"ring8": name})), tmp_path)
        assert table.primary == name
        assert made.comparisons[0].winner == (winner, "mlp")
        assert list(table.columns) == ["score", "other"]
    made, (table,) = _family(_suite(tmp_path, values, FamilySettings(primary={"ring8": "FID"})), tmp_path)
    assert (table.primary, made.comparisons[0].claim) == ("", "too few seeds")
    assert "No run on ring8 has the suite's primary score FID." in table.notes


def test_one_question_has_one_answer(inside: Cli, tmp_path: Path) -> None:
    """The table's notes, the report's sentences, `compare`, and the Python API; in both orders of the names."""
    folder = tmp_path / "results"
    plan = _suite(folder, _two_by_three(a=6.0, c=5.2), FamilySettings({"loss": "b"}))
    made, built = _family(plan, folder)
    for one in made.comparisons:
        here = f"{one.a[0]} x {one.a[1]}", f"{one.b[0]} x {one.b[1]}"
        said = json.loads(inside("compare", *here, "--json").out)
        found = next(entry for entry in said if entry["dataset"] == one.dataset)
        wanted = {"better": "a better", "worse": "b better"}.get(one.claim, one.claim)
        assert found["verdict"] == wanted
        assert found["difference"]["p_bonferroni"] == one.p_adjusted
        assert (found["comparisons"], found["family"]) == (8, "suite")
        turned = json.loads(inside("compare", *here[::-1], "--json").out)
        back = next(entry for entry in turned if entry["dataset"] == one.dataset)
        assert back["verdict"] == {"a better": "b better", "b better": "a better"}.get(wanted, wanted)
        assert one in gb.open_results(folder).family.comparisons
        (api,) = [c for c in gb.open_results(folder).compare(*here) if c.dataset == one.dataset]
        assert (api.verdict, api.adjusted) == (wanted, one.p_adjusted)
        table = next(table for table in built if table.dataset == one.dataset)
        assert (one.winner == one.a) == (table_leads(table, one.a))
        text = " ".join(sentences.conclusions(table))
        assert (f"{here[0]} is better than {here[1]} in score" in text) == (one.claim == "better")


def table_leads(table: Table, key: tuple[str, str]) -> bool:
    return any(row.led == {"score"} for row in table.variants if row.key == key)


def test_a_part_of_a_suite_has_the_answers_of_the_whole(inside: Cli, tmp_path: Path) -> None:
    """Whatever a table shows, its claims are corrected for all comparisons of the suite."""
    folder = tmp_path / "results"
    values = dict(_two_by_three(a=6.0))
    whole = _suite(folder, values, FamilySettings())
    rows = [replace(row, own=()) if row.texts[0] == "c" or row.texts[2] == "ring8" else row for row in whole.rows]
    save_plan(folder, replace(whole, rows=tuple(rows)))
    kept = tuple(row for row in whole.rows if row.texts[0] != "c" and row.texts[2] != "ring8")
    part = replace(whole, rows=kept, skipped=())
    (shown,) = Results(part, Store(folder), whole=whole).score_tables
    (alone,) = Results(part, Store(folder)).score_tables
    assert (shown.family.m if shown.family else 0, alone.family.m if alone.family else 0) == (30, 6)
    assert len(shown.comparisons) == 6
    full = next(table for table in Results(whole, Store(folder)).score_tables if table.dataset == "digits")
    for one in shown.comparisons:
        assert one in full.comparisons
    only = inside("table", "--suite", "s", "--only-plan", "--format", "markdown").out
    assert "c x mlp" not in only
    assert "6 comparisons of the suite's 30" in only


def test_pairs_and_scores_outside_the_family_are_exploratory(inside: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    _suite(folder, _two_by_three(a=9.0), FamilySettings({"loss": "b"}))
    whys = "compares each variant with its reference alone", "tests its primary scores alone"
    for arguments, why in zip((("a", "c"), ("a", "b", "--metric", "other")), whys, strict=True):
        done = inside("compare", *arguments)
        assert done.code == 0, done.err
        assert all(line.startswith("Exploratory, nothing is claimed") for line in done.out.splitlines()[:2])
        assert all(f"The suite {why}; the p value holds only" in line for line in done.out.splitlines()[:2])


def test_one_suite_in_two_folders_is_a_family_of_its_own(tmp_path: Path) -> None:
    """The answers are of the values of both folders, not of one folder's family."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder, level in zip(folders, (9.0, 5.0), strict=True):
        _suite(folder, _two_by_three(a=level), FamilySettings())
    one, two = map(gb.open_results, folders)
    for names in (("a", "a"), ("a", "b")):
        found = one.compare(*names, other=two)
        assert {(c.verdict, c.comparisons, c.part) for c in found} == {("a better", 4, "question")}
    assert "a (suite s in" in str(one.compare("a", "a", other=two)[0])
    assert {c.verdict for c in two.compare("b", "a", other=one)} == {"b better"}


def test_two_suites_are_a_family_of_their_own(inside: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    _suite(folder, _two_by_three(a=9.0), FamilySettings())
    _suite(folder, _two_by_three(), FamilySettings(), suite="t")
    done = inside("compare", "a", "a", "--suite", "s", "--suite", "t", "--json")
    found = json.loads(done.out)
    assert len(found) == 4
    assert {(one["verdict"], one["comparisons"], one["family"]) for one in found} == {("a better", 4, "question")}
    assert all("for the 4 comparisons of these two suites (Bonferroni)" in one["sentence"] for one in found)
