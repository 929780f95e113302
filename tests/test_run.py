"""`ganbench run` from end to end, with faults injected for real."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ganbench.results.records import STATUSES
from ganbench_architectures.mlp import Mlp


def _records(results: Path) -> dict[str, dict]:
    return {path.parent.name: json.loads(path.read_text()) for path in results.glob("runs/*/record.json")}


def _times(results: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in results.glob("runs/*/record.json")}


def _rows(done) -> dict[tuple[str, str, str], dict]:
    return {(row["loss"], row["architecture"], row["dataset"]): row for row in json.loads(done.out)}


def test_a_suite_is_trained_once_and_tabled(cli, suite: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    done = cli("run", "--suite", suite)
    assert done.code == 0, done.err
    for text in ("| minimax x mlp", "| nonsaturating x mlp", "2/2", "| real data", "| Gaussian fit", "| uniform noise",
                 "not applicable: convolutions need images", "modes ↑", "SW1 ↓"):  # fmt: skip
        assert text in done.out
    assert "\x1b" not in done.out + done.err
    assert "4 new" in done.err
    records = _records(results)
    assert len(records) == 4
    for run_id, record in records.items():
        assert set(record) == {
            "schema", "id", "suite", "spec", "status", "reason", "failure", "metrics", "cards", "verdict", "snapshots",
            "cost", "signals", "diagnosis", "provenance", "files", "film", "histogram", "neighbours",
        }  # fmt: skip
        assert record["id"] == run_id
        assert record["status"] == "ok"
        assert set(record["files"]) == {"history.csv", "samples.png", "film.png", "weights.safetensors"}
        assert set(record["cost"]) == {"train_seconds", "images", "images_per_second", "peak_memory_bytes"}
        assert record["cost"]["images"] == 60 * 32
        assert record["provenance"]["path"] == "stacked"
        assert (
            record["provenance"]["plugins"][
                "loss:minimax" if record["spec"]["loss"]["name"] == "minimax" else "loss:nonsaturating"
            ]["distribution"]
            == "ganbench"
        )
        folder = results / "runs" / run_id
        assert (folder / "samples.png").read_bytes().startswith(b"\x89PNG")
        assert len((folder / "history.csv").read_text().splitlines()) == 61
    assert sorted(path.name for path in (results / "small").iterdir()) == [
        "plan.json",
        "runs.csv",
        "table.csv",
        "table.json",
        "table.md",
        "table.tex",
    ]
    before = _times(results)
    again = cli("run", "--suite", suite)
    assert again.code == 0
    assert again.out == done.out
    assert "0 new" in again.err
    assert "worker" not in again.err
    assert _times(results) == before
    assert cli("table", "--suite", "small").out == done.out
    assert (results / "small" / "table.md").read_text() == done.out
    forced = cli("run", "--suite", suite, "--force", "--filter", "loss=minimax")
    assert forced.code == 0
    changed = [run_id for run_id, stamp in _times(results).items() if stamp != before[run_id]]
    assert {records[run_id]["spec"]["loss"]["name"] for run_id in changed} == {"minimax"}
    assert len(changed) == 2
    for run_id, record in _records(results).items():
        assert record["metrics"] == records[run_id]["metrics"]  # the same spec, the same bits
    assert "nonsaturating" not in forced.out
    assert "nonsaturating" in (results / "small" / "table.md").read_text()  # a filter hides no row for good


@pytest.mark.slow
def test_a_seed_alone_gives_the_same_weights_as_among_others(cli, suite: Path, tmp_path: Path) -> None:
    options = ("run", "--suite", suite, "--filter", "loss=minimax")
    assert cli(*options, "--seeds", "0-7", "--results", "all").code == 0
    alone = cli(*options, "--seeds", "3", "--results", "one")
    assert alone.code == 0
    assert "1/1" in alone.out
    (run_id,) = _records(tmp_path / "one")
    one, among = (load_file(tmp_path / name / "runs" / run_id / "weights.safetensors") for name in ("one", "all"))
    assert one.keys() == among.keys()
    generator = Mlp().generator((2,))
    loaded = {name.removeprefix("generator."): t for name, t in one.items() if name.startswith("generator.")}
    generator.load_state_dict(loaded)  # the weights are anybody's, by name
    assert all(torch.equal(one[name], among[name]) for name in one)
    metrics = [_records(tmp_path / name)[run_id]["metrics"] for name in ("one", "all")]
    assert metrics[0] == metrics[1]


@pytest.mark.slow
def test_a_strangers_loss_joins_without_retraining_the_others(cli, suite: Path, hinge: Path, tmp_path: Path) -> None:
    assert cli("run", "--suite", suite).code == 0
    before = _times(tmp_path / "results")
    done = cli("run", "--suite", suite, "--plugin", hinge, "--add", "loss=hinge")
    assert done.code == 0, done.err
    assert "2 new" in done.err
    after = _times(tmp_path / "results")
    assert len(after) == 6
    assert {run_id: after[run_id] for run_id in before} == before
    assert all(f"| {loss} x mlp" in done.out for loss in ("minimax", "nonsaturating", "hinge"))
    rows = _rows(cli("table", "--suite", "small", "--format", "json"))
    assert rows["hinge", "mlp", "ring8"]["n_ok"] == 2
    assert rows["hinge", "mlp", "ring8"]["scores"]["modes"]["card"]["fake_samples"] == 2500
    hinge.write_text(hinge.read_text().replace("(1 - critic.real)", "(2 - critic.real)"))
    edited = cli("run", "--suite", suite, "--plugin", hinge, "--add", "loss=hinge", "--dry-run")
    assert edited.out.count("2 new") == 1  # an edited file is another loss; its old runs are not shown as its own


FAULTS = """
import os, signal, time
import torch
from ganbench import hookimpl


