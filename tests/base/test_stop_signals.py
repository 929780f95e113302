"""Signals that ask a process to leave are handled, unless the user had them ignored."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from ganbench.stop_signals import STOP_SIGNALS, handle_stop_signals


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", STOP_SIGNALS, ids=lambda number: number.name)
def test_each_is_handled(number: signal.Signals) -> None:
    heard: list[int] = []
    signal.signal(number, signal.SIG_DFL)
    handle_stop_signals(lambda number, _: heard.append(number))
    signal.raise_signal(number)
    assert heard == [number]


def test_under_nohup_the_end_of_the_terminal_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    handle_stop_signals(lambda number, _: None)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
