"""Opens sets of Hugging Face `datasets` on this disk, without the network; what is converted goes into the cache."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import yaml

from ganbench import MissingError, cache_folder
from ganbench_datasets.hub_download import CARD, require_library
from ganbench_datasets.pixel_cache import LEFTOVER_S

SAVED = ("dataset_dict.json", "state.json")
"""Files by which a folder of `save_to_disk` is known."""


class Rows(Protocol):
    """What is used of a `datasets.Dataset`."""

    @property
    def features(self) -> Mapping[str, Any]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, row: Any) -> dict[str, Any]: ...

    def select_columns(self, columns: list[str]) -> "Rows": ...

    def cast_column(self, column: str, feature: object) -> "Rows": ...


def files_of(root: Path, config: str) -> list[Path]:
    """The files of a set beside its card, in order. Raises `MissingError` if there are none."""
    if root.is_file():
        if root.suffix.lower() != ".parquet":
            raise MissingError(f"{root} is no Parquet file (.parquet); set 'path' to one, or to a folder of them")
        return [root]
    saved = is_saved(root)
    found = sorted(
        path for path in root.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
        and path.suffix in ((".arrow", ".json") if saved else (".parquet",))
    )  # fmt: skip
    if saved and config:
        raise MissingError(f"{root} was written by save_to_disk and has no configurations; leave out 'config'")
    if not any(path.suffix in (".arrow", ".parquet") for path in found):
        raise MissingError(
            f"{root} holds no Parquet files (.parquet) and was not written by save_to_disk; a folder of picture files "
            "is read by the dataset 'folder'"
        )
    return found


def is_saved(root: Path) -> bool:
    """Whether `save_to_disk` wrote a folder."""
    return any((root / name).is_file() for name in SAVED)


class LocalTables:
    """The splits of a set by name. What the library converts is kept in a folder of the cache until `close`."""

    def __init__(self, root: Path, config: str) -> None:
        require_library()
        self.root = root
        files = files_of(root, config)
        folder = cache_folder().absolute() / "huggingface"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(folder)
            self._scratch = tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True)
            self._seen = Path(self._scratch.name) / "set"
            _link(root, [*files, *([root / CARD] if (root / CARD).is_file() else [])], self._seen)
        except OSError as error:
            raise MissingError(
                f"{folder} cannot be written ({error.strerror or error}); make room, or name another folder by "
                "GANBENCH_CACHE"
            ) from error
        with self._told():
            self._splits: Mapping[str, Rows | list[Path]] = (
                {"train": [root]} if root.is_file()
                else _saved_splits(self._seen) if is_saved(root)
                else self._parquet_splits(config)
            )  # fmt: skip

    @property
    def names(self) -> list[str]:
        return list(self._splits)

    def open(self, split: str) -> Rows:
        """The rows of a split. Raises `MissingError` if its files are damaged."""
        from datasets import Dataset
        from pyarrow.parquet import read_metadata

        found = self._splits[split]
        if not isinstance(found, list):
            return found
        for file in found:
            _check(file)
        if not sum(read_metadata(file).num_rows for file in found):
            raise MissingError(f"split {split!r} of {self.root} is empty; name another by 'train' or 'test'")
        plain = Path(tempfile.mkdtemp(dir=self._scratch.name))
        for number, file in enumerate(found):
            (plain / f"{number:06}.parquet").symlink_to(file)
        with self._told():
            rows: Rows = Dataset.from_parquet(sorted(map(str, plain.iterdir())), cache_dir=self._scratch.name)
        return rows

    def close(self) -> None:
        """Delete what was converted; the rows must not be read any more."""
        self._scratch.cleanup()

    def _parquet_splits(self, config: str) -> dict[str, list[Path]]:
        """The files of each split, as the library tells them by their names or by the card of the set."""
        from datasets import load_dataset_builder

        seen, configs = self._seen, card_configs(self.root)
        if config and config not in configs:
            folders = {path.relative_to(seen).parts[0] for path in seen.rglob("*.parquet") if path.parent != seen}
            if config not in folders:
                known = ", ".join(sorted({*configs, *folders})) or "none"
                raise MissingError(f"{self.root} has no configuration {config!r}; it has {known}")
            seen, config = seen / config, ""
        elif not config and len(configs) > 1 and "default" not in configs and not _marked(configs):
            raise MissingError(f"{self.root} has several configurations: set 'config' to {', '.join(configs)}")
        builder = load_dataset_builder(seen.as_posix(), name=config or None, cache_dir=self._scratch.name)
        found = {str(split): list(map(Path, files)) for split, files in builder.config.data_files.items()}
        if not all(file.is_relative_to(self._seen) for files in found.values() for file in files):
            raise MissingError(f"{self.root / CARD} names files outside the folder; they are not read")
        return {split: [file.readlink() for file in files] for split, files in found.items()}

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Without progress bars; what the library raises becomes a `MissingError`."""
        from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

        quiet = are_progress_bars_disabled()
        disable_progress_bars()
        try:
            yield
        except MissingError:
            raise
        except Exception as error:  # of datasets, pyarrow, yaml or the disk
            reason = reason_of(error.__cause__ or error).replace(str(self._seen), str(self.root))
            raise MissingError(f"{self.root} cannot be read as a set of datasets: {reason}") from error
        finally:
            if not quiet:
                enable_progress_bars()


