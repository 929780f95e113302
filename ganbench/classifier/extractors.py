"""Trained classifiers as feature extractors: those that a package ships, and those in the user's own folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.classifier.weight_file import ENDING, Card, read_card, read_file
from ganbench.errors import MissingError
from ganbench.files import extractors_folder
from ganbench.registry.contracts import Dataset, Features
from ganbench.registry.discovery import is_plugin_name

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class TrainedExtractor:
    """A classifier in a file that `ganbench train-extractor` wrote: 64 features, logits, and the class as the mode.

    A subclass sets `weights`, the path of the file, and may fix its content with `sha256`, the hash that the command
    prints.
    """

    weights: str | Path = ""
    sha256: str = ""

    version = "1"
    dims = 64
    canonical = False
    gives = ("logits", "modes")
    batch = 250
    resize = "averaged over areas to 64 pixels if larger"

    def supports(self, dataset: Dataset) -> str | None:
        """Raises `MissingError` if the file is missing or damaged."""
        card, _ = self._read()
        if tuple(dataset.shape) != card.shape:
            return f"it reads images of shape {card.shape}, not {tuple(dataset.shape)}"
        if dataset.modes not in (None, card.classes):
            return f"it knows {card.classes} classes, and the dataset has {dataset.modes}"
        return None

    def fingerprint(self) -> str:
        """The first 12 hex digits of the SHA-256 of the weights. Raises `MissingError` as `supports` does."""
        return self._read()[0].weights[:12]

    def prepare(self) -> None:
        """Raises `MissingError` if the file is missing or damaged."""
        self._read()

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        """Raises `MissingError` if the file is missing or damaged."""
        from safetensors.torch import load

        from ganbench.classifier.network import ClassifierNet

        card, content = self._read()
        net = ClassifierNet(card.shape, card.classes)
        net.load_state_dict(load(content))
        net.to(device).eval().requires_grad_(False)

        def extract(images: Tensor) -> Features:
            features, logits = net(images)
            return Features(features, logits, logits.argmax(dim=1))

        return extract

    def _read(self) -> tuple[Card, bytes]:
        path = Path(self.weights).expanduser()
        card, content = read_file(path)
        if self.sha256 and card.weights != self.sha256:
            raise MissingError(
                f"{path} holds other weights: their SHA-256 is {card.weights[:12]}, not {self.sha256[:12]}; "
                "install the package again"
            )
        return card, content


def user_extractors() -> dict[str, type[TrainedExtractor]]:
    """An extractor by name for each file in the user's folder, of which only the headers are read.

    One that is damaged is among them, so that its name leads to the reason.
    """
    files = sorted(extractors_folder().glob(f"*{ENDING}"))
    return {path.stem: _from_file(path) for path in files if is_plugin_name(path.stem)}


def _from_file(path: Path) -> type[TrainedExtractor]:
    try:
        about = read_card(path).about
    except MissingError as error:
        about = f"(broken: {error})"
    return type("UserExtractor", (TrainedExtractor,), {"__doc__": about, "__module__": __name__, "weights": path})
