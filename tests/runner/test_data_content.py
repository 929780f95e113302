"""What a dataset holds is part of a run: other content is another run, and no table averages two contents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli
from running import read_records

PLUGIN = '''
from dataclasses import dataclass
from pathlib import Path

import torch

from ganbench import Data, MissingError, hookimpl, location
from ganbench_datasets.mixtures import Ring8


@dataclass(frozen=True)
class Stored(Ring8):
    """Points of a file."""

    root: str = location("points")
    fingerprint = property()

    def __getattribute__(self, name):
        if name == "fingerprint":
            raise AttributeError(name)
        return super().__getattribute__(name)

    def load(self, split):
        path = Path(self.root) / f"{split}.pt"
        if not path.is_file():
            raise MissingError(f"no file {path}; write it with torch.save")
        return Data(torch.load(path))


@hookimpl
def register_datasets():
    return {"stored": Stored}
'''
SUITE = """
losses: [minimax]
architectures: [mlp]
plugins: [stored.py]
datasets: [{stored: {root: POINTS}}]
seeds: 2
train: {steps: 20, batch: 32, lr: 2e-3}
evaluation: {samples: 1000, real_samples: 1000, metrics: [modes, sliced-wasserstein]}
"""


def _write_points(folder: Path, scale: float) -> None:
    import torch

    folder.mkdir(exist_ok=True)
    for seed, (split, count) in enumerate({"train": 4000, "test": 1000}.items()):
        stream = torch.Generator().manual_seed(seed)
        torch.save(scale * torch.randn(count, 2, generator=stream), folder / f"{split}.pt")


@pytest.fixture
def points(tmp_path: Path) -> Path:
    (tmp_path / "stored.py").write_text(PLUGIN)
    (tmp_path / "s.yaml").write_text(SUITE.replace("POINTS", str(tmp_path / "points")))
    return tmp_path / "points"


def test_other_content_under_the_same_path_is_another_run(inside: Cli, points: Path, tmp_path: Path) -> None:
    missing = inside("run", "--suite", "s.yaml")
    assert (missing.code, "no file" in missing.err) == (3, True)
    dry = inside("run", "--suite", "s.yaml", "--dry-run")
    assert (dry.code, "Data are missing" in dry.out) == (0, True)
    _write_points(points, 1.0)
    first = inside("run", "--suite", "s.yaml")
    assert first.code == 0, first.err
    assert "2 new" in first.err
    _write_points(points, 5.0)
    second = inside("run", "--suite", "s.yaml", "--seeds", "0-2")
    assert "0 runs done, 3 new" in second.err
    assert "not shown: 2 earlier runs of other data" in second.err
    records = read_records(tmp_path / "results")
    assert len(records) == 5
    contents = {record["spec"]["dataset"]["content"] for record in records.values()}
    assert len(contents) == 2
    (row,) = (row for row in json.loads(inside("table", "--suite", "s", "--format", "json").out)
              if row["kind"] == "variant")  # fmt: skip
    assert (row["n_ok"], row["n"]) == (3, 3)
    earlier = inside("table", "--suite", "s", "--earlier", "--format", "json")
    (old,) = (row for row in json.loads(earlier.out) if row["kind"] == "variant")
    assert (old["n_ok"], old["dataset"][:13]) == (2, "stored (data ")
    assert not set(old["scores"]["SW1"]["values"]) & set(row["scores"]["SW1"]["values"])
    _write_points(points, 1.0)
    third = inside("run", "--suite", "s.yaml")
    assert "2 runs done, 0 new" in third.err
