"""What a worker says is untrusted: half of a surrogate pair, garbage on its connection, an object of a plugin's own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from factories import make_record
from running import read_records

from ganbench.errors import GanbenchError, describe_error
from ganbench.results.records import Failure, Record
from ganbench.results.store import Store
from ganbench.runner.channel import Channel, Garbled
from ganbench.runner.events import RunStaged
from ganbench.runner.jobs import CellJob
from ganbench.runner.scheduler import ResultWriter
from ganbench.suite.labels import Label, Variant
from ganbench.suite.specs import Cell, RunSpec

SUITE = """
losses: [%s, nonsaturating]
architectures: [mlp]
datasets: [ring8]
seeds: 1
train: {steps: 60, batch: 32, lr: 2e-3, engine: eager}
evaluation: {samples: 500, real_samples: 500}
plugins: [words.py]
"""
PLUGIN = '''
import os, stat, time
import torch
from ganbench import hookimpl
from ganbench_losses.nonsaturating import NonSaturating


class Base(NonSaturating):
    """Non-saturating, until step 30."""

    def memory(self, params): return {"moves": torch.zeros(())}

    def remember(self, critic): return {"moves": critic.memory["moves"] + 1}

    def g_loss(self, critic):
        if critic.memory["moves"].item() == 31:
            self.fault()
        return super().g_loss(critic)


class Half(Base):
    """Raises with half of a surrogate pair."""

    def fault(self): raise RuntimeError("half \\ud800 of a pair")


class Mute(Base):
    """Raises what cannot be said."""

    def fault(self):
        class Unsayable(Exception):
            def __str__(self): raise ValueError("no")
        raise Unsayable()


def sockets():
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield number
        except OSError:
            pass


class Garbage(Base):
    """Writes to the worker's connection what looks like the beginning of a message of 2 GiB, and goes on."""

    def fault(self):
        for number in sockets():
            os.write(number, b"\\x7f\\xff\\xff\\xff and no more")


class Deaf(Base):
    """Closes the worker's connection, and hangs."""

    def fault(self):
        for number in sockets():
            os.close(number)
        time.sleep(600)


class Gone(Base):
    """Closes the worker's connection, and goes on."""

    def fault(self):
        for number in sockets():
            os.close(number)


@hookimpl
def register_losses():
    return {kind.__name__.lower(): kind for kind in (Half, Mute, Garbage, Deaf, Gone)}
'''


def test_what_a_worker_says_costs_its_own_cell_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text(PLUGIN)
    (tmp_path / "words.yaml").write_text(SUITE % "half, mute, garbage, deaf, gone")
    done = cli("run", "--suite", "words.yaml", "--jobs", 2)
    assert done.code == 1, done.err
    assert "Traceback" not in done.err
    found = {one["spec"]["loss"][0]["name"]: one for one in read_records(tmp_path / "results").values()}
    reasons = {name: one["reason"] for name, one in found.items()}
    assert {name: one["status"] for name, one in found.items()} == {
        "half": "failed", "mute": "failed", "garbage": "failed", "deaf": "failed", "gone": "failed",
        "nonsaturating": "ok",
    }  # fmt: skip
    assert reasons["half"].startswith("RuntimeError: half \\ud800 of a pair (words.py:")
    assert reasons["mute"].startswith("Unsayable: its message cannot be read: ValueError (words.py:")
    assert reasons["garbage"] == "its worker process was ended: something else wrote to its connection"
    assert reasons["deaf"] == "its worker process closed its connection"
    assert reasons["gone"].startswith("its worker process ")
    traced = next((tmp_path / "results").glob(f"runs/{found['half']['id']}/traceback.txt")).read_text("utf-8")
    assert "half \\ud800 of a pair" in traced


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"failure": Failure("failed", "half \ud800 of a pair")}, "half \\ud800 of a pair"),
        ({"signals": {"d_loss": float("inf")}}, "its record cannot be written: ValueError: Out of range float"),
    ],
)
def test_a_record_that_no_file_can_hold_is_a_failed_run(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    spec = make_record().spec
    assert isinstance(spec, RunSpec)
    label = Label("a", "a")
    job = CellJob("s", Cell(Variant(label, label), label, spec, (spec.seed,)))
    store = Store(tmp_path)
    writer = ResultWriter(store, lambda event: None)
    odd = dataclasses.replace(make_record(spec.id, spec=spec), **change)
    with store.writing():
        writer(RunStaged(job, odd, store.stage(spec.id)))
    record = store.run(spec.id)
    assert isinstance(record, Record)
    assert record.failure is not None
    assert record.failure.text.startswith(reason)


def test_errors_can_be_written_whatever_they_quote() -> None:
    assert str(GanbenchError("no loss '\udcff'")) == "no loss '\\udcff'"
    assert describe_error(ValueError("\ud800")) == "ValueError: \\ud800"


class _Local:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return int, ("no number",)


def test_a_channel_gives_whole_messages_and_names_what_is_none() -> None:
    ours, theirs = Channel.pair()
    other = Channel(theirs)
    assert ours.arrived() == ([], None)
    other.send({"a": 1})
    other.send("x" * 3000)
    theirs.sendall(b"gAn")
    assert ours.arrived() == ([{"a": 1}, "x" * 3000], None)
    theirs.sendall(b"?")
    messages, end = ours.arrived()
    assert messages == []
    assert isinstance(end, Garbled)

    ours, theirs = Channel.pair()
    Channel(theirs).send("before")
    Channel(theirs).send(_Local())
    messages, end = ours.arrived()
    assert messages == ["before"]
    assert isinstance(end, Garbled)
    assert "ValueError" in str(end)

    ours, theirs = Channel.pair()
    content = bytearray(b"gAn1" + bytes(12) + b"?")
    content[15] = 1  # the length; the checksum is wrong
    theirs.sendall(content)
    theirs.close()
    assert isinstance(ours.arrived()[1], Garbled)
