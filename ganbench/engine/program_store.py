"""Compiled programs on disk, each in one sealed file: a later process loads what an earlier one compiled.

torch's compiler keeps its results in a folder of many files, in which it trusts whatever is there: a library that was
half written when the machine lost power makes every later run fail or crash. So the compiler works in a folder of
this process alone; afterwards what it made is packed into one file whose name has the hash of its content, and moved in
place. Only whole files are ever unpacked.
"""

from __future__ import annotations

import atexit
import io
import os
import platform
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import torch
from filelock import FileLock, Timeout

from ganbench.engine.tensor_cache import key
from ganbench.errors import describe_error
from ganbench.files import DAMAGED, KEPT, programs_folder, read_file, set_aside, short_hash, write_atomically
from ganbench.results.provenance import processor

T = TypeVar("T")

LIMIT_BYTES = 1 << 30
"""The store is kept below this size; the programs that were unused for longest are removed first."""
LOCK_TIMEOUT_S = 300.0
"""How long a process waits for another that is compiling the same program before it compiles the program itself."""
LOCKS = "locks"
"""What torch's compiler names the folder of its locks, which is not worth keeping."""


def kept(program: str, device: str, compile_it: Callable[[], T]) -> T:
    """What `compile_it` compiles for a device: loaded if the program is in the store, else stored there.

    `program` is a hash of everything that it depends on besides torch and the machine. Whatever is wrong with the store
    or with a file in it costs time only: the program is compiled again. Raises what `compile_it` raises.
    """
    if device == "cpu":
        _instruction_sets(programs_folder())
    return _kept(key(program, machine(device)), compile_it)


@lru_cache(maxsize=8)
def _instruction_sets(root: Path) -> None:
    """Let torch find out which vector instructions the compiler and the processor have, which it does by compiling."""
    from torch._inductor.cpu_vec_isa import valid_vec_isa_list

    _kept(key("instruction sets", str(root), machine("cpu")), valid_vec_isa_list)


def _kept(name: str, compile_it: Callable[[], T]) -> T:
    root = programs_folder()
    try:
        (root / KEPT).mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=_own_folder(root, os.getpid())))
    except OSError:
        return compile_it()
    with _one_at_a_time(root / KEPT / f"{name}.lock"):
        return _compiled(root / KEPT, name, folder, compile_it)


def _compiled(store: Path, name: str, folder: Path, compile_it: Callable[[], T]) -> T:
    trial = store / f"{name}.trial"
    if trial.exists():  # the process that loaded it last has died of it
        _forget(store, name, "a process died while it loaded it")
        trial.unlink(missing_ok=True)
    found = _unpacked(store, name, folder)
    if found:
        try:
            with compiling_in(folder), _without_headers(), _on_trial(trial):
                made = compile_it()
        except Exception:  # whole, but made for a machine or compiler that the name does not distinguish
            _forget(store, name)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
        else:
            if _files(folder) - found:
                _store(store, name, folder)
            return made
    try:
        with compiling_in(folder):
            made = compile_it()
    except Exception as error:
        if not _compiler_failed(error):
            raise
        with compiling_in(folder), _without_headers():  # one that was half compiled would fail every program
            made = compile_it()
    _store(store, name, folder)
    return made


@contextmanager
def compiling_in(folder: Path) -> Iterator[None]:
    """Inside, torch's compiler and triton keep their files in a folder, and remember nothing from before."""
    from torch._inductor.utils import clear_caches

    own = {"TORCHINDUCTOR_CACHE_DIR": str(folder)}
    if "TRITON_CACHE_DIR" not in os.environ:
        own["TRITON_CACHE_DIR"] = str(folder / "triton")
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    clear_caches()
    try:
        yield
    finally:
        clear_caches()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _without_headers() -> Iterator[None]:
    """Inside, no C++ headers are compiled ahead, which takes a second even if nothing has to be compiled."""
    from torch._inductor import codecache

    name = "_precompile_header"
    before = getattr(codecache, name, None)
    if before is not None:
        setattr(codecache, name, lambda *_, **__: None)
    try:
        yield
    finally:
        if before is not None:
            setattr(codecache, name, before)


