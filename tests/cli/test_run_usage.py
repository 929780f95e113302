"""`ganbench run` and `show`: wrong use, the plan without training, damaged results."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import Cli, Ran
from factories import commit, make_provenance, make_record, make_spec
from running import read_records

from ganbench.engine.devices import Card
from ganbench.results.records import Failure
from ganbench.results.store import Store


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--suite", "small.yaml", "--add", "dataset=rings"), 2, "unknown dataset 'rings'"),
        (("--suite", "quik"), 2, "unknown suite 'quik'. Did you mean 'quick'?"),
        (("--suite", "none.yaml"), 2, "no suite file 'none.yaml'"),
        (("--suite", "small.yaml", "--device", "cuda:7"), 3, "finds no such GPU"),
        (("--suite", "small.yaml", "--device", "tpu"), 2, "--device 'tpu' is not a device"),
        (("--suite", "small.yaml", "--jobs", "many"), 2, "--jobs 'many'"),
        (("--suite", "small.yaml", "--seeds", "7-3"), 2, "7-3 is not a range"),
        (("--suite", "small.yaml", "--filter", "loss=minmax"), 2, "Did you mean 'minimax'?"),
        (
            ("--suite", "small.yaml", "--filter", "architecture=dcgan"),
            2,
            "nothing to train here: convolutions need images",
        ),
        (("--suite", "small.yaml", "--plugin", "none.py"), 2, "is not a file"),
        (("--suite", "small.yaml", "--stepz", "3"), 2, "No such option"),
        ((), 2, "Missing option '--suite'"),
    ],
)
def test_wrong_use_is_one_sentence_and_trains_nothing(
    inside: Cli, suite: Path, tmp_path: Path, options: tuple[str, ...], code: int, message: str
) -> None:
    done = inside("run", *options)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "results" / "runs").exists()


def test_a_dry_run_shows_the_plan_and_writes_nothing(inside: Cli, suite: Path, tmp_path: Path) -> None:
    done = inside("run", "--suite", suite, "--dry-run")
    assert done.code == 0
    assert "minimax x mlp x ring8" in done.out
    assert "2 seeds: 2 new; 60 steps of 32" in done.out
    assert "not applicable: minimax x dcgan x ring8" in done.out
    assert not (tmp_path / "results").exists()


READING = """
class Reading:
    \"\"\"A loss whose step depends on values.\"\"\"

    def d_loss(self, critic):
        return critic.fake.mean() * critic.real.mean().item()

    def g_loss(self, critic):
        return critic.fake.mean()


from ganbench import hookimpl


@hookimpl
def register_losses():
    return {"reading": Reading}
