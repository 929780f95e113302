"""`ganbench run --search` and `table --search` from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli
from factories import search_store

from ganbench.cli import cli as commands
from ganbench.errors import UsageError
from ganbench.suite import search

Here = Callable[..., tuple[int, str, str]]

SHORT = """losses: [minimax, lsgan]
architectures: [mlp]
datasets: [ring8]
seeds: 2
train: {steps: 10, batch: 32, lr: 2e-3}
evaluation: {samples: 300, real_samples: 300}
search: {train: {lr: {low: 1e-4, high: 1e-2, scale: log}}, loss: {lsgan: {c: {choices: [0.1, 1.0]}}}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The command line in this process: quick where nothing trains."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = commands.main([str(argument) for argument in arguments], standalone_mode=False)
        done = capsys.readouterr()
        return code, done.out, done.err

    return run


@pytest.mark.slow
def test_a_search_from_end_to_end(cli: Cli, here: Here, tmp_path: Path) -> None:
    (tmp_path / "tuned.yaml").write_text(SHORT)
    _, out, _ = here("run", "--suite", "tuned.yaml", "--search", 2, "--dry-run")
    assert "12 runs in 6 cells" in out
    assert "draw 2: train.lr=" in out
    assert not (tmp_path / "results").exists()
    assert cli("run", "--suite", "tuned.yaml", "--search", 1, "--filter", "loss=minimax", "--jobs", 1).code == 0
    done = cli("run", "--suite", "tuned.yaml", "--search", 2, "--jobs", 1)
    assert done.code == 0, done.err
    assert "4 runs done, 8 new" in done.err  # draws 0 and 1 of minimax are there
    assert "best of 2, other seeds" in done.out
    assert done.out.count("2/2") == 2
    folder = tmp_path / "results" / "tuned+search"
    files = {"draws.json", "plan.json", "search.csv", "search.json", "search.md"}
    assert {path.name for path in folder.iterdir()} == files
    assert (folder / "search.md").read_text() == done.out
    code, out, err = here("run", "--suite", "tuned.yaml", "--search", 2)
    assert (code, out) == (0, done.out)
    assert "12 runs done, 0 new" in err
    assert "worker" not in err
    assert (
        here("run", "--suite", "tuned.yaml", "--dry-run")[1].count("2 done") == 2
    )  # the default's runs are the suite's
    _, out, _ = here("table", "--suite", "tuned", "--search", "--format", "json", "--metric", "SW1")
    assert [row["loss"] for row in json.loads(out)[0]["rows"]] == ["minimax", "lsgan"]
    lines = here("table", "--suite", "tuned+search")[1].splitlines()  # every draw as a row of an ordinary table
    assert len([line for line in lines if line.startswith("|") and "draw 2: " in line]) == 2 * 2  # scores, costs


def test_other_seeds_and_settings_of_a_search(here: Here, tmp_path: Path) -> None:
    (tmp_path / "tuned.yaml").write_text(SHORT)
    asked = ("run", "--suite", "tuned.yaml", "--search", 1, "--dry-run")
    _, out, _ = here(*asked, "--seeds", "0-4", "--set", "train.steps=7", "--add", "loss=nonsaturating")
    assert "suite tuned+train.steps=7+search" in out
    assert "draw 1: nonsaturating x mlp x ring8" in out
    assert out.count("5 seeds: 5 new; 7 steps of 32") == 6


def test_a_saved_search_is_printed_without_torch(tmp_path: Path) -> None:
    layout, _ = search_store(tmp_path / "results")
    search.save_search(tmp_path / "results", layout)
    code = """
import sys
sys.argv = ['ganbench', 'table', '--suite', 's', '--search']
from ganbench.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
sys.exit('torch' in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "best of 3, other seeds" in done.stdout


FRAGILE = '''
from dataclasses import dataclass

from ganbench import hookimpl


@dataclass(frozen=True)
class Fragile:
    """The non-saturating loss, which is not finite where `weight` is large."""

    weight: float = 1.0

    def d_loss(self, critic):
        from torch.nn.functional import softplus

        return (softplus(-critic.real) + softplus(critic.fake)).mean() * (self.weight * 1e30) ** 2

    def g_loss(self, critic):
        return -critic.fake.mean()


@hookimpl
def register_losses():
    return {"fragile": Fragile}
'''


@pytest.mark.slow
def test_a_draw_that_diverges_is_counted_as_the_worst(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "fragile.py").write_text(FRAGILE)
    text = SHORT.split("search:")[0].replace("[minimax, lsgan]", "[{fragile: {weight: 1e-30}}]")
    text += "plugins: [fragile.py]\nsearch: {loss: {fragile: {weight: {choices: [1e-30, 1.0]}}}}\n"
    (tmp_path / "tuned.yaml").write_text(text)
    done = cli("run", "--suite", "tuned.yaml", "--search", 5, "--metric", "SW1", "--jobs", 1)
    assert done.code == 1, done.err
    (table,) = json.loads((tmp_path / "results" / "tuned+search" / "search.json").read_text())
    (row,) = table["rows"]
    status = {draw["draw"]: (draw["status"], draw["settings"]["loss.weight"]) for draw in row["draws"]}
    assert set(status.values()) == {("ok", 1e-30), ("failed", 1.0)}
    bad = [draw for draw in row["draws"] if draw["status"] == "failed"]
    assert {draw["counted"] for draw in bad} == {table["failed_counts_as"]}
    assert table["failed_counts_as"] >= max(draw["mean"] for draw in (row["default"], *row["draws"]) if draw["mean"])
    assert row["best_draw"] == min(number for number, (kind, _) in status.items() if kind == "ok")
    assert f"{len(bad)} of 5 draws failed and count as" in done.out
    assert "2 of 2 seeds diverged" in done.out
    assert row["trainings"] == 4  # two weights, two seeds: draws that agree share their runs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--suite", "small.yaml", "--search", "3"), "suite 'small' defines no ranges to search"),
        (("run", "--suite", "quick", "--search", "0"), "--search must be between 1 and 1000, got 0"),
        (("table", "--suite", "quick", "--search", "--results", "."), "no search 'quick+search'"),
        (("table", "--suite", "quick", "--search", "--format", "latex", "--results", "."), "not latex"),
    ],
)
def test_wrong_use_is_reported_in_a_sentence(here: Here, suite: Path, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        here(*arguments)
    assert said in str(caught.value)


def test_an_unknown_score_is_reported_before_anything_trains(here: Here, tmp_path: Path) -> None:
    (tmp_path / "tuned.yaml").write_text(SHORT)
    for more in ((), ("--dry-run",)):
        with pytest.raises(UsageError, match="no score 'mode' in this suite"):
            here("run", "--suite", "tuned.yaml", "--search", 2, "--metric", "mode", *more)
        assert not (tmp_path / "results" / "runs").exists()