def _link(root: Path, files: list[Path], seen: Path) -> None:
    """Show the library the files of a set and no others, at a path without signs that it takes for patterns."""
    for file in files if root.is_dir() else ():
        link = seen / file.relative_to(root)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)


def _saved_splits(folder: Path) -> dict[str, Rows]:
    from datasets import load_from_disk

    found = load_from_disk(str(folder))
    splits = found if isinstance(found, dict) else {str(found.split or "train"): found}
    return {name: rows.with_format(None) for name, rows in splits.items()}


def contents_of(rows: Rows, column: str) -> Rows:
    """A column of pictures alone, each as the content of its file ({"bytes": ..., "path": ...}), not decoded."""
    from datasets import Image

    return rows.select_columns([column]).cast_column(column, Image(decode=False))


def card_configs(root: Path) -> dict[str, Mapping[str, object]]:
    """The configurations that the card of a set names, by their names. Raises `MissingError` if it cannot be read."""
    card = root / CARD
    if not card.is_file():
        return {}
    try:
        head = re.match(r"\s*---\s*\n(.*?)\n---", card.read_text(encoding="utf-8"), re.DOTALL)
        said = yaml.safe_load(head[1]) if head else None
        configs = (said or {}).get("configs") or []
        found: dict[str, Mapping[str, object]] = {str(one["config_name"]): one for one in configs}
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise MissingError(
            f"{card} has no valid header of a dataset card: {reason_of(error)}; correct or delete it"
        ) from error
    if "://" in repr(configs):
        raise MissingError(f"{card} names files that are not in the folder; copy them there, and name them so")
    return found


def _marked(configs: Mapping[str, Mapping[str, object]]) -> bool:
    """Whether one of the configurations is the default."""
    return any(one.get("default") for one in configs.values())


def _check(file: Path) -> None:
    """Raise `MissingError` if a Parquet file is damaged at its end, where its columns are described."""
    from pyarrow import ArrowException, parquet

    try:
        parquet.read_schema(file)
    except (ArrowException, OSError) as error:
        raise MissingError(f"{file} is truncated or damaged, or no Parquet file: {reason_of(error)}") from error


def reason_of(error: BaseException) -> str:
    """The first line of what an error says."""
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__


def _remove_leftovers(folder: Path) -> None:
    """Delete what a process that was killed left more than a day ago."""
    for entry in os.scandir(folder):
        with suppress(OSError):  # another process may delete it at the same time
            if time.time() - entry.stat().st_mtime > LEFTOVER_S:
                shutil.rmtree(entry.path, ignore_errors=True)
