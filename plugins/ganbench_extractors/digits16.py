"""A small classifier of the 16x16 digits, shipped with its weights."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load
from torch import Tensor, nn

from ganbench import Dataset, Features, MissingError

WEIGHTS = Path(__file__).with_name("digits16.safetensors")
SHA256 = "6626e93c153559d07ec8d77b529a4d100e6120681edfbd6b6bb4446c65c6acaa"


class DigitsNet(nn.Module):
    """conv16, conv16 with stride 2, conv32 with stride 2, 64 features, 10 logits."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
            nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (B, 1, 16, 16) in [-1, 1] to features (B, 64) and logits (B, 10)."""
        features: Tensor = self.body(images)
        return features, self.head(features)


@dataclass(frozen=True)
class Digits16:
    """A CNN classifier of the 16x16 digits (64 features, 10 classes), shipped with its weights.

    The weights are fixed by their hash, because retraining the extractor changes a Frechet distance
    by up to half. They were made by `python -m ganbench_extractors.train_digits16 FILE`.
    """

    version = "1"
    dims = 64
    canonical = False
    gives = ("logits", "modes")

    def supports(self, dataset: Dataset) -> str | None:
        shape = tuple(dataset.shape)
        return None if shape == (1, 16, 16) else f"it reads images of shape (1, 16, 16), not {shape}"

    def fingerprint(self) -> str:
        return SHA256[:12]

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        """Raises `MissingError` if the shipped file is damaged."""
        content = WEIGHTS.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != SHA256:
            raise MissingError(
                f"{WEIGHTS} is damaged: its SHA-256 is {found[:12]}, not {SHA256[:12]}; reinstall ganbench"
            )
        net = DigitsNet()
        net.load_state_dict(load(content))
        net.to(device).eval().requires_grad_(False)

        def extract(images: Tensor) -> Features:
            features, logits = net(images)
            return Features(features, logits, logits.argmax(dim=1))

        return extract
