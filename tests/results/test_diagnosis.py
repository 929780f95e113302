"""The diagnosis: each rule on generated histories with a known onset, and a planted fault from end to end."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from factories import make_record, reseal

from ganbench.results.diagnosis import diagnose, diagnoses
from ganbench.results.records import Finding, Record
from ganbench.signals import SIGNALS

HEALTHY = {
    "d_loss": 1.2, "g_loss": 0.8, "d_real": 0.6, "d_fake": 0.4, "accuracy_real": 0.7, "accuracy_fake": 0.7,
    "p_real_above_fake": 0.75, "value": -1.2, "js": 0.1, "d_gradient": 1.0, "g_gradient": 2.0, "diversity": 0.95,
}  # fmt: skip
NOISE = {"p_real_above_fake": 0.05, "js": 0.03, "g_gradient": 0.5, "diversity": 0.05}
STEPS = list(range(0, 3000, 30))


def _history(rows: int, since: int = 0, changes: Mapping[str, float] = {}, log_odds: bool = True) -> list[list[float]]:
    """A noisy healthy run in which signals jump to other values at row `since`."""
    draw = random.Random(0)
    history = []
    for i in range(rows):
        row = HEALTHY | (dict(changes) if i >= since else {})
        row |= {name: row[name] * math.exp(draw.gauss(0, width)) for name, width in NOISE.items()}
        if not log_odds:
            row |= {"js": math.nan, "value": math.nan}
        history.append([row[name] for name in SIGNALS])
    return history


def _flags(history: list[list[float]], steps: list[int] = STEPS, total: int = 3000) -> dict[str, int]:
    return {finding.flag: finding.since for finding in diagnose(steps, history, total)}


def test_the_names_are_the_columns_of_the_signals() -> None:
    assert set(HEALTHY) == set(SIGNALS)


@pytest.mark.parametrize("log_odds", [True, False])
def test_a_healthy_run_has_no_finding(log_odds: bool) -> None:
    assert diagnose(STEPS, _history(100, log_odds=log_odds), 3000) == []


FAULTS = [
    ("collapse", {"diversity": 0.1}),
    ("explosion", {"diversity": 5.0}),
    ("weak discriminator", {"p_real_above_fake": 0.2}),
    ("vanishing gradient", {"js": 0.69, "g_gradient": 0.005}),
    ("vanishing gradient", {"g_gradient": 0.0}),
    ("discriminator ahead", {"js": 0.58}),
]


@pytest.mark.parametrize(("flag", "changes"), FAULTS)
@pytest.mark.parametrize("row", [0, 40, 80])
def test_a_fault_is_found_with_its_onset_under_noise(flag: str, changes: dict[str, float], row: int) -> None:
    # the gradient is measured against its largest: there must have been one
    if flag == "vanishing gradient" and changes["g_gradient"] and row == 0:
        row = 10
    assert _flags(_history(100, row, changes)) == {flag: STEPS[row]}


@pytest.mark.parametrize(("flag", "changes"), FAULTS)
def test_what_was_overcome_or_has_only_begun_is_no_finding(flag: str, changes: dict[str, float]) -> None:
    sick, well = _history(100, changes=changes), _history(100)
    assert _flags(sick[:40] + well[40:]) == {}
    assert _flags(well[:97] + sick[97:]) == {}


def test_single_rows_raise_and_hide_nothing() -> None:
    sick, well = _history(100, 30, {"diversity": 0.1}), _history(100)
    for i in range(0, 100, 7):
        sick[i], well[i] = well[i], sick[i]
    assert _flags(well) == {}
    assert list(_flags(sick)) == ["collapse"]


def test_the_evidence_names_the_measure_and_its_limit() -> None:
    (collapse,) = diagnose(STEPS, _history(100, 40, {"diversity": 0.12}), 3000)
    assert collapse.fault is True
    assert re.fullmatch(r"median diversity 0\.1[12]\d* \(limit 0\.5\)", collapse.evidence)
    (ahead,) = diagnose(STEPS, _history(100, 40, {"js": 0.58}), 3000)
    assert ahead.fault is False


def _js_of_one_mode(modes: int) -> float:
    """The Jensen-Shannon divergence of K equal separate modes and one of them, by its definition."""
    p, q = [1 / modes] * modes, [1.0] + [0.0] * (modes - 1)
    mid = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return sum(sum(x * math.log(x / m) for x, m in zip(side, mid, strict=True) if x) for side in (p, q)) / 2


@pytest.mark.parametrize("modes", [8, 25, 1000])
def test_a_plateau_at_one_mode_is_collapse_and_not_a_vanishing_gradient(modes: int) -> None:
    changes = {"js": _js_of_one_mode(modes), "accuracy_fake": 1.0, "g_gradient": 0.005, "diversity": 0.02}
    assert _flags(_history(100, 20, changes)) == {"collapse": STEPS[20]}


def test_a_zero_gradient_is_reported_for_collapsed_fakes_too() -> None:
    assert set(_flags(_history(100, 20, {"diversity": 0.02, "g_gradient": 0.0}))) == {"collapse", "vanishing gradient"}


@pytest.mark.parametrize(("flag", "changes"), FAULTS)
def test_without_log_odds_the_other_signals_still_speak(flag: str, changes: dict[str, float]) -> None:
    silent = set(changes) & {"js"}
    assert _flags(_history(100, 40, changes, log_odds=False)) == ({} if silent else {flag: STEPS[40]})


def test_short_runs_are_armed_by_their_middle_and_the_shortest_say_nothing() -> None:
    sick = _history(100, 0, {"diversity": 0.1})
    assert _flags(sick, list(range(100)), 100) == {"collapse": 0}
    assert _flags(sick[:20], list(range(20)), 20) == {"collapse": 0}
    assert _flags(sick[:4], list(range(4)), 4) == {}
    assert diagnose([], [], 3000) == []
    assert _flags(sick[:12], STEPS[:12], 3000) == {}  # diverged at step 330, before the rules are armed
    assert _flags(sick[:30], STEPS[:30], 3000) == {"collapse": 0}


def test_values_that_are_not_numbers_are_no_evidence() -> None:
    nothing = [[math.nan] * len(SIGNALS)] * 100
    assert diagnose(STEPS, nothing, 3000) == []
    spike = _history(100)
    spike[50] = [math.inf] * len(SIGNALS)
    assert _flags(spike) == {}


def test_a_note_counts_seeds_with_faults() -> None:
    def record(*findings: tuple[str, int, bool]) -> Record:
        return make_record(diagnosis=tuple(Finding(flag, since, fault, "") for flag, since, fault in findings))

    seeds = [
        record(("collapse", 1500, True)), record(("collapse", 1200, True), ("explosion", 90, True)), record(),
        record(("discriminator ahead", 600, False)), make_record(diagnosis=None), None, None,
    ]  # fmt: skip
    assert diagnoses(seeds) == (
        "2 of 7 seeds: collapse (since step 1200 at the earliest)",
        "1 of 7 seeds: explosion (since step 90 at the earliest)",
    )
    assert diagnoses([make_record(diagnosis=None)]) == ()


SUITE = """
losses: [rpgan]
architectures: [constant-mlp, mlp]
datasets: [ring8]
seeds: 2
plugins: [faults.py]
train: {steps: 100, batch: 32, lr: 2e-3, betas: [0, 0.99]}
evaluation: {samples: 2500, real_samples: 2500}
"""


def test_a_planted_fault_is_in_the_record_in_show_and_below_the_table(cli: Cli, tmp_path: Path) -> None:
    faults = Path(__file__).parents[2] / "benchmarks" / "faults.py"
    (tmp_path / "faults.py").write_text(faults.read_text())
    (tmp_path / "planted.yaml").write_text(SUITE)
    done = cli("run", "--suite", "planted.yaml")
    assert done.code == 0, done.err
    assert "rpgan x constant-mlp: 2 of 2 seeds: collapse (since step 0 at the earliest)" in done.out
    assert not [line for line in done.out.splitlines() if "seeds: " in line and "rpgan x mlp" in line]
    found: dict[str, list[dict[str, Any]]] = {}
    for path in tmp_path.glob("results/runs/*/record.json"):
        record = json.loads(path.read_text())
        found.setdefault(record["spec"]["architecture"]["name"], []).append(record)
    for record in found["constant-mlp"]:
        (finding,) = record["diagnosis"]
        assert finding["flag"] == "collapse"
        assert finding["since"] == 0
    assert [record["diagnosis"] for record in found["mlp"]] == [[], []]
    assert "collapse since step 0: median diversity 0.00" in cli("show", found["constant-mlp"][0]["id"]).out
    assert "nothing found" in cli("show", found["mlp"][0]["id"]).out
    for record in found["constant-mlp"]:  # as it was before there was a diagnosis
        path = tmp_path / "results" / "runs" / record["id"] / "record.json"
        reseal(path, lambda content: content.update(diagnosis=None))
    assert "diagnosis" not in cli("show", record["id"]).out
    again = cli("table", "--suite", "planted")
    assert again.code == 0
    assert "seeds: collapse" not in again.out


def test_the_saved_table_is_made_of_the_saved_runs() -> None:
    from benchmarks import report

    results = Path(report.__file__).parent / "results"
    content = json.loads((results / "diagnosis.json").read_text())
    assert (results / "diagnosis.md").read_text() == report.markdown("diagnosis", content)
    runs = content["rows"]
    assert len(runs) >= 40
    assert all(run["seed"] >= 1000 for run in runs)
    sound = [run for run in runs if run["healthy"] and not run["expected"]]
    alarms = [run for run in sound if any(finding["fault"] for finding in run["diagnosis"])]
    hits = [run for run in runs if {finding["flag"] for finding in run["diagnosis"]} & set(run["expected"])]
    planted = sum(bool(run["expected"]) for run in runs)
    assert f"Planted faults found: {len(hits)} of {planted}." in (results / "diagnosis.md").read_text()
    assert f"Healthy runs with a false alarm: {len(alarms)} of {len(sound)}." in (results / "diagnosis.md").read_text()
