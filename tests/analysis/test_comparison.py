"""`ganbench compare`: sentences that agree with the records, reasons of refusals, and other views of a table."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Cli
from factories import commit, make_card, make_record, make_spec, reseal
from plans import plan_row
from scipy import stats as scipy_stats

from ganbench.errors import UsageError
from ganbench.formatting import number, p_value
from ganbench.registry.registry import Registry
from ganbench.results import literature
from ganbench.results.records import Cost, Evaluation, Failure, Snapshot
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, save_plan

CARD = make_card(fake_samples=10_000, real_samples=10_000)
SNAPSHOTS = {
    name: tuple(Snapshot(step, step / speed, {"modes": step / 20}) for step in (25, 50, 75))
    for name, speed in (("a", 10), ("b", 20), ("c", 20))
}


def _fail(store: Store, name: str, seed: int, snapshots: tuple[Snapshot, ...] = ()) -> None:
    """A failed seed, as `ganbench.runner.run_record.failed_record` records it."""
    spec = make_spec(seed, steps=100, batch=128)
    evaluation = Evaluation(snapshots=snapshots)
    commit(store, make_record(f"{name}{seed}", spec=spec, failure=Failure("failed", "boom"), evaluation=evaluation))


def _commit(
    store: Store, name: str, seed: int, metrics: dict[str, float], snapshots: tuple[Snapshot, ...] | None = None
) -> None:
    cards = {score: replace(CARD, score=score, **(FID if score == "FID" else {})) for score in metrics}
    evaluation = Evaluation(metrics, cards, snapshots=SNAPSHOTS[name] if snapshots is None else snapshots)
    cost = Cost(10.0 if name == "a" else 5.0, 12800, 1280.0, 1 << 30)
    spec = make_spec(seed, steps=100, batch=128)
    commit(store, make_record(f"{name}{seed}", spec=spec, evaluation=evaluation, cost=cost))


FID: dict[str, Any] = {"better": "lower", "kind": "log"}
A, B = [8.0, 7.5, 8.2, 7.9, 8.1, 7.7], [6.0, 5.2, 7.0, 6.4, 6.9, 5.5]
FID_A, FID_B = [30.0, 40.0, 35.0, 50.0, 28.0, 33.0], [60.0, 75.0, 66.0, 110.0, 52.0, 69.0]


def _results(folder: Path, seeds: int = 6, suite: str = "s") -> Store:
    """Loss a above loss b in modes, below it in FID, and c like a; on ring8 with mlp."""
    store = Store(folder)
    for seed in range(seeds):
        _commit(store, "a", seed, {"modes": A[seed], "FID": FID_A[seed]})
        _commit(store, "b", seed, {"modes": B[seed], "FID": FID_B[seed]})
        _commit(store, "c", seed, {"modes": A[seed] + (-1) ** seed / 10, "FID": FID_A[seed] + 1})
    rows = [plan_row(loss, "mlp", "ring8", {seed: f"{loss}{seed}" for seed in range(seeds)}) for loss in "abc"]
    save_plan(folder, SavedPlan(suite, "", "", tuple(rows), (), ()))
    return store


def test_the_sentence_is_true_of_the_records(inside: Cli, tmp_path: Path) -> None:
    _results(tmp_path / "results")
    done = inside("compare", "a", "b")
    assert done.code == 0, done.err
    wanted = scipy_stats.ttest_ind(A, B, equal_var=False)
    interval = wanted.confidence_interval(1 - 0.05 / 3)
    sentence = done.out.splitlines()[0]
    assert sentence.startswith(
        "a is better than b in modes on ring8 with mlp: a has 7.90 against 6.17 (difference +1.73"
    )
    found = re.search(r"98.33 % interval \[(.+), (.+)\]", sentence)
    assert found is not None
    low, high = map(float, found.groups())
    assert (low, high) == pytest.approx((interval.low, interval.high), abs=0.005)
    assert "6 and 6 seeds" in sentence
    assert (
        f"; {p_value(wanted.pvalue)}, {p_value(3 * wanted.pvalue)} for the suite's 3 comparisons (Bonferroni), "
        in sentence
    )
    assert "under this recipe only: steps 100, batch 128" in done.out
    assert "10,000 fake against 10,000 real samples" in done.out


def test_the_order_of_the_two_turns_the_sentence(inside: Cli, tmp_path: Path) -> None:
    _results(tmp_path / "results")
    done = inside("compare", "b", "a")
    assert done.out.startswith(
        "a is better than b in modes on ring8 with mlp: b has 6.17 against 7.90 (difference -1.73"
    )


def test_a_score_that_is_not_primary_is_exploratory_with_its_own_interval(inside: Cli, tmp_path: Path) -> None:
    _results(tmp_path / "results")
    found = {one["score"]: one for one in json.loads(inside("compare", "a", "b", "--metric", "all", "--json").out)}
    assert found["modes"]["verdict"] == "a better"
    fid = found["FID"]
    assert (fid["verdict"], fid["family"], fid["comparisons"], fid["kind"]) == ("exploratory", "none", 1, "log")
    assert fid["difference"]["ratio"]
    means = [scipy_stats.gmean(values) for values in (FID_A, FID_B)]
    assert fid["difference"]["value"] == pytest.approx(means[0] / means[1])
    interval = scipy_stats.ttest_ind(np.log(FID_A), np.log(FID_B), equal_var=False).confidence_interval()
    assert (fid["difference"]["low"], fid["difference"]["high"]) == pytest.approx(
        (np.exp(interval.low), np.exp(interval.high))
    )
    assert f"geometric mean {number(means[0])} against {number(means[1])}" in fid["sentence"]
    assert fid["a"]["mean"] == pytest.approx(means[0])
    assert "times, 95 % interval" in fid["sentence"]
    assert fid["sentence"].startswith("Exploratory, nothing is claimed in FID")


def test_inconclusive_comes_with_the_detectable_difference(inside: Cli, tmp_path: Path) -> None:
    _results(tmp_path / "results")
    out = inside("compare", "a", "c").out
    assert out.startswith("Inconclusive: no difference is shown in modes between a and c on ring8 with mlp")
    assert re.search(r"With 80 % power these seeds find a difference of 0\.\d+", out)


def test_few_seeds_claim_nothing(inside: Cli, tmp_path: Path) -> None:
    _results(tmp_path / "results", seeds=4)
    out = inside("compare", "a", "b").out
    assert out.startswith("Too few seeds to claim a difference in modes between a and b")
    assert "7.50-8.20 (4 seeds) against 5.20-7.00 (4 seeds)" in out
    assert not re.search(r"p [=<]", out)


def test_failed_seeds_count_as_the_worst_and_are_reported(inside: Cli, tmp_path: Path) -> None:
    store = _results(tmp_path / "results")
    for seed in range(4):
        _fail(store, "a", seed)
    done = inside("compare", "a", "b", "--json")
    (one,) = json.loads(done.out)
    assert one["difference"]["test"] == "rank permutation"
    assert one["a"]["n_ok"] == 2
    assert "(2 of 6 seeds finished)" in one["sentence"]
    assert "failed seeds counted as the worst" in one["sentence"]
    assert one["difference"]["value"] is None  # of survivors it would say nothing
    assert one["difference"]["p"] == pytest.approx(
        scipy_stats.permutation_test(
            ([-1e9] * 4 + A[4:], B), lambda x, y: abs(scipy_stats.rankdata([*x, *y])[:6].sum() - 39), n_resamples=10**6,
            vectorized=False, alternative="greater",
        ).pvalue
    )  # fmt: skip
    assert one["verdict"] == "inconclusive"
    assert "would be missed" not in one["sentence"]
    table = inside("table", "--suite", "s").out
    assert "2/6" in table
    assert "in comparisons every failed seed counts as the worst" in table


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("a", "d"), "no variant 'd' in these results"),
        (("a", "a"), "compared with itself"),
        (("a", "mlp"), "name two losses"),
        (("a", "b", "--metric", "FDI"), "no score 'FDI' here. Did you mean 'FID'?"),
        (("a", "b", "--metric", "modes", "--metric", "FDI"), "no score 'FDI' here"),
        (("a", "b", "--suite", "t"), "suite 't' has not run in results"),
        (("a", "b", "--suite", "s", "--suite", "s", "--suite", "s"), "--suite is given once, or twice"),
        (("a", "b", "--results", "nowhere"), "no results folder"),
    ],
)
def test_a_refusal_is_one_sentence(inside: Cli, tmp_path: Path, arguments: tuple[str, ...], text: str) -> None:
    _results(tmp_path / "results")
    done = inside("compare", *arguments)
    assert done.code == 2
    assert text in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_one_variant_of_two_suites(inside: Cli, tmp_path: Path) -> None:
    _results(tmp_path / "results")
    other = tmp_path / "results" / "t"
    shutil.copytree(tmp_path / "results" / "s", other)
    reseal(other / "plan.json", lambda plan: plan.update(suite="t"))
    reseal(other / "plan.json", lambda plan: plan["rows"][0].update(runs=plan["rows"][1]["runs"]))
    assert "holds the suites s, t; name one" in inside("compare", "a", "b").err
    done = inside("compare", "a", "a", "--suite", "s", "--suite", "t", "--json")
    (one,) = json.loads(done.out)
    assert (one["a"]["values"], one["b"]["values"]) == (A, B)
    assert one["sentence"].startswith("a (suite s) is better than a (suite t) in modes")
    assert "compared with itself" in inside("compare", "a", "a", "--suite", "s", "--suite", "s").err


def test_a_table_at_equal_time_reads_snapshots(inside: Cli, tmp_path: Path) -> None:
    """a needs 10 s, b and c need 5: at 5 s a is read at its snapshot of step 50."""
    _results(tmp_path / "results")
    rows = json.loads(inside("table", "--suite", "s", "--equal", "time", "--format", "json").out)
    values = {row["loss"]: row["scores"]["modes"]["values"] for row in rows}
    assert values["a"] == [2.5] * 6
    assert values["b"] == B
    assert "last snapshot within 5 s of training" in rows[0]["scores"]["modes"]["card"]["checkpoint"]
    steps = json.loads(inside("table", "--suite", "s", "--equal", "steps", "--format", "json").out)
    assert steps[0]["scores"]["modes"]["values"] == A
    assert not (tmp_path / "results" / "s" / "table.md").exists()


def test_without_finished_seeds_there_is_nothing_to_compare(inside: Cli, tmp_path: Path) -> None:
    store = _results(tmp_path / "results")
    for seed in range(6):
        _fail(store, "a", seed)
        _fail(store, "b", seed)
    for arguments in ((), ("--metric", "all")):
        done = inside("compare", "a", "b", *arguments)
        assert done.code == 0, done.err  # c has scores, so that the failures can be told
        assert "no value (0 of 6 seeds finished)" in done.out
    for seed in range(6):
        _fail(store, "c", seed)
    done = inside("compare", "a", "b")
    assert (done.code, "no seed of a x mlp or b x mlp has finished" in done.err) == (2, True)


def test_seeds_of_one_side_are_not_dropped(inside: Cli, tmp_path: Path) -> None:
    store = _results(tmp_path / "results")
    _commit(store, "b", 5, {})
    reseal(tmp_path / "results" / "s" / "plan.json", lambda plan: plan["rows"][1]["runs"].pop("5"))
    (one,) = json.loads(inside("compare", "a", "b", "--json").out)
    assert one["difference"]["test"] == "Welch t"
    assert "6 and 5 seeds" in one["sentence"]
    assert one["difference"]["value"] == pytest.approx(sum(A) / 6 - sum(B[:5]) / 5)


def test_costs_have_their_units(inside: Cli, tmp_path: Path) -> None:
    _results(tmp_path / "results")
    rows = json.loads(inside("table", "--suite", "s", "--format", "json").out)
    assert rows[0]["cost"] == {
        "train_seconds": 10.0, "images": 12800, "images_per_second": 1280.0, "peak_memory_bytes": 1 << 30
    }  # fmt: skip
    line = next(
        line for line in inside("table", "--suite", "s").out.split("cost of a seed")[1].splitlines() if "| a x" in line
    )
    assert [cell.strip() for cell in line.split("|")[2:-1]] == ["10.0", "12,800", "1,280", "1,024"]


def test_a_run_that_failed_later_has_scores_at_an_equal_budget(inside: Cli, tmp_path: Path) -> None:
    store = _results(tmp_path / "results")
    kept = tuple(Snapshot(step, step / 20, {"modes": 9.0}) for step in (25, 75, 110))
    _fail(store, "a", 0, snapshots=kept)
    _fail(store, "a", 1, snapshots=kept[:1])
    rows = json.loads(inside("table", "--suite", "s", "--equal", "steps", "--format", "json").out)
    assert (rows[0]["n_ok"], rows[0]["scores"]["modes"]["values"][0]) == (5, 9.0)
    assert "read at step 75 to 100, after 3.75 to 10 s of training per seed, 1 trained together" in rows[0]["notes"]
    assert all(value is None for value in rows[0]["cost"].values())


def test_without_snapshots_equal_time_is_refused(inside: Cli, tmp_path: Path) -> None:
    store = _results(tmp_path / "results")
    _commit(store, "a", 0, {"modes": 8.0, "FID": 30.0}, snapshots=())
    done = inside("table", "--suite", "s", "--equal", "time")
    assert done.code == 2
    assert "set evaluation.snapshots" in done.err


def test_the_time_to_a_score(inside: Cli, tmp_path: Path) -> None:
    _results(tmp_path / "results")
    found = {
        one["variant"]: one
        for one in json.loads(inside("table", "--suite", "s", "--reach", "modes=3", "--format", "json").out)
    }
    assert (found["a x mlp"]["step"], found["a x mlp"]["seconds"], found["a x mlp"]["reached"]) == (75, 7.5, 6)
    assert found["b x mlp"]["seconds"] == 3.75
    for seed in range(3):
        _fail(Store(tmp_path / "results"), "a", seed)
        _fail(Store(tmp_path / "results"), "b", seed)
    _fail(Store(tmp_path / "results"), "b", 3)
    found = {
        one["variant"]: one
        for one in json.loads(inside("table", "--suite", "s", "--reach", "modes=3", "--format", "json").out)
    }
    assert (found["a x mlp"]["reached"], found["a x mlp"]["n"], found["a x mlp"]["step"]) == (3, 6, 75)
    assert (found["b x mlp"]["reached"], found["b x mlp"]["step"]) == (2, None)
    never = json.loads(inside("table", "--suite", "s", "--reach", "modes=99", "--format", "json").out)
    assert all((one["reached"], one["step"]) == (0, None) for one in never)
    for wrong, text in (("modes", "write SCORE=VALUE"), ("mode=3", "no run has the score 'mode'")):
        done = inside("table", "--suite", "s", "--reach", wrong)
        assert (done.code, text in done.err) == (2, True)


def test_published_values_are_shown_with_their_protocol(inside: Cli, tmp_path: Path) -> None:
    _results(tmp_path / "results")
    (tmp_path / "mine.yaml").write_text(
        "about: ours\nentries:\n  - {source: 'Me 2020, table 1', short: Me, dataset: ring8, protocol: '5 samples',\n"
        "     rows: {GAN: {modes: [6.3, ± 0.5 s.e.], HQ: 0.9}}}\n"
    )
    (tmp_path / "mine.py").write_text(
        "from pathlib import Path\nfrom ganbench import hookimpl\n\n\n@hookimpl\ndef register_published():\n"
        "    return {'mine': Path(__file__).with_name('mine.yaml')}\n"
    )
    done = inside("table", "--suite", "s", "--published", "--plugin", "mine.py")
    assert done.code == 0, done.err
    assert "GAN (Me)" in done.out
    assert "6.30 ± 0.5 s.e." in done.out
    assert "published, another protocol: 5 samples. Me 2020, table 1" in done.out
    rows = json.loads(inside("table", "--suite", "s", "--published", "--plugin", "mine.py", "--format", "json").out)
    assert [row["kind"] for row in rows][:3] == ["variant"] * 3
    assert "published" in [row["kind"] for row in rows]
    assert all(row["rank"] is None for row in rows if row["kind"] == "published")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("- 3", "published values are a mapping"),
        ("entries: 3", "'entries' must be a list"),
        ("entries: [{source: x, short: y, dataset: z, rows: {a: {FID: 1}}}]", "an entry needs 'protocol'"),
        ("entries: [{source: x, short: y, dataset: z, protocol: p, rows: {a: {FID: high}}}]", "FID must be a number"),
        ("entries: [{source: x, short: y, dataset: z, protocol: p}]", "an entry needs 'rows'"),
        ("entires: []", "Did you mean 'entries'?"),
    ],
)
def test_published_values_are_read_strictly(tmp_path: Path, text: str, wanted: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=re.escape(wanted)) as caught:
        literature.load(path)
    assert "p.yaml:" in str(caught.value)


def test_the_published_values_that_ship_name_source_and_protocol(registry: Registry) -> None:
    (offer,) = registry.offers("published")["literature"]
    _, rows = literature.load(offer.thing)
    assert {"ring8", "grid25", "cifar10"} <= {row.dataset for row in rows}
    assert all(row.source and row.protocol and row.scores for row in rows)
    pacgan = next(row for row in rows if row.short == "PacGAN" and row.variant == "GAN" and row.dataset == "ring8")
    assert pacgan.scores["modes>=1"] == (6.3, "± 0.5 s.e.")
