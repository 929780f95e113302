"""The connection to a Ray cluster, or one of this machine that lives as long as it: all that is asked of Ray."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ganbench.errors import MissingError, UsageError, describe_error, text_of
from ganbench.runner.cluster import probe
from ganbench.runner.cluster.folders import PrivateFolder
from ganbench.runner.cluster.parcels import News

PREFIX = "gbray-"
LONGEST_FOLDER = 40
"""Characters: the paths of sockets, which Ray makes below its folder, have a limit of about 107."""
NOWHERE = "/"
"""A folder without modules, in which nobody else can write any."""
OBJECT_STORE = 256 << 20
"""Bytes of memory for what travels in a cluster of this machine; more goes to the disk."""
REACH_S = 10.0
"""Seconds within which the head of a cluster has to answer."""
END_S = 2.0
"""Seconds that the worker of a cell has to leave nothing behind."""
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_AUTO_CONNECT": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"
}  # fmt: skip
"""Nothing is reported to anybody, no call starts a cluster, and no warning is shown about changed defaults of Ray."""
OWN_CLUSTER = {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
"""No other user of this machine can give work to a cluster that is started here; the token is written nowhere."""


@dataclass(frozen=True)
class Demand:
    """What one cell asks of a node, and the device that it uses there."""

    device: str
    cpus: int = 1
    gpus: int = 0

    @property
    def text(self) -> str:
        return f"{self.cpus} CPU" + f" and {self.gpus} GPU" * bool(self.gpus)


@dataclass(frozen=True)
class Node:
    """A machine of the cluster that answers, and what it offers in all."""

    id: str
    name: str
    cpus: float
    gpus: float

    def room(self, demand: Demand) -> int:
        """How many cells it has room for at once."""
        asked = ((self.cpus, demand.cpus), (self.gpus, demand.gpus))
        return int(min(has // needs for has, needs in asked if needs))


class Lost(Exception):
    """A node, or the process on it that looks after a cell, is gone."""


class Actor:
    """The process on a node that looks after one cell."""

    def __init__(self, ray: ModuleType, handle: Any) -> None:
        self._ray, self._handle, self._asked = ray, handle, None

    def news(self, timeout_s: float) -> News | None:
        """What the cell has sent; None if there is no answer yet. Raises `Lost`."""
        try:
            if self._asked is None:
                self._asked = self._handle.news.remote()
            if not self._ray.wait([self._asked], timeout=timeout_s)[0]:
                return None
            asked, self._asked = self._asked, None
            found: News = self._ray.get(asked)
        except self._ray.exceptions.RayError as error:
            raise Lost(_reason(error)) from error
        return found

    def ask(self) -> None:
        """Ask the cell to save its state and to leave."""
        with suppress(self._ray.exceptions.RayError):
            self._handle.ask.remote()

    def end(self) -> None:
        """End the cell, and leave nothing of it on the node."""
        with suppress(Exception):  # it is gone with its node, or the connection is
            self._ray.wait([self._handle.end.remote()], timeout=END_S)
            self._ray.kill(self._handle, no_restart=True)


class Connection:
    """What a run asks of a cluster. Raises `MissingError` if that no longer answers."""

    def __init__(self, ray: ModuleType, title: str) -> None:
        self.ray, self.title = ray, title

    def nodes(self) -> list[Node]:
        """The nodes that answer, as they are known to the cluster."""
        try:
            found = self.ray.nodes()
        except Exception as error:  # Ray raises several types
            raise MissingError(
                f"{self.title} no longer answers ({_reason(error)}); run the same command again when it does: what is "
                "finished is kept"
            ) from error
        return [
            Node(one["NodeID"], f"{one['NodeManagerHostname']}:{one['NodeID'][:6]}",
                 one["Resources"].get("CPU", 0.0), one["Resources"].get("GPU", 0.0))
            for one in found if one["Alive"]
        ]  # fmt: skip

    def hire(self, node_id: str, demand: Demand, content: bytes) -> Actor:
        """Start a process on a node that looks after the cell of an order."""
        from ganbench.runner.cluster.node_worker import NodeWorker

        options = {"num_cpus": demand.cpus, "num_gpus": demand.gpus, "max_restarts": 0, "max_task_retries": 0}
        made = self.ray.remote(NodeWorker).options(**options, scheduling_strategy=self._at(node_id))
        try:
            return Actor(self.ray, made.remote(content))
        except self.ray.exceptions.RayError as error:
            raise Lost(_reason(error)) from error

    def look(self, node_id: str, asked: bytes) -> Any:
        """Begin to ask a node for its software; `looked` has the answer."""
        options = {"num_cpus": 0, "max_retries": 0, "max_calls": 1, "scheduling_strategy": self._at(node_id)}
        return self.ray.remote(**options)(probe.look).remote(asked)

    def looked(self, pending: Any, timeout_s: float) -> dict[str, str] | None:
        """What a node has answered; None if it has not yet. Raises `Lost`."""
        try:
            if not self.ray.wait([pending], timeout=timeout_s)[0]:
                return None
            found: dict[str, str] = self.ray.get(pending)
        except self.ray.exceptions.RayError as error:
            raise Lost(_reason(error)) from error
        return found

    def _at(self, node_id: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node_id=node_id, soft=False)


def _reason(error: BaseException) -> str:
    """An error of Ray's, which is long, in a sentence: what our code has raised on a node, or how it begins."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception):
        return describe_error(cause)
    lines = [line.strip() for line in text_of(error).splitlines() if line.strip()]
    if lines and lines[0].startswith("Version mismatch"):
        return " ".join(lines)
    if lines and "creation task" in lines[0]:
        return lines[-1][:200]
    return (lines[0] if lines else type(error).__name__).partition(". ")[0].rstrip(".:")[:200]


