"""Numbers, durations, seed ranges, suggestions, canonical JSON and atomic files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench import files, formatting
from ganbench.api.suites import parse_seeds
from ganbench.errors import ResultsError, printable

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.floats(-1e300, 1e300))
def test_a_number_is_within_half_of_its_last_digit(value: float) -> None:
    text = formatting.number(value)
    if abs(value) < 1e-9:
        assert text == "0"
    else:
        assert float(text) == pytest.approx(value, rel=0.0051)
        assert len(text) <= 12


@given(finite)
def test_a_rounded_number_has_twelve_digits_and_is_stable(value: float) -> None:
    once = formatting.rounded(value)
    assert formatting.rounded(once) == once
    assert once == pytest.approx(value, rel=1e-11, abs=5e-324)


@given(st.sets(st.integers(0, 60), min_size=1))
def test_seed_ranges_read_back_as_the_seeds(numbers: set[int]) -> None:
    text = formatting.ranges(list(numbers))
    assert parse_seeds(text) == tuple(sorted(numbers))
    assert len(text.split(", ")) == sum(number - 1 not in numbers for number in numbers)


@given(st.floats(0, 1e6))
def test_a_duration_is_right_to_its_last_unit(seconds: float) -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    parts = formatting.duration(seconds).split()
    total = sum(int(number) * units[unit] for number, unit in zip(parts[::2], parts[1::2], strict=True))
    assert abs(total - seconds) <= (60 if "h" in parts else 0.5) + 0.5


@given(st.floats(0, 1))
def test_a_p_value_has_no_leading_zero(p: float) -> None:
    assert formatting.p_value(p).startswith(("p = .", "p = 1", "p < .001"))


@given(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=8))
def test_a_known_name_is_suggested_for_itself(name: str) -> None:
    assert formatting.suggestion(name, [name, "another"]) == f". Did you mean {name!r}?"


def test_without_a_similar_name_all_are_listed() -> None:
    assert formatting.suggestion("zzz", ["b", "a"]) == ". Known: a, b."
    assert formatting.suggestion("zzz", []) == "."


@given(st.text())
def test_printable_text_has_no_control_characters(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert shown.isprintable()


@given(plain)
def test_canonical_json_reads_back_and_does_not_depend_on_the_order_of_keys(value: object) -> None:
    text = files.canonical(value)
    assert json.loads(text) == value
    if isinstance(value, dict):
        assert files.canonical(dict(reversed(list(value.items())))) == text
    assert len(files.digest(value)) == 12


def test_canonical_json_refuses_what_is_not_finite() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        files.canonical(math.nan)


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("[1]", "Expected `object`"),
        ('{"schema": "1"}', "$.schema: missing, or not an integer"),
        ('{"schema": 2}', "written by a newer ganbench"),
        ('{"schema": 1', "truncated"),
        ('{"schema": 1, "x": "\\ud800"}', "is damaged"),
    ],
)
def test_a_json_file_that_cannot_be_used_is_reported(tmp_path: Path, text: str, reported: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(ResultsError) as caught:
        files.load_json(path, 1, dict)
    assert reported in str(caught.value)
    assert str(path) in str(caught.value)
    assert files.load_json(tmp_path / "nothing.json", 1, dict) is None


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.write_atomically(path, b"old")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        files.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
