"""`ganbench lottery`: its numbers are those of the records, and bad requests are refused in one sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from statistics import fmean

import pytest
from conftest import Cli
from fabricate import Made, fabricate

from ganbench.analysis.lottery import Lottery
from ganbench.api.results import Results, open_results
from ganbench.report.text.lottery import sentences
from ganbench.statistics import claims
from ganbench.statistics.differences import Measure, Sample

PUBLISHED = Path(__file__).parent.parent.parent / "results" / "published" / "lottery"
MADE = Made(losses=("minimax", "nonsaturating", "hinge"), architectures=("mlp",), seeds=12, pictures=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    fabricate(folder, MADE)
    return Path(folder)


@cache
def published() -> Results:
    return open_results(PUBLISHED)


@pytest.fixture(scope="module")
def whole() -> Lottery:
    """The lottery of the published suite."""
    return published().lottery()


def samples_of(dataset: str, score: str) -> dict[str, Sample]:
    """The published seeds of a score, by variant."""
    (table,) = [one for one in published().score_tables if one.dataset == dataset]
    return {row.title: row.sample(score) for row in table.variants}


def place(drawn: tuple[float, ...]) -> tuple[int, float]:
    """A draw in the order of all: fewer failed seeds first, then the better sum of the others."""
    finished = [value for value in drawn if value > float("-inf")]
    return len(finished), sum(finished)


def test_the_shares_are_those_of_all_draws_of_the_records(inside: Cli, results: Path) -> None:
    done = inside("lottery", "--suite", MADE.suite, "--results", results, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    tables = {table.dataset: table for table in open_results(results, MADE.suite).score_tables}
    assert {one["dataset"] for one in found["scores"] if one["primary"]} == set(tables)
    checked = 0
    for one in found["scores"]:
        table = tables[one["dataset"]]
        sign = 1 if one["better"] == "higher" else -1
        samples = {row.title: row.sample(one["score"]) for row in table.variants}
        values = {
            title: [sign * value for value in sample.values.values()] + [float("-inf")] * sample.failed
            for title, sample in samples.items()
            if len(sample.values) > 1 and sample.size >= 8
        }
        fewest = min(map(len, values.values()))
        assert [draw["seeds"] for draw in one["draws"]] == [k for k in (1, 2, 3) if 4 * k <= fewest]
        assert one["pairs"] == len(list(combinations(values, 2)))
        for draw in one["draws"]:
            if draw["worst_pair"] is None:
                assert one["told_apart"] == 0
                continue
            better, worse = (list(combinations(values[title], draw["seeds"])) for title in draw["worst_pair"])
            if one["ratio"]:
                continue  # means of logarithms: the next test
            wanted = fmean(place(theirs) > place(ours) for ours in better for theirs in worse)
            assert draw["worst"] == pytest.approx(wanted)
            assert draw["wrong"] <= draw["worst"]
            checked += 1
    assert checked


def test_more_seeds_err_less_and_the_sentence_has_the_numbers(whole: Lottery) -> None:
    assert (whole.seeds, whole.variants) == ((32, 32), 8)
    for one in whole.scores:
        assert [draw.seeds for draw in one.draws] == [1, 2, 3, 5, 8]
        wrong = [draw.wrong for draw in one.draws if draw.wrong is not None]
        assert all(later <= earlier + 0.002 for earlier, later in pairwise(wrong)), one.score
        rare = [draw.rare for draw in one.draws if draw.rare is not None]
        assert rare == sorted(rare, reverse=True), one.score
    first = whole.primary[0]
    assert f"32 seeds tell {first.told_apart} of 28 pairs of variants apart by modes" in " ".join(sentences(whole))


def test_one_dataset_has_the_claims_of_the_whole(whole: Lottery) -> None:
    part = published().lottery("grid25")
    assert part.m == whole.m == 2 * 28
    assert part.scores == tuple(one for one in whole.scores if one.dataset == "grid25")


def test_enough_seeds_name_the_right_winner_and_equal_means_name_none(whole: Lottery) -> None:
    """Of modes, one seed each names the wrong winner in fewer than 5 % of draws, but none in another 2 %."""
    seeds = {title: list(own.values.values()) for title, own in samples_of("grid25", "modes").items()}
    modes = next(one for one in whole.primary if one.dataset == "grid25")
    first = modes.by(1)
    assert first is not None
    assert first.wrong is not None
    assert first.right is not None
    assert first.worst_pair is not None
    better, worse = (seeds[title] for title in first.worst_pair)
    assert first.worst == pytest.approx(fmean(y > x for x in better for y in worse))
    assert first.wrong < 0.05
    assert first.right < 0.95
    assert first.wrong + first.right < 1
    assert modes.enough == 2
    for one in whole.scores:
        enough = [draw.seeds for draw in one.draws if draw.right is not None and draw.right >= 0.95]
        assert one.enough == (enough[0] if enough else None)


def test_two_comparisons_contradict_each_other_as_often_as_the_seeds_say(whole: Lottery) -> None:
    fid = next(one for one in whole.primary if one.dataset == "digits")
    wanted = []
    for a, b in combinations(samples_of("digits", fid.score).values(), 2):
        if claims.decide(a, b, Measure("lower", logs=True), whole.m).claim == "inconclusive":
            share = fmean(x < y for x in a.values.values() for y in b.values.values())
            wanted.append(2 * share * (1 - share))
    first = fid.by(1)
    assert first is not None
    assert len(wanted) == fid.pairs - fid.told_apart
    assert first.contradicted == pytest.approx(fmean(wanted))


def test_seeds_that_have_not_run_are_not_counted(inside: Cli, tmp_path: Path) -> None:
    made = replace(MADE, images=(), failures=False)
    plan = fabricate(tmp_path / "part", made)
    for row in plan.rows:
        for seed, run in row.runs.items():
            if seed >= 9:
                shutil.rmtree(tmp_path / "part" / "runs" / run)
    assert open_results(tmp_path / "part", made.suite).lottery().seeds == (9, 9)
    for row in plan.rows:
        for seed, run in row.runs.items():
            if 3 <= seed < 9:
                shutil.rmtree(tmp_path / "part" / "runs" / run)
    done = inside("lottery", "--results", "part")
    assert done.code == 2
    assert "needs two variants with at least 8 seeds each" in done.err


def test_failed_seeds_are_said(inside: Cli, results: Path) -> None:
    done = inside("lottery", "--suite", MADE.suite, "--results", results)
    assert "failed or lack the score, and count as the worst" in done.out


def test_a_draw_that_is_not_exact_depends_on_its_seed_alone(results: Path) -> None:
    one, same, other = (open_results(results, MADE.suite).lottery("digits", seed) for seed in (0, 0, 1))
    assert one == same
    assert {score.dataset for score in one.scores} == {"digits"}
    assert one != other


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--dataset", "cifar"), "suite 'fabricated' has no dataset 'cifar'"),
        (("--suite", "absent"), "absent"),
    ],
)
def test_a_wrong_name_is_refused(inside: Cli, results: Path, options: tuple[str, ...], said: str) -> None:
    suite = () if "--suite" in options else ("--suite", MADE.suite)
    done = inside("lottery", *suite, *options, "--results", results)
    assert done.code == 2
    assert said in done.err


def test_too_few_seeds_are_refused_with_what_to_do(inside: Cli, tmp_path: Path) -> None:
    few = Made(losses=("minimax", "hinge"), architectures=("mlp",), images=(), seeds=5, pictures=False)
    fabricate(tmp_path / "few", few)
    for command in (("lottery",), ("plot", "lottery", "--to", "x.svg")):
        done = inside(*command, "--suite", few.suite, "--results", "few")
        assert done.code == 2
        assert "needs two variants with at least 8 seeds each on one dataset; suite 'fabricated' has none" in done.err
        assert "--seeds 0-31" in done.err


def test_the_figure_is_drawn(inside: Cli, results: Path, tmp_path: Path) -> None:
    done = inside("plot", "lottery", "--suite", MADE.suite, "--results", results, "--to", "x.svg")
    assert done.code == 0, done.err
    assert (tmp_path / "x.svg").read_text().startswith("<?xml")
