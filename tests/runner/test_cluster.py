"""Runs on a cluster, without one: what nodes are asked, what travels, what is refused before anything waits."""

from __future__ import annotations

import os
import pickle
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from factories import make_job, make_record
from fake_workers import NoPlugins, recorded

from ganbench.api.workplaces import ray_address
from ganbench.errors import MissingError, UsageError
from ganbench.registry.choice import Choice
from ganbench.registry.registry import Registry
from ganbench.runner.cluster import nodes as nodes_module
from ganbench.runner.cluster.connection import Demand, Lost, Node
from ganbench.runner.cluster.folders import LOCK, YOUNG_S, PrivateFolder
from ganbench.runner.cluster.nodes import NodePlaces, Wanted, demand_of
from ganbench.runner.cluster.parcels import Ending, Files, News, Order, States, TooMuch, packed, unpack
from ganbench.runner.cluster.software import SOURCES, answer, differences, question, software
from ganbench.runner.events import ExecutorEvent, JobRetried, JobReturned, RunStaged, WorkerReady
from ganbench.runner.local import LocalExecutor, Staff
from ganbench.runner.worker_process import WorkerSettings

JOB = make_job((0,))
ID = next(iter(JOB.cell.ids.values()))
PLUGIN = """
from ganbench import hookimpl
from ganbench_losses.minimax import Minimax


class Own(Minimax):
    pass


@hookimpl
def register_losses():
    return {"own": Own}
"""
SOFTWARE = {"Python": "3.11.7", "torch": "2.12"}


@dataclass
class FakeActor:
    """Plays what an actor has to say, then that its node is gone."""

    content: bytes
    play: list[News]
    ended: bool = False

    def news(self, timeout_s: float) -> News | None:
        if not self.play:
            raise Lost("its node is gone")
        return self.play.pop(0)

    def ask(self) -> None:
        """Nothing is asked."""

    def end(self) -> None:
        self.ended = True


@dataclass
class FakeConnection:
    """A cluster whose nodes answer at once; `plays` are what its actors say, one after the other."""

    alive: list[Node]
    software: dict[str, dict[str, str]] = field(default_factory=dict)
    plays: list[list[News]] = field(default_factory=list)
    actors: list[tuple[str, FakeActor]] = field(default_factory=list)
    title: str = "the Ray cluster at head:6379"

    def nodes(self) -> list[Node]:
        return self.alive

    def look(self, node_id: str, asked: bytes) -> str:
        return node_id

    def looked(self, pending: str, timeout_s: float) -> dict[str, str]:
        return self.software.get(pending, SOFTWARE)

    def hire(self, node_id: str, demand: Demand, content: bytes) -> FakeActor:
        self.actors.append((node_id, FakeActor(content, self.plays.pop(0))))
        return self.actors[-1][1]


def node(number: int, cpus: float = 1, gpus: float = 0) -> Node:
    return Node(f"id{number}", f"host:{number}", cpus, gpus)


def places(connection: FakeConnection, cells: int | None = None, told: list[str] | None = None) -> NodePlaces:
    wanted = Wanted(Demand("cpu"), SOFTWARE, b"", cells)
    return NodePlaces(connection, wanted, ([] if told is None else told).append)  # type: ignore[arg-type]


def message(value: Any, files: Files | None = None) -> News:
    return News(((pickle.dumps(value), files or {}),), (), None)


def finished(files: Files) -> list[News]:
    """A cell that ends well."""
    return [message(WorkerReady()), message(recorded(JOB, 0), files), message(JobReturned(JOB, None))]


def execute(connection: FakeConnection, tmp_path: Path) -> list[ExecutorEvent]:
    events: list[ExecutorEvent] = []
    settings = WorkerSettings(tmp_path / "staging", tmp_path / "checkpoints", 60)
    found = places(connection)
    executor = LocalExecutor(found, settings, NoPlugins(), None, ahead=0, staff=Staff(found.start, 1.0))
    executor([JOB], events.append)
    found.close()
    return events


@pytest.mark.parametrize("text", ["rey", "ray:", "ray:auto", "ray:ray://head:10001", "ray:head", "local:1", "ray:h:1 "])
def test_only_an_address_is_an_address(text: str) -> None:
    with pytest.raises(UsageError, match="--executor"):
        ray_address(text)


def test_addresses() -> None:
    assert [ray_address(text) for text in ("ray", "ray:10.0.0.1:6379", "ray:[::1]:6379")] == [
        "", "10.0.0.1:6379", "[::1]:6379",
    ]  # fmt: skip


