"""Records on disk: they come back as they were, damage is named with its place, schema 1 is read as schema 2."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from factories import (
    commit,
    make_card,
    make_evaluation,
    make_provenance,
    make_record,
    make_reference,
    make_spec,
    make_train,
    reseal,
    scores_file,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.errors import ResultsError
from ganbench.files import sealed
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import Fault
from ganbench.registry.schedules import Schedule
from ganbench.results.identity import comparable_spec, recomputed_id, unequal_leaves
from ganbench.results.protocol_card import ProtocolCard
from ganbench.results.record_json import (
    belong,
    decode_reference,
    decode_run,
    decode_scores,
    encode,
    encode_scores,
    plain,
    with_scores,
)
from ganbench.results.records import (
    Cost,
    Evaluation,
    Failure,
    Film,
    Finding,
    Histogram,
    Neighbors,
    PluginOrigin,
    Record,
    Snapshot,
    Verdict,
)
from ganbench.results.store import Store

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=10)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(0, 2**40)
SCORES = st.dictionaries(NAMES, NUMBERS, max_size=4)
FAULTS = st.builds(
    Fault,
    st.sampled_from(["collapsed", "memorising", "low quality", "partial"]),
    st.none() | COUNTS,
    st.none() | COUNTS,
)
VERDICTS = st.builds(Verdict, TEXTS, TEXTS, st.dictionaries(NAMES, st.tuples(FAULTS), max_size=2))
CARDS = st.builds(
    make_card,
    better=st.sampled_from(["higher", "lower"]), kind=st.sampled_from(["count", "share", "log", "linear"]),
    fake_samples=COUNTS,
    real_samples=COUNTS, split=TEXTS, generator=TEXTS, checkpoint=st.none() | TEXTS, code=TEXTS,
    weights=st.none() | TEXTS, resize=st.none() | TEXTS,
    extractor=st.none() | st.builds(Choice, NAMES, st.dictionaries(NAMES, NUMBERS | TEXTS | st.booleans(), max_size=2)),
)  # fmt: skip
FAILURES = st.builds(
    Failure, st.sampled_from(["diverged", "failed", "out-of-memory", "timeout", "interrupted"]), TEXTS,
    step=st.none() | COUNTS, after=st.booleans(), limit_seconds=st.none() | NUMBERS,
)  # fmt: skip


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Any record that ganbench could write."""
    spec = make_spec(draw(st.integers(0, 100)), draw(NAMES), steps=draw(st.integers(1, 10**6)), lr=draw(NUMBERS))
    origins = {key: PluginOrigin(draw(TEXTS), draw(TEXTS), draw(TEXTS), draw(TEXTS)) for key in spec.code()}
    spec = replace(
        spec,
        loss=tuple(replace(one, code=origins[f"loss:{one.name}"].code) for one in spec.loss),
        architecture=replace(spec.architecture, code=origins[f"architecture:{spec.architecture.name}"].code),
        dataset=replace(spec.dataset, code=origins[f"dataset:{spec.dataset.name}"].code),
    )
    fakes = draw(st.lists(COUNTS, min_size=1, max_size=4).map(tuple))
    evaluation = make_evaluation(
        draw(SCORES), draw(CARDS),
        verdict=draw(st.none() | VERDICTS),
        histogram=draw(st.none() | st.builds(Histogram, st.just("modes"), st.just(fakes), st.integers(1, 10**6),
                                             st.none() | st.just(fakes), st.none() | COUNTS, st.none() | COUNTS)),
        snapshots=draw(st.lists(st.builds(Snapshot, COUNTS, NUMBERS, SCORES, TEXTS), max_size=2).map(tuple)),
        missing=draw(st.dictionaries(NAMES, TEXTS, max_size=2)),
        noise=draw(st.dictionaries(NAMES, NUMBERS, max_size=2)),
    )  # fmt: skip
    failure = draw(st.none() | FAILURES)
    return make_record(
        draw(NAMES), spec=spec, failure=failure, suite=draw(TEXTS),
        evaluation=evaluation if failure is None else Evaluation(),
        cost=draw(st.builds(Cost, st.none() | NUMBERS, st.none() | COUNTS, st.none() | NUMBERS, st.none() | COUNTS)),
        signals=draw(st.dictionaries(NAMES, st.none() | NUMBERS, max_size=3)),
        diagnosis=draw(st.none() | st.lists(st.builds(Finding, TEXTS, COUNTS, st.booleans(), TEXTS), max_size=2)
                       .map(tuple)),
        provenance=make_provenance(
            spec, plugins=origins, revision=draw(st.none() | TEXTS), path=draw(st.none() | TEXTS)
        ),
        film=draw(st.none() | st.builds(Film, st.lists(COUNTS, max_size=3).map(tuple), st.integers(1, 999))),
        neighbors=draw(st.none() | st.builds(Neighbors, TEXTS, COUNTS, COUNTS, COUNTS)),
        files=draw(st.dictionaries(NAMES, TEXTS, max_size=2)),
    )  # fmt: skip


