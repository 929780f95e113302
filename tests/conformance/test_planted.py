"""Every broken plugin is caught under the right rule, in words that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import ALL, HEAD, LOSSES

from ganbench.testing import Report, reports


def _reports(folder: Path, text: str) -> list[Report]:
    path = folder / "planted.py"
    path.write_text(text)
    return reports(path)


@pytest.mark.parametrize("name", ALL)
def test_a_broken_plugin_is_caught_under_its_rule(name: str, tmp_path: Path) -> None:
    planted = ALL[name]
    (report,) = _reports(tmp_path, planted.text())
    found = {finding.rule: str(finding) for finding in report.findings}
    assert planted.rule in found, found
    assert any(planted.said in str(finding) for finding in report.findings if finding.rule == planted.rule), found


def test_there_are_plugins_of_every_kind() -> None:
    assert len(ALL) >= 25
    assert len({planted.kind for planted in ALL.values()}) == 9


def test_all_faults_of_all_plugins_of_a_file_are_reported(tmp_path: Path) -> None:
    text = HEAD
    for number, name in enumerate(("no mean", "torch.rand", "misspelled")):
        text += LOSSES[name].code.replace("class Mine", f"class Mine{number}") + "\n"
    text += "@hookimpl\ndef register_losses():\n    return {'a': Mine0, 'b': Mine1, 'c': Mine2, 'd': 3, 'e f': Mine0}\n"
    text += "@hookimpl\ndef register_metrics():\n    return [1]\n"
    found = {report.title: [finding.rule for finding in report.findings] for report in _reports(tmp_path, text)}
    assert found == {
        "loss a": ["scalar"], "loss b": ["undeclared-noise"], "loss c": ["misspelled"], "loss d": ["class"],
        "loss e f": ["name"], str(tmp_path / "planted.py"): ["hook"],
    }  # fmt: skip
