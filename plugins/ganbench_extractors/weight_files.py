"""Extractors whose weights the user has as a file; nothing is downloaded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganbench import Dataset, Features, MissingError, hash_each, location
from ganbench_extractors.pixels import no_images, rgb_bytes


@dataclass(frozen=True)
class WeightFile:
    """An extractor of photographs with a file of weights that must be given.

    A subclass says what the file is (`name`, `wanted`) and how its network is made of it (`network`): a module that
    maps uint8 images (B, 3, H, W) to features (B, dims).
    """

    weights: str = location("")

    version: ClassVar[str] = "1"
    name: ClassVar[str] = ""
    canonical: ClassVar[bool] = False
    gives: ClassVar[tuple[str, ...]] = ()
    batch: ClassVar[int] = 50
    device_batch: ClassVar[int] = 250

    @property
    def dims(self) -> int:
        raise NotImplementedError

    @property
    def wanted(self) -> str:
        """The file's usual name and who publishes it."""
        raise NotImplementedError

    def network(self, path: Path) -> nn.Module:
        """The network in evaluation mode. May raise what torch raises for a file of other content."""
        raise NotImplementedError

    def supports(self, dataset: Dataset) -> str | None:
        return no_images(dataset)

    def _path(self) -> Path:
        """The file. Raises `MissingError` if none is given or it is not there."""
        path = Path(self.weights).expanduser()
        if self.weights and path.is_file():
            return path
        there = f"there is no file {path}" if self.weights else "none is given"
        raise MissingError(
            f"extractor {self.name!r} needs a file of weights, and {there}: set its 'weights' (or --weights) to the "
            f"path of {self.wanted}; ganbench does not download it"
        )

    def fingerprint(self) -> str:
        """The first 12 hex digits of the file's SHA-256. Raises `MissingError`."""
        path = self._path().absolute()
        return hash_each(path.parent, [path])[path][:12]

    def prepare(self) -> None:
        """Raises `MissingError` if the file is not there."""
        self._path()

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        """Raises `MissingError` if the file is not there, or holds something else."""
        path = self._path()
        try:
            net = self.network(path)
        except (RuntimeError, UnpicklingError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise MissingError(f"{path} does not hold the weights of {self.wanted}: {reason}") from error
        net.to(device).eval().requires_grad_(False)

        def extract(images: Tensor) -> Features:
            return Features(net(rgb_bytes(images)))

        return extract


def state_of(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name; a file that would run code is refused. Raises what `torch.load` does."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError("it is no mapping from names to tensors")
    return state
