"""From nothing to a published table with a loss of one's own: new, one line changed, check, run, publish."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli

LINE = "return softplus(-critic.fake).mean()  # change this line: what G minimizes"
FEW = ("--set", "train.steps=20", "--set", "evaluation.samples=1200", "--set", "evaluation.real_samples=1200")


@pytest.mark.slow
def test_a_loss_of_ones_own_stands_in_a_published_table(cli: Cli, tmp_path: Path) -> None:
    assert cli("new", "loss", "my-loss").code == 0
    file = tmp_path / "my_loss.py"
    assert file.read_text().count(LINE) == 1
    file.write_text(file.read_text().replace(LINE, "return -critic.fake.mean()"))
    checked = cli("check", "my_loss.py")
    assert (checked.code, "loss my-loss: ok" in checked.out) == (0, True)
    ran = cli("run", "--suite", "quick", "--plugin", "my_loss.py", "--add", "loss=my-loss", "--seeds", "0-1", *FEW)
    assert ran.code in (0, 1), ran.err
    assert "my-loss x mlp" in ran.out
    (name,) = (path.name for path in (tmp_path / "results").iterdir() if path.name.startswith("quick"))
    published = cli("publish", "--suite", name, "--plugin", "my_loss.py", "--to", "site")
    assert published.code == 0, published.err
    assert "my-loss" in (tmp_path / "site" / name / "table.md").read_text()
