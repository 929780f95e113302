"""CelebA: the aligned faces, by the partition that comes with them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image

from ganbench import MissingError, hash_each, location
from ganbench_datasets.folder import Folder
from ganbench_datasets.image_files import read_picture
from ganbench_datasets.papers import LIU
from ganbench_datasets.picture_reading import Source
from ganbench_datasets.picture_tree import Item
from ganbench_datasets.torchvision_sets import data_folder

PARTITION, PICTURES = "list_eval_partition.txt", "img_align_celeba"
SPLITS = {"0": "train", "2": "test"}
"""The validation part, 1, is not used."""


class CelebAFiles:
    """The pictures that the partition of CelebA names, without labels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _listed(self) -> list[tuple[str, Path]]:
        """The split and the path of every picture. Raises `MissingError` if the partition cannot be read."""
        listing = self.folder / PARTITION
        if not listing.is_file():
            raise MissingError(
                f"dataset CelebA cannot be read from {self.folder}: {PARTITION} is missing. Set 'root' to the folder "
                f"that holds celeba/{PARTITION} and celeba/{PICTURES}, as torchvision unpacks them"
            )
        found = []
        for number, line in enumerate(listing.read_text().splitlines(), 1):
            parts = line.split()
            if len(parts) != 2 or parts[1] not in ("0", "1", "2"):
                raise MissingError(f"{listing}, line {number}: expected a file and 0, 1 or 2, got {line[:60]!r}")
            if parts[1] in SPLITS:
                found.append((SPLITS[parts[1]], self.folder / PICTURES / parts[0]))
        return found

    @cached_property
    def items(self) -> list[Item]:
        """Every picture of both splits. Raises `MissingError` if one is missing."""
        hashes = hash_each(self.folder, [path for _, path in self._listed])
        return [Item(split, -1, hashes[path]) for split, path in self._listed]

    @property
    def identity(self) -> list[Item]:
        return self.items

    @property
    def classes(self) -> int | None:
        return None

    def read(self, place: int) -> Image.Image:
        return read_picture(self._listed[place][1])

    def name(self, place: int) -> str:
        return str(self._listed[place][1])


@dataclass(frozen=True)
class CelebA(Folder):
    """Aligned faces of celebrities, 162,770 + 19,962: the middle 178x178 of 178x218, scaled to `size` by Lanczos.

    `root` holds `celeba/list_eval_partition.txt` and `celeba/img_align_celeba`, as torchvision unpacks them (default:
    `$GANBENCH_DATA`, or a folder in the user's cache). The validation part is not used; there are no labels.
    """

    root: str = location("")
    size: int = 64

    version = "1"
    reference = LIU

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", str(data_folder(self.root)))
        super().__post_init__()

    @cached_property
    def _source(self) -> Source:
        return CelebAFiles(Path(self.root) / "celeba")
