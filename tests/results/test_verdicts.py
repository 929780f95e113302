"""The verdict column: the worst fault first, several seeds in one line, empty if no metric looks for faults."""

from __future__ import annotations

import pytest

from ganbench import Fault
from ganbench.results.verdicts import ORDER, faulty, summary, verdict


def test_the_worst_fault_is_the_verdict() -> None:
    found = verdict({"modes": [Fault("partial", 17, 25)], "quality": [Fault("low quality")], "copies": []})
    assert found is not None
    assert (found.fault, found.text) == ("partial", "partial (17 of 25)")
    assert found.by["modes"] == (Fault("partial", 17, 25),)
    for i, kind in enumerate(ORDER):
        worst = verdict({"m": [Fault(other) for other in reversed(ORDER[i:])]})
        assert worst is not None
        assert worst.fault == kind


def test_a_severe_fault_comes_before_the_group_above_its_own() -> None:
    def worst(*faults: Fault) -> str:
        found = verdict({"a": [], "b": list(faults)})
        assert found is not None
        return found.fault

    partial, poor = Fault("partial", 6, 8), Fault("low quality", severe=True)
    assert worst(partial, poor) == "low quality"
    assert worst(Fault("memorising"), poor) == "memorising"
    assert worst(Fault("low quality"), Fault("too narrow", severe=True)) == "too narrow"
    assert worst(Fault("imbalanced"), Fault("too narrow", severe=True)) == "imbalanced"


def test_what_could_not_be_compared_with_honest_samples_is_not_called_ok() -> None:
    found = verdict({"a": []}, "30 held-out samples, 200 are needed")
    assert found is not None
    assert (found.fault, found.text) == ("not compared", "not compared: 30 held-out samples, 200 are needed")
    assert summary([found, found]) == "not compared"
    wrong = verdict({"a": [Fault("collapsed")]}, "30 held-out samples, 200 are needed")
    assert wrong is not None
    assert wrong.text == "collapsed"
    assert summary([found, wrong]) == "1 not compared, 1 collapsed"
    assert not faulty([found, found])  # nothing was compared
    assert faulty([found, found, wrong])


def test_without_such_a_metric_there_is_no_verdict() -> None:
    assert verdict({}) is None
    assert summary([None, None]) == ""
    assert summary([None, verdict({"m": [Fault("partial", 6, 8)]})]) == "1 partial (6 of 8), 1 not evaluated"
    faultless = verdict({"m": []})
    assert faultless is not None
    assert faultless.text == "ok"


@pytest.mark.parametrize(
    ("captured", "text"),
    [([25, 25], "ok"), ([17], "partial (17 of 25)"), ([17, 12, 21], "partial (12-21 of 25)"),
     ([25, 25, 7], "2 ok, 1 partial (7 of 25)")],
)  # fmt: skip
def test_several_seeds_are_summed_up(captured: list[int], text: str) -> None:
    seeds = [verdict({"modes": [Fault("partial", k, 25)] if k < 25 else []}) for k in captured]
    assert summary(seeds) == text
