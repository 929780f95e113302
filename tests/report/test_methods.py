"""The methods section states what the records hold, and cites what the plugins refer to."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from factories import commit, make_card, make_record, make_train
from plans import plan_reference, plan_row, skipped

from ganbench import __version__
from ganbench.analysis import tables
from ganbench.registry.choice import Choice
from ganbench.registry.registry import Registry
from ganbench.registry.schedules import Schedule
from ganbench.report.citations import citation
from ganbench.report.methods import protocol
from ganbench.results.records import Failure, Provenance, Record
from ganbench.results.store import Store
from ganbench.suite.labels import Label
from ganbench.suite.plan_file import PlanRow, SavedPlan
from ganbench.suite.specs import EvaluationSpec, RunSpec

TRAIN = {"steps": 3000, "batch": 128, "n_dis": 1, "d_lr": 2e-3, "g_lr": 1e-4, "betas": (0.0, 0.99), "ema": 0.0}
CARD = make_card(
    metric=Choice("m"), better="lower", kind="log", fake_samples=5000, real_samples=1347,
    extractor=Choice("extractor"), weights="abc123",
)  # fmt: skip


def _record(id_: str, cell: tuple[str, str, str], seed: int, failed: bool = False, **train: Any) -> Record:
    evaluation = EvaluationSpec(samples=5000, real_samples=0, extractor=Choice("extractor"), metrics=(Choice("m"),))
    loss, architecture, dataset = (Choice(name, {"width": 64}) for name in cell)
    spec = RunSpec((loss,), architecture, dataset, seed, make_train(**{**TRAIN, **train}), evaluation=evaluation)
    if failed:
        return make_record(id_, spec=spec, failure=Failure("failed", "boom"), provenance=Provenance(time="2026-11-24"))
    machine = Provenance(
        processor="EPYC", cores=2, platform="Linux", device="cpu", threads=1, protocol=2, python="3.11",
        libraries={"torch": "2.15"}, revision="fd4f784", path="looped", lanes=1,
    )  # fmt: skip
    return make_record(id_, {"FID": 3.0 + seed}, CARD, spec, provenance=machine)


def _methods(tmp_path: Path, cells: dict[tuple[str, str, str], dict[str, Any]], missing: int = 0) -> str:
    """The protocol of cells of two seeds; the first cell's second seed failed, `missing` more never ran."""
    store = Store(tmp_path)
    rows: list[PlanRow] = []
    for cell, train in cells.items():
        runs = {seed: f"{len(rows)}{seed}" for seed in range(2 + missing)}
        rows.append(plan_row(*cell, runs))
        for seed in range(2):
            commit(store, _record(runs[seed], cell, seed, failed=bool(seed) and len(rows) == 1, **train))
    references, others = (plan_reference("ring", "real", "r0"),), (skipped("a", "conv", "ring", "no"),)
    layout = SavedPlan("s", "", "", tuple(rows), references, others)
    records = {id_: store.run(id_) for row in rows for id_ in row.runs.values()}
    return protocol(layout, tables.build(layout, store), records)


CELLS: dict[tuple[str, str, str], dict[str, Any]] = {
    ("a", "net", "ring"): {},
    ("b", "net", "ring"): {},
    ("a", "net", "digits"): {"steps": 1000},
    ("b", "net", "digits"): {"steps": 2000},
    ("a", "conv", "digits"): {"steps": 1000, "ema": 0.999},
    ("b", "conv", "digits"): {"steps": 1000, "ema": 0.999},
}


def test_every_setting_names_the_variants_it_applies_to(tmp_path: Path) -> None:
    text = _methods(tmp_path, CELLS)
    assert "the losses a and b with the architectures net and conv on the datasets ring and digits" in text
    assert "6 combinations (1 more not applicable); seeds 0-1." in text
    assert "generator steps 3,000 (ring), 1,000 (conv and a x net on digits), 2,000 (b x net on digits)" in text
    assert "EMA of G 0 (net), 0.999 (conv)" in text
    assert "batch size 128;" in text
    assert "learning rate of D 0.002; learning rate of G 0.0001" in text
    assert "betas (0, 0.99)" in text
    assert "FID on ring and digits: 5,000 fake against 1,347 real samples (split train)" in text
    assert "features of extractor, weights abc123; raw generator, last checkpoint" in text
    assert "geometric means with intervals of logarithms for FID" in text
    assert "References, evaluated in the same way: real data." in text