def test_without_ray_it_is_one_sentence(inside: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = inside("run", "--suite", "quick", "--results", str(tmp_path), "--executor", "ray")
    assert (done.code, done.out) == (3, "")
    assert done.err.count("\n") == 1
    assert "pip install 'ganbench[ray]'" in done.err


def test_a_dry_run_asks_no_cluster(cli: Cli, tmp_path: Path) -> None:
    command = ("run", "--suite", "quick", "--results", str(tmp_path), "--dry-run", "--executor")
    done = cli(*command, "ray:nowhere:6379")
    assert (done.code, done.out.splitlines()[-1]) == (
        0, "on the Ray cluster at nowhere:6379, which is asked when the run starts",
    )  # fmt: skip
    assert cli(*command, "dask").code == 2


@pytest.mark.parametrize("asked", ["cuda", "auto", "cpu"])
def test_what_no_node_has_is_refused_before_anything_waits(asked: str) -> None:
    connection: Any = FakeConnection([node(1, cpus=0), node(2, cpus=0.5)])
    with pytest.raises(MissingError, match=r"no node of the Ray cluster at head:6379 has \(2 nodes, 0.5 CPUs, 0 GPUs"):
        demand_of(asked, connection)


def test_auto_asks_for_a_gpu_where_there_are_some() -> None:
    with_gpu: Any = FakeConnection([node(1), node(2, cpus=4, gpus=2)])
    assert demand_of("auto", with_gpu) == demand_of("cuda", with_gpu) == Demand("cuda", gpus=1)
    assert demand_of("cpu", with_gpu) == Demand("cpu")
    assert [one.room(Demand("cuda", gpus=1)) for one in with_gpu.nodes()] == [0, 2]
    with pytest.raises(UsageError, match="cuda:1"):
        demand_of("cuda:1", with_gpu)


def test_a_node_with_other_software_is_refused_by_name() -> None:
    other = {"id2": {**SOFTWARE, "torch": "2.11"}}
    with pytest.raises(MissingError, match=r"node host:2: torch is 2\.11 there and 2\.12 here"):
        places(FakeConnection([node(1), node(2)], other))


def test_nodes_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes_module, "REFRESH_S", 0.0)
    told: list[str] = []
    connection = FakeConnection([node(1, cpus=2), node(2)], {"id4": {"Python": "3.12.1"}})
    found = places(connection, told=told)
    assert (found.workers, [found.room(one) for one in found.all]) == (3, [2, 1])
    connection.alive = [node(2), node(3, cpus=4), node(4)]
    found.refresh()
    found.refresh()
    assert [one.name for one in found.usable] == ["host:2", "host:3"]
    assert found.workers == 5
    assert told == [
        "not used: node host:4: Python is 3.12.1 there and 3.11.7 here, torch is missing there and 2.12 here"
    ]
    assert places(connection_of(connection), cells=3).workers == 3
    connection.alive = []
    found.refresh()
    assert not found.usable
    assert "no node is left" in found.nothing_left


def connection_of(connection: FakeConnection) -> FakeConnection:
    """The same cluster without the node that is refused."""
    return replace(connection, alive=connection.alive[:2])


def test_a_run_comes_back_by_content(tmp_path: Path) -> None:
    files = {"weights.safetensors": b"weights", "samples.png": b"picture"}
    connection = FakeConnection([node(1)], plays=[finished(files)])
    state = tmp_path / "checkpoints" / ID / "000000003-a.safetensors"
    unpack({state.name: b"state"}, state.parent)
    events = execute(connection, tmp_path)
    (staged,) = (event for event in events if isinstance(event, RunStaged))
    assert staged.job is JOB or staged.job == JOB
    assert packed(staged.folder) == files
    assert events[-1] == JobReturned(JOB, None)
    ((where, actor),) = connection.actors
    order: Order = pickle.loads(actor.content)
    assert (where, order.states) == ("id1", {f"{ID}/{state.name}": b"state"})
    assert actor.ended


def test_states_come_back_and_replace_older_ones(tmp_path: Path) -> None:
    new = States(ID, {f"{ID}/2-b.safetensors": b"b"}, frozenset({f"{ID}/2-b.safetensors"}))
    late = States(ID, {f"{ID}/3-c.safetensors": b"c"}, frozenset({f"{ID}/3-c.safetensors"}))
    unpack({f"{ID}/1-a.safetensors": b"a"}, tmp_path / "checkpoints")
    staged = RunStaged(JOB, make_record(ID, spec=JOB.cell.run(0)), Path("staging"))
    first = [News((), (new,), None), message(staged), News((), (late,), None)]
    connection = FakeConnection([node(1)], plays=[[*first, message(JobReturned(JOB, None))]])
    execute(connection, tmp_path)
    assert packed(tmp_path / "checkpoints") == {f"{ID}/2-b.safetensors": b"b"}  # a run that is handed over has no more


