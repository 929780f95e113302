"""Processes that start at once: forked from one that has imported torch, which takes a fresh process two seconds.

A forked process gets its own arguments, environment, folder and files, and runs what a fresh one would run. The one
that it is forked from has imported libraries and ganbench, but no plugin, and has computed nothing.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import io
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypedDict, TypeVar

IMPORTED = (
    "PIL.Image", "pandas", "safetensors.torch", "scipy.stats", "sklearn.metrics", "torch._dynamo", "torch.func",
    "torch_fidelity", "torchvision", "ganbench.api", "ganbench.cli.run_command", "ganbench.runner.worker_main",
)  # fmt: skip
ABOVE = 500
"""Numbers of files from here on are asked for by no one."""


class Request(TypedDict):
    """What a process is to run, and the numbers that the files sent along have there."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    files: list[int]


class Process:
    """A forked process, with what ganbench uses of `subprocess.Popen`."""

    def __init__(self, address: str, request: Request, files: Sequence[int]) -> None:
        self.returncode: int | None = None
        self._received = b""
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(address)
        socket.send_fds(self._connection, [b"f"], list(files))
        self._connection.sendall(json.dumps(request).encode() + b"\n")
        self.pid = self._number(60)

    def _number(self, timeout: float | None) -> int:
        """The next number that the other side sends. Raises `subprocess.TimeoutExpired`."""
        self._connection.settimeout(timeout)
        while b"\n" not in self._received:
            try:
                part = self._connection.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("a forked process", timeout or 0) from None
            assert part, "the process that is forked has ended"
            self._received += part
        line, _, self._received = self._received.partition(b"\n")
        return int(line)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; -N if signal N ended it. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            self.returncode = self._number(timeout)
            self._connection.close()
        return self.returncode

    def _send(self, number: int) -> None:
        try:
            self.wait(0)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM, unless it has ended."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        self._send(signal.SIGKILL)


class Worker(Process):
    """What stands for `ganbench.runner.worker_process.Leader`: a worker that leads a session of its own."""

    gone = ""

    def kill(self) -> None:
        """End it and all that it has started."""
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(OSError):
            super().kill()

    def forget(self) -> None:
        """The guard of this process watches it no longer."""
        vars(sys.modules["ganbench.runner.worker_process"])["GUARD"].forget(self.pid)


Started = TypeVar("Started", bound=Process)


class Warm:
    """Starts processes by forking that of an address; without one, a process that it starts when it is first needed."""

    def __init__(self, address: str = "") -> None:
        self._address = address
        self._server: subprocess.Popen[bytes] | None = None

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, files: Mapping[int, int]
    ) -> Process:
        """Run `python -m NAME ...` or `python -c CODE`; `files` maps its numbers of files to those of this process.

        Where processes are not forked it is a fresh one, with files 0 to 2.
        """
        if sys.platform != "linux":
            command = [sys.executable, *arguments]
            return subprocess.Popen(command, -1, None, files[0], files[1], files[2], cwd=folder, env=environment)
        return self._start(Process, arguments, environment, folder, files)

    def _start(
        self, kind: type[Started], arguments: Sequence[str], environment: Mapping[str, str], folder: Path,
        files: Mapping[int, int],
    ) -> Started:  # fmt: skip
        if not self._address:
            self._server, self._address = _serve()
        request = Request(arguments=[*arguments], environment={**environment}, folder=str(folder), files=[*files])
        return kind(self._address, request, list(files.values()))

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, timeout: float
    ) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a process. Raises `subprocess.TimeoutExpired`."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open() as nothing:
            process = self.start(
                arguments, environment, folder, {0: nothing.fileno(), 1: out.fileno(), 2: err.fileno()}
            )
            try:
                code = process.wait(timeout)
            finally:
                process.kill()
            out.seek(0)
            err.seek(0)
            return code, out.read().decode(), err.read().decode()

    def python(self, *arguments: str, folder: Path, timeout: float = 120) -> tuple[int, str, str]:
        """`run` with this environment where processes are forked, elsewhere what a fresh Python does."""
        if sys.platform == "linux":
            return self.run(arguments, os.environ, folder, timeout)
        done = subprocess.run(
            [sys.executable, *arguments], cwd=folder, capture_output=True, encoding="utf-8", timeout=timeout
        )
        return done.returncode, done.stdout, done.stderr

    def worker(
        self, command: Sequence[str], stdin: int, pass_fds: Sequence[int], env: Mapping[str, str],
        start_new_session: bool,
    ) -> Worker:  # fmt: skip
        """Called as ganbench calls `Leader` to start a worker."""
        assert (stdin, command[-2], start_new_session) == (subprocess.DEVNULL, "-c", True)
        how, code = command[-2:]
        with Path(os.devnull).open() as nothing:
            files = {0: nothing.fileno(), 1: 1, 2: 2} | {number: number for number in pass_fds}
            return self._start(Worker, [how, f"import os; os.setsid(); {code}"], env, Path.cwd(), files)

    def close(self) -> None:
        """End the process that was forked, if it was started here."""
        if self._server is not None:
            self._server.communicate()
            shutil.rmtree(Path(self._address).parent)


