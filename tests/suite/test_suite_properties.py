"""Properties of YAML, plans, searches and draws that hold for any content."""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pytest
from factories import reseal
from hypothesis import given
from hypothesis import strategies as st
from plans import plan_row, search_row

from ganbench.errors import ResultsError, UsageError
from ganbench.suite.labels import Combination, Label, Variant, picked
from ganbench.suite.plan_file import PlanReference, PlanRow, SavedPlan, load_plan, save_plan
from ganbench.suite.search import RowDraw, SavedSearch, SearchRow, load_search, save_search
from ganbench.suite.search_space import Range
from ganbench.suite.specs import Skipped
from ganbench.suite.yaml import Node, Problems, parse

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=12)
labels = st.builds(Label, words, words)
variants = st.builds(Variant, labels, labels)
ids = st.text(st.sampled_from("0123456789abcdef"), min_size=1, max_size=12)
runs = st.dictionaries(st.integers(0, 10**6), ids, max_size=5)
references = st.builds(PlanReference, labels, words, ids)
plans = st.builds(
    SavedPlan,
    st.just("suite"),
    words,
    words,
    st.lists(st.builds(PlanRow, variants, labels, runs), max_size=4).map(tuple),
    st.lists(references, max_size=3).map(tuple),
    st.lists(st.builds(Skipped, variants, labels, words), max_size=3).map(tuple),
)
settings = st.dictionaries(words, st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words, max_size=3)
draws = st.lists(st.builds(RowDraw, st.integers(0, 9), settings, runs), max_size=3).map(tuple)
searches = st.builds(
    SavedSearch,
    st.just("suite+search"),
    words,
    words,
    st.lists(st.builds(SearchRow, variants, labels, draws), max_size=3).map(tuple),
    st.lists(references, max_size=3).map(tuple),
)  # fmt: skip
scalars: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | words
scalars = scalars | st.floats(allow_nan=False, allow_infinity=False)
contents = st.dictionaries(
    words, st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))
)


@given(plans)
def test_a_saved_plan_reads_back_as_it_was(plan: SavedPlan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        save_plan(Path(folder), plan)
        assert load_plan(Path(folder), "suite") == plan


@given(searches)
def test_a_saved_search_reads_back_as_it_was(search: SavedSearch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        save_search(Path(folder), search)
        assert load_search(Path(folder), "suite+search") == search


PLAN_1 = {
    "schema": 1, "suite": "s", "about": "", "digest": "abc",
    "rows": [{"loss": "lsgan(c=1)", "architecture": "mlp", "dataset": "ring8", "runs": {"3": "a1"}}],
    "references": [["ring8", "real", "b2"]],
    "skipped": [["minimax", "dcgan", "ring8", "convolutions need images"]],
}  # fmt: skip


def _written(folder: Path, content: object, name: str = "plan.json", suite: str = "s") -> None:
    (folder / suite).mkdir(exist_ok=True)
    (folder / suite / name).write_text(json.dumps(content))


def test_a_plan_of_schema_1_is_read_with_names_from_its_labels(tmp_path: Path) -> None:
    _written(tmp_path, PLAN_1)
    plan = load_plan(tmp_path, "s")
    assert plan is not None
    assert plan.rows == (plan_row("lsgan(c=1)", "mlp", "ring8", {3: "a1"}),)
    assert plan.rows[0].variant.loss == Label("lsgan(c=1)", "lsgan")
    assert plan.rows[0].title == "lsgan(c=1) x mlp x ring8"
    assert plan.references == (PlanReference(Label("ring8", "ring8"), "real", "b2"),)
    assert plan.skipped[0].reason == "convolutions need images"


def test_a_search_of_schema_1_is_read_with_names_from_its_labels(tmp_path: Path) -> None:
    row = {"loss": "a(b=1)", "architecture": "mlp", "dataset": "ring8"}
    draws = [{"number": 0, "settings": {}, "runs": {"0": "c3"}}, {"number": 1, "settings": {"x": 1}, "runs": {}}]
    content = {"schema": 1, "suite": "s", "about": "", "digest": "", "references": [["ring8", "noise", "n"]]}
    _written(tmp_path, {**content, "variants": [{**row, "draws": draws}]}, "draws.json")
    found = load_search(tmp_path, "s")
    assert found is not None
    assert found.variants[0].variant.loss == Label("a(b=1)", "a")
    assert found.variants[0].draws == (RowDraw(0, {}, {0: "c3"}), RowDraw(1, {"x": 1}, {}))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda row: row["runs"].update({"0": 7}), "$.rows[0].runs"),
        (lambda row: row["runs"].update({"-1": "a"}), "$.rows[0].runs"),
        (lambda row: row["runs"].update({"0": "../a"}), "$.rows[0].runs"),
        (lambda row: row["runs"].update({"0": "a\n"}), "$.rows[0].runs"),
        (lambda row: row["variant"]["loss"].update(text=3), "$.rows[0].variant.loss.text"),
        (lambda row: row.pop("dataset"), "$.rows[0]: Object missing required field `dataset`"),
    ],
)  # fmt: skip
def test_damage_is_reported_with_its_place(tmp_path: Path, change: Any, place: str) -> None:
    save_plan(tmp_path, SavedPlan("s", "", "", (plan_row("a", "b", "c", {0: "d"}),)))
    path = tmp_path / "s" / "plan.json"
    reseal(path, lambda content: change(content["rows"][0]))
    with pytest.raises(ResultsError) as caught:
        load_plan(tmp_path, "s")
    assert place in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_edited_plan_or_search_is_noticed(tmp_path: Path) -> None:
    save_plan(tmp_path, SavedPlan("s", "", "", (plan_row("a", "b", "c", {0: "d"}),)))
    save_search(tmp_path, SavedSearch("s", "", "", (search_row("a", "b", "c", (RowDraw(0, {}, {0: "d"}),)),), ()))
    for name, read in (("plan.json", load_plan), ("draws.json", load_search)):
        path = tmp_path / "s" / name
        text = path.read_text()
        assert '"0": "d"' in text
        path.write_text(text.replace('"0": "d"', '"0": "e"'))
        with pytest.raises(ResultsError, match=rf"{name} is damaged \(\$\.seal: does not match"):
            read(tmp_path, "s")