class Base:
    def d_loss(self, critic):
        return (1 - critic.real).relu().mean() + (1 + critic.fake).relu().mean()

    def g_loss(self, critic):
        if critic.step == 30:
            self.fault()
        return -critic.fake.mean()


class NaN(Base):
    def fault(self): pass

    def d_loss(self, critic):
        value = super().d_loss(critic)
        return value * float("nan") if critic.step == 100 else value


class Raises(Base):
    def fault(self): raise RuntimeError("boom | <b>at</b> 30")


class Dies(Base):
    def fault(self): os.kill(os.getpid(), signal.SIGKILL)


class Exits(Base):
    def fault(self): os._exit(3)


class Hangs(Base):
    def fault(self): time.sleep(600)


class Greedy(Base):
    def fault(self): torch.empty(1 << 50)


class Chatty(Base):
    def fault(self): print("LOOK AT ME")


@hookimpl
def register_losses():
    kinds = (NaN, Raises, Dies, Exits, Hangs, Greedy, Chatty)
    return {kind.__name__.lower(): kind for kind in kinds}
"""


def test_every_fault_is_a_result_and_stops_nothing_else(cli, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "faults.py").write_text(FAULTS)
    names = ["nan", "raises", "dies", "exits", "greedy", "chatty"]
    text = suite.read_text().replace("[minimax, nonsaturating]", f"[{', '.join(names)}, minimax]")
    suite.write_text(text.replace("steps: 60", "steps: 120") + "plugins: [faults.py]\n")
    done = cli("run", "--suite", suite)
    assert done.code == 1
    assert "LOOK AT ME" not in done.out
    assert "LOOK AT ME" in done.err
    found = {}
    for record in _records(tmp_path / "results").values():
        assert record["status"] in STATUSES
        found[record["spec"]["loss"]["name"]] = (record["status"], record["reason"])
    assert found["minimax"] == found["chatty"] == ("ok", "")
    assert found["nan"] == ("diverged", "a loss was not finite at step 100")
    assert found["raises"] == ("failed", "RuntimeError: boom | <b>at</b> 30 (faults.py:26, in fault)")
    assert found["dies"][0] == found["exits"][0] == "failed"
    assert "killed by SIGKILL" in found["dies"][1]
    assert "exit code 3" in found["exits"][1]
    assert found["greedy"][0] == "out-of-memory"
    assert "2/2" in done.out
    assert done.out.count("0/2") == 5
    assert "raises x mlp: 2 of 2 seeds failed: RuntimeError: boom \\| &lt;b&gt;at&lt;/b&gt; 30" in done.out
    raised = next(id_ for id_, r in _records(tmp_path / "results").items() if r["spec"]["loss"]["name"] == "raises")
    assert "in fault" in (tmp_path / "results" / "runs" / raised / "traceback.txt").read_text()
    plan = cli("run", "--suite", suite, "--dry-run").out
    assert plan.count("2 failed before") == 4
    assert plan.count("2 done") == 3
    assert not (tmp_path / "results" / ".staging").exists()


ODD = """
from dataclasses import dataclass
from ganbench import hookimpl
from ganbench_losses.minimax import Minimax
from ganbench_architectures.mlp import Mlp


