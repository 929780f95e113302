"""The guide to one's own pictures: its suite file is run as it stands, on pictures that are made up."""

from __future__ import annotations

import json
import re
from math import isfinite
from pathlib import Path

import numpy as np
import pytest
from conftest import Cli
from PIL import Image

PAGE = (Path(__file__).parent.parent.parent / "docs" / "own-pictures.md").read_text()
(SUITE,) = re.findall(r'```yaml title="pictures.yaml"\n(.*?)```', PAGE, re.DOTALL)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """The suite file, and 90 pictures of two classes beside it."""
    noise = np.random.default_rng(0)
    for i in range(90):
        path = tmp_path / "pictures" / ("cats" if i % 2 else "dogs") / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        color = noise.integers(0, 256, (1, 1, 3)) + noise.integers(-40, 40, (40, 50, 3))
        Image.fromarray(color.clip(0, 255).astype(np.uint8)).save(path)
    (tmp_path / "pictures.yaml").write_text(SUITE)
    return tmp_path


def test_the_suite_has_at_most_ten_lines_and_its_plan_is_as_quoted(pictures: Path, inside: Cli) -> None:
    assert len(SUITE.splitlines()) <= 10
    (quoted,) = re.findall(r"--dry-run\n(suite pictures: .*?)```", PAGE, re.DOTALL)
    done = inside("run", "--suite", "pictures.yaml", "--dry-run")
    assert done.code == 0, done.err
    assert done.out.startswith(quoted), done.out


@pytest.mark.slow
def test_the_suite_trains_and_scores_pictures_offline(pictures: Path, cli: Cli) -> None:
    done = cli(
        "run", "--suite", "pictures.yaml", "--seeds", "0", "--filter", "loss=hinge", "--set", "train.steps=2",
        "--set", "architecture.width=4", "--set", "evaluation.samples=60",
    )  # fmt: skip
    assert done.code == 0, done.err
    name = "pictures+train.steps=2+architecture.width=4+evaluation.samples=60"
    rows = json.loads(cli("table", "--suite", name, "--format", "json").out)
    (variant,) = [row for row in rows if row["kind"] == "variant" and row["n_ok"]]
    assert len(variant["scores"]) == 8
    assert all(isfinite(score["mean"]) for score in variant["scores"].values())
    assert "KID[efficientnet-lite0]" in variant["scores"]
    record = json.loads(next((pictures / "results" / "runs").glob("*/record.json")).read_text())
    assert "pictures" not in json.dumps(record["spec"]["dataset"]["params"])
