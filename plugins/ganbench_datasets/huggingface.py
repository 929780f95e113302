"""Any image set of Hugging Face `datasets`: Parquet files, what `save_to_disk` wrote, or a set of the hub."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ganbench import MissingError, location
from ganbench_datasets.hub_download import hub_folder, is_complete, load_from_hub
from ganbench_datasets.image_table import ImageTable, Reading
from ganbench_datasets.picture_reading import Source
from ganbench_datasets.picture_set import PictureSet

HUB = "hf://datasets/"
HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")


@dataclass(frozen=True)
class HuggingFace(PictureSet):
    """An image set of Hugging Face `datasets`; needs `pip install 'ganbench[hf]'`.

    `path` is a Parquet file, a folder of Parquet files, or one that `save_to_disk` wrote; no network is used. Or it is
    a set of the hub such as `hf://datasets/user/set` (at `revision`), fetched once with `download: true` into
    `$GANBENCH_DATA`, or a folder in the user's cache, and read from there afterwards.

    `config` is one of the set's configurations. `train` and `test` name its splits: by default `train`, and `test`,
    `val` or `validation`; without a second one `test_share` of the pictures, chosen by their contents, are held out.
    `image` and `label` name the columns, where there are several; `labels: false` leaves the labels out. Pictures
    become squares of `size` pixels as those of `folder` do, by `fit`, `channels`, `filter` and `background`.
    """

    path: str = location()
    config: str = ""
    revision: str = ""
    train: str = ""
    test: str = ""
    image: str = ""
    label: str = ""
    labels: bool = True
    size: int = 32
    fit: str = "crop"
    channels: int = 3
    filter: str = "lanczos"
    background: str = "white"
    test_share: float = 0.1
    download: bool = location(False)

    version = "1"

    def __post_init__(self) -> None:
        if not isinstance(self.path, str) or not self.path:
            raise ValueError("set 'path' to Parquet files, a folder that save_to_disk wrote, or hf://datasets/user/set")
        if "://" in self.path and not (self.path.startswith(HUB) and HUB_ID.fullmatch(self._hub_id)):
            raise ValueError(f"path must be a file, a folder or a set such as {HUB}user/set, got {self.path!r}")
        if self.revision and not self._hub_id:
            raise ValueError(f"revision is only for a set of the hub ({HUB}user/set), got path {self.path!r}")
        if self.train and self.train == self.test:
            raise ValueError(f"train and test must be two splits, got {self.train!r} for both")
        if self.label and not self.labels:
            raise ValueError("label names the column of the labels, but labels is false; set one of them")
        self._check_settings()

    @property
    def _place(self) -> str:
        return self.path

    @property
    def _hub_id(self) -> str:
        """The name of the set on the hub, or "" for files on this disk."""
        return self.path.removeprefix(HUB) if self.path.startswith(HUB) else ""

    @property
    def _reading(self) -> tuple[object, ...]:
        return tuple(self._wanted)

    @property
    def _wanted(self) -> Reading:
        return Reading(self.config, self.train, self.test, self.image, self.label, self.labels)

    @property
    def _root(self) -> Path:
        """The file or folder on this disk."""
        if self._hub_id:
            return hub_folder(self._hub_id, self.revision, self.config)
        return Path(self.path).expanduser().absolute()

    @cached_property
    def _table(self) -> ImageTable:
        if self._hub_id and not is_complete(self._root):
            raise MissingError(
                f"dataset huggingface: {self._hub_id} is not in {self._root}. Download it with 'download: true', or "
                "set 'path' to a copy of its files"
            )
        if not self._root.exists():
            raise MissingError(
                f"dataset huggingface: there is no file or folder {self._root}; set 'path' to that of the set "
                "(relative to the suite's file)"
            )
        return ImageTable(self._root, self._wanted)

    @property
    def _source(self) -> Source:
        return self._table

    def prepare(self) -> None:
        """Download the set if that is asked for, and decode its pictures, if that was not done yet.

        Raises `MissingError` if the set or the package is not there, for a column or split that it does not have, and
        with the rows of faulty pictures.
        """
        if self._hub_id and self.download and not is_complete(self._root):
            load_from_hub(self._hub_id, self.revision, self.config, self._root)
        super().prepare()

    def _decode(self) -> None:
        """Decode the pictures; what the library converted for it is not kept."""
        try:
            super()._decode()
        finally:
            table: ImageTable | None = vars(self).get("_table")
            if table:
                table.close()
