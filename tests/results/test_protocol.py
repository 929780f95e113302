"""Scores that were measured under different protocols are never compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from factories import commit, make_record, make_spec
from plans import plan_row

from ganbench.analysis import tables
from ganbench.errors import UsageError
from ganbench.formatting import ranges
from ganbench.registry.choice import Choice
from ganbench.results.protocol import check, differences, sentence
from ganbench.results.protocol_card import ProtocolCard
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, save_plan

CARD = ProtocolCard(
    metric=Choice("fid"), code="1", better="lower", kind="log", fake_samples=5000, real_samples=1347, split="train",
    extractor=Choice("digits16"), weights="abc", generator="raw", checkpoint="last",
)  # fmt: skip
OTHERS: dict[str, Any] = {
    "fake_samples": 2000, "real_samples": 450, "split": "test", "weights": "def", "resize": "bilinear",
    "extractor": Choice("inception", {"size": 299}), "generator": "ema", "checkpoint": "best",
}  # fmt: skip


def _store(folder: Path, **other: Any) -> tuple[SavedPlan, Store]:
    """Two variants of five seeds; the second one's cards differ in `other`."""
    store = Store(folder)
    for name, card in (("a", CARD), ("b", replace(CARD, **other))):
        for seed in range(5):
            scores = {"FID": 10.0 + seed + 5 * (name == "b")}
            commit(store, make_record(f"{name}{seed}", scores, card, make_spec(seed)))
    rows = tuple(plan_row(name, "mlp", "digits", {seed: f"{name}{seed}" for seed in range(5)}) for name in "ab")
    layout = SavedPlan("s", "", "", rows, (), ())
    save_plan(folder, layout)
    return layout, store


@pytest.mark.parametrize("field", list(OTHERS))
def test_a_table_refuses_another_protocol_and_names_the_field(tmp_path: Path, field: str) -> None:
    layout, store = _store(tmp_path, **{field: OTHERS[field]})
    with pytest.raises(UsageError, match=f"different protocols.*{field} "):
        tables.build(layout, store)


@pytest.mark.parametrize("field", ["extractor", "fake_samples", "split"])
def test_the_commands_refuse_it_too(cli: Cli, tmp_path: Path, field: str) -> None:
    _store(tmp_path / "results", **{field: OTHERS[field]})
    for command in (("table", "--suite", "s"), ("compare", "a", "b")):
        done = cli(*command)
        assert done.code == 2, done.err
        assert f"{field} " in done.err
        assert "Traceback" not in done.err
        assert len(done.err.strip().splitlines()) == 1


def test_equal_protocols_share_a_table(tmp_path: Path) -> None:
    layout, store = _store(tmp_path)
    (table,) = tables.build(layout, store)
    assert [row.scores["FID"].protocol.seeds for row in table.rows] == [(0, 1, 2, 3, 4)] * 2
    assert any("5,000 fake against 1,347 real samples (split train)" in note for note in table.notes)


def test_differences_name_fields_and_values() -> None:
    assert differences(CARD, replace(CARD, seeds=(1,))) == {}
    assert differences(CARD, replace(CARD, split="test")) == {"split": ("train", "test")}
    with pytest.raises(UsageError, match=r"extractor digits16 against inception\(size=299\)"):
        check("FID", {"a": CARD, "b": replace(CARD, extractor=OTHERS["extractor"])})


def test_a_card_in_words() -> None:
    text = sentence(replace(CARD, seeds=(0, 1, 2, 5), generator="ema"))
    assert text == (
        "5,000 fake against 1,347 real samples (split train); features of digits16, weights abc; "
        "averaged generator (EMA), last checkpoint; seeds 0-2, 5"
    )
    assert ranges([3, 1, 2, 9]) == "1-3, 9"


def test_a_suite_that_would_mix_raw_and_averaged_generators_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "losses: [minimax, nonsaturating]\narchitectures: [mlp]\ndatasets: [ring8]\n"
        "overrides:\n  - when: {loss: minimax}\n    train: {ema: 0.99}\n"
    )
    done = cli("run", "--suite", "s.yaml", "--dry-run")
    assert done.code == 2
    assert "averaged generator" in done.err