def test_a_lost_node_is_left_alone_and_its_cell_runs_elsewhere(tmp_path: Path) -> None:
    connection = FakeConnection([node(1), node(2)], plays=[[message(WorkerReady())], finished({})])
    events = execute(connection, tmp_path)
    (retried,) = (event for event in events if isinstance(event, JobRetried))
    assert "trying it again elsewhere" in retried.text
    assert [where for where, _ in connection.actors] == ["id1", "id2"]
    assert events[-1] == JobReturned(JOB, None)


def test_a_cell_whose_nodes_are_lost_again_and_again_fails_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes_module, "SUSPECT_S", 0.0)
    connection = FakeConnection([node(1), node(2)], plays=[[], [], []])
    (*_, last) = execute(connection, tmp_path)
    assert len(connection.actors) == 3
    assert isinstance(last, JobReturned)
    assert last.failure is not None
    assert "gone with its node" in last.failure.cause.text


def test_a_worker_that_dies_is_no_lost_node(tmp_path: Path) -> None:
    died = [message(WorkerReady()), News((), (), Ending(-11))]
    connection = FakeConnection([node(1), node(2)], plays=[list(died), list(died)])
    (*_, last) = execute(connection, tmp_path)
    assert isinstance(last, JobReturned)
    assert last.failure is not None
    assert last.failure.cause.text.startswith("its worker process was killed by SIGSEGV; it was lost twice")


@pytest.mark.parametrize("bad", [b"no message", pickle.dumps(recorded)[:-4]])
def test_what_cannot_be_read_costs_its_cell(tmp_path: Path, bad: bytes) -> None:
    play = [News(((bad, {}),), (), None)]
    connection = FakeConnection([node(1)], plays=[list(play), list(play)])
    (*_, last) = execute(connection, tmp_path)
    assert isinstance(last, JobReturned)
    assert last.failure is not None
    assert "what it sent cannot be read" in last.failure.cause.text


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x"])
def test_no_file_leaves_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="a node sent a file"):
        unpack({name: b""}, tmp_path / "in")
    assert list(tmp_path.rglob("x")) == []


def test_too_much_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert packed(tmp_path) == {"a": b"12345"}
    monkeypatch.setattr("ganbench.runner.cluster.parcels.MAX_BYTES", 4)
    with pytest.raises(TooMuch, match="too much to send"):
        packed(tmp_path)


def test_software_is_compared_by_name(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(PLUGIN)
    registry = Registry.load([file])
    choices = (("loss", Choice("minimax")), ("dataset", Choice("ring8")))
    ours = software(registry, choices)  # type: ignore[arg-type]
    needed = replace(registry.needed(choices), files=registry.files)  # type: ignore[arg-type]
    theirs = answer(question(needed, choices))  # type: ignore[arg-type]
    assert theirs == ours
    assert {"Python", "torch", "ganbench", SOURCES, f"plugin file {file}"} <= set(ours)
    file.write_text(PLUGIN + "# changed\n")
    changed = differences(ours, answer(question(needed, choices)))  # type: ignore[arg-type]
    assert [text.partition(" is ")[0] for text in changed] == [f"plugin file {file}"]
    file.unlink()
    (missing,) = differences(ours, answer(question(needed, choices)))  # type: ignore[arg-type]
    assert "cannot be loaded" in missing
    assert str(file) in missing


def test_folders_of_processes_that_are_gone_are_removed(tmp_path: Path) -> None:
    lives = PrivateFolder("p-", tmp_path)
    for name in ("p-gone", "p-strange", "q-other"):
        (tmp_path / name).mkdir()
    (tmp_path / "p-gone" / LOCK).touch()
    (tmp_path / "p-gone" / "file").touch()
    (tmp_path / "q-other" / LOCK).touch()
    past = time.time() - 2 * YOUNG_S
    for folder in tmp_path.iterdir():
        os.utime(folder, (past, past))
    other = PrivateFolder("p-", tmp_path)
    assert {one.name for one in tmp_path.iterdir()} == {"p-strange", "q-other", lives.path.name, other.path.name}
    assert lives.path.stat().st_mode & 0o777 == 0o700
    lives.remove()
    other.remove()
    assert {one.name for one in tmp_path.iterdir()} == {"p-strange", "q-other"}
