"""YAML without traps: places, guards, YAML 1.2 scalars."""

from __future__ import annotations

from typing import Any

import pytest

from ganbench.errors import UsageError
from ganbench.suite.yaml import Problems, parse, scalar


def _parse(text: str) -> Any:
    return parse(text, Problems("suite.yaml"))


@pytest.mark.parametrize(
    ("text", "value"),
    [("2e-4", 2e-4), ("1e3", 1000.0), (".5", 0.5), ("-3", -3), ("on", "on"), ("yes", "yes"), ("true", True),
     ("~", None), ("0.9", 0.9), ("1_000", "1_000"), ("0x1F", "0x1F"), ("abc\n", "abc\n")],
)  # fmt: skip
def test_plain_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_quoted_numbers_stay_text() -> None:
    assert _parse("a: '1'").plain() == {"a": "1"}


def test_places_are_lines_and_columns_from_one() -> None:
    root = _parse("a: 1\nb:\n  - x\n  - {c: 2}\n")
    inner = root.value["b"].value[1]
    assert (inner.line, inner.column) == (4, 5)
    assert (inner.key("c").line, inner.key("c").column) == (4, 6)
    assert root.plain() == {"a": 1, "b": ["x", {"c": 2}]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x 1\nb: *x", "suite.yaml:1:4: anchors and aliases"),
        ("a: 1\na: 2", "suite.yaml:2:1: duplicate key 'a'; it is first defined in line 1"),
        ("a: !!python/object:os.system x", "tags"),
        ("[" * 500 + "]" * 500, "nested deeper than 50 levels"),
        ("a: 1\n---\nb: 2", "a second document"),
        ("a: [1, 2", "suite.yaml:1:9: not valid YAML"),
        ("a: \x00", "not valid YAML"),
        ("x" * (1 << 20 | 1), "larger than 1 MiB"),
        ("? [a]\n: 1", "a key must be a string"),
    ],
)
def test_traps_are_refused_with_their_place(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        _parse(text)
    assert said in str(caught.value)


def test_an_alias_bomb_is_refused_at_once() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
    )
    with pytest.raises(UsageError, match="anchors and aliases"):
        _parse(bomb)