def test_failed_and_missing_runs_are_counted(tmp_path: Path) -> None:
    text = _methods(tmp_path, CELLS, missing=1)
    assert "Runs: 11 of 18 finished (1 failed, 6 not run; all are counted in the tables)." in text
    assert "Machine: EPYC, 2 cores, Linux (device cpu, threads per worker 1); Python 3.11, torch 2.15" in text
    assert "protocol 2, revision fd4f784" in text


def test_one_setting_for_all_names_no_place(tmp_path: Path) -> None:
    text = _methods(tmp_path, {("a", "net", "ring"): {}})
    assert "the loss a with the architecture net on the dataset ring, 1 combination (1 more not applicable);" in text
    assert "generator steps 3,000;" in text
    assert "(ring)" not in text


def test_a_labeled_sum_is_described_in_full(tmp_path: Path) -> None:
    record = _record("r0", ("a", "net", "ring"), 0, play="unrolled(5)", fresh_real=False, d_clip=1.0)
    parts = (Choice("game"), Choice("penalty", {"gamma": Schedule(1.0, 0.1)}))
    record = replace(record, spec=replace(record.spec, loss=parts, transforms=(Choice("flip"),)))
    label = Label("My loss", "game + penalty", given=True)
    row = plan_row("a", "net", "ring", {0: "r0"})
    row = replace(row, variant=replace(row.variant, loss=label))
    text = protocol(SavedPlan("s", "", "", (row,), (), ()), [], {"r0": record})
    assert "the loss My loss (game + penalty with flip) with the architecture net" in text
    assert "G against the D that 5 more updates would lead to" in text
    assert "clipped norm of the gradient of D 1;" in text
    assert "penalty: gamma 1 to 0.1 (linear)" in text


def test_names_are_inert(tmp_path: Path) -> None:
    text = _methods(tmp_path, {("<script>*a*", "![x](http://x.y)", "ring"): {}})
    assert "<script>" not in text
    assert "](http" not in text.replace("\\]", "")
    assert r"\*a\*" in text


def test_without_runs_there_is_nothing_to_describe() -> None:
    layout = SavedPlan("s", "", "", (plan_row("a", "net", "ring", {0: "x"}),), (), ())
    assert protocol(layout, [], {}) == "No run of the suite s has a record yet.\n"


PAPERS = """
from ganbench import hookimpl

class Mine:
    reference = ("@misc{own, title = {Mine}}", "arXiv:1706.08500", "doi:10.1000/x_1", "A. Nobody, a letter & a note")
    def d_loss(self, critic): ...
    def g_loss(self, critic): ...

class Yours(Mine):
    reference = "@misc{own, title = {Yours}}"

@hookimpl
def register_losses():
    return {"mine_1": Mine, "yours": Yours}
"""


def test_what_is_cited_is_what_the_plugins_refer_to(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(PAPERS)
    records = [_record(name, (name, "net", "ring"), 0) for name in ("mine_1", "yours")]
    text = citation(records, Registry.load([path]))
    keys = ["ganbench", "a-nobody-a-letter-a-note", "arxiv-1706-08500", "doi-10-1000-x-1", "own", "own-2"]
    assert re.findall(r"@\w+{([\w-]+),", text) == keys
    assert f"version {__version__}}}" in text
    assert "Revision fd4f784" in text
    assert "howpublished  = {arXiv:1706.08500}" in text
    assert r"doi          = {10.1000/x\_1}" in text
    assert r"note = {A. Nobody, a letter \& a note}" in text
    assert "% cited by loss yours\n@misc{own-2, title = {Yours}}" in text
    assert text.count("{") == text.count("}")
    assert "title" not in text.split("eprint", 1)[1].split("own", 1)[0]  # nothing is made up


def test_every_shipped_plugin_that_names_a_paper_refers_to_it() -> None:
    registry = Registry.load()
    for kind in ("loss", "architecture", "dataset", "metric", "extractor"):
        for name in registry.names(kind):
            offer = registry.find(kind, name)
            authors = re.findall(
                r"([A-Z][a-z]+)(?:-\w+)? (?:et al\. )?(?:19|20)\d\d\b", inspect.getdoc(offer.thing) or ""
            )
            cited = " ".join(offer.references).lower()
            assert all(author.lower() in re.sub(r"[^a-z ]", "", cited) for author in authors), name
            assert all(re.search(r"\btitle +=.*\byear +=", text, re.DOTALL) for text in offer.references), name


def test_without_plugins_ganbench_alone_is_cited() -> None:
    text = citation([_record("x", ("gone", "net", "ring"), 0, failed=True)], Registry([]))
    assert re.findall(r"@\w+{(\w+),", text) == ["ganbench"]
    assert text == citation([_record("x", ("gone", "net", "ring"), 0, failed=True)])
