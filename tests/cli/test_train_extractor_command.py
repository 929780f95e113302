"""`ganbench train-extractor`: a classifier that is good enough becomes an extractor; a bad file or dataset is named."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from conftest import Cli
from running import read_records
from safetensors import safe_open
from safetensors.numpy import save_file

import ganbench as gb
from ganbench.api.extractors import InaccurateError
from ganbench.files import SEAL, sealed

PLUGIN = """
from dataclasses import dataclass

import torch

from ganbench import Data, hookimpl, location


@dataclass(frozen=True)
class Bars:
    \"\"\"A bright row whose height is the class, in noise.\"\"\"

    classes: int = 3
    count: int = 150
    noise: float = 0.3
    labeled: bool = True
    lacking: int = -1
    where: str = location("")

    shape = (1, 8, 8)
    extractor = "bars-classifier"
    metrics = ("fid", "modes")

    @property
    def modes(self):
        return self.classes

    def load(self, split):
        generator = torch.Generator().manual_seed(len(split))
        labels = torch.arange(self.count) % self.classes
        labels = labels[labels != self.lacking]
        images = torch.full((len(labels), 1, 8, 8), -0.5)
        images[torch.arange(len(labels)), 0, 2 * labels + 1] = 0.5
        images = images + self.noise * torch.randn(images.shape, generator=generator)
        return Data(images.clamp(-1, 1), labels if self.labeled else None)


@hookimpl
def register_datasets():
    return {"bars": Bars}
"""

SUITE = """
plugins: [bars.py]
losses: [nonsaturating]
architectures: [mlp]
datasets: [bars]
train: {steps: 5, batch: 8}
evaluation: {samples: 150, real_samples: 150}
"""


@pytest.fixture
def bars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugin file with a dataset of bars; the cache folder is empty."""
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "bars.py"
    path.write_text(PLUGIN)
    return path


def _stored(tmp_path: Path, name: str = "bars-classifier") -> Path:
    return tmp_path / "cache" / "extractors" / f"{name}.safetensors"


def test_a_trained_extractor_is_listed_and_evaluates_a_suite(inside: Cli, bars: Path, tmp_path: Path) -> None:
    done = inside("train-extractor", "bars", "--plugin", bars, "--epochs", 20)
    assert done.code == 0, done.err
    assert "in a suite: evaluation: {extractor: bars-classifier}" in done.out
    (row,) = [row for row in json.loads(inside("list", "extractors", "--json").out) if row["name"] == "bars-classifier"]
    assert row["about"].startswith("A classifier of bars: 3 classes, ")
    assert row["about"] in done.out
    (tmp_path / "s.yaml").write_text(SUITE)
    elsewhere = inside("run", "--suite", "s.yaml", "--set", "evaluation.extractor=other-classifier")
    assert elsewhere.code == 2
    assert (
        f"What `ganbench train-extractor` makes is a file in {_stored(tmp_path).parent}, on each machine."
        in elsewhere.err
    )
    run = inside("run", "--suite", "s.yaml")
    assert run.code == 0, run.err
    (first,) = read_records(tmp_path / "results").values()
    (digest,) = [line.rpartition(" ")[2] for line in done.out.splitlines() if line.startswith("SHA-256")]
    assert first["cards"]["FID[bars-classifier]"]["weights"] == digest[:12]

    assert inside("train-extractor", "bars", "--plugin", bars, "--epochs", 20, "--seed", 1, "--force").code == 0
    dry = inside("run", "--suite", "s.yaml", "--dry-run")
    assert "1 not evaluated" in dry.out  # other weights are another evaluation of the same training


