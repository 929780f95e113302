"""A published folder as one ZIP file: the same folder gives the same bytes; and back into a folder to be checked."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganbench.errors import MissingError, ResultsError, UsageError
from ganbench.results import manifest

SUFFIX = ".zip"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in an archive: the earliest that the format knows."""
PLAIN = (stat.S_IFREG | 0o644) << 16
MOST_FILES, MOST_BYTES = 500_000, 32 << 30
"""An archive that holds more is not unpacked."""
CHUNK = 1 << 20


def archive_of(folder: Path) -> Path:
    """Where the archive of a folder is written: beside it."""
    name = f"{folder.resolve().name}{SUFFIX}"
    return folder.parent / name if folder.name not in ("", "..") else folder.resolve().with_name(name)


def check_archive(path: Path) -> None:
    """Raise `UsageError` if a file must not be replaced, because it is not the archive of a report."""
    if not os.path.lexists(path):
        return
    try:
        with zipfile.ZipFile(path) as file:
            if not path.is_symlink() and any(_is_manifest(name) for name in file.namelist()):
                return
    except (OSError, zipfile.BadZipFile):
        pass
    raise UsageError(f"{path} is there and is not the archive of a report; move it away, or name another folder")


def _is_manifest(name: str) -> bool:
    return name.count("/") == 1 and name.endswith(f"/{manifest.NAME}")


def write_archive(folder: Path) -> Path:
    """Write the archive of a published folder, and return its path. Raises as `check_archive`, `MissingError` too."""
    path = archive_of(folder)
    check_archive(path)
    names = sorted([name for name, _ in manifest.entries(folder)] + [manifest.NAME])
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as staging:
            made = Path(staging) / path.name
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
                for name in names:
                    _add(file, f"{folder.resolve().name}/{name}", folder / name)
            made.replace(path)
    except OSError as error:
        raise MissingError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def _add(file: zipfile.ZipFile, name: str, path: Path) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.external_attr, info.create_system, info.compress_type = PLAIN, 3, zipfile.ZIP_DEFLATED
    info.file_size = path.stat().st_size
    with path.open("rb") as source, file.open(info, "w") as target:
        shutil.copyfileobj(source, target, CHUNK)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The folder that an archive holds, unpacked for a while.

    Raises `ResultsError` if it is damaged or names files outside of its folder, `MissingError` if the disk refuses.
    """
    with tempfile.TemporaryDirectory(prefix="ganbench-verify-") as place:
        try:
            with zipfile.ZipFile(path) as file:
                top = _checked(path, file.infolist())
                for info in file.infolist():
                    _unpack(file, info, Path(place))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
            raise _damaged(path, str(error)) from error
        except OSError as error:
            raise MissingError(f"{path} cannot be unpacked: {error.strerror or error}") from error
        yield Path(place) / top


def _checked(path: Path, infos: list[zipfile.ZipInfo]) -> str:
    """The name of the one folder of an archive, whose files all stay in it."""
    names = [info.filename.removesuffix("/") for info in infos]
    if len(infos) > MOST_FILES or sum(info.file_size for info in infos) > MOST_BYTES:
        raise _damaged(path, "it holds more than a report can")
    if len(set(map(str.casefold, names))) < len(names):
        raise _damaged(path, "it names a file twice")
    if any(manifest.escapes(name) for name in names):
        raise _damaged(path, "it names a file outside of its folder")
    if any(stat.S_ISLNK(info.external_attr >> 16) for info in infos):
        raise _damaged(path, "it holds a link")
    tops = {name.split("/")[0] for name in names}
    if len(tops) != 1 or not any(_is_manifest(name) for name in names):
        raise _damaged(path, f"it is not one folder with a {manifest.NAME}")
    return tops.pop()


def _unpack(file: zipfile.ZipFile, info: zipfile.ZipInfo, place: Path) -> None:
    target = place / info.filename
    if info.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with file.open(info) as source, target.open("xb") as made:
        shutil.copyfileobj(source, made, CHUNK)  # reads no more than the size that was checked


def _damaged(path: Path, why: str) -> ResultsError:
    return ResultsError(f"{path} is damaged ({why}); get the archive again, or publish with --zip again")