"""


def test_a_dry_run_estimates_what_was_never_trained(inside: Cli, suite: Path, tmp_path: Path) -> None:
    done = inside("run", "--suite", suite, "--dry-run", "--device", "cpu")
    assert re.search(r"\nneeds: at least \d+ s of training on one core, by the operations .* 1 MiB for the ", done.out)
    assert "a GPU is advised" not in done.out
    long = inside("run", "--suite", suite, "--dry-run", "--device", "cpu", "--set", "train.steps=1000000000")
    assert "; a GPU is advised\n" in long.out
    (tmp_path / "reading.py").write_text(READING)
    more = "run", "--suite", suite, "--dry-run", "--plugin", "reading.py", "--add", "loss=reading"
    assert "on one core (without 1 cell whose step cannot be counted), by" in inside(*more).out
    alone = inside(*more, "--filter", "loss=reading")
    assert (alone.code, "needs: no estimate; the step of 1 cell cannot be counted\n" in alone.out) == (0, True)


def test_a_loss_that_exits_does_not_end_a_dry_run_without_a_word(inside: Cli, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "reading.py").write_text(READING.replace("return critic.fake.mean() *", "raise SystemExit(0)  #"))
    more = "run", "--suite", suite, "--dry-run", "--plugin", "reading.py", "--add", "loss=reading"
    alone = inside(*more, "--filter", "loss=reading")
    assert (alone.code, "needs: no estimate; the step of 1 cell cannot be counted\n" in alone.out) == (0, True)


def test_a_dry_run_of_another_evaluation_shows_no_training(inside: Cli, trained: Ran, suite: Path) -> None:
    suite.write_text(suite.read_text().replace("samples: 2500,", "samples: 2000,"))
    done = inside("run", "--suite", suite, "--dry-run")
    assert done.code == 0
    assert done.out.count("2 seeds: 2 not evaluated; 60 steps of 32") == 2
    assert "about 0 s of training on one core" in done.out


def test_a_file_may_not_take_the_name_of_a_shipped_suite(inside: Cli, suite: Path, tmp_path: Path) -> None:
    for name in ("quick", "runs"):
        suite.rename(tmp_path / f"{name}.yaml")
        done = inside("run", "--suite", f"{name}.yaml")
        assert done.code == 2
        assert "rename the file" in done.err
        (tmp_path / f"{name}.yaml").rename(suite)


def test_a_damaged_record_is_exit_code_4(inside: Cli, trained: Ran, suite: Path, tmp_path: Path) -> None:
    path = next((tmp_path / "results" / "runs").glob("*/record.json"))
    path.write_text(path.read_text()[:100])
    for command in (("run", "--suite", suite), ("table", "--suite", "small")):
        done = inside(*command)
        assert done.code == 4
        assert f"{path.parent.name}/record.json is damaged" in done.err


def test_show_finds_a_run_by_the_beginning_of_its_id(inside: Cli, trained: Ran, tmp_path: Path) -> None:
    run_id = next(iter(read_records(tmp_path / "results")))
    done = inside("show", run_id[:6])
    assert done.code == 0
    for text in (run_id, "ring8", "steps 60", "reverse KL", "samples.png"):
        assert text in done.out
    assert json.loads(inside("show", run_id, "--json").out)["id"] == run_id
    assert inside("show", "zzz").code == 2
    many = inside("show", "")
    assert many.code == 2
    assert "no run ''" in many.err


def test_show_says_how_a_run_was_evaluated_and_where_its_scores_are(inside: Cli, tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    commit(store, make_record("a0"), make_record("b0", failure=Failure("failed", "boom")))
    shown = inside("show", "a0")
    assert shown.code == 0, shown.err
    assert "evaluation    100 samples against split train, extractor features" in shown.out
    (scores,) = (Path(line) for line in shown.out.split() if "scores" in Path(line).parts)
    assert (tmp_path / scores).is_file()
    failed = inside("show", "b0").out
    assert "evaluation    none" in failed
    assert "scores" not in failed


def test_show_says_what_was_tried_before(inside: Cli, tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    spec = make_spec()
    attempts = ("game x network: out of memory on cuda:1 with 16 seeds; trying 8",)
    commit(store, make_record("a0", spec=spec, provenance=make_provenance(spec, attempts=attempts)))
    assert f"  tried before: {attempts[0]}\n" in inside("show", "a0").out
    assert json.loads(inside("show", "a0", "--json").out)["provenance"]["attempts"] == list(attempts)


def test_a_dry_run_names_devices_and_workers(inside: Cli, suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = inside("run", "--suite", suite, "--dry-run", "--device", "cpu", "--jobs", "3")
    assert done.out.splitlines()[-1] == "device cpu, 3 worker processes"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    gone = inside("run", "--suite", suite, "--dry-run", "--device", "cuda:0,1")
    assert gone.code == 0
    assert "not here: --device cuda:0,1: torch" in gone.out.splitlines()[-1]
    card = Card("NVIDIA H100 80GB HBM3", 80 << 30, 270_336)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("ganbench.engine.devices.card", lambda device: card)
    monkeypatch.setattr("ganbench.engine.devices.cores", lambda: 16)
    two = inside("run", "--suite", suite, "--dry-run")
    expected = "devices cuda:0 and cuda:1 (chosen by auto), 8 worker processes, up to 4 on each"
    assert two.out.splitlines()[-1] == expected
    wrong = inside("run", "--suite", suite, "--dry-run", "--device", "cuda:0,0")
    assert (wrong.code, "names a GPU twice" in wrong.err) == (2, True)