def test_the_same_seed_gives_the_same_file(inside: Cli, bars: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        file = tmp_path / f"{name}.safetensors"
        given = ("--epochs", 4, "--seed", seed, "--accuracy", 0, "--set", "noise=0.2", "--set", f"where={name}")
        assert inside("train-extractor", "bars", "--plugin", bars, "--to", file, *given).code == 0
    a, b, c = ((tmp_path / f"{name}.safetensors").read_bytes() for name in "abc")
    assert a == b != c


def test_the_card_says_how_a_file_was_made(inside: Cli, bars: Path, tmp_path: Path) -> None:
    """Read by safetensors' own reader; the accuracy is counted anew from the weights."""
    file = tmp_path / "a.safetensors"
    given = ("--plugin", bars, "--set", "noise=0.5", "--set", "subset=90", "--accuracy", 0.5, "--to", file)
    done = inside("train-extractor", "bars", *given, "--epochs", 30, "--seed", 7)
    assert f"in a suite: evaluation: {{extractor: {{classifier: {{weights: {file}}}}}}}" in done.out
    with safe_open(file, "numpy") as opened:
        card = json.loads(opened.metadata()["ganbench"])
    assert card["command"] == "ganbench train-extractor bars --set classes=3 --set count=150 --set noise=0.5 --set " \
        "labeled=True --set lacking=-1 --set subset=90 --epochs 30 --shift 0 --seed 7"  # fmt: skip
    assert (card["dataset"], card["classes"], card["shape"]) == ("bars", 3, [1, 8, 8])
    assert (card["training_images"], card["test_images"]) == (90, 150)
    assert card["recipe"]["epochs"] == 30

    from ganbench.registry.registry import Registry

    registry = Registry.load([bars])
    choice = registry.choose("extractor", "classifier", {"weights": str(file)})
    import torch

    data = registry.create("dataset", registry.choose("dataset", "bars", {"noise": 0.5}))
    test = data.load("test")
    extracted = registry.create("extractor", choice).open(data, torch.device("cpu"))(test.samples)
    assert extracted.features.shape == (150, 64)
    assert extracted.logits is not None
    assert test.labels is not None
    right = int((extracted.logits.argmax(dim=1) == test.labels).sum())
    assert card["accuracy"] == right / 150
    assert choice.code == f"1/{card['weights'][:12]}"


def test_an_inaccurate_classifier_is_not_stored(inside: Cli, bars: Path, tmp_path: Path) -> None:
    done = inside("train-extractor", "bars", "--plugin", bars, "--set", "noise=3.0", "--epochs", 1, "--accuracy", 0.99)
    assert done.code == 1
    assert "of 150 held-out images correctly, less than 99.00%; nothing is stored" in done.err
    assert not _stored(tmp_path).exists()
    with pytest.raises(InaccurateError):
        gb.train_extractor("bars", set={"noise": 3.0}, plugins=[bars], epochs=1, accuracy=0.99)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["ring8"], "dataset 'ring8' holds samples of shape (2,), which are no images"),
        (["bars", "--set", "labeled=false"], "dataset 'bars' has no labels"),
        (["bars", "--set", "classes=1"], "dataset 'bars' has 1 classes; a classifier needs two or more"),
        (["bars", "--set", "lacking=1"], "dataset 'bars' has 0 training images of class 1"),
        (["bars", "--set", "count=48"], "dataset 'bars' has 48 test images; at least 50 must be held out"),
        (["bars", "--set", "size=3"], "dataset 'bars' has no hyperparameter 'size'"),
        (["bars", "--set", "noise"], "--set 'noise' is not of the form root=pictures"),
        (["barz"], "unknown dataset 'barz'; did you mean 'bars'?"),
        (["bars", "--name", "digits16"], "there is an extractor 'digits16' already, of ganbench"),
        (["bars", "--name", "my bars"], "the name may contain only letters"),
        (["bars", "--name", "a", "--to", "b.safetensors"], "give a name or a file, not both"),
        (["bars", "--to", "b.pt"], "b.pt: the file must end in .safetensors"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(inside: Cli, bars: Path, given: list[str], said: str) -> None:
    done = inside("train-extractor", *given, "--plugin", bars)
    assert done.code == 2
    assert said in done.err.replace("Did you mean", "did you mean").replace(". did", "; did")
    assert done.err.count("\n") == 1


def test_a_file_is_replaced_only_on_demand(inside: Cli, bars: Path, tmp_path: Path) -> None:
    given = ("train-extractor", "bars", "--plugin", bars, "--accuracy", 0, "--epochs", 1)
    assert inside(*given).code == 0
    again = inside(*given, "--seed", 1)
    assert again.code == 2
    assert f"{_stored(tmp_path)} exists; --force replaces it" in again.err
    assert inside(*given, "--seed", 1, "--force").code == 0


def _flipped(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


def _newer(content: bytes) -> bytes:
    """The file with a card of a later schema, sealed as ganbench would."""
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    card = {**json.loads(header["__metadata__"]["ganbench"]), "schema": 99}
    card.pop(SEAL)
    header["__metadata__"]["ganbench"] = json.dumps(sealed(card))
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + size :]


def _forged(content: bytes) -> bytes:
    return content.replace(b'\\"accuracy\\": 0', b'\\"accuracy\\": 9')


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_flipped, "is damaged: the SHA-256 of its weights is "),
        (lambda content: content[:100], "is damaged (its header is cut off)"),
        (lambda content: b"", "is damaged (its header is cut off)"),
        (_newer, "was written by a newer ganbench; upgrade"),
        (_forged, "is damaged ($.seal: does not match"),
        (None, "there is no weight file "),
    ],
)
def test_a_file_that_is_damaged_or_missing_is_named(
    inside: Cli, bars: Path, tmp_path: Path, harm: object, said: str
) -> None:
    file = tmp_path / "a.safetensors"
    given = ("train-extractor", "bars", "--plugin", bars, "--accuracy", 0, "--epochs", 1, "--set", "noise=3.0")
    assert inside(*given, "--to", file).code == 0
    content = file.read_bytes()
    file.unlink()
    if callable(harm):
        assert harm(content) != content
        file.write_bytes(harm(content))
    (tmp_path / "s.yaml").write_text(SUITE)
    setting = f"evaluation.extractor={{classifier: {{weights: {file}}}}}"
    done = inside("run", "--suite", "s.yaml", "--set", setting)
    assert done.code == 3
    assert said in done.err
    assert str(file) in done.err
    assert done.err.count("\n") == 1