@settings(deadline=None)
@given(record=records())
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    again = decode_run(encode(record))
    if record.evaluation_id is not None:
        scores = decode_scores(encode_scores(record))
        assert belong(again, scores)
        again = with_scores(again, scores)
        assert encode_scores(again) == encode_scores(record)
    assert encode(again) == encode(record)
    spec = replace(again.spec, evaluation=record.spec.evaluation)
    assert replace(again, spec=spec, stored_spec="", stored_evaluation="") == record


@settings(deadline=None)
@given(
    scores=SCORES, card=CARDS, notes=st.lists(TEXTS, max_size=3), samples=COUNTS,
    missing=st.dictionaries(NAMES, TEXTS, max_size=2),
)  # fmt: skip
def test_a_reference_comes_back_as_it_was(
    scores: dict[str, float], card: ProtocolCard, notes: list[str], samples: int, missing: dict[str, str]
) -> None:
    record = make_reference("r0", scores, card, samples=samples, notes=tuple(notes))
    record = replace(record, evaluation=replace(record.evaluation, missing=missing))
    again = decode_reference(encode(record))
    assert replace(again, stored_spec="") == record
    assert encode(again) == encode(record)


WRONG: dict[str, tuple[tuple[str, ...], Any]] = {
    "$.metrics[...]": (("metrics", "score"), "8"),
    "$.cards[...].better": (("cards", "score", "better"), "up"),
    "$.cards[...].fake_samples": (("cards", "score", "fake_samples"), 1.5),
    "$.spec.seed": (("spec", "seed"), None),
    "$.spec.train.steps": (("spec", "train", "steps"), "many"),
    "$.status": (("status",), "fine"),
    "$.schema": (("schema",), "2"),
    "$.suite": (("suite",), 5),
    "$.failure": (("failure",), {"kind": "failed", "message": ""}),
    "$.provenance.libraries": (("provenance", "libraries"), [1]),
    "$.provenance.plugins[...].code": (("provenance", "plugins", "loss:game", "code"), [1]),
    "$.files": (("files",), [1]),
    "$.diagnosis[0]": (("diagnosis",), [{}]),
    "$.histogram.n": (("histogram",), {"of": "modes", "fake": [1], "n": 0}),
    "$.film.side": (("film",), {"steps": [1], "side": "wide"}),
}


OF_SCORES = ("metrics", "cards", "histogram")
"""Keys of the scores file; the others are the record's."""


