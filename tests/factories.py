"""Records for tests: whole and valid, with what a test is about given by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plans import cell, plan_reference, search_row

from ganbench.files import SEAL, canonical, seal_of
from ganbench.registry.choice import Choice
from ganbench.results.protocol_card import ProtocolCard
from ganbench.results.records import (
    AnyRecord,
    Cost,
    Evaluation,
    Failure,
    PluginOrigin,
    Provenance,
    Record,
    ReferenceRecord,
)
from ganbench.results.store import Store
from ganbench.runner.jobs import CellJob
from ganbench.signals import SIGNALS
from ganbench.suite.fields import PLAYER
from ganbench.suite.search import RowDraw, SavedSearch
from ganbench.suite.specs import EVALUATION_PROTOCOL, PROTOCOL, EvaluationSpec, ReferenceSpec, RunSpec, TrainSpec
from ganbench.suite.train_block import PLAYERS, spec_of

if TYPE_CHECKING:
    from ganbench.engine.state import Progress

EVALUATION = EvaluationSpec(samples=100, real_samples=100, extractor=Choice("features"), metrics=(Choice("measure"),))


def make_card(**changes: Any) -> ProtocolCard:
    """The protocol card of a score of 100 samples of a raw generator at its end."""
    card = ProtocolCard(
        metric=Choice("measure"), better="higher", fake_samples=100, real_samples=100, split="train", generator="raw",
        checkpoint="last",
    )  # fmt: skip
    return replace(card, **changes)


def make_evaluation(scores: Mapping[str, float], card: ProtocolCard | None = None, **changes: Any) -> Evaluation:
    """Scores by their labels, all measured as one card says; `FID[digits16]` is FID with that extractor."""
    card = card or make_card()
    cards = {}
    for label in scores:
        score, _, extractor = label.removesuffix("]").partition("[")
        own = Choice(extractor) if extractor else card.extractor
        cards[label] = replace(card, score=card.score or score, extractor=own)
    return replace(Evaluation(dict(scores), cards), **changes)


def make_spec(
    seed: int = 0, loss: str = "game", architecture: str = "network", dataset: str = "points", **train: Any
) -> RunSpec:
    """A run of made-up plugins, `loss` a name or several with pluses; `train` are settings as `make_train` has them."""
    parts = tuple(Choice(name) for name in loss.split(" + "))
    return RunSpec(
        parts, Choice(architecture), Choice(dataset), seed, make_train(**{"steps": 5, **train}), evaluation=EVALUATION
    )


def make_train(**settings: Any) -> TrainSpec:
    """Training settings as a suite writes them: `lr` is both players', `d_lr` is D's own."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        player, _, name = key.partition("_")
        if key in PLAYER:
            found |= {f"d.{key}": value, f"g.{key}": value}
        else:
            found[f"{player}.{name}" if player in PLAYERS else key] = value
    return spec_of(found)


def make_provenance(spec: RunSpec | ReferenceSpec | EvaluationSpec, **changes: Any) -> Provenance:
    """Made by one known machine, every plugin of code version 1."""
    choices = spec.trained_by() if isinstance(spec, RunSpec) else spec.choices()
    plugins = {f"{kind}:{one.name}": PluginOrigin("made-up", "1.0", "1", "a" * 12) for kind, one in choices}
    protocol = PROTOCOL if isinstance(spec, RunSpec) else EVALUATION_PROTOCOL
    made = Provenance(protocol=protocol, python="3.11", libraries={"torch": "2.15"}, processor="p", plugins=plugins)
    return replace(made, **changes)


def make_record(
    run_id: str = "a0",
    scores: Mapping[str, float] | None = None,
    card: ProtocolCard | None = None,
    spec: RunSpec | None = None,
    failure: Failure | None = None,
    **changes: Any,
) -> Record:
    """A run that ended well with the scores given, or that failed and has none."""
    spec = spec or make_spec()
    evaluation = Evaluation() if failure else make_evaluation({"score": 1.0} if scores is None else scores, card)
    record = Record(
        id=run_id, suite="s", spec=spec, failure=failure, evaluation=evaluation, provenance=make_provenance(spec)
    )
    record = replace(record, **changes)
    if failure is None or record.evaluation.snapshots:
        own = {"evaluation_id": "e0", "scored_by": make_provenance(spec.evaluation), **changes}
        record = replace(record, **own)
    return record


def make_reference(
    reference_id: str = "r0",
    scores: Mapping[str, float] | None = None,
    card: ProtocolCard | None = None,
    reference: str = "real",
    dataset: str = "points",
    **changes: Any,
) -> ReferenceRecord:
    """The record of a reference of 100 samples."""
    spec = ReferenceSpec(reference, Choice(dataset), EVALUATION)
    card = card or make_card(generator=f"reference: {reference}", checkpoint=None)
    evaluation = make_evaluation({"score": 1.0} if scores is None else scores, card)
    record = ReferenceRecord(
        id=reference_id, spec=spec, evaluation=evaluation, samples=100, provenance=make_provenance(spec)
    )
    return replace(record, **changes)


def reseal(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a sealed JSON file and seal it again, as a forger would."""
    content = json.loads(path.read_text())
    change(content)
    content.pop(SEAL, None)
    path.write_text(json.dumps({**content, SEAL: seal_of(canonical(content))}))


def scores_file(run: Path) -> Path:
    """The only scores file of a run's folder."""
    (found,) = (run / "scores").glob("*.json")
    return found


def commit(store: Store, *records: AnyRecord) -> None:
    """Put records into a results folder."""
    with store.writing():
        for record in records:
            store.commit(record, store.stage(record.id))


def make_job(
    seeds: tuple[int, ...] = (0, 1), steps: int = 100, labels: tuple[str, str, str] = ("game", "network", "points")
) -> CellJob:
    """A job that trains one cell of made-up plugins."""
    loss, architecture, dataset = labels
    spec = make_spec(seeds[0], loss, architecture, dataset, steps=steps)
    return CellJob("small", cell(spec, seeds, labels))


def make_progress(step: int, seeds: tuple[int, ...] = (0,), rows: int = 1) -> Progress:
    """Progress with one row of signals per seed and step; every signal's value is the step."""
    from ganbench.engine.state import Progress

    steps = list(range(step, step + rows))
    fresh = {seed: (steps, [[float(at)] * len(SIGNALS) for at in steps]) for seed in seeds}
    return Progress(float(step), len(seeds), 0.5, 0.25, 1000.0, fresh)


def search_store(folder: Path) -> tuple[SavedSearch, Store]:
    """Four draws of one variant: good, better, one seed diverged, not run; the default is good."""
    store = Store(folder)
    card = make_card(better="lower")
    for name, value in (("d", 3.0), ("a", 2.0), ("b", 1.0), ("c", 0.5)):
        for seed in range(2):
            failure = Failure("diverged", "boom") if name == "c" and seed == 1 else None
            scores, cost = {"score": value + seed, "other[extractor]": value}, Cost(train_seconds=2.0)
            commit(store, make_record(f"{name}{seed}", scores, card, make_spec(seed), failure, cost=cost))
    commit(store, make_reference("n", {"score": 7.0}, card))
    names = enumerate("dabcx")
    draws = tuple(
        RowDraw(i, {"train.lr": i / 8} if i else {}, {s: f"{name}{s}" for s in range(2)}) for i, name in names
    )
    variant = search_row("=evil|<b>", "mlp", "ring8", draws)
    return SavedSearch("s+search", "", "", (variant,), (plan_reference("ring8", "noise", "n"),)), store
