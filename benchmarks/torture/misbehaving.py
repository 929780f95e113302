"""A plugin of losses that misbehave at step 30, each in its own way."""

import ctypes
import os
import resource
import shutil
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

import torch
from torch import Tensor

from ganbench import Critic, hookimpl
from ganbench_losses.nonsaturating import NonSaturating


class Base(NonSaturating):
    """Non-saturating, until step 30."""

    def memory(self, params: object) -> dict[str, Tensor]:
        return {"moves": torch.zeros(())}

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        return {"moves": critic.memory["moves"] + 1}

    def d_loss(self, critic: Critic) -> Tensor:
        value: Tensor = super().d_loss(critic)
        if critic.memory["moves"].item() == 30:
            changed = self.fault(value)
            return value if changed is None else changed
        return value

    def fault(self, value: Tensor) -> Tensor | None:
        raise NotImplementedError


class Raises(Base):
    def fault(self, value: Tensor) -> None:
        raise RuntimeError("boom")


class RaisesBase(Base):
    def fault(self, value: Tensor) -> None:
        raise type("Own", (BaseException,), {})("no Exception")


class RaisesInterrupt(Base):
    def fault(self, value: Tensor) -> None:
        raise KeyboardInterrupt


class Unreadable(Base):
    def fault(self, value: Tensor) -> None:
        raise type("Mute", (Exception,), {"__str__": lambda self: 1 / 0})


class Surrogate(Base):
    def fault(self, value: Tensor) -> None:
        raise ValueError("half of a pair: \ud800, an escape: \x1b[31m, a zero: \0")


class Verbose(Base):
    def fault(self, value: Tensor) -> None:
        raise ValueError("x" * 10_000_000)


class Recurses(Base):
    def fault(self, value: Tensor) -> None:
        self.fault(value)


class Leaves(Base):
    def fault(self, value: Tensor) -> None:
        sys.exit(0)


class Exits(Base):
    def fault(self, value: Tensor) -> None:
        os._exit(0)


class KillsItself(Base):
    def fault(self, value: Tensor) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Segfaults(Base):
    def fault(self, value: Tensor) -> None:
        ctypes.string_at(0)


class Aborts(Base):
    def fault(self, value: Tensor) -> None:
        os.abort()


class Stops(Base):
    def fault(self, value: Tensor) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)


class Sleeps(Base):
    def fault(self, value: Tensor) -> None:
        time.sleep(3600)


class Deaf(Base):
    def fault(self, value: Tensor) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
        ctypes.PyDLL(None).sleep(3600)


class Greedy(Base):
    def fault(self, value: Tensor) -> None:
        torch.empty(1 << 50)


class Forks(Base):
    def fault(self, value: Tensor) -> None:
        if os.fork() == 0:
            time.sleep(3600)
            os._exit(0)
        os._exit(1)


class ClosesFiles(Base):
    def fault(self, value: Tensor) -> None:
        os.closerange(3, 256)


class WritesEverywhere(Base):
    def fault(self, value: Tensor) -> None:
        for number in range(3, 64):
            try:
                os.write(number, b"garbage\n" * 8)
            except OSError:
                continue


class NoFiles(Base):
    def fault(self, value: Tensor) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


class Moves(Base):
    def fault(self, value: Tensor) -> None:
        Path("gone").mkdir()
        os.chdir("gone")
        shutil.rmtree("../gone")


class Floods(Base):
    def fault(self, value: Tensor) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.write("\x1b[31m" + "flood " * 200_000)
        raise RuntimeError("flooded")


class Threads(Base):
    def fault(self, value: Tensor) -> None:
        for _ in range(20):
            threading.Thread(target=time.sleep, args=(3600,)).start()
        raise RuntimeError("threads stay")


class NotFinite(Base):
    def fault(self, value: Tensor) -> Tensor:
        return value * float("nan")


class NoTensor(Base):
    def fault(self, value: Tensor) -> Tensor:
        return "a text"  # type: ignore[return-value]


class Shapeless(Base):
    def fault(self, value: Tensor) -> Tensor:
        return value.expand(3)


class Warns(Base):
    def fault(self, value: Tensor) -> None:
        warnings.simplefilter("error")
        torch.set_default_dtype(torch.float64)
        torch.Tensor.mean = torch.Tensor.sum  # type: ignore[method-assign]


KINDS: tuple[type[Base], ...] = (
    Raises, Stops, RaisesBase, Deaf, Surrogate, KillsItself, RaisesInterrupt, Unreadable, Verbose, Recurses, Leaves,
    Exits, Segfaults, Aborts, Sleeps, Greedy, Forks, ClosesFiles, WritesEverywhere, NoFiles, Moves, Floods, Threads,
    NotFinite, NoTensor, Shapeless, Warns,
)  # fmt: skip

HANGING = (Stops, Deaf, Sleeps)
"""Those that do not end by themselves."""


@hookimpl
def register_losses() -> dict[str, type[Base]]:
    return {kind.__name__.lower(): kind for kind in KINDS}
