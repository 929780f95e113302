"""Replaying runs: the same bits, or what differs; what cannot be set up again is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result
from conftest import Cli
from factories import make_provenance, make_record, make_spec

from ganbench.cli import replay_command, run_command
from ganbench.errors import MissingError, UsageError
from ganbench.results.records import AnyRecord, Evaluation, Failure, Record
from ganbench.results.store import Store
from ganbench.runner import replay
from ganbench.runner.replay import ReplaySettings, recorded_device, recorded_timeout, with_recorded_path
from ganbench.suite.specs import RunSpec

PLUGIN = '''
from ganbench import hookimpl

class Mine:
    """A user's own loss."""
    def d_loss(self, critic):
        return (1 - critic.real).relu().mean() + (1 + critic.fake).relu().mean()
    def g_loss(self, critic):
        return -critic.fake.mean()

class Fails(Mine):
    def g_loss(self, critic):
        raise RuntimeError("on purpose")

@hookimpl
def register_losses():
    return {"mine": Mine, "fails": Fails}
'''
SUITE = """
losses: [minimax, nonsaturating, mine, fails]
architectures: [mlp]
datasets: [ring8]
seeds: 1
train: {steps: 40, batch: 32, lr: 2e-3}
evaluation: {samples: 2500, real_samples: 2500, snapshots: 2}
overrides:
  - {when: {loss: nonsaturating}, train: {batch: 50}}
"""


class Replayable(NamedTuple):
    """A results folder, the plugin file behind it, and the command in this process."""

    results: Path
    plugin: Path

    def run_of(self, loss: str) -> str:
        rows = json.loads((self.results / "small" / "plan.json").read_text())["rows"]
        return next(str(row["runs"]["0"]) for row in rows if row["variant"]["loss"]["text"] == loss)

    def replay(self, run: str, *options: object) -> Result:
        arguments = [run, "--results", str(self.results), *map(str, options)]
        return CliRunner().invoke(replay_command.command, arguments, standalone_mode=False)


@pytest.fixture(scope="module")
def replayable(tmp_path_factory: pytest.TempPathFactory) -> Replayable:
    """A published folder of runs of every kind: stacked, looped, of a plugin file, failed."""
    folder = tmp_path_factory.mktemp("replay")
    (folder / "mine.py").write_text(PLUGIN)
    (folder / "small.yaml").write_text(SUITE)
    arguments = ["--suite", str(folder / "small.yaml"), "--plugin", str(folder / "mine.py"), "--jobs", "1",
                 "--results", str(folder / "results")]  # fmt: skip
    assert CliRunner().invoke(run_command.command, arguments, standalone_mode=False).return_value == 1
    for weights in folder.glob("results/runs/*/weights.safetensors"):
        weights.unlink()  # as in a published folder
    return Replayable(folder / "results", folder / "mine.py")


def test_a_run_trained_again_has_the_same_bits(replayable: Replayable) -> None:
    before = {path: path.stat().st_mtime_ns for path in replayable.results.rglob("*")}
    ran = replayable.replay(replayable.run_of("minimax")[:8], "--json")
    found = json.loads(ran.stdout)
    assert (ran.return_value, found["verdict"], found["paths"]) == (0, "bit-identical", ["stacked", "stacked"])
    assert found["files"] == {"history.csv": "same", "weights.safetensors": "same"}
    assert {score["relative"] for score in found["scores"]} == {0.0}
    assert found["environment"] == []
    assert {
        path: path.stat().st_mtime_ns for path in replayable.results.rglob("*")
    } == before  # it writes nothing there


def test_a_replay_that_does_not_finish_says_nothing_about_the_run(
    replayable: Replayable, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = replayable.run_of("minimax")

    def ended(spec: RunSpec, settings: ReplaySettings, root: Path) -> tuple[AnyRecord, Path]:
        record = Store(replayable.results).run(run)
        assert record is not None
        late = Failure("timeout", "it ran longer than 1 s", limit_seconds=1.0)
        return replace(record, failure=late, evaluation=Evaluation()), root

    monkeypatch.setattr(replay, "train_again", ended)
    ran = replayable.replay(run, "--timeout", 1)
    assert isinstance(ran.exception, MissingError)
    assert "was not trained to its end here: it ran longer than 1 s" in str(ran.exception)


@pytest.mark.slow
def test_a_looped_run_and_a_reference_too(replayable: Replayable) -> None:
    ran = replayable.replay(replayable.run_of("nonsaturating"))
    assert (ran.return_value, "bit-identical" in ran.stdout) == (0, True)
    assert "trained looped, as recorded" in ran.stdout
    reference_id = json.loads((replayable.results / "small" / "plan.json").read_text())["references"][1]["id"]
    assert "bit-identical" in replayable.replay(reference_id).stdout


@pytest.mark.slow
def test_a_failure_fails_again(replayable: Replayable) -> None:
    ran = replayable.replay(replayable.run_of("fails"), "--plugin", replayable.plugin)
    assert (ran.return_value, ran.stdout.partition("\n")[0].endswith("same failure")) == (0, True)
    assert "RuntimeError: on purpose" in ran.stdout


def test_without_its_plugin_a_run_is_refused(replayable: Replayable) -> None:
    ran = replayable.replay(replayable.run_of("mine"))
    assert isinstance(ran.exception, UsageError)
    assert "give it with --plugin mine.py" in str(ran.exception)


def test_with_other_plugin_code_it_stops_or_reports_it(replayable: Replayable, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN.replace("-critic.fake.mean()", "-1.5 * critic.fake.mean()"))
    options = (replayable.run_of("mine"), "--plugin", tmp_path / "mine.py")
    stopped = replayable.replay(*options).exception
    assert isinstance(stopped, UsageError)
    assert "loss:mine: the record's code version is" in str(stopped)
    anyway = replayable.replay(*options, "--anyway")
    assert anyway.return_value == 1
    assert anyway.stdout.partition("\n")[0].endswith("different")
    assert "histories differ first at step 0: g_loss" in anyway.stdout
    assert "loss:mine: the record's code version is" in anyway.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [(["../x"], 2, "no run"), (["a", "--results", "nowhere"], 2, "no results folder")],
)
def test_a_run_that_does_not_exist_is_reported(
    inside: Cli, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "results").mkdir()
    ran = inside("replay", *arguments)
    assert (ran.code, message in ran.err) == (code, True)


def _record(path: str | None = None, device: str | None = None, failure: Failure | None = None) -> Record:
    spec = make_spec()
    return make_record(spec=spec, failure=failure, provenance=make_provenance(spec, path=path, device=device))


def test_the_recorded_path_device_and_time_limit_are_followed() -> None:
    spec = make_spec()
    assert with_recorded_path(spec, _record("stacked")).train.engine == "eager"
    assert with_recorded_path(spec, _record("compiled")) == spec
    compiled = replace(spec, train=replace(spec.train, engine="compiled"))
    assert with_recorded_path(compiled, _record("looped")) == compiled
    devices: Mapping[str | None, str] = {"cuda:1 (H100)": "cuda", "cpu": "cpu", None: "auto"}
    assert [recorded_device(_record(device=device)) for device in devices] == list(devices.values())
    late = Failure("timeout", "it ran longer than 2.5 s", limit_seconds=2.5)
    assert recorded_timeout(_record(failure=late)) == 2.5
    assert recorded_timeout(_record()) is None