@given(contents)
def test_json_is_read_as_yaml_of_the_same_content(content: dict[str, Any]) -> None:
    """Every JSON text whose escapes YAML knows is YAML; numbers keep their type."""
    problems = Problems("file")
    text = json.dumps(content, ensure_ascii=True).replace("\\/", "/")
    assert parse(text, problems).plain() == content


@given(contents)
def test_nodes_of_plain_data_hold_it(content: dict[str, Any]) -> None:
    assert Node.of(content).plain() == content


@given(words)
def test_any_text_is_parsed_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse(text, Problems("file"))


ends = st.integers(1, 10**6)


@given(ends, st.integers(1, 10**6), st.booleans(), st.integers(1, 10**6))
def test_a_drawn_integer_is_an_integer_of_its_range(low: int, width: int, log: bool, number: int) -> None:
    value = Range(("train", "batch"), Node(None), low, low + width, log).draw(number).value
    assert isinstance(value, int)
    assert low <= value <= low + width


@given(st.floats(1e-6, 1e3), st.floats(1e-3, 1e3), st.booleans(), st.integers(1, 10**6))
def test_a_drawn_number_is_in_its_range_and_does_not_depend_on_others(
    low: float, width: float, log: bool, number: int
) -> None:
    one = Range(("train", "lr"), Node(None), low, low + width, log)
    value = one.draw(number).value
    assert low <= value <= low + width
    assert math.isfinite(value)
    assert one.draw(number).value == value


@given(st.lists(st.integers(), min_size=1, max_size=6), st.integers(1, 1000))
def test_a_drawn_choice_is_one_of_the_choices(choices: list[int], number: int) -> None:
    one = Range(("train", "n_dis"), Node(None), choices=tuple(map(Node, choices)))
    assert one.draw(number).value in choices


@given(variants, labels)
def test_a_title_names_loss_architecture_and_dataset(variant: Variant, dataset: Label) -> None:
    one = Combination(variant, dataset)
    assert one.title == f"{variant.loss.text} x {variant.architecture.text} x {dataset.text}"
    assert one.title.startswith(variant.title)
    assert all(picked([label], name) == [label] for label in one.labels for name in (label.name, label.text))
