"""CLIP, VGG16 and DINOv2 from files in the published formats, with other numbers in them."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import Cli
from evaluators import CPU
from torch import Tensor, nn
from torch_fidelity.feature_extractor_clip import CLIPVisual, FeatureExtractorCLIP
from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2
from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16
from torchvision.models import vgg16

from ganbench import Data
from ganbench.errors import MissingError
from ganbench.testing import check_extractor
from ganbench_extractors.dinov2 import Dino
from ganbench_extractors.dinov2_network import DinoV2
from ganbench_extractors.fidelity_files import Clip, Vgg16
from ganbench_extractors.weight_files import WeightFile

Files = Callable[[str], Path]


class Pictures:
    shape = (1, 16, 16)
    modes = None
    extractor = "inception"
    metrics = ("fid",)

    def load(self, split: str) -> Data:
        return Data(torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1)


def _bytes() -> Tensor:
    images = Pictures().load("test").samples
    return ((images + 1) * 127.5).round().to(torch.uint8).repeat(1, 3, 1, 1)


class Holder(nn.Module):
    """A tree of modules that holds tensors by their names, as a TorchScript file does."""

    def forward(self, x: Tensor) -> Tensor:
        return x


def _tree(state: dict[str, Tensor]) -> Holder:
    root = Holder()
    for name, value in state.items():
        *path, last = name.split(".")
        node: nn.Module = root
        for part in path:
            if part not in dict(node.named_children()):
                node.add_module(part, Holder())
            node = node.get_submodule(part)
        node.register_parameter(last, nn.Parameter(value))
    return root


def _write_clip(path: Path, features: int = 512) -> None:
    """A small image encoder, and the tensors of the text encoder that a published file has beside it."""
    torch.manual_seed(0)
    state = dict(CLIPVisual(features, 64, 2, 64, 32).state_dict())
    state |= {"text_projection": torch.zeros(8, features), "logit_scale": torch.ones(()),
              "ln_final.weight": torch.ones(8), "transformer.resblocks.0.ln_1.bias": torch.zeros(8)}  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(_tree(state)).save(str(path))  # type: ignore[no-untyped-call]


def _write_vgg16(path: Path) -> None:
    """Every matrix of the full network is a window that moves over the same numbers, so that the file is small."""
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in vgg16().state_dict().items()}
    numbers = torch.randn(40_000, generator=torch.Generator().manual_seed(0))
    state = {}
    for name, shape in shapes.items():
        rows, columns = shape[0], int(torch.Size(shape[1:]).numel())
        scaled = numbers * (2 / columns) ** 0.5 if len(shape) > 1 else numbers * 0.1
        state[name] = scaled.as_strided((rows, columns), (1, 1)).view(shape)
    torch.save(state, path)


def _numbers(net: nn.Module) -> dict[str, Tensor]:
    """Weights that are a function of their place in the sorted list of names."""
    state = {}
    for index, (name, value) in enumerate(sorted(net.state_dict().items())):
        n = torch.arange(value.numel(), dtype=torch.float64)
        waves = torch.sin(n * 0.37 * (index + 1) + index)
        one = name.endswith(("norm1.weight", "norm2.weight", "norm.weight", "gamma"))
        scaled = waves * value[0].numel() ** -0.5 if value.dim() > 1 else waves * 0.3 + one
        state[name] = scaled.view(value.shape).float()
    return state


def _write_dinov2(path: Path, width: int = 384) -> None:
    torch.save(_numbers(DinoV2(width, 1, 37)), path)


WRITERS: dict[str, Callable[[Path], None]] = {"clip": _write_clip, "vgg16": _write_vgg16, "dinov2": _write_dinov2}
KINDS: dict[str, type[WeightFile]] = {"clip": Clip, "vgg16": Vgg16, "dinov2": Dino}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("weights")

    def file(name: str) -> Path:
        path: Path = folder / name
        if not path.exists():
            WRITERS[name](path)
        return path

    return file


def _torch_fidelity(name: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """Its own extractor; its DINOv2 comes from torch.hub alone, so that our network takes that one's place."""
    net: nn.Module
    if name == "clip":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = FeatureExtractorCLIP("clip-vit-b-32", ["clip"], str(path))
    elif name == "vgg16":
        net = FeatureExtractorVGG16("vgg16", ["fc2_relu"], str(path))
    else:
        monkeypatch.setattr(torch.hub, "load", lambda *_: DinoV2.of(torch.load(path, weights_only=True)))
        net = FeatureExtractorDinoV2("dinov2-vit-s-14", ["dinov2"])
    return net


def _no_first_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """VGG16 takes seconds to draw weights, which those of the file replace."""
    for function in ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_"):
        monkeypatch.setattr(nn.init, function, lambda tensor, *_, **__: tensor)


