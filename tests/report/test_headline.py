"""The headline says what the family of comparisons says: who leads, where, and how certain it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from factories import commit, make_card, make_record, make_spec
from plans import plan_row

from ganbench.analysis import aggregate, tables
from ganbench.analysis.score_table import Table
from ganbench.analysis.standing import decided, standings
from ganbench.api.results import open_results
from ganbench.report.text.headline import Headline, headline
from ganbench.results.store import Store
from ganbench.suite.family import FamilySettings
from ganbench.suite.plan_file import SavedPlan

PUBLISHED = Path(__file__).parents[2] / "results" / "published"
SPREAD = [0.0, 0.3, -0.2, 0.1, -0.4, 0.25, -0.1, 0.05]
ALL_PAIRS = FamilySettings()
REFERENCE = FamilySettings(reference={"loss": "a"})
Levels = Mapping[str, Mapping[str, float]]
"""dataset -> loss -> the level of its score"""


def _tables(folder: Path, levels: Levels, settings: FamilySettings = ALL_PAIRS, seeds: int = 8) -> list[Table]:
    """Tables of losses on one network, whose score is higher if better."""
    store, rows = Store(folder), []
    for dataset, own in levels.items():
        for loss, level in own.items():
            ids = {seed: f"{dataset}{loss}{seed}" for seed in range(seeds)}
            for seed, id_ in ids.items():
                spec = make_spec(seed, loss, "mlp", dataset)
                commit(store, make_record(id_, {"score": level + SPREAD[seed]}, make_card(better="higher"), spec))
            rows.append(plan_row(loss, "mlp", dataset, ids))
    return tables.build(SavedPlan("s", "", "", tuple(rows), (), (), family=settings), store)


def _said(folder: Path, levels: Levels, settings: FamilySettings = ALL_PAIRS, seeds: int = 8) -> Headline:
    return headline(_tables(folder, levels, settings, seeds), None)


@pytest.mark.parametrize(
    ("levels", "lead"),
    [
        ({"x": {"a": 9, "b": 5, "c": 5}}, "a is better than every other variant on x."),
        ({"x": {"a": 9, "b": 5}, "y": {"a": 9, "b": 5}}, "a is better than b on both datasets."),
        (
            {"x": {"a": 9, "b": 5}, "y": {"a": 5, "b": 5}},
            "a is better than b on 1 of 2 datasets (x), and not worse elsewhere.",
        ),
        ({"x": {"a": 5, "b": 5}}, "No difference between a and b is shown on x."),
        (
            {"x": {"a": 9, "b": 5, "c": 5}, "y": {"a": 5, "b": 5, "c": 5}},
            "a is better than every other variant on 1 of 2 datasets (x), and worse than none elsewhere.",
        ),
        (
            {"x": {"a": 9, "b": 9, "c": 5}, "y": {"a": 9, "b": 5, "c": 5}},
            "a leads on both datasets: none is better there, and it is better than 1 of 2 others on x and 2 of 2 on y.",
        ),
        ({"x": {"a": 9, "b": 9, "c": 5}}, "2 of 3 variants lead on x, with none better there: a and b."),
        (
            {"x": {"a": 9, "b": 5}, "y": {"a": 5, "b": 9}},
            "No variant leads everywhere: a leads on x; b leads on y.",
        ),
        (
            {"x": {"a": 5, "b": 5, "c": 5}, "y": {"a": 5, "b": 5, "c": 5}},
            "No difference between any two variants is shown on any dataset.",
        ),
        ({"x": {"a": 5}}, "There is only one variant, a x mlp, so there is nothing to compare."),
    ],
)
def test_all_pairs(tmp_path: Path, levels: Levels, lead: str) -> None:
    assert _said(tmp_path, levels).lead == lead


@pytest.mark.parametrize(
    ("levels", "lead"),
    [
        ({"x": {"a": 5, "b": 9, "c": 5}}, "b is better than a on x."),
        (
            {"x": {"a": 5, "b": 9, "c": 9}, "y": {"a": 5, "b": 9, "c": 5}},
            "b is better than a on both datasets.",
        ),
        (
            {"x": {"a": 5, "b": 9, "c": 5}, "y": {"a": 5, "b": 5, "c": 5}},
            "b is better than a on 1 of 2 datasets (x), and worse on none.",
        ),
        (
            {"x": {"a": 5, "b": 9, "c": 5}, "y": {"a": 5, "b": 5, "c": 9}},
            "Both other variants are better than a on 1 of 2 datasets, and worse on none: b and c.",
        ),
        (
            {"x": {"a": 5, "b": 9}, "y": {"a": 5, "b": 1}},
            "b is better than a on x and worse on y.",
        ),
        (
            {"x": {"a": 5, "b": 9, "c": 5}, "y": {"a": 5, "b": 1, "c": 5}},
            "No variant is better than a without being worse on another dataset: b is better on x; none is better "
            "on y.",
        ),
        ({"x": {"a": 5, "b": 5}}, "b is not shown to differ from a on x."),
        ({"x": {"a": 5, "b": 1}}, "b is worse than a on x."),
        (
            {"x": {"a": 5, "b": 1}, "y": {"a": 5, "b": 5}},
            "b is worse than a on 1 of 2 datasets (x), and better on none.",
        ),
        ({"x": {"a": 5, "b": 1, "c": 5}}, "No variant is shown to be better than a on x; 1 of 2 is worse."),
        ({"x": {"a": 5, "b": 1, "c": 1}}, "No variant is shown to be better than a on x; all are worse."),
        (
            {"x": {"a": 5, "b": 1, "c": 1, "d": 5}},
            "No variant is shown to be better than a on x; 2 of 3 are worse.",
        ),
        (
            {"x": {"a": 5, "b": 1, "c": 5}, "y": {"a": 5, "b": 5, "c": 5}},
            "No variant is shown to be better than a on any dataset; 1 of 2 is worse on at least one.",
        ),
        ({"x": {"a": 5, "b": 9, "c": 9, "d": 9}}, "All 3 other variants are better than a on x: b, c and d."),
        ({"x": {"a": 5, "b": 9, "c": 9, "d": 5}}, "2 of 3 variants are better than a on x: b and c."),
    ],
)
def test_with_a_reference(tmp_path: Path, levels: Levels, lead: str) -> None:
    assert _said(tmp_path, levels, REFERENCE).lead == lead


@pytest.mark.parametrize(
    ("networks", "lead"),
    [
        ({"n": 9.0}, "b x n is better than a x n on x."),
        ({"n": 9.0, "o": 9.0}, "Both variants are better than their references on x: b x n and b x o."),
        ({"n": 5.0, "o": 5.0}, "No variant is shown to be better than its reference on x."),
        ({"n": 9.0, "o": 5.0}, "b x n is better than a x n on x."),
    ],
)
def test_several_references_are_not_named_one_by_one(tmp_path: Path, networks: dict[str, float], lead: str) -> None:
    """Each network has a reference of its own."""
    store, rows = Store(tmp_path), []
    for network, better in networks.items():
        for loss, level in (("a", 5.0), ("b", better)):
            ids = {seed: f"{network}{loss}{seed}" for seed in range(8)}
            for seed, id_ in ids.items():
                spec = make_spec(seed, loss, network, "x")
                commit(store, make_record(id_, {"score": level + SPREAD[seed]}, make_card(better="higher"), spec))
            rows.append(plan_row(loss, network, "x", ids))
    found = tables.build(SavedPlan("s", "", "", tuple(rows), (), (), family=REFERENCE), store)
    said = headline(found, None).lead
    assert said == (lead if len(networks) > 1 else lead.replace(" x n", ""))


@pytest.mark.parametrize(
    ("level", "certainty"),
    [
        (9, "The one comparison is decided, at 5 %, with 8 seeds per variant."),
        (5, "The one comparison is inconclusive, at 5 %, with 8 seeds per variant."),
    ],
)
def test_the_certainty_of_one_comparison_is_in_the_singular(tmp_path: Path, level: float, certainty: str) -> None:
    assert _said(tmp_path, {"x": {"a": 5, "b": level}}).certainty == certainty


def test_few_seeds_claim_nothing(tmp_path: Path) -> None:
    said = _said(tmp_path, {"x": {"a": 9, "b": 5}}, seeds=3)
    assert said.lead == "Nothing can be claimed: too few seeds. At least 5 seeds per variant are needed."
    assert said.certainty == ""


def test_without_a_finished_run_nothing_is_said(tmp_path: Path) -> None:
    plan = SavedPlan("s", "", "", (plan_row("a", "mlp", "x", {0: "a0"}),), (), ())
    assert headline(tables.build(plan, Store(tmp_path)), None).lead == "No run has finished yet."


def test_the_facts_give_the_amount_and_the_certainty(tmp_path: Path) -> None:
    said = _said(tmp_path, {"x": {"a": 5, "b": 9}, "y": {"a": 5, "b": 5}}, REFERENCE)
    assert said.common == "mlp"
    assert said.facts == ("b against a: score 9.00 against 5.00 on x; score 5.00 against 5.00 on y (inconclusive).",)
    assert said.certainty == (
        "1 of 2 comparisons decided, 1 inconclusive, at 5 % for all together (Bonferroni), with 8 seeds per variant."
    )


@pytest.mark.parametrize(
    ("suite", "fact"),
    [
        ("baseline", "every variant have faulty samples (†) on every dataset."),
        (
            "fashion",
            "WGAN-GP x mlp have faulty samples (†) on fashion-mnist (too narrow).",
        ),
    ],
)
def test_the_leaders_faults_are_named_unless_every_variant_is_faulty(suite: str, fact: str) -> None:
    results = open_results(PUBLISHED / suite, suite)
    built = tables.build(results.plan, results.store)
    assert any(not row.faulty for table in built for row in table.variants) == (suite == "fashion")
    assert [one for one in headline(built, aggregate.build(built)).all_facts if "†" in one] == [
        f"At least half of the seeds of {fact}"
    ]


@pytest.mark.parametrize("suite", ["baseline", "lottery", "fashion"])
def test_the_counts_are_those_of_the_family_of_a_published_suite(suite: str) -> None:
    """Every claim counted by hand from the family, and the leader is one that no comparison calls worse."""
    results = open_results(PUBLISHED / suite, suite)
    built = tables.build(results.plan, results.store)
    family = built[0].family
    assert family is not None
    found = standings(built, aggregate.build(built))
    claims = decided(built)
    assert claims.all == family.m
    assert claims.better == sum(one.winner is not None for one in family.comparisons)
    for one in found:
        for place in one.places:
            mine = [c for c in family.on(place.dataset) if one.key in (c.a, c.b)]
            if not one.reference:
                assert place.better == sum(c.winner == one.key for c in mine)
                assert place.worse == sum(c.loser == one.key for c in mine)
    said = headline(built, aggregate.build(built))
    if claims.all > 1:
        assert f"{claims.better} of {claims.all} comparisons decided" in said.certainty
    else:
        assert said.certainty.startswith("The one comparison is ")
