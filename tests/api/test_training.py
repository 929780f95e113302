"""Training from Python: what is trained, what is returned, and what is refused before anything trains."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from warm import Warm

import ganbench as gb
from ganbench.errors import UsageError
from ganbench.runner.events import Event, JobEnded, RunRecorded, SuiteFinished, SuiteStarted

SUITE = """
about: the smallest suite
losses: [minimax, nonsaturating]
architectures: [mlp]
datasets: [ring8]
seeds: 1
train: {steps: 4, batch: 8, engine: eager}
evaluation: {samples: 100, real_samples: 100, metrics: [spread]}
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of two runs in an empty folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny.yaml"
    path.write_text(SUITE)
    return path


def test_a_suite_is_trained_once_and_nothing_is_printed(
    suite: Path, hinge: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gb.plan(suite).states() == {"new": 2}
    events: list[Event] = []
    results = gb.run(suite, filter={"loss": "minimax"}, seeds=[3], jobs=1, on_event=events.append)
    assert [(record.spec.composition, record.spec.seed, record.ok) for record in results.records] == [
        ("minimax", 3, True)
    ]
    assert results.complete
    assert isinstance(events[0], SuiteStarted)
    assert isinstance(events[-1], SuiteFinished)
    recorded = [event.record for event in events if isinstance(event, RunRecorded)]
    assert {record.id for record in results.records} < {record.id for record in recorded}
    assert sum(isinstance(event, JobEnded) for event in events) == len(recorded)
    saved = gb.open_results(suite="tiny")
    assert len(saved.ids) == 3, "the saved plan has the suite's own seeds too"
    events.clear()
    again = gb.run(suite, filter={"loss": "minimax"}, seeds="3", on_event=events.append)
    assert (events, again.records) == ([], results.records)
    replayed = gb.replay(results.records[0], results)
    assert (replayed.same, replayed.comparison.verdict) == (True, "bit-identical")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"set": {"train.stepz": 5}}, "Did you mean 'steps'"),
        ({"set": {"train.steps": object()}}, "cannot be written in a suite"),
        ({"filter": {"loss": "minimx"}}, "Did you mean 'minimax'"),
        ({"add": {"loss": "my-hinge"}}, "unknown loss 'my-hinge'"),
        ({"seeds": "7-3"}, "is not a range"),
        ({"plugins": ["nowhere.py"]}, "is not a file"),
        ({"trackers": ["nothing"]}, "unknown tracker 'nothing'"),
    ],
)
def test_wrong_arguments_are_one_sentence(suite: Path, arguments: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        gb.run(suite, **arguments)  # type: ignore[arg-type]
    assert not Path("results").exists()


def test_a_callback_that_raises_ends_the_run(suite: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, RunRecorded):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        gb.run(suite, jobs=1, on_event=stop)
    assert gb.run(suite, jobs=1).complete


def test_a_plugin_class_of_a_module_is_trained(warm: Warm, suite: Path, hinge: Path) -> None:
    """In a script without a guard, which imports its plugin as a module."""
    script = suite.parent / "script.py"
    script.write_text(
        "import ganbench as gb\nimport my_loss\n"
        "results = gb.run('tiny.yaml', add={'loss': 'my-hinge'}, plugins=[my_loss.Hinge], jobs=1)\n"
        "print(sorted(record.spec.composition for record in results.records if record.ok))\n"
    )
    code = f"import runpy, sys; sys.path[0] = {str(script.parent)!r}; runpy.run_path({str(script)!r}, None, '__main__')"
    done = warm.run(["-c", code], os.environ, suite.parent, 240)
    assert done == (0, "['minimax', 'my-hinge', 'nonsaturating']\n", "")
