"""A trained run is evaluated in another way without training, and its scores under each evaluation stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import SUITE, Cli, Ran
from factories import reseal, scores_file
from running import read_records, record_times

SMALLER = SUITE.replace("samples: 2500,", "samples: 2000,")


def _scores(results: Path) -> dict[str, set[str]]:
    """By run, the ids of its evaluations."""
    return {path.name: {file.stem for file in path.glob("scores/*.json")} for path in results.glob("runs/*")}


def test_another_evaluation_trains_nothing_and_both_stay(
    inside: Cli, trained: Ran, suite: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    before, times, scores = read_records(results), record_times(results), _scores(results)
    suite.write_text(SMALLER)
    done = inside("run", "--suite", "small.yaml")
    assert done.code == 0, done.err
    assert "0 runs done, 0 new, 4 evaluated again, not trained" in done.err
    assert "not shown: 4 earlier runs of other settings, data or evaluations" in done.err
    assert "2,000 fake against 2,500 real samples" in done.out
    assert record_times(results) == times
    both = _scores(results)
    assert all(scores[run] < both[run] and len(both[run]) == 2 for run in scores)
    suite.write_text(SUITE)
    again = inside("run", "--suite", "small.yaml")
    assert "4 runs done, 0 new" in again.err
    assert "2,500 fake against 2,500 real samples" in again.out
    earlier = inside("table", "--suite", "small", "--earlier")
    assert (earlier.code, "2,000 fake against 2,500 real samples" in earlier.out) == (0, True)
    assert all(record["status"] == "ok" for record in before.values())


def test_the_weights_alone_give_the_same_scores(inside: Cli, trained: Ran, tmp_path: Path) -> None:
    results = tmp_path / "results"
    before = read_records(results)
    for run in results.glob("runs/*"):
        scores_file(run).unlink()
    rows = json.loads(inside("table", "--suite", "small", "--format", "json").out)
    assert [row["n_ok"] for row in rows if row["kind"] == "variant" and row["n"]] == [0, 0]
    done = inside("run", "--suite", "small.yaml")
    assert "4 evaluated again, not trained" in done.err
    after = read_records(results)
    for name, record in before.items():
        assert [after[name][key] for key in ("metrics", "verdict", "histogram")] == [
            record[key] for key in ("metrics", "verdict", "histogram")
        ]


@pytest.mark.slow
def test_weights_that_are_missing_or_damaged_are_noticed(
    inside: Cli, trained: Ran, suite: Path, tmp_path: Path
) -> None:
    first, second, *_ = sorted((tmp_path / "results").glob("runs/*"))
    (first / "weights.safetensors").unlink()
    content = bytearray((second / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (second / "weights.safetensors").write_bytes(content)
    done = inside("run", "--suite", "small.yaml")
    assert done.code == 0
    assert f"1 finished run with missing weights.safetensors, such as {first.name}" in done.err
    assert f"1 finished run with damaged weights.safetensors, such as {second.name}" in done.err
    suite.write_text(SMALLER)
    done = inside("run", "--suite", "small.yaml")
    assert "2 evaluated again, not trained, 2 trained again for their scores" in done.err
    assert done.code == 0
    assert "2/2" in done.out


def test_scores_of_other_weights_are_not_shown(inside: Cli, trained: Ran, tmp_path: Path) -> None:
    run = min((tmp_path / "results").glob("runs/*"))
    reseal(scores_file(run), lambda content: content.update(weights="a" * 64))
    done = inside("table", "--suite", "small", "--format", "json")
    assert sorted(row["n_ok"] for row in json.loads(done.out) if row["kind"] == "variant" and row["n"]) == [1, 2]
    assert "1 evaluated again" in inside("run", "--suite", "small.yaml").err


@pytest.mark.slow
def test_scores_during_training_need_training(inside: Cli, trained: Ran, suite: Path, tmp_path: Path) -> None:
    suite.write_text(SUITE.replace("real_samples: 2500", "real_samples: 2500, snapshots: 2"))
    done = inside("run", "--suite", "small.yaml", "--filter", "loss=minimax")
    assert "2 trained again for their scores" in done.err
    assert done.code == 0
    assert "not shown: the rest of the suite" in done.err
    trained_again = [one for one in read_records(tmp_path / "results").values() if one["snapshots"]]
    assert len(trained_again) == 2
    assert all(len(_scores(tmp_path / "results")[one["id"]]) == 2 for one in trained_again)


def test_seeds_that_are_the_whole_suite_leave_nothing_out(inside: Cli, trained: Ran) -> None:
    assert "the rest of the suite" not in inside("run", "--suite", "small.yaml", "--seeds", "0-1").err
    assert "not shown: the rest of the suite" in inside("run", "--suite", "small.yaml", "--seeds", "0").err


def test_a_damaged_plan_is_written_again_as_the_message_says(inside: Cli, trained: Ran, tmp_path: Path) -> None:
    plan = tmp_path / "results" / "small" / "plan.json"
    plan.write_text(plan.read_text().replace('"seal": "', '"seal": "0'))
    done = inside("run", "--suite", "small.yaml")
    assert (done.code, "remove that file and run the suite again" in done.err) == (4, True)
    plan.unlink()
    assert "4 runs done, 0 new" in inside("run", "--suite", "small.yaml").err
    assert inside("table", "--suite", "small").code == 0


@pytest.mark.parametrize("file", ["plan", "record", "scores"])
def test_an_edited_digit_is_found_by_every_reader(inside: Cli, trained: Ran, tmp_path: Path, file: str) -> None:
    run = min((tmp_path / "results").glob("runs/*"))
    path = {"plan": tmp_path / "results" / "small" / "plan.json", "record": run / "record.json"}.get(
        file, scores_file(run)
    )
    text = path.read_text()
    place = text.index('"schema": 2') if file == "plan" else text.index("0.", text.index('"provenance"') // 2)
    at = next(i for i in range(place + 12, len(text)) if text[i].isdigit())
    path.write_text(text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :])
    for command in (["table", "--suite", "small"], ["compare", "minimax", "nonsaturating"],
                    ["publish", "--suite", "small", "--to", "site"]):  # fmt: skip
        done = inside(*command)
        assert (done.code, done.err.count("\n")) == (4, 1), command
        assert f"{path.name} is damaged ($.seal: does not match" in done.err
