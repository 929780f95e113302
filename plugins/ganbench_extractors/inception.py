"""Inception v3 as FID defines it: torch-fidelity's port of the original TensorFlow weights."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3, FeatureExtractorInceptionV3

from ganbench import Dataset, Features, MissingError, location
from ganbench_extractors.pixels import no_images, rgb_bytes

FILE = URL_INCEPTION_V3.rsplit("/", 1)[1]
OFFICIAL = "6726825d"  # the SHA-256 prefix in the file's own name
PAPER = r"""
@inproceedings{szegedy2016rethinking,
  author    = {Szegedy, Christian and Vanhoucke, Vincent and Ioffe, Sergey and Shlens, Jon and Wojna, Zbigniew},
  title     = {Rethinking the {Inception} Architecture for Computer Vision},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
  eprint    = {1512.00567},
  archivePrefix = {arXiv},
  year      = {2016},
}
"""


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]


@dataclass(frozen=True)
class Inception:
    """Inception v3 (2015-12-05), 2048 features; the network of every published FID and IS.

    `weights` is the path of torch-fidelity's weight file; without it, the file is downloaded on
    first use (91 MiB). Images are converted to 8-bit RGB, grey ones repeated over the channels, and
    resized to 299x299 as in TensorFlow 1.
    """

    weights: str = location("")

    version = "1"
    reference = PAPER
    dims = 2048
    backbone = "inception-v3"
    canonical = True
    gives = ("logits",)
    batch = 50
    device_batch = 250
    resize = "299x299, bilinear as TensorFlow 1"

    def supports(self, dataset: Dataset) -> str | None:
        return no_images(dataset)

    def path(self) -> Path:
        return Path(self.weights).expanduser() if self.weights else Path(torch.hub.get_dir()) / "checkpoints" / FILE

    def fingerprint(self) -> str:
        """The first 8 hex digits of the weights' SHA-256, as in the official file's name."""
        if not self.weights:
            return OFFICIAL
        if not self.path().is_file():
            raise MissingError(f"extractor 'inception': no weight file at {self.path()}")
        return _hash(self.path())

    def prepare(self) -> None:
        """Download the weights if they are missing.

        Raises `MissingError` if that fails, or if the file's hash is not the one in its name.
        """
        if self.path().is_file():
            if not self.weights and _hash(self.path()) != OFFICIAL:
                raise MissingError(f"{self.path()} is damaged: its SHA-256 does not start with {OFFICIAL}; delete it")
            return
        try:
            torch.hub.load_state_dict_from_url(URL_INCEPTION_V3, progress=False, check_hash=True, weights_only=True)
        except (OSError, RuntimeError) as error:
            raise MissingError(
                f"FID with 'inception' needs {FILE} (91 MiB), not found in {self.path().parent} and not "
                f"downloadable ({error}). Offline: copy it there, or pass --weights PATH."
            ) from error

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        """Raises `MissingError` if the weights are missing or not torch-fidelity's."""
        self.prepare()
        path = self.path()
        try:
            torch.load(path, weights_only=True)  # torch-fidelity unpickles anything: refuse code first
            net = FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased"], str(path))
        except (RuntimeError, UnpicklingError, EOFError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise MissingError(f"{path} does not hold torch-fidelity's Inception weights: {reason}") from error
        net.to(device)

        def extract(images: Tensor) -> Features:
            features, logits = net(rgb_bytes(images))
            return Features(features, logits)

        return extract