def test_a_damaged_file_in_the_folder_breaks_nothing_else(inside: Cli, bars: Path, tmp_path: Path) -> None:
    """Nor does a file of another origin, or one that no plugin could be named after."""
    folder = _stored(tmp_path).parent
    folder.mkdir(parents=True)
    (folder / "bars-classifier.safetensors").write_bytes(b"short")
    (folder / "my net.safetensors").write_bytes(b"short")
    import numpy as np

    save_file({"a": np.zeros(3)}, folder / "strange.safetensors")
    listed = inside("list", "extractors")
    assert listed.code == 0
    assert "digits16" in listed.out
    assert "(broken: " in listed.out
    assert "my net" not in listed.out
    (tmp_path / "s.yaml").write_text(SUITE)
    assert inside("run", "--suite", "s.yaml").code == 3
    strange = inside("run", "--suite", "s.yaml", "--set", "evaluation.extractor=strange")
    assert strange.code == 3
    assert "is no file that 'ganbench train-extractor' wrote: it has no card" in strange.err


def test_it_refuses_images_that_it_was_not_trained_on(inside: Cli, bars: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    assert inside(
        "train-extractor", "bars", "--plugin", bars, "--accuracy", 0, "--epochs", 1, "--to", file
    ).code == 0  # fmt: skip
    (tmp_path / "s.yaml").write_text(SUITE)
    setting = f"evaluation.extractor={{classifier: {{weights: {file}}}}}"
    other = inside("run", "--suite", "s.yaml", "--set", setting, "--set", "dataset.classes=4")
    assert other.code == 2
    assert "it knows 3 classes, and the dataset has 4" in other.err
    digits = inside("run", "--suite", "quick", "--set", setting)
    assert digits.code == 2
    assert "it reads images of shape (1, 8, 8), not " in digits.err
