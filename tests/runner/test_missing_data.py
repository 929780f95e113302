"""Data that are not there: fetched if the dataset can, else said with what to do, and no other dataset suffers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Cli

FETCHING = '''
from dataclasses import dataclass
from pathlib import Path
import torch
from ganbench import Data, MissingError, hash_files, hookimpl, location


@dataclass(frozen=True)
class Stored:
    """Points from a file."""

    root: str = location("points")
    download: bool = location(False)
    shape = (2,)
    modes = None
    extractor = "plain"
    metrics = ("sliced-wasserstein",)

    def fingerprint(self):
        return hash_files(self.root)

    def prepare(self):
        if not Path(self.root).exists():
            if not self.download:
                raise MissingError(f"there are no points in {self.root}; fetch them with 'download: true'")
            Path(self.root).mkdir()
            Path(self.root, "seed.txt").write_text("3")

    def load(self, split):
        seed = int(Path(self.root, "seed.txt").read_text()) + (split == "test")
        return Data(torch.randn(500, 2, generator=torch.Generator().manual_seed(seed)))


class Plain:
    """The points themselves."""

    dims = 2
    canonical = True
    gives = ()

    def fingerprint(self): return "1"

    def open(self, dataset, device):
        from ganbench import Features
        return Features


@hookimpl
def register_datasets(): return {"stored": Stored}


@hookimpl
def register_extractors(): return {"plain": Plain}
'''


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(FETCHING)
    path = tmp_path / "s.yaml"
    path.write_text(
        "losses: [minimax]\narchitectures: [mlp]\nplugins: [mine.py]\ndatasets: [ring8, stored]\nseeds: 1\n"
        "train: {steps: 3, batch: 8}\nevaluation: {samples: 300, real_samples: 300}\n"
    )
    return path


@pytest.mark.slow
def test_missing_data_end_a_run_with_what_to_do_and_can_be_fetched(cli: Cli, tmp_path: Path, suite: Path) -> None:
    asked = ("run", "--suite", suite.name, "--filter", "dataset=stored", "--jobs", 1)
    done = cli(*asked)
    assert (done.code, done.out) == (3, "")
    assert "there are no points in points; fetch them with 'download: true'" in done.err
    assert not (tmp_path / "results" / "runs").exists()
    done = cli(*asked, "--set", "dataset.download=true")
    assert done.code == 2  # only one of the datasets has this hyperparameter
    suite.write_text(suite.read_text().replace("stored]", "{stored: {download: true}}]"))
    done = cli(*asked)
    assert done.code == 0, done.err
    assert (tmp_path / "points" / "seed.txt").exists()


@pytest.mark.slow
def test_datasets_that_are_not_asked_for_may_be_missing(cli: Cli, tmp_path: Path, suite: Path) -> None:
    done = cli("run", "--suite", suite.name, "--filter", "dataset=ring8", "--jobs", 1)
    assert done.code == 0, done.err
    shown = cli("table", "--suite", suite.name)
    assert "its data are not on this machine" in shown.out
    (tmp_path / "points").mkdir()
    (tmp_path / "points" / "seed.txt").write_text("3")
    done = cli("run", "--suite", suite.name, "--filter", "dataset=stored", "--jobs", 1)
    assert done.code == 0, done.err
    assert "## stored" in cli("table", "--suite", suite.name).out
    (tmp_path / "points").rename(tmp_path / "elsewhere")
    assert cli("run", "--suite", suite.name, "--filter", "dataset=ring8").code == 0
    shown = cli("table", "--suite", suite.name)
    assert "## stored" in shown.out  # what was measured stays in the table
    assert "not on this machine" not in shown.out


def test_a_file_that_a_plugin_does_not_find_is_missing_data(inside: Cli, tmp_path: Path, suite: Path) -> None:
    (tmp_path / "mine.py").write_text(
        FETCHING.replace("def fingerprint(self):\n        return hash", "def other(self):\n        return hash")
    )
    (tmp_path / "points").mkdir()
    done = inside("run", "--suite", suite.name, "--filter", "dataset=stored")
    assert done.code == 3, done.err
    assert "dataset 'stored'.load did not find 'points/seed.txt'" in done.err
    assert "put it there, or set the place where the plugin looks for it" in done.err
    assert inside("run", "--suite", suite.name, "--dry-run").code == 0


def test_a_dry_run_knows_the_runs_whose_data_are_there_and_names_all_missing_data(inside: Cli, suite: Path) -> None:
    suite.write_text(suite.read_text().replace("stored]", "stored, {stored: {root: there}}, {stored: {root: gone}}]"))
    (suite.parent / "there").mkdir()
    (suite.parent / "there" / "seed.txt").write_text("3")
    done = inside("run", "--suite", suite.name, "--dry-run")
    assert done.code == 0, done.err
    states = re.findall(r"minimax x mlp x (\S+) +1 seed: 1 (\w+);", done.out)
    assert [state for _, state in states] == ["new", "unknown", "new", "unknown"]
    told = re.findall(r"^Data are missing, so their runs have no ids and no state yet: (.+)$", done.out, re.MULTILINE)
    assert ["points" in told[0], "gone" in told[1], len(told)] == [True, True, 2]
    assert "4 runs in 4 cells" in done.out
