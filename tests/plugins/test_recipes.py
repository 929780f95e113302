"""The suites of published recipes for CIFAR-10: what they plan, and that they train on files in CIFAR-10's format."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Cli

from ganbench.registry.registry import Registry
from ganbench.registry.schedules import Schedule
from ganbench.suite.expand import expand
from ganbench.suite.load import load
from ganbench.suite.specs import Cell, Plan

SUITES = Path(__file__).parents[2] / "plugins" / "ganbench_suites"
ROWS = {
    "cifar10-r3gan": ["R3GAN loss x r3gan"],
    "cifar10-collections": [
        "DCGAN x cnn32",
        "WGAN x cnn32",
        "WGAN-GP x cnn32",
        "SNGAN x cnn32",
        "WGAN-GP x resnet",
        "SNGAN x resnet",
    ],
    "cifar10-mimicry": ["SNGAN x resnet", "WGAN-GP x resnet", "cGAN-PD x resnet"],
}
SMALL = {
    "cifar10-r3gan": ["architecture.width=8", "architecture.group=8", "architecture.blocks=1"],
    "cifar10-collections": ["architecture.width=2"],
    "cifar10-mimicry": ["architecture.width=1"],
}
"""Hyperparameters with which a CPU trains 50 steps in seconds."""
MADE = '''
from dataclasses import dataclass
from typing import ClassVar

from torch.nn.functional import avg_pool2d
from torchvision import datasets

from ganbench import Features, hookimpl
from ganbench_datasets.torchvision_sets import Cifar10


class Reader(datasets.CIFAR10):
    train_list = {train}
    test_list = {test}
    meta = {meta}


@dataclass(frozen=True)
class MadeCifar10(Cifar10):
    """Files in CIFAR-10's format with made pictures."""

    root: str = {root!r}
    reader = Reader
    extractor = "pixels"
    metrics = ("mean",)


class Pixels:
    """Means over squares of 8."""

    dims, canonical, gives = 48, False, ()

    def fingerprint(self):
        return "exact"

    def open(self, dataset, device):
        return lambda images: Features(avg_pool2d(images, 8).flatten(1))


class Mean:
    """Distance between mean features."""

    better, uses_extractor = {{"mean distance": "lower"}}, True

    def __call__(self, real, fake):
        return {{"mean distance": (real.features.mean(0) - fake.features.mean(0)).norm().item()}}


@hookimpl
def register_datasets():
    return {{"made-cifar10": MadeCifar10}}


@hookimpl
def register_extractors():
    return {{"pixels": Pixels}}


@hookimpl
def register_metrics():
    return {{"mean": Mean}}
