"""Where workers compute: the CPU or one GPU each, how many workers there are, and which GPUs are still used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from ganbench.engine import devices
from ganbench.engine.devices import Card
from ganbench.errors import UsageError
from ganbench.registry import effects
from ganbench.registry.registry import Registry
from ganbench.suite.specs import Cell

WORKERS_OF_A_CARD, WORKERS_OF_SMALL_CELLS = 2, 4
"""Workers of one GPU: while one trains, another loads, compiles or is evaluated; more if cells do not fill the GPU."""
MEMORY_OF_A_WORKER = 4 << 30
"""Bytes of a GPU's memory that must be there for each of its workers beyond the first."""
MAX_LOSSES = 2
"""A GPU that lost so many jobs is used only if there are no others; one that so often gave no answer never is."""
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Place:
    """Where a worker computes.

    `name` is the device's name in this process, such as `cuda:1`, `device` that in the worker's: a worker sees its own
    GPU alone, through the variables in `environment`. `is_card` says that the device may fail and others remain.
    """

    name: str
    device: str
    is_card: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


CPU = Place("cpu", "cpu")


class Places:
    """The places of a run, how many workers they have in all and each, and how often each GPU has failed."""

    kind = "GPU"
    """What a place that may fail is called."""

    def __init__(self, all_: Sequence[Place], workers: int) -> None:
        self.all, self.workers = tuple(all_), workers
        self.losses: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.reasons: dict[str, str] = {}

    @classmethod
    def one(cls, device: str, workers: int = 1) -> Places:
        """Workers on one device by its name."""
        return cls((place(device),), workers)

    @property
    def each(self) -> int:
        """The most workers at one place."""
        return -(-self.workers // len(self.all))

    def room(self, where: Place) -> int:
        """The most workers at a place now."""
        return self.each

    def refresh(self) -> None:
        """Take note of places that came or went; those of one machine stay as they are."""

    @property
    def side_by_side(self) -> int:
        """How many parts of one cell gain from being trained at once: one per core, or one per GPU."""
        cards = sum(one.is_card for one in self.all)
        return min(cards, self.workers) if cards else self.workers

    @property
    def usable(self) -> list[Place]:
        """The places that answer; those that lost jobs too often only if there are no others."""
        there = [one for one in self.all if self.refusals[one.name] < MAX_LOSSES]
        return [one for one in there if self.losses[one.name] < MAX_LOSSES] or there

    def lost(self, where: Place, reason: str) -> str:
        """Note that a job was lost at a place; returns what follows from it for the run, in words, if anything does."""
        self.losses[where.name] += 1
        return self._consequence(where, reason)

    def refused(self, where: Place, reason: str) -> str:
        """Note that a new worker cannot use its place; returns what follows from it, as `lost` does."""
        self.refusals[where.name] += 1
        return self._consequence(where, reason)

    def _consequence(self, where: Place, reason: str) -> str:
        self.reasons[where.name] = reason
        if where in self.usable:
            return ""
        return f"{where.name} is no longer used, {names(self.usable) or f'no {self.kind}'} is left"

    def forgive(self, name: str) -> None:
        """Take back a loss that a job has caused, which was then lost elsewhere too."""
        self.losses[name] = max(0, self.losses[name] - 1)

    def candidates(self, avoid: str = "") -> list[Place]:
        """The usable places without `avoid`, or `avoid` itself if there is no other."""
        return [one for one in self.usable if one.name != avoid] or self.usable

    @property
    def nothing_left(self) -> str:
        """Why nothing more can be run when every GPU was lost."""
        reasons = "; ".join(f"{name}: {reason}" for name, reason in self.reasons.items())
        left = f"no {self.kind} is left ({reasons})"
        return f"{left}; when one is there again, run the suite again: what is finished is kept"

    def text(self, chosen: bool = False) -> str:
        """The devices, whether they were chosen by `auto`, and the number of workers."""
        each = f", up to {self.each} on each" if len(self.all) > 1 else ""
        what = f"device{'s' * (len(self.all) > 1)} {names(self.all)}" + " (chosen by auto)" * chosen
        return f"{what}, {self.workers} worker process{'es' * (self.workers > 1)}{each}"


def names(places: Sequence[Place]) -> str:
    """`cuda:0`, `cuda:0 and cuda:1`, `cuda:0, cuda:1 and cuda:2`."""
    found = [one.name for one in places]
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def place(device: str, environment: Mapping[str, str] | None = None) -> Place:
    """The place of a device by its name here; `cuda` is the first GPU."""
    kind, _, index = device.partition(":")
    if kind != "cuda":
        return Place(device, device)
    environment = effects.environment() if environment is None else environment
    visible = [name.strip() for name in environment.get(VISIBLE, "").split(",") if name.strip()]
    number = int(index or 0)
    own = visible[number] if number < len(visible) else str(number)
    return Place(f"cuda:{number}", "cuda", is_card=True, environment={VISIBLE: own})


def places(names: Sequence[str], jobs: str, sizes: Iterable[int], cards: Sequence[Card] | None = None) -> Places:
    """The places of a run on devices by name, with as many workers as `jobs` says; `auto` is a rule.

    On a CPU there is one worker per core. Of a GPU there are two, or four if no cell fills it: `sizes` are those of
    `step_size`. There are never more than the cores and the memory of the GPUs can serve. No result depends on it.
    Raises `UsageError` for invalid `jobs`.
    """
    found = tuple(place(name) for name in names)
    asked = asked_workers(jobs)
    if asked is not None:
        return Places(found, asked)
    if not found[0].is_card:
        return Places(found, devices.cores() if found[0].device == "cpu" else 1)
    cards = [devices.card(name) for name in names] if cards is None else cards
    largest = max(sizes, default=0)
    each = min(workers_of(card, largest) for card in cards)
    return Places(found, len(found) * max(1, min(each, devices.cores() // len(found))))


def asked_workers(jobs: str) -> int | None:
    """The number of workers that `jobs` says; None for `auto`. Raises `UsageError`."""
    if jobs == "auto":
        return None
    if not jobs.isdecimal() or int(jobs) < 1:
        raise UsageError(f"--jobs {jobs!r} is invalid; use auto or an integer >= 1")
    return int(jobs)


def workers_of(card: Card, largest: int) -> int:
    """The workers of a GPU, for cells of which the largest has a `step_size`.

    A cell fills a GPU if a step handles at least as many numbers as the GPU runs threads at once.
    """
    wanted = WORKERS_OF_A_CARD if largest >= card.threads else WORKERS_OF_SMALL_CELLS
    return max(1, min(wanted, card.memory // MEMORY_OF_A_WORKER))


def step_size(cell: Cell, registry: Registry) -> int:
    """How many numbers one step of a cell handles: the samples of all moves and seeds."""
    train = cell.spec.train
    shape = registry.create("dataset", cell.spec.dataset).shape
    return len(cell.seeds) * train.batch * (train.n_dis + 1) * prod(shape)
