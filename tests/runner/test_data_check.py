"""The data contract: every fault of every dataset is said before anything trains."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from conftest import Cli, Ran

from ganbench import Data
from ganbench.errors import ContractError, MissingError
from ganbench.evaluation.data_contract import MAX_OVERLAP, check_data
from ganbench.registry.registry import Registry
from ganbench.testing import check_dataset, check_file

ODD = '''
from dataclasses import dataclass
import torch
from ganbench import Data, Features, hookimpl


@dataclass(frozen=True)
class Odd:
    """Images that are wrong in one way."""

    how: str = "ok"
    n: int = 200
    h: int = 16
    w: int = 16
    modes = None
    extractor = "pool"
    metrics = ("fid", "precision-recall", "spread", "memorisation")

    @property
    def shape(self):
        return (3, self.h, self.w)

    def load(self, split):
        g = torch.Generator().manual_seed(1 if split == "train" else 2)
        x = torch.rand(self.n, 3, self.h, self.w, generator=g) * 2 - 1
        if self.how == "bytes": x = ((x + 1) * 127.5).round()
        if self.how == "uint8": x = ((x + 1) * 127.5).to(torch.uint8)
        if self.how == "double": x = x.double()
        if self.how == "nan": x[0, 0, 0, 0] = float("nan")
        if self.how == "hwc": x = x.permute(0, 2, 3, 1).contiguous()
        if self.how == "grey": x = x[:, :1]
        if self.how == "numpy": x = x.numpy()
        if self.how == "const": x = torch.zeros_like(x)
        if self.how == "tuple": return x, torch.zeros(self.n, dtype=torch.int64)
        if self.how == "emptytest" and split == "test": x = x[:0]
        if self.how == "unit": x = (x + 1) / 2
        if self.how == "overshoot": x = x * 1.1
        if self.how == "random": x = torch.rand(self.n, 3, self.h, self.w) * 2 - 1
        if self.how == "raise": raise OSError("image file is truncated (7 bytes not processed)")
        return Data(x)


class Pool:
    """Three channel means and deviations."""

    dims = 6
    canonical = False
    gives = ()

    def supports(self, dataset): return None if dataset.shape[0] == 3 else "it reads three channels"
    def fingerprint(self): return "p1"
    def open(self, dataset, device):
        return lambda x: Features(torch.cat([x.mean((2, 3)), x.std((2, 3))], 1))


@hookimpl
def register_datasets(): return {"odd": Odd}


@hookimpl
def register_extractors(): return {"pool": Pool}
'''

FAULTS = {
    "how: bytes": r"train.*values are 0 to 255, wanted -1 to 1 for images; if they are bytes, scale with x / 127.5 - 1",
    "how: double": r"samples are float64, wanted float32, or uint8 for images; convert with .float\(\)",
    "how: nan": r"1 of 200 samples hold NaN or infinity, wanted finite values",
    "how: hwc": r"shape \(16, 16, 3\), wanted \(3, 16, 16\) as `shape` says; move the channels to the front",
    "how: grey": r"samples have shape \(1, 16, 16\), wanted \(3, 16, 16\) as `shape` says",
    "how: numpy": r"samples are numpy.ndarray, wanted a float32 torch tensor",
    "how: const": r"all 200 samples are equal; wanted samples that differ",
    "how: tuple": r"load returned tuple, wanted ganbench.Data\(samples, labels\)",
    "how: emptytest": r"split test: there are no samples, wanted at least one",
    "how: unit": r"values are 0 to 1, wanted -1 to 1 for images; .*if they are 0 to 1, scale with 2 \* x - 1",
    "how: overshoot": r"values are -1.1 to 1.1, wanted -1 to 1 for images; scale or clamp them",
    "how: random": r"loading twice gave other values for 200 of 200 samples, wanted the same at every load",
    "how: raise": r"load raised OSError: image file is truncated \(7 bytes not processed\) \(odd.py:\d+, in load\)",
    "n: 10": r"split train: 10 samples to compare with, wanted 12 for metric 'fid'",
    "n: 1": r"1 sample to compare with, wanted 12 for metric 'fid', 5 for metric 'precision-recall', 2 for metric",
    "n: 0": r"splits train and test: there are no samples, wanted at least one",
}

SUITE = """
about: wrong data in many ways
plugins: [odd.py]
losses: [nonsaturating]
architectures: [mlp]
seeds: 1
train: {steps: 60, batch: 32, lr: 1e-3}
evaluation: {samples: 200, real_samples: 0}
datasets:
"""


def refused(done: Ran, folder: Path) -> list[str]:
    """The sentences of a run that was refused before anything trained."""
    assert done.code == 2, done.err
    assert not (folder / "results" / "runs").exists()
    return done.err.partition("ganbench: ")[2].splitlines()


def test_every_fault_of_every_dataset_is_named_at_its_line(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    fine = ["- odd", "- odd: {h: 20, w: 30}"]
    (tmp_path / "odd.yaml").write_text(SUITE + "\n".join([*fine, *(f"- odd: {{{how}}}" for how in FAULTS)]))
    lines = refused(inside("run", "--suite", "odd.yaml"), tmp_path)
    for number, (how, text) in enumerate(FAULTS.items(), start=SUITE.count("\n") + 1 + len(fine)):
        own = [line for line in lines if line.startswith(f"odd.yaml:{number}:3: ")]
        label = how.replace(": ", "=")
        assert own, how
        assert all(f"dataset 'odd({label})', split" in line for line in own)
        assert any(re.search(text, line) for line in own), own
        lines = [line for line in lines if line not in own]
    assert not lines


def test_the_conformance_kit_says_what_a_run_says(tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    path.write_text(ODD)
    registry = Registry.load([path])
    for how, text in FAULTS.items():
        key, _, value = how.partition(": ")
        given = {key: int(value) if key == "n" else value}
        made = registry.create("dataset", registry.choose("dataset", "odd", given))
        with pytest.raises(ContractError, match=text):
            check_dataset(made, registry, "odd")
    check_file(path)


def test_the_kit_refuses_a_dataset_whose_own_extractor_does(tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    for old, new, text in (
        ('extractor = "pool"', 'extractor = "mixture"', "names extractor 'mixture', which does not support it"),
        ('metrics = ("fid",', 'metrics = ("modes",', "names metric 'modes', which does not support it"),
        ("x.mean((2, 3))", "x.mean((2, 9))", "its extractor 'pool' raised IndexError"),
        ("dims = 6", "dims = 7", r"'pool' gives features of shape \(2, 6\), wanted \(2, 7\)"),
    ):
        path.write_text(ODD.replace(old, new))
        with pytest.raises(ContractError, match=text):
            check_file(path)


def test_equal_splits_are_refused(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD.replace('1 if split == "train" else 2', "1"))
    (tmp_path / "s.yaml").write_text(SUITE + "- odd")
    (line,) = refused(inside("run", "--suite", "s.yaml"), tmp_path)
    assert "s.yaml:10:3: dataset 'odd', splits train and test: 200 of 200 test samples (100.0%) are" in line
    assert "training samples, byte for byte, wanted at most 5%; hold samples out" in line


DIGITS = """
losses: [nonsaturating]
architectures: [mlp]
datasets: [digits]
seeds: 1
train: {steps: 5, batch: 32}
"""


def test_a_split_with_too_few_samples_for_a_metric_is_refused(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "few.yaml").write_text(DIGITS + "evaluation: {samples: 2000, real_samples: 0, split: test}\n")
    (line,) = refused(inside("run", "--suite", "few.yaml"), tmp_path)
    assert line.startswith("few.yaml:4:12: dataset 'digits', split test: 450 samples to compare with, wanted 1000 for")
    assert "'kid'; compare with 'evaluation.split: train' (1347 samples), or leave" in line
    (tmp_path / "asks.yaml").write_text(DIGITS + "evaluation: {samples: 2000, real_samples: 1200, split: test}\n")
    (line,) = refused(inside("run", "--suite", "asks.yaml"), tmp_path)
    assert "450 samples to compare with" in line


def test_data_that_are_added_or_set_on_the_command_line_are_checked(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    (tmp_path / "s.yaml").write_text(SUITE + "- ring8")
    (line,) = refused(
        inside("run", "--suite", "s.yaml", "--add", "dataset=odd: {how: unit, n: 100}", "--filter", "dataset=odd"),
        tmp_path,
    )[:1]
    assert line.startswith("--add dataset=odd: {how: unit, n: 100}: dataset 'odd', split")


@pytest.mark.usefixtures("trained")
def test_a_finished_suite_loads_no_data(inside: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganbench_datasets.mixtures import Mixture

    def load(self: Mixture, split: str) -> Data:
        raise AssertionError("loaded")

    monkeypatch.setattr(Mixture, "load", load)
    assert inside("run", "--suite", "small.yaml").code == 0


@dataclass
class Made:
    """A dataset of points from a function of the split and the number of the load."""

    make: Callable[[str, int], Data]
    shape: tuple[int, ...] = (2,)
    modes: int | None = 3
    extractor: str = "mixture"
    metrics: tuple[str, ...] = ()
    loads: int = 0

    def load(self, split: str) -> Data:
        self.loads += 1
        return self.make(split, self.loads)


def points(split: str, count: int = 100) -> torch.Tensor:
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(len(split)))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda s, n: Data(points(s), torch.zeros(100)), "labels are float32, wanted int64; convert with .long()"),
        (lambda s, n: Data(points(s), torch.zeros(100, 1).long()), "labels have shape (100, 1), wanted (100,)"),
        (lambda s, n: Data(points(s), torch.zeros(99).long()), "labels have shape (99,), wanted (100,)"),
        (lambda s, n: Data(points(s), torch.arange(100) % 4), "labels are 0 to 3, wanted 0 to 2 as `modes` says"),
        (lambda s, n: Data(points(s), torch.arange(100) % 3 - 1), "labels are -1 to 1, wanted 0 to 2"),
        (lambda s, n: Data(points(s), points(s).numpy()), "labels are numpy.ndarray, wanted an int64 torch tensor"),  # type: ignore[arg-type]
        (lambda s, n: Data(points(s, 100 + n % 2)), "loading twice gave 101 and then 100 samples"),
        (lambda s, n: Data(points(s), torch.arange(100) % 2 * (n % 2)), "twice gave other values for the labels"),
        (lambda s, n: Data(points(s).double() if n == 2 else points(s)), "at the second load, samples are float64"),
        (lambda s, n: Data(torch.tensor(1.0)), "samples have shape (), wanted (2,)"),
        (lambda s, n: None, "load returned NoneType, wanted ganbench.Data"),
    ],
)  # fmt: skip
def test_labels_and_loads_that_are_wrong_are_named(make: Callable[[str, int], Data], text: str) -> None:
    problems = check_data("mine", Made(make)).problems
    assert problems
    assert all(problem.startswith("dataset 'mine', split") for problem in problems)
    assert text in problems[0]


def test_labels_need_a_number_of_classes() -> None:
    made = Made(lambda s, n: Data(points(s), torch.zeros(100).long()), modes=None)
    assert "wanted the number of classes in `modes`, or no labels" in check_data("mine", made).problems[0]


def test_right_data_have_no_problem_and_are_counted() -> None:
    found = check_data("mine", Made(lambda s, n: Data(points(s), torch.arange(100) % 3)))
    assert (found.problems, found.notes, found.counts) == ([], [], {"train": 100, "test": 100})
    images = Made(lambda s, n: Data(points(s).tanh().reshape(100, 2, 1, 1) * (1 + 1e-7)), shape=(2, 1, 1))
    assert not check_data("rounded", images).problems


@pytest.mark.parametrize(("shared", "refused"), [(0, False), (1, False), (5, False), (6, True), (100, True)])
def test_a_few_shared_samples_are_a_line_and_many_are_refused(shared: int, refused: bool) -> None:
    def make(split: str, n: int) -> Data:
        samples = points(split)
        if split == "test":
            samples[:shared] = points("train")[:shared].flip(0)
        return Data(samples)

    assert MAX_OVERLAP == 0.05
    found = check_data("mine", Made(make))
    assert bool(found.problems) is refused
    text = f"{shared} of 100 test samples ({shared:.1f}%) are training samples"
    assert [text in line for line in [*found.problems, *found.notes]] == [True] * (shared > 0)


def test_missing_data_stay_missing() -> None:
    def make(split: str, n: int) -> Data:
        raise MissingError("no files in folder x")

    with pytest.raises(MissingError, match="no files in folder x"):
        check_data("mine", Made(make))
