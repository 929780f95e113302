"""What a report shows: a suite's tables and the records behind them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ganbench.analysis import aggregate as overall
from ganbench.analysis import tables
from ganbench.analysis.aggregate import Overall
from ganbench.analysis.score_table import TITLES, Table, TableRow, reference_title
from ganbench.results.literature import PublishedRow
from ganbench.results.records import Record, ReferenceRecord
from ganbench.results.store import Store
from ganbench.suite.plan_file import PlanRow, SavedPlan

PICTURES = ("samples.png", "film.png", "neighbours.png")
SHOWN = ("record.json", "history.csv", *PICTURES, "traceback.txt")
"""The files of a run that a report includes. Weights are not included: they are large and can be trained again."""


@dataclass(frozen=True)
class Run:
    """One seed of a variant on a dataset; `record` is None if it has not run yet."""

    id: str
    row: PlanRow
    seed: int
    record: Record | None
    paged: bool = True
    """Whether the report has a page of the run; if not, the record stands for it."""

    @property
    def variant(self) -> str:
        return self.row.variant.title

    @property
    def title(self) -> str:
        return f"{self.variant} on {self.row.dataset.text}, seed {self.seed}"

    @property
    def path(self) -> str:
        return f"runs/{self.id}/{'index.html' if self.paged else 'record.json'}"

    @property
    def status(self) -> str:
        return self.record.status if self.record else "not run yet"

    @property
    def of_images(self) -> bool:
        """Whether its samples are images, and not points."""
        return self.record is not None and len(self.record.shape) == 3


@dataclass(frozen=True)
class Reference:
    """A reference; `record` is None if it is not measured yet."""

    id: str
    dataset: str
    title: str
    record: ReferenceRecord | None

    @property
    def path(self) -> str:
        return f"references/{self.id}/index.html"


class Content:
    """A suite as a results folder holds it at this moment.

    `published` holds published rows by dataset, `literature` all there are. A `compact` report has no pages of
    runs, and of each variant on each dataset the samples of the first seed that has some alone. Raises `UsageError`
    if the scores of one column were measured under different protocols, `ResultsError` if a record is damaged.
    """

    def __init__(
        self,
        plan: SavedPlan,
        store: Store,
        published: Mapping[str, Sequence[PublishedRow]] = {},
        compact: bool = False,
        literature: Mapping[str, Sequence[PublishedRow]] = {},
    ) -> None:
        self.plan, self.store, self.compact, self.literature = plan, store, compact, literature
        self.tables = tables.build(plan, store)
        self.published = {
            table.dataset: tables.published_rows(table, published.get(table.dataset, ())) for table in self.tables
        }
        self.datasets = slugs(table.dataset for table in self.tables)
        self.variants = slugs(dict.fromkeys(one.variant.title for one in (*plan.rows, *plan.skipped)))
        self.runs = {
            row.runs[seed]: Run(row.runs[seed], row, seed, record, paged=not compact)
            for row in plan.rows
            for seed, record in row.records(store).items()
        }
        self.references = {
            one.id: Reference(one.id, one.dataset.text, reference_title(one), store.reference(one.id))
            for one in plan.references
        }

    @cached_property
    def overall(self) -> Overall | None:
        """The variants over all datasets; None if they cannot be aggregated."""
        return overall.build(self.tables)

    @cached_property
    def records(self) -> list[Record]:
        """The records of all runs that have one."""
        return [run.record for run in self.runs.values() if run.record]

    def table(self, dataset: str) -> Table:
        return next(table for table in self.tables if table.dataset == dataset)

    def runs_of(self, row: TableRow) -> list[Run]:
        """A variant's runs on a dataset, by seed."""
        labels = (row.loss, row.architecture, row.dataset)
        return [run for run in self._by_labels.get(labels, ()) if row.kind == "variant"]

    @cached_property
    def _by_labels(self) -> dict[tuple[str, str, str], list[Run]]:
        """By labels; where a plan has two labels of the same runs, both have them."""
        return {row.texts: [self.runs[id_] for id_ in row.runs.values()] for row in self.plan.rows}

    def reference_of(self, row: TableRow) -> Reference | None:
        found = (one for one in self.references.values() if (one.dataset, one.title) == (row.dataset, row.title))
        return next(found, None)

    def real_data(self, dataset: str) -> Reference | None:
        """The real data of a dataset, if there is a picture of them."""
        found = (one for one in self.references.values() if (one.dataset, one.title) == (dataset, TITLES["real"]))
        return next((one for one in found if one.record and "samples.png" in self.files(one)), None)

    def folder(self, one: Run | Reference) -> Path:
        return (self.store.runs if isinstance(one, Run) else self.store.references) / one.id

    def files(self, one: Run | Reference) -> list[str]:
        """The files of a run that a report includes; links are left out, because they could lead anywhere."""
        folder = self.folder(one)
        shown = [*SHOWN, *_scores(one)] if one.record else []
        if self.compact and isinstance(one, Run):
            kept = ("samples.png",) if self.pictured.get(one.row.texts) == one else ()
            shown = [name for name in shown if name not in PICTURES or name in kept]
        return [name for name in shown if _plain_file(folder, name)]

    def gallery(self, runs: Sequence[Run], most: int) -> Sequence[Run]:
        """The runs of a variant that a page shows with samples: `most` at most; in a compact report those with some."""
        return [run for run in runs if "samples.png" in self.files(run)] if self.compact else runs[: max(most, 1)]

    def pictured_run(self, row: TableRow) -> Run | None:
        """The first seed of a variant that has samples."""
        return self.pictured.get((row.loss, row.architecture, row.dataset))

    @cached_property
    def pictured(self) -> dict[tuple[str, str, str], Run]:
        """By labels, the first seed of each variant on each dataset that has samples: none is chosen for its looks."""
        found: dict[tuple[str, str, str], Run] = {}
        for run in self.runs.values():
            if run.record and run.row.texts not in found and _plain_file(self.folder(run), "samples.png"):
                found[run.row.texts] = run
        return found


def _scores(one: Run | Reference) -> list[str]:
    """The scores file behind what a run's page shows; a reference has its scores in its record."""
    if isinstance(one, Reference) or one.record is None or one.record.one_identity or one.record.evaluation_id is None:
        return []
    return [f"scores/{one.record.evaluation_id}.json"]


def _plain_file(folder: Path, name: str) -> bool:
    """Whether a path inside a folder is a file that is not reached through a link."""
    path = folder / name
    return path.is_file() and not path.is_symlink() and not (path.parent != folder and path.parent.is_symlink())


LONGEST = 60
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that files cannot have on Windows."""


def slug(label: str) -> str:
    """A file name, without suffix, that differs if labels differ.

    Labels of lower-case letters, digits, `-`, `_` and `.` keep their name, and `a x b` becomes `a-x-b`. In others all
    other characters become `-` and a hash of the label is appended, because some file systems ignore case.
    """
    plain = re.sub(r"[^a-z0-9._]+", "-", label.lower()).strip("-.")[:LONGEST]
    spelt = "" if "-x-" in label else label.replace(" x ", "-x-")
    if plain and plain == spelt and not DEVICES.fullmatch(plain):
        return plain
    return f"{plain or 'x'}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"


def slugs(labels: Iterable[str]) -> dict[str, str]:
    """{label: slug}, in order."""
    return {label: slug(label) for label in labels}
