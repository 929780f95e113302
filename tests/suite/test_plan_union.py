"""A suite's plan over time: nothing that was trained leaves the table in silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import plan_reference, plan_row, skipped

from ganbench.errors import UsageError
from ganbench.suite.plan_file import PlanRow, SavedPlan
from ganbench.suite.plan_union import dropped, earlier_rows, not_shown, own_rows, united


def _row(loss: str, seeds: str = "01", **changes: object) -> PlanRow:
    row = plan_row(loss, "net", "points", {int(seed): f"{loss}{seed}" for seed in seeds})
    made = replace(row, evaluation="e", content="c", settings="s", own=tuple(map(int, seeds)))
    return replace(made, **changes)  # type: ignore[arg-type]


def _plan(*rows: PlanRow, **changes: object) -> SavedPlan:
    return replace(SavedPlan("s", "", "", rows), **changes)  # type: ignore[arg-type]


def test_additions_and_further_seeds_stay() -> None:
    old = _plan(_row("a", "01234", own=(0, 1)), _row("added", own=()))
    plan = united(_plan(_row("a")), old)
    assert [(row.texts[0], tuple(row.runs)) for row in plan.rows] == [("a", (0, 1, 2, 3, 4)), ("added", (0, 1))]
    assert plan.earlier == ()
    assert [(row.texts[0], tuple(row.runs)) for row in own_rows(plan).rows] == [("a", (0, 1))]


def test_a_variant_that_the_suite_calls_otherwise_is_one_row() -> None:
    before = plan_row("before", "net", "points", {0: "a0", 1: "a1", 2: "a2"})
    before = replace(before, evaluation="e", content="c", settings="s")
    now = united(_plan(_row("a"), _row("before", settings="t")), _plan(before, _row("b")))
    assert [(row.texts[0], list(row.runs)) for row in now.rows] == [("a", [0, 1, 2]), ("before", [0, 1]), ("b", [0, 1])]
    assert now.earlier == ()
    twice = _plan(before, replace(_row("a"), runs=before.runs))
    assert [row.texts[0] for row in united(_plan(_row("b")), twice).rows] == ["b", "before"]
    other = united(_plan(_row("a", evaluation="f")), _plan(before))
    assert [row.texts[0] for row in other.rows] == ["a"]
    assert other.earlier == (before,)


@pytest.mark.parametrize("change", [{"content": "d"}, {"settings": "t"}, {"evaluation": "f"}])
def test_a_row_that_the_suite_changed_is_kept_apart(change: dict[str, str]) -> None:
    before = _row("a")
    plan = united(_plan(_row("a", **change)), _plan(before, _row("added", own=())))
    assert [row.texts[0] for row in plan.rows] == (["a", "added"] if "settings" in change else ["a"])
    assert before in plan.earlier
    assert "earlier run" in not_shown(plan)
    shown = earlier_rows(plan)
    assert {row.runs[0] for row in shown.rows} >= {"a0"}
    assert len({row.texts for row in shown.rows}) == len(shown.rows)
    back = united(_plan(before), plan)
    assert before not in back.earlier


def test_earlier_runs_of_two_contents_are_two_tables() -> None:
    plan = united(_plan(_row("a", content="3")), _plan(_row("a", content="1"), earlier=(_row("a", content="2"),)))
    assert {row.dataset.text for row in earlier_rows(plan).rows} == {
        "points (data 1, evaluation e)", "points (data 2, evaluation e)",
    }  # fmt: skip
    assert "of other data" in not_shown(plan, Path("elsewhere"))
    assert "--results elsewhere" in not_shown(plan, Path("elsewhere"))
    with pytest.raises(UsageError, match="no earlier rows"):
        earlier_rows(_plan(_row("a")))


def test_what_was_added_can_be_dropped_and_nothing_else() -> None:
    plan = _plan(_row("a"), _row("added", own=()), references=(plan_reference("points", "real", "r"),),
                 skipped=(skipped("added", "conv", "points", "no"),))  # fmt: skip
    left = dropped(plan, "loss", "added")
    assert [row.texts[0] for row in left.rows] == ["a"]
    assert (left.skipped, left.references) == ((), plan.references)
    with pytest.raises(UsageError, match=r"is in suite 's' itself"):
        dropped(plan, "loss", "a")
    with pytest.raises(UsageError, match=r"has no loss 'adde'.*added"):
        dropped(plan, "loss", "adde")
    with pytest.raises(UsageError, match="loss=NAME"):
        dropped(plan, "optimizer", "adam")


ROWS = st.builds(
    _row, st.sampled_from("abc"), st.sampled_from(["0", "01", "12"]), content=st.sampled_from("cd"),
    settings=st.sampled_from("st"), evaluation=st.just("e"),
)  # fmt: skip
PLANS = st.lists(ROWS, max_size=4, unique_by=lambda row: row.texts[0]).map(lambda rows: _plan(*rows))


@given(st.lists(PLANS, min_size=1, max_size=5))
def test_no_run_is_ever_lost(plans: list[SavedPlan]) -> None:
    saved: SavedPlan | None = None
    seen: set[tuple[str, str, str]] = set()
    for plan in plans:
        saved = united(plan, saved)
        seen |= {(row.content, row.settings, id_) for row in plan.rows for id_ in row.runs.values()}
        there = [(row.content, row.settings, id_) for row in (*saved.rows, *saved.earlier) for id_ in row.runs.values()]
        assert sorted(there) == sorted(seen)
        assert {row.texts for row in plan.rows} <= {row.texts for row in saved.rows}