@pytest.mark.parametrize("place", WRONG)
def test_damage_is_named_with_the_file_and_its_place(tmp_path: Path, place: str) -> None:
    commit(Store(tmp_path), make_record("a1"))
    keys, value = WRONG[place]

    def damage(content: dict[str, Any]) -> None:
        inner = content
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    run = tmp_path / "runs" / "a1"
    path = scores_file(run) if keys[0] in OF_SCORES else run / "record.json"
    reseal(path, damage)
    with pytest.raises(ResultsError) as caught:
        Store(tmp_path).run("a1")
    assert f"{path} is damaged ({place}: " in str(caught.value)


@pytest.mark.parametrize("of_scores", [False, True])
def test_a_file_that_was_changed_by_hand_is_damaged(tmp_path: Path, of_scores: bool) -> None:
    commit(Store(tmp_path), make_record("a1", {"score": 1.25}))
    run = tmp_path / "runs" / "a1"
    path, old, new = (
        (scores_file(run), "1.25", "1.26") if of_scores else (run / "record.json", '"steps": 5', '"steps": 6')
    )
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ResultsError, match=r"seal: does not match; the file was changed"):
        Store(tmp_path).run("a1")
    path.write_text(json.dumps({key: value for key, value in json.loads(text).items() if key != "seal"}))
    with pytest.raises(ResultsError, match=r"seal: is missing"):
        Store(tmp_path).run("a1")