def _serve() -> tuple[subprocess.Popen[bytes], str]:
    """Start the process that is forked, which ends when its stdin is closed. Returns it and its address."""
    address = str(Path(tempfile.mkdtemp(prefix="warm-")) / "socket")
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    command = [sys.executable, *flags, __file__, address]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return server, address


def _answer(address: str) -> tuple[Request, dict[int, int]]:
    """Fork for every request, until stdin is closed. Returns in forked processes alone, with what each is to run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        print("ready", flush=True)
        awaited: list[socket.socket | int] = [listening, 0]
        while True:
            ready, _, _ = select.select(awaited, [], [])
            if 0 in ready:
                os._exit(0)
            connection, _ = listening.accept()
            if os.fork() == 0:
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return _watched(connection)


def _watched(connection: socket.socket) -> tuple[Request, dict[int, int]]:
    """Fork the process that is asked for, and send its number and exit code; returns in it alone."""
    _, files, _, _ = socket.recv_fds(connection, 1, 32)
    content = b""
    while not content.endswith(b"\n"):
        content += connection.recv(1 << 16)
    request: Request = json.loads(content)
    pid = os.fork()
    if pid == 0:
        connection.close()
        return request, dict(zip(request["files"], files, strict=True))
    for number in files:
        os.close(number)
    try:
        connection.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    finally:
        os._exit(0)


def _become(request: Request, files: Mapping[int, int]) -> None:
    """Be the process that was asked for, as Python starts one and ends it."""
    moved = {wanted: fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, ABOVE) for wanted, number in files.items()}
    for number in files.values():
        os.close(number)
    for wanted, number in moved.items():
        os.dup2(number, wanted)
        os.close(number)
    _reopen()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    how, what, *rest = request["arguments"]
    sys.argv = [how, *rest]
    sys.path.insert(0, request["folder"] if how == "-m" else "")
    try:
        if how == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(what, {"__name__": "__main__"})
    except SystemExit as ended:
        _leave(ended.code)
    except BaseException:
        traceback.print_exc()
        _leave(1)
    _leave(0)


def _reopen() -> None:
    """Open the standard streams again: a file, a pipe and a terminal are not written in the same way."""
    for number, name, errors in ((0, "stdin", "strict"), (1, "stdout", "strict"), (2, "stderr", "backslashreplace")):
        at_once = vars(sys)[name].write_through  # as PYTHONUNBUFFERED says
        raw = open(number, "wb" if number else "rb", 0 if at_once and number else -1, closefd=False)  # noqa: SIM115
        lines = number == 2 or os.isatty(number)
        stream = io.TextIOWrapper(raw, vars(sys)[name].encoding, errors, None, lines, at_once)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _leave(code: object) -> NoReturn:
    """End as `sys.exit` does, but do not take thousands of modules apart one by one, which takes half a second."""
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0 if code is None else code & 255 if isinstance(code, int) else 1)


if __name__ == "__main__":
    del sys.path[0]  # this folder
    for name in IMPORTED:
        importlib.import_module(name)
    vars(sys.modules["ganbench.runner.worker_process"])["Leader"] = Warm(sys.argv[1]).worker
    gc.freeze()
    _become(*_answer(sys.argv[1]))
