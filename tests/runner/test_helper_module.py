"""A plugin of two files, from the command line: editing either gives new runs, in any folder the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli
from running import read_records

LOSSY = """
import sys; from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent))
import helper
from ganbench import hookimpl
class Mine:
    '''Hinge loss scaled by a constant of a helper file.'''
    def d_loss(self, critic): return helper.SCALE * ((1 - critic.real).relu().mean() + (1 + critic.fake).relu().mean())
    def g_loss(self, critic): return -helper.SCALE * critic.fake.mean()
@hookimpl
def register_losses(): return {"mine": Mine}
"""
SUITE = """
about: tiny
plugins: [lossy.py]
losses: [mine]
architectures: [mlp]
datasets: [ring8]
seeds: 1
train: {steps: 30, batch: 32}
evaluation: {samples: 500, real_samples: 500}
"""


def _case(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "helper.py").write_text("SCALE = 1.0\n")
    (folder / "lossy.py").write_text(LOSSY)
    (folder / "mine.yaml").write_text(SUITE)


def _weights(results: Path) -> dict[str, bytes]:
    return {
        run_id: (results / "runs" / run_id / "weights.safetensors").read_bytes() for run_id in read_records(results)
    }


@pytest.mark.slow
def test_editing_a_helper_gives_new_runs_and_the_same_ones_in_a_fresh_folder(cli: Cli, tmp_path: Path) -> None:
    _case(tmp_path)
    run = ("run", "--suite", "mine.yaml", "--jobs", "1", "--results")
    assert cli(*run, "r").code == 0
    (before,) = _weights(tmp_path / "r")
    done = cli(*run, "r", "--dry-run")
    assert "1 done" in done.out, done.out + done.err
    (tmp_path / "helper.py").write_text("SCALE = 50.0\n")
    assert "1 new" in cli(*run, "r", "--dry-run").out
    (tmp_path / "lossy.py").write_text(LOSSY.replace("import helper\n", "from . import helper\n"))
    assert "1 new" in cli(*run, "r", "--dry-run").out
    (tmp_path / "lossy.py").write_text(LOSSY)
    again = cli(*run, "r")
    assert (again.code, "0 runs done, 1 new" in again.err) == (0, True), again.err
    _case(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "helper.py").write_text("SCALE = 50.0\n")
    assert cli("run", "--suite", "elsewhere/mine.yaml", "--jobs", "1", "--results", "fresh").code == 0
    both, fresh = _weights(tmp_path / "r"), _weights(tmp_path / "fresh")
    assert set(both) == {before, *fresh}
    assert len(both) == 2
    (after,) = fresh
    assert both[after] == fresh[after] != both[before]
    refused = cli("replay", before, "--results", "r", "--plugin", "lossy.py")
    assert refused.code == 2
    assert "loss:mine: the record's code version is" in refused.err


def test_a_helper_that_is_edited_while_the_suite_runs_fails_the_cell(cli: Cli, tmp_path: Path) -> None:
    _case(tmp_path)
    edit = "import helper\nfrom pathlib import Path\nPath(helper.__file__).write_text('SCALE = 2.0')\n"
    (tmp_path / "editor.py").write_text(edit + LOSSY.partition("import helper\n")[2].replace("mine", "other"))
    (tmp_path / "mine.yaml").write_text(SUITE.replace("[lossy.py]", "[lossy.py, editor.py]"))
    done = cli("run", "--suite", "mine.yaml", "--jobs", "1", "--results", "r")
    assert done.code == 1
    (record,) = read_records(tmp_path / "r").values()
    assert "lossy.py changed while the suite ran; run it again" in record["reason"]
