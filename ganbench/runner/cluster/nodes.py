"""The nodes of a cluster as the places of a run: which there are, whether they may be used, and for how many cells."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ganbench.errors import MissingError, UsageError
from ganbench.formatting import counted
from ganbench.registry.registry import Registry
from ganbench.runner.channel import Channel
from ganbench.runner.cluster.connection import Connection, Demand, Lost, Node
from ganbench.runner.cluster.remote_process import Post, RemoteProcess
from ganbench.runner.cluster.software import Software, differences, question, software, unique
from ganbench.runner.jobs import Job
from ganbench.runner.places import Place, Places
from ganbench.runner.worker_process import WorkerProcess, WorkerSettings

REFRESH_S, SUSPECT_S = 2.0, 45.0
"""Seconds between two looks at the nodes, and for which one that lost a process is left alone: Ray notices the end of a
machine only after some time."""
ANSWER_S = 180.0
"""Seconds that nodes have to tell their software, torch's import included."""


SAVE_TIMEOUT_S, LEAVE_S = 4.0, 3.0
"""Seconds that cells have to save their state when a run is stopped, and then to clear up: with the end of Ray, all is
over in ten."""


@dataclass(frozen=True)
class Wanted:
    """What the nodes are to offer: resources for each cell, and the `software` of the driver, asked for by `question`.

    `cells` is the most at once; None: as many as there is room for.
    """

    demand: Demand
    software: Software
    question: bytes
    cells: int | None = None


class NodePlaces(Places):
    """The nodes that have room for a cell and the driver's software. Those that join during the run are used too."""

    kind = "node"

    def __init__(self, connection: Connection, wanted: Wanted, tell: Callable[[str], None]) -> None:
        super().__init__((), 0)
        self.connection, self.wanted, self.tell = connection, wanted, tell
        self.known: dict[str, Node] = {}
        self.pending: dict[str, tuple[Node, Any]] = {}
        self.refused_nodes: set[str] = set()
        self.suspects: dict[str, float] = {}
        self.looked_at = 0.0
        self.processes: list[RemoteProcess] = []
        self._check_first()

    def _check_first(self) -> None:
        """Ask all nodes that are there. Raises `MissingError` if the software of any differs, or none answers."""
        self._ask_new()
        until = time.monotonic() + ANSWER_S
        problems = []
        while self.pending and time.monotonic() < until:
            problems += self._answers(0.2)
        if problems:
            raise MissingError(
                f"{self.connection.title}: {'; '.join(problems)}; results would not be comparable, so install the same "
                "on all nodes, then start their Ray again"
            )
        self._update()
        if not self.all:
            raise MissingError(f"{self.connection.title}: no node has reported its software within {ANSWER_S:g} s")

    def refresh(self) -> None:
        if time.monotonic() - self.looked_at < REFRESH_S:
            return
        self._ask_new()
        for text in self._answers(0.0):
            self.tell(f"not used: {text}")
        self._update()

    def _ask_new(self) -> None:
        """Look which nodes there are, and ask those that have joined for their software."""
        self.looked_at = time.monotonic()
        alive = {one.id: one for one in self.connection.nodes() if one.room(self.wanted.demand)}
        self.known = {id_: one for id_, one in self.known.items() if id_ in alive}
        self.pending = {id_: one for id_, one in self.pending.items() if id_ in alive}
        for id_, one in alive.items():
            if id_ not in self.known and id_ not in self.pending and id_ not in self.refused_nodes:
                self.pending[id_] = (one, self.connection.look(id_, self.wanted.question))

    def _answers(self, timeout_s: float) -> list[str]:
        """Take the answers that have come; returns what is wrong with nodes, in words."""
        problems = []
        for id_, (node, asked) in list(self.pending.items()):
            try:
                found = self.connection.looked(asked, timeout_s)
            except Lost as lost:
                found, wrong = {}, [f"it does not tell its software ({lost})"]
            else:
                if found is None:
                    continue
                wrong = differences(self.wanted.software, found)
            del self.pending[id_]
            if wrong:
                self.refused_nodes.add(id_)
                problems.append(f"node {node.name}: {', '.join(wrong)}")
            else:
                self.known[id_] = node
        return problems

    def _update(self) -> None:
        """The places are the nodes that may be used."""
        self.all = tuple(Place(one.name, self.wanted.demand.device, is_card=True) for one in self.known.values())
        rooms = sum(one.room(self.wanted.demand) for one in self.known.values())
        self.workers = rooms if self.wanted.cells is None else min(rooms, self.wanted.cells)
        if not self.all:
            self.reasons.setdefault("the cluster", "all its nodes are gone")

    @property
    def each(self) -> int:
        return max((one.room(self.wanted.demand) for one in self.known.values()), default=0)

    @property
    def side_by_side(self) -> int:
        return self.workers

    def room(self, where: Place) -> int:
        node = next((one for one in self.known.values() if one.name == where.name), None)
        suspect = time.monotonic() - self.suspects.get(where.name, -SUSPECT_S) < SUSPECT_S
        return 0 if node is None or suspect else node.room(self.wanted.demand)

    def text(self, chosen: bool = False) -> str:
        nodes = counted(len(self.all), "node")
        at_once = counted(self.workers, "cell")
        return f"{self.connection.title}: {nodes}, up to {at_once} at once, each with {self.wanted.demand.text}"

    def start(self, settings: WorkerSettings, where: Place) -> WorkerProcess:
        """A worker on a node, for one job."""
        node = next(one for one in self.known.values() if one.name == where.name)
        hire = partial(self.connection.hire, node.id, self.wanted.demand)
        ours, theirs = Channel.pair()
        process = RemoteProcess(Post(where.device, hire, partial(self._suspect, where.name)), Channel(theirs), settings)
        process.start()
        self.processes = [*(one for one in self.processes if not one.leave(0.0)), process]
        return WorkerProcess(process, ours, where, changed=True)

    def close(self) -> None:
        """End what is left of the cells, so that nothing of them stays on the nodes."""
        for one in self.processes:
            one.kill()
        until = time.monotonic() + LEAVE_S
        for one in self.processes:
            one.leave(until)

    def _suspect(self, name: str) -> None:
        self.suspects[name] = time.monotonic()


def wanted(demand: Demand, registry: Registry, jobs: Sequence[Job], cells: int | None) -> Wanted:
    """What the nodes are to offer for some jobs."""
    choices = unique(pair for job in jobs for pair in job.spec.choices())
    needed = registry.needed(choices)
    return Wanted(demand, software(Registry.of(needed), choices), question(needed, choices), cells)


def demand_of(asked: str, connection: Connection) -> Demand:
    """What a cell asks for with a `--device`.

    Raises `UsageError` for another device, `MissingError` if no node has it, because its cells would wait for ever.
    """
    if asked not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device {asked}: on a Ray cluster each cell gets a GPU of its own; use auto, cpu or cuda")
    nodes = connection.nodes()
    gpus = sum(one.gpus for one in nodes)
    has = f"{counted(len(nodes), 'node')}, {sum(one.cpus for one in nodes):g} CPUs, {gpus:g} GPUs"
    demand = Demand("cuda", gpus=1) if asked == "cuda" or (asked == "auto" and gpus) else Demand("cpu")
    if any(one.room(demand) for one in nodes):
        return demand
    how = "use --device cpu, or add a node that has a GPU" if demand.gpus else "add a node that has a CPU"
    raise MissingError(
        f"--device {asked}: each cell asks for {demand.text}, which no node of {connection.title} has ({has}), so "
        f"it would wait forever; {how}"
    )
