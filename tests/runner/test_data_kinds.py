"""Bytes, memory maps and subsets of training samples: the same scores as of floats, and one copy in a worker."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from conftest import Cli

from ganbench.evaluation.data_contract import check_data
from ganbench.evaluation.splits import Splits
from ganbench.registry.contracts import Data, View, floats
from ganbench.registry.registry import Registry, WrongHyperparameter
from ganbench.results.records import Record
from ganbench.results.store import Store
from ganbench_datasets.digits import Digits

PLUGIN = '''
import os
from dataclasses import dataclass
from pathlib import Path
import numpy as np
import torch
from ganbench import Data, Features, hookimpl

@dataclass(frozen=True)
class Pictures:
    """The same 300 images in one of three forms."""

    form: str = "bytes"
    shape = (3, 8, 8)
    modes = None
    extractor = "pool"
    metrics = ("fid", "spread", "memorisation")

    def load(self, split):
        with Path(__file__).with_name("loads").open("a") as log:
            log.write(f"{os.getpid()} {self.form} {split}\\n")
        generator = torch.Generator().manual_seed(1 if split == "train" else 2)
        x = torch.randint(0, 256, (300 if split == "train" else 100, 3, 8, 8), generator=generator, dtype=torch.uint8)
        if self.form == "floats":
            return Data(x.float() / 127.5 - 1)
        if self.form == "map":
            path = Path(__file__).with_name(f"{split}.bin")
            if not path.exists():
                path.write_bytes(x.numpy().tobytes())
            return Data(torch.from_numpy(np.memmap(path, dtype=np.uint8, mode="c", shape=tuple(x.shape))))
        return Data(x)

    def fingerprint(self):
        return "the-same"


class Pool:
    """Channel means and deviations."""

    dims = 6
    canonical = False
    gives = ()

    def fingerprint(self): return "p1"
    def open(self, dataset, device):
        return lambda x: Features(torch.cat([x.mean((2, 3)), x.std((2, 3))], 1))


@hookimpl
def register_datasets(): return {"pictures": Pictures}


@hookimpl
def register_extractors(): return {"pool": Pool}
'''

SUITE = """
about: one set of images in three forms
plugins: [pictures.py]
losses: [nonsaturating]
architectures: [{mlp: {width: 16, depth: 1}}]
datasets: [pictures, {pictures: {form: floats}}, {pictures: {form: map}}, {pictures: {subset: 40}}]
seeds: 1
train: {steps: 60, batch: 32, lr: 1e-3}
evaluation: {samples: 200, real_samples: 0}
"""


@pytest.mark.slow
def test_bytes_and_maps_score_as_floats_do_and_are_loaded_once(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "pictures.py").write_text(PLUGIN)
    (tmp_path / "s.yaml").write_text(SUITE)
    done = inside("run", "--suite", "s.yaml", "--jobs", "1")
    assert done.code == 0, done.err
    records = [one for one in Store(tmp_path / "results").all_runs() if isinstance(one, Record)]
    scores = {(one.spec.dataset.params["form"], one.spec.dataset.params.get("subset")): one for one in records}
    whole = [scores[form, None].evaluation.metrics for form in ("bytes", "floats", "map")]
    assert "FID[pool]" in whole[0]
    assert whole[0] == whole[1] == whole[2]
    few = scores["bytes", 40].evaluation
    assert few.metrics["FID[pool]"] != whole[0]["FID[pool]"]
    assert {card.real_samples for card in few.cards.values()} == {300}  # the real side stays whole
    assert "pictures(subset=40)" in done.err
    loads = Counter((tmp_path / "loads").read_text().splitlines())
    parent = {line.split()[0] for line, times in loads.items() if times > 1}  # checks each split twice
    assert len(parent) == 1
    assert {line.split()[1] for line in loads if line.split()[0] not in parent} == {"bytes", "floats", "map"}


def test_a_subset_is_fixed_and_shared(registry: Registry) -> None:
    choice = registry.choose("dataset", "digits", {"subset": 100})
    assert choice.text == "digits(subset=100)"
    assert choice.identity() != registry.choose("dataset", "digits", {}).identity()
    assert registry.choose("dataset", "digits", {"subset": 0}) == registry.choose("dataset", "digits", {})
    splits = Splits(registry.create("dataset", choice), registry.subset(choice))
    data, whole = splits.training, Digits().load("train")
    assert data.labels is not None
    assert whole.labels is not None
    assert len(data.samples) == 100
    places = [int((whole.samples == one).flatten(1).all(dim=1).nonzero()[0]) for one in data.samples]
    assert len(set(places)) == 100
    assert places != sorted(places)
    assert torch.equal(whole.labels[places], data.labels)
    assert torch.equal(Splits(Digits(), 100).training.samples, data.samples)
    assert Splits(Digits()).training is not None
    assert len(splits.load("test").samples) == 450
    assert splits.load("train").samples is splits.load("train").samples


@pytest.mark.parametrize("value", [-1, 2.5, True, "many"])
def test_a_subset_is_a_number_of_samples(registry: Registry, value: object) -> None:
    with pytest.raises(WrongHyperparameter, match="subset must be a number of training samples, or 0 for all"):
        registry.choose("dataset", "digits", {"subset": value})


def test_more_than_there_are_is_refused_before_anything_trains(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "about: too many\nlosses: [minimax]\narchitectures: [mlp]\ndatasets: [{digits: {subset: 2000}}]\n"
        "seeds: 1\ntrain: {steps: 60, lr: 1e-3}\nevaluation: {samples: 1000}\n"
    )
    done = inside("run", "--suite", "s.yaml")
    assert done.code == 2
    assert "s.yaml:4:" in done.err
    assert "dataset 'digits(subset=2000)': subset is 2,000, but there are 1,347 training samples" in done.err
    assert not (tmp_path / "results" / "runs").exists()


@dataclass(frozen=True)
class Points:
    """Points as bytes, which is wrong."""

    shape = (2,)
    modes = None
    extractor = "mixture"
    metrics = ("spread",)

    def load(self, split: str) -> Data:
        return Data(torch.arange(20, dtype=torch.uint8).reshape(10, 2) + (split == "test"))


def test_only_images_may_be_bytes() -> None:
    (problem,) = check_data("points", Points()).problems
    assert problem == (
        "dataset 'points', splits train and test: samples are uint8, wanted float32: only images (C, H, W) may be "
        "bytes; convert with .float()"
    )


def test_a_view_of_bytes_gives_floats() -> None:
    stored = torch.tensor([[[[0, 51], [204, 255]]]], dtype=torch.uint8)
    view = View(stored, torch.zeros(1, 2), None, None, None, Digits())
    assert view.size == 1
    torch.testing.assert_close(view.samples, torch.tensor([[[[-1.0, -0.6], [0.6, 1.0]]]]), rtol=0, atol=1e-6)
    kept = torch.rand(3, 1, 2, 2)
    assert floats(kept) is kept
