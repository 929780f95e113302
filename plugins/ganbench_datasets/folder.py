"""One's own pictures: a folder of image files, or files of arrays."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ganbench import MissingError, location
from ganbench_datasets.array_files import BATCH, IDX, ORDERS, ArrayFiles, array_files
from ganbench_datasets.picture_reading import Source
from ganbench_datasets.picture_set import PictureSet
from ganbench_datasets.picture_tree import PictureTree, first_picture


@dataclass(frozen=True)
class Folder(PictureSet):
    """Your own pictures: a tree of PNG, JPEG and WebP files, `.npz` or `.npy`, idx files or batches of CIFAR.

    `root` is the folder or file. Every picture becomes a square of `size` pixels: `fit: crop` cuts the middle square
    out, `pad` fills up with `background`, on which transparent pixels are laid too; `filter` scales (lanczos, bicubic,
    bilinear, box, nearest). `channels` is 3 or 1 (gray). `train` and `test` (or `val`) inside the folder are the
    splits; without them `test_share` of the pictures, chosen by their contents, are held out. The first folders are
    the classes, unless `labels` is false. `key` and `order` (nhwc, nchw) say what an array file holds.

    What was decoded is kept in the cache folder and mapped from there.
    """

    root: str = location()
    size: int = 32
    fit: str = "crop"
    channels: int = 3
    filter: str = "lanczos"
    background: str = "white"
    test_share: float = 0.1
    labels: bool = True
    key: str = ""
    order: str = "auto"

    version = "1"

    def __post_init__(self) -> None:
        if not isinstance(self.root, str) or not self.root:
            raise ValueError("set 'root' to the folder of your pictures, such as {folder: {root: pictures}}")
        if self.order not in ORDERS:
            raise ValueError(f"order must be {', '.join(ORDERS)}, got {self.order!r}")
        self._check_settings()

    @property
    def _place(self) -> str:
        return self.root

    @property
    def _reading(self) -> tuple[object, ...]:
        return self.labels, self.key, self.order

    @cached_property
    def _source(self) -> Source:
        return open_source(Path(self.root).expanduser().absolute(), self.labels, self.key, self.order)


def open_source(root: Path, labeled: bool, key: str, order: str) -> Source:
    """The pictures at a path. Raises `MissingError` if there is nothing, or more than one kind of files."""
    if not root.exists():
        raise MissingError(
            f"dataset folder: there is no folder or file {root}; set 'root' to that of your pictures (relative to the "
            "suite's file)"
        )
    known = root.suffix.lower() in (".npz", ".npy") or IDX.search(root.name) or BATCH.match(root.name)
    if root.is_file() and not known:
        raise MissingError(f"{root} is no folder of pictures, and no file .npz, .npy, idx or batch of CIFAR")
    arrays = array_files(root)
    if not arrays:
        return PictureTree(root, labeled)
    if root.is_dir() and (other := first_picture(root)):
        raise MissingError(f"{root} holds arrays ({arrays[0].name}) and pictures ({other}): set 'root' to one of them")
    return ArrayFiles(root, arrays, labeled, key, order)