@pytest.mark.parametrize("name", KINDS)
def test_features_are_torch_fidelitys(name: str, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    path = files(name)
    if name == "vgg16":
        _no_first_weights(monkeypatch)
    ours = KINDS[name](weights=str(path)).open(Pictures(), CPU)(Pictures().load("test").samples)
    (theirs,) = _torch_fidelity(name, path, monkeypatch)(_bytes())
    assert theirs.std() > 0
    assert not torch.equal(theirs[0], theirs[1])
    torch.testing.assert_close(ours.features, theirs)


DINOV2 = {
    70: [[0.34724, -0.0749, 0.39928, -0.95976, -1.07953, -2.2845, -0.60545, -0.82706],
         [0.31782, -0.06106, 0.38493, -0.95796, -1.04397, -2.32216, -0.58914, -0.81923]],
    518: [[0.31603, -0.05927, 0.39004, -0.9647, -1.04234, -2.32123, -0.5916, -0.81237],
          [0.31723, -0.05803, 0.38793, -0.9656, -1.04208, -2.32048, -0.59097, -0.81403]],
}  # fmt: skip
"""Every 16th feature of the test images, by their side: what DINOv2's published code computes with the same weights.
At 518 pixels the positions are those of the file, at 70 they are interpolated."""


@pytest.mark.parametrize("side", DINOV2)
def test_the_transformer_is_the_published_one(side: int) -> None:
    net = DinoV2.of(_numbers(DinoV2(128, 2, 37)))
    n = torch.arange(2 * 3 * side * side)
    images = ((n * n // 97 + n * 7) % 256).view(2, 3, side, side).float() / 128 - 1
    with torch.no_grad():
        found = net(images)
    torch.testing.assert_close(found[:, ::16], torch.tensor(DINOV2[side]), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", ["clip", "dinov2"])
def test_they_keep_the_contract_of_an_extractor(name: str, files: Files) -> None:
    made = KINDS[name](weights=str(files(name)))
    assert made.fingerprint() == hashlib.sha256(files(name).read_bytes()).hexdigest()[:12]
    check_extractor(made, Pictures(), count=2)


@pytest.mark.parametrize("name", KINDS)
def test_no_file_and_a_file_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        MissingError, match=rf"extractor '{name}' needs a file of weights, and none is given: set its 'w"
    ):
        KINDS[name]().prepare()
    away = tmp_path / "away.pth"
    with pytest.raises(MissingError, match=rf"and there is no file {away}: .* to the path of (CLIP|VGG16|DINOv2)"):
        KINDS[name](weights=str(away)).fingerprint()


@pytest.mark.parametrize("name", KINDS)
def test_files_of_something_else_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _no_first_weights(monkeypatch)

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "executed",))

    torch.save({"a": Evil()}, tmp_path / "evil.pth")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    torch.save([1], tmp_path / "list.pth")
    (tmp_path / "text.pth").write_text("not weights")
    for file in ("evil", "other", "list", "text"):
        made = KINDS[name](weights=str(tmp_path / f"{file}.pth"))
        with pytest.raises(MissingError, match=rf"{file}\.pth does not hold the weights of (CLIP|VGG16|DINOv2)"):
            made.open(Pictures(), CPU)
    assert not (tmp_path / "executed").exists()


def test_a_file_of_another_model_names_the_setting(tmp_path: Path) -> None:
    _write_clip(tmp_path / "clip.pt", features=640)
    with pytest.raises(MissingError, match="it gives 640 features, and vit-b-32 has 512; set 'model'"):
        Clip(weights=str(tmp_path / "clip.pt")).open(Pictures(), CPU)
    _write_dinov2(tmp_path / "dinov2.pth", width=64)
    with pytest.raises(MissingError, match="it gives 64 features, and vits14 has 384; set 'model'"):
        Dino(weights=str(tmp_path / "dinov2.pth")).open(Pictures(), CPU)
    for kind in (Clip, Dino):
        with pytest.raises(ValueError, match=r"model must be one of .*, got 'b'"):
            kind(model="b")


def test_a_missing_file_ends_a_run_before_anything_trains(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "losses: [minimax]\narchitectures: [{dcgan: {width: 4}}]\ndatasets: [digits]\ntrain: {steps: 1}\n"
        "evaluation: {samples: 500, extractor: {dinov2: {weights: away.pth}}, metrics: [spread, coverage-density]}\n"
    )
    done = inside("run", "--suite", "s.yaml")
    assert done.code == 3, done.err
    assert "there is no file away.pth: set its 'weights' (or --weights) to the path of DINOv2 vits14" in done.err
    assert not (tmp_path / "results" / "runs").exists()
