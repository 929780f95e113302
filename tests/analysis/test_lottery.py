"""`ganbench lottery`: its numbers are those of the records, and bad requests are refused in one sentence."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from pathlib import Path
from statistics import fmean

import pytest
from conftest import Cli
from fabricate import Made, fabricate

from ganbench.api.results import open_results
from ganbench.report.text.lottery import sentences

PUBLISHED = Path(__file__).parent.parent.parent / "results" / "published" / "lottery"
MADE = Made(losses=("minimax", "nonsaturating", "hinge"), architectures=("mlp",), seeds=12, pictures=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    fabricate(folder, MADE)
    return Path(folder)


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
            wanted = fmean(sum(theirs) > sum(ours) for ours in better for theirs in worse)
            assert draw["worst"] == pytest.approx(wanted)
            assert draw["wrong"] <= draw["worst"]
            checked += 1
    assert checked


def test_more_seeds_err_less_and_the_sentence_has_the_numbers() -> None:
    found = open_results(PUBLISHED).lottery("grid25")
    assert (found.seeds, found.variants, found.m) == ((32, 32), 8, 28)
    for one in found.scores:
        assert [draw.seeds for draw in one.draws] == [1, 2, 3, 5, 8]
        wrong = [draw.wrong for draw in one.draws if draw.wrong is not None]
        assert all(later <= earlier + 0.002 for earlier, later in pairwise(wrong)), one.score
        rare = [draw.rare for draw in one.draws if draw.rare is not None]
        assert rare == sorted(rare, reverse=True), one.score
    (first,) = found.primary
    assert f"32 seeds tell {first.told_apart} of 28 pairs of variants apart by modes" in " ".join(sentences(found))


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
