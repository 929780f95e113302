"""The theory check: its reference values, that the engine passes it, and that it can fail."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch

from ganbench.cli import cli as ganbench
from ganbench.errors import UsageError
from ganbench.theory import check, densities, plot
from ganbench.theory.check import Finding, Report
from ganbench.theory.densities import CONTROL, PAIRS, Density, Pair, best, jensen_shannon

FEW = (PAIRS[0], PAIRS[-1])
"""A pair on the line and the one in the plane."""


@pytest.fixture(scope="module")
def report() -> Report:
    """What is found on two of the pairs and with the linear D; all pairs are trained by a slow test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "PAIRS", FEW)
        return check.verify(seed=0)


def _pdf(density: Density) -> Callable[[Any], Any]:
    parts = [scipy.stats.norm(centre[0], density.std) for centre in density.centres]
    return lambda x: sum(part.pdf(x) for part in parts) / len(parts)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair.real.dims == 1], ids=lambda pair: pair.name)
def test_the_true_js_is_that_of_scipys_quadrature(pair: Pair) -> None:
    p, q = _pdf(pair.real), _pdf(pair.fake)

    def integrand(x: float) -> float:
        middle = (p(x) + q(x)) / 2
        return float(sum(scipy.special.xlogy(side, side / middle) if middle else 0 for side in (p(x), q(x))) / 2)

    expected, _ = scipy.integrate.quad(integrand, -20, 20, points=[-2, 0, 2, 6], limit=400)
    assert jensen_shannon(pair) == pytest.approx(expected, abs=1e-7)


def test_the_true_js_in_the_plane_is_that_of_many_samples() -> None:
    pair, generator = PAIRS[-1], np.random.default_rng(0)
    ring = np.array(pair.real.centres)
    p = ring[generator.integers(8, size=200_000)] + 0.3 * generator.standard_normal((200_000, 2))
    q = sqrt(2) * generator.standard_normal((200_000, 2))

    def share(x: Any) -> Any:
        real = sum(scipy.stats.multivariate_normal(centre, 0.09).pdf(x) for centre in ring) / 8
        return real / (real + scipy.stats.multivariate_normal([0, 0], 2).pdf(x))

    expected = log(2) + (np.log(share(p)).mean() + np.log1p(-share(q)).mean()) / 2
    assert jensen_shannon(pair) == pytest.approx(expected, abs=3e-3)


def test_the_true_js_is_what_is_known() -> None:
    known = [0.1114, 0, 0.0927, 0.2011, 0.2157, 0.6893, 0.2769]
    assert [jensen_shannon(pair) for pair in PAIRS] == pytest.approx(known, abs=5e-4)


def test_best_is_the_formula() -> None:
    x = torch.linspace(-3, 4, 50)[:, None]
    torch.testing.assert_close(best(PAIRS[0], x), torch.sigmoid(0.5 - x.double())[:, 0])  # of N(0, 1) and N(1, 1)
    p, q = (_pdf(side)(x.numpy())[:, 0] for side in (CONTROL.real, CONTROL.fake))
    np.testing.assert_allclose(best(CONTROL, x), p / (p + q), rtol=1e-6)


@pytest.mark.parametrize("density", [densities.MODES, densities.RING], ids=["two modes", "ring"])
def test_samples_have_the_density(density: Density) -> None:
    """Every component gets its share, and has its own spread."""
    x = density.sample(40_000, 0, "test")
    centres = torch.tensor(density.centres)
    nearest = torch.cdist(x, centres).argmin(dim=1)
    counts = torch.bincount(nearest, minlength=len(centres))
    assert scipy.stats.chisquare(counts.numpy()).pvalue > 0.001
    assert float((x - centres[nearest]).std()) == pytest.approx(density.std, rel=0.02)


def _hold(report: Report) -> None:
    for finding in report.findings:
        assert abs(finding.error) <= 0.01, finding.pair.name
        assert finding.gap <= 0.02, finding.pair.name
        assert finding.value == pytest.approx(2 * finding.true_js - 2 * log(2), abs=0.02)
        assert finding.holds
    assert report.holds


def test_the_engine_does_what_theory_says(report: Report) -> None:
    assert [finding.pair for finding in report.findings] == list(FEW)
    _hold(report)


@pytest.mark.slow
def test_the_engine_does_what_theory_says_on_all_pairs() -> None:
    report = check.verify(seed=0)
    assert [finding.pair for finding in report.findings] == list(PAIRS)
    _hold(report)


def test_a_linear_d_is_caught(report: Report) -> None:
    control = report.control
    assert control.js == pytest.approx(0, abs=0.01)
    assert control.true_js == pytest.approx(0.2011, abs=1e-4)
    assert not control.holds
    blind = dataclasses.replace(report, control=report.findings[0])
    assert not blind.holds


def test_the_same_seed_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "TRAINING", dataclasses.replace(check.TRAINING, steps=2))
    one, again, other = (check.check(PAIRS[0], seed) for seed in (3, 3, 4))
    assert (one.value, one.gap) == (again.value, again.gap)
    assert one.value != other.value


@pytest.fixture
def verified(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify` answers at once with what the module's own call found."""

    def replayed(seed: int = 0, on_finding: Callable[[Finding], None] = lambda finding: None) -> Report:
        for finding in (*report.findings, report.control):
            on_finding(finding)
        return report

    monkeypatch.setattr(check, "verify", replayed)


def _run(*arguments: object) -> object:
    return ganbench.main([str(argument) for argument in arguments], standalone_mode=False)


@pytest.mark.usefixtures("verified")
def test_the_command_prints_a_line_a_pair(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("verify", "--theory") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[1:3]] == ["pass"] * 2
    assert lines[3].startswith("two modes, linear D")
    assert lines[3].endswith("fail")
    assert "All holds" in lines[-1]


@pytest.mark.usefixtures("verified")
def test_the_commands_json_is_the_report(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("verify", "--theory", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["holds"] is True
    assert content["limits"] == {"js_error": 0.01, "mean_gap": 0.02}
    assert [pair["js"] for pair in content["pairs"]] == [finding.js for finding in report.findings]
    assert content["control"]["holds"] is False


@pytest.mark.usefixtures("verified")
@pytest.mark.parametrize("limit", ["JS_LIMIT", "D_LIMIT"])
def test_a_broken_limit_is_exit_code_1(
    limit: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, limit, 1e-5)
    assert _run("verify", "--theory") == 1
    assert "Does not hold: ring of 8" in capsys.readouterr().out


@pytest.mark.usefixtures("verified")
@pytest.mark.parametrize(("name", "magic"), [("d.png", b"\x89PNG"), ("d.svg", b"<?xml")])
def test_the_picture_is_the_same_on_every_call(
    name: str, magic: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plot, "SIDE", 31)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        assert _run("verify", "--theory", "--picture", tmp_path / folder / name) == 0
    first, second = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
    assert first.startswith(magic)
    assert first == second


def test_a_place_that_cannot_hold_a_picture_is_reported_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a writable folder"):
        _run("verify", "--theory", "--picture", tmp_path / "nowhere" / "d.png")


def test_what_to_verify_must_be_stated(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="verify --theory"):
        _run("verify")
    with pytest.raises(UsageError, match=r"unsupported format '\.gif'"):
        _run("verify", "--theory", "--picture", tmp_path / "d.gif")
