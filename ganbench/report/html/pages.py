"""The pages of a report by path, each rendered on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from importlib.resources import files
from types import CodeType
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import jinja2
from jinja2.bccache import Bucket

from ganbench._version import __version__
from ganbench.analysis.published_values import spreads
from ganbench.analysis.score_table import Table
from ganbench.files import MOST_OF_A_PICTURE, read_file
from ganbench.formatting import number, p_value
from ganbench.report.badge import NAME as BADGE
from ganbench.report.badge import badge, badge_markdown
from ganbench.report.html import live as live_view
from ganbench.report.html import overview, run_page, samples
from ganbench.report.html.cells import columns, view
from ganbench.report.html.content import Content, Reference, Run, slugs
from ganbench.report.html.notes import markdown_html
from ganbench.report.html.pairs import attribute
from ganbench.report.html.pairs import pairs as all_pairs
from ganbench.report.html.plugin_text import PluginText, described, meanings
from ganbench.report.html.score_charts import MAX_DOTS, MAX_PRIMARY_DOTS, score_charts
from ganbench.report.publication import NAME as PUBLICATION
from ganbench.report.publication import Publication, encoded
from ganbench.report.text.escape import escape_controls
from ganbench.report.text.grid import LEGEND, rank, tier
from ganbench.report.text.headline import headline
from ganbench.report.text.sentences import claims, comparisons
from ganbench.report.text.spread import shown
from ganbench.results import protocol
from ganbench.results.record_json import known_facts
from ganbench.results.records import Record
from ganbench.suite.specs import RunSpec

if TYPE_CHECKING:
    from ganbench.registry.registry import Registry
    from ganbench.report.plots.suite_plots import Plot

POLICY = (
    "default-src 'none'; style-src 'self' file:; script-src 'self' file:; img-src 'self' file:; base-uri 'none'; "
    "form-action 'none'"
)
"""Nothing external, nothing inline. `file:` is needed for a folder that is opened from a disk."""
STYLES = ("tables.css", "overview.css", "report.css")
SCRIPTS = ("address.js", "tables.js", "chips.js", "copy.js", "compare.js", "report.js")
"""In the order in which a page loads them."""
ASSETS = {
    **dict.fromkeys(STYLES, "text/css"), **dict.fromkeys(SCRIPTS, "text/javascript"), "icon.svg": "image/svg+xml",
}  # fmt: skip
TYPES = {"json": "application/json", "csv": "text/csv", "png": "image/png", "txt": "text/plain"}
PAIRS = 300
"""Comparisons listed on a dataset's page; `ganbench compare` shows the others."""

MAX_CELLS = 1500
"""Cells of all tables of the overview; with more of them each has only the columns that are shown by default."""

MOST_CHARTED, MOST_SAMPLES = 40, 400
"""The most variants for which every score is a chart on a dataset's page, and the most seeds with samples there."""
GLANCES = 6
"""Variants whose samples are shown on the overview."""

NO_PAGE = "a page is listed only if there is a record"

LITERATURE = "literature.html"
"""The page of published values."""
NOTES = "notes.html"
"""The page of what a person wrote about the report."""

Page = tuple[bytes, str]


