"""Fetches the Parquet files of a set from the Hugging Face hub, if the user asks for that."""

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ganbench import MissingError
from ganbench_datasets.torchvision_sets import data_folder

OLDEST = 4
"""The first version of `datasets` that runs no code of a set."""
COMPLETE = ".complete"
"""The file that says that a download has ended."""
CARD = "README.md"


def require_library() -> None:
    """Raise `MissingError` if the package `datasets` is not installed, or too old."""
    try:
        found = version("datasets")
    except PackageNotFoundError:
        raise MissingError("dataset 'huggingface' needs the package datasets: pip install 'ganbench[hf]'") from None
    if int(found.partition(".")[0]) < OLDEST:
        raise MissingError(
            f"dataset 'huggingface' needs datasets {OLDEST} or newer, and {found} is installed: "
            "pip install --upgrade 'ganbench[hf]'"
        )


def hub_folder(name: str, revision: str, config: str) -> Path:
    """Where a set of the hub is kept."""
    parts = "@".join(filter(None, (name, revision, config and f"config={config}")))
    return data_folder("").absolute() / "huggingface" / re.sub(r"[^A-Za-z0-9._@=-]", "--", parts)


def is_complete(folder: Path) -> bool:
    """Whether a set was downloaded to its end."""
    return (folder / COMPLETE).is_file()


def load_from_hub(name: str, revision: str, config: str, folder: Path) -> None:
    """Download the Parquet files and the card of a set; with a configuration that is a folder, only those of it.

    Raises `MissingError` if the hub refuses or cannot be reached, or the set has no such files.
    """
    require_library()
    from huggingface_hub import HfApi, snapshot_download

    where = {"repo_id": name, "repo_type": "dataset", "revision": revision or None}
    try:
        files = [file for file in HfApi().list_repo_files(**where) if file.endswith(".parquet") or file == CARD]
        tables = [file for file in files if file != CARD]
        if tables:
            own = [file for file in tables if file.startswith(f"{config}/")] if config else []
            wanted = [*(own or tables), *([CARD] if CARD in files else [])]
            snapshot_download(**where, local_dir=folder, allow_patterns=[_literal(file) for file in wanted])
            (folder / COMPLETE).touch()
    except Exception as error:  # of the network, the hub or the disk
        reason = _reason(error, revision)
        raise MissingError(f"{name} cannot be downloaded from the Hugging Face hub: {reason}") from error
    if not tables:
        raise MissingError(
            f"{name} has no Parquet files on the Hugging Face hub at revision {revision or 'main'}; the hub "
            "converts sets of other formats: try 'revision: refs/convert/parquet'"
        )


def _reason(error: Exception, revision: str) -> str:
    """Why the hub gives nothing, with what to do where that is known."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return "it is gated: accept its terms on its page of the hub, then log in with `hf auth login`"
    if isinstance(error, RepositoryNotFoundError):
        return "there is no such set, or it is private; if it is yours, log in with `hf auth login`"
    if isinstance(error, RevisionNotFoundError):
        return f"it has no revision {revision!r}"
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _literal(file: str) -> str:
    """A pattern of `fnmatch` that only this name matches."""
    return re.sub(r"([*?[])", r"[\1]", file)