@settings(deadline=None)
@given(content=st.binary(max_size=60) | st.from_type(dict[str, int]).map(lambda found: json.dumps(found).encode()))
def test_other_content_is_an_error_and_nothing_else(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_run(content)


def _schema_1(record: Record, reason: str) -> bytes:
    """The record as schema 1 had it: the reason alone for a failure, cards without the score's own name."""
    content = {"metrics": {}, "cards": {}, **plain(record), "schema": 1, "reason": reason}
    del content["failure"]
    for card in content["cards"].values():
        del card["score"]
    return json.dumps(content).encode()


REASONS: Mapping[str, Failure] = {
    "a loss was not finite at step 100": Failure("diverged", "a loss was not finite", step=100),
    "a parameter was not finite after step 50": Failure("diverged", "a parameter was not finite", step=50, after=True),
    "it ran longer than 2.5 s": Failure("timeout", "it ran longer than 2.5 s", limit_seconds=2.5),
    "ValueError: step 3 of\nmany": Failure("failed", "ValueError: step 3 of\nmany"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_failure_of_schema_1_gets_its_parts_from_its_reason(reason: str) -> None:
    failure = REASONS[reason]
    record = decode_run(_schema_1(make_record(failure=failure), reason))
    assert record.failure == failure
    assert record.reason == reason


def test_scores_of_schema_1_get_their_names_from_their_labels() -> None:
    old = make_record(scores={"FID": 1.0, "modes[digits16]": 2.0}, card=make_card(extractor=Choice("digits16")))
    record = decode_run(_schema_1(old, ""))
    names = [str(card.name(label)) for label, card in record.evaluation.cards.items()]
    assert names == ["FID", "modes[digits16]"]
    assert [card.score for card in record.evaluation.cards.values()] == ["FID", "modes"]
    assert record.ok


@pytest.mark.parametrize("name", ["run", "reference"])
def test_records_of_schema_1_lose_nothing(name: str) -> None:
    content = (Path(__file__).parent / "schema_1" / f"{name}.json").read_bytes()
    record = decode_run(content) if name == "run" else decode_reference(content)
    stored, again = json.loads(content), json.loads(json.dumps(plain(record)))
    for card in again["cards"].values():
        del card["score"]
        card["scale"] = card.pop("kind")  # written before there were kinds, it told linear from log alone
    if name == "run":
        train = stored["spec"]["train"]
        rates = {"d": train.pop("lr_d"), "g": train.pop("lr_g")}
        assert train.pop("schedule") == "cosine"
        own = {"optimizer": train.pop("optimiser"), "betas": train.pop("betas")}
        for player, rate in rates.items():
            lr = {"from": rate, "to": 0.0, "over": 1.0, "shape": "cosine"}
            train[player] = {"lr": lr, "clip": 0.0, "weight_decay": 0.0, "lookahead": [5, 0.5], **own}
        train |= {"ema_half_life": None, "play": "alternating", "fresh_real": False}
        stored["spec"] |= {"loss": [stored["spec"]["loss"]], "transforms": []}
    assert {key: again[key] for key in stored if key != "schema"} == {
        key: value for key, value in stored.items() if key != "schema"
    }


def test_a_spec_of_schema_1_is_compared_with_todays_keys() -> None:
    record = decode_run((Path(__file__).parent / "schema_1" / "run.json").read_bytes())
    now = replace(record, spec=replace(record.spec, train=replace(record.spec.train, steps=5)))
    now = replace(now, stored_spec=json.dumps(now.spec.resolved()))
    found = unequal_leaves(comparable_spec(record), comparable_spec(now))
    assert found == [("train.steps", 3000, 5)]


def test_a_record_of_schema_1_has_the_id_that_its_whole_spec_gives() -> None:
    record = decode_run((Path(__file__).parent / "schema_1" / "run.json").read_bytes())
    assert recomputed_id(record) == record.id
    assert record.evaluated


def test_specs_of_sums_differ_part_by_part() -> None:
    def leaves(a: list[object], b: list[object]) -> list[tuple[str, object, object]]:
        return unequal_leaves(json.dumps({"loss": a}), json.dumps({"loss": b}))

    game, one, two = ({"name": name, "params": {"gamma": gamma}} for name, gamma in (("g", 1), ("p", 1), ("p", 2)))
    assert leaves([game, one], [game, two]) == [("loss.p.params.gamma", 1, 2)]
    assert leaves([game, one], [game]) == [("loss.p", {"params": {"gamma": 1}}, ...)]
    assert leaves([game, one], [one, game]) == [("loss", [game, one], [one, game])]
    assert leaves([1, 2], [1, 3]) == [("loss", [1, 2], [1, 3])]
    assert leaves([game], []) == [("loss", [game], [])]


@settings(deadline=None)
@given(record=records(), start=NUMBERS, end=NUMBERS)
def test_a_sum_with_schedules_comes_back_as_it_was(record: Record, start: float, end: float) -> None:
    changing = Schedule(start, end, 0.5, "cosine")
    parts = (Choice("game", code="1"), Choice("penalty", {"gamma": changing, "count": 3}, code="1"))
    train = make_train(lr=changing, betas=(0.5, changing), ema_half_life=changing, play="unrolled(3)")
    spec = replace(record.spec, loss=parts, transforms=(Choice("flip", code="1"),), train=train)
    record = replace(record, spec=spec, provenance=make_provenance(spec), failure=None)
    again = decode_run(encode(record))
    assert (again.spec.loss, again.spec.transforms, again.spec.train) == (spec.loss, spec.transforms, spec.train)
    assert (
        again.spec.id
        == replace(
            spec,
            architecture=replace(spec.architecture, code="1"),
            dataset=replace(spec.dataset, code="1"),
        ).id
    )


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("train", "d", "lr"), {"from": 1.0}, r"$.spec.train.d.lr: a schedule needs a finite number as 'to'"),
        (("train", "ema"), {"from": 1, "to": 2, "over": 0}, r"$.spec.train.ema: 'over' is the share of the training"),
        (("loss", 0, "params"), {"gamma": {"from": 1, "to": "x"}}, r"$.spec.loss.game.gamma: a schedule needs"),
        (("loss",), {"name": "game", "params": {}}, r"$.spec.loss: Expected `array`"),
    ],
)
def test_a_damaged_schedule_is_named_with_its_place(keys: tuple[str | int, ...], value: object, said: str) -> None:
    content = json.loads(encode(make_record()))
    inner = content["spec"]
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    del content["seal"]
    with pytest.raises(ValueError, match=re.escape(said)):
        decode_run(json.dumps(sealed(content)).encode())
