"""The best snapshot is chosen on other samples than those reported; how G is sampled needs no training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli, Ran
from running import read_records, record_times

SUITE = """
about: the best of three snapshots
losses: [nonsaturating]
architectures: [mlp]
datasets: [ring8]
seeds: [3]
train: {steps: 150, batch: 16, lr: 2e-3}
evaluation: {samples: 500, real_samples: 1000, snapshots: 3, checkpoint: {best: SW1}}
"""

KILLS = '''
import os, pathlib, signal
from ganbench import hookimpl


class Calls:
    """The number of calls before this one; the third kills the process."""

    better, uses_extractor = {"calls": "lower"}, False

    def __call__(self, real, fake):
        place = pathlib.Path(os.environ["CALLS"])
        number = len(list(place.iterdir()))
        (place / str(number)).touch()
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"calls": float(number)}


@hookimpl
def register_metrics():
    return {"calls": Calls}
'''


@pytest.fixture(scope="module")
def best(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("best")


def _run(cli: Cli, folder: Path, text: str) -> Ran:
    (folder / "best.yaml").write_text(text)
    done = cli("run", "--suite", folder / "best.yaml", "--results", folder / "results")
    assert done.code == 0, done.err
    return done


def _scores(folder: Path, **wanted: object) -> dict[str, object]:
    """The only scores file whose evaluation has these values."""
    files = [json.loads(path.read_text()) for path in folder.glob("results/runs/*/scores/*.json")]
    (found,) = (
        one for one in files if all(one["evaluation"].get(key, "none") == value for key, value in wanted.items())
    )
    return dict(found)


def test_the_best_snapshot_is_evaluated_and_kept(cli: Cli, best: Path) -> None:
    done = _run(cli, best, SUITE)
    assert "best of 3 by SW1" in done.out
    (run,) = best.glob("results/runs/*")
    record = json.loads((run / "record.json").read_text())
    kept = ["snapshot-000000050.safetensors", "snapshot-000000100.safetensors"]
    assert [name for name in record["files"] if name.startswith("snapshot")] == kept
    assert (record["shape"], "class_counts" in record) == ([2], False)
    scores = _scores(best)
    by_step = {one["step"]: one["metrics"]["SW1"] for one in scores["snapshots"]}  # type: ignore[attr-defined]
    assert list(by_step) == [50, 100, 150]
    assert scores["step"] == min(by_step, key=lambda step: by_step[step])
    assert scores["metrics"]["SW1"] not in by_step.values()  # type: ignore[index]
    assert scores["cards"]["SW1"]["checkpoint"] == "best of 3 by SW1"  # type: ignore[index]
    assert not list(best.glob("results/.checkpoints/*"))
    shown = cli("show", run.name, "--results", best / "results").out
    assert f"of the generator at step {scores['step']}" in shown
    assert "best of 3 by SW1" in shown


def test_how_it_is_sampled_needs_no_training(cli: Cli, best: Path) -> None:
    _run(cli, best, SUITE)
    times, first = record_times(best / "results"), _scores(best)
    changed = SUITE.replace("{best: SW1}", "{best: HQ}, truncation: 0.5, standing_statistics: true")
    done = _run(cli, best, changed)
    assert "1 evaluated again, not trained" in done.err
    assert "latents truncated at 0.5; standing statistics of batch normalization" in done.out
    assert record_times(best / "results") == times
    again = _scores(best, truncation=0.5)
    seconds = [[one["train_seconds"] for one in scores["snapshots"]] for scores in (first, again)]  # type: ignore[attr-defined]
    assert seconds[0][:2] == seconds[1][:2]
    assert again["snapshots"] != first["snapshots"]
    last = SUITE.replace("snapshots: 3, checkpoint: {best: SW1}", "snapshots: 0")
    assert "1 evaluated again, not trained" in _run(cli, best, last).err
    scores = _scores(best, snapshots=0)
    assert "step" not in scores
    assert scores["cards"]["SW1"]["checkpoint"] == "last"  # type: ignore[index]


def test_without_the_kept_weights_it_is_trained_again(cli: Cli, best: Path) -> None:
    _run(cli, best, SUITE)
    for path in best.glob("results/runs/*/snapshot-*"):
        path.unlink()
    done = _run(cli, best, SUITE.replace("samples: 500", "samples: 400"))
    assert "1 trained again for their scores" in done.err
    (record,) = read_records(best / "results").values()
    assert sum(name.startswith("snapshot") for name in record["files"]) == 2


@pytest.mark.slow
def test_a_kill_during_the_evaluation_costs_no_kept_weights(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "kills.py").write_text(KILLS)
    (tmp_path / "calls").mkdir()
    text = SUITE.replace("best: SW1", "best: calls").replace("samples: 500,", "metrics: [calls], samples: 500,")
    (tmp_path / "best.yaml").write_text(text + "plugins: [kills.py]\n")
    run = ("run", "--suite", "best.yaml", "--jobs", "1", "--checkpoint", "0")
    killed = cli(*run, CALLS=str(tmp_path / "calls"))
    assert "its worker process was killed by SIGKILL" in killed.err
    done = cli(*run, CALLS=str(tmp_path / "calls"))
    assert "1 go on from a checkpoint" in done.err
    assert done.code == 0, done.err
    (scores,) = map(json.loads, map(Path.read_text, tmp_path.glob("results/runs/*/scores/*.json")))
    assert scores["step"] == 50
    assert len(list(tmp_path.glob("results/runs/*/snapshot-*"))) == 2


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("snapshots: 3, checkpoint: {best: SW2}", "checkpoint: no metric gives a score 'SW2'. Did you mean 'SW1'?"),
        ("snapshots: 1, checkpoint: {best: SW1}", "needs snapshots to choose from"),
        ("checkpoint: first", "checkpoint must be last, or the best snapshot by a score"),
        ("truncation: 0", "truncation must be a number > 0"),
        ("standing_statistics: 3", "standing_statistics must be true or false"),
    ],
)
def test_what_cannot_be_is_refused(inside: Cli, tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "s.yaml").write_text(SUITE.replace("snapshots: 3, checkpoint: {best: SW1}", written))
    done = inside("run", "--suite", "s.yaml", "--dry-run")
    assert done.code == 2
    assert said in done.err
