"""Evaluation noise: measured for one seed of each variant, said below the table, and without effect on scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import stdev, variance

import numpy as np
import pytest
from conftest import Cli
from factories import commit, make_card, make_evaluation, make_record
from plans import plan_row
from running import read_records

from ganbench.analysis import tables
from ganbench.evaluation.latent_sets import score_noise
from ganbench.registry.choice import Choice
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan

SUITE = """
about: five seeds, to see the noise of an evaluation
losses: [minimax]
architectures: [mlp]
datasets: [ring8]
seeds: 5
train: {steps: 20, batch: 32, lr: 2e-3}
evaluation: {samples: 400, real_samples: 400}
"""


def test_noise_is_the_standard_deviation_over_sets() -> None:
    sets = [{"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 2.5}, {"a": 4.0}]
    assert score_noise(sets[0], lambda number: sets[number], 2) == {"a": pytest.approx(stdev([1.0, 2.0, 4.0]))}


@pytest.mark.slow
def test_one_seed_of_a_variant_is_scored_on_more_sets_and_no_score_changes(cli: Cli, tmp_path: Path) -> None:
    found = []
    for text, folder in ((SUITE, "with"), (SUITE.replace("400}", "400, noise_sets: 0}"), "without")):
        (tmp_path / f"{folder}.yaml").write_text(text)
        done = cli("run", "--suite", f"{folder}.yaml", "--results", folder, "--jobs", 2)
        assert done.code == 0, done.err
        assert ("Evaluation noise" in done.out) == (folder == "with")
        store = Store(tmp_path / folder)
        found.append([store.run(id_) for id_ in sorted(read_records(tmp_path / folder))])
    noise, plain = found
    assert [one.id for one in noise if one] == [one.id for one in plain if one]
    for a, b in zip(noise, plain, strict=True):
        assert a is not None
        assert b is not None
        assert a.evaluation.metrics == b.evaluation.metrics
        assert a.evaluation_id == b.evaluation_id
        assert set(a.evaluation.noise) == (set(a.evaluation.metrics) if a.spec.seed == 0 else set())
        assert not b.evaluation.noise
    first = next(one for one in noise if one and one.spec.seed == 0)
    assert first.evaluation.noise["SW1"] > 0


def test_the_note_gives_the_share_of_the_variance_between_seeds(tmp_path: Path) -> None:
    store = Store(tmp_path)
    values = {"a": [1.0, 2.0, 3.0, 4.0, 5.0], "b": [2.0, 4.0, 4.0, 5.0, 9.0]}
    records = []
    for name, own in values.items():
        for seed, value in enumerate(own):
            evaluation = make_evaluation(
                {"IS": value, "FID": value}, make_card(metric=Choice("is"), kind="linear"),
                noise={"IS": 0.5, "FID": 0.1 * value} if seed == 0 else {},
            )  # fmt: skip
            cards = {**evaluation.cards, "FID": make_card(metric=Choice("fid"), score="FID", kind="log")}
            evaluation = replace(evaluation, cards=cards)
            records.append(make_record(f"{name}{seed}", evaluation=evaluation))
    commit(store, *records)
    rows = tuple(plan_row(name, "mlp", "ring8", {seed: f"{name}{seed}" for seed in range(5)}) for name in values)
    (table,) = tables.build(SavedPlan("s", "", "", rows, (), ()), store)
    linear = 100 * 2 * 0.5**2 / sum(variance(own) for own in values.values())
    logs = 100 * 2 * 0.1**2 / sum(variance(np.log(own).tolist()) for own in values.values())
    (note,) = [note for note in table.notes if note.startswith("Evaluation noise")]
    assert note.endswith(f"variance between seeds: IS {linear:.0f} %, FID {logs:.0f} %.")