class Mute(Minimax):
    "Raises without a word."

    def g_loss(self, critic):
        raise AssertionError


@dataclass(frozen=True)
class Unsure(Mlp):
    "Does not know what it supports."

    def supports(self, shape):
        return shape[7]


class Half:
    "A metric that fails for some samples."

    better = {"half": "lower"}
    uses_extractor = False

    def __call__(self, real, fake):
        return {"half": float("nan")}


@hookimpl
def register_losses():
    return {"mute": Mute}


@hookimpl
def register_architectures():
    return {"unsure": Unsure}


@hookimpl
def register_metrics():
    return {"half": Half}
"""


@pytest.mark.slow
def test_plugins_that_fail_oddly_are_told_plainly(cli, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    options = ("--suite", suite, "--plugin", "odd.py")
    unsure = cli("run", *options, "--add", "architecture=unsure")
    assert unsure.code == 2
    assert re.search(r"a plugin raised IndexError: tuple index out of range \(odd\.py:\d+, in supports\)", unsure.err)
    mute = cli("run", *options, "--add", "loss=mute", "--filter", "loss=mute")
    assert mute.code == 1
    assert re.search(r"failed: AssertionError \(odd\.py:\d+, in g\\_loss\)", mute.out)
    suite.write_text(
        suite.read_text().replace("samples: 2500,", "metrics: [modes, half], snapshots: 1, samples: 2500,", 1)
    )
    half = cli("run", *options, "--filter", "loss=minimax")
    assert half.code == 1
    assert "trained, not judged: ContractError: metric 'half' gave nan for 'half'" in half.out
    weights = tmp_path / "results" / "runs"
    failed = [id_ for id_, record in _records(tmp_path / "results").items() if "not judged" in record["reason"]]
    assert len(failed) == 2
    assert all((weights / id_ / "weights.safetensors").exists() for id_ in failed)


def test_a_file_may_not_take_the_name_of_a_shipped_suite(cli, suite: Path, tmp_path: Path) -> None:
    for name in ("quick", "runs"):
        suite.rename(tmp_path / f"{name}.yaml")
        done = cli("run", "--suite", f"{name}.yaml")
        assert done.code == 2
        assert "rename the file" in done.err
        (tmp_path / f"{name}.yaml").rename(suite)


def test_arrows_are_printed_whatever_the_locale(cli, suite: Path) -> None:
    done = cli("run", "--suite", suite, "--set", "train.steps=1", PYTHONIOENCODING="cp1252", LC_ALL="C")
    assert done.code == 0, done.err
    assert "modes ↑" in done.out


@pytest.mark.slow
def test_a_cell_that_hangs_is_ended_by_the_time_limit(cli, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "faults.py").write_text(FAULTS)
    suite.write_text(suite.read_text().replace("[minimax, nonsaturating]", "[hangs]") + "plugins: [faults.py]\n")
    done = cli("run", "--suite", suite, "--timeout", "8")
    assert done.code == 1
    found = {(record["status"], record["reason"]) for record in _records(tmp_path / "results").values()}
    assert found == {("timeout", "it ran longer than 8 s")}
    assert "hangs x mlp: 2 of 2 seeds timeout: it ran longer than 8 s" in done.out
    assert "| real data" in done.out


@pytest.mark.parametrize(
    ("options", "code", "said"),
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
def test_wrong_use_is_one_sentence_and_trains_nothing(cli, suite, tmp_path, options, code: int, said: str) -> None:
    done = cli("run", *options)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "results" / "runs").exists()


def test_a_dry_run_shows_the_plan_and_writes_nothing(cli, suite: Path, tmp_path: Path) -> None:
    done = cli("run", "--suite", suite, "--dry-run")
    assert done.code == 0
    assert "minimax x mlp x ring8" in done.out
    assert "2 seeds: 2 new; 60 steps of 32" in done.out
    assert "not applicable: minimax x dcgan x ring8" in done.out
    assert not (tmp_path / "results").exists()


def test_a_damaged_record_is_exit_code_4(cli, suite: Path, tmp_path: Path) -> None:
    assert cli("run", "--suite", suite).code == 0
    path = next((tmp_path / "results" / "runs").glob("*/record.json"))
    path.write_text(path.read_text()[:100])
    for command in (("run", "--suite", suite), ("table", "--suite", "small")):
        done = cli(*command)
        assert done.code == 4
        assert f"{path.parent.name}/record.json is damaged" in done.err


def test_show_finds_a_run_by_the_beginning_of_its_id(cli, suite: Path, tmp_path: Path) -> None:
    assert cli("run", "--suite", suite).code == 0
    run_id = next(iter(_records(tmp_path / "results")))
    done = cli("show", run_id[:6])
    assert done.code == 0
    for text in (run_id, "ring8", "steps 60", "reverse KL", "samples.png"):
        assert text in done.out
    assert json.loads(cli("show", run_id, "--json").out)["id"] == run_id
    assert cli("show", "zzz").code == 2
    many = cli("show", "")
    assert many.code == 2
    assert "no run ''" in many.err


def test_snapshots_are_scores_on_the_way(cli, suite: Path, tmp_path: Path) -> None:
    assert cli("run", "--suite", suite, "--set", "evaluation.snapshots=2", "--set", "train.steps=100").code == 0
    for record in _records(tmp_path / "results").values():
        assert [snapshot["step"] for snapshot in record["snapshots"]] == [50, 100]
        assert record["snapshots"][1]["metrics"] == record["metrics"]
        assert record["film"]["steps"] == [50, 100]
        with Image.open(tmp_path / "results" / "runs" / record["id"] / "film.png") as strip:
            assert strip.size == (2 * record["film"]["side"], record["film"]["side"])


@pytest.mark.slow
def test_settings_make_another_suite_beside_the_first(cli, suite: Path, tmp_path: Path) -> None:
    assert cli("run", "--suite", suite).code == 0
    done = cli("run", "--suite", suite, "--set", "train.steps=10")
    assert "# small+train.steps=10" in done.out
    assert (tmp_path / "results" / "small+train.steps=10" / "table.md").read_text() == done.out
    assert cli("table", "--suite", "small").out != done.out
    assert cli("table", "--suite", suite, "--set", "train.steps=10").out == done.out


def _started(tmp_path: Path, *options: str) -> subprocess.Popen:
    """A run in a process group of its own, as a terminal gives it.

    Tests that were themselves started in the background ignore SIGINT, and a child would inherit that.
    """
    code = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.executable, sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, sys.executable, "-m", "ganbench", "run", *options]
    return subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)


def _wait_for_checkpoint(results: Path, step: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        steps = [int(path.name.split("-")[0]) for path in results.glob(".checkpoints/*/*.safetensors")]
        if steps and max(steps) >= step:
            return
        time.sleep(0.02)
    raise AssertionError("no checkpoint in 60 s")


def _weights(results: Path) -> dict[str, dict[str, torch.Tensor]]:
    return {path.parent.name: load_file(path) for path in results.glob("runs/*/weights.safetensors")}


def _same_results(a: Path, b: Path) -> None:
    one, two = _weights(a), _weights(b)
    assert one.keys() == two.keys()
    for run_id, tensors in one.items():
        assert all(torch.equal(tensors[name], two[run_id][name]) for name in tensors)
        histories = [(results / "runs" / run_id / "history.csv").read_text() for results in (a, b)]
        assert histories[0] == histories[1]
        films = [(results / "runs" / run_id / "film.png").read_bytes() for results in (a, b)]
        assert films[0] == films[1]
        assert _records(a)[run_id]["snapshots"]
        assert _keyed(_records(a)[run_id]) == _keyed(_records(b)[run_id])


def _keyed(record: dict) -> tuple:
    return (
        record["metrics"],
        record["signals"],
        record["film"],
        [(s["step"], s["metrics"]) for s in record["snapshots"]],
    )


LONG = """
losses: [minimax]
architectures: [mlp]
datasets: [ring8]
seeds: 3
train: {steps: 1500, batch: 32, lr: 2e-3, ema: 0.99}
evaluation: {samples: 1000, real_samples: 1000, snapshots: 5}
"""


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_in_the_same_bits(cli, tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_text(LONG)
    options = ("--suite", "long.yaml", "--jobs", "1", "--checkpoint", "0", "--results", "killed")
    for step in (100, 500, 1000):
        process = _started(tmp_path, *options)
        _wait_for_checkpoint(tmp_path / "killed", step)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not _records(tmp_path / "killed")
    newest = sorted((tmp_path / "killed" / ".checkpoints").glob("*/*.safetensors"))[-1]
    newest.write_bytes(newest.read_bytes()[:-3] + b"rot")  # the one before it is taken
    assert "3 seeds: 3 resumable" in cli("run", *options, "--dry-run").out
    done = cli("run", *options)
    assert done.code == 0
    assert "3 go on from a checkpoint" in done.err
    assert not list((tmp_path / "killed" / ".checkpoints").glob("*/*"))
    assert cli("run", "--suite", "long.yaml", "--results", "whole").code == 0
    _same_results(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_saves_its_state_and_goes_on(cli, tmp_path, number, code: int) -> None:
    (tmp_path / "long.yaml").write_text(LONG.replace("seeds: 3", "seeds: 1").replace("steps: 1500", "steps: 400000"))
    options = ("--suite", "long.yaml", "--jobs", "1", "--set", "evaluation.snapshots=0")
    process = _started(tmp_path, *options)
    while "start" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(5)
    os.killpg(process.pid, number)
    assert process.wait(90) == code
    said = process.stderr.read()
    assert "the same command continues from here" in said
    assert "Traceback" not in said
    assert "1 seeds: 1 resumable" in cli("run", *options, "--dry-run").out
    saved = list((tmp_path / "results" / ".checkpoints").glob("*/*.safetensors"))
    assert len(saved) == 1
    assert 0 < int(saved[0].name.split("-")[0]) < 400000


def test_seeds_at_different_steps_go_on_together(tmp_path: Path) -> None:
    """Two seeds resumed from step 100 beside a new one: each as if alone."""
    from ganbench.engine.checkpoints import CheckpointTimer, Stopped
    from ganbench.engine.trainer import Trainer
    from ganbench.suite.specs import TrainSpec
    from ganbench_architectures.mlp import Mlp
    from ganbench_losses.minimax import Minimax

    data = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    spec = TrainSpec(steps=230, batch=32, lr_d=2e-3, lr_g=2e-3)

    def trainer(seeds, resumed=None):
        return Trainer(Minimax(), Mlp(width=16, depth=1), data, spec, seeds, torch.device("cpu"), resumed)

    saved = {}
    stop_at = CheckpointTimer(
        0, lambda: len(saved) >= 2, lambda one: saved.__setitem__((one.step, one.result.seed), one)
    )
    with pytest.raises(Stopped):
        trainer((0, 1)).run(timer=stop_at)
    step = max(step for step, _ in saved)
    assert step == 100
    mixed = trainer((0, 1, 2), {seed: saved[100, seed] for seed in (0, 1)})
    assert [(group.step, group.seeds) for group in mixed.groups] == [(0, (2, 2)), (100, (0, 1))]
    whole = {result.seed: result for result in trainer((0, 1, 2)).run()}
    for result in mixed.run():
        assert torch.equal(result.params, whole[result.seed].params)
        assert result.steps == whole[result.seed].steps


def test_a_kill_between_a_checkpoint_and_its_snapshot_loses_no_snapshot() -> None:
    from ganbench import seeding
    from ganbench.engine.checkpoints import CheckpointTimer, Stopped
    from ganbench.engine.state import Callback
    from ganbench.engine.trainer import Trainer
    from ganbench.suite.specs import TrainSpec
    from ganbench_architectures.mlp import Mlp
    from ganbench_losses.minimax import Minimax

    data = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    spec = TrainSpec(steps=3 * seeding.BLOCK, batch=32, lr_d=2e-3, lr_g=2e-3)

    def run(resumed=None, timer=None):
        taken = []

        def snapshot(step, results):
            for result in results:
                if step not in [entry["step"] for entry in result.snapshots]:
                    result.snapshots.append({"step": step, "params": result.params.clone()})
            taken.append(step)

        trainer = Trainer(Minimax(), Mlp(width=16, depth=1), data, spec, (0,), torch.device("cpu"), resumed)
        return trainer.run(callbacks=[Callback(3, snapshot)], timer=timer)[0].snapshots

    whole = run()
    assert [entry["step"] for entry in whole] == [seeding.BLOCK, 2 * seeding.BLOCK, 3 * seeding.BLOCK]
    for blocks in (1, 2, 3):
        kept = {}
        with pytest.raises(Stopped):  # at the end of a block, before its snapshot
            run(
                timer=CheckpointTimer(
                    0,
                    lambda kept=kept, n=blocks: len(kept) >= n - 1,
                    lambda one, kept=kept: kept.__setitem__(one.step, one),
                )
            )
        assert max(kept) == blocks * seeding.BLOCK
        again = run({0: kept[max(kept)]})
        assert [entry["step"] for entry in again] == [entry["step"] for entry in whole]
        assert all(torch.equal(a["params"], b["params"]) for a, b in zip(again, whole, strict=True))


def test_progress_is_live_on_a_terminal(suite: Path, tmp_path: Path) -> None:
    import pty

    parent, child = pty.openpty()
    command = [sys.executable, "-m", "ganbench", "run", "--suite", str(suite), "--set", "train.steps=600"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "140"}
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=child, env=environment)
    os.close(child)
    seen = b""
    while True:
        try:
            part = os.read(parent, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    out = process.stdout.read().decode()
    assert process.wait(30) == 0
    text = seen.decode()
    assert "/600, D " in text
    assert "seeds alive" in text
    assert "ETA" in text
    assert "done  minimax x mlp x ring8 (2 seeds)" in text
    assert "\x1b" not in out


def test_doctor_and_version(cli, tmp_path: Path) -> None:
    done = cli("doctor")
    assert done.code == 0, done.out
    assert "extractor digits16: ready" in done.out
    assert cli("version").out == "0.1.0\n"
    (tmp_path / "broken.py").write_text("1/0")
    broken = cli("doctor", "--plugin", "broken.py")
    assert broken.code == 3
    assert "ZeroDivisionError" in broken.out
    bare = cli()
    assert bare.code == 0
    assert len(bare.out.splitlines()) <= 14
    assert "ganbench run --suite quick" in bare.out
