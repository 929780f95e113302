"""The dataset `huggingface` without its package, and settings that do not fit together."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

from ganbench.registry.registry import Registry
from ganbench_datasets import hub_download
from ganbench_datasets.huggingface import HuggingFace

SUITE = """
losses: [minimax]
architectures: [mlp]
datasets: [{huggingface: {path: x.parquet}}]
train: {steps: 1}
evaluation: {metrics: [spread], samples: 10}
"""


def _absent(name: str) -> str:
    raise PackageNotFoundError(name)


def test_a_missing_or_old_package_ends_a_run_before_anything_trains(
    inside: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s.yaml").write_text(SUITE)
    (tmp_path / "x.parquet").write_bytes(b"any content")
    monkeypatch.setattr(hub_download, "version", _absent)
    done = inside("run", "--suite", "s.yaml")
    assert done.code == 3, done.err
    assert done.err.endswith(
        "\nganbench: dataset 'huggingface' needs the package datasets: pip install 'ganbench[hf]'\n"
    )
    monkeypatch.setattr(hub_download, "version", lambda _: "3.6.0")
    done = inside("run", "--suite", "s.yaml")
    assert done.code == 3
    assert "needs datasets 4 or newer, and 3.6.0 is installed: pip install --upgrade 'ganbench[hf]'" in done.err
    assert not (tmp_path / "results" / "runs").exists()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"path": ""}, "set 'path' to Parquet files, a folder that save_to_disk wrote, or hf://datasets/user/set"),
        (
            {"path": "https://somewhere/x.parquet"},
            "path must be a file, a folder or a set such as hf://datasets/user/s",
        ),
        ({"path": "hf://datasets/../x"}, "path must be a file, a folder or a set such as"),
        ({"path": "hf://datasets/"}, "path must be a file, a folder or a set such as"),
        ({"path": "x.parquet", "revision": "main"}, "revision is only for a set of the hub"),
        ({"path": "x", "train": "a", "test": "a"}, "train and test must be two splits, got 'a' for both"),
        ({"path": "x", "label": "a", "labels": False}, "label names the column of the labels, but labels is false"),
        ({"path": "x", "test_share": 1.0}, "test_share must be above 0 and below 1"),
        ({"path": "x", "fit": "cut"}, "fit must be crop or pad, got 'cut'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        HuggingFace(**settings)


def test_the_place_of_the_data_is_no_part_of_a_run(registry: Registry) -> None:
    chosen = registry.choose("dataset", "huggingface", {"path": "a/b.parquet", "label": "kind", "download": True})
    other = registry.choose("dataset", "huggingface", {"path": "hf://datasets/user/set", "label": "kind"})
    assert other.identity() == chosen.identity()
    assert chosen.places == {"path": "a/b.parquet", "download": True}
