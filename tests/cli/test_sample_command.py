"""`ganbench sample`: files that other tools read, from a record and its weights alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Cli, Ran
from factories import make_record, make_spec
from PIL import Image
from safetensors.numpy import save_file

from ganbench.registry.choice import Choice
from ganbench.results.records import Failure, Record
from ganbench.results.store import Store

PLUGIN = """
import torch
from torch import nn

from ganbench import hookimpl


class Painter(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.grey = nn.Parameter(torch.zeros(()))

    def forward(self, latent, labels):
        shade = self.grey + (labels / 10 + latent[:, 0] * 0)[:, None]
        return shade.expand(-1, 12).reshape(-1, *self.shape)


class Spread(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, latent):
        return self.scale * latent


class Painted:
    latent = 2
    conditional = True

    def generator(self, shape, classes):
        assert classes == 3
        return Painter(shape)

    def discriminator(self, shape, classes):
        return nn.Linear(1, 1)

    def supports(self, shape):
        return None


class Plain:
    latent = 2

    def generator(self, shape):
        return Spread(shape)

    def discriminator(self, shape):
        return nn.Linear(1, 1)

    def supports(self, shape):
        return None


@hookimpl
def register_architectures():
    return {"painted": Painted, "plain": Plain}
"""


def _record(id_: str, architecture: str, shape: tuple[int, ...], counts: tuple[int, ...] = ()) -> Record:
    spec = replace(make_spec(4), architecture=Choice(architecture))
    return make_record(id_, spec=spec, shape=shape, class_counts=counts)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two runs with weights, `c0` of a conditional generator of 3x2x2 images and `p0` of one of points."""
    (tmp_path / "nets.py").write_text(PLUGIN)
    store = Store(tmp_path / "results")
    runs = (
        (_record("c0", "painted", (3, 2, 2), (1, 0, 3)), {"generator.grey": np.float32(-0.5)}),
        (_record("p0", "plain", (2,)), {"generator.scale": np.float32(2)}),
    )
    with store.writing():
        for record, tensors in runs:
            staged = store.stage(record.id)
            save_file({name: np.asarray(value) for name, value in tensors.items()}, staged / "weights.safetensors")
            store.commit(record, staged)
        failed = replace(_record("d0", "plain", (2,)), failure=Failure("diverged", "boom", step=3), evaluation_id=None)
        store.commit(failed, store.stage("d0"))
    return store.root


def _sample(inside: Cli, *arguments: object) -> Ran:
    return inside("sample", *arguments, "--plugin", "nets.py", "--device", "cpu")


def test_images_and_labels_in_one_file(inside: Cli, results: Path, tmp_path: Path) -> None:
    done = _sample(inside, "c", "--n", 1203, "--to", "out/s.npz", "--labels", "2,0")
    assert (done.code, done.out) == (0, "out/s.npz: 1,203 samples of shape (3, 2, 2)\n")
    with np.load(tmp_path / "out" / "s.npz") as file:
        images, labels = file["arr_0"], file["arr_1"]
    assert (images.shape, images.dtype) == ((1203, 2, 2, 3), np.uint8)
    assert labels.tolist() == [2] * 602 + [0] * 601
    for label, value in ((0, -0.5), (2, -0.3)):
        assert set(images[labels == label].ravel()) == {round((value + 1) * 127.5)}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["s.npz"]


def test_a_folder_of_images_with_their_labels(inside: Cli, results: Path, tmp_path: Path) -> None:
    done = _sample(inside, "c0", "--to", "images", "--labels", "0:2,2:1")
    assert done.code == 0, done.err
    folder = tmp_path / "images"
    assert sorted(path.name for path in folder.iterdir()) == ["000000.png", "000001.png", "000002.png", "labels.csv"]
    assert (folder / "labels.csv").read_text() == "file,label\n000000.png,0\n000001.png,0\n000002.png,2\n"
    with Image.open(folder / "000002.png") as image:
        assert (image.mode, image.size, image.getpixel((0, 0))) == ("RGB", (2, 2), (89, 89, 89))


def test_labels_follow_the_data_and_latents_their_seed(inside: Cli, results: Path, tmp_path: Path) -> None:
    _sample(inside, "c0", "--n", 2000, "--to", "s.npz")
    with np.load(tmp_path / "s.npz") as file:
        counts = np.bincount(file["arr_1"], minlength=3)
    assert counts[1] == 0
    assert abs(counts[0] / 2000 - 0.25) < 0.05
    found = {}
    for name, options in {"a": (), "again": (), "other": ("--seed", 1), "cut": ("--truncation", 0.4)}.items():
        assert _sample(inside, "p0", "--n", 700, "--to", f"{name}.npz", *options).code == 0
        with np.load(tmp_path / f"{name}.npz") as file:
            found[name] = file["arr_0"]
    assert found["a"].dtype == np.float32
    assert found["a"].tobytes() == found["again"].tobytes()
    assert abs(np.corrcoef(found["a"][:, 0], found["other"][:, 0])[0, 1]) < 0.15
    assert np.abs(found["cut"]).max() <= 0.8 < np.abs(found["a"]).max()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nothing", "--to", "a.npz"), 2, "no run 'nothing'"),
        (("d0", "--to", "a.npz"), 2, "run d0 has no trained generator: boom at step 3"),
        (("p0", "--to", "folder"), 2, "samples of shape (2,) are no images"),
        (("p0", "--to", "full"), 2, "full is not empty"),
        (("c0", "--to", "nets.py"), 2, "nets.py is a file that does not end in .npz"),
        (
            ("c0", "--to", "x.txt"),
            2,
            "x.txt: samples are not written as .txt; name a file that ends in .npz, or a folder",
        ),
        (("p0", "--to", "new/x.NPY"), 2, "x.NPY: samples are not written as .NPY; name a file that ends in .npz"),
        (("p0", "--to", "a.npz", "--labels", "0"), 2, "run p0 has no conditional generator"),
        (("c0", "--to", "a.npz", "--labels", "3"), 2, "there is no class 3; the classes are 0 to 2"),
        (("c0", "--to", "a.npz", "--labels", "0:5", "--n", 6), 2, "asks for 5 samples, --n for 6"),
        (("c0", "--to", "a.npz", "--labels", "0:5,1"), 2, "give a count for every class or for none"),
        (("c0", "--to", "a.npz", "--labels", "cat"), 2, "write classes such as 0,3"),
        (("p0", "--to", "a.npz", "--truncation", 0), 2, "--truncation"),
        (("p0", "--to", "a.npz", "--truncation", "nan"), 2, "the truncation must be a number > 0, got nan"),
        (("p0", "--to", "a.npz", "--truncation", "inf"), 2, "the truncation must be a number > 0, got inf"),
        (("p0", "--to", "nets.py/a.npz"), 3, "cannot be written"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    inside: Cli, results: Path, tmp_path: Path, arguments: tuple[object, ...], code: int, said: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    done = _sample(inside, *arguments)
    assert (done.code, said in done.err) == (code, True), done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "nets.py", "results"]


def test_where_the_missing_plugin_of_a_run_came_from(inside: Cli, results: Path) -> None:
    done = inside("sample", "c0", "--to", "s.npz", "--device", "cpu")
    assert done.code == 2
    assert "the generator of run c0" in done.err
    assert "architecture 'painted' came from made-up (code 1): install made-up 1.0" in done.err


def test_weights_that_are_missing_or_damaged_are_noticed(inside: Cli, results: Path) -> None:
    weights = results / "runs" / "p0" / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert _sample(inside, "p0", "--to", "a.npz").code == 4
    weights.unlink()
    done = _sample(inside, "p0", "--to", "a.npz")
    assert (done.code, "weights are not published with results" in done.err) == (3, True)
    assert inside("sample", "p0", "--to", "a.npz").code == 2  # its architecture is in no installed plugin


def test_other_code_is_noted(inside: Cli, results: Path) -> None:
    store = Store(results)
    record, folder = store.only_run("p0")
    content = json.loads((folder / "record.json").read_text())
    assert content["shape"] == [2]
    origin = record.provenance.plugins["loss:game"]
    spec = replace(record.spec, architecture=replace(record.spec.architecture, code="older"))
    changed = replace(record, spec=spec, provenance=replace(record.provenance, plugins={"architecture:plain": origin}))
    with store.writing():
        staged = store.stage("p0")
        (folder / "weights.safetensors").rename(staged / "weights.safetensors")
        store.commit(changed, staged)
    done = _sample(inside, "p0", "--n", 5, "--to", "a.npz")
    assert (done.code, "the samples may not be those of the run" in done.err) == (0, True)
