"""Atomic file writes, the cache directory, hashes, and JSON that is checked against a type."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ganbench.errors import ResultsError, reason, well_formed
from ganbench.notices import LOG

T = TypeVar("T")
FILES = frozenset({
    ".bmp", ".bz2", ".csv", ".gif", ".gz", ".h5", ".hdf5", ".htm", ".html", ".ipynb", ".jpeg", ".jpg", ".json",
    ".log", ".md", ".npy", ".npz", ".parquet", ".pdf", ".pickle", ".pkl", ".png", ".ppm", ".ps", ".pt", ".pth", ".py",
    ".safetensors", ".svg", ".tar", ".tex", ".tgz", ".tif", ".tiff", ".toml", ".tsv", ".txt", ".webp", ".xml", ".xz",
    ".yaml", ".yml", ".zip",
})  # fmt: skip
"""Endings of names of files."""
DAMAGED = ".damaged"
"""What the name of a file of a cache ends with that was set aside."""
MOST_BYTES = 1 << 31
"""More than any file that is read at once."""
MOST_OF_A_RECORD, MOST_OF_A_PICTURE = 1 << 26, 1 << 28
"""Bytes: more than any record, plan or history of a results folder, and than any picture."""
UNSEALED = 1
"""The last schema whose files have no seal."""


def cache_folder() -> Path:
    """`$GANBENCH_CACHE`, or `~/.cache/ganbench`."""
    return Path(os.environ.get("GANBENCH_CACHE") or Path.home() / ".cache" / "ganbench").expanduser()


def extractors_folder() -> Path:
    """Where trained extractors are kept by name, each one file `*.safetensors`."""
    return cache_folder() / "extractors"


def named_as_file(path: Path) -> bool:
    """Whether a path that is to become a folder ends as files do, such as `x.txt`; a folder that is there may."""
    return path.suffix.lower() in FILES and not path.is_dir()


KEPT = "kept"
"""The folder of compiled programs in `programs_folder()`, each one file `*.zip`."""


def programs_folder() -> Path:
    """Where compiled programs are kept: `$TORCHINDUCTOR_CACHE_DIR` if the user has set it, else below `cache_folder()`.

    torch itself sets the variable when its compiler is imported, to `torchinductor_<user>` in the folder for temporary
    files, which others may write and which a restart empties; that is not the user's choice.
    """
    own = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    if own:
        folder = Path(own).expanduser().absolute()
        if not (folder.name.startswith("torchinductor_") and folder.parent == Path(tempfile.gettempdir()).absolute()):
            return folder
    return cache_folder() / "programs"


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a regular file. Raises `OSError` for a link, a device, a pipe, and for more than `most` bytes.

    A file that somebody else has made may be any of these; nothing is waited for, and no link is followed.
    """
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise OSError(error.errno, "it is a symbolic link, which is not followed", str(path)) from None
        if error.errno in (errno.ENXIO, errno.EOPNOTSUPP):
            raise OSError(error.errno, "it is not a regular file", str(path)) from None
        raise
    try:
        state = os.fstat(number)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        if state.st_size > most:
            raise OSError(errno.EFBIG, f"it is larger than {most >> 20:,} MiB", str(path))
        with open(number, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(number)


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file beside `path`, sync, rename: after a crash or on a full disk the old file is intact."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def set_aside(path: Path, why: str) -> None:
    """Rename a damaged file of a cache, so that it is not read again, and say so once."""
    aside = path.with_name(f"{path.name}{DAMAGED}")
    try:
        path.replace(aside)
    except OSError as error:  # a cache that this user may not write
        LOG.warning("%s is damaged (%s) and cannot be set aside (%s)", path, why, error.strerror or error)
        return
    LOG.warning("%s is damaged (%s); it is made again, and kept as %s", path, why, aside.name)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` durable."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def short_hash(content: bytes) -> str:
    """The first 16 hex digits of SHA-256: part of a cached file's name, so that damage is noticed."""
    return hashlib.sha256(content).hexdigest()[:16]


def canonical(value: object) -> str:
    """JSON in canonical form: sorted keys, no spaces. Raises `ValueError` for NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


DIGITS = 12
"""Hex digits of an id."""


def digest(value: object) -> str:
    """The first 12 hex digits of SHA-256 over the canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:DIGITS]


SEAL = "seal"
"""The key of a JSON object's seal: the SHA-256 of the canonical JSON of everything else in it."""


def sealed(content: Mapping[str, object]) -> dict[str, object]:
    """The object with its seal, which comes last, and with texts that can be read back.

    Raises `ValueError` if a number is not finite.
    """
    readable = {well_formed(key): _readable(value) for key, value in content.items()}
    return {**readable, SEAL: _seal(readable)}


def _readable(value: object) -> object:
    """Plain data without half of a surrogate pair, which JSON can hold and no reader takes."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, Mapping):
        return {well_formed(key) if isinstance(key, str) else key: _readable(one) for key, one in value.items()}
    return [_readable(one) for one in value] if isinstance(value, list | tuple) else value


def check_seal(content: Mapping[str, object], text: str | None = None) -> None:
    """Raise `ValueError` if an object has no seal, or was changed after it was sealed.

    `text` is the canonical JSON of the object without its seal, if it is known.
    """
    if SEAL not in content:
        raise ValueError(f"$.{SEAL}: is missing")
    if content[SEAL] != (_seal(content) if text is None else seal_of(text)):
        raise ValueError(f"$.{SEAL}: does not match; the file was changed after ganbench wrote it")


def _seal(content: Mapping[str, object]) -> str:
    return seal_of(canonical({key: value for key, value in content.items() if key != SEAL}))


def seal_of(text: str) -> str:
    """The seal of an object whose canonical JSON, without a seal, is this."""
    return hashlib.sha256(text.encode()).hexdigest()


def from_plain(value: object, kind: type[T]) -> T:
    """Plain data as a dataclass. Raises `ValueError` with the JSON path of what is wrong: `$.rows[0]: ...`."""
    import msgspec

    try:
        return msgspec.convert(value, kind, str_keys=True)
    except msgspec.ValidationError as error:
        text, at, place = str(error).rpartition(" - at ")
        raise ValueError(f"{place.replace('`', '')}: {text}" if at else f"$: {error}") from error


def save_json(path: Path, schema: int, content: object) -> None:
    """Write a dataclass as a JSON object, its schema version first and its seal last."""
    import msgspec

    plain = sealed({"schema": schema, **msgspec.to_builtins(content, str_keys=True)})
    text = json.dumps(plain, indent=1)
    write_atomically(path, (text + "\n").encode())


def load_json(path: Path, schema: int, decode: Callable[[dict[str, Any]], T]) -> T | None:
    """What `decode` makes of a JSON object, or None if there is no such file.

    Raises `ResultsError` if the file is damaged, was changed after it was sealed, or has a newer schema; the error
    names the file and the JSON path.
    """
    import msgspec

    try:
        raw = msgspec.json.decode(read_file(path, MOST_OF_A_RECORD), type=dict[str, Any])
        if not isinstance(raw.get("schema"), int):
            raise ValueError("$.schema: missing, or not an integer")
        if raw["schema"] > schema:
            raise ResultsError(f"{path} was written by a newer ganbench; upgrade")
        if raw["schema"] > UNSEALED:
            check_seal(raw)
        return decode(raw)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ResultsError(f"{path} is damaged ({reason(error)}); remove that file and run the suite again") from error
