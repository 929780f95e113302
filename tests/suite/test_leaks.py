"""An extractor that is part of a variant's own D is refused, at its place in the suite, before anything trains."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli

PLUGIN = """
from dataclasses import dataclass

import torch
from torch import nn

from ganbench import Features, hookimpl

class Projected:
    'A stand-in for projected GANs: its D says that it contains a pretrained network.'
    latent, pretrained = 4, ("efficientnet-lite0",)
    def supports(self, shape): return None
    def generator(self, shape): return nn.Sequential(nn.Linear(4, 256), nn.Unflatten(1, shape))
    def discriminator(self, shape): return nn.Sequential(nn.Flatten(), nn.Linear(256, 1))

@dataclass(frozen=True)
class Perceptual:
    'A part that shows samples to a network that a hyperparameter names.'
    network: str = "vgg"
    @property
    def pretrained(self): return self.network
    def g_loss(self, critic): return critic.fake.mean()

class Through:
    'A transform with two networks.'
    pretrained = ("a", "mine")
    def __call__(self, discriminator, x, noise, memory): return discriminator(x)

class Mine:
    'An extractor without a backbone of its own name.'
    dims, canonical, gives = 256, False, ()
    def fingerprint(self): return "1"
    def open(self, dataset, device): return lambda x: Features(x.flatten(1))

class Renamed(Mine):
    'Another name for a network that others have too.'
    backbone = "efficientnet-lite0"

@hookimpl
def register_architectures(): return {"projected": Projected}
@hookimpl
def register_losses(): return {"perceptual": Perceptual}
@hookimpl
def register_transforms(): return {"through": Through}
@hookimpl
def register_extractors(): return {"mine": Mine, "renamed": Renamed}
"""


def _suite(folder: Path, losses: str, architectures: str, extractor: str) -> None:
    (folder / "p.py").write_text(PLUGIN)
    (folder / "s.yaml").write_text(
        f"plugins: [p.py]\nlosses: {losses}\narchitectures: {architectures}\ndatasets: [digits]\n"
        f"evaluation: {{samples: 500, metrics: [spread, coverage-density], extractor: {extractor}}}\n"
    )


def _said(network: str, extractor: str, by: str, place: str) -> str:
    return (
        f"ganbench: s.yaml:{place}: extractor {extractor!r} is the network {network!r} that {by} has in its D, so that "
        "its scores would be too good; choose an extractor of another network"
    )


LITE0 = "efficientnet-lite0"
CASES = {
    "the same name": ("[minimax, hinge]", "[projected]", LITE0, LITE0, "architecture 'projected'"),
    "another name of the same backbone": (
        "[{loss: [minimax, {perceptual: {network: tf_efficientnet_lite0}}]}]", "[mlp]", LITE0, "tf_efficientnet_lite0",
        "loss 'perceptual'",
    ),
    "the same backbone": ("[minimax]", "[mlp, projected]", "renamed", LITE0, "architecture 'projected'"),
    "a hyperparameter": (
        "[{loss: [minimax, {perceptual: {network: inception-v3}}]}]", "[mlp]", "inception", "inception-v3",
        "loss 'perceptual'",
    ),
    "a transform": ("[{loss: minimax, transforms: [through]}]", "[mlp]", "mine", "mine", "transform 'through'"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_extractor_of_a_network_in_d_is_refused_once(case: str, inside: Cli, tmp_path: Path) -> None:
    losses, architectures, extractor, network, by = CASES[case]
    _suite(tmp_path, losses, architectures, extractor)
    done = inside("run", "--suite", "s.yaml", "--dry-run")
    assert done.code == 2
    assert done.err.strip() == _said(network, extractor, by, "5:76")


def test_an_extractor_of_another_network_is_not(inside: Cli, tmp_path: Path) -> None:
    _suite(tmp_path, "[minimax, {loss: [minimax, perceptual], label: P}]", "[projected]", "mine")
    done = inside("run", "--suite", "s.yaml", "--dry-run")
    assert done.code == 0, done.err


def test_a_default_extractor_is_named_at_the_dataset(inside: Cli, tmp_path: Path) -> None:
    _suite(tmp_path, "[{loss: [minimax, {perceptual: {network: digits16}}]}]", "[mlp]", "digits16")
    text = (tmp_path / "s.yaml").read_text().replace(", extractor: digits16", "")
    (tmp_path / "s.yaml").write_text(text)
    done = inside("run", "--suite", "s.yaml", "--dry-run")
    assert done.code == 2
    assert done.err.strip() == _said("digits16", "digits16", "loss 'perceptual'", "4:12")