class _Compiled(jinja2.BytecodeCache):
    """Templates are compiled once in a process, however many reports it makes or pages it serves."""

    known: ClassVar[dict[tuple[str, str], CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self.known[bucket.key, bucket.checksum] = bucket.code


def templates() -> jinja2.Environment:
    """The page templates, which escape every value that they print."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("ganbench.report.html"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=escape_controls, bytecode_cache=_Compiled(),
    )  # fmt: skip


class Site:
    """A suite's report: `paths` lists its pages and files, `render` gives one.

    `live` is the state of a suite that is running now, shown at the top, or None. `plots` are
    figures for papers, drawn on request. `publication` is what a person adds.
    """

    def __init__(
        self,
        content: Content,
        registry: Registry,
        live: Mapping[str, Any] | None = None,
        plots: Sequence[Plot] = (),
        served: bool = False,
        publication: Publication | None = None,
    ) -> None:
        self.content, self.registry, self.live, self.plots, self.served = content, registry, live, plots, served
        self.publication = publication or Publication()
        self._pages = dict(self._listed())

    def paths(self) -> list[str]:
        """Every path, the overview first."""
        return list(self._pages)

    def render(self, path: str) -> Page | None:
        """Content and media type of a path; None if there is no such page."""
        made = self._pages.get(path)
        return made() if made else None

    def _listed(self) -> Iterator[tuple[str, Callable[[], Page]]]:
        content = self.content
        yield "index.html", self._overview
        for label, slug in content.datasets.items():
            yield f"datasets/{slug}.html", partial(self._dataset, content.table(label))
        for title, slug in content.variants.items():
            yield f"variants/{slug}.html", partial(self._variant, title)
        if content.literature:
            yield LITERATURE, self._literature
        if self.publication:
            yield PUBLICATION, lambda: (encoded(self.publication), TYPES["json"])
        if self.publication.notes:
            yield NOTES, self._notes
        if not self.served:
            yield BADGE, lambda: (badge(content.plan.suite, content.records), "image/svg+xml")
        both: list[Run | Reference] = [*content.runs.values(), *content.references.values()]
        for one in both:
            if one.record and (isinstance(one, Reference) or one.paged):
                yield one.path, partial(self._run, one) if isinstance(one, Run) else partial(self._reference, one)
            for name in content.files(one):
                yield f"{one.path.rpartition('/')[0]}/{name}", partial(self._file, one, name)
        for name, kind in ASSETS.items():
            yield f"assets/{name}", partial(_asset, name, kind)
        for plot in self.plots:
            yield f"plots/{plot.name}", partial(_plot, plot)

    @cached_property
    def _templates(self) -> jinja2.Environment:
        found = templates()
        found.globals.update(
            content=self.content, plan=self.content.plan, live=self.live, served=self.served,
            policy=POLICY + ("; connect-src 'self'" if self.served else ""), version=__version__, legend=LEGEND,
            styles=STYLES, scripts=SCRIPTS,
            facts=run_page.facts, known=known_facts,
            sentence=protocol.sentence, number=number, p_value=p_value, shown=shown, rank=rank, tier=tier,
            protocols=run_page.protocols, publication=self.publication, published_on=self._published_on,
            attribute=attribute, badge=badge_markdown(self.content.plan.suite, self.content.records),
        )  # fmt: skip
        return found

    def _page(self, template: str, path: str, **values: object) -> Page:
        up = "../" * path.count("/")
        text = self._templates.get_template(template).render(path=path, up=up, **values)
        return text.encode("utf-8", errors="replace"), "text/html; charset=utf-8"

    def _overview(self) -> Page:
        return self._page(
            "overview.html", "index.html", **overview.values(self.content, self.plots),
            running=(live_view.summary(self.live), live_view.running_jobs(self.live)) if self.live else None,
            tables_at=f"./{quote(self.content.plan.suite)}",
        )  # fmt: skip

    def _variant_path(self, title: str) -> str:
        return f"variants/{self.content.variants[title]}.html"

    def _dataset(self, table: Table) -> Page:
        path = f"datasets/{self.content.datasets[table.dataset]}.html"
        pairs = [one for one in comparisons(table) if all(row.started for row in one.rows)]
        own = [(row, self.content.runs_of(row)) for row in table.rows if row.kind == "variant" and row.n]
        seeds = sum(len(runs) for _, runs in own)
        few = seeds * len(table.columns) <= MAX_DOTS
        scores = sorted(table.columns, key=lambda name: name != table.primary)[
            : None if len(own) <= MOST_CHARTED else 1
        ]
        drawn = {
            score: score_charts(
                self.content, table, score, "../", few or (score == table.primary and seeds <= MAX_PRIMARY_DOTS)
            )
            for score in scores
        }
        records = [run.record for _, runs in own for run in runs if run.record]
        references = [one for one in self.content.references.values() if one.dataset == table.dataset and one.record]
        ordered = sorted(pairs, key=lambda one: (one.adjusted, one.difference.p if one.difference else 1.0))
        return self._page(
            "dataset.html", path, table=table, answer=headline([table], None).lead,
            view=view(self.content, table, True), sentences=claims(table),
            all_pairs=all_pairs(self.content, table, "../"),
            pairs=ordered[:PAIRS], more=max(0, len(pairs) - PAIRS), drawn=drawn, own=own, references=references,
            sheets=samples.sheets(self.content, table), progress=samples.progress_chart(self.content, table),
            meanings=meanings(self.registry, records), each=MOST_SAMPLES // max(1, len(own)),
            uncharted=len(table.columns) - len(drawn),
            plots=[plot.name for plot in self.plots if plot.dataset == table.dataset],
        )  # fmt: skip

    def _literature(self) -> Page:
        """Published values, those on the suite's datasets first."""
        found = self.content.literature
        own = {row.dataset.name for row in self.content.plan.rows}
        ordered = {name: found[name] for name in sorted(found, key=lambda name: name not in own)}
        scores = {name: list(dict.fromkeys(s for row in rows for s in row.scores)) for name, rows in ordered.items()}
        return self._page(
            "literature.html", LITERATURE, literature=ordered, columns=scores, ids=slugs(ordered),
            spreads=spreads(ordered),
        )  # fmt: skip

    @property
    def _published_on(self) -> str:
        """The day that a publication names, or that of its last run: the same records give the same bytes."""
        times = (record.provenance.time for record in self.content.records)
        return self.publication.date or max((time[:10] for time in times if time), default="")

    def _notes(self) -> Page:
        return self._page("notes.html", NOTES, notes=markdown_html(self.publication.notes))

    def _variant(self, title: str) -> Page:
        content = self.content
        rows = [(table, row) for table in content.tables for row in table.rows
                if row.kind == "variant" and row.title == title]  # fmt: skip
        runs = {row.dataset: content.runs_of(row) for _, row in rows}
        records = [run.record for own in runs.values() for run in own if run.record]
        plugins: list[PluginText] = described(self.registry, records, ("loss", "transform", "architecture"))
        played = dict.fromkeys(record.spec.played for record in records)
        trained = {
            dataset: next((_settings(run.record.spec) for run in own if run.record), None)
            for dataset, own in runs.items()
        }
        return self._page(
            "variant.html", self._variant_path(title), title=title, rows=rows, runs=runs, plugins=plugins,
            played=list(played), trained=trained, columns={table.dataset: columns(table) for table, _ in rows},
        )  # fmt: skip

    def _run(self, run: Run) -> Page:
        record = run.record
        assert record is not None, NO_PAGE
        folder = self.content.folder(run)
        there = self.content.files(run)
        signals = run_page.signal_charts(record, folder) if "history.csv" in there else []
        runs = [one for one in self.content.runs.values() if one.row == run.row and one.record]
        at = runs.index(run)
        traceback = run_page.traceback(folder) if "traceback.txt" in there else ""
        return self._page(
            "run.html", run.path, run=run, record=record, files=there, plane=_on_points(record),
            spec=run_page.specification(record),
            scores=run_page.scores(self.content, run), fewer=run_page.fewer(record), evidence=run_page.evidence(record),
            costs=run_page.costs(record), findings=run_page.findings(record), signals=signals,
            progress=run_page.snapshot_charts(record), histogram=run_page.histogram(record),
            traceback=traceback, before=runs[at - 1] if at else None,
            after=runs[at + 1] if at + 1 < len(runs) else None,
        )  # fmt: skip

    def _reference(self, one: Reference) -> Page:
        record = one.record
        assert record is not None, NO_PAGE
        return self._page(
            "reference.html", one.path, one=one, record=record, files=self.content.files(one),
            histogram=run_page.histogram(record),
        )  # fmt: skip

    def _file(self, one: Run | Reference, name: str) -> Page:
        return read_file(self.content.folder(one) / name, MOST_OF_A_PICTURE), TYPES[name.rpartition(".")[2]]


def _on_points(record: Record) -> bool:
    """Whether the samples are drawn over the data: they are counted by modes and are not images with neighbors."""
    counts = record.evaluation.histogram
    return bool(counts and counts.of == "modes" and record.neighbors is None)


def _settings(spec: RunSpec) -> dict[str, object]:
    """The settings that all seeds of a variant share, without loss and transforms, which the page describes in full."""
    return {key: value for key, value in spec.resolved().items() if key not in ("seed", "loss", "transforms")}


def _asset(name: str, kind: str) -> Page:
    return (files("ganbench.report.html") / "assets" / name).read_bytes(), kind


def _plot(plot: Plot) -> Page:
    return plot.svg, "image/svg+xml"