'''


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with CIFAR-10's files, 20 pictures each, and a plugin file that reads them under their own checksums."""
    folder, rng = tmp_path / "cifar-10-batches-py", np.random.default_rng(0)
    folder.mkdir()
    sums = {}
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        pixels = rng.integers(0, 256, (20, 3072), dtype=np.uint8)
        content = {"data": pixels, "labels": [*range(10)] * 2, "batch_label": name, "filenames": []}
        (folder / name).write_bytes(pickle.dumps(content))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": [str(i) for i in range(10)]}))
    sums = {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    train = [[name, sum_] for name, sum_ in sorted(sums.items()) if name.startswith("data")]
    meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
    test = [["test_batch", sums["test_batch"]]]
    (tmp_path / "made.py").write_text(MADE.format(train=train, test=test, meta=meta, root=str(tmp_path)))
    return tmp_path


def _plan(name: str) -> Plan:
    return expand(load(SUITES / f"{name}.yaml"), Registry.load())


def _cells(name: str) -> dict[str, Cell]:
    return {cell.variant.title: cell for cell in _plan(name).cells}


@pytest.mark.parametrize("name", ROWS)
def test_a_recipe_is_planned_without_the_data(name: str, inside: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench_architectures.spectral.START", 1)  # what is counted is a step
    done = inside("run", "--suite", name, "--dry-run")
    assert done.code == 0, done.err
    for row in ROWS[name]:
        assert f"{row} x cifar10" in done.out
    assert "CIFAR10 cannot be read" in done.out
    assert re.search(r"needs: at least [\d,]+ days of training on one core, .* GiB for .*; a GPU is advised", done.out)
    left_out = "DCGAN x resnet x cifar10, WGAN x resnet x cifar10 (the suite excludes it)"
    assert done.out.count("not applicable") == done.out.count(left_out) == (name == "cifar10-collections")


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_a_recipe_trains_on_files_of_cifars_format(name: str, cli: Cli, made: Path) -> None:
    text = (SUITES / f"{name}.yaml").read_text()
    changed = text.replace("datasets: [cifar10]", "datasets: [made-cifar10]\nplugins: [made.py]")
    assert changed != text
    (made / "small.yaml").write_text(changed)
    sets = ["train.steps=50", "train.batch=8", "evaluation.samples=20", "evaluation.metrics=[mean]",
            "evaluation.snapshots=0", *SMALL[name]]  # fmt: skip
    given = [word for one in sets for word in ("--set", one)]
    done = cli("run", "--suite", "small.yaml", "--seeds", 1, *given, timeout=500)
    assert done.code == 0, done.out + done.err
    runs = [json.loads(path.read_text()) for path in made.glob("results/runs/*/record.json")]
    assert len(runs) == len(ROWS[name])
    assert all(run["failure"] is None for run in runs)


def _value(number: Any, images: float, cell: Cell) -> float:
    """A number of a spec after so many real images of D's moves."""
    assert isinstance(number, Schedule)
    train = cell.spec.train
    return number.at(round(images / train.batch), train.steps)


def test_r3gans_numbers_move_over_20_million_images() -> None:
    (cell,) = _cells("cifar10-r3gan").values()
    train, parts = cell.spec.train, {part.name: part for part in cell.spec.loss}
    assert train.steps * train.batch == pytest.approx(250e6, rel=1e-4)
    assert train.n_dis == 1
    assert cell.spec.architecture.params["conditional"] is True
    assert (train.d, train.g.optimizer, train.d.betas[0]) == (train.g, "adam", 0)
    gammas = [parts[name].schedules()["gamma"] for name in ("r1", "r2")]
    (strength,) = [one.schedules()["p"] for one in cell.spec.transforms if one.name == "augment"]
    # the published program: final + (base - final) (1 + cos(pi n / N)) / 2, with N = 20 million images, then the final
    for images, share in ((0, 0.0), (5e6, 0.1464466), (10e6, 0.5), (20e6, 1.0), (200e6, 1.0)):
        assert _value(train.d.lr, images, cell) == pytest.approx(2e-4 + share * (5e-5 - 2e-4), rel=1e-3)
        assert _value(train.d.betas[1], images, cell) == pytest.approx(0.9 + share * 0.09, rel=1e-3)
        assert _value(train.ema_half_life, images, cell) == pytest.approx(share * 5e6, rel=1e-3, abs=1)
        assert _value(strength, images, cell) == pytest.approx(share * 0.55, rel=1e-3, abs=1e-9)
        for gamma in gammas:
            assert _value(gamma, images, cell) == pytest.approx(0.05 + share * (0.005 - 0.05), rel=1e-3)


NETWORKS: Mapping[tuple[str, str], Mapping[str, object]] = {
    ("cifar10-collections", "DCGAN x cnn32"): {"network": "dcgan", "spectral_norm": "none", "latent": 100},
    ("cifar10-collections", "WGAN x cnn32"): {"network": "sngan", "spectral_norm": "none", "latent": 100},
    ("cifar10-collections", "WGAN-GP x cnn32"): {"network": "sngan", "spectral_norm": "none", "latent": 100},
    ("cifar10-collections", "SNGAN x cnn32"): {"network": "sngan", "spectral_norm": "d", "latent": 100},
    ("cifar10-collections", "WGAN-GP x resnet"): {
        "spectral_norm": "none",
        "pool": "sum",
        "upsample": "nearest",
        "latent": 128,
    },
    ("cifar10-collections", "SNGAN x resnet"): {
        "spectral_norm": "d",
        "pool": "sum",
        "upsample": "nearest",
        "latent": 128,
    },
    ("cifar10-mimicry", "WGAN-GP x resnet"): {
        "spectral_norm": "none",
        "pool": "mean",
        "upsample": "bilinear",
        "conditional": False,
    },
    ("cifar10-mimicry", "SNGAN x resnet"): {
        "spectral_norm": "d",
        "pool": "sum",
        "upsample": "bilinear",
        "conditional": False,
    },
    ("cifar10-mimicry", "cGAN-PD x resnet"): {
        "spectral_norm": "d",
        "pool": "sum",
        "upsample": "bilinear",
        "conditional": True,
    },
}


@pytest.mark.parametrize(("suite", "row"), NETWORKS)
def test_each_row_has_its_own_networks_and_settings(suite: str, row: str) -> None:
    cell, registry = _cells(suite)[row], Registry.load()
    loss, network = cell.variant.texts
    made = registry.create("architecture", cell.spec.architecture)
    assert {name: getattr(made, name) for name in NETWORKS[suite, row]} == NETWORKS[suite, row]
    train = cell.spec.train
    batch, n_dis = (128, 1) if network == "cnn32" else (64, 5)
    assert (train.steps, train.batch, train.n_dis, train.averaged) == (100_000, batch, n_dis, False)
    assert train.d == train.g
    assert train.d.betas == ((0.5, 0.9) if loss == "DCGAN" else (0.0, 0.9))
    assert [_value(train.d.lr, images * batch, cell) for images in (0, 50_000)] == pytest.approx([2e-4, 1e-4])
    assert cell.spec.composition == {
        "DCGAN": "nonsaturating", "WGAN": "wasserstein + weight-clipping", "WGAN-GP": "wasserstein + gradient-penalty",
    }.get(loss, "hinge")  # fmt: skip
