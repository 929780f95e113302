"""A run trained again from its record gives the same bits, or the difference is named and put in its place."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner, Result

from ganbench.cli import replay_command, run_command
from ganbench.errors import MissingError, UsageError
from ganbench.registry.registry import Registry
from ganbench.runner import replay
from ganbench.runner.replay import device, followed, limit
from ganbench.suite import expand
from ganbench.suite import load as suites

PLUGIN = '''
from ganbench import hookimpl

class Mine:
    """A loss of one's own."""
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


class Trained(NamedTuple):
    """A results folder, the plugin file behind it, and the command in this process."""

    results: Path
    plugin: Path

    def run_of(self, loss: str) -> str:
        rows = json.loads((self.results / "small" / "plan.json").read_text())["rows"]
        return next(row["runs"]["0"] for row in rows if row["variant"]["loss"]["text"] == loss)

    def replay(self, run: str, *options: Any) -> Result:
        arguments = [run, "--results", str(self.results), *map(str, options)]
        return CliRunner().invoke(replay_command.command, arguments, standalone_mode=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A published folder of runs of every kind: stacked, looped, of a plugin file, failed."""
    folder = tmp_path_factory.mktemp("replay")
    (folder / "mine.py").write_text(PLUGIN)
    (folder / "small.yaml").write_text(SUITE)
    arguments = ["--suite", str(folder / "small.yaml"), "--plugin", str(folder / "mine.py"), "--jobs", "1",
                 "--results", str(folder / "results")]  # fmt: skip
    assert CliRunner().invoke(run_command.command, arguments, standalone_mode=False).return_value == 1
    for weights in folder.glob("results/runs/*/weights.safetensors"):
        weights.unlink()  # as in a published folder
    return Trained(folder / "results", folder / "mine.py")


def test_a_run_trained_again_has_the_same_bits(trained: Trained) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.results.rglob("*")}
    ran = trained.replay(trained.run_of("minimax")[:8], "--json")
    found = json.loads(ran.stdout)
    assert (ran.return_value, found["verdict"], found["paths"]) == (0, "bit-identical", ["stacked", "stacked"])
    assert found["files"] == {"history.csv": "same", "weights.safetensors": "same"}
    assert {score["relative"] for score in found["scores"]} == {0.0}
    assert found["environment"] == []
    assert {path: path.stat().st_mtime_ns for path in trained.results.rglob("*")} == before  # it writes nothing there


def test_a_replay_that_comes_to_no_end_says_nothing_of_the_run(trained: Trained, monkeypatch) -> None:
    run = trained.run_of("minimax")

    def ended(spec: Any, means: Any, root: Path) -> Any:
        record = json.loads((trained.results / "runs" / run / "record.json").read_text())
        late = {"status": "timeout", "reason": "it ran longer than 1 s", "metrics": {}, "cards": {}}
        return {**record, **late}, root

    monkeypatch.setattr(replay, "trained", ended)
    ran = trained.replay(run, "--timeout", 1)
    assert isinstance(ran.exception, MissingError)
    assert "was not trained to its end here: it ran longer than 1 s" in str(ran.exception)


@pytest.mark.slow
def test_a_looped_run_and_a_reference_too(trained: Trained) -> None:
    ran = trained.replay(trained.run_of("nonsaturating"))
    assert (ran.return_value, "bit-identical" in ran.stdout) == (0, True)
    assert "trained looped, as recorded" in ran.stdout
    reference_id = json.loads((trained.results / "small" / "plan.json").read_text())["references"][1]["id"]
    assert "bit-identical" in trained.replay(reference_id).stdout


@pytest.mark.slow
def test_a_failure_fails_again(trained: Trained) -> None:
    ran = trained.replay(trained.run_of("fails"), "--plugin", trained.plugin)
    assert (ran.return_value, ran.stdout.partition("\n")[0].endswith("same failure")) == (0, True)
    assert "RuntimeError: on purpose" in ran.stdout


def test_without_its_plugin_a_run_is_not_set_up(trained: Trained) -> None:
    ran = trained.replay(trained.run_of("mine"))
    assert isinstance(ran.exception, UsageError)
    assert "give it with --plugin mine.py" in str(ran.exception)


def test_with_other_plugin_code_it_stops_or_says_so(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN.replace("-critic.fake.mean()", "-1.5 * critic.fake.mean()"))
    options = (trained.run_of("mine"), "--plugin", tmp_path / "mine.py")
    stopped = trained.replay(*options).exception
    assert isinstance(stopped, UsageError)
    assert "loss:mine: the record's code version is" in str(stopped)
    anyway = trained.replay(*options, "--anyway")
    assert anyway.return_value == 1
    assert anyway.stdout.partition("\n")[0].endswith("different")
    assert "histories differ first at step 0: g_loss" in anyway.stdout
    assert "loss:mine: the record's code version is" in anyway.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [(["../x"], 2, "no run"), (["a", "--results", "nowhere"], 2, "no results folder")],
)
def test_a_run_that_is_not_there_is_said(cli, tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    (tmp_path / "results").mkdir()
    ran = cli("replay", *arguments)
    assert (ran.code, said in ran.err) == (code, True)


@pytest.fixture(scope="module")
def plan(registry: Registry) -> Any:
    return expand.expand(suites.load(registry.find("suite", "baseline").thing), registry)


def test_the_recorded_path_device_and_limit_are_followed(plan) -> None:
    spec = plan.cells[0].spec
    assert followed(spec, {"provenance": {"path": "stacked"}}).train.engine == "eager"
    assert followed(spec, {"provenance": {"path": "compiled"}}) == spec
    asked = replace(spec, train=replace(spec.train, engine="compiled"))
    assert followed(asked, {"provenance": {"path": "looped"}}) == asked
    assert [device({"provenance": found}) for found in ({"device": "cuda:1 (H100)"}, {"device": "cpu"}, {})] == [
        "cuda", "cpu", "auto",
    ]  # fmt: skip
    assert limit({"status": "timeout", "reason": "it ran longer than 2.5 s"}) == 2.5
    assert limit({"status": "ok", "reason": ""}) is None
