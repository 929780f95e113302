"""A replay compared with its record: bit-identical, within tolerance, or different, with the first difference."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from factories import make_evaluation, make_record
from scipy import stats as scipy_stats

from ganbench.analysis import reproduction
from ganbench.errors import ResultsError
from ganbench.results.records import Evaluation, Failure, Provenance, Record, Snapshot

HISTORY = "step,d_loss,g_loss\n0,1.5,0.5\n30,1.25,0.25\n60,1.0,0.125\n"


HERE = Provenance(processor="p", libraries={"torch": "2.15.0"})
ELSEWHERE = replace(HERE, processor="q")
SEEDS = (3.0, 3.5, 4.5, 5.0, 4.25)
NOTHING = Evaluation()


def _run(folder: Path, history: str = HISTORY, score: float = 4.0, **changes: Any) -> tuple[Record, Path]:
    """A run's record with its folder, the history in it."""
    folder.mkdir(exist_ok=True)
    (folder / "history.csv").write_text(history)
    files = {"history.csv": hashlib.sha256(history.encode()).hexdigest()}
    record = make_record(scores={"score": score}, provenance=HERE, files=files)
    return replace(record, **changes), folder


def _compared(tmp_path: Path, seeds: tuple[float, ...] = (), **changes: Any) -> reproduction.Comparison:
    others = [_run(tmp_path / "a", score=score)[0] for score in seeds]
    return reproduction.compare(*_run(tmp_path / "a"), *_run(tmp_path / "b", **changes), others)


def test_the_last_bits_of_a_float_are_rounding(tmp_path: Path) -> None:
    other = HISTORY.replace("0.25", "0.2500001")
    found = _compared(tmp_path, history=other, score=4.000001)
    assert (found.verdict, found.same) == ("within rounding", True)
    assert found.first is not None
    assert (found.first.step, found.first.signals) == (30, {"g_loss": ("0.25", "0.2500001")})
    assert _compared(tmp_path, history=other, score=4.00001).verdict == "different"


def test_on_another_machine_the_seeds_spread_is_the_tolerance(tmp_path: Path) -> None:
    values = [*SEEDS, 4.0]
    half = scipy_stats.t.ppf(0.975, 5) * scipy_stats.tstd(values) * (1 + 1 / 6) ** 0.5
    edge = sum(values) / 6 + half
    for score, verdict in ((edge - 1e-3, "within the seeds' spread"), (edge + 1e-3, "different")):
        found = _compared(tmp_path, SEEDS, history=HISTORY + "9", score=score, provenance=ELSEWHERE)
        assert found.verdict == verdict
        assert found.scores[0].high == pytest.approx(edge)
        assert found.environment == ("processor p, here q",)


def test_on_the_same_machine_other_bits_are_different(tmp_path: Path) -> None:
    assert _compared(tmp_path, SEEDS, history=HISTORY + "9", score=4.1).verdict == "different"


def test_few_seeds_have_no_spread(tmp_path: Path) -> None:
    assert _compared(tmp_path, SEEDS[:3], score=4.1, provenance=ELSEWHERE).verdict == "different"


def test_a_spread_is_taken_on_the_scores_own_scale_for_all_scores_together() -> None:
    low, high = reproduction.spread([1.0, 2.0, 4.0, 8.0, 16.0], "log", 3)
    assert low * high == pytest.approx(16.0)  # symmetric around the geometric mean, 4
    narrow = reproduction.spread([1.0, 2.0, 4.0, 8.0, 16.0], "log", 1)
    assert low < narrow[0] < narrow[1] < high
    assert reproduction.spread([-1.0, 0.0, 1.0], "log", 1) == reproduction.spread([-1.0, 0.0, 1.0], "linear", 1)


def test_a_calm_score_may_not_move(tmp_path: Path) -> None:
    assert _compared(tmp_path, (4.0,) * 7, score=3.0, provenance=ELSEWHERE).verdict == "different"


def test_another_end_snapshot_or_length_is_different(tmp_path: Path) -> None:
    assert _compared(tmp_path, failure=Failure("diverged", "x"), evaluation=NOTHING).verdict == "different"
    more = make_evaluation({"score": 4.0}, snapshots=(Snapshot(1, 0.5, {"score": 1.0}),))
    assert _compared(tmp_path, evaluation=more).verdict != "bit-identical"
    shorter = _compared(tmp_path, history=HISTORY.rpartition("60")[0])
    assert shorter.verdict == "within rounding"  # its scores are the same
    assert shorter.first is not None
    assert (shorter.first.step, shorter.first.signals) == (60, {"rows": ("3", "2")})
    assert _compared(tmp_path, evaluation=NOTHING).verdict == "different"


def test_a_failure_that_comes_again_is_the_same_failure(tmp_path: Path) -> None:
    lost: dict[str, Any] = {"failure": Failure("failed", "boom"), "evaluation": NOTHING, "files": {}}
    a, b = _run(tmp_path / "a", **lost), _run(tmp_path / "b", **lost)
    assert reproduction.compare(*a, *b).verdict == "same failure"


def test_a_history_that_is_not_the_recorded_one_is_not_compared(tmp_path: Path) -> None:
    record, folder = _run(tmp_path / "a")
    (folder / "history.csv").write_text(HISTORY.replace("1.5", "1.4"))
    with pytest.raises(ResultsError, match="does not match the checksum in its record"):
        reproduction.compare(record, folder, *_run(tmp_path / "b"))
    shutil.rmtree(folder)
    assert reproduction.compare(record, folder, *_run(tmp_path / "b")).verdict == "bit-identical"
