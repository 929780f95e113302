"""A suite on several machines: shards, merged folders, and the status over all of them."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from fabricate import Made, fabricate

from ganbench.api.suites import SuiteRequest, resolve
from ganbench.runner.sharding import Shard, shard_of

SUITE = """
about: three losses, as short as they can be
losses: [minimax, nonsaturating, {loss: hinge, label: hinge loss}]
architectures: [{mlp: {width: 8}}]
datasets: [ring8]
seeds: 2
train: {steps: 30, batch: 16}
evaluation: {samples: 400, real_samples: 400}
"""
COST = ("train_seconds", "images", "images_per_second", "peak_memory_bytes", "path", "device")
MADE = Made(losses=("minimax", "hinge"), architectures=("mlp",), images=(), seeds=5, pictures=False, failures=False)


@pytest.fixture
def suite(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(SUITE)
    return str(path)


def _tables(results: Path) -> dict[str, Any]:
    """The tables as they are, the columns of cost and origin apart."""
    folder = results / "tiny"
    found: dict[str, Any] = {"table.json": json.loads((folder / "table.json").read_text())}
    for row in found["table.json"]:
        del row["cost"]
    for name in ("table.csv", "runs.csv"):
        rows = list(csv.DictReader(io.StringIO((folder / name).read_text())))
        found[name] = [{key: row[key] for key in row if key.removeprefix("mean_") not in COST} for row in rows]
    found["table.tex"] = (folder / "table.tex").read_bytes()
    parts = (folder / "table.md").read_text().split("\n\n")
    found["table.md"] = [part for part in parts if "cost of a seed" not in part]
    assert len(found["table.md"]) == len(parts) - 1
    return found


def test_three_shards_merged_are_the_single_run(cli: Cli, tmp_path: Path, suite: str) -> None:
    one = ("--jobs", "1", "-q")
    assert cli("run", "--suite", suite, "--results", "single", *one).code == 0
    for k in (3, 1, 2):
        ran = cli("run", "--suite", suite, "--results", f"part{k}", "--shard", f"{k}/3", *one)
        assert ran.code == 0, ran.err
    half = cli("status", "part1", "part2")
    whole = cli("status", "part1", "part2", "part3", "--format", "json")
    assert (half.code, whole.code) == (1, 0)
    assert "6 runs: 4 done, 2 missing" in half.out
    assert json.loads(whole.out)["suites"][0]["states"] == {"done": 6}
    merged = cli("merge", "part1", "part2", "part3", "--to", "merged")
    assert merged.code == 0, merged.err
    assert "suite tiny: 6 of 6 runs ended" in merged.out
    assert _tables(tmp_path / "merged") == _tables(tmp_path / "single")
    plans = [(tmp_path / name / "tiny" / "plan.json").read_bytes() for name in ("single", "merged", "part2")]
    assert plans[0] == plans[1] == plans[2]
    weights = [
        {path.parent.name: path.read_bytes() for path in (tmp_path / name).glob("runs/*/weights.safetensors")}
        for name in ("single", "merged")
    ]
    assert weights[0] == weights[1]
    again = cli("run", "--suite", suite, "--results", "merged", "-q", "--dry-run")
    assert "2 done" in again.out
    assert "new" not in again.out
    back = cli("merge", "merged", "--to", "single")
    assert back.code == 0, back.err
    assert "0 runs and references added, 9 there before" in back.out


def test_every_shard_computes_the_same_split_by_weight(suite: str) -> None:
    resolved = resolve(SuiteRequest(suite))
    plan = resolved.expanded()
    for count in (1, 2, 3, 7):
        parts = [shard_of(plan, Shard(k, count), resolved.registry) for k in range(1, count + 1)]
        cells = [cell for part in parts for cell in part.cells]
        references = [one for part in parts for one in part.references]
        assert sorted(cells, key=plan.cells.index) == list(plan.cells)
        assert sorted(references, key=plan.references.index) == list(plan.references)
        sizes = [len(part.cells) for part in parts]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("shard", "said"), [
    ("4/3", "K from 1 to N"), ("0/3", "K from 1 to N"), ("1", "K from 1 to N"), ("-1/2", "K from 1 to N"),
    ("9/9", "use fewer shards"),
])  # fmt: skip
def test_a_shard_that_cannot_be_is_one_sentence(inside: Cli, suite: str, shard: str, said: str) -> None:
    ran = inside("run", "--suite", suite, "--dry-run", "--shard", shard)
    assert ran.code == 2
    assert said in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def _split(root: Path) -> tuple[Path, Path]:
    """Made-up results in two folders, half of the runs in each."""
    fabricate(root / "a", MADE)
    shutil.copytree(root / "a", root / "b")
    for i, path in enumerate(sorted((root / "a" / "runs").iterdir())):
        shutil.rmtree(root / ("a" if i % 2 else "b") / "runs" / path.name)
    return root / "a", root / "b"


def _files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*")
            if path.is_file() and path.name != ".lock"}  # fmt: skip


def test_a_merge_is_whole_or_nothing_and_again_changes_nothing(inside: Cli, tmp_path: Path) -> None:
    a, b = _split(tmp_path)
    assert inside("merge", "a", "b", "--to", "m").code == 0
    first = _files(tmp_path / "m")
    assert {name for name in _files(a) | _files(b) if name.startswith(("runs/", "references/"))} <= first.keys()
    assert inside("merge", "a", "b", "--to", "m").code == 0
    assert inside("merge", "b", "a", "--to", "m").code == 0
    assert _files(tmp_path / "m") == first
    assert inside("merge", "m", "--to", "m").code == 2


def _other_score(path: Path) -> None:
    """The scores of a run with another value, sealed again."""
    from ganbench.files import sealed

    content = json.loads(path.read_text())
    content.pop("seal")
    content["metrics"]["HQ"] = 0.123
    path.write_text(json.dumps(sealed(content), indent=1) + "\n")


def test_other_content_under_one_id_is_refused_by_name(inside: Cli, tmp_path: Path) -> None:
    fabricate(tmp_path / "a", MADE)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    path = next(iter(sorted((tmp_path / "b").glob("runs/*/scores/*.json"))))
    _other_score(path)
    ran = inside("merge", "a", "b", "--to", "m")
    assert ran.code == 2
    assert f"run {path.parent.parent.name} (" in ran.err
    assert "seed" in ran.err
    assert not list((tmp_path / "m").glob("*/*"))


@pytest.mark.parametrize("way", ["record", "picture", "link", "linked run", "path"])
def test_damage_and_links_are_refused_and_nothing_is_written(inside: Cli, tmp_path: Path, way: str) -> None:
    fabricate(tmp_path / "a", MADE)
    run = sorted((tmp_path / "a" / "runs").iterdir())[0]
    if way == "record":
        (run / "record.json").write_text("{")
    elif way == "picture":
        (run / "history.csv").write_text("step\n1\n")
    elif way == "link":
        shutil.move(run / "history.csv", tmp_path / "elsewhere.csv")
        (run / "history.csv").symlink_to(tmp_path / "elsewhere.csv")
    elif way == "linked run":
        shutil.move(run, tmp_path / "elsewhere")
        run.symlink_to(tmp_path / "elsewhere")
    else:
        shutil.rmtree(run / "scores")
        (run / "scores").symlink_to(tmp_path / "a" / "references")
    ran = inside("merge", "a", "--to", "m")
    assert ran.code == 4, ran.err
    assert str(run.name) in ran.err
    assert not list((tmp_path / "m").glob("*/*"))


def test_a_run_that_failed_gives_way_to_one_that_did_not(inside: Cli, tmp_path: Path) -> None:
    made = Made(losses=("minimax", "hinge"), architectures=("mlp",), images=(), seeds=5, pictures=False)
    fabricate(tmp_path / "failed", made)
    fabricate(tmp_path / "fine", MADE)
    shutil.rmtree(tmp_path / "fine" / "references")
    said = inside("status", "failed")
    assert said.code == 1
    assert "failed" in said.out
    counts = Counter(path.parent.name for path in tmp_path.glob("*/runs/*/record.json"))
    assert max(counts.values()) == 2
    ran = inside("merge", "fine", "--to", "failed")
    if ran.code == 2:  # a diverged run is a result, which no other replaces
        assert "has other content" in ran.err
        diverged = json.loads(inside("runs", "--status", "diverged", "--format", "json", "--results", "failed").out)
        for one in diverged:
            shutil.rmtree(tmp_path / "failed" / "runs" / one["id"])
        ran = inside("merge", "fine", "--to", "failed")
    assert ran.code == 0, ran.err
    assert "replaced that had failed" in ran.out
    assert inside("status", "failed").code == 0


@pytest.mark.parametrize(("code", "requeued"), [(0, ""), (1, ""), (143, "requeue 7_2\n")])
def test_the_slurm_recipe_runs_its_shard_and_requeues_what_was_ended(tmp_path: Path, code: int, requeued: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "many-machines.md").read_text()
    script = page.partition('title="losses.sbatch"\n')[2].partition("```")[0]
    (tmp_path / "job").write_text(script)
    stubs = {
        "srun": 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"',
        "ganbench": f'echo "$@" > {tmp_path}/asked; exit {code}',
        "scontrol": f'echo "$@" > {tmp_path}/requeued',
    }
    for name, text in stubs.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    slurm = {"ARRAY_TASK_ID": "2", "ARRAY_TASK_COUNT": "8", "CPUS_PER_TASK": "4", "JOB_ID": "7_2", "SUBMIT_DIR": "/s"}
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin", **{f"SLURM_{key}": value for key, value in slurm.items()}}
    done = subprocess.run(["bash", tmp_path / "job"], env=variables, check=False, capture_output=True)
    assert done.returncode == code, done.stderr
    asked = "run --suite losses --quiet --shard 2/8 --results /s/parts/2 --jobs 4\n"
    assert (tmp_path / "asked").read_text() == asked
    told = tmp_path / "requeued"
    assert (told.read_text() if told.exists() else "") == requeued
