"""Faults injected into a run for real: each is a result, and none stops anything else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Cli
from running import read_records

from ganbench.results.records import STATUSES

FAULTS = """
import os, signal, time
import torch
from ganbench import hookimpl


class Base:
    def memory(self, params): return {"moves": torch.zeros(())}

    def remember(self, critic): return {"moves": critic.memory["moves"] + 1}  # D's moves; in G's move one more

    def d_loss(self, critic):
        return (1 - critic.real).relu().mean() + (1 + critic.fake).relu().mean()

    def g_loss(self, critic):
        if critic.memory["moves"].item() == 31:
            self.fault()
        return -critic.fake.mean()


class NaN(Base):
    def fault(self): pass

    def d_loss(self, critic):
        value = super().d_loss(critic)
        return value * float("nan") if critic.memory["moves"].item() == 100 else value


class Raises(Base):
    def fault(self): raise RuntimeError("boom | <b>at</b> 30")


class Dies(Base):
    def fault(self): os.kill(os.getpid(), signal.SIGKILL)


class Exits(Base):
    def fault(self): os._exit(3)


class Leaves(Base):
    def fault(self): raise SystemExit(0)


class Hangs(Base):
    def fault(self): time.sleep(600)


class Greedy(Base):
    def fault(self): torch.empty(1 << 50)


class Chatty(Base):
    def fault(self): print("LOOK AT ME")


class Huge(Base):
    def fault(self): pass

    def d_loss(self, critic):
        value = super().d_loss(critic)
        huge = 1e22 if critic.memory["moves"].item() == 30 else 0.0
        return value + huge * (critic.real - critic.real.detach()).mean()


class Interrupts(Base):
    def fault(self): raise KeyboardInterrupt


@hookimpl
def register_losses():
    kinds = (NaN, Raises, Dies, Exits, Leaves, Hangs, Greedy, Chatty, Huge, Interrupts)
    return {kind.__name__.lower(): kind for kind in kinds}
"""


@pytest.mark.slow
def test_every_fault_is_a_result_and_stops_nothing_else(cli: Cli, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "faults.py").write_text(FAULTS)
    names = ["nan", "raises", "dies", "exits", "leaves", "greedy", "chatty", "huge", "interrupts"]
    text = suite.read_text().replace("[minimax, nonsaturating]", f"[{', '.join(names)}, minimax]")
    suite.write_text(text.replace("steps: 60", "steps: 120") + "plugins: [faults.py]\n")
    done = cli("run", "--suite", suite, timeout=600)  # every cell has a worker process of its own
    assert done.code == 1
    assert "LOOK AT ME" not in done.out
    assert "LOOK AT ME" in done.err
    found = {}
    for record in read_records(tmp_path / "results").values():
        assert record["status"] in STATUSES
        found[record["spec"]["loss"][0]["name"]] = (record["status"], record["reason"])
    assert found["minimax"] == found["chatty"] == ("ok", "")
    assert found["nan"] == ("diverged", "a loss was not finite at step 100")
    assert found["huge"] == ("diverged", "a moment of the optimizer was not finite after step 49")
    assert found["raises"] == ("failed", "RuntimeError: boom | <b>at</b> 30 (faults.py:30, in fault)")
    assert found["dies"][0] == found["exits"][0] == "failed"
    assert "killed by SIGKILL" in found["dies"][1]
    assert "exit code 3" in found["exits"][1]
    assert found["leaves"] == ("failed", "SystemExit: 0 (faults.py:42, in fault)")
    assert found["interrupts"][0] == "failed"
    assert found["interrupts"][1].startswith("KeyboardInterrupt (faults.py:")
    assert found["greedy"][0] == "out-of-memory"
    assert "2/2" in done.out
    assert done.out.count("0/2") == 8
    assert "raises x mlp: 2 of 2 seeds failed: RuntimeError: boom \\| &lt;b&gt;at&lt;/b&gt; 30" in done.out
    records = read_records(tmp_path / "results")
    raised = next(id_ for id_, r in records.items() if r["spec"]["loss"][0]["name"] == "raises")
    assert "in fault" in (tmp_path / "results" / "runs" / raised / "traceback.txt").read_text()
    plan = cli("run", "--suite", suite, "--dry-run").out
    assert plan.count("2 failed before") == 6
    assert plan.count("2 done") == 4
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
def test_plugins_that_fail_oddly_are_reported_plainly(inside: Cli, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    options = ("--suite", suite, "--plugin", "odd.py")
    unsure = inside("run", *options, "--add", "architecture=unsure")
    assert unsure.code == 2
    assert re.search(r"a plugin raised IndexError: tuple index out of range \(odd\.py:\d+, in supports\)", unsure.err)
    mute = inside("run", *options, "--add", "loss=mute", "--filter", "loss=mute")
    assert mute.code == 1
    assert re.search(r"failed: AssertionError \(odd\.py:\d+, in g\\_loss\)", mute.out)
    suite.write_text(
        suite.read_text().replace("samples: 2500,", "metrics: [modes, half], snapshots: 1, samples: 2500,", 1)
    )
    half = inside("run", *options, "--filter", "loss=minimax")
    assert half.code == 1
    reason = "metric 'half' returned nan for 'half'; a score must be a finite number"
    assert f"minimax x mlp on ring8: metric half: no score in 2 of 2 seeds: {reason}" in half.err
    assert f"metric half: no score in 2 of 2 seeds: {reason}" in half.out
    runs = tmp_path / "results" / "runs"
    some = {id_: one for id_, one in read_records(tmp_path / "results").items() if "half" in one.get("missing", ())}
    assert len(some) == 2
    for id_, record in some.items():
        assert (record["status"], record["missing"]) == ("ok", {"half": reason})
        assert {"modes", "HQ"} <= set(record["metrics"])
        assert "ContractError" in (runs / id_ / "traceback.txt").read_text()
    assert "2 not evaluated" in inside("run", *options, "--filter", "loss=minimax", "--dry-run").out  # evaluated again
    shown = inside("show", next(iter(some)), "--results", "results")
    assert f"half: no score: {reason}" in shown.out


@pytest.mark.slow
def test_a_run_without_any_score_has_failed(inside: Cli, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    suite.write_text(suite.read_text().replace("samples: 2500,", "metrics: [half], samples: 2500,", 1))
    half = inside("run", "--suite", suite, "--plugin", "odd.py", "--filter", "loss=minimax")
    assert half.code == 1
    assert "training finished, evaluation failed: metric 'half' returned nan for 'half'" in half.out
    records = read_records(tmp_path / "results")
    assert [record["status"] for record in records.values()] == ["failed"] * 2
    assert all((tmp_path / "results" / "runs" / id_ / "weights.safetensors").exists() for id_ in records)


@pytest.mark.slow
def test_a_cell_that_hangs_is_ended_by_the_time_limit(inside: Cli, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "faults.py").write_text(FAULTS)
    suite.write_text(suite.read_text().replace("[minimax, nonsaturating]", "[hangs]") + "plugins: [faults.py]\n")
    done = inside("run", "--suite", suite, "--timeout", "8")
    assert done.code == 1
    found = {(record["status"], record["reason"]) for record in read_records(tmp_path / "results").values()}
    assert found == {("timeout", "it ran longer than 8 s")}
    assert "hangs x mlp: 2 of 2 seeds timeout: it ran longer than 8 s" in done.out
    assert "| real data" in done.out