def imported() -> ModuleType:
    """Ray. Raises `MissingError` if it is not installed, `UsageError` if this program uses it already."""
    try:
        import ray
    except ImportError as error:
        raise MissingError("--executor ray needs Ray, which is not installed: pip install 'ganbench[ray]'") from error
    if ray.is_initialized():
        raise UsageError("--executor ray: this program uses a Ray cluster already; call ray.shutdown() first")
    module: ModuleType = ray
    return module


@contextmanager
def connected(address: str, cpus: int) -> Iterator[Connection]:
    """A connection to the cluster at an address, or to one of this machine with `cpus` CPUs, which ends with it.

    Raises `MissingError` if there is no Ray or no cluster, `UsageError` as `imported` does.
    """
    ray = imported()
    folder = PrivateFolder(PREFIX, _short_folder())
    try:
        if address:
            _check_reachable(address)
            settings = SETTINGS
            title, options = f"the Ray cluster at {address}", dict[str, Any](address=address)
        else:
            settings = SETTINGS | OWN_CLUSTER
            title = "the Ray cluster of this machine"
            options = {
                "address": "local", "num_cpus": cpus, "include_dashboard": False, "_temp_dir": str(folder.path),
                "_node_ip_address": "127.0.0.1", "object_store_memory": OBJECT_STORE,
            }  # fmt: skip
        _begin(ray, title, options, settings)
        ray.cloudpickle.register_pickle_by_value(probe)  # a node may have another ganbench, or none
        try:
            yield Connection(ray, title)
        finally:
            ray.cloudpickle.unregister_pickle_by_value(probe)
            ray.shutdown()
    finally:
        folder.remove()


def _begin(ray: ModuleType, title: str, options: dict[str, Any], settings: Mapping[str, str]) -> None:
    """Connect. Ray puts the current folder on the import path of nodes, so it is one without modules meanwhile."""
    in_main = threading.current_thread() is threading.main_thread()
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        logging.getLogger("ray").setLevel(logging.ERROR)
        with contextlib.chdir(NOWHERE):
            ray.init(log_to_driver=False, logging_level=logging.ERROR, configure_logging=False, **options)
    except Exception as error:  # Ray raises several types
        with suppress(Exception):
            ray.shutdown()
        hint = "" if not options.get("_temp_dir") else "; use --executor local"
        raise MissingError(f"{title} cannot be used: {_reason(error)}{hint}") from error
    finally:
        if in_main:
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _short_folder() -> Path | None:
    """Where a folder for Ray can be made whose name is short enough; None for the usual place."""
    usual = Path(tempfile.gettempdir())
    return Path("/tmp") if len(str(usual)) + len(PREFIX) + 9 > LONGEST_FOLDER else None


def _check_reachable(address: str) -> None:
    """Raise `MissingError` at once if nobody answers at an address, where Ray would try for a minute."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_S).close()
    except OSError as error:
        raise MissingError(
            f"no Ray cluster answers at {address} ({error.strerror or error}); start it there with "
            f"`ray start --head --port={port} --include-dashboard=false`, and here `ray start --address={address}`"
        ) from error