def _compiler_failed(error: BaseException | None) -> bool:
    """Whether an error comes from the C++ compiler."""
    from torch._inductor.exc import CppCompileError

    while error is not None:
        if isinstance(error, CppCompileError) or isinstance(getattr(error, "inner_exception", None), CppCompileError):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Inside, no other process compiles the same program, unless it has waited too long or there are no locks."""
    lock = FileLock(path)
    with suppress(Timeout, OSError, NotImplementedError):
        lock.acquire(timeout=LOCK_TIMEOUT_S)
    try:
        yield
    finally:
        lock.release()


def _unpacked(store: Path, name: str, folder: Path) -> set[str]:
    """Unpack the program of a name into a folder. The files; none if it is not there. What is damaged is set aside."""
    for path in store.glob(f"{name}-*.zip"):
        why = "its content has another hash"
        try:
            content = read_file(path)
            if path.stem.endswith(f"-{short_hash(content)}"):
                with zipfile.ZipFile(io.BytesIO(content)) as packed:
                    packed.extractall(folder)
                with suppress(OSError):
                    os.utime(path)  # used now
                return _files(folder)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            why = describe_error(error)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
        set_aside(path, why)
    return set()


def _files(folder: Path) -> set[str]:
    """The files of a folder that are worth keeping, relative to it."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if LOCKS not in path.parts and not path.name.startswith(".")}


def _store(store: Path, name: str, folder: Path) -> None:
    """Pack what the compiler made into one file, in place of what was there. If it cannot be written, nothing is."""
    packed, files = io.BytesIO(), sorted(_files(folder))
    if not files:
        return
    try:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            for one in files:
                file.write(folder / one, one)
        content = packed.getvalue()
        write_atomically(store / f"{name}-{short_hash(content)}.zip", content)
        for path in store.glob(f"{name}-*.zip"):
            if not path.stem.endswith(f"-{short_hash(content)}"):
                path.unlink(missing_ok=True)
        _make_room(store)
    except (OSError, ValueError):  # a full disk, a date before 1980
        return


def _forget(store: Path, name: str, why: str = "") -> None:
    for path in store.glob(f"{name}-*.zip"):
        if why:
            set_aside(path, why)
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def _on_trial(path: Path) -> Iterator[None]:
    """Inside, a file says that a program is being loaded: if the process dies of it, the file stays."""
    with suppress(OSError):
        path.touch()
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _make_room(store: Path) -> None:
    """Above the limit, remove the programs that were unused for longest, and the locks of those that are gone."""
    found = []
    for path in (*store.glob("*.zip"), *store.glob(f"*.zip{DAMAGED}")):
        with suppress(OSError):
            state = path.stat()
            found.append((state.st_mtime, state.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= LIMIT_BYTES:
            return
        total -= size
        with suppress(OSError):
            path.unlink()
            (store / f"{path.stem.rpartition('-')[0]}.lock").unlink(missing_ok=True)


@lru_cache(maxsize=8)
def _own_folder(root: Path, process: int) -> Path:
    """A folder of this process alone, which is removed with it; those of processes that were killed are removed now.

    A library stays mapped when its file is removed, but a GPU's kernels are read when they are first launched.
    """
    place = root / "working"
    place.mkdir(parents=True, exist_ok=True)
    for path in place.glob("*.lock"):
        left = FileLock(path)
        with suppress(OSError, Timeout):
            left.acquire(timeout=0)
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)
            left.release()
    folder = place / f"{process}-{os.urandom(4).hex()}"
    lock = FileLock(folder.with_suffix(".lock"))
    lock.acquire()
    folder.mkdir()

    def remove() -> None:
        if os.getpid() == process:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                folder.with_suffix(".lock").unlink(missing_ok=True)
            lock.release()

    atexit.register(remove)
    return folder


@lru_cache(maxsize=16)
def machine(device: str) -> str:
    """What a program depends on besides its graph: torch, Python, the C++ compiler, the processor and the GPU."""
    name = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    compiler = shutil.which(name)
    state = Path(compiler).resolve().stat() if compiler else None
    known: list[object] = [
        torch.__version__, torch.version.git_version, sys.version, platform.machine(), platform.libc_ver(), processor(),
        torch.backends.cpu.get_cpu_capability(), os.environ.get("ATEN_CPU_CAPABILITY"),
        compiler, state and (state.st_size, state.st_mtime_ns), os.environ.get("CXXFLAGS"),
    ]  # fmt: skip
    if device.startswith("cuda"):
        known += [torch.version.cuda, torch.cuda.get_device_properties(torch.device(device)).name]
        known += [torch.cuda.get_device_capability(torch.device(device))]
    return repr(known)
